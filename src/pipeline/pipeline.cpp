#include "pipeline/pipeline.h"

#include <cstring>

namespace coretap::pipeline {

std::size_t ParseBatch(const Batch& batch, const event::Catalogue& catalogue, std::vector<event::Event>& events)
{
    events.clear();
    std::size_t malformed{0};
    std::span<const std::byte> rest{batch.bytes};
    Batch::ClockChange clock{0, batch.utc_offset_ns, batch.origin};
    auto next_clock{batch.clock_changes.begin()};
    while (rest.size() >= sizeof(ct_record)) {
        ct_record head;
        std::memcpy(&head, rest.data(), sizeof(head));
        const std::size_t at{batch.bytes.size() - rest.size()};
        while (next_clock != batch.clock_changes.end() && next_clock->at <= at) clock = *next_clock++;
        auto parsed{event::ParseRecord(rest, catalogue, clock.utc_offset_ns, clock.origin)};
        if (parsed) {
            events.push_back(std::move(*parsed));
        } else {
            ++malformed;
        }
        const std::size_t step{(std::max<std::size_t>(head.size, sizeof(ct_record)) + 7) / 8 * 8};
        rest = step < rest.size() ? rest.subspan(step) : std::span<const std::byte>{};
    }
    return malformed;
}

} // namespace coretap::pipeline
