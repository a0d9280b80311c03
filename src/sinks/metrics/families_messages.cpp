#include "event/catalogue.h"
#include "sinks/metrics/shared.h"
#include "wire/message.h"

namespace coretap::sinks::metrics {
namespace {

using pipeline::MessageCount;
using state::NodeSnapshot;
using enum Type;

std::string_view TypeName(std::size_t type) { return wire::MessageTypeNames()[type]; }

/** Types from here on nobody sends: alert, and those that are known by name only. A hostile peer could, so they are counted as `other`. */
constexpr std::size_t FIRST_UNUSED{static_cast<std::size_t>(wire::MessageType::Alert)};

/** `count` of every direction, connection type and message type that occurred: up to 608, which is more than half of what is rendered. */
void EachKind(const NodeSnapshot& node, Samples& out, std::uint64_t MessageCount::*count)
{
    const auto conn_types{event::ConnectionTypes()};
    for (std::size_t direction{0}; direction < state::DIRECTIONS; ++direction) {
        for (std::size_t conn_type{0}; conn_type < conn_types.size(); ++conn_type) {
            const state::MessageCounts& types{node.messages[direction][conn_type]};
            for (std::size_t type{0}; type < FIRST_UNUSED; ++type) {
                MessageCount messages{types[type]};
                for (std::size_t unused{FIRST_UNUSED}; type == 0 && unused < types.size(); ++unused) messages += types[unused];
                if (messages.count != 0) out.Add(messages.*count, {DIRECTION_NAMES[direction], conn_types[conn_type], TypeName(type)});
            }
        }
    }
}

void EachDirection(const NodeSnapshot& node, Samples& out, std::uint64_t MessageCount::*count)
{
    for (std::size_t direction{0}; direction < state::DIRECTIONS; ++direction) {
        MessageCount sum;
        for (const state::MessageCounts& conn_type : node.messages[direction]) {
            for (const MessageCount& messages : conn_type) sum += messages;
        }
        out.Add(sum.*count, {DIRECTION_NAMES[direction]});
    }
}

using PerType = state::MessageTimes::PerType;

void SumTimes(const NodeSnapshot& node, Samples& out, std::uint64_t PerType::*count)
{
    std::uint64_t sum{0};
    for (const PerType& type : node.message_times.types) sum += type.*count;
    out.Add(sum);
}

/** Types whose handling costs something: they have a histogram each. The others share one. */
constexpr bool HasHistogram(std::size_t type)
{
    using wire::MessageType;
    switch (static_cast<MessageType>(type)) {
    case MessageType::AddrV2:
    case MessageType::Block:
    case MessageType::BlockTxn:
    case MessageType::CmpctBlock:
    case MessageType::GetData:
    case MessageType::Headers:
    case MessageType::Inv:
    case MessageType::Tx: return true;
    default: return false;
    }
}

void HandlingTimes(const NodeSnapshot& node, Samples& out)
{
    state::Histogram<14> others{state::MESSAGE_SECONDS};
    for (std::size_t type{0}; type < wire::MESSAGE_TYPE_COUNT; ++type) {
        const auto& seconds{node.message_times.types[type].seconds};
        if (HasHistogram(type)) {
            out.Add(seconds, {TypeName(type)});
            continue;
        }
        for (std::size_t i{0}; i < seconds.counts.size(); ++i) others.counts[i] += seconds.counts[i];
        others.sum += seconds.sum;
        others.count += seconds.count;
    }
    out.Add(others, {"other"});
}

/** A sum by type is enough of this bound: another histogram would be a tenth of all that is rendered. */
void HandlingTimesAtLeast(const NodeSnapshot& node, Samples& out)
{
    std::int64_t others_ns{0};
    for (std::size_t type{0}; type < wire::MESSAGE_TYPE_COUNT; ++type) {
        const std::int64_t total_ns{node.message_times.types[type].total_at_least_ns};
        if (HasHistogram(type)) {
            out.Add(Seconds(total_ns), {TypeName(type)});
        } else {
            others_ns += total_ns;
        }
    }
    out.Add(Seconds(others_ns), {"other"});
}

/** All that can be wrong with a message: seeds. */
std::vector<std::string_view> Problems()
{
    std::vector<std::string_view> problems{"limit exceeded"};
    for (auto i{static_cast<std::uint8_t>(wire::Problem::EndsEarly)}; i <= static_cast<std::uint8_t>(wire::Problem::TrailingBytes); ++i) {
        problems.push_back(wire::ToString(static_cast<wire::Problem>(i)));
    }
    return problems;
}

void RejectTypes(const NodeSnapshot& node, Samples& out)
{
    Counts counts;
    for (std::size_t type{0}; type < wire::MESSAGE_TYPE_COUNT; ++type) {
        const std::uint64_t count{node.gossip.reject_types[type]};
        if (count != 0) counts[std::string{type < FIRST_UNUSED ? TypeName(type) : TypeName(0)}] += count;
    }
    constexpr std::string_view SEEDS[]{"tx", "block", "version", "other"};
    out.AddEach(counts, SEEDS);
}

std::vector<std::string> ProtocolVersions()
{
    std::vector<std::string> versions{"other"};
    for (std::int32_t version{state::GossipTotals::FIRST_PROTOCOL}; version <= state::GossipTotals::LAST_PROTOCOL; ++version) {
        versions.push_back(std::to_string(version));
    }
    return versions;
}

// clang-format off
constexpr Family FAMILIES[]{
    {"p2p_messages", Counter, "direction,conn_type,type", "P2P messages, of kinds that occurred; type other: none that Bitcoin Core knows",
     [](const NodeSnapshot& node, Samples& out) { EachKind(node, out, &MessageCount::count); }},
    {"p2p_message_bytes", Counter, "direction,conn_type,type", "Payload of P2P messages, without the headers of the transport",
     [](const NodeSnapshot& node, Samples& out) { EachKind(node, out, &MessageCount::bytes); }},
    {"p2p_traffic_messages", Counter, "direction", "P2P messages in all; from zero",
     [](const NodeSnapshot& node, Samples& out) { EachDirection(node, out, &MessageCount::count); }},
    {"p2p_traffic_bytes", Counter, "direction", "Payload of P2P messages in all; from zero",
     [](const NodeSnapshot& node, Samples& out) { EachDirection(node, out, &MessageCount::bytes); }},
    {"p2p_messages_exact", Gauge, "", "1: node_events and the counters of messages and of the UTXO cache are the kernel's, with what was lost; 0: they are of the events that came",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.messages_exact ? 1 : 0); }},
    {"message_handling_upper_bound_seconds", Histogram, "type", "Upper bound of the time the node spent on a message from a peer: sending, turns of other peers that fire nothing, and the wait for the next message are in it",
     HandlingTimes},
    {"message_handling_lower_bound_seconds", Counter, "type", "Lower bound of the time the node spent on messages from peers: to the last firing that is known to be of one", HandlingTimesAtLeast},
    {"message_handling_ended_in_wait", Counter, "", "Messages whose handling time ends at the last firing before a wait of the thread, so that it is no upper bound",
     [](const NodeSnapshot& node, Samples& out) { SumTimes(node, out, &PerType::ended_in_wait); }},
    {"message_handling_idle", Counter, "", "Messages without an upper bound: nothing fired before the thread waited",
     [](const NodeSnapshot& node, Samples& out) { SumTimes(node, out, &PerType::idle); }},
    {"inv_entries", Counter, "direction,type", "Entries of inv messages, by inventory type",
     [](const NodeSnapshot& node, Samples& out) {
         for (std::size_t direction{0}; direction < state::DIRECTIONS; ++direction) {
             out.AddEach(node.gossip.inv.entries[direction], {}, {DIRECTION_NAMES[direction]});
         }
     }},
    {"inv_message_entries", Histogram, "direction", "Entries of an inv message",
     [](const NodeSnapshot& node, Samples& out) {
         for (std::size_t direction{0}; direction < state::DIRECTIONS; ++direction) {
             out.Add(node.gossip.inv.size[direction], {DIRECTION_NAMES[direction]});
         }
     }},
    {"inv_mixed_messages", Counter, "direction", "Inv messages with more than one inventory type",
     [](const NodeSnapshot& node, Samples& out) {
         for (std::size_t direction{0}; direction < state::DIRECTIONS; ++direction) {
             out.Add(node.gossip.inv.mixed[direction], {DIRECTION_NAMES[direction]});
         }
     }},
    {"notfound_entries", Counter, "direction", "Entries of notfound messages",
     [](const NodeSnapshot& node, Samples& out) {
         for (std::size_t direction{0}; direction < state::DIRECTIONS; ++direction) {
             out.Add(node.gossip.notfound_entries[direction], {DIRECTION_NAMES[direction]});
         }
     }},
    {"pings_received", Counter, "nonce", "Pings from peers by how large their number is: zero, up to 8, 16, 32, 64 bits; Bitcoin Core's have 64",
     [](const NodeSnapshot& node, Samples& out) {
         constexpr std::array<std::string_view, 5> SIZES{"zero", "u8", "u16", "u32", "u64"};
         for (std::size_t i{0}; i < SIZES.size(); ++i) out.Add(node.gossip.ping_nonces[i], {SIZES[i]});
     }},
    {"ping_seconds", Histogram, "", "Round trips of our pings",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.gossip.ping_seconds); }},
    {"pings_without_nonce", Counter, "", "Pings of the form before BIP 31, from peers",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.gossip.old_pings); }},
    {"fee_filter_sat_per_vb", Histogram, "direction", "Fee rates of feefilter messages",
     [](const NodeSnapshot& node, Samples& out) {
         for (std::size_t direction{0}; direction < state::DIRECTIONS; ++direction) {
             out.Add(node.gossip.fee_filter_sat_per_vb[direction], {DIRECTION_NAMES[direction]});
         }
     }},
    {"version_messages", Counter, "user_agent", "First version messages of peers; 40 user agents have a label, once peers of three networks have said them, what is before or beyond counts as other",
     [](const NodeSnapshot& node, Samples& out) { constexpr std::string_view SEEDS[]{"other"}; out.AddEach(node.gossip.user_agents, SEEDS); }},
    {"version_protocol_messages", Counter, "protocol_version", "First version messages of peers, by version of the protocol; other: none of Bitcoin Core's",
     [](const NodeSnapshot& node, Samples& out) {
         Counts counts;
         for (const std::string& version : ProtocolVersions()) counts[version];
         for (const auto& [version, count] : node.gossip.protocol_versions) counts[version < 0 ? "other" : std::to_string(version)] += count;
         out.AddEach(counts);
     }},
    {"version_services", Counter, "service", "First version messages of peers that offer a service; those that Bitcoin Core does not name count as other",
     [](const NodeSnapshot& node, Samples& out) { out.AddEach(ServiceCounts(node.gossip.version_services)); }},
    {"reject_messages", Counter, "code", "Reject messages (BIP 61) from peers",
     [](const NodeSnapshot& node, Samples& out) {
         constexpr std::string_view SEEDS[]{"malformed", "invalid", "obsolete", "duplicate", "nonstandard", "dust", "insufficient_fee", "checkpoint", "other"};
         out.AddEach(node.gossip.rejects, SEEDS);
     }},
    {"reject_messages_by_type", Counter, "type", "Reject messages (BIP 61) from peers, by the type of the message that they reject", RejectTypes},
    {"decode_findings", Counter, "problem", "Messages from peers that are malformed, exceed a limit, or go on behind their end, by what is wrong",
     [](const NodeSnapshot& node, Samples& out) {
         Counts counts;
         for (const auto& [finding, count] : node.gossip.findings) counts[finding.second] += count;
         out.AddEach(counts, Problems());
     }},
    {"decode_findings_by_type", Counter, "type", "Messages from peers that are malformed, exceed a limit, or go on behind their end, by their type",
     [](const NodeSnapshot& node, Samples& out) {
         Counts counts;
         for (const auto& [finding, count] : node.gossip.findings) counts[finding.first] += count;
         out.AddEach(counts, wire::MessageTypeNames().first(FIRST_UNUSED));
     }},
};
// clang-format on

} // namespace

FamilyGroup MessageFamilies()
{
    return {"Messages",
            "`direction` is `in` (from a peer) or `out` (to a peer). `conn_type` and `type` are Bitcoin Core's names, "
            "[tracepoints.md](tracepoints.md#names) has them.",
            FAMILIES};
}

} // namespace coretap::sinks::metrics
