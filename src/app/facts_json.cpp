#include "app/facts_json.h"

#include <cstddef>
#include <optional>
#include <string_view>

#include "poll/rpc_answers.h"
#include "web/json_writer.h"

namespace coretap::app {
namespace {

using web::JsonWriter;

std::string_view NameOf(poll::RpcState state)
{
    switch (state) {
    case poll::RpcState::NotTried: return "not_tried";
    case poll::RpcState::Ok: return "ok";
    case poll::RpcState::NoPassword: return "no_password";
    case poll::RpcState::Unauthorized: return "unauthorized";
    case poll::RpcState::Forbidden: return "forbidden";
    case poll::RpcState::Unreachable: return "unreachable";
    case poll::RpcState::WarmingUp: return "warming_up";
    case poll::RpcState::Overloaded: return "overloaded";
    case poll::RpcState::Failing: return "failing";
    }
    return "";
}

std::string_view NameOf(poll::MethodFacts::Availability availability)
{
    switch (availability) {
    case poll::MethodFacts::Availability::Unknown: return "unknown";
    case poll::MethodFacts::Availability::Yes: return "yes";
    case poll::MethodFacts::Availability::Missing: return "missing";
    case poll::MethodFacts::Availability::Forbidden: return "forbidden";
    case poll::MethodFacts::Availability::Off: return "off";
    }
    return "";
}

void Words(JsonWriter& json, std::string_view name, const std::vector<std::string>& words)
{
    json.List(name, [&] {
        for (const std::string& word : words) json.Value(word);
    });
}

void Counts(JsonWriter& json, std::string_view name, const std::map<std::string, std::uint64_t>& counts)
{
    json.Object(name, [&] {
        for (const auto& [key, value] : counts) json.Member(key, value);
    });
}

void Methods(JsonWriter& json, const poll::NodeFacts& facts)
{
    json.Object("methods", [&] {
        for (std::size_t i{0}; i < facts.methods.size(); ++i) {
            const poll::MethodFacts& method{facts.methods[i]};
            json.Object(poll::MethodName(static_cast<poll::RpcMethod>(i)), [&] {
                json.Member("availability", NameOf(method.availability));
                json.Member("successes", method.successes);
                json.Member("failures", method.failures);
                json.Member("odd_values", method.odd_values);
                json.UtcMs("last_success_utc_ms", method.last_success_utc_ns);
                json.UtcMs("last_failure_utc_ms", method.last_failure_utc_ns);
                json.Member("last_error", method.last_error);
                json.Member("duration_ns", method.duration_ns);
            });
        }
    });
}

/** What the trace does not know of a peer, by its id: to be put beside /api/v1/peers. */
void Peers(JsonWriter& json, const poll::PeersFacts& facts)
{
    json.Member("peers_left_out", facts.left_out);
    json.List("peers", [&] {
        for (const poll::PeerFacts& peer : facts.peers) {
            json.Object([&] {
                json.Member("id", peer.id);
                json.Member("transport_protocol_type", peer.transport_protocol_type);
                json.Member("mapped_as", peer.mapped_as);
                json.Member("inv_to_send", peer.inv_to_send);
                Words(json, "permissions", peer.permissions);
                json.Member("bytessent", peer.bytessent);
                json.Member("bytesrecv", peer.bytesrecv);
                json.Member("minping_s", peer.minping_s);
                json.Member("synced_headers", peer.synced_headers);
                json.Member("synced_blocks", peer.synced_blocks);
                json.Member("inflight", peer.inflight);
                json.Member("addr_processed", peer.addr_processed);
                json.Member("addr_rate_limited", peer.addr_rate_limited);
            });
        }
    });
}

void Mempool(JsonWriter& json, const poll::MempoolFacts& mempool)
{
    json.Member("loaded", mempool.loaded);
    json.Member("size", mempool.size);
    json.Member("bytes", mempool.bytes);
    json.Member("usage_bytes", mempool.usage_bytes);
    json.Member("maxmempool_bytes", mempool.maxmempool_bytes);
    json.Member("total_fee_sat", mempool.total_fee_sat);
    json.Member("mempoolminfee_sat_per_kvb", mempool.mempoolminfee_sat_per_kvb);
    json.Member("minrelaytxfee_sat_per_kvb", mempool.minrelaytxfee_sat_per_kvb);
    json.Member("unbroadcastcount", mempool.unbroadcastcount);
}

void Blockchain(JsonWriter& json, const poll::BlockchainFacts& chain)
{
    json.Member("chain", chain.chain);
    json.Member("blocks", chain.blocks);
    json.Member("headers", chain.headers);
    json.Member("bestblockhash", chain.bestblockhash);
    json.Member("difficulty", chain.difficulty);
    json.Member("verificationprogress", chain.verificationprogress);
    json.Member("initialblockdownload", chain.initialblockdownload);
    json.Member("size_on_disk_bytes", chain.size_on_disk_bytes);
    json.Member("pruned", chain.pruned);
    json.Member("pruneheight", chain.pruneheight);
    Words(json, "warnings", chain.warnings);
}

void Network(JsonWriter& json, const poll::NetworkFacts& network)
{
    json.Member("version", network.version);
    json.Member("subversion", network.subversion);
    json.Member("protocolversion", network.protocolversion);
    Words(json, "localservicesnames", network.localservicesnames);
    json.Member("networkactive", network.networkactive);
    json.Member("timeoffset_s", network.timeoffset_s);
    json.Member("connections_in", network.connections_in);
    json.Member("connections_out", network.connections_out);
    json.Member("relayfee_sat_per_kvb", network.relayfee_sat_per_kvb);
    json.Member("localaddresses", network.localaddresses);
    json.Object("networks", [&] {
        for (const auto& entry : network.networks) {
            json.Object(entry.first, [&] {
                json.Member("reachable", entry.second.reachable);
                json.Member("limited", entry.second.limited);
            });
        }
    });
    Words(json, "warnings", network.warnings);
}

void NetTotals(JsonWriter& json, const poll::NetTotalsFacts& totals)
{
    json.Member("totalbytesrecv", totals.totalbytesrecv);
    json.Member("totalbytessent", totals.totalbytessent);
    json.Member("uploadtarget_bytes", totals.uploadtarget_bytes);
    json.Member("uploadtarget_reached", totals.uploadtarget_reached);
    json.Member("uploadtarget_bytes_left", totals.uploadtarget_bytes_left);
}

void Memory(JsonWriter& json, const poll::MemoryFacts& memory)
{
    json.Member("used_bytes", memory.used_bytes);
    json.Member("free_bytes", memory.free_bytes);
    json.Member("total_bytes", memory.total_bytes);
    json.Member("locked_bytes", memory.locked_bytes);
}

void Addrman(JsonWriter& json, const poll::AddrmanFacts& addrman)
{
    for (const auto& entry : addrman.networks) {
        json.Object(entry.first, [&] {
            json.Member("new", entry.second.in_new);
            json.Member("tried", entry.second.tried);
            json.Member("total", entry.second.total);
        });
    }
}

void Table(JsonWriter& json, const poll::RawAddrmanFacts::Table& table)
{
    json.Member("entries", table.all.entries);
    json.Member("future", table.all.future);
    json.Member("too_old", table.all.too_old);
    json.Member("mapped_as", table.mapped_as);
    Counts(json, "by_source_network", table.by_source_network);
    json.Object("by_network", [&] {
        for (const auto& [network, group] : table.by_network) json.Member(network, group.entries);
    });
    json.List("age_s", [&] {
        for (const std::uint64_t count : table.all.age_s) json.Value(count);
    });
}

void RawAddrman(JsonWriter& json, const poll::RawAddrmanFacts& addrman)
{
    json.List("age_bounds_s", [&] {
        for (const std::int64_t bound : poll::RawAddrmanFacts::AGE_BOUNDS_S) json.Value(bound);
    });
    json.Object("new", [&] { Table(json, addrman.in_new); });
    json.Object("tried", [&] { Table(json, addrman.tried); });
    json.Member("unreadable", addrman.unreadable);
}

void ChainTips(JsonWriter& json, const poll::ChainTipsFacts& tips)
{
    Counts(json, "status", tips.status);
    json.List("tips", [&] {
        constexpr std::size_t MOST{16}; // the highest, which come first
        for (std::size_t i{0}; i < tips.tips.size() && i < MOST; ++i) {
            const poll::ChainTipFacts& tip{tips.tips[i]};
            json.Object([&] {
                json.Member("height", tip.height);
                json.Member("hash", tip.hash);
                json.Member("branchlen", tip.branchlen);
                json.Member("status", tip.status);
            });
        }
    });
}

void Orphans(JsonWriter& json, const poll::OrphanFacts& orphans)
{
    json.Member("count", orphans.count);
    json.Member("bytes", orphans.bytes);
    json.Member("announcements", orphans.announcements);
}

/** An object, or null where it is not known. */
template <class Facts>
void Part(JsonWriter& json, std::string_view name, const std::optional<Facts>& facts, void (*write)(JsonWriter&, const Facts&))
{
    if (!facts) return json.Key(name).Null();
    json.Object(name, [&] { write(json, *facts); });
}

void Rpc(JsonWriter& json, const poll::NodeFacts& facts)
{
    json.UtcMs("utc_ms", facts.utc_ns);
    json.Member("state", NameOf(facts.state));
    json.Member("state_text", facts.state_text);
    json.UtcMs("state_since_utc_ms", facts.state_since_utc_ns == 0 ? std::nullopt : std::optional{facts.state_since_utc_ns});
    json.Member("rpc_address", facts.rpc_address);
    json.Member("reconnects", facts.reconnects);
    json.Member("uptime_s", facts.uptime_s);
    Part(json, "mempool", facts.mempool, Mempool);
    Part(json, "blockchain", facts.blockchain, Blockchain);
    Part(json, "network", facts.network, Network);
    Part(json, "net_totals", facts.net_totals, NetTotals);
    Part(json, "memory", facts.memory, Memory);
    Part(json, "addrman", facts.addrman, Addrman);
    Part(json, "raw_addrman", facts.raw_addrman, RawAddrman);
    Part(json, "chain_tips", facts.chain_tips, ChainTips);
    Part(json, "orphans", facts.orphans, Orphans);
    if (facts.peers)
        Peers(json, *facts.peers);
    else
        json.Key("peers").Null();
    Methods(json, facts);
}

std::string_view NameOf(std::size_t level)
{
    constexpr std::array<std::string_view, poll::LOG_LEVELS> NAMES{"trace", "debug", "info", "warning", "error"};
    return NAMES[level];
}

void Log(JsonWriter& json, const poll::LogTotals& log)
{
    json.Member("following", log.following);
    json.Member("problem", log.problem);
    json.Member("lines", log.lines);
    json.Member("bytes", log.bytes);
    json.Member("cut_lines", log.cut_lines);
    json.Member("skipped_bytes", log.skipped_bytes);
    json.Member("rotations", log.rotations);
    json.Member("truncations", log.truncations);
    json.UtcMs("last_line_utc_ms", log.last_line_utc_ns);
    json.Member("last_warning", log.last_warning);
    json.Member("last_error", log.last_error);
    json.Object("levels", [&] {
        for (std::size_t level{0}; level < log.levels.size(); ++level) json.Member(NameOf(level), log.levels[level]);
    });
    json.Object("categories", [&] {
        for (const auto& entry : log.categories) {
            json.Object(entry.first.empty() ? "none" : entry.first, [&] {
                json.Member("lines", entry.second.lines);
                json.Member("warnings", entry.second.warnings);
                json.Member("errors", entry.second.errors);
            });
        }
    });
    json.Object("reconstructions", [&] {
        json.Member("count", log.reconstructions);
        json.Member("complete", log.reconstructions_complete);
        json.Member("prefilled", log.reconstruction_prefilled);
        json.Member("from_mempool", log.reconstruction_from_mempool);
        json.Member("from_extra_pool", log.reconstruction_from_extra_pool);
        json.Member("requested", log.reconstruction_requested);
        json.Member("requested_bytes", log.reconstruction_requested_bytes);
    });
    json.Member("new_headers", log.new_headers);
    json.Member("new_headers_compact", log.new_headers_compact);
    json.Member("tips", log.tips);
    json.Object("bench", [&] {
        for (std::size_t i{0}; i < log.bench.size(); ++i) {
            const poll::LogTotals::Bench& bench{log.bench[i]};
            if (bench.count == 0) continue;
            json.Object(poll::BenchStageName(static_cast<poll::BenchStage>(i)), [&] {
                json.Member("count", bench.count);
                json.Member("total_ms", bench.total_ms);
                json.Member("last_ms", bench.last_ms);
            });
        }
    });
}

template <class Facts>
std::string OfNodes(const KnownNodes& nodes, std::shared_ptr<const Facts> NodeWatch::Known::*part, void (*write)(JsonWriter&, const Facts&))
{
    std::string text;
    JsonWriter json{text};
    json.Object([&] {
        json.Object("nodes", [&] {
            for (const auto& entry : nodes) {
                if (const auto& facts{entry.second.*part}) json.Object(entry.first, [&] { write(json, *facts); });
            }
        });
    });
    return text;
}

} // namespace

std::string RpcJson(const KnownNodes& nodes) { return OfNodes(nodes, &NodeWatch::Known::rpc, Rpc); }
std::string LogJson(const KnownNodes& nodes) { return OfNodes(nodes, &NodeWatch::Known::log, Log); }

} // namespace coretap::app
