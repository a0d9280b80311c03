#include <map>

#include "event/catalogue.h"
#include "sinks/metrics/shared.h"

namespace coretap::sinks::metrics {

using state::NodeSnapshot;
using enum Type;

std::span<const std::string_view> ConnectionTypeSeeds() { return event::ConnectionTypes().subspan(1); }

Counts ServiceCounts(const std::array<std::uint64_t, 64>& bits)
{
    Counts counts;
    std::string name;
    for (unsigned bit{0}; bit < bits.size(); ++bit) {
        name.clear();
        event::AppendServiceName(name, bit);
        const bool known{!name.starts_with("UNKNOWN")};
        if (bits[bit] != 0 || known) counts[known ? name : "other"] += bits[bit];
    }
    return counts;
}

namespace {

/** Of built-in tracepoints, by name: rows of one name, as two layouts of a probe are, are added up. */
void Events(const NodeSnapshot& node, Samples& out)
{
    static const event::Catalogue CATALOGUE;
    Counts counts;
    for (const event::TracepointDef* row : CATALOGUE.Rows()) {
        if (row->origin == event::Origin::Coretap) continue;
        const auto fired{node.fired.find(row->id)};
        counts[row->FullName()] += fired == node.fired.end() ? 0 : fired->second;
    }
    out.AddEach(counts);
}

// clang-format off
constexpr Family FAMILIES[]{
    {"node", Info, "chain,executable,build_id", "What the node is",
     [](const NodeSnapshot& node, Samples& out) { out.Add(1, {node.identity.chain, node.identity.executable, node.identity.build_id}); }},
    {"node_running", Gauge, "", "Whether a process of the node is there",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.identity.running ? 1 : 0); }},
    {"node_starts", Counter, "", "Processes of the node that were seen: 1 and its restarts",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.identity.starts); }},
    {"node_events", Counter, "tracepoint", "Firings of a built-in tracepoint in the node's processes, from zero; with p2p_messages_exact 1 counted in the kernel, what was lost included", Events},
    {"node_start_time_seconds", Gauge, "", "When its process started, Unix time",
     [](const NodeSnapshot& node, Samples& out) { if (node.identity.started_at_s != 0) out.Add(node.identity.started_at_s); }},
};

constexpr Family WALLET[]{
    {"coin_selections", Counter, "algorithm", "Coin selections of the wallet that found something, by the algorithm that won",
     [](const NodeSnapshot& node, Samples& out) {
         constexpr std::string_view SEEDS[]{"bnb", "knapsack", "srd", "cg"};
         out.AddEach(node.coins.selected, SEEDS);
     }},
    {"wallet_transactions", Counter, "result", "Transactions that the wallet was asked to make",
     [](const NodeSnapshot& node, Samples& out) {
         out.Add(node.coins.created, {"created"});
         out.Add(node.coins.failed, {"failed"});
     }},
    {"wallet_avoid_partial_spends_attempts", Counter, "", "Second attempts at a transaction, avoiding partial spends",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.coins.aps_attempts); }},
    {"wallet_avoid_partial_spends_used", Counter, "", "Second attempts whose transaction was taken",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.coins.aps_used); }},
};
// clang-format on

} // namespace

FamilyGroup NodeFamilies() { return {"Node", "", FAMILIES}; }
FamilyGroup WalletFamilies() { return {"Wallet", "", WALLET}; }

} // namespace coretap::sinks::metrics
