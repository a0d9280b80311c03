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

/** Types whose handling costs something, or goes in answers: they have a histogram each. The others share one. */
constexpr bool HasHistogram(std::size_t type)
{
    using wire::MessageType;
    switch (static_cast<MessageType>(type)) {
    case MessageType::AddrV2:
    case MessageType::Block:
    case MessageType::BlockTxn:
    case MessageType::CmpctBlock:
    case MessageType::GetBlockTxn:
    case MessageType::GetData:
    case MessageType::GetHeaders:
    case MessageType::Headers:
    case MessageType::Inv:
    case MessageType::Ping:
    case MessageType::Tx:
    case MessageType::Version: return true;
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
    {"p2p_messages_exact", Gauge, "", "1: the counters of messages and of the UTXO cache are the kernel's, with what was lost; 0: they are of the events that came",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.messages_exact ? 1 : 0); }},
    {"message_handling_upper_bound_seconds", Histogram, "type", "Upper bound of the time the node spent on a message from a peer: sending, and turns of other peers that fire nothing, are in it",
     HandlingTimes},
    {"message_handling_ended_in_wait", Counter, "", "Messages whose handling time ends at the last firing before a wait of the thread, so that it is no upper bound",
     [](const NodeSnapshot& node, Samples& out) { SumTimes(node, out, &PerType::ended_in_wait); }},
    {"message_handling_idle", Counter, "", "Messages without a handling time: nothing fired before the thread waited",
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
    {"ping_seconds", Histogram, "", "Round trips of our pings",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.gossip.ping_seconds); }},
    {"pings_without_nonce", Counter, "", "Pings of the form before BIP 31, from peers",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.gossip.old_pings); }},
    {"fee_filter_sat_per_vb", Histogram, "", "Fee rates of feefilter messages from peers",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.gossip.fee_filter_sat_per_vb_in); }},
    {"version_messages", Counter, "user_agent", "Version messages from peers; 40 user agents have a label, once seen three times, what is before or beyond counts as other",
     [](const NodeSnapshot& node, Samples& out) { constexpr std::string_view SEEDS[]{"other"}; out.AddEach(node.gossip.user_agents, SEEDS); }},
    {"version_protocol_messages", Counter, "protocol_version", "Version messages from peers, by version of the protocol; 32 have a label",
     [](const NodeSnapshot& node, Samples& out) {
         Counts counts;
         for (const auto& [version, count] : node.gossip.protocol_versions) counts[version < 0 ? "other" : std::to_string(version)] += count;
         out.AddEach(counts);
     }},
    {"version_services", Counter, "service", "Version messages from peers that offer a service; numbers above 31 count as other",
     [](const NodeSnapshot& node, Samples& out) { out.AddEach(ServiceCounts(node.gossip.version_services)); }},
    {"reject_messages", Counter, "code", "Reject messages (BIP 61) from peers",
     [](const NodeSnapshot& node, Samples& out) { out.AddEach(node.gossip.rejects); }},
    {"decode_findings", Counter, "problem", "Messages from peers that are malformed, exceed a limit, or go on behind their end, by what is wrong",
     [](const NodeSnapshot& node, Samples& out) {
         constexpr std::string_view SEEDS[]{"limit exceeded"};
         Counts counts;
         for (const auto& [finding, count] : node.gossip.findings) counts[finding.second] += count;
         out.AddEach(counts, SEEDS);
     }},
    {"decode_findings_by_type", Counter, "type", "Messages from peers that are malformed, exceed a limit, or go on behind their end, by their type",
     [](const NodeSnapshot& node, Samples& out) {
         constexpr std::string_view SEEDS[]{"other"};
         Counts counts;
         for (const auto& [finding, count] : node.gossip.findings) counts[finding.first] += count;
         out.AddEach(counts, SEEDS);
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
