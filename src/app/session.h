// A tracing session from start to end: which tracepoints to ask for, the loop from source to sink, when to stop.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "abi/coretap_abi.h"
#include "event/catalogue.h"
#include "pipeline/filter.h"
#include "pipeline/pipeline.h"
#include "tracer/attacher.h"

namespace coretap::app {

/** Which tracepoints are asked for beyond those on by default. Names as in pipeline::ResolveTracepoints(). */
struct TracepointChoice {
    std::vector<std::string> enable;     //!< delivered, though off by default
    std::vector<std::string> count_only; //!< counted in the kernel, not delivered
};

/** What to do with each tracepoint, from the catalogue's defaults, the filter and the choice. */
util::Result<tracer::Modes> ChooseModes(const event::Catalogue& catalogue, const pipeline::Filter& filter, const TracepointChoice& choice);

/** Payload bytes to capture by message type: the policy, and nothing at all of types the filter does not want. */
std::array<std::uint32_t, CT_MAX_MSG_TYPES> ChooseSnap(const std::array<std::uint32_t, CT_MAX_MSG_TYPES>& policy,
                                                       const pipeline::Filter& filter);

/** When a run ends, besides the source's own end. */
struct RunLimits {
    std::optional<std::uint64_t> count; //!< events shown
    std::optional<std::chrono::nanoseconds> duration;
    const std::atomic<bool>* stop{nullptr};    //!< set by a signal's handler
    const pipeline::Sink* expendable{nullptr}; //!< if this one fails, the run goes on without it
};

struct RunHooks {
    std::function<void()> stop_source;    //!< asks the source to end; it then gives what it still has
    std::function<bool()> also_stop_when; //!< asked between batches
    std::function<void()> tick;           //!< called between batches, at least every 200 ms
};

struct RunResult {
    std::uint64_t shown{0};
    std::size_t malformed{0};
    std::uint64_t unwritten{0};        //!< read, wanted, and not in every output because a sink had failed; the batch it failed in included
    std::vector<std::uint64_t> missed; //!< by sink: events that came after it had failed, and that it was not given
    util::Result<> outcome{};          //!< a sink's or the source's error
};

/**
 * Pull, parse, filter, write to every sink, until the source ends or a limit is reached. If one sink fails that is not expendable, the
 * run ends; the other sinks get what is still delivered until then.
 */
RunResult Run(pipeline::Source& source, std::span<pipeline::Sink* const> sinks, const event::Catalogue& catalogue,
              const pipeline::Filter& filter, const RunLimits& limits, const RunHooks& hooks);

} // namespace coretap::app
