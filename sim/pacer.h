// How fast a scenario fires and when it stops. One a firing thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

namespace coretap::sim {

class Probes;

class Pacer {
public:
    using Clock = std::chrono::steady_clock;

private:
    const Probes& m_probes;
    const std::atomic<bool>& m_stop;
    std::chrono::duration<double, std::nano> m_interval; //!< between two events; 0: flat out
    std::optional<Clock::time_point> m_stop_at;
    Clock::time_point m_due;
    std::uint64_t m_seen{0};

public:
    /** `rate` in events per second, 0 = flat out. Starts now. */
    Pacer(const Probes& probes, const std::atomic<bool>& stop, double rate, std::optional<Clock::time_point> stop_at);

    /**
     * After each step of a scenario: sleeps until the calls made since the step before are due. Deadlines are
     * absolute, so that what one step was late the next makes up for. False when it is time to stop.
     */
    bool Step();
    /** As Step(), but the calls since are a burst: they cost no time (a block's, as a node fires them). */
    bool StepBurst();
    /** False if it is time to stop before then. */
    bool SleepUntil(Clock::time_point when);
    bool Sleep(std::chrono::nanoseconds duration) { return SleepUntil(Clock::now() + duration); }
    bool Stopped() const;
};

} // namespace coretap::sim
