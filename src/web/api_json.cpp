#include "web/api_json.h"

#include <algorithm>
#include <bit>
#include <span>

#include <fmt/format.h>

#include "web/api_parts.h"

namespace coretap::web {
namespace {

void WriteIdentity(JsonWriter& json, const state::NodeIdentity& node)
{
    const auto text = [&json](std::string_view name, const std::string& value) {
        json.Key(name);
        value.empty() ? json.Null() : json.Value(value);
    };
    json.Member("origin", node.origin);
    json.Member("pid", node.pid);
    text("label", node.label);
    text("executable", node.executable);
    text("build_id", node.build_id);
    text("datadir", node.datadir);
    text("chain", node.chain);
    json.Key("started_at_s");
    node.started_at_s != 0 ? json.Value(node.started_at_s) : json.Null();
    json.Member("starts", node.starts);
    json.Member("running", node.running);
}

state::MessageCount Total(const state::MessageCounts& counts)
{
    state::MessageCount total;
    for (const state::MessageCount& count : counts) total += count;
    return total;
}

void WriteOverview(JsonWriter& json, const state::NodeSnapshot& node)
{
    json.Object([&] {
        WriteIdentity(json, node.identity);
        const auto inbound = std::ranges::count_if(node.peers, &state::Peer::inbound);
        json.Member("peers_in", inbound);
        json.Member("peers_out", static_cast<std::ptrdiff_t>(node.peers.size()) - inbound);
        json.Member("height", node.chain.height);
        std::array<state::MessageCount, state::DIRECTIONS> messages{};
        for (std::size_t i{0}; i < state::DIRECTIONS; ++i) {
            for (const state::MessageCounts& counts : node.messages[i]) messages[i] += Total(counts);
        }
        WriteByDirection(json, "messages", messages, WriteMessageCount);
        json.Member("messages_exact", node.messages_exact);
        WriteChain(json, node.chain);
        json.Object("mempool", [&] { WriteMempool(json, node.mempool); });
        WriteConnections(json, node.connections);
    });
}

void WriteTally(JsonWriter& json, const pipeline::Tally& tally)
{
    json.Member("fired", tally.fired);
    json.Member("delivered", tally.delivered);
    json.Member("withheld", tally.withheld);
    json.Object("lost", [&] {
        for (const pipeline::LossReason reason : pipeline::LOSS_REASONS)
            json.Member(pipeline::ToString(reason), tally.lost[static_cast<std::size_t>(reason)]);
    });
    json.Member("payload_shed", tally.payload_shed);
    json.Member("arg_faults", tally.arg_faults);
}

void WriteLosses(JsonWriter& json, const state::Snapshot& snapshot, const event::Catalogue& catalogue)
{
    const pipeline::Ledger& ledger{snapshot.ledger};
    // several layouts of a probe are one tracepoint to whoever reads this
    std::map<std::string, pipeline::Tally> by_name;
    for (const auto& [id, tally] : ledger.tallies) {
        const event::TracepointDef* const def{catalogue.Find(id)};
        pipeline::Tally& sum{by_name[def ? def->FullName() : fmt::format("#{}", id)]};
        sum.fired += tally.fired;
        sum.delivered += tally.delivered;
        sum.withheld += tally.withheld;
        for (std::size_t i{0}; i < sum.lost.size(); ++i) sum.lost[i] += tally.lost[i];
        sum.payload_shed += tally.payload_shed;
        sum.arg_faults += tally.arg_faults;
    }
    json.Member("total", ledger.Total().Lost());
    json.Member("lost_since_start", snapshot.lost_since_start);
    json.Member("ring_high_water_bytes", ledger.ring_high_water_bytes);
    json.Member("kernel_run_time_ns", ledger.kernel_run_time_ns);
    json.Member("kernel_run_count", ledger.kernel_run_count);
    json.Object("tracepoints", [&] {
        for (const auto& [name, tally] : by_name) json.Object(name, [&, &tally = tally] { WriteTally(json, tally); });
    });
}

void WriteVersion(JsonWriter& json, const state::VersionFacts& version)
{
    json.Member("version", version.version);
    json.Member("services", fmt::format("{:016x}", version.services));
    json.List("services_names", [&] {
        for (std::uint64_t rest{version.services}; rest != 0; rest &= rest - 1)
            json.Value(ServiceName(static_cast<unsigned>(std::countr_zero(rest))));
    });
    json.Member("user_agent", version.user_agent);
    json.Member("start_height", version.start_height);
    json.Member("relay", version.relay);
    json.Member("time_offset_s", version.time_offset_s);
}

/** 0 is "never" for these. */
std::optional<std::int64_t> IfAny(std::int64_t utc_ns) { return utc_ns != 0 ? std::optional{utc_ns} : std::nullopt; }

} // namespace

std::string ServiceName(unsigned bit)
{
    switch (bit) { // serviceFlagsToStr(), src/protocol.cpp
    case 0: return "NETWORK";
    case 2: return "BLOOM";
    case 3: return "WITNESS";
    case 6: return "COMPACT_FILTERS";
    case 10: return "NETWORK_LIMITED";
    case 11: return "P2P_V2";
    default: return fmt::format("UNKNOWN[2^{}]", bit);
    }
}

void WriteMessageCount(JsonWriter& json, std::string_view name, const state::MessageCount& count)
{
    json.Object(name, [&] {
        json.Member("count", count.count);
        json.Member("bytes", count.bytes);
    });
}

void WriteMessageCounts(JsonWriter& json, std::string_view name, const state::MessageCounts& counts)
{
    const auto names = event::MessageTypes();
    json.Object(name, [&] {
        for (std::size_t type{0}; type < names.size(); ++type) {
            if (counts[type].count != 0) WriteMessageCount(json, names[type], counts[type]);
        }
    });
}

void WriteChain(JsonWriter& json, const state::ChainTotals& chain)
{
    json.Object("chain_totals", [&] {
        json.Member("height", chain.height);
        json.Key("tip");
        if (chain.tip_utc_ns) {
            std::string tip;
            util::AppendHexReversed(tip, std::as_bytes(std::span{chain.tip}));
            json.Value(tip);
        } else {
            json.Null();
        }
        json.UtcMs("tip_utc_ms", chain.tip_utc_ns);
        json.Member("blocks", chain.blocks);
        json.Member("transactions", chain.transactions);
        json.Member("inputs", chain.inputs);
        json.Member("sigops", chain.sigops);
        WriteHistogram(json, "connect_seconds", chain.connect_seconds);
    });
}

void WriteConnections(JsonWriter& json, const state::ConnectionTotals& connections)
{
    json.Object("connections", [&] {
        WriteCounts(json, "inbound", connections.inbound);
        WriteCounts(json, "outbound", connections.outbound);
        WriteCounts(json, "closed", connections.closed);
        json.Member("evicted", connections.evicted);
        WriteCounts(json, "misbehaving", connections.misbehaving);
        WriteHistogram(json, "closed_age_seconds", connections.closed_age_seconds);
        json.Member("inbound_now", connections.inbound_now);
        json.Member("outbound_now", connections.outbound_now);
    });
}

void WritePeer(JsonWriter& json, const state::NodeSnapshot& node, const state::Peer& peer, bool whole)
{
    json.Object([&] {
        json.Member("node", node.identity.label);
        json.Member("id", peer.id);
        json.Member("address", peer.address);
        json.Member("network", peer.network);
        json.List("lists", [&] {
            for (std::size_t i{0}; i < node.lists.size(); ++i) {
                if ((peer.lists >> i & 1) != 0) json.Value(node.lists[i].name);
            }
        });
        json.Member("conn_type", peer.conn_type);
        json.Member("inbound", peer.inbound);
        json.UtcMs("connected_utc_ms", peer.connected_utc_ns);
        json.UtcMs("first_seen_utc_ms", peer.first_seen_utc_ns);
        json.UtcMs("last_in_utc_ms", IfAny(peer.last_in_utc_ns));
        json.UtcMs("last_out_utc_ms", IfAny(peer.last_out_utc_ns));
        const state::MessageCount in{Total(peer.messages[0])};
        const state::MessageCount out{Total(peer.messages[1])};
        json.Member("messages_in", in.count);
        json.Member("messages_out", out.count);
        json.Member("bytes_in", in.bytes);
        json.Member("bytes_out", out.bytes);
        if (whole) WriteByDirection(json, "messages", peer.messages, WriteMessageCounts);
        json.Key("version");
        peer.version ? json.Object([&] { WriteVersion(json, *peer.version); }) : json.Null();
        json.Member("handshake_done", peer.handshake_done);
        json.Member("addrv2", peer.addrv2);
        json.Member("wtxid_relay", peer.wtxid_relay);
        json.Member("prefers_headers", peer.prefers_headers);
        json.Member("compact_hb_from", peer.compact_hb_from);
        json.Member("compact_hb_to", peer.compact_hb_to);
        json.Object("ping", [&] {
            json.Member("answered", peer.ping.answered);
            json.Member("last_ns", peer.ping.last_ns);
            json.Member("min_ns", peer.ping.min_ns);
            json.UtcMs("waiting_since_utc_ms", peer.ping.waiting_since_utc_ns);
        });
        json.Member("fee_filter_sat_per_kvb", peer.fee_filter_sat_per_kvb);
        json.Object("addr", [&] {
            json.Member("entries_in", peer.addr.entries_in);
            json.Member("entries_out", peer.addr.entries_out);
            json.Member("processed", peer.addr.processed);
            json.Member("rate_limited", peer.addr.rate_limited);
            json.Member("bucket", peer.addr.bucket);
            json.Member("exact", peer.addr.exact);
        });
        json.Member("height", peer.height);
        json.Member("tx_inv_in", peer.tx_inv_in);
        json.Member("tx_inv_out", peer.tx_inv_out);
        json.Member("tx_requested_in", peer.tx_requested_in);
        json.Member("tx_requested_out", peer.tx_requested_out);
        json.Member("tx_in", peer.tx_in);
        json.Member("tx_out", peer.tx_out);
        json.Member("notfound_in", peer.notfound_in);
        json.Member("tx_accepted", peer.tx_accepted);
        json.Member("tx_rejected", peer.tx_rejected);
        json.Member("misbehaving", peer.misbehaving);
        json.Member("last_misbehaviour", peer.last_misbehaviour);
        json.Member("undecodable", peer.undecodable);
        json.Member("message_time_ns", peer.message_time_ns);
        json.Member("message_time_at_least_ns", peer.message_time_at_least_ns);
        json.UtcMs("closed_utc_ms", peer.closed_utc_ns);
        json.Member("evicted", peer.evicted);
        json.Member("close_inferred", peer.close_inferred);
    });
}

std::string SnapshotJson(const state::Snapshot& snapshot, const event::Catalogue& catalogue, const Sections& sections, bool lists)
{
    return JsonObject([&](JsonWriter& json) {
        json.UtcMs("utc_ms", snapshot.utc_ns);
        json.Member("events", snapshot.events);
        json.List("nodes", [&] {
            for (const auto& node : snapshot.nodes) WriteOverview(json, *node);
        });
        json.Object("losses", [&] { WriteLosses(json, snapshot, catalogue); });
        for (const auto& [name, section] : sections) json.Key(name).Raw(section);
        if (!lists) return;
        json.List("peers", [&] {
            for (const auto& node : snapshot.nodes) {
                for (const state::Peer& peer : node->peers) WritePeer(json, *node, peer, false);
            }
        });
        json.List("blocks", [&] {
            for (const auto& node : snapshot.nodes) {
                for (const auto& block : std::span{node->blocks}.first(std::min(node->blocks.size(), SNAPSHOT_BLOCKS)))
                    WriteBlock(json, *node, block);
            }
        });
    });
}

std::string NodesJson(const state::Snapshot& snapshot)
{
    return JsonObject([&](JsonWriter& json) {
        json.List("nodes", [&] {
            for (const auto& node : snapshot.nodes) json.Object([&] { WriteIdentity(json, node->identity); });
        });
    });
}

std::string LossesJson(const state::Snapshot& snapshot, const event::Catalogue& catalogue)
{
    return JsonObject([&](JsonWriter& json) { WriteLosses(json, snapshot, catalogue); });
}

std::string PeersJson(const state::NodeSnapshot& node, bool closed)
{
    return JsonObject([&](JsonWriter& json) {
        json.List("peers", [&] {
            for (const state::Peer& peer : node.peers) WritePeer(json, node, peer, false);
            if (!closed) return;
            for (const state::Peer& peer : node.closed_peers) WritePeer(json, node, peer, false);
        });
        WriteConnections(json, node.connections);
    });
}

std::string PeerJson(const state::NodeSnapshot& node, std::int64_t id)
{
    std::string out;
    for (const auto* peers : {&node.peers, &node.closed_peers}) {
        const auto peer = std::ranges::find(*peers, id, &state::Peer::id);
        if (peer == peers->end()) continue;
        JsonWriter json{out};
        WritePeer(json, node, *peer, true);
        break;
    }
    return out;
}

} // namespace coretap::web
