#include <set>

#include "sinks/metrics/shared.h"

namespace coretap::sinks::metrics {
namespace {

using state::NodeSnapshot;
using state::Peer;
using enum Type;

template <class Predicate>
std::uint64_t CountPeers(const NodeSnapshot& node, Predicate predicate)
{
    return static_cast<std::uint64_t>(std::ranges::count_if(node.peers, predicate));
}

void PeersByNetwork(const NodeSnapshot& node, Samples& out)
{
    std::array<Counts, state::DIRECTIONS> counts;
    for (const Peer& peer : node.peers) ++counts[peer.inbound ? 0 : 1][peer.network.empty() ? "unknown" : peer.network];
    for (std::size_t direction{0}; direction < counts.size(); ++direction) {
        out.AddEach(counts[direction], NETWORKS, {DIRECTION_NAMES[direction]});
    }
}

void PeersByFeature(const NodeSnapshot& node, Samples& out)
{
    const auto add{[&](std::string_view feature, auto predicate) { out.Add(CountPeers(node, predicate), {feature}); }};
    add("handshake_done", [](const Peer& peer) { return peer.handshake_done; });
    add("addrv2", [](const Peer& peer) { return peer.addrv2; });
    add("wtxid_relay", [](const Peer& peer) { return peer.wtxid_relay; });
    add("sendheaders", [](const Peer& peer) { return peer.prefers_headers; });
    add("compact_hb_from", [](const Peer& peer) { return peer.compact_hb_from; });
    add("compact_hb_to", [](const Peer& peer) { return peer.compact_hb_to; });
    add("no_tx_relay", [](const Peer& peer) { return peer.version && !peer.version->relay; });
}

void PeersByProtocol(const NodeSnapshot& node, Samples& out)
{
    Counts counts;
    for (const Peer& peer : node.peers) {
        if (!peer.version) continue;
        const std::int32_t version{peer.version->version};
        const bool known{version >= state::GossipTotals::FIRST_PROTOCOL && version <= state::GossipTotals::LAST_PROTOCOL};
        ++counts[known ? std::to_string(version) : "other"];
    }
    out.AddEach(counts);
}

void PeersByClock(const NodeSnapshot& node, Samples& out)
{
    Counts counts;
    for (const Peer& peer : node.peers) {
        if (peer.version && peer.version->time_offset_s) ++counts[std::string{ClockName(*peer.version->time_offset_s)}];
    }
    out.AddEach(counts, CLOCKS);
}

std::optional<double> MedianPing(const NodeSnapshot& node, std::optional<std::int64_t> state::PingFacts::*ping)
{
    std::vector<std::int64_t> values;
    for (const Peer& peer : node.peers) {
        if (const auto& value{peer.ping.*ping}) values.push_back(*value);
    }
    return Seconds(Median(std::move(values)));
}

/** Distinct /16 of inbound IPv4 peers: what one network of an attacker's cannot have many of. */
std::uint64_t InboundSubnets(const NodeSnapshot& node)
{
    std::set<std::string_view> subnets;
    for (const Peer& peer : node.peers) {
        if (!peer.inbound || peer.network != "ipv4") continue;
        const std::string_view address{peer.address};
        const std::size_t dot{address.find('.')};
        if (dot != std::string_view::npos) subnets.insert(address.substr(0, address.find('.', dot + 1)));
    }
    return subnets.size();
}

/** Calls of Misbehaving() in src/net_processing.cpp, as they are counted: without numbers. Those of invalid blocks have the block's reason. */
constexpr std::string_view MISBEHAVIOUR[]{"addr message size",
                                          "addrv2 message size",
                                          "bad filteradd message",
                                          "getblocktxn with out-of-bounds tx indices",
                                          "getdata message size",
                                          "header with invalid proof of work",
                                          "headers message size",
                                          "inv message size",
                                          "invalid compact block",
                                          "invalid compact block/non-matching block transactions",
                                          "invalid header received",
                                          "invalid header via cmpctblock",
                                          "invalid sendcmpct announce field",
                                          "mutated block",
                                          "non-continuous headers sequence",
                                          "other",
                                          "previous compact block reconstruction attempt failed",
                                          "too-large bloom filter"};

// clang-format off
constexpr Family FAMILIES[]{
    {"inbound_connections", Counter, "network", "Connections that peers opened",
     [](const NodeSnapshot& node, Samples& out) { out.AddEach(node.connections.inbound, NETWORKS); }},
    {"outbound_connections", Counter, "conn_type", "Connections that the node opened",
     [](const NodeSnapshot& node, Samples& out) { out.AddEach(node.connections.outbound, ConnectionTypeSeeds().subspan(1)); }},
    {"outbound_connections_by_network", Counter, "network", "Connections that the node opened, by network",
     [](const NodeSnapshot& node, Samples& out) { out.AddEach(node.connections.outbound_networks, NETWORKS); }},
    {"closed_connections", Counter, "conn_type", "Connections that were closed, by either side",
     [](const NodeSnapshot& node, Samples& out) { out.AddEach(node.connections.closed, ConnectionTypeSeeds()); }},
    {"closed_connections_by_network", Counter, "network", "Connections that were closed, by network",
     [](const NodeSnapshot& node, Samples& out) { out.AddEach(node.connections.closed_networks, NETWORKS); }},
    {"evicted_connections", Counter, "", "Inbound connections that the node closed to make room",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.connections.evicted); }},
    {"misbehaving", Counter, "reason", "Misbehaviour of peers, by reason, without the numbers in it",
     [](const NodeSnapshot& node, Samples& out) { out.AddEach(node.connections.misbehaving, MISBEHAVIOUR); }},
    {"closed_connection_age_seconds", Histogram, "", "How long closed connections had lasted",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.connections.closed_age_seconds); }},
    {"open_connections", Gauge, "direction", "Open connections, as the last event of a new one said, less those that closed since; absent before the first and when the node has ended",
     [](const NodeSnapshot& node, Samples& out) {
         out.Add(node.connections.inbound_now, {"in"});
         out.Add(node.connections.outbound_now, {"out"});
     }},
    {"peers", Gauge, "conn_type", "Connected peers that were seen",
     [](const NodeSnapshot& node, Samples& out) {
         Counts counts;
         for (const Peer& peer : node.peers) ++counts[peer.conn_type.empty() ? "unknown" : peer.conn_type];
         out.AddEach(counts, ConnectionTypeSeeds());
     }},
    {"peers_by_network", Gauge, "direction,network", "Connected peers, by who opened the connection and network", PeersByNetwork},
    {"peers_by_feature", Gauge, "feature", "Connected peers that have negotiated a feature; compact_hb_to: we asked them for high-bandwidth compact blocks, compact_hb_from: they asked us, as in getpeerinfo", PeersByFeature},
    {"peers_by_protocol_version", Gauge, "protocol_version", "Connected peers whose version message was seen", PeersByProtocol},
    {"peers_by_clock", Gauge, "clock", "Connected peers whose clock was more than ten seconds off when they connected, and the others", PeersByClock},
    {"peers_fee_filter_low", Gauge, "", "Connected peers that take transactions below 1 sat/vB",
     [](const NodeSnapshot& node, Samples& out) {
         out.Add(CountPeers(node, [](const Peer& peer) { return peer.fee_filter_sat_per_kvb && *peer.fee_filter_sat_per_kvb < 1000; }));
     }},
    {"peers_ping_waiting", Gauge, "", "Connected peers that have owed us a pong for more than five seconds",
     [](const NodeSnapshot& node, Samples& out) {
         out.Add(CountPeers(node, [&](const Peer& peer) {
             return peer.ping.waiting_since_utc_ns && node.utc_ns - *peer.ping.waiting_since_utc_ns > 5'000'000'000;
         }));
     }},
    {"peers_ping_median_seconds", Gauge, "", "Median of the last round trips to connected peers",
     [](const NodeSnapshot& node, Samples& out) { out.Add(MedianPing(node, &state::PingFacts::last_ns)); }},
    {"peers_min_ping_median_seconds", Gauge, "", "Median of the shortest round trips to connected peers",
     [](const NodeSnapshot& node, Samples& out) { out.Add(MedianPing(node, &state::PingFacts::min_ns)); }},
    {"peers_inbound_ipv4_subnets", Gauge, "", "Distinct /16 networks of inbound IPv4 peers",
     [](const NodeSnapshot& node, Samples& out) { out.Add(InboundSubnets(node)); }},
};
// clang-format on

} // namespace

FamilyGroup ConnectionFamilies()
{
    return {"Connections",
            "`peers` and `peers_...` are of peers of which a message or a connection event was seen since coretap has been looking.",
            FAMILIES};
}

} // namespace coretap::sinks::metrics
