// What keeping the state costs an event, and what a snapshot costs. bench/state.py runs it.
#include <array>
#include <cstring>
#include <vector>

#include <benchmark/benchmark.h>

#include "event/event.h"
#include "pipeline/pipeline.h"
#include "sim/firehose.h"
#include "sim/scenarios.h"
#include "state/tracker.h"

namespace {

using namespace coretap;

constexpr std::int64_t UTC_OFFSET_NS{1'750'000'000'000'000'000};
constexpr std::uint64_t STEP_NS{50'000}; //!< 20,000 events a second

/** The stand-in's firehose among 125 peers, as events; each time it is asked for they have happened later. */
class Traffic {
    event::Catalogue m_catalogue;
    pipeline::Batch m_batch;
    std::vector<event::Event> m_events;
    std::uint64_t m_now_ns{5'000'000'000'000};

public:
    static constexpr std::size_t EVENTS{20'000};

    Traffic()
    {
        sim::Rng rng{1};
        const sim::Firehose firehose{rng};
        const auto peers{sim::MakePeers(rng, 0, 125, 1'750'000'000)};
        m_batch.utc_offset_ns = UTC_OFFSET_NS;
        for (std::size_t i{0}; i < EVENTS; ++i) {
            const sim::Prebuilt& message{firehose.At(i)};
            const sim::Peer& peer{peers[i % peers.size()]};
            event::RecordBuilder{m_batch.bytes, firehose.Outbound(i) ? event::id::OUTBOUND_MESSAGE : event::id::INBOUND_MESSAGE, 6, 1, 4321,
                                 4330}
                .Int(peer.id)
                .Str(peer.addr_name)
                .Str(peer.ConnectionTypeAsString())
                .Str(message.type)
                .Uint(message.payload.size())
                .Bytes(std::as_bytes(std::span{message.payload}))
                .Finish();
        }
        pipeline::ParseBatch(m_batch, m_catalogue, m_events);
    }

    std::span<const event::Event> Next()
    {
        for (const event::Event& event : m_events) {
            m_now_ns += STEP_NS;
            std::memcpy(const_cast<std::byte*>(event.Record().data()), &m_now_ns, sizeof(m_now_ns));
        }
        return m_events;
    }
};

void Observe(benchmark::State& bench)
{
    Traffic traffic;
    state::Tracker tracker;
    for (auto _ : bench) {
        bench.PauseTiming();
        const auto events{traffic.Next()};
        bench.ResumeTiming();
        if (!tracker.Write(events)) bench.SkipWithError("cannot be");
    }
    bench.SetItemsProcessed(bench.iterations() * static_cast<std::int64_t>(Traffic::EVENTS));
}
BENCHMARK(Observe)->Name("observe")->Unit(benchmark::kMillisecond);

/** 125 peers, 256 that are gone, 144 blocks, a day of history. */
void Take(benchmark::State& bench)
{
    Traffic traffic;
    state::Tracker tracker;
    event::Catalogue catalogue;
    std::vector<std::byte> record;
    const auto fire = [&](std::uint16_t tracepoint, std::uint64_t at_ns, auto fill) {
        record.clear();
        event::RecordBuilder builder{record, tracepoint, catalogue.Find(tracepoint)->args.size(), at_ns, 4321, 4330};
        fill(builder);
        builder.Finish();
        const auto parsed{event::ParseRecord(record, catalogue, UTC_OFFSET_NS)};
        if (!parsed || !tracker.Write({&*parsed, 1})) bench.SkipWithError("cannot be");
    };
    const std::uint64_t day_ago{5'000'000'000'000 - 86'400'000'000'000 / 20};
    for (std::int64_t i{0}; i < 300; ++i) {
        fire(event::id::CLOSED_CONNECTION, day_ago, [i](auto& to) { to.Int(1000 + i).Str("1.2.3.4:8333").Str("inbound").Uint(1).Int(1); });
        std::array<std::byte, 32> hash{std::byte(i), std::byte(i >> 8)};
        fire(event::id::BLOCK_CONNECTED, day_ago, [&](auto& to) { to.Bytes(hash).Int(i).Uint(1).Int(2).Int(3).Int(4); });
    }
    if (!tracker.Write(traffic.Next())) bench.SkipWithError("cannot be");
    for (auto _ : bench) benchmark::DoNotOptimize(tracker.Take(0, {}));
}
BENCHMARK(Take)->Name("take")->Unit(benchmark::kMicrosecond);

} // namespace

BENCHMARK_MAIN();
