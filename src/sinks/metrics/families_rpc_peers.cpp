#include <map>
#include <numeric>

#include "sinks/metrics/shared.h"

namespace coretap::sinks::metrics {
namespace {

using poll::NodeFacts;
using poll::PeerFacts;
using enum Type;

template <class Predicate>
void CountPeers(const NodeFacts& facts, Samples& out, Predicate predicate, LabelValues labels = {})
{
    if (facts.peers) out.Add(std::ranges::count_if(facts.peers->peers, predicate), labels);
}

template <class Value>
std::vector<Value> Values(const NodeFacts& facts, std::optional<Value> PeerFacts::*member)
{
    std::vector<Value> values;
    if (!facts.peers) return values;
    for (const PeerFacts& peer : facts.peers->peers) {
        if (peer.*member) values.push_back(*(peer.*member));
    }
    return values;
}

/** Of peers that say it: their sum. Nothing if none does. */
void Sum(const NodeFacts& facts, Samples& out, std::optional<std::uint64_t> PeerFacts::*member)
{
    const auto values{Values(facts, member)};
    if (!values.empty()) out.Add(std::accumulate(values.begin(), values.end(), std::uint64_t{0}));
}

/** Peers by a word of theirs; `unknown` without one. */
void ByWord(const NodeFacts& facts, Samples& out, std::string PeerFacts::*word, std::span<const std::string_view> seeds)
{
    constexpr std::size_t MAX_WORDS{16}; // Bitcoin Core has fewer
    if (!facts.peers) return;
    Counts counts;
    for (const PeerFacts& peer : facts.peers->peers) {
        const std::string& value{peer.*word};
        ++counts[value.empty() ? "unknown" : counts.size() < MAX_WORDS || counts.contains(value) ? value : "other"];
    }
    out.AddEach(counts, seeds);
}

void ByNetwork(const NodeFacts& facts, Samples& out)
{
    if (!facts.peers) return;
    std::array<Counts, state::DIRECTIONS> counts;
    for (const PeerFacts& peer : facts.peers->peers) {
        if (!peer.inbound) continue;
        const bool known{std::ranges::find(NETWORKS, peer.network) != NETWORKS.end()};
        ++counts[*peer.inbound ? 0 : 1][known ? peer.network : "other"];
    }
    for (std::size_t direction{0}; direction < counts.size(); ++direction)
        out.AddEach(counts[direction], NETWORKS, {DIRECTION_NAMES[direction]});
}

/** By autonomous system. Without -asmap nobody has one, and there is nothing to say. */
std::map<std::uint32_t, std::uint64_t> PeersByAs(const NodeFacts& facts)
{
    std::map<std::uint32_t, std::uint64_t> counts;
    for (const std::uint32_t as : Values(facts, &PeerFacts::mapped_as)) {
        if (as != 0) ++counts[as];
    }
    return counts;
}

void LargestAs(const NodeFacts& facts, Samples& out)
{
    std::uint64_t largest{0};
    for (const auto& [as, count] : PeersByAs(facts)) largest = std::max(largest, count);
    if (largest != 0) out.Add(largest);
}

void InvToSend(const NodeFacts& facts, Samples& out)
{
    const auto values{Values(facts, &PeerFacts::inv_to_send)};
    if (values.empty()) return;
    const std::uint64_t sum{std::accumulate(values.begin(), values.end(), std::uint64_t{0})};
    out.Add(sum, {"sum"});
    out.Add(static_cast<double>(sum) / static_cast<double>(values.size()), {"mean"});
    out.Add(*std::ranges::min_element(values), {"min"});
    out.Add(*std::ranges::max_element(values), {"max"});
    out.Add(Median(values), {"median"});
}

std::optional<double> Mean(const std::vector<double>& values)
{
    if (values.empty()) return {};
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/** NetPermissions::ToStrings(), src/net_permissions.cpp. A peer has any number of them. */
void ByPermission(const NodeFacts& facts, Samples& out)
{
    constexpr std::array<std::string_view, 7> PERMISSIONS{"addr", "bloomfilter", "download", "forcerelay", "mempool", "noban", "relay"};
    if (!facts.peers) return;
    Counts counts;
    for (const PeerFacts& peer : facts.peers->peers) {
        for (const std::string& permission : peer.permissions) {
            ++counts[std::ranges::find(PERMISSIONS, permission) == PERMISSIONS.end() ? "other" : permission];
        }
    }
    out.AddEach(counts, PERMISSIONS);
}

void ByClock(const NodeFacts& facts, Samples& out)
{
    if (!facts.peers) return;
    Counts counts;
    for (const std::int64_t offset : Values(facts, &PeerFacts::timeoffset_s)) ++counts[std::string{ClockName(offset)}];
    out.AddEach(counts, CLOCKS);
}

// clang-format off
constexpr Family FAMILIES[]{
    {"rpc_peers", Gauge, "conn_type", "Peers by connection_type",
     [](const NodeFacts& facts, Samples& out) { ByWord(facts, out, &PeerFacts::connection_type, ConnectionTypeSeeds()); }},
    {"rpc_peers_by_network", Gauge, "direction,network", "Peers by inbound and network", ByNetwork},
    {"rpc_peers_by_transport", Gauge, "transport", "Peers by transport_protocol_type",
     [](const NodeFacts& facts, Samples& out) {
         constexpr std::string_view SEEDS[]{"detecting", "v1", "v2"};
         ByWord(facts, out, &PeerFacts::transport_protocol_type, SEEDS);
     }},
    {"rpc_peers_by_permission", Gauge, "permission", "Peers by permissions: each has any number", ByPermission},
    {"rpc_peers_high_bandwidth", Gauge, "side", "Peers by bip152_hb_from (they asked us for high-bandwidth compact blocks) and bip152_hb_to (we asked them)",
     [](const NodeFacts& facts, Samples& out) {
         CountPeers(facts, out, [](const PeerFacts& peer) { return peer.bip152_hb_from.value_or(false); }, {"from"});
         CountPeers(facts, out, [](const PeerFacts& peer) { return peer.bip152_hb_to.value_or(false); }, {"to"});
     }},
    {"rpc_peers_addr_relay", Gauge, "", "Peers with addr_relay_enabled",
     [](const NodeFacts& facts, Samples& out) { CountPeers(facts, out, [](const PeerFacts& peer) { return peer.addr_relay_enabled.value_or(false); }); }},
    {"rpc_peers_addr_rate_limited", Gauge, "", "Peers with addr_rate_limited above 0",
     [](const NodeFacts& facts, Samples& out) { CountPeers(facts, out, [](const PeerFacts& peer) { return peer.addr_rate_limited.value_or(0) != 0; }); }},
    {"rpc_peers_addr_processed_addresses", Gauge, "", "Sum of addr_processed of the connected peers: falls when one leaves",
     [](const NodeFacts& facts, Samples& out) { Sum(facts, out, &PeerFacts::addr_processed); }},
    {"rpc_peers_addr_rate_limited_addresses", Gauge, "", "Sum of addr_rate_limited of the connected peers: falls when one leaves",
     [](const NodeFacts& facts, Samples& out) { Sum(facts, out, &PeerFacts::addr_rate_limited); }},
    {"rpc_peers_with_blocks_in_flight", Gauge, "", "Peers that blocks were asked of and have not come",
     [](const NodeFacts& facts, Samples& out) { CountPeers(facts, out, [](const PeerFacts& peer) { return peer.inflight != 0; }); }},
    {"rpc_distinct_blocks_in_flight", Gauge, "", "Blocks asked for that have not come; one that several peers were asked for counts once",
     [](const NodeFacts& facts, Samples& out) { if (facts.peers) out.Add(facts.peers->blocks_in_flight); }},
    {"rpc_blocks_in_flight", Gauge, "", "Requests for blocks that have not come; one that several peers were asked for counts for each",
     [](const NodeFacts& facts, Samples& out) {
         if (!facts.peers) return;
         std::uint64_t sum{0};
         for (const PeerFacts& peer : facts.peers->peers) sum += peer.inflight;
         out.Add(sum);
     }},
    {"rpc_peers_by_clock", Gauge, "clock", "Peers by timeoffset: more than ten seconds off, and the others", ByClock},
    {"rpc_peers_ping_waiting", Gauge, "", "Peers with pingwait above five seconds",
     [](const NodeFacts& facts, Samples& out) { CountPeers(facts, out, [](const PeerFacts& peer) { return peer.pingwait_s.value_or(0) > 5; }); }},
    {"rpc_peers_ping_median_seconds", Gauge, "", "Median of pingtime",
     [](const NodeFacts& facts, Samples& out) { out.Add(Median(Values(facts, &PeerFacts::pingtime_s))); }},
    {"rpc_peers_ping_mean_seconds", Gauge, "", "Mean of pingtime",
     [](const NodeFacts& facts, Samples& out) { out.Add(Mean(Values(facts, &PeerFacts::pingtime_s))); }},
    {"rpc_peers_min_ping_mean_seconds", Gauge, "", "Mean of minping",
     [](const NodeFacts& facts, Samples& out) { out.Add(Mean(Values(facts, &PeerFacts::minping_s))); }},
    {"rpc_peers_min_ping_median_seconds", Gauge, "", "Median of minping",
     [](const NodeFacts& facts, Samples& out) { out.Add(Median(Values(facts, &PeerFacts::minping_s))); }},
    {"rpc_peers_fee_filter_low", Gauge, "", "Peers with minfeefilter below 1 sat/vB",
     [](const NodeFacts& facts, Samples& out) {
         CountPeers(facts, out, [](const PeerFacts& peer) { return peer.minfeefilter_sat_per_kvb && *peer.minfeefilter_sat_per_kvb < 1000; });
     }},
    {"rpc_peers_inv_to_send", Gauge, "statistic", "Transactions waiting to be announced to a peer (inv_to_send, since 31.0): sum, mean, min, max, median over peers", InvToSend},
    {"rpc_peers_as", Gauge, "", "Distinct autonomous systems of peers, where the node has an asmap",
     [](const NodeFacts& facts, Samples& out) { if (const auto counts{PeersByAs(facts)}; !counts.empty()) out.Add(counts.size()); }},
    {"rpc_peers_in_largest_as", Gauge, "", "Peers in the autonomous system that has most of them", LargestAs},
};
// clang-format on

} // namespace

FamilyGroup RpcPeerFamilies() { return {"RPC: getpeerinfo", "Sums over the connected peers.", FAMILIES}; }

} // namespace coretap::sinks::metrics
