// Which columns a table of events has: what the user asked for, checked against what there is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "event/catalogue.h"
#include "event/json.h"
#include "pipeline/filter.h"
#include "sinks/table/path.h"
#include "util/result.h"

namespace coretap::sinks::table {

enum class Format : std::uint8_t {
    Csv,
    JsonLines, //!< an object a line
};

/** `csv` or `jsonl`. */
util::Result<Format> ParseFormat(std::string_view text);
/** `--fields ts,peer_id`: a list separated by commas, added to `fields`. Syntax only; Layout::Make() knows what there is. */
util::Result<> ParseFields(std::string_view text, std::vector<std::string>& fields);

/** What the user asks for. */
struct TableOptions {
    Format format{Format::Csv};
    std::vector<std::string> fields{}; //!< none: see Layout
    std::string each{};                //!< path of an array of which each element is a row; empty: a row an event
    bool guard_formulas{false};        //!< CSV: see AppendCsvText()
    event::JsonOptions whole{};        //!< of events that are written as they are; a table decodes what its fields ask for
};

/** A column: a value of the event, or of the element that the row is for. */
struct Field {
    std::string name; //!< as the user wrote it: the column's name
    bool of_each{false};
    Path path{};
};

/**
 * The columns, ready for use. Immutable.
 *
 * A field is a path into the event's JSON (docs/json.md). `peer_id` stands for `args.peer_id`, if no member of the event has that name. With
 * `each`, `each` is the element, and `each.hash` a member of it. No fields at all: for CSV, and with `each`, the time, the event's name,
 * the node, every argument that an event passing the filter can have (but for the payload of messages), and the element; for JSON lines
 * the event as it is.
 */
class Layout {
    Format m_format{Format::Csv};
    bool m_guard_formulas{false};
    event::JsonOptions m_json{};
    bool m_chosen{false};
    std::vector<Field> m_fields;
    std::optional<Field> m_each;
    std::vector<std::string> m_left_out;

    Layout() = default;
    event::JsonOptions JsonForFields(const TableOptions& options) const;

public:
    /**
     * Fails with Usage and a suggestion on fields that no event which passes the filter can have, as far as that is known before: what is in
     * a decoded message is not.
     */
    static util::Result<Layout> Make(const TableOptions& options, const event::Catalogue& catalogue, const pipeline::Filter& filter);

    Format Form() const noexcept { return m_format; }
    bool GuardFormulas() const noexcept { return m_guard_formulas; }
    /** Whether events are written as they are, coretap's own too. */
    bool WholeEvents() const noexcept { return m_fields.empty(); }
    /** Whether the user named the fields. */
    bool Chosen() const noexcept { return m_chosen; }
    const std::vector<Field>& Fields() const noexcept { return m_fields; }
    const std::optional<Field>& Each() const noexcept { return m_each; }
    /** Whether decoded messages are asked for: a recording without payloads has none. */
    bool NeedsDecoded() const noexcept;
    /** What of an event must be made into JSON, for its fields or for the whole. */
    const event::JsonOptions& Json() const noexcept { return m_json; }
    /** Whether the tracepoint of that name (`provider:name`) is one whose events the filter takes out. */
    bool LeavesOut(std::string_view tracepoint) const;
};

} // namespace coretap::sinks::table
