// A LogFollower with a thread of its own.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "poll/log_follower.h"

namespace coretap::poll {

/** Looks for new lines four times a second. The callbacks of its options are called on its thread, one at a time. */
class LogThread {
    mutable std::mutex m_mutex;
    std::condition_variable m_wake;
    bool m_stop{false};
    std::shared_ptr<const LogTotals> m_totals;
    std::thread m_thread;

public:
    explicit LogThread(LogFollowerOptions options);
    ~LogThread();
    LogThread(const LogThread&) = delete;
    LogThread& operator=(const LogThread&) = delete;

    /** As of the last look; never null. */
    std::shared_ptr<const LogTotals> Totals() const;

private:
    void Run(LogFollowerOptions options);
};

} // namespace coretap::poll
