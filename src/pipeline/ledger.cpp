#include "pipeline/ledger.h"

namespace coretap::pipeline {

std::string_view ToString(LossReason reason)
{
    switch (reason) {
    case LossReason::RingFull: return "ring-full";
    case LossReason::Contended: return "contended";
    case LossReason::Malformed: return "malformed";
    case LossReason::RecorderSlow: return "recorder-slow";
    case LossReason::Damaged: return "damaged";
    }
    return "";
}

Tally Ledger::Total() const
{
    Tally total;
    for (const auto& [tracepoint, tally] : tallies) {
        total.fired += tally.fired;
        total.delivered += tally.delivered;
        total.withheld += tally.withheld;
        for (std::size_t i{0}; i < total.lost.size(); ++i) total.lost[i] += tally.lost[i];
        total.payload_shed += tally.payload_shed;
        total.arg_faults += tally.arg_faults;
    }
    return total;
}

} // namespace coretap::pipeline
