#include "sinks/log/log_sink.h"

namespace coretap::sinks::log {

LogSink::LogSink(int fd, LogOptions options) : m_options{options}, m_text{options.text}, m_output{fd, options.stop} {}

util::Result<> LogSink::Write(std::span<const event::Event> batch)
{
    std::string& buffer{m_output.Buffer()};
    for (const event::Event& event : batch) {
        m_nodes.Observe(event);
        if (event.Id() == event::id::CORETAP_NODE_FOUND && m_nodes.Several()) m_text.ShowNode();
        const event::NodeLabel node{m_nodes.Find(event)};
        if (m_options.json) {
            event::AppendJson(buffer, event, node, m_options.json_options);
            buffer += '\n';
        } else {
            m_text.Append(buffer, event, node);
        }
        ++m_lines;
        if (auto flushed = m_output.FlushIfFull(); !flushed) return flushed;
    }
    return Flush();
}

util::Result<> LogSink::Flush() { return m_output.Flush(); }

} // namespace coretap::sinks::log
