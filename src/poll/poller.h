// Asks a node over RPC, at intervals, on a thread of its own, and gives what it said as one immutable value.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "poll/cookie.h"
#include "poll/http_connection.h"
#include "poll/node_facts.h"
#include "poll/opener.h"
#include "poll/schedule.h"

namespace coretap::poll {

struct PollerOptions {
    NodePlace place;
    RpcOverrides rpc{};
    OpenFunction open{OpenNodeFile}; //!< of an Opener, where this process has given up its privileges
    Intervals intervals{DefaultIntervals()};
    HttpOptions http{};
    /** One sentence at a change of state, and once where a method is missing or begins to fail. On the poll thread. */
    std::function<void(std::string_view)> warn{};
    /** After every round. On the poll thread. */
    std::function<void(const std::shared_ptr<const NodeFacts>&)> on_facts{};
};

/** Runs from its construction to its destruction, which does not wait for a node that does not answer. */
class Poller {
    class Worker;
    std::unique_ptr<Worker> m_worker;

public:
    explicit Poller(PollerOptions options);
    ~Poller();
    Poller(const Poller&) = delete;
    Poller& operator=(const Poller&) = delete;

    /** The newest; never null. From any thread. */
    std::shared_ptr<const NodeFacts> Latest() const;
};

} // namespace coretap::poll
