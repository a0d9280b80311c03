// The parts of api_json.h that show one node: blocks, mempool, UTXO cache, messages, addresses, history.
#include <algorithm>
#include <span>

#include "web/api_parts.h"

namespace coretap::web {
namespace {

std::string_view ViaName(state::BlockVia via)
{
    switch (via) {
    case state::BlockVia::Inv: return "inv";
    case state::BlockVia::Headers: return "headers";
    case state::BlockVia::CmpctBlock: return "cmpctblock";
    case state::BlockVia::Block: return "block";
    case state::BlockVia::MerkleBlock: return "merkleblock";
    }
    return {};
}

/** A BlockAnnouncement or a BlockRequest. */
template <class Step>
void WriteSteps(JsonWriter& json, std::string_view name, const std::vector<Step>& steps)
{
    json.List(name, [&] {
        for (const Step& step : steps) {
            json.Object([&] {
                json.Member("peer_id", step.peer_id);
                json.Member("via", ViaName(step.via));
                json.UtcMs("utc_ms", step.utc_ns);
            });
        }
    });
}

void WriteCompact(JsonWriter& json, const state::CompactReconstruction& compact)
{
    json.Object([&] {
        json.Member("peer_id", compact.peer_id);
        json.UtcMs("utc_ms", compact.utc_ns);
        json.Member("bytes", compact.bytes);
        json.Member("short_ids", compact.short_ids);
        json.Member("prefilled", compact.prefilled);
        json.Member("requested", compact.requested);
        json.Member("received_bytes", compact.received_bytes);
        json.UtcMs("blocktxn_utc_ms", compact.blocktxn_utc_ns);
        json.Member("failed", compact.failed);
    });
}

void WriteBlockTotals(JsonWriter& json, const state::BlockTotals& totals)
{
    WriteHistogram(json, "announce_to_deliver_seconds", totals.announce_to_deliver_seconds);
    WriteHistogram(json, "deliver_to_connect_seconds", totals.deliver_to_connect_seconds);
    WriteHistogram(json, "announce_to_relay_seconds", totals.announce_to_relay_seconds);
    json.Object("first_announced_via", [&] {
        for (std::size_t via{0}; via < totals.first_announced_via.size(); ++via)
            json.Member(ViaName(static_cast<state::BlockVia>(via)), totals.first_announced_via[via]);
    });
    json.Member("not_announced", totals.not_announced);
    json.Member("delivered_compact_full", totals.delivered_compact_full);
    json.Member("delivered_compact_partial", totals.delivered_compact_partial);
    json.Member("delivered_block", totals.delivered_block);
    json.Member("delivered_unknown", totals.delivered_unknown);
    WriteHistogram(json, "missing_transactions", totals.missing_transactions);
}

void WriteReason(JsonWriter& json, std::string_view name, const state::ReasonCount& reason)
{
    json.Object(name, [&] {
        json.Member("count", reason.count);
        json.Member("vsize", reason.vsize);
        json.Member("fee", reason.fee);
    });
}

void WriteGossip(JsonWriter& json, const state::GossipTotals& gossip)
{
    json.Object("inv", [&] {
        WriteByDirection(json, "entries", gossip.inv.entries,
                         [](JsonWriter& w, std::string_view name, const auto& map) { WriteCounts(w, name, map); });
        WriteByDirection(json, "size", gossip.inv.size,
                         [](JsonWriter& w, std::string_view name, const auto& sizes) { WriteHistogram(w, name, sizes); });
        WriteByDirection(json, "mixed", gossip.inv.mixed, WriteNumber);
    });
    WriteHistogram(json, "ping_seconds", gossip.ping_seconds);
    json.Member("old_pings", gossip.old_pings);
    WriteHistogram(json, "fee_filter_sat_per_vb_in", gossip.fee_filter_sat_per_vb[0]);
    WriteHistogram(json, "fee_filter_sat_per_vb_out", gossip.fee_filter_sat_per_vb[1]);
    WriteCounts(json, "user_agents", gossip.user_agents);
    json.Object("protocol_versions", [&] {
        for (const auto& [version, count] : gossip.protocol_versions) json.Member(version < 0 ? "other" : std::to_string(version), count);
    });
    WriteServiceBits(json, "version_services", gossip.version_services);
    WriteCounts(json, "rejects", gossip.rejects);
    json.List("findings", [&] {
        for (const auto& [what, count] : gossip.findings) {
            json.Object([&, &what = what, count = count] {
                json.Member("type", what.first);
                json.Member("problem", what.second);
                json.Member("count", count);
            });
        }
    });
}

void WriteHistory(JsonWriter& json, std::string_view name, const std::vector<state::HistoryPoint>& points, std::int64_t since_utc_ns)
{
    json.List(name, [&] {
        for (const state::HistoryPoint& point : points) {
            if (point.utc_ns < since_utc_ns) continue;
            json.Object([&] {
                json.UtcMs("utc_ms", point.utc_ns);
                WriteByDirection(json, "messages", point.messages, WriteMessageCount);
                json.Object("messages_in_by_kind", [&] {
                    for (std::size_t kind{0}; kind < point.messages_in_by_kind.size(); ++kind)
                        json.Member(state::ToString(static_cast<state::HistoryKind>(kind)), point.messages_in_by_kind[kind]);
                });
                json.Member("peers_in", point.peers_in);
                json.Member("peers_out", point.peers_out);
                json.Member("mempool_added", point.mempool_added);
                json.Member("mempool_removed", point.mempool_removed);
                json.Member("mempool_rejected", point.mempool_rejected);
                json.Member("mempool_replaced", point.mempool_replaced);
                json.Member("blocks", point.blocks);
                json.Member("lost", point.lost);
            });
        }
    });
}

} // namespace

void WriteBlock(JsonWriter& json, const state::NodeSnapshot& node, const state::BlockJourney& block)
{
    json.Object([&] {
        json.Member("node", node.identity.label);
        std::string hash;
        util::AppendHexReversed(hash, std::as_bytes(std::span{block.hash}));
        json.Member("hash", hash);
        json.Member("height", block.height);
        json.UtcMs("first_utc_ms", block.first_utc_ns);
        WriteSteps(json, "announcements", block.announcements);
        json.Member("announcements_total", block.announcements_total);
        WriteSteps(json, "requests", block.requests);
        json.List("compact", [&] {
            for (const auto& compact : block.compact) WriteCompact(json, compact);
        });
        json.Member("delivered_peer", block.delivered_peer);
        json.Key("delivered_via");
        block.delivered_utc_ns ? json.Value(ViaName(block.delivered_via)) : json.Null();
        json.UtcMs("delivered_utc_ms", block.delivered_utc_ns);
        json.Member("delivered_bytes", block.delivered_bytes);
        json.UtcMs("connected_utc_ms", block.connected_utc_ns);
        json.Member("connect_ns", block.connect_ns);
        json.Member("transactions", block.transactions);
        json.Member("inputs", block.inputs);
        json.Member("sigops", block.sigops);
        json.UtcMs("first_relay_utc_ms", block.first_relay_utc_ns);
        json.Member("relayed_peers", block.relayed_peers);
        json.Member("gap", block.gap);
        json.Member("earlier_run", block.earlier_run);
    });
}

void WriteMempool(JsonWriter& json, const state::MempoolTotals& mempool)
{
    WriteReason(json, "added", mempool.added);
    json.Object("removed", [&] {
        for (const auto& [reason, count] : mempool.removed) WriteReason(json, reason, count);
    });
    WriteCounts(json, "rejected", mempool.rejected);
    WriteReason(json, "replaced", mempool.replaced);
    json.Member("replacements_by_package", mempool.replacements_by_package);
    WriteHistogram(json, "added_feerate_sat_per_vb", mempool.added_feerate_sat_per_vb);
    WriteHistogram(json, "block_removal_age_seconds", mempool.block_removal_age_seconds);
}

std::string BlocksJson(const state::NodeSnapshot& node, std::size_t limit)
{
    return JsonObject([&](JsonWriter& json) {
        json.List("blocks", [&] {
            for (const auto& block : std::span{node.blocks}.first(std::min(node.blocks.size(), limit))) WriteBlock(json, node, block);
        });
        json.Object("totals", [&] { WriteBlockTotals(json, node.block_totals); });
        WriteChain(json, node.chain);
    });
}

std::string MempoolJson(const state::NodeSnapshot& node)
{
    return JsonObject([&](JsonWriter& json) { WriteMempool(json, node.mempool); });
}

std::string UtxoJson(const state::NodeSnapshot& node)
{
    return JsonObject([&](JsonWriter& json) {
        json.Member("added", node.utxo.added);
        json.Member("spent", node.utxo.spent);
        json.Member("uncached", node.utxo.uncached);
        json.List("flushes", [&] {
            for (const auto& [what, flush] : node.utxo.flushes) {
                json.Object([&, &what = what, &flush = flush] {
                    json.Member("mode", what.first);
                    json.Member("for_prune", what.second);
                    json.Member("count", flush.count);
                    json.Member("coins", flush.coins);
                    WriteHistogram(json, "seconds", flush.seconds);
                    json.Member("last_memory_bytes", flush.last_memory_bytes);
                    json.Member("last_coins", flush.last_coins);
                    json.UtcMs("last_utc_ms", flush.last_utc_ns);
                });
            }
        });
        json.Object("coins", [&] {
            WriteCounts(json, "selected", node.coins.selected);
            json.Member("created", node.coins.created);
            json.Member("failed", node.coins.failed);
            json.Member("aps_attempts", node.coins.aps_attempts);
            json.Member("aps_used", node.coins.aps_used);
        });
    });
}

std::string MessagesJson(const state::NodeSnapshot& node)
{
    return JsonObject([&](JsonWriter& json) {
        WriteByDirection(json, "messages", node.messages, [](JsonWriter& w, std::string_view name, const auto& by_conn_type) {
            const auto conn_types = event::ConnectionTypes();
            w.Object(name, [&] {
                for (std::size_t i{0}; i < conn_types.size(); ++i) {
                    const bool any{std::ranges::any_of(by_conn_type[i], [](const state::MessageCount& count) { return count.count != 0; })};
                    if (any) WriteMessageCounts(w, conn_types[i], by_conn_type[i]);
                }
            });
        });
        json.Member("messages_exact", node.messages_exact);
        json.Object("message_times", [&] {
            const auto types = event::MessageTypes();
            for (std::size_t i{0}; i < types.size(); ++i) {
                const auto& times = node.message_times.types[i];
                if (times.count == 0 && times.idle == 0) continue;
                json.Object(types[i], [&] {
                    json.Member("count", times.count);
                    json.Member("total_ns", times.total_ns);
                    json.Member("max_ns", times.max_ns);
                    WriteHistogram(json, "seconds", times.seconds);
                    json.Member("ended_in_wait", times.ended_in_wait);
                    json.Member("idle", times.idle);
                    json.Member("total_at_least_ns", times.total_at_least_ns);
                    WriteHistogram(json, "at_least_seconds", times.at_least_seconds);
                });
            }
        });
        WriteGossip(json, node.gossip);
    });
}

std::string AddrJson(const state::NodeSnapshot& node)
{
    return JsonObject([&](JsonWriter& json) {
        const state::AddrRelayTotals& addr{node.gossip.addr};
        constexpr std::array<std::string_view, 2> TYPES{"addr", "addrv2"};
        const auto histogram = [](JsonWriter& w, std::string_view name, const auto& item) { WriteHistogram(w, name, item); };
        json.Object("entries", [&] {
            for (std::size_t i{0}; i < TYPES.size(); ++i) WriteByDirection(json, TYPES[i], addr.entries[i], histogram);
        });
        json.Object("time_offset_seconds", [&] {
            for (std::size_t i{0}; i < TYPES.size(); ++i) WriteByDirection(json, TYPES[i], addr.time_offset_seconds[i], histogram);
        });
        // addr and addrv2 together
        auto networks{addr.networks[0]};
        auto services{addr.service_bits[0]};
        std::array<std::uint64_t, state::DIRECTIONS> own{}, empty{};
        for (std::size_t at{0}; at < state::DIRECTIONS; ++at) {
            for (const auto& [network, count] : addr.networks[1][at]) networks[at][network] += count;
            for (std::size_t bit{0}; bit < services[at].size(); ++bit) services[at][bit] += addr.service_bits[1][at][bit];
            for (const auto& [network, count] : addr.self_announcements[at]) own[at] += count;
            empty[at] = addr.empty[0][at] + addr.empty[1][at];
        }
        WriteByDirection(json, "networks", networks,
                         [](JsonWriter& w, std::string_view name, const auto& map) { WriteCounts(w, name, map); });
        WriteByDirection(json, "service_bits", services, WriteServiceBits);
        WriteByDirection(json, "self_announcements", own, WriteNumber);
        json.Member("rate_limited", addr.rate_limited);
        json.Member("processed", addr.processed);
        WriteByDirection(json, "empty", empty, WriteNumber);
        json.Object("addrman", [&] {
            json.Member("new_inserted", node.addrman.new_inserted);
            json.Member("new_refused", node.addrman.new_refused);
            json.Member("tried", node.addrman.tried);
        });
    });
}

std::string HistoryJson(const state::NodeSnapshot& node, std::int64_t since_utc_ns)
{
    return JsonObject([&](JsonWriter& json) {
        WriteHistory(json, "seconds", node.seconds, since_utc_ns);
        WriteHistory(json, "minutes", node.minutes, since_utc_ns);
    });
}

} // namespace coretap::web
