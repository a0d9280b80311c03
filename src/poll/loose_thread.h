// Threads that may hang where nothing can be done about it, as in an open() of a file system that does not answer.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

namespace coretap::poll {

/** How long the end of such a thread is waited for before it is left behind. */
inline constexpr std::chrono::seconds LEAVE_PATIENCE{1};

/** A thread nobody has to join. What it uses it must own: it may outlive whoever started it. */
class LooseThread {
    struct State {
        std::mutex mutex;
        std::condition_variable changed;
        bool ended{false};
    };
    std::shared_ptr<State> m_state{std::make_shared<State>()};

public:
    /** `run`, and what it owns, is gone when Ended() says so. */
    explicit LooseThread(std::function<void()> run);

    bool Ended() const;
    /** Whether it has ended by then. */
    bool WaitUntil(std::chrono::steady_clock::time_point until) const;
};

/** Lets calls through, one at a time, until it is closed; Close() waits for the one that is under way. */
class Gate {
    std::mutex m_mutex;
    bool m_closed{false};

public:
    template <class Call>
    void Through(Call&& call)
    {
        const std::lock_guard lock{m_mutex};
        if (!m_closed) call();
    }
    void Close()
    {
        const std::lock_guard lock{m_mutex};
        m_closed = true;
    }
};

} // namespace coretap::poll
