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
    constexpr std::int32_t FIRST{70'001}; // BIP 37
    constexpr std::int32_t LAST{70'017};  // one more than Bitcoin Core's PROTOCOL_VERSION, src/node/protocol_version.h
    Counts counts;
    for (const Peer& peer : node.peers) {
        if (!peer.version) continue;
        const std::int32_t version{peer.version->version};
        ++counts[version >= FIRST && version <= LAST ? std::to_string(version) : "other"];
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

// clang-format off
constexpr Family FAMILIES[]{
    {"inbound_connections", Counter, "network", "Connections that peers opened",
     [](const NodeSnapshot& node, Samples& out) { out.AddEach(node.connections.inbound, NETWORKS); }},
    {"outbound_connections", Counter, "conn_type", "Connections that the node opened",
     [](const NodeSnapshot& node, Samples& out) { out.AddEach(node.connections.outbound, ConnectionTypeSeeds().subspan(1)); }},
    {"closed_connections", Counter, "conn_type", "Connections that were closed, by either side",
     [](const NodeSnapshot& node, Samples& out) { out.AddEach(node.connections.closed, ConnectionTypeSeeds()); }},
    {"evicted_connections", Counter, "", "Inbound connections that the node closed to make room",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.connections.evicted); }},
    {"misbehaving", Counter, "reason", "Misbehaviour of peers, by reason, without the numbers in it",
     [](const NodeSnapshot& node, Samples& out) { constexpr std::string_view SEEDS[]{"other"}; out.AddEach(node.connections.misbehaving, SEEDS); }},
    {"closed_connection_age_seconds", Histogram, "", "How long closed connections had lasted",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.connections.closed_age_seconds); }},
    {"open_connections", Gauge, "direction", "Open connections, as the last connection event of the node said",
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
    {"peers_by_feature", Gauge, "feature", "Connected peers that have negotiated a feature; compact_hb_from: we asked them for high-bandwidth compact blocks", PeersByFeature},
    {"peers_by_protocol_version", Gauge, "protocol_version", "Connected peers whose version message was seen", PeersByProtocol},
    {"peers_by_clock", Gauge, "clock", "Connected peers whose clock was more than ten seconds off when they connected, and the others", PeersByClock},
    {"peers_fee_filter_low", Gauge, "", "Connected peers that take transactions below 1 sat/vB",
     [](const NodeSnapshot& node, Samples& out) {
         out.Add(CountPeers(node, [](const Peer& peer) { return peer.fee_filter_sat_per_kvb && *peer.fee_filter_sat_per_kvb < 1000; }));
     }},
    {"peers_ping_waiting", Gauge, "", "Connected peers that have owed us a pong for more than five seconds",
     [](const NodeSnapshot& node, Samples& out) {
         std::int64_t now{0}; // of what was heard last: a snapshot of a recording is not of today
         for (const Peer& peer : node.peers) now = std::max({now, peer.last_in_utc_ns, peer.last_out_utc_ns});
         out.Add(CountPeers(node, [&](const Peer& peer) {
             return peer.ping.waiting_since_utc_ns && now - *peer.ping.waiting_since_utc_ns > 5'000'000'000;
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
    return {"Connections", "`peers` and `peers_...` are of peers that have said something since coretap has been looking.", FAMILIES};
}

} // namespace coretap::sinks::metrics
