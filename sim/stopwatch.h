// How long firing took, for `elapsed_s` and `ns_per_fire`.
#pragma once

#include <chrono>

#include <ctime>

namespace coretap::sim {

/** Wall-clock and CPU time of the process since Start(). Not thread-safe. */
class Stopwatch {
    std::chrono::steady_clock::time_point m_start;
    double m_cpu_start_s{0};

    static double CpuSeconds()
    {
        timespec now{};
        ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
        return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
    }

public:
    Stopwatch() { Start(); }
    void Start()
    {
        m_start = std::chrono::steady_clock::now();
        m_cpu_start_s = CpuSeconds();
    }
    double ElapsedSeconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - m_start).count(); }
    double CpuElapsedSeconds() const { return CpuSeconds() - m_cpu_start_s; }
};

} // namespace coretap::sim
