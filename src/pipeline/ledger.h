// The loss ledger: for every tracepoint, fired = delivered + withheld + lost, by reason.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string_view>

namespace coretap::pipeline {

/** Where an event can be lost. */
enum class LossReason : std::uint8_t {
    RingFull,     //!< the ring between kernel and reader had no room
    Contended,    //!< too many firings at the same time
    Malformed,    //!< the record did not have the shape the catalogue gives it
    RecorderSlow, //!< delivered, but not in the recording: the disk did not keep up
    Damaged,      //!< in the recording once, which is damaged there
};
inline constexpr std::array LOSS_REASONS{LossReason::RingFull, LossReason::Contended, LossReason::Malformed, LossReason::RecorderSlow,
                                         LossReason::Damaged};
std::string_view ToString(LossReason reason);

/** Counts for one tracepoint since the start. */
struct Tally {
    std::uint64_t fired{0};     //!< probe executions, counted in the kernel
    std::uint64_t delivered{0}; //!< events handed to the pipeline
    std::uint64_t withheld{0};  //!< counted and not sent, as asked
    std::array<std::uint64_t, LOSS_REASONS.size()> lost{};
    std::uint64_t payload_shed{0}; //!< delivered without payload, because the ring was filling up
    std::uint64_t arg_faults{0};   //!< delivered with an argument that could not be read

    std::uint64_t Lost() const
    {
        std::uint64_t sum{0};
        for (const std::uint64_t n : lost) sum += n;
        return sum;
    }
};

/** Counts by tracepoint id. */
struct Ledger {
    std::map<std::uint16_t, Tally> tallies;
    std::uint64_t ring_high_water_bytes{0};
    std::uint64_t kernel_run_time_ns{0}; //!< spent in coretap's programs, if kernel.bpf_stats_enabled is on
    std::uint64_t kernel_run_count{0};

    Tally Total() const;
};

} // namespace coretap::pipeline
