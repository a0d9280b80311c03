#include "poll/rpc_answers.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>

#include <fmt/format.h>

namespace coretap::poll {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, RPC_METHODS> NAMES{"getpeerinfo",    "getnettotals", "getmempoolinfo", "getblockchaininfo",
                                                          "getnetworkinfo", "uptime",       "getmemoryinfo",  "getaddrmaninfo",
                                                          "getorphantxs",   "getchaintips", "getrawaddrman"};

void ReadPeer(const ObjectReader& in, PeerFacts& peer)
{
    in.Get("addr", peer.addr);
    in.Get("addrbind", peer.addrbind);
    in.Get("addrlocal", peer.addrlocal);
    in.Get("network", peer.network);
    in.Get("mapped_as", peer.mapped_as);
    in.Hex("services", peer.services);
    in.Words("servicesnames", peer.servicesnames);
    in.Get("relaytxes", peer.relaytxes);
    in.Get("last_inv_sequence", peer.last_inv_sequence);
    in.Get("inv_to_send", peer.inv_to_send);
    in.Get("lastsend", peer.lastsend_utc_s);
    in.Get("lastrecv", peer.lastrecv_utc_s);
    in.Get("last_transaction", peer.last_transaction_utc_s);
    in.Get("last_block", peer.last_block_utc_s);
    in.Get("conntime", peer.conntime_utc_s);
    in.Get("bytessent", peer.bytessent);
    in.Get("bytesrecv", peer.bytesrecv);
    in.Get("timeoffset", peer.timeoffset_s);
    in.Get("pingtime", peer.pingtime_s);
    in.Get("minping", peer.minping_s);
    in.Get("pingwait", peer.pingwait_s);
    in.Get("version", peer.version);
    in.Get("subver", peer.subver);
    in.Get("inbound", peer.inbound);
    in.Get("bip152_hb_to", peer.bip152_hb_to);
    in.Get("bip152_hb_from", peer.bip152_hb_from);
    in.Get("presynced_headers", peer.presynced_headers);
    in.Get("synced_headers", peer.synced_headers);
    in.Get("synced_blocks", peer.synced_blocks);
    peer.inflight = static_cast<std::uint32_t>(in.Length("inflight"));
    in.Get("addr_relay_enabled", peer.addr_relay_enabled);
    in.Get("addr_processed", peer.addr_processed);
    in.Get("addr_rate_limited", peer.addr_rate_limited);
    in.Words("permissions", peer.permissions);
    in.Amount("minfeefilter", peer.minfeefilter_sat_per_kvb);
    in.Counts("bytessent_per_msg", peer.bytessent_per_msg);
    in.Counts("bytesrecv_per_msg", peer.bytesrecv_per_msg);
    in.Get("connection_type", peer.connection_type);
    in.Get("transport_protocol_type", peer.transport_protocol_type);
    in.Get("session_id", peer.session_id);
}

void ReadInFlight(const json::object& peer, std::set<std::int64_t>& heights)
{
    const json::value* const list{peer.if_contains("inflight")};
    if (list == nullptr || !list->is_array()) return;
    for (const json::value& height : list->get_array()) {
        if (const std::int64_t * number{height.if_int64()}; number != nullptr && heights.size() < MAX_IN_FLIGHT) heights.insert(*number);
    }
}

PeersFacts ReadPeers(const json::array& list, Oddities& odd)
{
    PeersFacts facts;
    std::set<std::int64_t> in_flight;
    facts.peers.reserve(std::min(list.size(), MAX_PEERS));
    for (const json::value& entry : list) {
        const json::object* object{entry.if_object()};
        std::optional<std::int64_t> id;
        if (object == nullptr) {
            odd.Add(fmt::format("getpeerinfo: a peer should be an object and is {}", KindName(entry)));
        } else {
            ObjectReader{*object, "getpeerinfo", odd}.Get("id", id);
        }
        if (!id || facts.peers.size() == MAX_PEERS) {
            ++facts.left_out;
            continue;
        }
        PeerFacts& peer{facts.peers.emplace_back()};
        peer.id = *id;
        ReadPeer({*object, "getpeerinfo", odd}, peer);
        ReadInFlight(*object, in_flight);
    }
    facts.blocks_in_flight = in_flight.size();
    return facts;
}

NetTotalsFacts ReadNetTotals(const ObjectReader& in, Oddities& odd)
{
    NetTotalsFacts facts;
    in.Get("totalbytesrecv", facts.totalbytesrecv);
    in.Get("totalbytessent", facts.totalbytessent);
    in.Get("timemillis", facts.timemillis);
    if (const json::object * target{in.Object("uploadtarget")}) {
        const ObjectReader upload{*target, "getnettotals", odd};
        upload.Get("target", facts.uploadtarget_bytes);
        upload.Get("target_reached", facts.uploadtarget_reached);
        upload.Get("bytes_left_in_cycle", facts.uploadtarget_bytes_left);
    }
    return facts;
}

MempoolFacts ReadMempool(const ObjectReader& in)
{
    MempoolFacts facts;
    in.Get("loaded", facts.loaded);
    in.Get("size", facts.size);
    in.Get("bytes", facts.bytes);
    in.Get("usage", facts.usage_bytes);
    in.Get("maxmempool", facts.maxmempool_bytes);
    in.Amount("total_fee", facts.total_fee_sat);
    in.Amount("mempoolminfee", facts.mempoolminfee_sat_per_kvb);
    in.Amount("minrelaytxfee", facts.minrelaytxfee_sat_per_kvb);
    in.Amount("incrementalrelayfee", facts.incrementalrelayfee_sat_per_kvb);
    in.Get("unbroadcastcount", facts.unbroadcastcount);
    return facts;
}

BlockchainFacts ReadBlockchain(const ObjectReader& in)
{
    BlockchainFacts facts;
    in.Get("chain", facts.chain);
    in.Get("blocks", facts.blocks);
    in.Get("headers", facts.headers);
    in.Get("bestblockhash", facts.bestblockhash);
    in.Get("difficulty", facts.difficulty);
    in.Get("time", facts.time_utc_s);
    in.Get("mediantime", facts.mediantime_utc_s);
    in.Get("verificationprogress", facts.verificationprogress);
    in.Get("initialblockdownload", facts.initialblockdownload);
    in.Get("size_on_disk", facts.size_on_disk_bytes);
    in.Get("pruned", facts.pruned);
    in.Get("pruneheight", facts.pruneheight);
    in.Get("prune_target_size", facts.prune_target_size_bytes);
    in.Words("warnings", facts.warnings, true);
    return facts;
}

NetworkFacts ReadNetwork(const json::object& object, const ObjectReader& in, Oddities& odd)
{
    NetworkFacts facts;
    in.Get("version", facts.version);
    in.Get("subversion", facts.subversion);
    in.Get("protocolversion", facts.protocolversion);
    in.Hex("localservices", facts.localservices);
    in.Words("localservicesnames", facts.localservicesnames);
    in.Get("localrelay", facts.localrelay);
    in.Get("networkactive", facts.networkactive);
    in.Get("timeoffset", facts.timeoffset_s);
    in.Get("connections", facts.connections);
    in.Get("connections_in", facts.connections_in);
    in.Get("connections_out", facts.connections_out);
    in.Amount("relayfee", facts.relayfee_sat_per_kvb);
    in.Amount("incrementalfee", facts.incrementalfee_sat_per_kvb);
    if (object.contains("localaddresses")) facts.localaddresses = in.Length("localaddresses");
    in.Words("warnings", facts.warnings, true);
    if (in.Length("networks") == 0) return facts;
    for (const json::value& entry : object.at("networks").get_array()) {
        const json::object* network{entry.if_object()};
        if (network == nullptr) {
            odd.Add(fmt::format("getnetworkinfo: a network should be an object and is {}", KindName(entry)));
            continue;
        }
        const ObjectReader of{*network, "getnetworkinfo", odd};
        std::string name;
        of.Get("name", name);
        if (facts.networks.size() >= MAX_WORDS) break;
        NetworkFacts::Reachability& reach{facts.networks[name]};
        of.Get("limited", reach.limited);
        of.Get("reachable", reach.reachable);
        of.Get("proxy", reach.proxy);
    }
    return facts;
}

MemoryFacts ReadMemory(const ObjectReader& in, Oddities& odd)
{
    MemoryFacts facts;
    const json::object* locked{in.Object("locked")};
    if (locked == nullptr) return facts;
    const ObjectReader of{*locked, "getmemoryinfo", odd};
    of.Get("used", facts.used_bytes);
    of.Get("free", facts.free_bytes);
    of.Get("total", facts.total_bytes);
    of.Get("locked", facts.locked_bytes);
    of.Get("chunks_used", facts.chunks_used);
    of.Get("chunks_free", facts.chunks_free);
    return facts;
}

AddrmanFacts ReadAddrman(const json::object& object, Oddities& odd)
{
    AddrmanFacts facts;
    for (const auto& [key, value] : object) {
        const json::object* counts{value.if_object()};
        if (counts == nullptr) {
            odd.Add(fmt::format("getaddrmaninfo: a network should be an object and is {}", KindName(value)));
            continue;
        }
        if (facts.networks.size() >= MAX_WORDS) break;
        AddrmanFacts::Counts& of{facts.networks[{key.data(), std::min(key.size(), MAX_STRING)}]};
        const ObjectReader in{*counts, "getaddrmaninfo", odd};
        in.Get("new", of.in_new);
        in.Get("tried", of.tried);
        in.Get("total", of.total);
    }
    return facts;
}

OrphanFacts ReadOrphans(const json::array& list, Oddities& odd)
{
    OrphanFacts facts;
    for (const json::value& entry : list) {
        const json::object* orphan{entry.if_object()};
        if (orphan == nullptr) {
            odd.Add(fmt::format("getorphantxs: an orphan should be an object and is {}", KindName(entry)));
            continue;
        }
        ++facts.count;
        const ObjectReader in{*orphan, "getorphantxs", odd};
        std::optional<std::uint64_t> bytes, vsize, weight;
        in.Get("bytes", bytes);
        in.Get("vsize", vsize);
        in.Get("weight", weight);
        facts.bytes += bytes.value_or(0);
        facts.vsize += vsize.value_or(0);
        facts.weight += weight.value_or(0);
        if (in.Length("from") == 0) continue;
        for (const json::value& peer : orphan->at("from").get_array()) {
            ++facts.announcements;
            const std::int64_t* id{peer.if_int64()};
            if (id == nullptr) {
                odd.Add(fmt::format("getorphantxs: a peer should be a whole number and is {}", KindName(peer)));
            } else if (facts.announced_by.size() < MAX_ORPHAN_PEERS || facts.announced_by.contains(*id)) {
                ++facts.announced_by[*id];
            }
        }
    }
    return facts;
}

ChainTipsFacts ReadChainTips(const json::array& list, Oddities& odd)
{
    ChainTipsFacts facts;
    std::vector<ChainTipFacts> tips;
    const auto keep_highest = [&] {
        std::stable_sort(tips.begin(), tips.end(), [](const auto& a, const auto& b) { return a.height > b.height; });
        if (tips.size() <= MAX_CHAIN_TIPS) return;
        facts.left_out += tips.size() - MAX_CHAIN_TIPS;
        tips.resize(MAX_CHAIN_TIPS);
    };
    for (const json::value& entry : list) {
        const json::object* object{entry.if_object()};
        if (object == nullptr) {
            odd.Add(fmt::format("getchaintips: a tip should be an object and is {}", KindName(entry)));
            continue;
        }
        const ObjectReader in{*object, "getchaintips", odd};
        std::optional<std::int64_t> height, branchlen;
        ChainTipFacts tip;
        in.Get("height", height);
        in.Get("branchlen", branchlen);
        in.Get("hash", tip.hash);
        in.Get("status", tip.status);
        tip.height = height.value_or(0);
        tip.branchlen = branchlen.value_or(0);
        ++facts.status[facts.status.size() < MAX_WORDS || facts.status.contains(tip.status) ? tip.status : "*other*"];
        tips.push_back(std::move(tip));
        if (tips.size() == 2 * MAX_CHAIN_TIPS) keep_highest(); // an answer may have many times as many
    }
    keep_highest();
    facts.tips = std::move(tips);
    return facts;
}

} // namespace

std::string_view MethodName(RpcMethod method) { return NAMES[static_cast<std::size_t>(method)]; }

json::array MethodParams(RpcMethod method)
{
    if (method == RpcMethod::OrphanTxs) return {1}; // with sizes and peers, without the transactions
    return {};
}

bool ReadResult(RpcMethod method, const json::value& result, NodeFacts& facts, Oddities& odd)
{
    const std::string_view name{MethodName(method)};
    const bool wants_array{method == RpcMethod::PeerInfo || method == RpcMethod::OrphanTxs || method == RpcMethod::ChainTips};
    const auto refuse = [&](std::string_view expected) {
        odd = {1, fmt::format("the result of {} should be {} and is {}", name, expected, KindName(result))};
        return false;
    };
    if (method == RpcMethod::Uptime) {
        const std::int64_t* seconds{result.if_int64()};
        if (seconds == nullptr) return refuse("a whole number");
        facts.uptime_s = *seconds;
        return true;
    }
    if (wants_array) {
        const json::array* list{result.if_array()};
        if (list == nullptr) return refuse("an array");
        if (method == RpcMethod::PeerInfo) facts.peers = ReadPeers(*list, odd);
        if (method == RpcMethod::OrphanTxs) facts.orphans = ReadOrphans(*list, odd);
        if (method == RpcMethod::ChainTips) facts.chain_tips = ReadChainTips(*list, odd);
        return true;
    }
    const json::object* object{result.if_object()};
    if (object == nullptr) return refuse("an object");
    const ObjectReader in{*object, name, odd};
    switch (method) {
    case RpcMethod::NetTotals: facts.net_totals = ReadNetTotals(in, odd); break;
    case RpcMethod::MempoolInfo: facts.mempool = ReadMempool(in); break;
    case RpcMethod::BlockchainInfo: facts.blockchain = ReadBlockchain(in); break;
    case RpcMethod::NetworkInfo: facts.network = ReadNetwork(*object, in, odd); break;
    case RpcMethod::MemoryInfo: facts.memory = ReadMemory(in, odd); break;
    case RpcMethod::AddrmanInfo: facts.addrman = ReadAddrman(*object, odd); break;
    default: return refuse("read elsewhere");
    }
    return true;
}

} // namespace coretap::poll
