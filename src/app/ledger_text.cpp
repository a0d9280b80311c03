#include "app/ledger_text.h"

#include <algorithm>

#include <fmt/format.h>
#include <sys/resource.h>

#include "util/text.h"

namespace coretap::app {
namespace {

std::string Grouped(std::uint64_t value)
{
    std::string text;
    util::AppendGrouped(text, value);
    return text;
}

std::string NameOf(const event::Catalogue& catalogue, std::uint16_t tracepoint)
{
    const event::TracepointDef* row{catalogue.Find(tracepoint)};
    return row == nullptr ? fmt::format("tracepoint {}", tracepoint) : row->FullName();
}

/** ` (net:inbound_message ring-full 3, …)`, or nothing. */
std::string LostWhere(const pipeline::Ledger& ledger, const event::Catalogue& catalogue)
{
    std::string where;
    for (const auto& [tracepoint, tally] : ledger.tallies) {
        for (const pipeline::LossReason reason : pipeline::LOSS_REASONS) {
            const std::uint64_t lost{tally.lost[static_cast<std::size_t>(reason)]};
            if (lost != 0 && reason != pipeline::LossReason::Damaged) // of which nobody knows what it was
                where += fmt::format("{}{} {} {}", where.empty() ? "" : ", ", NameOf(catalogue, tracepoint), pipeline::ToString(reason),
                                     Grouped(lost));
        }
    }
    return where.empty() ? where : " (" + where + ")";
}

double Seconds(std::chrono::nanoseconds duration) { return std::chrono::duration<double>(duration).count(); }

} // namespace

std::chrono::nanoseconds OwnCpuTime()
{
    rusage usage{};
    if (::getrusage(RUSAGE_SELF, &usage) != 0) return {};
    std::chrono::nanoseconds total{0};
    for (const timeval& time : {usage.ru_utime, usage.ru_stime})
        total += std::chrono::seconds{time.tv_sec} + std::chrono::microseconds{time.tv_usec};
    return total;
}

std::string LedgerLine(const pipeline::Ledger& ledger, const event::Catalogue& catalogue, const Cost& cost)
{
    const pipeline::Tally total{ledger.Total()};
    std::string line{fmt::format("{} fired, {} delivered", Grouped(total.fired), Grouped(total.delivered))};
    if (total.withheld != 0) line += fmt::format(", {} only counted", Grouped(total.withheld));
    line += fmt::format(", {} lost", Grouped(total.Lost()));
    line += LostWhere(ledger, catalogue);
    if (total.payload_shed != 0) line += fmt::format(", {} payloads left out under pressure", Grouped(total.payload_shed));
    if (total.arg_faults != 0) line += fmt::format(", {} with unreadable arguments", Grouped(total.arg_faults));
    const double elapsed{std::max(Seconds(cost.elapsed), 1e-9)};
    line += fmt::format(
        "; in {:.1f} s; coretap used {:.1f} % of a core, the ring was {:.1f} % full at most", elapsed,
        100 * Seconds(cost.own_cpu) / elapsed,
        cost.ring_bytes == 0 ? 0.0 : 100.0 * static_cast<double>(ledger.ring_high_water_bytes) / static_cast<double>(cost.ring_bytes));
    if (ledger.kernel_run_count != 0) {
        line += fmt::format("; the node paid {:.0f} ns a firing for coretap's program, besides the trap ({:.3f} s in all)",
                            static_cast<double>(ledger.kernel_run_time_ns) / static_cast<double>(ledger.kernel_run_count),
                            static_cast<double>(ledger.kernel_run_time_ns) / 1e9);
    }
    return line;
}

std::string ReplayLine(const pipeline::Ledger& ledger, const event::Catalogue& catalogue, std::chrono::nanoseconds elapsed,
                       std::optional<std::uint64_t> shown)
{
    const pipeline::Tally total{ledger.Total()};
    const std::uint64_t damaged{total.lost[static_cast<std::size_t>(pipeline::LossReason::Damaged)]};
    std::string line{shown && *shown != total.delivered ?
                         fmt::format("{} of {} events passed on", Grouped(*shown), Grouped(total.delivered)) :
                         fmt::format("{} events", Grouped(total.delivered))};
    line += fmt::format(", {} lost when they were recorded{}", Grouped(total.Lost() - damaged), LostWhere(ledger, catalogue));
    if (damaged != 0) line += fmt::format(", {} in what is damaged of the recording", Grouped(damaged));
    return line + fmt::format("; in {:.1f} s", Seconds(elapsed));
}

std::string LedgerTable(const pipeline::Ledger& ledger, const event::Catalogue& catalogue)
{
    // as wide as what is in it: mostly less than a terminal
    std::size_t name_width{std::string_view{"tracepoint"}.size()};
    for (const auto& entry : ledger.tallies) name_width = std::max(name_width, NameOf(catalogue, entry.first).size());
    const std::size_t width{std::max<std::size_t>(Grouped(ledger.Total().fired).size(), std::string_view{"delivered"}.size()) + 2};
    const auto row = [&](std::string_view name, std::string_view fired, std::string_view delivered, std::string_view counted,
                         std::string_view lost) {
        return fmt::format("{:<{}}{:>{}}{:>{}}{:>{}}{:>{}}", name, name_width, fired, width, delivered, width, counted,
                           std::max<std::size_t>(width, 14), lost, width);
    };
    std::string table{row("tracepoint", "fired", "delivered", "only counted", "lost") + '\n'};
    for (const auto& [tracepoint, tally] : ledger.tallies) {
        table += row(NameOf(catalogue, tracepoint), Grouped(tally.fired), Grouped(tally.delivered), Grouped(tally.withheld),
                     Grouped(tally.Lost()));
        for (const pipeline::LossReason reason : pipeline::LOSS_REASONS) {
            const std::uint64_t lost{tally.lost[static_cast<std::size_t>(reason)]};
            if (lost != 0) table += fmt::format("  {} {}", pipeline::ToString(reason), Grouped(lost));
        }
        if (tally.payload_shed != 0) table += fmt::format("  {} without payload", Grouped(tally.payload_shed));
        if (tally.arg_faults != 0) table += fmt::format("  {} with unreadable arguments", Grouped(tally.arg_faults));
        table += '\n';
    }
    return table;
}

} // namespace coretap::app
