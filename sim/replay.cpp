#include "sim/replay.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <span>

#include <fmt/format.h>

#include "archive/file_reader.h"
#include "sim/fire_log.h"
#include "sim/scenarios.h"
#include "util/fd.h"

namespace coretap::sim {
namespace {

constexpr std::uint16_t NO_ROW{0xffff};

util::Result<archive::FileReader> OpenFile(const std::string& name)
{
    static constexpr std::string_view FD{"fd:"};
    if (!name.starts_with(FD)) return archive::FileReader::Open(name);
    int number{-1};
    const auto [end, error] = std::from_chars(name.data() + FD.size(), name.data() + name.size(), number);
    if (error != std::errc{} || end != name.data() + name.size() || number < 0)
        return util::Error{util::Errc::Usage, fmt::format("--replay: '{}' is no descriptor: write fd:N", name)};
    return archive::FileReader::FromFd(util::Fd{number}, name);
}

std::string ToJson(const Tally& tally)
{
    std::string text;
    for (const auto& [tracepoint, reasons] : tally) {
        text += fmt::format("{}{}:{{", text.empty() ? "" : ",", JsonString(tracepoint));
        bool first{true};
        for (const auto& [reason, count] : reasons) {
            text += fmt::format("{}{}:{}", first ? "" : ",", JsonString(reason), count);
            first = false;
        }
        text += '}';
    }
    return '{' + text + '}';
}

} // namespace

/** The events of one file, one after the other. */
class Replay::Stream {
    Replay& m_replay;
    archive::FileReader m_reader;
    std::vector<std::byte> m_records;
    std::size_t m_at{0};
    std::int64_t m_utc_offset_ns{0};
    bool m_begun{false};
    std::array<std::uint16_t, CT_MAX_TRACEPOINTS> m_ids{}; //!< of the session's tracepoints in our catalogue
    std::array<std::string, CT_MAX_TRACEPOINTS> m_names;
    std::optional<event::Event> m_next;

    void BeginSession();
    /** The next block with records; false at the end. */
    bool NextBlock();
    std::optional<event::Event> Parse(std::span<std::byte> record);

public:
    Stream(Replay& replay, archive::FileReader reader) : m_replay{replay}, m_reader{std::move(reader)} {}

    const std::optional<event::Event>& Next() const { return m_next; }
    std::uint64_t Session() const { return m_reader.Tag(); }
    void Advance();
};

void Replay::Stream::BeginSession()
{
    m_begun = true;
    m_ids.fill(NO_ROW);
    for (const event::TracepointDef* row : m_replay.m_catalogue.Rows()) {
        if (row->id < CT_USER_BASE) m_ids[row->id] = row->id;
    }
    for (const archive::RecordedTracepoint& recorded : m_reader.Session().tracepoints) {
        const event::TracepointDef& def{recorded.def};
        if (def.id >= m_ids.size()) continue;
        m_names[def.id] = def.FullName();
        const auto row = m_replay.m_catalogue.AddRecorded(def);
        m_ids[def.id] = row ? (*row)->id : NO_ROW;
    }
}

bool Replay::Stream::NextBlock()
{
    using Step = archive::FileReader::Step;
    while (true) {
        const auto step = m_reader.Next();
        if (!step) {
            if (m_replay.m_failure) m_replay.m_failure = step.GetError();
            return false;
        }
        switch (*step) {
        case Step::Session: BeginSession(); break;
        case Step::Records:
            // lost its session's block: ids of the catalogue are known all the same
            if (!m_begun) BeginSession();
            std::swap(m_records, m_reader.Records());
            m_at = 0;
            m_utc_offset_ns = m_reader.Header().utc_offset_ns;
            return true;
        case Step::Nodes: // has been said before, in an earlier part
        case Step::PartEnd: break;
        case Step::Damage: {
            const archive::Damage& damage{m_reader.LastDamage()};
            m_replay.m_damaged_bytes += damage.bytes;
            ++m_replay.m_damaged_places;
            m_replay.m_tell(fmt::format("{}: damaged at byte {}: {}; {} bytes skipped, {} records lost", m_reader.Name(), damage.at,
                                        damage.reason, damage.bytes, damage.records));
            break;
        }
        case Step::End:
            if (!m_reader.ClosedWell())
                m_replay.m_tell(fmt::format("{}: the recording was not closed, it ends where it was cut off", m_reader.Name()));
            return false;
        }
    }
}

std::optional<event::Event> Replay::Stream::Parse(std::span<std::byte> record)
{
    std::uint16_t recorded_id{0};
    std::byte* const id_at{record.data() + offsetof(ct_record, tracepoint)};
    std::memcpy(&recorded_id, id_at, sizeof(recorded_id));
    const bool in_range{recorded_id < m_ids.size()};
    const std::uint16_t id{in_range ? m_ids[recorded_id] : NO_ROW};
    const std::string name{in_range && !m_names[recorded_id].empty() ? m_names[recorded_id] : fmt::format("tracepoint {}", recorded_id)};
    if (id == NO_ROW) {
        m_replay.m_refirer.CountNotReplayed(name, "too many kinds of tracepoints");
        return std::nullopt;
    }
    std::memcpy(id_at, &id, sizeof(id));
    const auto event = event::ParseRecord(record, m_replay.m_catalogue, m_utc_offset_ns);
    if (!event) {
        m_replay.m_refirer.CountNotReplayed(name, "malformed record");
        return std::nullopt;
    }
    return *event;
}

void Replay::Stream::Advance()
{
    m_next.reset();
    while (!m_next) {
        if (m_records.size() - m_at < sizeof(ct_record)) {
            if (!NextBlock()) return;
            continue;
        }
        // the reader has seen that the records are as long as they say
        std::uint32_t size{0};
        std::memcpy(&size, m_records.data() + m_at + offsetof(ct_record, size), sizeof(size));
        const std::span<std::byte> record{m_records.data() + m_at, size};
        m_at += std::min<std::size_t>((std::size_t{size} + 7) / 8 * 8, m_records.size() - m_at);
        m_next = Parse(record);
        if (!m_next) ++m_replay.m_recorded;
    }
}

Replay::Replay(Probes& probes, Tell tell) : m_tell{std::move(tell)}, m_refirer{probes} {}
Replay::~Replay() = default;

util::Result<std::unique_ptr<Replay>> Replay::Open(const std::vector<std::string>& files, Probes& probes, Tell tell)
{
    std::unique_ptr<Replay> replay{new Replay{probes, std::move(tell)}};
    for (const std::string& file : files) {
        auto reader = OpenFile(file);
        if (!reader) return reader.GetError();
        replay->m_streams.push_back(std::make_unique<Stream>(*replay, std::move(*reader)));
    }
    return replay;
}

Replay::Stream* Replay::Earliest()
{
    Stream* earliest{nullptr};
    for (const auto& stream : m_streams) {
        if (stream->Next() && (!earliest || stream->Next()->UtcNs() < earliest->Next()->UtcNs())) earliest = stream.get();
    }
    return earliest;
}

std::size_t Replay::ProcessOf(std::uint64_t session, const event::Event& event)
{
    if (event.Def().origin == event::Origin::Coretap) return 0; // nothing is fired of it
    return m_nodes.try_emplace({session, event.Pid()}, m_nodes.size()).first->second;
}

void Replay::Run(Context& context)
{
    using Clock = Pacer::Clock;
    // a rate, or flat out: the pacer's own business
    const double speed{context.options.rate ? 0 : context.options.speed.value_or(1)};
    for (const auto& stream : m_streams) stream->Advance();
    context.stopwatch.Start();
    const Clock::time_point start{Clock::now()};
    std::optional<std::int64_t> first_utc_ns;
    bool on{!context.pacer.Stopped()};
    while (on) {
        Stream* const stream{Earliest()};
        if (!stream) break;
        const event::Event& event{*stream->Next()};
        if (speed > 0) {
            if (!first_utc_ns) first_utc_ns = event.UtcNs();
            // far apart, as recordings of different years are, it would not fit into the clock
            static constexpr double LONGEST_NS{1e18};
            const double due_ns{std::min(LONGEST_NS, static_cast<double>(event.UtcNs() - *first_utc_ns) / speed)};
            if (!context.pacer.SleepUntil(start + std::chrono::nanoseconds{static_cast<std::int64_t>(due_ns)})) break;
        }
        ++m_recorded;
        m_refirer.Fire(event, ProcessOf(stream->Session(), event));
        stream->Advance();
        on = speed > 0 ? !context.pacer.Stopped() : context.pacer.Step();
    }
    Summary();
}

void Replay::Summary() const
{
    const auto tell = [this](const Tally& tally, std::string_view what) {
        for (const auto& [tracepoint, reasons] : tally) {
            for (const auto& [reason, count] : reasons) m_tell(fmt::format("{} {}: {}, {}", count, what, tracepoint, reason));
        }
    };
    tell(m_refirer.NotReplayed(), "not replayed");
    tell(m_refirer.Altered(), "not as the node had it");
    if (m_nodes.size() > 1) {
        m_tell(
            fmt::format("the recordings are of {} processes; here all of it comes from one, where peers of the second have ids from {} on",
                        m_nodes.size(), Refirer::PEERS_OF_A_PROCESS));
    }
}

std::string Replay::JsonFields() const
{
    return fmt::format("\"recorded\":{},\"not_replayed\":{},\"altered\":{},\"damaged_bytes\":{}", m_recorded,
                       ToJson(m_refirer.NotReplayed()), ToJson(m_refirer.Altered()), m_damaged_bytes);
}

void RunReplay(Context& context)
{
    if (context.replay) context.replay->Run(context);
}

} // namespace coretap::sim
