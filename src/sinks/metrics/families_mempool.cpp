#include "sinks/metrics/shared.h"

namespace coretap::sinks::metrics {
namespace {

using state::NodeSnapshot;
using state::ReasonCount;
using enum Type;

/** MemPoolRemovalReason, src/kernel/mempool_removal_reason.cpp. Others, of patched nodes, are added up. */
constexpr std::array<std::string_view, 6> REMOVED{"expiry", "sizelimit", "reorg", "block", "conflict", "replaced"};

/** The usual ones of src/validation.cpp and src/policy: seeds. */
constexpr std::string_view REJECTED[]{"TRUC-violation",
                                      "bad-txns-inputs-missingorspent",
                                      "bad-txns-nonstandard-inputs",
                                      "bad-txns-spends-conflicting-tx",
                                      "bad-witness-nonstandard",
                                      "dust",
                                      "insufficient fee",
                                      "mandatory-script-verify-flag-failed",
                                      "mempool full",
                                      "mempool min fee not met",
                                      "mempool-script-verify-flag-failed",
                                      "min relay fee not met",
                                      "missing-ephemeral-spends",
                                      "non-BIP68-final",
                                      "non-final",
                                      "other",
                                      "replacement-failed",
                                      "scriptpubkey",
                                      "too-large-cluster",
                                      "too-long-mempool-chain",
                                      "txn-already-in-mempool",
                                      "txn-already-known",
                                      "txn-mempool-conflict"};

template <class Member>
void Removed(const NodeSnapshot& node, Samples& out, Member member)
{
    Counts counts;
    for (const auto& [reason, count] : Project(node.mempool.removed, member)) {
        counts[std::ranges::find(REMOVED, reason) == REMOVED.end() ? "other" : reason] += count;
    }
    out.AddEach(counts, REMOVED);
}

/** FlushStateMode, src/validation.h, without the one that never flushes. */
constexpr std::array<std::string_view, 4> FLUSH_MODES{"IF_NEEDED", "PERIODIC", "FORCE_FLUSH", "FORCE_SYNC"};

constexpr std::string_view Word(bool value) { return value ? "true" : "false"; }

/** `emit(flush, mode, for_prune)` of each kind of flush that was; with seeds those that are usual, too. */
template <class Emit>
void EachFlush(const NodeSnapshot& node, bool seeds, Emit emit)
{
    auto flushes{node.utxo.flushes};
    if (seeds) {
        for (const std::string_view mode : FLUSH_MODES) flushes.try_emplace({std::string{mode}, false});
    }
    for (const auto& [kind, flush] : flushes) emit(flush, kind.first, Word(kind.second));
}

// clang-format off
constexpr Family MEMPOOL[]{
    {"mempool_added", Counter, "", "Transactions added to the mempool",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.mempool.added.count); }},
    {"mempool_added_vbytes", Counter, "", "Virtual bytes of transactions added to the mempool",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.mempool.added.vsize); }},
    {"mempool_added_fees_satoshis", Counter, "", "Fees of transactions added to the mempool",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.mempool.added.fee); }},
    {"mempool_added_feerate_sat_per_vb", Histogram, "", "Fee rates of transactions added to the mempool",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.mempool.added_feerate_sat_per_vb); }},
    {"mempool_removed", Counter, "reason", "Transactions removed from the mempool",
     [](const NodeSnapshot& node, Samples& out) { Removed(node, out, &ReasonCount::count); }},
    {"mempool_removed_vbytes", Counter, "reason", "Virtual bytes of transactions removed from the mempool",
     [](const NodeSnapshot& node, Samples& out) { Removed(node, out, &ReasonCount::vsize); }},
    {"mempool_removed_fees_satoshis", Counter, "reason", "Fees of transactions removed from the mempool",
     [](const NodeSnapshot& node, Samples& out) { Removed(node, out, &ReasonCount::fee); }},
    {"mempool_block_removal_age_seconds", Histogram, "", "How long transactions that a block took had been in the mempool",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.mempool.block_removal_age_seconds); }},
    {"mempool_rejected", Counter, "reason", "Transactions rejected, by reason without its details",
     [](const NodeSnapshot& node, Samples& out) { out.AddEach(node.mempool.rejected, REJECTED); }},
    {"mempool_replaced", Counter, "", "Transactions that others replaced",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.mempool.replaced.count); }},
    {"mempool_replaced_vbytes", Counter, "", "Virtual bytes of transactions that others replaced",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.mempool.replaced.vsize); }},
    {"mempool_replaced_fees_satoshis", Counter, "", "Fees of transactions that others replaced",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.mempool.replaced.fee); }},
    {"mempool_replaced_by_package", Counter, "", "Transactions that a package replaced",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.mempool.replacements_by_package); }},
};

constexpr Family UTXO[]{
    {"utxo_cache_added", Counter, "", "Coins added to a UTXO cache, that of temporary views included (a block that is tested, as getblocktemplate does, adds its coins)",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.utxo.added); }},
    {"utxo_cache_spent", Counter, "", "Coins spent from a UTXO cache, that of temporary views included",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.utxo.spent); }},
    {"utxo_cache_uncached", Counter, "", "Coins dropped from the UTXO cache: a transaction that needed them was refused",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.utxo.uncached); }},
    {"utxo_cache_flush_seconds", Histogram, "mode,for_prune", "How long flushes of the UTXO cache took",
     [](const NodeSnapshot& node, Samples& out) {
         EachFlush(node, true, [&](const state::FlushTotals& flush, std::string_view mode, std::string_view prune) { out.Add(flush.seconds, {mode, prune}); });
     }},
    {"utxo_cache_flushed_coins", Counter, "mode,for_prune", "Coins in the UTXO cache when it was flushed",
     [](const NodeSnapshot& node, Samples& out) {
         EachFlush(node, true, [&](const state::FlushTotals& flush, std::string_view mode, std::string_view prune) { out.Add(flush.coins, {mode, prune}); });
     }},
    {"utxo_cache_last_flush_memory_bytes", Gauge, "mode,for_prune", "Memory of the UTXO cache at the last flush",
     [](const NodeSnapshot& node, Samples& out) {
         EachFlush(node, false, [&](const state::FlushTotals& flush, std::string_view mode, std::string_view prune) { out.Add(flush.last_memory_bytes, {mode, prune}); });
     }},
    {"utxo_cache_last_flush_coins", Gauge, "mode,for_prune", "Coins in the UTXO cache at the last flush",
     [](const NodeSnapshot& node, Samples& out) {
         EachFlush(node, false, [&](const state::FlushTotals& flush, std::string_view mode, std::string_view prune) { out.Add(flush.last_coins, {mode, prune}); });
     }},
    {"utxo_cache_last_flush_time_seconds", Gauge, "mode,for_prune", "When the UTXO cache was last flushed, Unix time",
     [](const NodeSnapshot& node, Samples& out) {
         EachFlush(node, false, [&](const state::FlushTotals& flush, std::string_view mode, std::string_view prune) { out.Add(UtcSeconds(flush.last_utc_ns), {mode, prune}); });
     }},
};
// clang-format on

} // namespace

FamilyGroup MempoolFamilies() { return {"Mempool", "", MEMPOOL}; }
FamilyGroup UtxoFamilies()
{
    return {"UTXO cache", "`mode` is Bitcoin Core's `FlushStateMode`; `for_prune`: to remove old block files.", UTXO};
}

} // namespace coretap::sinks::metrics
