#include "sim/pacer.h"

#include <algorithm>

#include <ctime>

#include "sim/probes.h"

namespace coretap::sim {

using namespace std::chrono_literals;

namespace {

/** Signals only set a flag: whoever sleeps looks at it this often. */
constexpr auto LONGEST_NAP = 50ms;
/** Being late by more than this is forgotten instead of made up for: no flood after a pause. */
constexpr auto MOST_LATE = 250ms;

} // namespace

Pacer::Pacer(const Probes& probes, const std::atomic<bool>& stop, double rate, std::optional<Clock::time_point> stop_at)
    : m_probes{probes},
      m_stop{stop},
      m_interval{rate > 0 ? 1e9 / rate : 0},
      m_stop_at{stop_at},
      m_due{Clock::now()},
      m_seen{Probes::ThreadCalls()}
{}

bool Pacer::Stopped() const
{
    return m_stop.load(std::memory_order_relaxed) || m_probes.Exhausted() || (m_stop_at && Clock::now() >= *m_stop_at);
}

bool Pacer::SleepUntil(Clock::time_point when)
{
    while (!Stopped()) {
        const auto now = Clock::now();
        if (now >= when) return true;
        auto until = std::min(when, now + LONGEST_NAP);
        if (m_stop_at) until = std::min(until, *m_stop_at);
        const auto since_boot = std::chrono::duration_cast<std::chrono::nanoseconds>(until.time_since_epoch()).count();
        const timespec deadline{static_cast<time_t>(since_boot / 1'000'000'000), static_cast<long>(since_boot % 1'000'000'000)};
        ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, nullptr);
    }
    return false;
}

bool Pacer::Step()
{
    const std::uint64_t calls{Probes::ThreadCalls()};
    const std::uint64_t made{calls - m_seen};
    m_seen = calls;
    if (m_interval.count() <= 0 || made == 0) return !Stopped();
    const auto now = Clock::now();
    m_due = std::max(m_due + std::chrono::duration_cast<Clock::duration>(m_interval * static_cast<double>(made)), now - MOST_LATE);
    return SleepUntil(m_due);
}

bool Pacer::StepBurst()
{
    m_seen = Probes::ThreadCalls();
    return !Stopped();
}

} // namespace coretap::sim
