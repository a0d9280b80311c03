// What coretap says of itself: for its metrics, and for the API's section `self`.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "archive/recorder.h"
#include "event/catalogue.h"
#include "pipeline/health.h"
#include "pipeline/ledger.h"
#include "sinks/metrics/metrics.h"
#include "tracer/image.h"
#include "web/stats.h"

namespace coretap::app {

/** Of this process, now. Works without privileges too. */
sinks::metrics::Self::Process OwnProcess();

/** How taking over another configuration went. */
struct Reloads {
    struct Outcome {
        std::int64_t at_utc_ns{0};
        std::string problem; //!< empty: it was taken over
        std::vector<std::string> needs_restart;
    };
    std::int64_t taken_utc_ns{0}; //!< last time a configuration was; that of the start too
    std::uint64_t failures{0};
    std::optional<Outcome> last{}; //!< nothing: there was no reload
};

/** Where the parts of Self come from. */
struct SelfSources {
    const event::Catalogue& catalogue;
    const tracer::Modes& modes;                   //!< tracepoints that are asked for
    std::optional<pipeline::SourceHealth> health; //!< of a live source
    web::ServerStats server;
    web::StreamStats streams;
    const archive::Recorder* recorder{nullptr};
    const Reloads& reloads;
};
sinks::metrics::Self DescribeSelf(const SelfSources& sources);

/** The section `self` (docs/serve.md). */
std::string SelfJson(const sinks::metrics::Self& self, const SelfSources& sources, const pipeline::Ledger& ledger,
                     std::chrono::nanoseconds uptime);

} // namespace coretap::app
