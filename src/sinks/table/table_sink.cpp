#include "sinks/table/table_sink.h"

#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/monotonic_resource.hpp>
#include <fmt/format.h>

#include "sinks/table/cell.h"
#include "util/text.h"

namespace coretap::sinks::table {
namespace {

std::string Grouped(std::uint64_t n)
{
    std::string text;
    util::AppendGrouped(text, n);
    return text;
}

/** `1 event`, `1,234 events` */
std::string Events(std::uint64_t n) { return Grouped(n) + (n == 1 ? " event" : " events"); }

} // namespace

TableSink::TableSink(int fd, Layout layout, const std::atomic<bool>* stop)
    : m_layout{std::move(layout)}, m_output{fd, stop}, m_seen(m_layout.Fields().size(), 0)
{
    if (m_layout.Form() == Format::Csv && !m_layout.WholeEvents()) AppendHeader();
}

void TableSink::AppendHeader()
{
    std::string& out{m_output.Buffer()};
    for (std::size_t i{0}; i < m_layout.Fields().size(); ++i) {
        if (i != 0) out += ',';
        AppendCsvText(out, m_layout.Fields()[i].name, false);
    }
    out += '\n';
}

util::Result<> TableSink::Write(std::span<const event::Event> batch)
{
    for (const event::Event& event : batch) {
        m_nodes.Observe(event);
        const bool own{event.Def().origin == event::Origin::Coretap};
        if (event.Id() == event::id::CORETAP_LOST) CountLost(event);
        if (!own) ++m_totals.events;
        if (m_layout.WholeEvents()) {
            event::AppendJson(m_output.Buffer(), event, m_nodes.Find(event), m_layout.Json());
            m_output.Buffer() += '\n';
            ++m_totals.rows;
        } else if (!own) {
            if (auto written = WriteRows(event, m_nodes.Find(event)); !written) return written;
        }
        if (auto flushed = m_output.FlushIfFull(); !flushed) return flushed;
    }
    return Flush();
}

util::Result<> TableSink::Flush() { return m_output.Flush(); }

void TableSink::CountLost(const event::Event& event)
{
    const auto tracepoint = event.Def().ArgIndex("tracepoint");
    const auto count = event.Def().ArgIndex("count");
    if (!tracepoint || !count) return;
    std::string name{event.Str(*tracepoint)};
    if (!m_layout.LeavesOut(name)) m_totals.lost[std::move(name)] += event.Uint(*count);
}

util::Result<> TableSink::WriteRows(const event::Event& event, const event::NodeLabel& node)
{
    m_json.clear();
    event::AppendJson(m_json, event, node, m_layout.Json());
    // One an event: a resource that is used again asks for twice as much memory each time that its buffer is too small.
    boost::json::monotonic_resource arena{m_room.data(), m_room.size()};
    m_parser.reset(&arena);
    boost::json::error_code failed;
    m_parser.write(m_json, failed);
    if (failed) {
        m_parser.reset(); // it still has values in the arena
        return util::Error{util::Errc::Malformed, fmt::format("the JSON of an event of {} cannot be read back ({}); please report this",
                                                              event.Def().FullName(), failed.message())};
    }
    const boost::json::value value = m_parser.release(); // in braces it would be an array of it
    if (m_layout.NeedsDecoded()) CountIncomplete(value);
    if (!m_layout.Each()) {
        AppendRow(value, nullptr);
        return {};
    }
    const boost::json::value* list{m_layout.Each()->path.Find(value)};
    const boost::json::array* elements{list == nullptr ? nullptr : list->if_array()};
    if (elements == nullptr) {
        ++m_totals.without_each;
        return {};
    }
    for (const boost::json::value& element : *elements) {
        AppendRow(value, &element);
        if (auto flushed = m_output.FlushIfFull(); !flushed) return flushed;
    }
    return {};
}

/** What is decoded of a message says itself that it is not all (docs/messages.md). */
void TableSink::CountIncomplete(const boost::json::value& event)
{
    static const Path STATUS{*Path::Parse("decoded.status")};
    const boost::json::value* status{STATUS.Find(event)};
    if (status == nullptr) return;
    ++(*status == "cut" ? m_totals.cut : m_totals.malformed);
}

void TableSink::AppendRow(const boost::json::value& event, const boost::json::value* element)
{
    std::string& out{m_output.Buffer()};
    const std::vector<Field>& fields{m_layout.Fields()};
    const bool csv{m_layout.Form() == Format::Csv};
    const std::size_t begun{out.size()};
    if (!csv) out += '{';
    for (std::size_t i{0}; i < fields.size(); ++i) {
        const Field& field{fields[i]};
        const boost::json::value* value{field.of_each ? field.path.Find(*element, 1) : field.path.Find(event)};
        if (value != nullptr) m_seen[i] = 1;
        if (i != 0) out += ',';
        if (csv) {
            AppendCsvValue(out, value, m_layout.GuardFormulas());
        } else {
            util::AppendJsonString(out, field.name);
            out += ':';
            AppendJsonValue(out, value);
        }
    }
    if (csv && out.size() == begun) out += "\"\""; // an empty line is no row to most readers
    out += csv ? "\n" : "}\n";
    ++m_totals.rows;
}

std::vector<std::string> TableSink::UnseenFields() const
{
    std::vector<std::string> names;
    for (std::size_t i{0}; i < m_seen.size(); ++i) {
        if (m_seen[i] == 0) names.push_back(m_layout.Fields()[i].name);
    }
    return names;
}

std::vector<std::string> TableSink::Notices() const
{
    std::vector<std::string> notices;
    if (!m_totals.lost.empty()) {
        std::uint64_t lost{0};
        std::string by_tracepoint;
        for (const auto& [name, count] : m_totals.lost) {
            if (count == 0) { // damage of which nothing tells how much there was
                notices.push_back(fmt::format("an unknown number of events is lost, rows may be missing here: {}", util::Quoted(name)));
                continue;
            }
            lost += count;
            by_tracepoint += fmt::format("{}{} {}", by_tracepoint.empty() ? "" : ", ", util::Quoted(name), Grouped(count));
        }
        if (lost != 0) notices.push_back(fmt::format("{} are lost, up to so many rows are missing here: {}", Events(lost), by_tracepoint));
    }
    if (m_totals.cut != 0) {
        notices.push_back(fmt::format("{} of {} are decoded only in part: the recording has not all of their payload",
                                      Grouped(m_totals.cut), Events(m_totals.events)));
    }
    if (m_totals.malformed != 0) {
        notices.push_back(fmt::format("{} of {} are decoded only as far as they make sense: the peer sent them malformed",
                                      Grouped(m_totals.malformed), Events(m_totals.events)));
    }
    if (m_totals.without_each != 0) {
        notices.push_back(fmt::format("{} of {} had no array {} and no row", Grouped(m_totals.without_each), Events(m_totals.events),
                                      m_layout.Each()->name));
    }
    if (m_layout.Chosen() && m_totals.rows != 0) {
        for (const std::string& name : UnseenFields())
            notices.push_back(fmt::format("no exported event had the field {}", util::Quoted(name)));
    }
    return notices;
}

} // namespace coretap::sinks::table
