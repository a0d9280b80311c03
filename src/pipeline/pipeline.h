// The pipeline: a Source gives batches of records, the pipeline parses them into events, Stages and Sinks see them.
// One path for live, recorded and simulated events.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "event/event.h"
#include "pipeline/counters.h"
#include "pipeline/health.h"
#include "pipeline/ledger.h"
#include "util/result.h"

namespace coretap::pipeline {

/** Canonical records in order of firing, one after the other, each beginning at a multiple of 8. */
struct Batch {
    /** From some record on, another clock: another recording, or somebody set it. */
    struct ClockChange {
        std::size_t at{0};             //!< where in `bytes` the first record begins that it is for
        std::int64_t utc_offset_ns{0}; //!< kernel time + this = UTC
        std::uint32_t origin{0};       //!< event::Event::Origin()
    };

    std::vector<std::byte> bytes;
    std::size_t count{0};
    std::int64_t utc_offset_ns{0};          //!< of the records before the first change
    std::uint32_t origin{0};                //!< likewise
    std::vector<ClockChange> clock_changes; //!< by `at`; nearly always empty

    void Clear()
    {
        bytes.clear();
        count = 0;
        clock_changes.clear();
    }
};

/** Where records come from. Called from one thread. */
class Source {
public:
    enum class Step {
        Ready, //!< the batch has records
        Idle,  //!< nothing came while it waited
        End,   //!< nothing will come any more
    };
    virtual ~Source() = default;
    /** Replace what is in `batch`, waiting at most `patience`. */
    virtual util::Result<Step> Pull(Batch& batch, std::chrono::milliseconds patience) = 0;
    /** What has been fired, delivered and lost so far. Exact after End. */
    virtual const Ledger& Losses() const = 0;
    /**
     * Exact counts by process; of those that ended the newest too. None where events are all there is, as in a recording.
     * Replaces what is in `counters`.
     */
    virtual void ExactCounters(std::vector<ProcessCounters>& counters) const { counters.clear(); }
    /** Of a source that traces. */
    virtual std::optional<SourceHealth> Health() const { return std::nullopt; }
};

/** Where events go. Called from one thread; the events are gone when Write returns. */
class Sink {
public:
    virtual ~Sink() = default;
    virtual std::string_view Name() const noexcept = 0;
    virtual util::Result<> Write(std::span<const event::Event> batch) = 0;
    virtual util::Result<> Flush() = 0;
};

/** Parse every record of a batch into `events` (replaced). Returns how many were malformed. */
std::size_t ParseBatch(const Batch& batch, const event::Catalogue& catalogue, std::vector<event::Event>& events);

} // namespace coretap::pipeline
