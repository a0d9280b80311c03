#include "poll/loose_thread.h"

#include <thread>
#include <utility>

namespace coretap::poll {

LooseThread::LooseThread(std::function<void()> run)
{
    std::thread{[state = m_state, run = std::move(run)]() mutable {
        run();
        run = nullptr; // with all it owned
        const std::lock_guard lock{state->mutex};
        state->ended = true;
        state->changed.notify_all();
    }}.detach();
}

bool LooseThread::Ended() const
{
    const std::lock_guard lock{m_state->mutex};
    return m_state->ended;
}

bool LooseThread::WaitUntil(std::chrono::steady_clock::time_point until) const
{
    std::unique_lock lock{m_state->mutex};
    return m_state->changed.wait_until(lock, until, [this] { return m_state->ended; });
}

} // namespace coretap::poll
