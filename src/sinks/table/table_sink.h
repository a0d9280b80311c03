// Events as rows of a table, for notebooks and SQL: CSV, or JSON with an object a line.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/parser.hpp>
#include <boost/json/value.hpp>

#include "event/json.h"
#include "pipeline/node_names.h"
#include "pipeline/pipeline.h"
#include "sinks/table/layout.h"
#include "util/output.h"

namespace coretap::sinks::table {

/** What became of the events, so far. */
struct TableTotals {
    std::uint64_t events{0};                     //!< exported, coretap's own not counted
    std::uint64_t rows{0};                       //!< lines, the header not counted
    std::uint64_t without_each{0};               //!< events that have no such array: no row tells of them
    std::uint64_t cut{0};                        //!< decoded messages of which the recording has not all the payload
    std::uint64_t malformed{0};                  //!< decoded messages that do not follow the protocol
    std::map<std::string, std::uint64_t> lost{}; //!< lost events that might have been exported, by tracepoint
};

/**
 * Writes a row an event, or a row an element of one of its arrays, as the layout says; the values are those of
 * event::AppendJson. Every event of a batch is handed to the descriptor before Write returns. One thread. Filter
 * before: what comes is exported.
 *
 * coretap's own events are no rows of a table: they are left out, and the losses among them counted. Where events are
 * written whole they stay.
 *
 * CSV: RFC 4180 with LF, and a header, even if there are no rows; cells as AppendCsvValue() writes them. A table of one
 * column has "" instead of an empty line for no value. JSON lines: an object with every field, null where an event
 * has not got it.
 *
 * Write and Flush fail as util::Output does; and with Malformed if an event's JSON cannot be read back, which is a bug of ours.
 */
class TableSink final : public pipeline::Sink {
    Layout m_layout;
    util::Output m_output;
    pipeline::NodeNames m_nodes;
    TableTotals m_totals;
    std::vector<char> m_seen;                     //!< by field: whether an event had it
    std::string m_json;                           //!< of the event at hand
    std::array<unsigned char, 64 << 10> m_room{}; //!< for its values, if they find room there
    boost::json::parser m_parser;

    void CountLost(const event::Event& event);
    util::Result<> WriteRows(const event::Event& event, const event::NodeLabel& node);
    void CountIncomplete(const boost::json::value& event);
    void AppendHeader();
    void AppendRow(const boost::json::value& event, const boost::json::value* element);

public:
    /** `fd` is borrowed and must outlive the sink; for `stop` see util::Output. Writes nothing yet. */
    TableSink(int fd, Layout layout, const std::atomic<bool>* stop = nullptr);

    std::string_view Name() const noexcept override { return "table"; }
    util::Result<> Write(std::span<const event::Event> batch) override;
    util::Result<> Flush() override;

    const TableTotals& Totals() const noexcept { return m_totals; }
    /** Names of fields that no exported event had. Null counts as having it. */
    std::vector<std::string> UnseenFields() const;
    /**
     * What the user must know of the table at the end, a sentence each, without a newline: events that were lost, messages that are there in
     * part, events without the array, fields that no event had. Empty if all is well.
     */
    std::vector<std::string> Notices() const;
};

} // namespace coretap::sinks::table
