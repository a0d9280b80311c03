#include "poll/log_thread.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

namespace coretap::poll {
namespace {

constexpr std::chrono::milliseconds LOOK_EVERY{250};

} // namespace

struct LogThread::Shared {
    Gate callbacks;
    std::mutex mutex;
    std::condition_variable wake;
    std::optional<std::chrono::steady_clock::time_point> stopped_at;
    std::shared_ptr<const LogTotals> totals;

    explicit Shared(std::shared_ptr<const LogTotals> before) : totals{std::move(before)} {}

    void Run(LogFollowerOptions options)
    {
        options.on_line = [this, then = std::move(options.on_line)](const LogLine& line) {
            if (then) callbacks.Through([&] { then(line); });
        };
        options.warn = [this, then = std::move(options.warn)](std::string_view text) {
            if (then) callbacks.Through([&] { then(text); });
        };
        LogFollower follower{std::move(options)};
        std::unique_lock lock{mutex};
        while (!stopped_at) {
            lock.unlock();
            const bool more{follower.Step(std::chrono::steady_clock::now())};
            auto now{std::make_shared<const LogTotals>(follower.Totals())};
            lock.lock();
            totals = std::move(now);
            if (!more) wake.wait_for(lock, LOOK_EVERY, [this] { return stopped_at.has_value(); });
        }
    }
};

LogThread::LogThread(LogFollowerOptions options)
    : m_shared{std::make_shared<Shared>(std::make_shared<const LogTotals>(options.before))},
      m_thread{[shared = m_shared, with = std::move(options)]() mutable { shared->Run(std::move(with)); }}
{}

LogThread::~LogThread()
{
    Stop();
    m_thread.WaitUntil(*m_shared->stopped_at + LEAVE_PATIENCE);
}

void LogThread::Stop()
{
    m_shared->callbacks.Close();
    const std::lock_guard lock{m_shared->mutex};
    if (!m_shared->stopped_at) m_shared->stopped_at = std::chrono::steady_clock::now();
    m_shared->wake.notify_all();
}

std::shared_ptr<const LogTotals> LogThread::Totals() const
{
    const std::lock_guard lock{m_shared->mutex};
    return m_shared->totals;
}

} // namespace coretap::poll
