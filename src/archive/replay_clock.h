// Where a replay stands, and what of it is due.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

namespace coretap::archive {

/** The recording's time against ours: at a speed, paused, or on the way to a time. One thread. */
class ReplayClock {
public:
    using Clock = std::chrono::steady_clock;

private:
    double m_speed;
    bool m_paused{false};
    std::optional<std::int64_t> m_forward_to;  //!< what is before is due at once
    std::optional<std::int64_t> m_position;    //!< nothing yet: before the first record
    std::optional<std::int64_t> m_waiting_for; //!< the next record, while it is not due
    bool m_running{false};                     //!< the base is set
    std::int64_t m_base_utc_ns{0};
    Clock::time_point m_base_time;
    bool m_arrived{false};

public:
    /** 0: as fast as it goes. */
    explicit ReplayClock(double speed) : m_speed{speed} {}

    /** The latest time that is due, where `next_utc_ns` is that of the next record. */
    std::int64_t Due(std::int64_t next_utc_ns, Clock::time_point now)
    {
        if (m_forward_to) {
            if (next_utc_ns < *m_forward_to) return *m_forward_to - 1;
            Arrive(*m_forward_to);
        }
        std::int64_t due{INT64_MAX};
        if (m_paused) {
            due = INT64_MIN;
        } else if (m_speed > 0) {
            if (!m_running) {
                m_running = true;
                m_base_utc_ns = m_position.value_or(next_utc_ns);
                m_base_time = now;
            }
            due = Now(now);
        }
        if (next_utc_ns > due)
            m_waiting_for = next_utc_ns;
        else
            m_waiting_for.reset();
        return due;
    }
    /** When a record that is not due will be; the clock must not be changed in between. */
    Clock::time_point WhenDue(std::int64_t utc_ns) const
    {
        if (m_paused) return Clock::time_point::max();
        const double left_ns{(static_cast<double>(utc_ns) - static_cast<double>(m_base_utc_ns)) / m_speed};
        return m_base_time + std::chrono::nanoseconds{static_cast<std::int64_t>(std::min(left_ns, 4e18))};
    }
    /** Everything is due: nothing need be compared with it. */
    bool Free() const noexcept { return m_speed == 0 && !m_paused && !m_forward_to; }

    /** What was due has been handed over, up to that time. */
    void Passed(std::int64_t utc_ns) noexcept
    {
        m_position = utc_ns;
        m_waiting_for.reset();
    }
    /** There is nothing more; the last record's time. */
    void Ended(std::int64_t last_utc_ns) noexcept
    {
        if (m_forward_to) Arrive(last_utc_ns);
        m_waiting_for.reset();
        m_running = false;
    }
    void Restart() noexcept
    {
        m_forward_to.reset();
        m_position.reset();
        m_waiting_for.reset();
        m_running = m_arrived = false;
    }
    void ForwardTo(std::int64_t utc_ns) noexcept
    {
        m_forward_to = utc_ns;
        m_running = m_arrived = false;
    }
    const std::optional<std::int64_t>& ForwardTarget() const noexcept { return m_forward_to; }
    /** The time of ForwardTo() was reached, until TakeArrived(). */
    bool Arrived() const noexcept { return m_arrived; }
    bool TakeArrived() noexcept { return std::exchange(m_arrived, false); }

    void Set(double speed, bool paused, Clock::time_point now) noexcept
    {
        m_position = Position(now);
        m_running = false;
        m_speed = speed;
        m_paused = paused;
    }
    double Speed() const noexcept { return m_speed; }
    bool Paused() const noexcept { return m_paused; }
    /** While the next record is waited for time goes on, up to it. */
    std::optional<std::int64_t> Position(Clock::time_point now) const noexcept
    {
        return m_running && m_waiting_for ? std::min(Now(now), *m_waiting_for) : m_position;
    }

private:
    void Arrive(std::int64_t utc_ns) noexcept
    {
        m_forward_to.reset();
        m_position = utc_ns;
        m_arrived = true;
    }
    std::int64_t Now(Clock::time_point now) const noexcept
    {
        const double passed_ns{static_cast<double>((now - m_base_time).count()) * m_speed};
        std::int64_t sum{0};
        if (passed_ns >= 9e18 || __builtin_add_overflow(m_base_utc_ns, static_cast<std::int64_t>(passed_ns), &sum)) return INT64_MAX;
        return sum;
    }
};

} // namespace coretap::archive
