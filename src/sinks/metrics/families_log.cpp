#include "sinks/metrics/shared.h"

namespace coretap::sinks::metrics {
namespace {

using poll::LogTotals;
using enum Type;

/** `emit(bench, name)` of each stage that was logged. */
template <class Emit>
void EachStage(const LogTotals& log, Emit emit)
{
    for (std::size_t i{0}; i < poll::BENCH_STAGES; ++i) {
        if (log.bench[i].count != 0) emit(log.bench[i], poll::BenchStageName(static_cast<poll::BenchStage>(i)));
    }
}

// clang-format off
constexpr Family FAMILIES[]{
    {"log_following", Gauge, "", "Whether the node's debug.log is being read",
     [](const LogTotals& log, Samples& out) { out.Add(log.following ? 1 : 0); }},
    {"log_lines", Counter, "level", "Lines of debug.log",
     [](const LogTotals& log, Samples& out) {
         constexpr std::array<std::string_view, poll::LOG_LEVELS> LEVELS{"trace", "debug", "info", "warning", "error"};
         for (std::size_t i{0}; i < LEVELS.size(); ++i) out.Add(log.levels[i], {LEVELS[i]});
     }},
    {"log_category_lines", Counter, "category", "Lines of debug.log by Bitcoin Core's category; none: without one",
     [](const LogTotals& log, Samples& out) {
         Counts counts;
         for (const auto& [category, count] : log.categories) counts[category.empty() ? "none" : std::string{category}] += count.lines;
         out.AddEach(counts);
     }},
    {"log_read_bytes", Counter, "", "Bytes of debug.log that were read",
     [](const LogTotals& log, Samples& out) { out.Add(log.bytes); }},
    {"log_skipped_bytes", Counter, "", "Bytes of debug.log that were passed over: reading was too far behind",
     [](const LogTotals& log, Samples& out) { out.Add(log.skipped_bytes); }},
    {"log_rotations", Counter, "", "Times another file took the place of debug.log, or it was truncated",
     [](const LogTotals& log, Samples& out) { out.Add(log.rotations + log.truncations); }},
    {"log_new_tips", Counter, "", "Times the log told of a new tip of the chain (UpdateTip)",
     [](const LogTotals& log, Samples& out) { out.Add(log.tips); }},
    {"log_new_headers", Counter, "compact", "Lines about a new header, by whether a compact block brought it; versions 25 to 29 write two of those",
     [](const LogTotals& log, Samples& out) {
         out.Add(log.new_headers_compact, {"true"});
         out.Add(log.new_headers - std::min(log.new_headers, log.new_headers_compact), {"false"});
     }},
    {"log_compact_blocks", Counter, "complete", "Compact blocks put together (debug=cmpctblock), by whether nothing had to be asked for",
     [](const LogTotals& log, Samples& out) {
         out.Add(log.reconstructions_complete, {"true"});
         out.Add(log.reconstructions - std::min(log.reconstructions, log.reconstructions_complete), {"false"});
     }},
    {"log_compact_block_transactions", Counter, "source", "Transactions of those compact blocks by where they came from; mempool includes extra_pool",
     [](const LogTotals& log, Samples& out) {
         out.Add(log.reconstruction_prefilled, {"prefilled"});
         out.Add(log.reconstruction_from_mempool, {"mempool"});
         out.Add(log.reconstruction_from_extra_pool, {"extra_pool"});
         out.Add(log.reconstruction_requested, {"requested"});
     }},
    {"log_compact_block_requested_bytes", Counter, "", "Bytes of transactions that had to be asked for; since 30.0",
     [](const LogTotals& log, Samples& out) { out.Add(log.reconstruction_requested_bytes); }},
    {"log_bench_seconds", Counter, "stage", "Time of the stages of connecting blocks (debug=bench); stages contain others",
     [](const LogTotals& log, Samples& out) { EachStage(log, [&](const LogTotals::Bench& bench, std::string_view name) { out.Add(bench.total_ms / 1e3, {name}); }); }},
    {"log_bench_blocks", Counter, "stage", "How often a stage of connecting blocks was logged",
     [](const LogTotals& log, Samples& out) { EachStage(log, [&](const LogTotals::Bench& bench, std::string_view name) { out.Add(bench.count, {name}); }); }},
};
// clang-format on

} // namespace

FamilyGroup LogFamilies() { return {"debug.log", "What only the log says, where it can be read ([poll.md](poll.md)).", FAMILIES}; }

} // namespace coretap::sinks::metrics
