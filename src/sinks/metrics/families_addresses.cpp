#include <fmt/format.h>

#include "sinks/metrics/shared.h"

namespace coretap::sinks::metrics {
namespace {

using state::NodeSnapshot;
using enum Type;

constexpr std::array<std::string_view, 2> MESSAGES{"addr", "addrv2"};
constexpr std::string_view NETWORKS_OF_ADDRESSES[]{"ipv4", "ipv6", "onion", "i2p", "cjdns"};

template <class Member>
void EachMessage(const NodeSnapshot& node, Samples& out, Member member)
{
    for (std::size_t type{0}; type < MESSAGES.size(); ++type) {
        for (std::size_t direction{0}; direction < state::DIRECTIONS; ++direction) {
            out.Add((node.gossip.addr.*member)[type][direction], {DIRECTION_NAMES[direction], MESSAGES[type]});
        }
    }
}

void EachNetwork(const NodeSnapshot& node, Samples& out, state::AddrRelayTotals::Networks state::AddrRelayTotals::*member)
{
    for (std::size_t direction{0}; direction < state::DIRECTIONS; ++direction) {
        out.AddEach((node.gossip.addr.*member)[direction], NETWORKS_OF_ADDRESSES, {DIRECTION_NAMES[direction]});
    }
}

/** `each(direction, type)` by index. */
template <class Each>
void EachKind(Each each)
{
    for (std::size_t direction{0}; direction < state::DIRECTIONS; ++direction) {
        for (std::size_t type{0}; type < MESSAGES.size(); ++type) each(direction, type);
    }
}

// clang-format off
constexpr Family FAMILIES[]{
    {"addr_message_entries", Histogram, "direction,type", "Addresses in an addr or addrv2 message",
     [](const NodeSnapshot& node, Samples& out) { EachMessage(node, out, &state::AddrRelayTotals::entries); }},
    {"addr_time_offset_seconds", Histogram, "direction,type", "Time of an address less now; most lie in the past. Has no sum, which could fall",
     [](const NodeSnapshot& node, Samples& out) { EachMessage(node, out, &state::AddrRelayTotals::time_offset_seconds); }},
    {"addr_entries", Counter, "direction,type,network", "Addresses in addr and addrv2 messages, by their network",
     [](const NodeSnapshot& node, Samples& out) {
         EachKind([&](std::size_t direction, std::size_t type) {
             out.AddEach(node.gossip.addr.networks[type][direction], NETWORKS_OF_ADDRESSES, {DIRECTION_NAMES[direction], MESSAGES[type]});
         });
     }},
    {"addr_services", Counter, "direction,type,service", "Addresses that offer a service; those that Bitcoin Core does not name count as other",
     [](const NodeSnapshot& node, Samples& out) {
         EachKind([&](std::size_t direction, std::size_t type) {
             out.AddEach(ServiceCounts(node.gossip.addr.service_bits[type][direction]), {}, {DIRECTION_NAMES[direction], MESSAGES[type]});
         });
     }},
    {"addr_service_sets", Counter, "direction,services", "Addresses by all services that they offer, hexadecimal, out of NETWORK, WITNESS, COMPACT_FILTERS, NETWORK_LIMITED and P2P_V2: those sets that occurred",
     [](const NodeSnapshot& node, Samples& out) {
         for (std::size_t direction{0}; direction < state::DIRECTIONS; ++direction) {
             for (const auto& [services, count] : node.gossip.addr.service_sets[direction]) {
                 out.Add(count, {DIRECTION_NAMES[direction], fmt::format("{:x}", services)});
             }
         }
     }},
    {"addr_self_announcements", Counter, "direction,network", "Addresses that are the peer's own",
     [](const NodeSnapshot& node, Samples& out) { EachNetwork(node, out, &state::AddrRelayTotals::self_announcements); }},
    {"addr_subnet_announcements", Counter, "direction,network", "Other addresses in the peer's own /16 of IPv4, /32 of IPv6, sixteenth of the others",
     [](const NodeSnapshot& node, Samples& out) { EachNetwork(node, out, &state::AddrRelayTotals::subnet_announcements); }},
    {"addr_empty_messages", Counter, "direction,type", "Addr and addrv2 messages without an address",
     [](const NodeSnapshot& node, Samples& out) { EachMessage(node, out, &state::AddrRelayTotals::empty); }},
    {"addr_processed", Counter, "", "Addresses from peers that passed the rate limit, by a copy of Bitcoin Core's token bucket; more than getpeerinfo's addr_processed, which leaves out useless and banned ones",
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
