#include "sinks/metrics/shared.h"

namespace coretap::sinks::metrics {
namespace {

using state::NodeSnapshot;
using enum Type;

constexpr std::array<std::string_view, 2> MESSAGES{"addr", "addrv2"};

template <class Member>
void EachMessage(const NodeSnapshot& node, Samples& out, Member member)
{
    for (std::size_t type{0}; type < MESSAGES.size(); ++type) {
        for (std::size_t direction{0}; direction < state::DIRECTIONS; ++direction) {
            out.Add((node.gossip.addr.*member)[type][direction], {DIRECTION_NAMES[direction], MESSAGES[type]});
        }
    }
}

template <class Member>
void EachDirection(const NodeSnapshot& node, Samples& out, Member member)
{
    for (std::size_t direction{0}; direction < state::DIRECTIONS; ++direction) {
        out.Add((node.gossip.addr.*member)[direction], {DIRECTION_NAMES[direction]});
    }
}

// clang-format off
constexpr Family FAMILIES[]{
    {"addr_message_entries", Histogram, "direction,type", "Addresses in an addr or addrv2 message",
     [](const NodeSnapshot& node, Samples& out) { EachMessage(node, out, &state::AddrRelayTotals::entries); }},
    {"addr_time_offset_seconds", Histogram, "direction,type", "Time of an address less now; most lie in the past. Has no sum, which could fall",
     [](const NodeSnapshot& node, Samples& out) { EachMessage(node, out, &state::AddrRelayTotals::time_offset_seconds); }},
    {"addr_entries", Counter, "direction,network", "Addresses in addr and addrv2 messages, by their network",
     [](const NodeSnapshot& node, Samples& out) {
         for (std::size_t direction{0}; direction < state::DIRECTIONS; ++direction) {
             out.AddEach(node.gossip.addr.networks[direction], {}, {DIRECTION_NAMES[direction]});
         }
     }},
    {"addr_services", Counter, "direction,service", "Addresses that offer a service; numbers above 31 count as other",
     [](const NodeSnapshot& node, Samples& out) {
         for (std::size_t direction{0}; direction < state::DIRECTIONS; ++direction) {
             out.AddEach(ServiceCounts(node.gossip.addr.service_bits[direction]), {}, {DIRECTION_NAMES[direction]});
         }
     }},
    {"addr_self_announcements", Counter, "direction", "Addresses that are the peer's own",
     [](const NodeSnapshot& node, Samples& out) { EachDirection(node, out, &state::AddrRelayTotals::self_announcements); }},
    {"addr_empty_messages", Counter, "direction", "Addr and addrv2 messages without an address",
     [](const NodeSnapshot& node, Samples& out) { EachDirection(node, out, &state::AddrRelayTotals::empty); }},
    {"addr_processed", Counter, "", "Addresses from peers that passed the rate limit, by a copy of Bitcoin Core's token bucket",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.gossip.addr.processed); }},
    {"addr_rate_limited", Counter, "", "Addresses from peers that did not pass the rate limit, likewise",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.gossip.addr.rate_limited); }},
    {"addr_rate_limited_peers", Gauge, "", "Connected peers that have had addresses refused",
     [](const NodeSnapshot& node, Samples& out) {
         out.Add(std::ranges::count_if(node.peers, [](const state::Peer& peer) { return peer.addr.rate_limited != 0; }));
     }},
    {"addrman_new", Counter, "inserted", "Attempts to put an address into the table of new ones; patched nodes only",
     [](const NodeSnapshot& node, Samples& out) {
         out.Add(node.addrman.new_inserted, {"true"});
         out.Add(node.addrman.new_refused, {"false"});
     }},
    {"addrman_tried", Counter, "", "Addresses moved to the table of tried ones; patched nodes only",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.addrman.tried); }},
};
// clang-format on

} // namespace

FamilyGroup AddressFamilies() { return {"Address relay", "", FAMILIES}; }

} // namespace coretap::sinks::metrics
