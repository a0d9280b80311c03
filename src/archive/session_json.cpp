#include "archive/session_json.h"

#include <algorithm>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "archive/json_read.h"

namespace coretap::archive {
namespace {

namespace json = boost::json;
using event::ArgType;
using event::Handler;
using event::Origin;
using event::Unit;

// Kept by name, so that the order of the enumerations is free.
constexpr ArgType ARG_TYPES[]{ArgType::Int, ArgType::Uint, ArgType::Bool, ArgType::String, ArgType::Hash, ArgType::Bytes};
constexpr Unit UNITS[]{Unit::None,        Unit::PeerId,    Unit::Bytes,     Unit::VBytes,      Unit::Satoshi,
                       Unit::Height,      Unit::Count,     Unit::Index,     Unit::Nanoseconds, Unit::Microseconds,
                       Unit::UnixSeconds, Unit::NetworkId, Unit::FlushMode, Unit::Asn,         Unit::Bucket};
constexpr Origin ORIGINS[]{Origin::Core, Origin::Patched, Origin::User, Origin::Coretap};
constexpr std::pair<Handler, std::string_view> HANDLERS[]{
    {Handler::Generic, "generic"}, {Handler::Message, "message"}, {Handler::Coin, "coin"}};

template <class Enum, std::size_t N>
bool FromName(const Enum (&values)[N], std::string_view name, Enum& target)
{
    const auto* found{std::ranges::find_if(values, [name](Enum value) { return ToString(value) == name; })};
    if (found == std::end(values)) return false;
    target = *found;
    return true;
}

json::object ArgToJson(const event::ArgDef& arg)
{
    json::object object{{"name", arg.name}, {"type", ToString(arg.type)}, {"size", arg.size}};
    if (arg.unit != Unit::None) object["unit"] = ToString(arg.unit);
    if (arg.bound != 0) object["bound"] = arg.bound;
    if (arg.type == ArgType::Bytes) object["length_arg"] = arg.length_arg;
    if (!arg.doc.empty()) object["doc"] = arg.doc;
    return object;
}

json::object TracepointToJson(const RecordedTracepoint& row)
{
    json::array args;
    for (const event::ArgDef& arg : row.def.args) args.push_back(ArgToJson(arg));
    const auto* handler{std::ranges::find(HANDLERS, row.def.handler, &std::pair<Handler, std::string_view>::first)};
    return {{"id", row.def.id},
            {"provider", row.def.provider},
            {"name", row.def.name},
            {"origin", ToString(row.def.origin)},
            {"handler", handler->second},
            {"on_by_default", row.def.on_by_default},
            {"since", row.def.since},
            {"doc", row.def.doc},
            {"mode", row.mode == CT_MODE_DELIVER ? "deliver" :
                     row.mode == CT_MODE_COUNT   ? "count" :
                                                   "off"},
            {"args", std::move(args)}};
}

/** The command line may be anything; JSON is UTF-8. */
std::string Printable(std::string text)
{
    MakePrintable(text);
    return text;
}

/** A provider, a tracepoint, an argument: what the configuration takes, and nothing a terminal would obey. */
bool IsName(std::string_view name)
{
    return !name.empty() && name.size() <= 128 && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    });
}

void ReadText(const json::object& object, const char* name, std::string& text)
{
    Read(object, name, text);
    MakePrintable(text);
}

bool ReadArg(const json::value& value, event::ArgDef& arg)
{
    const json::object* object{value.if_object()};
    if (object == nullptr) return false;
    std::string type, unit;
    Read(*object, "name", arg.name);
    Read(*object, "type", type);
    Read(*object, "unit", unit);
    Read(*object, "size", arg.size);
    Read(*object, "bound", arg.bound);
    Read(*object, "length_arg", arg.length_arg);
    ReadText(*object, "doc", arg.doc);
    if (!FromName(UNITS, unit, arg.unit)) arg.unit = Unit::None; // a unit of later: shown as a plain number
    return IsName(arg.name) && FromName(ARG_TYPES, type, arg.type) && (arg.size == 1 || arg.size == 2 || arg.size == 4 || arg.size == 8);
}

bool ReadTracepoint(const json::value& value, RecordedTracepoint& row)
{
    const json::object* object{value.if_object()};
    if (object == nullptr) return false;
    std::string origin, handler, mode;
    Read(*object, "id", row.def.id);
    Read(*object, "provider", row.def.provider);
    Read(*object, "name", row.def.name);
    Read(*object, "origin", origin);
    Read(*object, "handler", handler);
    Read(*object, "on_by_default", row.def.on_by_default);
    Read(*object, "mode", mode);
    ReadText(*object, "since", row.def.since);
    ReadText(*object, "doc", row.def.doc);
    if (!FromName(ORIGINS, origin, row.def.origin)) row.def.origin = Origin::User;
    const auto* known{std::ranges::find(HANDLERS, handler, &std::pair<Handler, std::string_view>::second)};
    row.def.handler = known == std::end(HANDLERS) ? Handler::Generic : known->first;
    row.mode = mode == "deliver" ? CT_MODE_DELIVER : mode == "count" ? CT_MODE_COUNT : CT_MODE_OFF;
    const json::value* args{object->if_contains("args")};
    if (args == nullptr || !args->is_array() || args->get_array().size() > CT_MAX_ARGS) return false;
    for (const json::value& arg : args->get_array()) {
        if (!ReadArg(arg, row.def.args.emplace_back())) return false;
    }
    for (const event::ArgDef& arg : row.def.args) {
        if (arg.length_arg >= row.def.args.size()) return false;
    }
    return row.def.id < CT_MAX_TRACEPOINTS && IsName(row.def.provider) && IsName(row.def.name);
}

} // namespace

std::string ToJson(const SessionInfo& info)
{
    json::array filter, snap, tracepoints;
    for (const std::string& word : info.filter) filter.emplace_back(Printable(word));
    for (const std::uint32_t bytes : info.snap) snap.emplace_back(bytes);
    for (const RecordedTracepoint& row : info.tracepoints) tracepoints.push_back(TracepointToJson(row));
    return json::serialize(json::object{{"session_id", info.session_id},
                                        {"part", info.part},
                                        {"coretap_version", Printable(info.coretap_version)},
                                        {"abi_version", info.abi_version},
                                        {"host", Printable(info.host)},
                                        {"boot_id", Printable(info.boot_id)},
                                        {"started_at_utc_ns", info.started_at_utc_ns},
                                        {"utc_offset_ns", info.utc_offset_ns},
                                        {"filter", std::move(filter)},
                                        {"snap", std::move(snap)},
                                        {"tracepoints", std::move(tracepoints)}});
}

util::Result<SessionInfo> SessionFromJson(std::string_view text)
{
    const auto malformed = [](std::string what) { return util::Error{util::Errc::Malformed, std::move(what)}; };
    const Document document{text};
    const json::object* object{document.Object()};
    if (object == nullptr) return malformed("a session that is no JSON object, or far too large a one");
    SessionInfo info;
    Read(*object, "session_id", info.session_id);
    Read(*object, "part", info.part);
    ReadText(*object, "coretap_version", info.coretap_version);
    Read(*object, "abi_version", info.abi_version);
    ReadText(*object, "host", info.host);
    ReadText(*object, "boot_id", info.boot_id);
    Read(*object, "started_at_utc_ns", info.started_at_utc_ns);
    info.started_at_utc_ns = std::clamp<std::int64_t>(info.started_at_utc_ns, 0, INT64_MAX / 2); // the year 2116: one can add to it
    Read(*object, "utc_offset_ns", info.utc_offset_ns);
    if (info.abi_version > CT_ABI_VERSION) {
        return util::Error{util::Errc::Unsupported,
                           fmt::format("recorded by a newer coretap ({}, records of version {}); this one reads up to version {}",
                                       info.coretap_version, info.abi_version, CT_ABI_VERSION)};
    }
    const auto is_hex_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    if (info.session_id.size() != 32 || !std::ranges::all_of(info.session_id, is_hex_digit)) return malformed("a session without its id");
    const auto array = [object](const char* name) -> const json::array* {
        const json::value* member{object->if_contains(name)};
        return member == nullptr ? nullptr : member->if_array();
    };
    if (const json::array * words{array("filter")}) {
        for (const json::value& word : *words) {
            if (!word.is_string()) continue;
            info.filter.emplace_back(word.get_string().c_str(), word.get_string().size());
            MakePrintable(info.filter.back());
        }
    }
    if (const json::array * snap{array("snap")}) {
        for (std::size_t i{0}; i < std::min(snap->size(), info.snap.size()); ++i) ReadNumber((*snap)[i], info.snap[i]);
    }
    if (const json::array * rows{array("tracepoints")}) {
        if (rows->size() > CT_MAX_TRACEPOINTS) return malformed("a session with more tracepoints than there can be");
        for (const json::value& row : *rows) {
            if (!ReadTracepoint(row, info.tracepoints.emplace_back())) {
                return malformed(fmt::format("a session whose tracepoint number {} makes no sense", info.tracepoints.size()));
            }
        }
    }
    return info;
}

} // namespace coretap::archive
