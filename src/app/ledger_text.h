// The ledger in words, for stderr.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "event/catalogue.h"
#include "pipeline/ledger.h"

namespace coretap::app {

/** What tracing cost so far. */
struct Cost {
    std::chrono::nanoseconds elapsed{0};
    std::chrono::nanoseconds own_cpu{0}; //!< of this process; the attacher's is next to nothing
    std::uint64_t ring_bytes{0};
};
/** CPU time of this process. */
std::chrono::nanoseconds OwnCpuTime();

/** `12,345 fired, 12,345 delivered, 0 lost; ...`, losses by tracepoint and reason: one line without newline. */
std::string LedgerLine(const pipeline::Ledger& ledger, const event::Catalogue& catalogue, const Cost& cost);
/**
 * The same for a replay: `12,345 events, 3 lost when they were recorded (…); in 1.2 s`, and what was lost with damage to the
 * recording apart from that. `shown`, if known: how many of them passed filters and limits; then `3 of 12,345 events passed on`.
 */
std::string ReplayLine(const pipeline::Ledger& ledger, const event::Catalogue& catalogue, std::chrono::nanoseconds elapsed,
                       std::optional<std::uint64_t> shown = std::nullopt);
/** A table by tracepoint, with every reason of loss that occurred. Ends with a newline. */
std::string LedgerTable(const pipeline::Ledger& ledger, const event::Catalogue& catalogue);

} // namespace coretap::app
