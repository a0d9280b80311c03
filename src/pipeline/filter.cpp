#include "pipeline/filter.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include <fmt/format.h>

#include "util/suggest.h"
#include "util/text.h"

namespace coretap::pipeline {
namespace {

namespace id = event::id;
using event::TracepointDef;
using util::Errc;
using util::Error;
using util::Quoted;
using util::Result;

constexpr std::string_view OTHER{"other"};

/** The items between commas, none of them empty. */
Result<std::vector<std::string>> Split(std::string_view text, std::string_view what)
{
    std::vector<std::string> items;
    for (;;) {
        const std::size_t comma{text.find(',')};
        const std::string_view item{text.substr(0, comma)};
        if (item.empty())
            return Error{Errc::Usage, fmt::format("empty name in a list of {}: write them separated by commas, without spaces", what)};
        items.emplace_back(item);
        if (comma == std::string_view::npos) return items;
        text.remove_prefix(comma + 1);
    }
}

void MoveInto(std::vector<std::string>& to, std::vector<std::string>& from) { std::ranges::move(from, std::back_inserter(to)); }

Result<> ParseNames(std::string_view text, std::string_view what, std::span<const std::string_view> known, std::vector<std::string>& into)
{
    auto items = Split(text, what);
    if (!items) return items.GetError();
    for (const std::string& item : *items) {
        if (std::ranges::find(known, item) != known.end()) continue;
        return Error{Errc::Usage, fmt::format("unknown {} {};{}", what, Quoted(item), util::Suggestion(item, known))};
    }
    MoveInto(into, *items);
    return {};
}

bool IsProbe(const TracepointDef& def) { return def.origin != event::Origin::Coretap; }

Error UnknownTracepoint(std::string_view name, const std::vector<const TracepointDef*>& rows)
{
    // A name without a colon may have been meant as any of the three.
    const bool full{name.find(':') != std::string_view::npos};
    std::vector<std::string> full_names;
    std::vector<std::string_view> names;
    std::vector<std::string_view> providers;
    for (const TracepointDef* row : rows) {
        if (!IsProbe(*row)) continue;
        full_names.push_back(row->FullName());
        names.push_back(row->name);
        if (std::ranges::find(providers, row->provider) == providers.end()) providers.push_back(row->provider);
    }
    std::string hint;
    const std::vector<std::string_view> full_views{full_names.begin(), full_names.end()};
    if (const std::string_view near{full ? util::Nearest(name, full_views) : util::Nearest(name, providers)}; !near.empty()) {
        hint = fmt::format(" did you mean '{}'?", near);
    } else if (const auto at = std::ranges::find(names, util::Nearest(name, names)); !full && at != names.end()) {
        hint = fmt::format(" did you mean '{}'?", full_names[static_cast<std::size_t>(at - names.begin())]);
    } else if (const std::string_view provider{name.substr(0, name.find(':'))};
               full && std::ranges::find(providers, provider) != providers.end()) {
        std::vector<std::string_view> of_provider;
        std::ranges::copy_if(full_views, std::back_inserter(of_provider),
                             [&](std::string_view each) { return each.starts_with(std::string{provider} + ":"); });
        hint = fmt::format(" there are {}", fmt::join(of_provider, ", "));
    } else {
        hint = fmt::format(" there are the providers {} (tracepoints as provider:name)", fmt::join(providers, ", "));
    }
    return Error{Errc::Usage, fmt::format("no tracepoint is called {};{}", Quoted(name), hint)};
}

std::int8_t ArgOrNone(const TracepointDef& def, std::string_view name, bool text)
{
    const auto arg = def.ArgIndex(name);
    if (!arg) return -1;
    const event::ArgType type{def.args[*arg].type};
    const bool fits{text ? type == event::ArgType::String : type == event::ArgType::Int || type == event::ArgType::Uint};
    return fits ? static_cast<std::int8_t>(*arg) : std::int8_t{-1};
}

std::optional<Direction> DirectionOf(const TracepointDef& def)
{
    switch (def.id) {
    case id::INBOUND_MESSAGE:
    case id::INBOUND_CONNECTION:
    case id::EVICTED_INBOUND_CONNECTION: return Direction::In;
    case id::OUTBOUND_MESSAGE:
    case id::OUTBOUND_CONNECTION: return Direction::Out;
    default: return std::nullopt;
    }
}

bool Contains(const std::vector<std::string>& names, std::string_view name) { return std::ranges::find(names, name) != names.end(); }

/** Whether `names` has the connection type, or has `other` and it is none we know. */
bool HasConnectionType(const std::vector<std::string>& names, std::string_view name)
{
    return Contains(names, name) || (Contains(names, OTHER) && event::ConnectionTypeId(name) == 0);
}

} // namespace

Result<> ParseOnly(std::string_view text, FilterSpec& spec)
{
    auto items = Split(text, "tracepoints");
    if (!items) return items.GetError();
    MoveInto(spec.only, *items);
    return {};
}

Result<> ParsePeers(std::string_view text, FilterSpec& spec)
{
    const auto items = Split(text, "peer ids");
    if (!items) return items.GetError();
    for (const std::string& item : *items) {
        std::int64_t peer{0};
        const auto parsed = std::from_chars(item.data(), item.data() + item.size(), peer);
        if (parsed.ec != std::errc{} || parsed.ptr != item.data() + item.size() || peer < 0) {
            return Error{Errc::Usage, fmt::format("{} is not a peer id: a whole number, as getpeerinfo shows it", Quoted(item))};
        }
        spec.peers.push_back(peer);
    }
    return {};
}

Result<> ParseMessageTypes(std::string_view text, FilterSpec& spec)
{
    return ParseNames(text, "message type", event::MessageTypes(), spec.msg_types);
}

Result<> ParseDirection(std::string_view text, FilterSpec& spec)
{
    if (text == "in" || text == "inbound") {
        spec.direction = Direction::In;
    } else if (text == "out" || text == "outbound") {
        spec.direction = Direction::Out;
    } else {
        return Error{Errc::Usage, fmt::format("unknown direction {}; in or out", Quoted(text))};
    }
    return {};
}

Result<> ParseConnectionTypes(std::string_view text, FilterSpec& spec)
{
    return ParseNames(text, "connection type", event::ConnectionTypes(), spec.conn_types);
}

Result<> ParseNodes(std::string_view text, FilterSpec& spec)
{
    auto items = Split(text, "nodes");
    if (!items) return items.GetError();
    MoveInto(spec.nodes, *items);
    return {};
}

Result<std::vector<const TracepointDef*>> ResolveTracepoints(std::string_view name, const event::Catalogue& catalogue)
{
    std::vector<const TracepointDef*> found;
    std::vector<const TracepointDef*> by_name;
    const auto rows = catalogue.Rows();
    for (const TracepointDef* row : rows) {
        if (!IsProbe(*row)) continue;
        if (row->provider == name || row->FullName() == name) found.push_back(row);
        if (row->name == name) by_name.push_back(row);
    }
    if (!found.empty()) return found; // a provider goes before a tracepoint of the same name
    if (by_name.empty()) return UnknownTracepoint(name, rows);
    for (const TracepointDef* row : by_name) {
        if (row->provider == by_name.front()->provider) continue;
        return Error{Errc::Usage, fmt::format("{} is ambiguous: {} or {}?", Quoted(name), by_name.front()->FullName(), row->FullName())};
    }
    return by_name;
}

Result<Filter> Filter::Make(FilterSpec spec, const event::Catalogue& catalogue)
{
    Filter filter;
    const auto rows = catalogue.Rows();
    filter.m_rows.resize(rows.empty() ? 0 : rows.back()->id + std::size_t{1});
    for (const TracepointDef* def : rows) {
        Row& row{filter.m_rows[def->id]};
        row.wanted = spec.only.empty() || !IsProbe(*def);
        row.direction = DirectionOf(*def);
        row.peer_arg = ArgOrNone(*def, "peer_id", false);
        row.conn_type_arg = ArgOrNone(*def, "conn_type", true);
    }
    for (const std::string& name : spec.only) {
        const auto named = ResolveTracepoints(name, catalogue);
        if (!named) return named.GetError();
        for (const TracepointDef* def : *named) filter.m_rows[def->id].wanted = true;
    }
    bool any{false};
    for (const TracepointDef* def : rows) {
        if (!IsProbe(*def)) continue;
        Row& row{filter.m_rows[def->id]};
        if (!spec.msg_types.empty() && def->handler != event::Handler::Message) row.wanted = false;
        if (!spec.peers.empty() && row.peer_arg < 0) row.wanted = false;
        if (!spec.conn_types.empty() && row.conn_type_arg < 0) row.wanted = false;
        if (spec.direction) {
            const bool can_be{row.direction ? row.direction == spec.direction : def->id == id::CLOSED_CONNECTION};
            if (!can_be) row.wanted = false;
        }
        any = any || row.wanted;
    }
    if (!any) {
        return Error{
            Errc::Usage,
            "the filter lets nothing pass: none of the chosen tracepoints has what it asks about (a peer id, a message type, a connection type, a direction)"};
    }
    filter.m_other_messages = Contains(spec.msg_types, OTHER);
    filter.m_spec = std::move(spec);
    return filter;
}

bool Filter::WantsTracepoint(const TracepointDef& def) const { return def.id < m_rows.size() && m_rows[def.id].wanted; }

std::optional<std::array<bool, CT_MAX_MSG_TYPES>> Filter::WantedMessageTypes() const
{
    if (m_spec.msg_types.empty()) return std::nullopt;
    std::array<bool, CT_MAX_MSG_TYPES> wanted{};
    for (const std::string& name : m_spec.msg_types) wanted[event::MessageTypeId(name)] = true; // `other` is 0
    return wanted;
}

bool Filter::Matches(const event::Event& event, std::string_view node_label) const
{
    if (event.Def().origin == event::Origin::Coretap) return true;
    if (event.Id() >= m_rows.size()) return false;
    const Row& row{m_rows[event.Id()]};
    if (!row.wanted) return false;
    // row.wanted says that the arguments asked about are there.
    if (!m_spec.peers.empty()) {
        const auto arg{static_cast<std::size_t>(row.peer_arg)};
        if (event.Faulted(arg) || std::ranges::find(m_spec.peers, event.Int(arg)) == m_spec.peers.end()) return false;
    }
    if (!m_spec.msg_types.empty()) {
        if (event.Faulted(event::message_arg::MSG_TYPE)) return false;
        const std::string_view type{event.Str(event::message_arg::MSG_TYPE)};
        if (!Contains(m_spec.msg_types, type) && !(m_other_messages && event::MessageTypeId(type) == 0)) return false;
    }
    if (!m_spec.conn_types.empty()) {
        const auto arg{static_cast<std::size_t>(row.conn_type_arg)};
        if (event.Faulted(arg) || !HasConnectionType(m_spec.conn_types, event.Str(arg))) return false;
    }
    if (m_spec.direction && !row.direction) {
        const auto arg{static_cast<std::size_t>(row.conn_type_arg)};
        if (event.Faulted(arg)) return false;
        const Direction direction{event.Str(arg) == "inbound" ? Direction::In : Direction::Out};
        if (direction != *m_spec.direction) return false;
    }
    if (!m_spec.nodes.empty() && !Contains(m_spec.nodes, node_label)) {
        std::array<char, 10> pid;
        const auto end = std::to_chars(pid.data(), pid.data() + pid.size(), event.Pid()).ptr;
        if (!Contains(m_spec.nodes, std::string_view{pid.data(), static_cast<std::size_t>(end - pid.data())})) return false;
    }
    return true;
}

} // namespace coretap::pipeline
