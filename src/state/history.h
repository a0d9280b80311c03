// What happened in each of the last seconds and minutes.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "state/snapshot.h"

namespace coretap::state {

class History {
    struct Steps {
        std::int64_t length_ns;
        std::size_t limit;
        HistoryPoint now{};
        std::deque<HistoryPoint> past{};
        /** End steps until the one that `utc_ns` is in. */
        void Advance(std::int64_t utc_ns, std::uint32_t peers_in, std::uint32_t peers_out);
        void GoBack(std::int64_t start_ns);
    };
    Steps m_seconds{1'000'000'000, NodeSnapshot::MAX_SECONDS};
    Steps m_minutes{60'000'000'000, NodeSnapshot::MAX_MINUTES};

public:
    /** Going back so far is no disorder of events: the clock was set. */
    static constexpr std::int64_t CLOCK_SET_NS{120'000'000'000};

    /** Whether `utc_ns` is in the second that is under way, or a little before it. */
    bool Within(std::int64_t utc_ns) const noexcept
    {
        return m_seconds.now.utc_ns != 0 && utc_ns < m_seconds.now.utc_ns + m_seconds.length_ns &&
               utc_ns >= m_seconds.now.utc_ns - CLOCK_SET_NS;
    }
    /** Time goes on, with so many peers connected. A little back is passed over; with a clock that was set back, what it is before ends. */
    void Advance(std::int64_t utc_ns, std::size_t peers_in, std::size_t peers_out);
    /** Apply `change` to what is under way. */
    template <class Change>
    void Count(Change change)
    {
        change(m_seconds.now);
        change(m_minutes.now);
    }
    std::vector<HistoryPoint> Seconds() const { return {m_seconds.past.begin(), m_seconds.past.end()}; }
    std::vector<HistoryPoint> Minutes() const { return {m_minutes.past.begin(), m_minutes.past.end()}; }
};

} // namespace coretap::state
