// A LogFollower with a thread of its own.
#pragma once

#include <chrono>
#include <memory>

#include "poll/log_follower.h"
#include "poll/loose_thread.h"

namespace coretap::poll {

/**
 * Looks for new lines four times a second. The callbacks of its options are called on its thread, one at a time; `open` may still be under
 * way when this is gone, and must own what it uses.
 */
class LogThread {
    struct Shared;
    std::shared_ptr<Shared> m_shared;
    LooseThread m_thread;

public:
    explicit LogThread(LogFollowerOptions options);
    /** Waits for the thread until LEAVE_PATIENCE after Stop(), then leaves it to itself. */
    ~LogThread();
    LogThread(const LogThread&) = delete;
    LogThread& operator=(const LogThread&) = delete;

    /** Let it end; does not wait. No callback but `open` is called any more. */
    void Stop();
    bool Ended() const { return m_thread.Ended(); }
    /** As of the last look; never null. */
    std::shared_ptr<const LogTotals> Totals() const;
};

} // namespace coretap::poll
