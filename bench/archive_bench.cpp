// What recording costs and how fast a recording is read again; prints one JSON line of figures. bench/archive.py runs it.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <sys/resource.h>

#include "archive/recorder.h"
#include "archive/replay_source.h"
#include "event/event.h"
#include "pipeline/pipeline.h"
#include "sim/firehose.h"
#include "sim/scenarios.h"

namespace {

using namespace coretap;
using Clock = std::chrono::steady_clock;

constexpr std::string_view USAGE{R"(usage: coretap-bench-archive record|replay|seek FILE [options]

  record   makes FILE of events of the stand-in's firehose; as fast as it goes, or at --rate
  replay   reads FILE into a sink that counts
  seek     opens FILE at moments all over it, up to the first event

  --events N       events (default 2,000,000)
  --megabytes N    instead: until FILE has so many MB
  --rate N         events a second (default: as fast as it goes; then the source waits for the recorder)
  --payload N      payload bytes captured (default: all)
  --fresh          payloads that never come twice, as transactions and hashes of a real node do not
  --level N        of zstd (default: the recorder's own)
  --block BYTES    of a block (default: the recorder's own)
)"};

constexpr std::int64_t UTC_OFFSET_NS{1'750'000'000'000'000'000};

struct Options {
    std::string what, file;
    std::uint64_t events{2'000'000}, megabytes{0}, rate{0}, payload{CT_MAX_PAYLOAD}, block{0};
    bool fresh{false};
    std::optional<int> level;
};

[[noreturn]] void Fail(const std::string& what) { throw std::runtime_error{what}; }

Options ParseOptions(int argc, char** argv)
{
    Options options;
    std::vector<std::string> words;
    for (int i{1}; i < argc; ++i) {
        const std::string_view word{argv[i]};
        const auto value = [&] {
            if (++i == argc) Fail(fmt::format("{} needs a value", word));
            return std::stoull(argv[i]);
        };
        if (word == "--events") {
            options.events = value();
        } else if (word == "--megabytes") {
            options.megabytes = value();
        } else if (word == "--rate") {
            options.rate = value();
        } else if (word == "--payload") {
            options.payload = value();
        } else if (word == "--block") {
            options.block = value();
        } else if (word == "--level") {
            if (++i == argc) Fail("--level needs a value");
            options.level = std::stoi(argv[i]);
        } else if (word == "--fresh") {
            options.fresh = true;
        } else if (word.starts_with("--")) {
            Fail(fmt::format("unknown option {}; see --help", word));
        } else {
            words.emplace_back(word);
        }
    }
    if (words.size() != 2) Fail("what to do, with which file? See --help");
    options.what = words[0];
    options.file = words[1];
    return options;
}

double Seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

double CpuSeconds()
{
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6; };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::uint64_t MostMemoryKb()
{
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return static_cast<std::uint64_t>(usage.ru_maxrss);
}

/** Batches of records as the ring's reader gives them: made before, given times while they are recorded. */
class Traffic {
    static constexpr std::size_t BATCHES{32};
    static constexpr std::size_t EVENTS{2'000};
    event::Catalogue m_catalogue;
    struct Prepared {
        pipeline::Batch batch;
        std::vector<event::Event> events;
    };
    std::vector<Prepared> m_batches{BATCHES};
    std::uint64_t m_ts_ns{5'000'000'000'000};
    std::uint64_t m_step_ns;
    bool m_fresh;
    std::uint64_t m_noise{88172645463325252ULL};
    double m_making_s{0};

public:
    Traffic(std::uint64_t rate, std::uint64_t payload, bool fresh) : m_step_ns{1'000'000'000 / (rate == 0 ? 20'000 : rate)}, m_fresh{fresh}
    {
        sim::Rng rng{1};
        const sim::Firehose firehose{rng};
        const auto peers{sim::MakePeers(rng, 0, 125, 1'750'000'000)};
        std::size_t next{0};
        for (Prepared& prepared : m_batches) {
            prepared.batch.utc_offset_ns = UTC_OFFSET_NS;
            for (std::size_t i{0}; i < EVENTS; ++i, ++next) {
                const std::uint32_t pick{firehose.order[next % firehose.order.size()]};
                const sim::Prebuilt& message{firehose.pool[pick & ~sim::Firehose::OUTBOUND]};
                const sim::Peer& peer{peers[next % peers.size()]};
                const std::size_t captured{std::min<std::size_t>(message.payload.size(), payload)};
                event::RecordBuilder{prepared.batch.bytes,
                                     (pick & sim::Firehose::OUTBOUND) != 0 ? event::id::OUTBOUND_MESSAGE : event::id::INBOUND_MESSAGE,
                                     6,
                                     1,
                                     4321,
                                     4330}
                    .Int(peer.id)
                    .Str(peer.addr_name)
                    .Str(peer.ConnectionTypeAsString())
                    .Str(message.type)
                    .Uint(message.payload.size())
                    .Bytes(std::as_bytes(std::span{message.payload}.first(captured)))
                    .Finish(0, captured < message.payload.size() ? 1U << event::message_arg::PAYLOAD : 0);
                ++prepared.batch.count;
            }
            if (pipeline::ParseBatch(prepared.batch, m_catalogue, prepared.events) != 0) Fail("a record makes no sense");
        }
    }

    const event::Catalogue& Catalogue() const { return m_catalogue; }
    std::uint64_t StepNs() const { return m_step_ns; }
    double MakingSeconds() const { return m_making_s; }

    /** The next batch, with its times, and its payloads if they are to be fresh. That is the bench's cost, not the recorder's. */
    std::span<const event::Event> Next(std::size_t n)
    {
        const double before{CpuSeconds()};
        Prepared& prepared{m_batches[n % m_batches.size()]};
        for (const event::Event& event : prepared.events) {
            auto* record{const_cast<std::byte*>(event.Record().data())};
            m_ts_ns += m_step_ns / 2 + (m_noise >> 33) % (m_step_ns + 1);
            m_noise ^= m_noise << 13, m_noise ^= m_noise >> 7, m_noise ^= m_noise << 17;
            std::memcpy(record, &m_ts_ns, sizeof(m_ts_ns));
            if (!m_fresh) continue;
            const auto payload{event.Bytes(event::message_arg::PAYLOAD)};
            for (std::size_t at{0}; at + 8 <= payload.size(); at += 8) {
                m_noise ^= m_noise << 13, m_noise ^= m_noise >> 7, m_noise ^= m_noise << 17;
                std::memcpy(const_cast<std::byte*>(payload.data()) + at, &m_noise, 8);
            }
        }
        m_making_s += CpuSeconds() - before;
        return prepared.events;
    }
};

template <class T>
T Must(util::Result<T> result)
{
    if (!result) Fail(result.GetError().what);
    return std::move(*result);
}

archive::SessionInfo Session(const event::Catalogue& catalogue)
{
    archive::SessionInfo info;
    info.session_id = "c0ffee00c0ffee00c0ffee00c0ffee00";
    info.utc_offset_ns = UTC_OFFSET_NS;
    for (const event::TracepointDef* def : catalogue.Rows()) info.tracepoints.push_back({*def, CT_MODE_DELIVER});
    return info;
}

void Record(const Options& options)
{
    Traffic traffic{options.rate, options.payload, options.fresh};
    archive::RecorderOptions recorder_options;
    recorder_options.wait_when_full = options.rate == 0;
    if (options.level) recorder_options.level = *options.level;
    if (options.block != 0) recorder_options.block_bytes = options.block;
    const auto recorder{Must(archive::Recorder::Start(Session(traffic.Catalogue()), traffic.Catalogue(),
                                                      Must(archive::PartFiles::Single(options.file, true)), recorder_options))};
    const auto begun{Clock::now()};
    const double cpu_before{CpuSeconds()};
    std::uint64_t events{0};
    for (std::size_t n{0}; options.megabytes != 0 ? recorder->Totals().file_bytes < options.megabytes << 20 : events < options.events;
         ++n) {
        auto batch{traffic.Next(n)};
        // at a rate: what has come in 10 ms
        const std::size_t most{options.rate == 0 ? batch.size() : std::max<std::size_t>(1, options.rate / 100)};
        while (!batch.empty()) {
            const std::size_t count{std::min(most, batch.size())};
            Must(recorder->Write(batch.first(count)));
            events += count;
            batch = batch.subspan(count);
            if (options.rate != 0) std::this_thread::sleep_until(begun + std::chrono::nanoseconds{events * 1'000'000'000 / options.rate});
        }
    }
    Must(recorder->Finish({}));
    const double wall_s{Seconds(Clock::now() - begun)};
    const double cpu_s{CpuSeconds() - cpu_before - traffic.MakingSeconds()};
    const archive::RecorderTotals totals{recorder->Totals()};
    std::uint64_t lost{0};
    for (const auto& [id, count] : totals.not_recorded) lost += count;
    const double count{static_cast<double>(events)};
    fmt::print(
        R"({{"events":{},"lost":{},"record_mb_s":{:.1f},"cpu_ns_an_event":{:.1f},"core_share":{:.4f},"ratio":{:.4f},"bytes_an_event":{:.1f},"file_mb":{:.1f},"rss_mb":{:.1f}}})"
        "\n",
        events, lost, static_cast<double>(totals.record_bytes) / cpu_s / 1e6, cpu_s * 1e9 / count, cpu_s / wall_s,
        static_cast<double>(totals.file_bytes) / static_cast<double>(totals.record_bytes), static_cast<double>(totals.record_bytes) / count,
        static_cast<double>(totals.file_bytes) / 1e6, static_cast<double>(MostMemoryKb()) / 1e3);
}

void Replay(const Options& options)
{
    event::Catalogue catalogue;
    const auto begun{Clock::now()};
    const double cpu_before{CpuSeconds()};
    const auto source{Must(archive::ReplaySource::Open({options.file}, catalogue, {}, {}))};
    pipeline::Batch batch;
    std::vector<event::Event> events;
    std::uint64_t count{0}, bytes{0};
    while (Must(source->Pull(batch, std::chrono::seconds{1})) != pipeline::Source::Step::End) {
        if (pipeline::ParseBatch(batch, catalogue, events) != 0) Fail("a record makes no sense");
        count += events.size();
        for (const event::Event& event : events) bytes += event.Record().size();
    }
    const double wall_s{Seconds(Clock::now() - begun)};
    fmt::print(R"({{"events":{},"events_s":{:.0f},"record_mb_s":{:.1f},"cores":{:.2f},"rss_mb":{:.1f}}})"
               "\n",
               count, static_cast<double>(count) / wall_s, static_cast<double>(bytes) / wall_s / 1e6, (CpuSeconds() - cpu_before) / wall_s,
               static_cast<double>(MostMemoryKb()) / 1e3);
}

void Seek(const Options& options)
{
    event::Catalogue catalogue;
    pipeline::Batch batch;
    const auto first_utc_ns{UTC_OFFSET_NS + 5'000'000'000'000};
    std::vector<double> milliseconds;
    std::int64_t length_ns{INT64_MAX / 4};
    for (int i{0}; i <= 20; ++i) {
        archive::ReplayOptions replay;
        replay.since_utc_ns = first_utc_ns + (i == 0 ? 0 : length_ns / 20 * (i - 1));
        const auto begun{Clock::now()};
        const auto source{Must(archive::ReplaySource::Open({options.file}, catalogue, replay, {}))};
        const auto step{Must(source->Pull(batch, std::chrono::seconds{60}))};
        if (i == 0) { // how long it is: halve until there is something
            for (length_ns = std::int64_t{1} << 50; length_ns > 1; length_ns /= 2) {
                archive::ReplayOptions late;
                late.since_utc_ns = first_utc_ns + length_ns;
                const auto probe{Must(archive::ReplaySource::Open({options.file}, catalogue, late, {}))};
                if (Must(probe->Pull(batch, std::chrono::seconds{60})) == pipeline::Source::Step::Ready) break;
            }
            continue;
        }
        if (step != pipeline::Source::Step::Ready) Fail("nothing at that moment");
        milliseconds.push_back(Seconds(Clock::now() - begun) * 1e3);
    }
    std::ranges::sort(milliseconds);
    fmt::print(R"({{"seek_ms":{:.2f},"seek_ms_most":{:.2f}}})"
               "\n",
               milliseconds[milliseconds.size() / 2], milliseconds.back());
}

} // namespace

int main(int argc, char** argv)
{
    if (argc < 2 || std::string_view{argv[1]} == "--help") {
        fmt::print("{}", USAGE);
        return argc < 2 ? 2 : 0;
    }
    try {
        const Options options{ParseOptions(argc, argv)};
        if (options.what == "record") {
            Record(options);
        } else if (options.what == "replay") {
            Replay(options);
        } else if (options.what == "seek") {
            Seek(options);
        } else {
            Fail("unknown: " + options.what + "; see --help");
        }
    } catch (const std::exception& e) {
        fmt::print(stderr, "coretap-bench-archive: {}\n", e.what());
        return 1;
    }
    return 0;
}
