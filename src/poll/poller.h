// Asks a node over RPC, at intervals, on a thread of its own, and gives what it said as one immutable value.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "poll/cookie.h"
#include "poll/http_connection.h"
#include "poll/loose_thread.h"
#include "poll/node_facts.h"
#include "poll/opener.h"
#include "poll/schedule.h"

namespace coretap::poll {

struct PollerOptions {
    NodePlace place;
    RpcOverrides rpc{};
    /** Of an Opener, where this process has given up its privileges. May still be under way when the poller is gone: owns what it uses. */
    OpenFunction open{OpenNodeFile};
    Intervals intervals{DefaultIntervals()};
    HttpOptions http{};
    /** One sentence at a change of state, and once where a method is missing or begins to fail. On the poll thread. */
    std::function<void(std::string_view)> warn{};
    /** After every round. On the poll thread. */
    std::function<void(const std::shared_ptr<const NodeFacts>&)> on_facts{};
    NodeFacts before{}; //!< its counters go on from these: CountersOf() a poller of the same node
};

/** Runs from its construction to its destruction. */
class Poller {
    class Worker;
    std::shared_ptr<Worker> m_worker;
    LooseThread m_thread;

public:
    explicit Poller(PollerOptions options);
    /** Ends a request that is under way; waits for the thread until LEAVE_PATIENCE after Stop(), then leaves it to itself. */
    ~Poller();
    Poller(const Poller&) = delete;
    Poller& operator=(const Poller&) = delete;

    /** Let it end; does not wait. No callback but `open` is called any more. */
    void Stop();
    bool Ended() const { return m_thread.Ended(); }
    /** The newest; never null. From any thread. */
    std::shared_ptr<const NodeFacts> Latest() const;
};

} // namespace coretap::poll
