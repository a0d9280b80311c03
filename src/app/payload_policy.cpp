#include "app/payload_policy.h"

#include <algorithm>
#include <bitset>
#include <map>

#include <fmt/format.h>

#include "event/catalogue.h"
#include "util/suggest.h"
#include "util/text.h"
#include "util/time.h"

namespace coretap::app {
namespace {

using util::Errc;
using util::Error;
using util::Quoted;
using util::Result;

Result<std::uint32_t> ParseSnap(std::string_view text)
{
    if (text == "none") return std::uint32_t{0};
    if (text == "all") return std::uint32_t{CT_MAX_PAYLOAD};
    const auto bytes = util::ParseSize(text);
    if (!bytes)
        return Error{Errc::Usage, fmt::format("{} is not a payload size: none, all, or a number of bytes like 80 or 4KiB", Quoted(text))};
    if (*bytes > CT_MAX_PAYLOAD) {
        return Error{Errc::Usage, fmt::format("a payload of {} bytes: Bitcoin Core's longest has {}; write 'all' for whatever there is",
                                              *bytes, CT_MAX_PAYLOAD)};
    }
    return static_cast<std::uint32_t>(*bytes);
}

} // namespace

Result<PayloadPolicy> ParsePayloadPolicy(std::string_view text)
{
    PayloadPolicy policy;
    if (text.find('=') == std::string_view::npos) {
        const auto snap = ParseSnap(text);
        if (!snap) return snap.GetError();
        policy.snap.fill(*snap);
        return policy;
    }
    std::bitset<CT_MAX_MSG_TYPES> named;
    bool named_rest{false};
    std::uint32_t rest_snap{0};
    for (bool more{true}; more;) {
        const std::size_t comma{text.find(',')};
        const std::string_view item{text.substr(0, comma)};
        more = comma != std::string_view::npos;
        if (more) text.remove_prefix(comma + 1);

        const std::size_t equals{item.find('=')};
        if (equals == std::string_view::npos)
            return Error{Errc::Usage, fmt::format("{} in a payload policy: each item is type=size, as in inv=all,tx=80", Quoted(item))};
        const std::string_view type{item.substr(0, equals)};
        const auto snap = ParseSnap(item.substr(equals + 1));
        if (!snap) return Error{Errc::Usage, fmt::format("payload policy of {}: {}", Quoted(type), snap.GetError().what)};
        const std::uint8_t type_id{event::MessageTypeId(type)};
        if (type_id == 0 && type != "*" && type != event::MessageTypes()[0]) {
            return Error{Errc::Usage, fmt::format("payload policy of an unknown message type {};{}", Quoted(type),
                                                  util::Suggestion(type, event::MessageTypes()))};
        }
        if (type == "*" ? named_rest : named[type_id])
            return Error{Errc::Usage, fmt::format("payload policy names {} twice", Quoted(type))};
        if (type == "*") {
            named_rest = true;
            rest_snap = *snap;
        } else {
            named[type_id] = true;
            policy.snap[type_id] = *snap;
        }
    }
    for (std::size_t i{0}; i < policy.snap.size(); ++i) {
        if (!named[i]) policy.snap[i] = rest_snap;
    }
    return policy;
}

std::string ToString(const PayloadPolicy& policy)
{
    const std::span<const std::string_view> names{event::MessageTypes()};
    const auto snap_text = [](std::uint32_t snap) {
        return snap == 0 ? std::string{"none"} : snap >= CT_MAX_PAYLOAD ? std::string{"all"} : std::to_string(snap);
    };
    std::map<std::uint32_t, std::size_t> types_with;
    std::string sent;
    bool all_sent{true};
    for (std::size_t type{0}; type < names.size(); ++type) {
        const std::uint32_t snap{policy.snap[type]};
        all_sent = all_sent && snap != CT_SNAP_WITHHOLD;
        if (snap == CT_SNAP_WITHHOLD) continue;
        ++types_with[snap];
        sent += fmt::format("{}{}", sent.empty() ? "" : ",", names[type]);
    }
    if (types_with.empty()) return "none";
    const std::uint32_t rest{std::ranges::max_element(types_with, {}, [](const auto& entry) { return entry.second; })->first};
    std::string text;
    for (std::size_t type{0}; type < names.size(); ++type) {
        const std::uint32_t snap{policy.snap[type]};
        if (snap != CT_SNAP_WITHHOLD && snap != rest) text += fmt::format("{}={},", names[type], snap_text(snap));
    }
    text += text.empty() ? snap_text(rest) : "*=" + snap_text(rest);
    if (!all_sent) text += "; only " + sent;
    return text;
}

} // namespace coretap::app
