#include "sinks/metrics/shared.h"

namespace coretap::sinks::metrics {
namespace {

using state::NodeSnapshot;
using enum Type;

// clang-format off
constexpr Family FAMILIES[]{
    {"block_height", Gauge, "", "Height of the last block that was connected; of another chain while the node verifies an assumeutxo snapshot, or old blocks (verifychain)",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.chain.height); }},
    {"block_connected_time_seconds", Gauge, "", "When the last block was connected, Unix time",
     [](const NodeSnapshot& node, Samples& out) { out.Add(UtcSeconds(node.chain.tip_utc_ns)); }},
    {"blocks_connected", Counter, "", "Blocks connected, the background chain of an assumeutxo snapshot and verifychain included",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.chain.blocks); }},
    {"block_transactions", Counter, "", "Transactions in connected blocks",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.chain.transactions); }},
    {"block_inputs", Counter, "", "Inputs in connected blocks",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.chain.inputs); }},
    {"block_sigops", Counter, "", "Cost of the signature operations in connected blocks",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.chain.sigops); }},
    {"block_connect_seconds", Histogram, "", "How long connecting a block took",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.chain.connect_seconds); }},
    {"block_announce_to_deliver_seconds", Histogram, "", "From the first announcement of a block to its last missing byte",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.block_totals.announce_to_deliver_seconds); }},
    {"block_deliver_to_connect_seconds", Histogram, "", "From the last missing byte of a block to its connection",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.block_totals.deliver_to_connect_seconds); }},
    {"block_announce_to_relay_seconds", Histogram, "", "From the first announcement of a block to our own first",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.block_totals.announce_to_relay_seconds); }},
    {"blocks_first_announced", Counter, "via", "Connected blocks, by the message that announced them first; block: it came unasked; unknown: none was seen, as while the chain is downloaded",
     [](const NodeSnapshot& node, Samples& out) {
         out.Add(node.block_totals.first_announced_via[0], {"inv"});
         out.Add(node.block_totals.first_announced_via[1], {"headers"});
         out.Add(node.block_totals.first_announced_via[2], {"cmpctblock"});
         out.Add(node.block_totals.first_announced_via[3] + node.block_totals.first_announced_via[4], {"block"});
         out.Add(node.block_totals.not_announced, {"unknown"});
     }},
    {"blocks_delivered", Counter, "via", "Connected blocks, by how they came: a compact block that lacked nothing, one with transactions asked for, or the whole; unknown: nobody was seen to bring it",
     [](const NodeSnapshot& node, Samples& out) {
         out.Add(node.block_totals.delivered_compact_full, {"cmpctblock"});
         out.Add(node.block_totals.delivered_compact_partial, {"blocktxn"});
         out.Add(node.block_totals.delivered_block, {"block"});
         out.Add(node.block_totals.delivered_unknown, {"unknown"});
     }},
    {"block_missing_transactions", Histogram, "", "Transactions of a compact block that had to be asked for",
     [](const NodeSnapshot& node, Samples& out) { out.Add(node.block_totals.missing_transactions); }},
};
// clang-format on

} // namespace

FamilyGroup BlockFamilies()
{
    return {"Blocks",
            "Times of a block's way are of connected blocks whose announcement was seen; [state.md](state.md#block-journeys) says what is "
            "inferred.",
            FAMILIES};
}

} // namespace coretap::sinks::metrics
