#include "poll/log_thread.h"

#include <utility>

namespace coretap::poll {
namespace {

constexpr std::chrono::milliseconds LOOK_EVERY{250};

} // namespace

LogThread::LogThread(LogFollowerOptions options)
    : m_totals{std::make_shared<const LogTotals>()}, m_thread{[this, with = std::move(options)]() mutable { Run(std::move(with)); }}
{}

LogThread::~LogThread()
{
    {
        const std::lock_guard lock{m_mutex};
        m_stop = true;
    }
    m_wake.notify_all();
    m_thread.join();
}

std::shared_ptr<const LogTotals> LogThread::Totals() const
{
    const std::lock_guard lock{m_mutex};
    return m_totals;
}

void LogThread::Run(LogFollowerOptions options)
{
    LogFollower follower{std::move(options)};
    std::unique_lock lock{m_mutex};
    while (!m_stop) {
        lock.unlock();
        const bool more{follower.Step(std::chrono::steady_clock::now())};
        auto totals{std::make_shared<const LogTotals>(follower.Totals())};
        lock.lock();
        m_totals = std::move(totals);
        if (!more) m_wake.wait_for(lock, LOOK_EVERY, [this] { return m_stop; });
    }
}

} // namespace coretap::poll
