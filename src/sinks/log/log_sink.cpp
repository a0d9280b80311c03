#include "sinks/log/log_sink.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

namespace coretap::sinks::log {
namespace {

// Large batches are written in pieces, so that the buffer stays in the cache.
constexpr std::size_t PIECE_BYTES{128 << 10};
// A payload of 4 MB in hex makes a long line once; the memory need not be kept for ever.
constexpr std::size_t KEEP_BYTES{1 << 20};

constexpr int LAST_PATIENCE_MS{2000};

bool Stopped(const std::atomic<bool>* stop) { return stop != nullptr && stop->load(std::memory_order_relaxed); }

/** Whether the descriptor takes something within LAST_PATIENCE_MS; errno says why not. */
bool IsWritable(int fd)
{
    pollfd waiting{.fd = fd, .events = POLLOUT, .revents = 0};
    const int ready{::poll(&waiting, 1, LAST_PATIENCE_MS)};
    if (ready == 0) errno = ETIMEDOUT;
    return ready > 0;
}

/** Returns 0, or the errno with which it gave up. */
int WriteAll(int fd, std::string_view rest, const std::atomic<bool>* stop)
{
    while (!rest.empty()) {
        // Asked to stop, we deliver what we have, in pieces a pipe takes whole, so that no write hangs for ever.
        const bool stopping{Stopped(stop)};
        const std::size_t piece{stopping ? std::min<std::size_t>(rest.size(), PIPE_BUF) : rest.size()};
        const ssize_t written{stopping && !IsWritable(fd) ? -1 : ::write(fd, rest.data(), piece)};
        if (written >= 0) {
            rest.remove_prefix(static_cast<std::size_t>(written));
            continue;
        }
        if (errno == EINTR) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) return errno;
        if (pollfd waiting{.fd = fd, .events = POLLOUT, .revents = 0}; ::poll(&waiting, 1, -1) < 0 && errno != EINTR) return errno;
    }
    return 0;
}

} // namespace

LogSink::LogSink(int fd, LogOptions options) : m_fd{fd}, m_options{options}, m_text{options.text} { m_buffer.reserve(2 * PIECE_BYTES); }

util::Result<> LogSink::Write(std::span<const event::Event> batch)
{
    for (const event::Event& event : batch) {
        m_nodes.Observe(event);
        if (event.Id() == event::id::CORETAP_NODE_FOUND && m_nodes.Several()) m_text.ShowNode();
        const event::NodeLabel node{m_nodes.Find(event)};
        if (m_options.json) {
            event::AppendJson(m_buffer, event, node, m_options.json_options);
            m_buffer += '\n';
        } else {
            m_text.Append(m_buffer, event, node);
        }
        ++m_lines;
        if (m_buffer.size() < PIECE_BYTES) continue;
        if (auto flushed = Flush(); !flushed) return flushed;
    }
    return Flush();
}

util::Result<> LogSink::Flush()
{
    if (m_failed == 0) m_failed = WriteAll(m_fd, m_buffer, m_options.stop);
    m_buffer.clear();
    if (m_buffer.capacity() > KEEP_BYTES) {
        m_buffer.shrink_to_fit();
        m_buffer.reserve(2 * PIECE_BYTES);
    }
    if (m_failed == 0) return {};
    return util::Error{util::Errc::Io, fmt::format("cannot write the output: {}", std::strerror(m_failed)), m_failed};
}

} // namespace coretap::sinks::log
