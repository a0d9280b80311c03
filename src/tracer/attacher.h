// The privileged part, a process of its own: finds nodes, attaches to their executables, follows restarts and
// upgrades. It never sees a byte of what the nodes received; the reader, which does, has no privileges.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "event/catalogue.h"
#include "tracer/channel.h"
#include "tracer/image.h"

namespace coretap::tracer {

/** Which nodes, which tracepoints, how. */
struct TraceOptions {
    std::optional<pid_t> pid;           //!< this process only; tracing ends when it does
    std::optional<std::string> binary;  //!< every process that runs this file, now or later
    std::optional<std::string> datadir; //!< the node with this data directory, now or later
    std::optional<pid_t> only_pid;      //!< of the processes that run `binary`, this one only; tracing goes on without it
    // none of the above: every process whose executable carries Bitcoin Core's tracepoints
    Modes modes{};
    std::array<std::uint32_t, CT_MAX_MSG_TYPES> snap{}; //!< payload bytes to capture, by message type
    std::uint32_t ring_bytes{DEFAULT_RING_BYTES};
    bool measure_cost{false};
    std::string user{"-"};         //!< whom the reader becomes; "-" stays
    bool force_perf_uprobe{false}; //!< as before Linux 6.6, for tests
    bool require_node{false};      //!< fail instead of waiting when there is no node
};

/**
 * Run the attacher until the other end of `channel` says stop or is gone. Never returns an error: it tells the
 * other end. Messages, by "kind":
 *   maps      (3 descriptors: ring, shared, doorbell) elem_bytes, ring_elems
 *   ready     what could be found has been attached
 *   attached  path, tracepoints, problems[], load_ms, attach_ms, attach_kind, leased
 *   detached  path, why
 *   node      pid, started_at, label, executable, build_id, datadir, chain, at_ns, wanted
 *   gone      pid
 *   notice    text: something the user should know
 *   ended     text: nothing more will come (the process of --pid ended)
 *   fatal     code, text
 *   stopped   run_time_ns, run_count, detach_ms: everything is detached
 * and takes from it: who (pid), stop.
 */
void RunAttacher(Channel channel, const TraceOptions& options, const event::Catalogue& catalogue);

} // namespace coretap::tracer
