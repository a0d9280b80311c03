#include "event/json.h"

#include "event/message_json.h"
#include "util/text.h"
#include "util/time.h"

namespace coretap::event {
namespace {

void AppendName(std::string& out, std::string_view name, std::uint64_t value)
{
    if (name.empty()) {
        util::AppendNumber(out, value);
        return;
    }
    out += '"';
    out += name;
    out += '"';
}

void AppendUint(std::string& out, Unit unit, std::uint64_t value)
{
    switch (unit) {
    case Unit::NetworkId: AppendName(out, NetworkName(value), value); break;
    case Unit::FlushMode: AppendName(out, FlushModeName(value), value); break;
    default: util::AppendNumber(out, value); break;
    }
}

void AppendInt(std::string& out, Unit unit, std::int64_t value)
{
    // A user may describe an enumeration as signed.
    if (value >= 0) {
        AppendUint(out, unit, static_cast<std::uint64_t>(value));
    } else {
        util::AppendNumber(out, value);
    }
}

bool IsPayload(const Event& event, std::size_t arg) { return IsMessage(event) && arg == message_arg::PAYLOAD; }

/** What is shown of a byte array. */
std::span<const std::byte> ShownBytes(const Event& event, std::size_t arg, const JsonOptions& options)
{
    return IsPayload(event, arg) ? ShownPayload(event, options.shown_payload) : event.Bytes(arg);
}

void AppendValue(std::string& out, const Event& event, std::size_t arg, const JsonOptions& options)
{
    const ArgDef& def{event.Def().args[arg]};
    switch (def.type) {
    case ArgType::Int: AppendInt(out, def.unit, event.Int(arg)); break;
    case ArgType::Uint: AppendUint(out, def.unit, event.Uint(arg)); break;
    case ArgType::Bool: out += event.Uint(arg) != 0 ? "true" : "false"; break;
    case ArgType::String: util::AppendJsonString(out, event.Str(arg)); break;
    case ArgType::Hash:
        if (event.Bytes(arg).empty()) {
            out += "null";
            break;
        }
        out += '"';
        util::AppendHexReversed(out, event.Bytes(arg));
        out += '"';
        break;
    case ArgType::Bytes:
        out += '"';
        util::AppendHex(out, ShownBytes(event, arg, options));
        out += '"';
        break;
    }
}

/** Whether the argument goes under `cut`. */
bool TellCut(const Event& event, std::size_t arg)
{
    const bool by_policy{IsPayload(event, arg) && (event.Flags() & (CT_F_POLICY | CT_F_SHED)) != 0};
    return event.Cut(arg) && !by_policy;
}

/** `,"key":["name",...]` with the arguments for which `chosen(arg)`; nothing if there are none. */
template <class Chosen>
void AppendNames(std::string& out, const Event& event, std::string_view key, Chosen chosen)
{
    bool any{false};
    for (std::size_t i{0}; i < event.ArgCount(); ++i) {
        if (!chosen(i)) continue;
        if (any) {
            out += ",\"";
        } else {
            out += ",\"";
            out += key;
            out += "\":[\"";
        }
        out += event.Def().args[i].name;
        out += '"';
        any = true;
    }
    if (any) out += ']';
}

} // namespace

void AppendJson(std::string& out, const Event& event, const NodeLabel& node, const JsonOptions& options)
{
    const TracepointDef& def{event.Def()};
    out += "{\"ts\":\"";
    util::AppendUtc(out, event.UtcNs(), 9);
    out += "\",\"mono_ns\":";
    util::AppendNumber(out, event.MonotonicNs());
    out += ",\"event\":\"";
    out += def.provider; // identifiers, as the names of arguments: nothing to escape
    out += ':';
    out += def.name;
    out += "\",\"node\":";
    if (node.label.empty()) {
        out += "null";
    } else {
        util::AppendJsonString(out, node.label);
    }
    out += ",\"pid\":";
    util::AppendNumber(out, std::uint64_t{event.Pid()});
    out += ",\"node_started_at\":";
    if (node.started_at == 0) {
        out += "null";
    } else {
        util::AppendNumber(out, node.started_at);
    }
    out += ",\"tid\":";
    util::AppendNumber(out, std::uint64_t{event.Tid()});
    out += ",\"args\":{";
    bool first{true};
    for (std::size_t i{0}; i < event.ArgCount(); ++i) {
        const bool faulted{event.Faulted(i)};
        if (def.args[i].type == ArgType::Bytes && !faulted && ShownBytes(event, i, options).empty()) continue;
        out += first ? "\"" : ",\"";
        first = false;
        out += def.args[i].name;
        out += "\":";
        if (faulted) {
            out += "null";
        } else {
            AppendValue(out, event, i, options);
        }
    }
    out += '}';
    if (options.decode != Decode::Off && HasPayload(event)) {
        out += ",\"decoded\":";
        const wire::Decoded decoded{DecodeMessage(event)};
        if (options.decode == Decode::Full) {
            AppendMessageJson(out, decoded);
        } else {
            AppendSummaryJson(out, decoded);
        }
    }
    AppendNames(out, event, "cut", [&](std::size_t i) { return TellCut(event, i); });
    if (event.AnyFault()) AppendNames(out, event, "faults", [&](std::size_t i) { return event.Faulted(i); });
    if ((event.Flags() & CT_F_SHED) != 0) out += ",\"shed\":true";
    out += '}';
}

} // namespace coretap::event
