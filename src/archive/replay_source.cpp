#include "archive/replay_source.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include <fmt/format.h>
#include <sys/resource.h>

#include "archive/file_layout.h"
#include "archive/replay_clock.h"
#include "archive/replay_stream.h"

namespace coretap::archive {
namespace {

using Clock = std::chrono::steady_clock;
using pipeline::LossReason;

constexpr std::size_t BATCH_BYTES{1U << 20};
/** With a speed: what is due within this time goes together. */
constexpr std::chrono::milliseconds GRAIN{10};
/** Of notices that came already, and come again when it goes back. */
constexpr std::size_t MOST_TOLD{4096};
/** Each has a thread and a descriptor. */
constexpr std::size_t MOST_SESSIONS{256};

/** Files stay open, since there may be no right to open them later; their number is the user's. */
void AllowFiles(std::size_t count)
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= 2 * count + 128) return;
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 2 * count + 128);
    (void)::setrlimit(RLIMIT_NOFILE, &limit); // if not, opening says so
}

/** A session as its files give it. */
struct FoundSession {
    std::uint64_t tag{0};
    SessionInfo info;
    std::vector<ReplayStream::Part> parts;
};

/** Parts in order; what is there twice is read once; what is missing is said where it can be told from here. */
void PutInOrder(FoundSession& session, const OnNotice& notice)
{
    auto& parts{session.parts};
    std::ranges::stable_sort(parts, [](const auto& a, const auto& b) {
        return std::pair{a.segment.info.part, a.segment.first_number} < std::pair{b.segment.info.part, b.segment.first_number};
    });
    const auto is_same = [](const auto& a, const auto& b) {
        return a.segment.info.part == b.segment.info.part && a.segment.first_number == b.segment.first_number &&
               a.file->Bytes().Seekable() && b.file->Bytes().Seekable();
    };
    for (std::size_t i{1}; i < parts.size();) {
        if (!is_same(parts[i - 1], parts[i])) {
            ++i;
            continue;
        }
        // the one of which there is more
        const bool longer{parts[i].segment.end - parts[i].segment.begin > parts[i - 1].segment.end - parts[i - 1].segment.begin};
        notice(
            fmt::format("{} and {} are the same part of one recording; it is read once", parts[i - 1].file->Name(), parts[i].file->Name()));
        parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(longer ? i - 1 : i));
    }
    for (std::size_t i{0}; i < parts.size(); ++i) {
        const std::uint32_t part{parts[i].segment.info.part}, before{i == 0 ? 0 : parts[i - 1].segment.info.part};
        if (part <= before + 1) continue;
        const std::string what{part == before + 2 ? fmt::format("part {}", before + 1) :
                                                    fmt::format("parts {} to {}", before + 1, part - 1)};
        notice(fmt::format("{} is part {} of its recording; {} {} not there", parts[i].file->Name(), part, what,
                           part == before + 2 ? "is" : "are"));
    }
    const Segment& end{parts.back().segment};
    if (end.closed && !end.last)
        notice(fmt::format("the recording goes on after {}, in parts that are not there", parts.back().file->Name()));
}

} // namespace

class ReplaySource::Impl {
    struct Lane {
        std::unique_ptr<ReplayStream> stream;
        std::uint32_t origin{0};
        Chunk chunk; //!< being handed over
        std::size_t at{0};
        std::size_t handed{0}; //!< records of it
        bool ended{false};

        bool Empty() const noexcept { return at >= chunk.bytes.size(); }
        std::int64_t UtcNs() const noexcept
        {
            if (chunk.introduction) return INT64_MIN; // before everything
            std::uint64_t ts_ns{0};
            std::memcpy(&ts_ns, chunk.bytes.data() + at + offsetof(ct_record, ts_ns), sizeof(ts_ns));
            return static_cast<std::int64_t>(ts_ns + static_cast<std::uint64_t>(chunk.utc_offset_ns));
        }
    };

    ReplayShared m_shared;
    OnNotice m_notice;
    std::vector<Lane> m_lanes;
    std::vector<SessionInfo> m_sessions;
    std::optional<std::int64_t> m_last_utc_ns;
    std::optional<std::int64_t> m_since_utc_ns; //!< of the range; that of the options may be later
    ReplayClock m_clock;
    bool m_started{false};
    bool m_seekable{true};
    bool m_stay{false};
    bool m_at_end{false};
    std::atomic<bool> m_stopped{false};
    std::set<std::string> m_told;
    Clock::time_point m_last_ready;

    RecordCounts m_counts;
    std::map<std::uint16_t, std::array<std::uint64_t, pipeline::LOSS_REASONS.size()>> m_lost;
    mutable pipeline::Ledger m_ledger;

public:
    Impl(const event::Catalogue& catalogue, ReplayOptions options, OnNotice notice)
        : m_shared{.catalogue = catalogue, .options = options, .mutex = {}, .arrived = {}, .taken = {}, .stop = {}, .notices = {}},
          m_notice{std::move(notice)},
          m_since_utc_ns{options.since_utc_ns},
          m_clock{options.speed}
    {}
    ~Impl() { Stop(); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    void Add(FoundSession session, const IdMap& ids)
    {
        m_sessions.push_back(std::move(session.info));
        for (const ReplayStream::Part& part : session.parts) {
            m_seekable = m_seekable && part.file->Bytes().Seekable();
            for (const IndexEntry& entry : part.segment.index) {
                // of entries without records the last time is before the first
                if (entry.last_utc_ns >= entry.first_utc_ns) m_last_utc_ns = std::max(entry.last_utc_ns, m_last_utc_ns.value_or(INT64_MIN));
            }
        }
        Lane& lane{m_lanes.emplace_back()};
        lane.origin = static_cast<std::uint32_t>(m_sessions.size());
        lane.stream = std::make_unique<ReplayStream>(m_shared, std::move(session.parts), ids);
    }

    const std::vector<SessionInfo>& Sessions() const { return m_sessions; }
    std::optional<std::int64_t> LastUtcNs() const { return m_last_utc_ns; }

    void SetRange(std::optional<std::int64_t> since_utc_ns, std::optional<std::int64_t> until_utc_ns)
    {
        m_shared.options.since_utc_ns = m_since_utc_ns = since_utc_ns;
        m_shared.options.until_utc_ns = until_utc_ns;
    }

    void Stop()
    {
        const std::lock_guard lock{m_shared.mutex};
        m_stopped = true;
        StopStreams();
    }

    bool Seekable() const { return m_seekable; }
    void StayAtEnd() { m_stay = m_seekable; }
    bool AtEnd() const { return m_at_end; }
    ReplayClock& Time() { return m_clock; }

    Move GoTo(std::int64_t utc_ns, std::uint64_t max_bytes)
    {
        const bool to_end{m_last_utc_ns && utc_ns >= *m_last_utc_ns};
        const auto position{m_clock.Position(Clock::now())};
        const std::int64_t from{position.value_or(m_since_utc_ns.value_or(INT64_MIN))};
        Move move;
        if (utc_ns < from || (!m_at_end && BytesBetween(from, utc_ns) > max_bytes)) {
            move = {.anew = true, .since_utc_ns = SinceFor(utc_ns, max_bytes)};
            Restart(move.since_utc_ns ? move.since_utc_ns : m_since_utc_ns);
        }
        if (!m_at_end) m_clock.ForwardTo(to_end ? INT64_MAX : utc_ns);
        return move;
    }

    util::Result<Step> Pull(pipeline::Batch& batch, std::chrono::milliseconds patience)
    {
        batch.Clear();
        (void)m_clock.TakeArrived(); // the caller has seen it
        const auto give_up{Clock::now() + patience};
        if (!m_started) {
            m_started = true;
            for (Lane& lane : m_lanes) lane.stream->Start();
        }
        for (;;) {
            if (m_shared.stop) return Step::End;
            const auto filled{FillLanes(batch, give_up)};
            if (!filled) return filled.GetError();
            if (!*filled) return m_shared.stop ? Step::End : Step::Idle;
            if (std::ranges::all_of(m_lanes, &Lane::ended)) return OnEnd(give_up);
            std::optional<Clock::time_point> due;
            if (m_lanes.size() == 1 && m_clock.Free() && m_lanes.front().at == 0) {
                HandOverChunk(m_lanes.front(), batch);
            } else {
                due = HandOverRecords(batch);
            }
            if (batch.count != 0) {
                m_last_ready = Clock::now();
                return Step::Ready;
            }
            if (m_clock.TakeArrived()) return Step::Idle;
            if (!due) continue;
            std::unique_lock lock{m_shared.mutex};
            const auto until{std::min(std::max(*due, m_last_ready + GRAIN), give_up)};
            m_shared.arrived.wait_until(lock, until, [this] { return m_shared.stop.load(); });
            if (m_shared.stop) return Step::End;
            if (Clock::now() >= give_up && until == give_up) return Step::Idle;
        }
    }

    const pipeline::Ledger& Losses() const
    {
        m_ledger.tallies.clear();
        for (std::uint16_t id{0}; id < CT_MAX_TRACEPOINTS; ++id) {
            const event::TracepointDef* def{m_shared.catalogue.Find(id)};
            // coretap's own are no firings
            if (m_counts.records[id] == 0 || def == nullptr || def->origin == event::Origin::Coretap) continue;
            pipeline::Tally& tally{m_ledger.tallies[id]};
            tally.delivered = tally.fired = m_counts.records[id];
            tally.payload_shed = m_counts.shed[id];
            tally.arg_faults = m_counts.faulted[id];
        }
        for (const auto& [id, lost] : m_lost) {
            pipeline::Tally& tally{m_ledger.tallies[id]};
            tally.lost = lost;
            tally.fired = tally.delivered + tally.Lost();
        }
        return m_ledger;
    }

private:
    /** Under the mutex. */
    void StopStreams()
    {
        m_shared.stop = true;
        m_shared.arrived.notify_all();
        m_shared.taken.notify_all();
    }

    Step OnEnd(Clock::time_point give_up)
    {
        if (!m_stay) return Step::End;
        m_clock.Ended(m_clock.Position(Clock::now()).value_or(m_since_utc_ns.value_or(INT64_MIN)));
        if (!std::exchange(m_at_end, true)) return Step::Idle;
        std::unique_lock lock{m_shared.mutex};
        m_shared.arrived.wait_until(lock, give_up, [this] { return m_shared.stop.load(); });
        return m_shared.stop ? Step::End : Step::Idle;
    }

    /** Read anew, from there on. */
    void Restart(std::optional<std::int64_t> since_utc_ns)
    {
        {
            const std::lock_guard lock{m_shared.mutex};
            StopStreams();
        }
        std::vector<std::pair<std::vector<ReplayStream::Part>, IdMap>> read;
        for (Lane& lane : m_lanes) read.emplace_back(lane.stream->TakeParts(), lane.stream->Ids());
        {
            const std::lock_guard lock{m_shared.mutex};
            m_shared.stop = m_stopped.load();
        }
        m_shared.options.since_utc_ns = since_utc_ns;
        for (std::size_t i{0}; i < m_lanes.size(); ++i) {
            for (ReplayStream::Part& part : read[i].first) part.file->Rewind();
            Lane lane;
            lane.stream = std::make_unique<ReplayStream>(m_shared, std::move(read[i].first), read[i].second);
            lane.origin = m_lanes[i].origin;
            m_lanes[i] = std::move(lane);
        }
        m_counts = {};
        m_lost.clear();
        m_clock.Restart();
        m_started = m_at_end = false;
    }

    /** Calls `each(entry, bytes)` for the index of everything that can be sought in and has records. */
    template <class Each>
    void ForEachEntry(Each each) const
    {
        for (const Lane& lane : m_lanes) {
            for (const ReplayStream::Part& part : lane.stream->Parts()) {
                const auto& index{part.segment.index};
                for (std::size_t i{0}; i < index.size(); ++i) {
                    const std::uint64_t end{i + 1 < index.size() ? index[i + 1].offset : part.segment.end - part.segment.begin};
                    if (index[i].first_utc_ns <= index[i].last_utc_ns) each(index[i], end - index[i].offset);
                }
            }
        }
    }

    std::uint64_t BytesBetween(std::int64_t since_utc_ns, std::int64_t until_utc_ns) const
    {
        std::uint64_t sum{0};
        ForEachEntry([&](const IndexEntry& entry, std::uint64_t bytes) {
            if (entry.last_utc_ns >= since_utc_ns && entry.first_utc_ns < until_utc_ns) sum += bytes;
        });
        return sum;
    }

    /** The earliest time from which `max_bytes` lead to `until_utc_ns`; nothing: all that is in the range. */
    std::optional<std::int64_t> SinceFor(std::int64_t until_utc_ns, std::uint64_t max_bytes) const
    {
        std::vector<std::pair<std::int64_t, std::uint64_t>> entries; // last time, bytes
        ForEachEntry([&](const IndexEntry& entry, std::uint64_t bytes) {
            if (entry.first_utc_ns < until_utc_ns && entry.last_utc_ns >= m_since_utc_ns.value_or(INT64_MIN))
                entries.emplace_back(entry.last_utc_ns, bytes);
        });
        std::ranges::sort(entries, std::greater{});
        std::uint64_t sum{0};
        for (std::size_t i{0}; i < entries.size(); ++i) {
            sum += entries[i].second;
            if (sum > max_bytes && i != 0) return std::min(entries[i].first + 1, until_utc_ns);
        }
        return std::nullopt;
    }

    /**
     * Every lane has a record to give, or has ended. False: not within the time. Notices are passed on here, on the thread of the caller. `batch` lends its
     * buffer to the thread that reads.
     */
    util::Result<bool> FillLanes(pipeline::Batch& batch, Clock::time_point give_up)
    {
        std::unique_lock lock{m_shared.mutex};
        for (;;) {
            while (!m_shared.notices.empty()) {
                const std::string notice{std::move(m_shared.notices.front())};
                m_shared.notices.pop_front();
                lock.unlock();
                const bool news{m_told.size() < MOST_TOLD && m_told.insert(notice).second};
                if (m_notice && news) m_notice(notice);
                lock.lock();
            }
            bool all{true};
            for (Lane& lane : m_lanes) {
                if (lane.ended || !lane.Empty()) continue;
                if (lane.stream->HasChunk()) {
                    lane.chunk = lane.stream->TakeChunk(std::move(lane.chunk.bytes.capacity() != 0 ? lane.chunk.bytes : batch.bytes));
                    lane.at = lane.handed = 0;
                    if (lane.chunk.session) {
                        m_sessions.push_back(std::move(*lane.chunk.session));
                        lane.origin = static_cast<std::uint32_t>(m_sessions.size());
                    }
                    if (lane.Empty()) all = false; // look again
                } else if (lane.stream->Ended()) {
                    if (lane.stream->Failure()) return *lane.stream->Failure();
                    lane.ended = true;
                } else {
                    all = false;
                }
            }
            if (all && m_shared.notices.empty()) return true;
            if (m_shared.stop) return false;
            if (std::ranges::any_of(m_lanes, [](const Lane& lane) { return lane.Empty() && !lane.ended && lane.stream->HasChunk(); }))
                continue;
            if (!m_shared.notices.empty()) continue;
            if (m_shared.arrived.wait_until(lock, give_up) == std::cv_status::timeout && Clock::now() >= give_up) return false;
        }
    }

    void HandOverChunk(Lane& lane, pipeline::Batch& batch)
    {
        for (std::size_t id{0}; id < m_counts.records.size(); ++id) {
            m_counts.records[id] += lane.chunk.counts.records[id];
            m_counts.shed[id] += lane.chunk.counts.shed[id];
            m_counts.faulted[id] += lane.chunk.counts.faulted[id];
        }
        if (!lane.chunk.introduction) m_clock.Passed(lane.chunk.last_utc_ns);
        batch.count = lane.chunk.count;
        batch.utc_offset_ns = lane.chunk.utc_offset_ns;
        batch.origin = lane.origin;
        std::swap(batch.bytes, lane.chunk.bytes);
        lane.chunk.bytes.clear();
        if (!lane.chunk.has_losses) return;
        for (std::size_t at{0}; at < batch.bytes.size();) at += (CountLoss(std::span{batch.bytes}.subspan(at)) + 7) / 8 * 8;
    }

    /** Records of all lanes by UTC, as far as they are due. If none is: when the next will be. */
    std::optional<Clock::time_point> HandOverRecords(pipeline::Batch& batch)
    {
        const auto now{Clock::now()};
        while (batch.bytes.size() < BATCH_BYTES) {
            Lane* first{nullptr};
            std::int64_t first_utc_ns{0}, others_utc_ns{INT64_MAX};
            for (Lane& lane : m_lanes) {
                if (lane.ended) continue;
                if (lane.Empty()) return std::nullopt; // what comes next is not known
                const std::int64_t utc_ns{lane.UtcNs()};
                if (first == nullptr || utc_ns < first_utc_ns) {
                    if (first != nullptr) others_utc_ns = std::min(others_utc_ns, first_utc_ns);
                    first = &lane;
                    first_utc_ns = utc_ns;
                } else {
                    others_utc_ns = std::min(others_utc_ns, utc_ns);
                }
            }
            if (first == nullptr) return std::nullopt;
            std::int64_t due_utc_ns{INT64_MAX};
            if (!first->chunk.introduction) {
                due_utc_ns = m_clock.Due(first_utc_ns, now);
                if (m_clock.Arrived()) return std::nullopt; // so that the caller can see it before what follows
                if (first_utc_ns > due_utc_ns) return m_clock.WhenDue(first_utc_ns);
            }
            HandOverRun(*first, std::min(others_utc_ns, due_utc_ns), batch);
        }
        return std::nullopt;
    }

    /** The lane's next record, and those after it that are not later than `last_utc_ns`. */
    void HandOverRun(Lane& lane, std::int64_t last_utc_ns, pipeline::Batch& batch)
    {
        const std::size_t start{lane.at};
        const bool introduction{lane.chunk.introduction};
        std::int64_t utc_ns{0};
        do {
            utc_ns = lane.UtcNs();
            const std::span<const std::byte> rest{std::span{lane.chunk.bytes}.subspan(lane.at)};
            ct_record head;
            std::memcpy(&head, rest.data(), sizeof(head));
            m_counts.Add(head);
            if (head.tracepoint == event::id::CORETAP_LOST) (void)CountLoss(rest);
            lane.at += (std::size_t{head.size} + 7) / 8 * 8;
            ++batch.count;
        } while (!lane.Empty() && lane.UtcNs() <= last_utc_ns && batch.bytes.size() + (lane.at - start) < BATCH_BYTES);
        if (!introduction) m_clock.Passed(utc_ns);
        if (batch.bytes.empty()) {
            batch.utc_offset_ns = lane.chunk.utc_offset_ns;
            batch.origin = lane.origin;
        } else {
            const bool changed{batch.clock_changes.empty()};
            const std::int64_t offset_ns{changed ? batch.utc_offset_ns : batch.clock_changes.back().utc_offset_ns};
            const std::uint32_t origin{changed ? batch.origin : batch.clock_changes.back().origin};
            if (offset_ns != lane.chunk.utc_offset_ns || origin != lane.origin)
                batch.clock_changes.push_back({batch.bytes.size(), lane.chunk.utc_offset_ns, lane.origin});
        }
        batch.bytes.insert(batch.bytes.end(), lane.chunk.bytes.begin() + static_cast<std::ptrdiff_t>(start),
                           lane.chunk.bytes.begin() + static_cast<std::ptrdiff_t>(lane.at));
    }

    /** The record's size; if it is a coretap:lost, what it says is entered. */
    std::size_t CountLoss(std::span<const std::byte> bytes)
    {
        ct_record head;
        std::memcpy(&head, bytes.data(), sizeof(head));
        if (head.tracepoint != event::id::CORETAP_LOST) return head.size;
        const auto event{event::ParseRecord(bytes, m_shared.catalogue, 0)};
        if (!event) return head.size;
        const std::string_view name{event->Str(0)};
        const std::size_t colon{name.find(':')};
        std::uint16_t id{event::id::CORETAP_LOST}; // what was lost nobody knows: `recording`
        if (colon != std::string_view::npos) {
            const auto rows{m_shared.catalogue.FindAll(name.substr(0, colon), name.substr(colon + 1))};
            if (!rows.empty()) id = rows.front()->id;
        }
        auto reason{LossReason::Malformed};
        for (const LossReason known : pipeline::LOSS_REASONS) {
            if (event->Str(1) == pipeline::ToString(known)) reason = known;
        }
        m_lost[id][static_cast<std::size_t>(reason)] += event->Uint(2);
        return head.size;
    }
};

ReplaySource::ReplaySource(std::unique_ptr<Impl> impl) : m_impl{std::move(impl)} {}
ReplaySource::~ReplaySource() = default;

util::Result<std::unique_ptr<ReplaySource>> ReplaySource::Open(const std::vector<std::filesystem::path>& paths, event::Catalogue& catalogue,
                                                               ReplayOptions options, OnNotice notice)
{
    std::vector<OpenFile> files;
    AllowFiles(paths.size());
    for (const std::filesystem::path& path : paths) {
        auto file{OpenForReading(path)};
        if (!file) return file.GetError();
        files.push_back(std::move(*file));
    }
    return Open(std::move(files), catalogue, options, std::move(notice));
}

util::Result<std::unique_ptr<ReplaySource>> ReplaySource::Open(std::vector<OpenFile> files, event::Catalogue& catalogue,
                                                               ReplayOptions options, OnNotice notice)
{
    if (files.empty()) return util::Error{util::Errc::Usage, "there is no recording to replay"};
    if (!notice) notice = [](const std::string&) {};
    AllowFiles(files.size());
    std::vector<FoundSession> sessions;
    const auto session_of = [&sessions](std::uint64_t tag, const SessionInfo& info) -> FoundSession& {
        auto found{std::ranges::find(sessions, tag, &FoundSession::tag)};
        if (found == sessions.end()) found = sessions.insert(sessions.end(), {tag, info, {}});
        if (found->info.tracepoints.empty()) found->info = info; // of the parts before, the sessions' blocks are lost
        return *found;
    };
    for (OpenFile& given : files) {
        auto opened{FileReader::FromFd(std::move(given.fd), std::move(given.name))};
        if (!opened) return opened.GetError();
        if (!opened->Bytes().Seekable()) {
            auto file{std::make_shared<FileReader>(std::move(*opened))};
            auto step{file->Next()};
            if (!step) return step.GetError();
            // Its first block may be damaged. What it is of is known once a block was sound.
            std::uint64_t skipped{0};
            while (*step == FileReader::Step::Damage) {
                skipped += file->LastDamage().bytes;
                step = file->Next();
                if (!step) return step.GetError();
            }
            if (skipped != 0) notice(fmt::format("{}: at its beginning {} bytes are damaged and skipped", file->Name(), skipped));
            if (*step == FileReader::Step::End)
                return util::Error{util::Errc::Malformed, fmt::format("{} is a damaged recording: nothing of it is left", file->Name())};
            Segment segment;
            segment.info = file->Session();
            segment.tag = file->Tag();
            FoundSession& session{session_of(segment.tag, segment.info)};
            session.parts.push_back({std::move(file), std::move(segment)});
            continue;
        }
        auto segments{Segments(*opened)};
        if (!segments) return segments.GetError();
        if (segments->empty())
            return util::Error{util::Errc::Malformed, fmt::format("{} is a damaged recording: nothing of it is left", opened->Name())};
        std::map<std::uint64_t, std::shared_ptr<FileReader>> readers; // one a session: each is read by a thread of its own
        for (Segment& segment : *segments) {
            auto& reader{readers[segment.tag]};
            if (!reader && sessions.size() <= MOST_SESSIONS) {
                auto another{opened->Another()};
                if (!another) return another.GetError();
                reader = std::make_shared<FileReader>(std::move(*another));
            }
            FoundSession& session{session_of(segment.tag, segment.info)};
            session.parts.push_back({reader, std::move(segment)});
        }
    }
    if (sessions.size() > MOST_SESSIONS) {
        return util::Error{
            util::Errc::Unsupported,
            fmt::format("there are {} sessions in these recordings; at most {} can be replayed together", sessions.size(), MOST_SESSIONS)};
    }
    for (FoundSession& session : sessions) PutInOrder(session, notice);
    auto impl{std::make_unique<Impl>(catalogue, options, std::move(notice))};
    for (FoundSession& session : sessions) {
        const auto ids{MapIds(session.info, catalogue)};
        if (!ids) return ids.GetError();
        impl->Add(std::move(session), *ids);
    }
    return std::unique_ptr<ReplaySource>{new ReplaySource{std::move(impl)}};
}

util::Result<pipeline::Source::Step> ReplaySource::Pull(pipeline::Batch& batch, std::chrono::milliseconds patience)
{
    return m_impl->Pull(batch, patience);
}
const pipeline::Ledger& ReplaySource::Losses() const { return m_impl->Losses(); }
void ReplaySource::Stop() { m_impl->Stop(); }
void ReplaySource::SetRange(std::optional<std::int64_t> since_utc_ns, std::optional<std::int64_t> until_utc_ns)
{
    m_impl->SetRange(since_utc_ns, until_utc_ns);
}

bool ReplaySource::Seekable() const { return m_impl->Seekable(); }
void ReplaySource::StayAtEnd() { m_impl->StayAtEnd(); }
bool ReplaySource::AtEnd() const { return m_impl->AtEnd(); }
void ReplaySource::SetSpeed(double speed) { m_impl->Time().Set(speed, Paused(), Clock::now()); }
void ReplaySource::SetPaused(bool paused) { m_impl->Time().Set(Speed(), paused, Clock::now()); }
double ReplaySource::Speed() const { return m_impl->Time().Speed(); }
bool ReplaySource::Paused() const { return m_impl->Time().Paused(); }
std::optional<std::int64_t> ReplaySource::PositionUtcNs() const { return m_impl->Time().Position(Clock::now()); }
ReplaySource::Move ReplaySource::GoTo(std::int64_t utc_ns, std::uint64_t max_bytes) { return m_impl->GoTo(utc_ns, max_bytes); }
std::optional<std::int64_t> ReplaySource::GoingTo() const { return m_impl->Time().ForwardTarget(); }

const std::vector<SessionInfo>& ReplaySource::Sessions() const { return m_impl->Sessions(); }
std::optional<std::int64_t> ReplaySource::LastUtcNs() const { return m_impl->LastUtcNs(); }

} // namespace coretap::archive
