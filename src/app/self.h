// What coretap says of itself: for its metrics, and for the API's section `self`.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

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

/** Where the parts of Self come from. */
struct SelfSources {
    const event::Catalogue& catalogue;
    const tracer::Modes& modes;                   //!< tracepoints that are asked for
    std::optional<pipeline::SourceHealth> health; //!< of a live source
    web::ServerStats server;
    web::StreamStats streams;
    const archive::Recorder* recorder{nullptr};
};
sinks::metrics::Self DescribeSelf(const SelfSources& sources);

/** The section `self` (docs/serve.md). */
std::string SelfJson(const sinks::metrics::Self& self, const SelfSources& sources, const pipeline::Ledger& ledger,
                     std::chrono::nanoseconds uptime);

} // namespace coretap::app
