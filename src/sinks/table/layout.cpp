#include "sinks/table/layout.h"

#include <algorithm>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "event/event.h"
#include "event/json.h"
#include "util/suggest.h"
#include "util/text.h"

namespace coretap::sinks::table {
namespace {

using event::TracepointDef;
using util::Errc;
using util::Error;
using util::Result;

constexpr std::string_view ARGS{"args"};
constexpr std::string_view DECODED{"decoded"};
constexpr std::string_view EACH{"each"};
constexpr std::string_view PAYLOAD{"payload"}; // of messages
// More names than that are no help in a message.
constexpr std::size_t LONGEST_LIST{24};
// The hex of a payload that no field shows would be made and read for nothing.
constexpr event::PayloadBounds NO_PAYLOAD{};

/** The members an event of the tracepoint can have: those of one that has them all, whose arguments are null. */
boost::json::object SampleOf(const TracepointDef& def, const event::Catalogue& catalogue)
{
    std::vector<std::byte> record;
    event::RecordBuilder builder{record, def.id, def.args.size(), 0, 0, 0};
    for (std::size_t i{0}; i < def.args.size(); ++i) builder.Uint(0); // no bytes of their own
    builder.Finish(0xffff, 0xffff, CT_F_SHED);
    const auto event = event::ParseRecord(record, catalogue, 0);
    if (!event) return {};
    std::string text;
    event::AppendJson(text, *event, {});
    boost::json::error_code failed;
    boost::json::value value = boost::json::parse(text, failed);
    return failed || !value.is_object() ? boost::json::object{} : std::move(value.get_object());
}

/** What can be asked for. */
class Known {
    boost::json::object m_event;                //!< members of an event
    std::vector<std::string_view> m_args;       //!< of events that pass, each once
    std::vector<std::string_view> m_columns;    //!< those that a table has without being asked
    std::vector<const TracepointDef*> m_passed; //!< tracepoints whose events pass
    const event::Catalogue& m_catalogue;

    static void AddOnce(std::vector<std::string_view>& names, std::string_view name)
    {
        if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    }

public:
    Known(const event::Catalogue& catalogue, const pipeline::Filter& filter) : m_catalogue{catalogue}
    {
        for (const TracepointDef* def : catalogue.Rows()) {
            if (def->origin == event::Origin::Coretap || !filter.WantsTracepoint(*def)) continue;
            m_passed.push_back(def);
            const bool message{def->handler == event::Handler::Message};
            for (std::size_t i{0}; i < def->args.size(); ++i) {
                AddOnce(m_args, def->args[i].name);
                if (!message || i != event::message_arg::PAYLOAD) AddOnce(m_columns, def->args[i].name);
            }
            for (const auto& member : SampleOf(*def, catalogue)) {
                if (!m_event.contains(member.key())) m_event.insert(member);
            }
        }
        m_event.erase(DECODED); // if there is any, only its messages know what is in it
    }

    bool AnyMessage() const
    {
        return std::ranges::any_of(m_passed, [](const TracepointDef* def) { return def->handler == event::Handler::Message; });
    }
    bool HasArg(std::string_view name) const { return std::ranges::find(m_args, name) != m_args.end(); }
    const boost::json::value* Member(std::string_view name) const { return m_event.if_contains(name); }
    const std::vector<std::string_view>& Columns() const { return m_columns; }
    const std::vector<const TracepointDef*>& Passed() const { return m_passed; }

    /** No argument of that name: whose it is, or what is like it. */
    Error NoArg(std::string_view text, std::string_view name) const
    {
        for (const TracepointDef* def : m_catalogue.Rows()) {
            if (def->origin == event::Origin::Coretap || !def->ArgIndex(name)) continue;
            return {Errc::Usage,
                    fmt::format("no event that passes the filter has the field {}: it is of {}", util::Quoted(text), def->FullName())};
        }
        std::vector<std::string_view> names{m_args};
        std::vector<std::string_view> members;
        if (!text.starts_with(ARGS)) {
            for (const auto& member : m_event) members.emplace_back(member.key().data(), member.key().size());
            if (AnyMessage()) members.push_back(DECODED);
            names.insert(names.end(), members.begin(), members.end());
        }
        std::string hint{util::Suggestion(name, names)};
        if (names.size() > LONGEST_LIST && util::Nearest(name, names).empty()) {
            hint = fmt::format(" there are {}, and arguments by their names in docs/tracepoints.md", fmt::join(members, ", "));
        }
        return {Errc::Usage, fmt::format("no event has the field {};{}", util::Quoted(text), hint)};
    }
};

/** The place of a field in an event; short forms are made long. */
Result<Path> Place(std::string_view text, const Known& known)
{
    auto parsed = Path::Parse(text);
    if (!parsed) return parsed;
    Path path{std::move(*parsed)};
    const auto no_parts = [&](std::string_view whole) {
        return Error{Errc::Usage, fmt::format("there is no field {}: {} is one value", util::Quoted(text), util::Quoted(whole))};
    };
    if (path.First() == DECODED) {
        if (known.AnyMessage()) return path;
        return Error{Errc::Usage,
                     fmt::format("no event has the field {}: only P2P messages are decoded, and the filter lets none of them pass",
                                 util::Quoted(text))};
    }
    if (path.First() == ARGS) {
        if (path.Depth() == 1) return path;
        const std::string_view name{path.Name(1)};
        if (!known.HasArg(name)) return known.NoArg(text, name);
        if (path.Depth() > 2) return no_parts(name);
        return path;
    }
    if (const boost::json::value * member{known.Member(path.First())}) {
        if (path.Depth() > 1 && !member->is_structured()) return no_parts(path.First());
        return path;
    }
    if (path.First() == EACH) {
        return Error{Errc::Usage, fmt::format("the field {} needs --each, the array whose elements become rows", util::Quoted(text))};
    }
    if (!known.HasArg(path.First())) return known.NoArg(text, path.First());
    if (path.Depth() > 1) return no_parts(path.First());
    return path.Under(ARGS);
}

/** The array whose elements become rows. */
Result<Field> PlaceEach(const std::string& text, const Known& known)
{
    auto path = Place(text, known);
    if (!path) return path.GetError();
    const boost::json::value* member{path->Depth() == 1 ? known.Member(path->First()) : nullptr};
    if (path->First() == ARGS || (member != nullptr && !member->is_array())) {
        return Error{Errc::Usage, fmt::format("--each {}: that is not an array; decoded.entries of inv messages is one", text)};
    }
    return Field{text, false, std::move(*path)};
}

/** The fields where none are named. */
std::vector<std::string> DefaultFields(const Known& known, bool each)
{
    std::vector<std::string> fields{"ts", "event", "node"};
    for (const std::string_view name : known.Columns()) {
        const bool taken{name == DECODED || name == EACH || known.Member(name) != nullptr};
        fields.push_back(taken ? fmt::format("{}.{}", ARGS, name) : std::string{name});
    }
    if (each) fields.emplace_back(EACH);
    return fields;
}

} // namespace

Result<Format> ParseFormat(std::string_view text)
{
    if (text == "csv") return Format::Csv;
    if (text == "jsonl") return Format::JsonLines;
    return Error{Errc::Usage, fmt::format("unknown format {}; csv or jsonl", util::Quoted(text))};
}

Result<> ParseFields(std::string_view text, std::vector<std::string>& fields)
{
    while (true) {
        const std::size_t comma{text.find(',')};
        const std::string_view field{text.substr(0, comma)};
        if (const auto parsed = Path::Parse(field); !parsed) return parsed.GetError();
        fields.emplace_back(field);
        if (comma == std::string_view::npos) return {};
        text.remove_prefix(comma + 1);
    }
}

Result<Layout> Layout::Make(const TableOptions& options, const event::Catalogue& catalogue, const pipeline::Filter& filter)
{
    Layout layout;
    layout.m_format = options.format;
    layout.m_guard_formulas = options.guard_formulas;
    layout.m_chosen = !options.fields.empty();
    const Known known{catalogue, filter};
    const bool each{!options.each.empty()};
    if (each) {
        auto placed = PlaceEach(options.each, known);
        if (!placed) return placed.GetError();
        layout.m_each = std::move(*placed);
    }
    std::vector<std::string> names{options.fields};
    if (names.empty() && (each || options.format == Format::Csv)) names = DefaultFields(known, each);
    for (const std::string& name : names) {
        if (std::ranges::find(layout.m_fields, name, &Field::name) != layout.m_fields.end())
            return Error{Errc::Usage, fmt::format("the field {} is named twice", util::Quoted(name))};
        const bool of_each{each && (name == EACH || name.starts_with("each.") || name.starts_with("each["))};
        auto path = of_each ? Path::Parse(name) : Place(name, known);
        if (!path) return path.GetError();
        layout.m_fields.push_back({name, of_each, std::move(*path)});
    }
    layout.m_json = layout.JsonForFields(options);
    for (const TracepointDef* def : catalogue.Rows()) {
        const std::string name{def->FullName()};
        const auto same_name = [&](const TracepointDef* passed) { return passed->FullName() == name; };
        if (def->origin != event::Origin::Coretap && std::ranges::none_of(known.Passed(), same_name)) layout.m_left_out.push_back(name);
    }
    return layout;
}

bool Layout::NeedsDecoded() const noexcept
{
    const auto decoded = [](const Field& field) { return !field.of_each && field.path.First() == DECODED; };
    return (m_each && decoded(*m_each)) || std::ranges::any_of(m_fields, decoded);
}

event::JsonOptions Layout::JsonForFields(const TableOptions& options) const
{
    if (WholeEvents()) return options.whole;
    const auto shows_payload = [](const Field& field) {
        return !field.of_each && field.path.First() == ARGS && (field.path.Depth() == 1 || field.path.Name(1) == PAYLOAD);
    };
    return {.decode = NeedsDecoded() ? event::Decode::Full : event::Decode::Off,
            .shown_payload = std::ranges::any_of(m_fields, shows_payload) ? nullptr : &NO_PAYLOAD};
}

bool Layout::LeavesOut(std::string_view tracepoint) const { return std::ranges::find(m_left_out, tracepoint) != m_left_out.end(); }

} // namespace coretap::sinks::table
