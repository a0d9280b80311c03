#include "app/session.h"

#include <algorithm>
#include <set>

#include "pipeline/node_names.h"

namespace coretap::app {

util::Result<tracer::Modes> ChooseModes(const event::Catalogue& catalogue, const pipeline::Filter& filter, const TracepointChoice& choice)
{
    tracer::Modes modes{};
    for (const event::TracepointDef* row : catalogue.Rows()) {
        if (row->origin == event::Origin::Coretap || !filter.WantsTracepoint(*row)) continue;
        if (row->on_by_default || filter.Names(*row)) modes[row->id] = CT_MODE_DELIVER;
    }
    const auto set = [&](const std::vector<std::string>& names, std::uint8_t mode) -> util::Result<> {
        for (const std::string& name : names) {
            const auto rows{pipeline::ResolveTracepoints(name, catalogue)};
            if (!rows) return rows.GetError();
            for (const event::TracepointDef* row : *rows) modes[row->id] = mode;
        }
        return {};
    };
    if (const auto done{set(choice.enable, CT_MODE_DELIVER)}; !done) return done.GetError();
    if (const auto done{set(choice.count_only, CT_MODE_COUNT)}; !done) return done.GetError();
    return modes;
}

std::array<std::uint32_t, CT_MAX_MSG_TYPES> ChooseSnap(const std::array<std::uint32_t, CT_MAX_MSG_TYPES>& policy,
                                                       const pipeline::Filter& filter)
{
    auto snap{policy};
    if (const auto wanted{filter.WantedMessageTypes()}) {
        for (std::size_t type{0}; type < snap.size(); ++type) {
            if (!(*wanted)[type]) snap[type] = CT_SNAP_WITHHOLD;
        }
    }
    return snap;
}

RunResult Run(pipeline::Source& source, std::span<pipeline::Sink* const> sinks, const event::Catalogue& catalogue,
              const pipeline::Filter& filter, const RunLimits& limits, const RunHooks& hooks)
{
    using Clock = std::chrono::steady_clock;
    RunResult result;
    pipeline::Batch batch;
    std::vector<event::Event> events;
    pipeline::NodeNames nodes;
    const Clock::time_point start{Clock::now()};
    std::set<const pipeline::Sink*> failed;
    bool stopping{false};
    const auto stop = [&] {
        if (!stopping) hooks.stop_source();
        stopping = true;
    };

    for (;;) {
        auto patience{std::chrono::milliseconds{200}};
        if (limits.duration) {
            const auto left{*limits.duration - (Clock::now() - start)};
            patience = std::clamp(std::chrono::ceil<std::chrono::milliseconds>(left), std::chrono::milliseconds{0}, patience);
        }
        const auto step{source.Pull(batch, patience)};
        if (!step) {
            if (result.outcome) result.outcome = step.GetError();
            break;
        }
        if (*step == pipeline::Source::Step::End) break;
        if (*step == pipeline::Source::Step::Ready) {
            result.malformed += pipeline::ParseBatch(batch, catalogue, events);
            std::erase_if(events, [&](const event::Event& event) {
                nodes.Observe(event);
                if (!filter.Matches(event, nodes.Find(event).label)) return true;
                if (event.Def().origin == event::Origin::Coretap) return false;
                if (limits.count && result.shown == *limits.count) return true;
                ++result.shown;
                return false;
            });
            if (!events.empty()) {
                // after a failure we go on reading to the end, so that the ledger says what became of every event,
                // and the other sinks have every event that it says was delivered
                for (pipeline::Sink* const sink : sinks) {
                    if (failed.contains(sink)) {
                        result.missed[sink] += events.size();
                        continue;
                    }
                    if (auto written{sink->Write(events)}; !written) {
                        failed.insert(sink);
                        if (sink != hooks.spare) stop();
                        if (result.outcome) result.outcome = std::move(written);
                    }
                }
                if (!result.outcome) result.unwritten += events.size();
            }
            if (limits.count && result.shown >= *limits.count) stop();
        }
        hooks.tick();
        const bool signalled{limits.stop != nullptr && limits.stop->load(std::memory_order_relaxed)};
        const bool over{limits.duration && Clock::now() - start >= *limits.duration};
        if (signalled || over || hooks.also_stop_when()) stop();
    }
    for (pipeline::Sink* sink : sinks) {
        if (auto flushed{sink->Flush()}; !flushed && sink != hooks.spare && result.outcome) result.outcome = std::move(flushed);
    }
    return result;
}

} // namespace coretap::app
