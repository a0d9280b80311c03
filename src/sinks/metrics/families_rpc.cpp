#include "poll/rpc_answers.h"
#include "sinks/metrics/shared.h"

namespace coretap::sinks::metrics {
namespace {

using poll::MethodFacts;
using poll::NodeFacts;
using enum Type;

/** `emit(facts, name)` for each method that has been asked. */
template <class Emit>
void EachMethod(const NodeFacts& facts, Emit emit)
{
    for (std::size_t i{0}; i < poll::RPC_METHODS; ++i) {
        if (facts.methods[i].availability != MethodFacts::Availability::Off)
            emit(facts.methods[i], poll::MethodName(static_cast<poll::RpcMethod>(i)));
    }
}

/** A member of a part of the facts, where there is that part. */
template <class Part, class Member>
void Of(const std::optional<Part>& part, Samples& out, Member member)
{
    if (part) out.Add((*part).*member);
}
template <class Part>
void FeeOf(const std::optional<Part>& part, Samples& out, std::optional<std::int64_t> Part::*member)
{
    if (part) out.Add(SatPerVb((*part).*member));
}
void AddBool(Samples& out, const std::optional<bool>& value)
{
    if (value) out.Add(*value ? 1 : 0);
}

void LockedMemory(const NodeFacts& facts, Samples& out)
{
    if (!facts.memory) return;
    out.Add(facts.memory->used_bytes, {"used"});
    out.Add(facts.memory->free_bytes, {"free"});
    out.Add(facts.memory->total_bytes, {"total"});
    out.Add(facts.memory->locked_bytes, {"locked"});
}

void LockedChunks(const NodeFacts& facts, Samples& out)
{
    if (!facts.memory) return;
    out.Add(facts.memory->chunks_used, {"used"});
    out.Add(facts.memory->chunks_free, {"free"});
}

/** A network by Bitcoin Core's name, `other` where it is none: whoever answers may make up names. */
std::string NetworkName(const std::string& said) { return std::ranges::find(NETWORKS, said) == NETWORKS.end() ? "other" : said; }

void Addrman(const NodeFacts& facts, Samples& out)
{
    if (!facts.addrman) return;
    struct Sums {
        std::optional<std::uint64_t> in_new, tried;
    };
    std::map<std::string, Sums> by_name;
    for (const auto& [network, counts] : facts.addrman->networks) {
        if (network == "all_networks") continue; // sum() has it
        Sums& sums{by_name[NetworkName(network)]};
        if (counts.in_new) sums.in_new = sums.in_new.value_or(0) + *counts.in_new;
        if (counts.tried) sums.tried = sums.tried.value_or(0) + *counts.tried;
    }
    for (const auto& [network, sums] : by_name) {
        out.Add(sums.in_new, {network, "new"});
        out.Add(sums.tried, {network, "tried"});
    }
}

void Reachable(const NodeFacts& facts, Samples& out)
{
    if (!facts.network) return;
    std::map<std::string, bool> by_name;
    for (const auto& [network, reachability] : facts.network->networks) {
        if (reachability.reachable) by_name[NetworkName(network)] |= *reachability.reachable;
    }
    for (const auto& [network, reachable] : by_name) out.Add(reachable ? 1 : 0, {network});
}

/** `emit(table, name)` for the two tables of getrawaddrman. */
template <class Emit>
void EachTable(const NodeFacts& facts, Emit emit)
{
    if (!facts.raw_addrman) return;
    emit(facts.raw_addrman->in_new, "new");
    emit(facts.raw_addrman->tried, "tried");
}

void AddrmanAges(const NodeFacts& facts, Samples& out)
{
    constexpr std::array<std::string_view, 8> AGES{"1h", "6h", "1d", "3d", "7d", "14d", "30d", "older"};
    static_assert(AGES.size() == poll::RawAddrmanFacts::AGE_BOUNDS_S.size() + 1);
    EachTable(facts, [&](const poll::RawAddrmanFacts::Table& table, std::string_view name) {
        for (std::size_t i{0}; i < AGES.size(); ++i) out.Add(table.all.age_s[i], {name, AGES[i]});
    });
}

void ChainTips(const NodeFacts& facts, Samples& out)
{
    constexpr std::string_view STATUS[]{"active", "valid-fork", "valid-headers", "headers-only", "invalid"};
    if (facts.chain_tips) out.AddEach(facts.chain_tips->status, STATUS);
}

// clang-format off
constexpr Family FAMILIES[]{
    {"rpc_up", Gauge, "", "Whether the node's RPC answers",
     [](const NodeFacts& facts, Samples& out) { out.Add(facts.state == poll::RpcState::Ok ? 1 : 0); }},
    {"rpc_reconnects", Counter, "", "Times the RPC came back",
     [](const NodeFacts& facts, Samples& out) { out.Add(facts.reconnects); }},
    {"rpc_calls", Counter, "method,result", "RPC calls, by whether they were answered",
     [](const NodeFacts& facts, Samples& out) {
         EachMethod(facts, [&](const MethodFacts& method, std::string_view name) {
             out.Add(method.successes, {name, "success"});
             out.Add(method.failures, {name, "failure"});
         });
     }},
    {"rpc_call_duration_seconds", Counter, "method", "Time that RPC calls took; of methods asked together, that of all of them",
     [](const NodeFacts& facts, Samples& out) {
         EachMethod(facts, [&](const MethodFacts& method, std::string_view name) { out.Add(Seconds(method.duration_total_ns), {name}); });
     }},
    {"rpc_method_available", Gauge, "method", "1: the node answers the method; 0: it does not have it or does not allow it",
     [](const NodeFacts& facts, Samples& out) {
         EachMethod(facts, [&](const MethodFacts& method, std::string_view name) {
             if (method.availability != MethodFacts::Availability::Unknown) out.Add(method.availability == MethodFacts::Availability::Yes ? 1 : 0, {name});
         });
     }},
    {"rpc_last_success_time_seconds", Gauge, "method", "When the method was last answered, Unix time",
     [](const NodeFacts& facts, Samples& out) {
         EachMethod(facts, [&](const MethodFacts& method, std::string_view name) { out.Add(UtcSeconds(method.last_success_utc_ns), {name}); });
     }},
    {"rpc_odd_values", Counter, "method", "Members of RPC answers that were not of the type they should be",
     [](const NodeFacts& facts, Samples& out) {
         EachMethod(facts, [&](const MethodFacts& method, std::string_view name) { out.Add(method.odd_values, {name}); });
     }},

    {"rpc_uptime_seconds", Gauge, "", "uptime",
     [](const NodeFacts& facts, Samples& out) { out.Add(facts.uptime_s); }},
    {"rpc_received_bytes", Counter, "", "getnettotals: totalbytesrecv, with the headers of the transport",
     [](const NodeFacts& facts, Samples& out) { Of(facts.net_totals, out, &poll::NetTotalsFacts::totalbytesrecv); }},
    {"rpc_sent_bytes", Counter, "", "getnettotals: totalbytessent, with the headers of the transport",
     [](const NodeFacts& facts, Samples& out) { Of(facts.net_totals, out, &poll::NetTotalsFacts::totalbytessent); }},
    {"rpc_upload_target_bytes", Gauge, "", "getnettotals: upload target of a day, 0 if there is none",
     [](const NodeFacts& facts, Samples& out) { Of(facts.net_totals, out, &poll::NetTotalsFacts::uploadtarget_bytes); }},
    {"rpc_upload_target_left_bytes", Gauge, "", "getnettotals: what is left of the upload target",
     [](const NodeFacts& facts, Samples& out) { Of(facts.net_totals, out, &poll::NetTotalsFacts::uploadtarget_bytes_left); }},

    {"rpc_mempool_loaded", Gauge, "", "getmempoolinfo: loaded",
     [](const NodeFacts& facts, Samples& out) { if (facts.mempool) AddBool(out, facts.mempool->loaded); }},
    {"rpc_mempool_transactions", Gauge, "", "getmempoolinfo: size",
     [](const NodeFacts& facts, Samples& out) { Of(facts.mempool, out, &poll::MempoolFacts::size); }},
    {"rpc_mempool_vbytes", Gauge, "", "getmempoolinfo: bytes",
     [](const NodeFacts& facts, Samples& out) { Of(facts.mempool, out, &poll::MempoolFacts::bytes); }},
    {"rpc_mempool_memory_bytes", Gauge, "", "getmempoolinfo: usage",
     [](const NodeFacts& facts, Samples& out) { Of(facts.mempool, out, &poll::MempoolFacts::usage_bytes); }},
    {"rpc_mempool_memory_max_bytes", Gauge, "", "getmempoolinfo: maxmempool",
     [](const NodeFacts& facts, Samples& out) { Of(facts.mempool, out, &poll::MempoolFacts::maxmempool_bytes); }},
    {"rpc_mempool_fees_satoshis", Gauge, "", "getmempoolinfo: total_fee",
     [](const NodeFacts& facts, Samples& out) { Of(facts.mempool, out, &poll::MempoolFacts::total_fee_sat); }},
    {"rpc_mempool_min_fee_sat_per_vb", Gauge, "", "getmempoolinfo: mempoolminfee",
     [](const NodeFacts& facts, Samples& out) { FeeOf(facts.mempool, out, &poll::MempoolFacts::mempoolminfee_sat_per_kvb); }},
    {"rpc_mempool_min_relay_fee_sat_per_vb", Gauge, "", "getmempoolinfo: minrelaytxfee",
     [](const NodeFacts& facts, Samples& out) { FeeOf(facts.mempool, out, &poll::MempoolFacts::minrelaytxfee_sat_per_kvb); }},
    {"rpc_mempool_incremental_fee_sat_per_vb", Gauge, "", "getmempoolinfo: incrementalrelayfee",
     [](const NodeFacts& facts, Samples& out) { FeeOf(facts.mempool, out, &poll::MempoolFacts::incrementalrelayfee_sat_per_kvb); }},
    {"rpc_mempool_unbroadcast_transactions", Gauge, "", "getmempoolinfo: unbroadcastcount",
     [](const NodeFacts& facts, Samples& out) { Of(facts.mempool, out, &poll::MempoolFacts::unbroadcastcount); }},
    {"rpc_orphan_transactions", Gauge, "", "getorphantxs: transactions whose parents are missing",
     [](const NodeFacts& facts, Samples& out) { Of(facts.orphans, out, &poll::OrphanFacts::count); }},
    {"rpc_orphan_transactions_bytes", Gauge, "", "getorphantxs: bytes of transactions whose parents are missing",
     [](const NodeFacts& facts, Samples& out) { Of(facts.orphans, out, &poll::OrphanFacts::bytes); }},

    {"rpc_orphan_transactions_vbytes", Gauge, "", "getorphantxs: virtual bytes of transactions whose parents are missing",
     [](const NodeFacts& facts, Samples& out) { Of(facts.orphans, out, &poll::OrphanFacts::vsize); }},
    {"rpc_orphan_transactions_weight", Gauge, "", "getorphantxs: weight of transactions whose parents are missing",
     [](const NodeFacts& facts, Samples& out) { Of(facts.orphans, out, &poll::OrphanFacts::weight); }},

    {"rpc_block_height", Gauge, "", "getblockchaininfo: blocks",
     [](const NodeFacts& facts, Samples& out) { Of(facts.blockchain, out, &poll::BlockchainFacts::blocks); }},
    {"rpc_header_height", Gauge, "", "getblockchaininfo: headers",
     [](const NodeFacts& facts, Samples& out) { Of(facts.blockchain, out, &poll::BlockchainFacts::headers); }},
    {"rpc_difficulty", Gauge, "", "getblockchaininfo: difficulty",
     [](const NodeFacts& facts, Samples& out) { Of(facts.blockchain, out, &poll::BlockchainFacts::difficulty); }},
    {"rpc_tip_time_seconds", Gauge, "", "getblockchaininfo: time in the header of the last block, Unix time",
     [](const NodeFacts& facts, Samples& out) { Of(facts.blockchain, out, &poll::BlockchainFacts::time_utc_s); }},
    {"rpc_verification_progress_ratio", Gauge, "", "getblockchaininfo: verificationprogress",
     [](const NodeFacts& facts, Samples& out) { Of(facts.blockchain, out, &poll::BlockchainFacts::verificationprogress); }},
    {"rpc_initial_block_download", Gauge, "", "getblockchaininfo: initialblockdownload",
     [](const NodeFacts& facts, Samples& out) { if (facts.blockchain) AddBool(out, facts.blockchain->initialblockdownload); }},
    {"rpc_blocks_size_bytes", Gauge, "", "getblockchaininfo: size_on_disk",
     [](const NodeFacts& facts, Samples& out) { Of(facts.blockchain, out, &poll::BlockchainFacts::size_on_disk_bytes); }},
    {"rpc_pruned", Gauge, "", "getblockchaininfo: pruned",
     [](const NodeFacts& facts, Samples& out) { if (facts.blockchain) AddBool(out, facts.blockchain->pruned); }},
    {"rpc_prune_height", Gauge, "", "getblockchaininfo: pruneheight",
     [](const NodeFacts& facts, Samples& out) { Of(facts.blockchain, out, &poll::BlockchainFacts::pruneheight); }},
    {"rpc_prune_target_bytes", Gauge, "", "getblockchaininfo: prune_target_size",
     [](const NodeFacts& facts, Samples& out) { Of(facts.blockchain, out, &poll::BlockchainFacts::prune_target_size_bytes); }},
    {"rpc_warnings", Gauge, "", "getblockchaininfo: how many warnings the node has",
     [](const NodeFacts& facts, Samples& out) { if (facts.blockchain) out.Add(facts.blockchain->warnings.size()); }},
    {"rpc_chain_tips", Gauge, "status", "getchaintips: known ends of chains", ChainTips},

    {"rpc_version", Gauge, "", "getnetworkinfo: version as a number, 310000 is 31.0",
     [](const NodeFacts& facts, Samples& out) { Of(facts.network, out, &poll::NetworkFacts::version); }},
    {"rpc_protocol_version", Gauge, "", "getnetworkinfo: protocolversion",
     [](const NodeFacts& facts, Samples& out) { Of(facts.network, out, &poll::NetworkFacts::protocolversion); }},
    {"rpc_network_active", Gauge, "", "getnetworkinfo: networkactive",
     [](const NodeFacts& facts, Samples& out) { if (facts.network) AddBool(out, facts.network->networkactive); }},
    {"rpc_time_offset_seconds", Gauge, "", "getnetworkinfo: timeoffset",
     [](const NodeFacts& facts, Samples& out) { Of(facts.network, out, &poll::NetworkFacts::timeoffset_s); }},
    {"rpc_connections", Gauge, "direction", "getnetworkinfo: connections_in, connections_out",
     [](const NodeFacts& facts, Samples& out) {
         if (!facts.network) return;
         out.Add(facts.network->connections_in, {"in"});
         out.Add(facts.network->connections_out, {"out"});
     }},
    {"rpc_local_addresses", Gauge, "", "getnetworkinfo: addresses of its own that the node knows",
     [](const NodeFacts& facts, Samples& out) { Of(facts.network, out, &poll::NetworkFacts::localaddresses); }},
    {"rpc_network_reachable", Gauge, "network", "getnetworkinfo: reachable", Reachable},
    {"rpc_relay_fee_sat_per_vb", Gauge, "", "getnetworkinfo: relayfee",
     [](const NodeFacts& facts, Samples& out) { FeeOf(facts.network, out, &poll::NetworkFacts::relayfee_sat_per_kvb); }},

    {"rpc_locked_memory_bytes", Gauge, "state", "getmemoryinfo: memory for secrets, locked into RAM", LockedMemory},
    {"rpc_locked_memory_chunks", Gauge, "state", "getmemoryinfo: chunks of the memory for secrets", LockedChunks},
    {"rpc_addrman_addresses", Gauge, "network,table", "getaddrmaninfo: known addresses of nodes", Addrman},
    {"rpc_addrman_entries_by_age", Gauge, "table,up_to", "getrawaddrman: entries by age, between the age before and this one", AddrmanAges},
    {"rpc_addrman_entries", Gauge, "table,network", "getrawaddrman: entries by network; an address may have up to eight in new",
     [](const NodeFacts& facts, Samples& out) {
         EachTable(facts, [&](const poll::RawAddrmanFacts::Table& table, std::string_view name) {
             Counts counts;
             for (const auto& [network, group] : table.by_network) {
                 counts[std::ranges::find(NETWORKS, network) == NETWORKS.end() ? "other" : network] += group.entries;
             }
             out.AddEach(counts, std::span{NETWORKS}.first(5), {name});
         });
     }},
    {"rpc_addrman_future_entries", Gauge, "table", "getrawaddrman: entries with a time more than ten minutes ahead",
     [](const NodeFacts& facts, Samples& out) {
         EachTable(facts, [&](const poll::RawAddrmanFacts::Table& table, std::string_view name) { out.Add(table.all.future, {name}); });
     }},
    {"rpc_addrman_too_old_entries", Gauge, "table", "getrawaddrman: entries older than 30 days, which Bitcoin Core calls terrible",
     [](const NodeFacts& facts, Samples& out) {
         EachTable(facts, [&](const poll::RawAddrmanFacts::Table& table, std::string_view name) { out.Add(table.all.too_old, {name}); });
     }},
};
// clang-format on

} // namespace

FamilyGroup RpcFamilies()
{
    return {
        "RPC",
        "What the node says of itself, where it is asked ([poll.md](poll.md)). A value that is too old to be shown is left out. Amounts are "
        "satoshi, fee rates satoshi a virtual byte, not BTC a thousand virtual bytes.",
        FAMILIES};
}

} // namespace coretap::sinks::metrics
