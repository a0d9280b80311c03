// What is asked of the nodes beside their tracepoints: a poller of the RPC and a follower of debug.log for each node that runs here.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "poll/log_thread.h"
#include "poll/poller.h"
#include "state/snapshot.h"

namespace coretap::app {

struct NodeWatchOptions {
    bool rpc{true};
    bool debug_log{true};
    /** With a host: of one node only, the first that runs; the others are not asked. */
    poll::RpcOverrides overrides{};
    poll::OpenFunction open{poll::OpenNodeFile}; //!< owns what it uses: it may be under way when the rest is gone

    /** But for `open`. */
    bool operator==(const NodeWatchOptions& other) const
    {
        return rpc == other.rpc && debug_log == other.debug_log && overrides == other.overrides;
    }
};

/** One thread, which never waits; the work is done on others. */
class NodeWatch {
public:
    static constexpr std::size_t MAX_NODES{16}; //!< two threads each
    struct Known {
        std::shared_ptr<const poll::NodeFacts> rpc; //!< null: not asked
        std::shared_ptr<const poll::LogTotals> log; //!< null: not followed
        bool operator==(const Known&) const = default;
    };

private:
    struct Side {
        std::uint32_t pid{0};
        std::int64_t started_at_s{0};
        std::unique_ptr<poll::Poller> poller;
        std::unique_ptr<poll::LogThread> log;

        void Stop() const;
        bool Ended() const;
    };
    NodeWatchOptions m_options;
    std::mutex m_mutex;
    struct Warning {
        std::string label, text;
    };
    std::vector<Warning> m_warnings;        //!< not fetched yet
    std::map<std::string, Side> m_sides;    //!< by label
    std::map<std::string, Side> m_leaving;  //!< those of processes that have gone, until their threads have ended
    std::map<std::string, Known> m_earlier; //!< what had been counted when they went
    std::string m_named;                    //!< the node that the overrides are for

public:
    explicit NodeWatch(NodeWatchOptions options) : m_options{std::move(options)} {}
    /** Takes poll::LEAVE_PATIENCE at most, however many threads hang. */
    ~NodeWatch();
    NodeWatch(const NodeWatch&) = delete;
    NodeWatch& operator=(const NodeWatch&) = delete;

    /** Ask and follow otherwise from now on: all begins anew with the next Update(). */
    void Change(NodeWatchOptions options);
    /** Begin with nodes that have come, leave those that have gone. */
    void Update(const state::Snapshot& snapshot);
    /** By label. */
    std::map<std::string, Known> Latest() const;
    /** Sentences for the user since the last time. */
    std::vector<std::string> TakeWarnings();

private:
    bool WantsRpc(const std::string& label);
    Side Begin(const state::NodeIdentity& node);
    void Leave(const std::string& label);
    void Warn(const std::string& label, std::string_view text);
};

} // namespace coretap::app
