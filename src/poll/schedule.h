// When which method is asked next. Pure: the caller brings the time.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <random>
#include <vector>

#include "poll/node_facts.h"

namespace coretap::poll {

/** By RpcMethod; zero: never asked. */
using Intervals = std::array<std::chrono::milliseconds, RPC_METHODS>;
Intervals DefaultIntervals();

class Schedule {
public:
    using Time = std::chrono::steady_clock::time_point;
    static constexpr std::chrono::milliseconds FIRST_HOLD{1'000};
    static constexpr std::chrono::milliseconds MAX_HOLD{60'000};
    static constexpr unsigned MAX_SLOWDOWN{16}; //!< of a method that fails again and again: this many times its interval

private:
    struct Entry {
        Time due{};
        unsigned slowdown{1};
        bool dropped{false};
    };
    Intervals m_intervals;
    std::array<Entry, RPC_METHODS> m_entries{};
    std::chrono::milliseconds m_hold{FIRST_HOLD};
    std::minstd_rand m_random;

public:
    /** Everything is due at once at `start`. `seed` of the jitter: a tenth up or down. */
    Schedule(const Intervals& intervals, Time start, std::uint32_t seed);

    std::vector<RpcMethod> Due(Time now) const;
    /** When something is due next; Time::max() if nothing ever is. */
    Time Next() const;
    /** It was asked. Failing again and again it is asked more seldom. */
    void Done(RpcMethod method, Time now, bool ok);
    /** The node cannot be asked at all: nothing is, for a second, and twice as long each time in a row. */
    void Hold(Time now);
    /** The node answers. */
    void Release() { m_hold = FIRST_HOLD; }
    void Drop(RpcMethod method) { At(method).dropped = true; }
    /** What was dropped is asked again, now. */
    void RestoreDropped(Time now);
    bool Off(RpcMethod method) const { return m_intervals[static_cast<std::size_t>(method)].count() == 0; }
    bool AllDropped() const;

private:
    Entry& At(RpcMethod method) { return m_entries[static_cast<std::size_t>(method)]; }
    std::chrono::nanoseconds Jittered(std::chrono::nanoseconds interval);
};

} // namespace coretap::poll
