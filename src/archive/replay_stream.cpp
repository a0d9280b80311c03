#include "archive/replay_stream.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fmt/format.h>

#include "event/event.h"

namespace coretap::archive {
namespace {

using event::id::CORETAP_LOST;
using event::id::CORETAP_NODE_FOUND;
using event::id::CORETAP_NODE_GONE;

// Read ahead: enough that neither side waits for the other, little enough that it stays in the caches.
constexpr std::size_t MOST_CHUNKS{3};
constexpr std::size_t MOST_CHUNK_BYTES{16U << 20};
constexpr std::size_t MOST_SPARE{3};
constexpr std::size_t LARGEST_SPARE{8U << 20};
constexpr std::size_t MOST_DAMAGE_NOTICES{20};
constexpr std::uint32_t SESSION_BLOCKS{2}; // at the beginning of each part

bool TellsOfNodes(const TracepointSet& set) noexcept { return Has(set, CORETAP_NODE_FOUND) || Has(set, CORETAP_NODE_GONE); }

IdMap BuiltInIds(const event::Catalogue& catalogue)
{
    IdMap ids;
    ids.fill(NOT_KNOWN);
    for (std::uint16_t id{0}; id < CT_USER_BASE; ++id) {
        if (catalogue.Find(id) != nullptr) ids[id] = id;
    }
    return ids;
}

} // namespace

util::Result<IdMap> MapIds(const SessionInfo& info, event::Catalogue& catalogue)
{
    IdMap ids{BuiltInIds(catalogue)};
    for (const RecordedTracepoint& row : info.tracepoints) {
        const auto known{catalogue.AddRecorded(row.def)};
        if (!known) return known.GetError();
        ids[row.def.id] = (*known)->id;
    }
    return ids;
}

IdMap MapKnownIds(const SessionInfo& info, const event::Catalogue& catalogue)
{
    IdMap ids{BuiltInIds(catalogue)};
    for (const RecordedTracepoint& row : info.tracepoints) {
        const event::TracepointDef* known{catalogue.FindRecorded(row.def)};
        ids[row.def.id] = known == nullptr ? NOT_KNOWN : known->id;
    }
    return ids;
}

ReplayStream::ReplayStream(ReplayShared& shared, std::vector<Part> parts, const IdMap& ids)
    : m_shared{shared}, m_parts{std::move(parts)}, m_ids{ids}, m_last_offset_ns{m_parts.front().segment.info.started_at_utc_ns}
{}

ReplayStream::~ReplayStream()
{
    if (m_thread.joinable()) m_thread.join();
}

std::vector<ReplayStream::Part> ReplayStream::TakeParts()
{
    if (m_thread.joinable()) m_thread.join();
    return std::move(m_parts);
}

void ReplayStream::Start()
{
    m_begun = !m_shared.options.since_utc_ns; // not earlier: SetRange() comes after Open()
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    m_thread = std::thread{[this] { ReadParts(); }};
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Chunk ReplayStream::TakeChunk(std::vector<std::byte> spare)
{
    Chunk chunk{std::move(m_chunks.front())};
    m_chunks.pop_front();
    m_chunk_bytes -= chunk.bytes.size();
    if (m_spare.size() < MOST_SPARE && spare.capacity() != 0 && spare.capacity() <= LARGEST_SPARE) m_spare.push_back(std::move(spare));
    m_shared.taken.notify_all();
    return chunk;
}

void ReplayStream::Notice(std::string text)
{
    const std::lock_guard lock{m_shared.mutex};
    m_shared.notices.push_back(std::move(text));
    m_shared.arrived.notify_one();
}

Chunk ReplayStream::EmptyChunk(std::int64_t utc_offset_ns)
{
    Chunk chunk;
    chunk.utc_offset_ns = utc_offset_ns;
    const std::lock_guard lock{m_shared.mutex};
    if (!m_spare.empty()) {
        chunk.bytes = std::move(m_spare.back());
        m_spare.pop_back();
    }
    return chunk;
}

bool ReplayStream::Push(Chunk chunk)
{
    std::unique_lock lock{m_shared.mutex};
    m_shared.taken.wait(
        lock, [this] { return m_shared.stop || m_chunks.empty() || (m_chunks.size() < MOST_CHUNKS && m_chunk_bytes < MOST_CHUNK_BYTES); });
    if (m_shared.stop) return false;
    m_chunk_bytes += chunk.bytes.size();
    m_chunks.push_back(std::move(chunk));
    m_shared.arrived.notify_one();
    return true;
}

void ReplayStream::ReadParts()
{
    util::Result<> read{};
    std::optional<std::uint32_t> next_number;
    for (Part& part : m_parts) {
        read = ReadPart(part, next_number);
        if (!read || m_shared.stop) break;
        // closed once no other part is in it; a file may be wanted again
        if (!part.file->Bytes().Seekable()) part.file.reset();
    }
    if (m_lost_untold && m_begun && read && !m_shared.stop) TellDamage(m_last_ns, m_last_offset_ns);
    if (m_unknown != 0) {
        Notice(fmt::format("{}: {} records are of tracepoints that nothing describes any more, and are not shown",
                           m_parts.back().segment.info.session_id, m_unknown));
    }
    const std::lock_guard lock{m_shared.mutex};
    if (!read && !m_shared.stop) m_failure = read.GetError();
    m_ended = true;
    m_shared.arrived.notify_one();
}

bool ReplayStream::Wanted(const IndexEntry& entry) const noexcept
{
    const ReplayOptions& options{m_shared.options};
    if (entry.first_utc_ns > entry.last_utc_ns) return false; // no records
    if (options.until_utc_ns && entry.first_utc_ns >= *options.until_utc_ns) return false;
    return !options.since_utc_ns || entry.last_utc_ns >= *options.since_utc_ns || TellsOfNodes(entry.tracepoints);
}

bool ReplayStream::Wanted(const BlockHeader& header) const noexcept
{
    if (!header.HasRecords()) return true; // few, and they say something about the file
    return Wanted(IndexEntry{.offset = 0,
                             .blocks = 1,
                             .number = header.number,
                             .first_utc_ns = header.FirstUtcNs(),
                             .last_utc_ns = header.LastUtcNs(),
                             .tracepoints = header.tracepoints});
}

util::Result<> ReplayStream::ReadPart(Part& part, std::optional<std::uint32_t>& next_number)
{
    FileReader& file{*part.file};
    const Segment& segment{part.segment};
    const bool last{&part == &m_parts.back()};
    file.Bytes().StopWhen(&m_shared.stop);
    bool closed{segment.closed};
    if (!file.Bytes().Seekable()) {
        if (auto read{ReadTo(part, UINT64_MAX)}; !read) return read;
        closed = file.ClosedWell() || m_until_reached;
    } else {
        file.Enter(segment.info, segment.tag);
        if (auto told{TellBeginning(part)}; !told) return told;
        file.Jump(segment.begin, next_number);
        const bool all{!m_shared.options.since_utc_ns && !m_shared.options.until_utc_ns};
        for (std::size_t i{0}; !all && i < segment.index.size() && !m_shared.stop; ++i) {
            const IndexEntry& entry{segment.index[i]};
            if (!Wanted(entry)) continue;
            const std::uint64_t end{i + 1 < segment.index.size() ? segment.begin + segment.index[i + 1].offset : segment.end};
            // Not back: damage at the end of the run before may have reached into this one, and has been told.
            if (file.At() < segment.begin + entry.offset) file.Jump(segment.begin + entry.offset, entry.number);
            if (auto read{ReadTo(part, end)}; !read) return read;
        }
        if (all) {
            // What is not closed may have grown since it was looked at.
            if (auto read{ReadTo(part, last && segment.at_file_end && !segment.closed ? UINT64_MAX : segment.end)}; !read) return read;
            closed = segment.closed || file.ClosedWell();
            next_number = file.NextNumber();
        }
    }
    if (m_shared.stop) return {};
    if (!closed && last) {
        Notice(fmt::format(
            "{} was not closed: it is still being recorded, or its recorder was killed or could not write on; it is read up to its present end{}",
            file.Name(), file.TornBytes() == 0 ? "" : fmt::format(", of which {} bytes are of an unfinished block", file.TornBytes())));
    } else if (file.TornBytes() != 0) {
        Notice(fmt::format("{} is cut short: its last {} bytes are of an unfinished block", file.Name(), file.TornBytes()));
    }
    if (file.Bytes().Seekable()) file.Bytes().Release();
    return {};
}

/** What is gone in front of the first block that can be read. */
util::Result<> ReplayStream::TellBeginning(Part& part)
{
    const Segment& segment{part.segment};
    if (segment.at_file_begin && segment.begin != 0) {
        part.file->Jump(0, std::nullopt);
        if (auto read{ReadTo(part, segment.begin)}; !read) return read;
    } else if (&part == &m_parts.front() && segment.info.part == 1 && segment.first_number > 0) {
        Notice(fmt::format("{}: its first {} blocks are missing", part.file->Name(), segment.first_number));
        m_lost_untold = true;
    }
    if (segment.info.part == 1 && segment.first_number <= SESSION_BLOCKS) m_lost_untold = false; // there are no events in these
    return {};
}

util::Result<> ReplayStream::ReadTo(Part& part, std::uint64_t end)
{
    FileReader& file{*part.file};
    const bool is_pipe{!file.Bytes().Seekable()};
    const bool choosy{!is_pipe && (m_shared.options.since_utc_ns || m_shared.options.until_utc_ns)};
    file.SetLimit(end);
    while (file.At() < end && !m_shared.stop) {
        if (choosy) {
            const auto header{file.PeekHeader()};
            if (!header) return header.GetError();
            if (*header && (*header)->version <= FORMAT_VERSION && !Wanted(**header)) {
                file.Jump(file.At() + (*header)->BlockSize(), (*header)->number + 1);
                continue;
            }
        }
        const auto step{file.Next()};
        if (!step) return step.GetError();
        bool going{true};
        switch (*step) {
        case FileReader::Step::Session: going = !is_pipe || OnSession(part); break;
        case FileReader::Step::Records:
            m_until_reached = is_pipe && m_shared.options.until_utc_ns && file.Header().FirstUtcNs() >= *m_shared.options.until_utc_ns;
            going = !m_until_reached && OnRecords(file);
            break;
        case FileReader::Step::Nodes: going = OnNodes(file); break;
        case FileReader::Step::PartEnd: break;
        case FileReader::Step::Damage: OnDamage(file); break;
        case FileReader::Step::End: going = false; break;
        }
        if (!going) return {};
    }
    return {};
}

/** Of a pipe: something was joined. */
bool ReplayStream::OnSession(Part& part)
{
    const FileReader& file{*part.file};
    if (file.Tag() == part.segment.tag) return true; // its next part
    part.segment.tag = file.Tag();
    // The catalogue is in use by now and must stay as it is.
    m_ids = MapKnownIds(file.Session(), m_shared.catalogue);
    m_nodes.Clear();
    Chunk chunk{EmptyChunk(0)};
    chunk.bytes.clear();
    chunk.session = std::make_unique<SessionInfo>(file.Session());
    return Push(std::move(chunk));
}

void ReplayStream::OnDamage(const FileReader& file)
{
    const Damage& damage{file.LastDamage()};
    m_lost_records += damage.records;
    m_lost_untold = true;
    if (m_damage_notices++ == MOST_DAMAGE_NOTICES)
        Notice(fmt::format("{}: there is more damage; `coretap verify` lists it all", file.Name()));
    if (m_damage_notices > MOST_DAMAGE_NOTICES) return;
    std::string text{fmt::format("{}: at byte {} {}", file.Name(), damage.at, damage.reason)};
    if (damage.bytes != 0) text += fmt::format("; {} bytes are skipped", damage.bytes);
    if (damage.bytes != 0 && damage.blocks != 0) text += fmt::format(", {} {}", damage.blocks, damage.blocks == 1 ? "block" : "blocks");
    if (damage.records != 0) text += fmt::format(", {} records", damage.records);
    Notice(std::move(text));
}

bool ReplayStream::TellDamage(std::uint64_t ts_ns, std::int64_t utc_offset_ns)
{
    Chunk chunk{EmptyChunk(utc_offset_ns)};
    chunk.bytes.clear();
    m_lost_total += m_lost_records;
    event::RecordBuilder{chunk.bytes, CORETAP_LOST, 4, ts_ns, 0, 0}
        .Str("recording")
        .Str(pipeline::ToString(pipeline::LossReason::Damaged))
        .Uint(m_lost_records)
        .Uint(m_lost_total)
        .Finish();
    chunk.count = 1;
    chunk.has_losses = true;
    chunk.last_utc_ns = static_cast<std::int64_t>(ts_ns + static_cast<std::uint64_t>(utc_offset_ns));
    ct_record head;
    std::memcpy(&head, chunk.bytes.data(), sizeof(head));
    chunk.counts.Add(head);
    m_lost_records = 0;
    m_lost_untold = false;
    return Push(std::move(chunk));
}

bool ReplayStream::IntroduceNodes(std::int64_t utc_offset_ns)
{
    if (m_nodes.Empty()) return true;
    Chunk chunk{EmptyChunk(utc_offset_ns)};
    chunk.bytes.clear();
    chunk.introduction = true;
    chunk.count = m_nodes.Introduce(chunk.bytes, utc_offset_ns);
    return Push(std::move(chunk));
}

bool ReplayStream::OnNodes(FileReader& file)
{
    const std::int64_t utc_offset_ns{file.Header().utc_offset_ns};
    Chunk chunk{EmptyChunk(utc_offset_ns)};
    chunk.bytes.clear();
    chunk.introduction = true;
    std::span<const std::byte> rest{file.Records()};
    while (!rest.empty()) {
        ct_record head;
        std::memcpy(&head, rest.data(), sizeof(head));
        const std::size_t step{(std::size_t{head.size} + 7) / 8 * 8};
        const auto record{rest.first(head.size)};
        // nothing else belongs here; told already, if the parts before were read
        const bool tells{head.tracepoint == CORETAP_NODE_FOUND || head.tracepoint == CORETAP_NODE_GONE};
        if (tells && m_ids[head.tracepoint % m_ids.size()] == head.tracepoint && !m_nodes.Knows(record)) {
            m_nodes.Observe(record, utc_offset_ns);
            chunk.bytes.insert(chunk.bytes.end(), rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(step));
            ++chunk.count;
        }
        rest = rest.subspan(step);
    }
    return !m_begun || chunk.count == 0 || Push(std::move(chunk));
}

bool ReplayStream::OnRecords(FileReader& file)
{
    const BlockHeader& header{file.Header()};
    const ReplayOptions& options{m_shared.options};
    Chunk chunk{EmptyChunk(header.utc_offset_ns)};
    std::swap(chunk.bytes, file.Records());
    const std::int64_t since{options.since_utc_ns.value_or(INT64_MIN)};
    const std::int64_t until{options.until_utc_ns.value_or(INT64_MAX)};
    std::byte* const bytes{chunk.bytes.data()};
    std::size_t to{0};
    for (std::size_t at{0}; at < chunk.bytes.size();) {
        ct_record head;
        std::memcpy(&head, bytes + at, sizeof(head));
        const std::size_t step{(std::size_t{head.size} + 7) / 8 * 8};
        const std::uint16_t id{head.tracepoint < m_ids.size() ? m_ids[head.tracepoint] : NOT_KNOWN};
        const auto utc_ns{static_cast<std::int64_t>(head.ts_ns + static_cast<std::uint64_t>(header.utc_offset_ns))};
        const bool own{id == CORETAP_NODE_FOUND || id == CORETAP_NODE_GONE};
        bool take{utc_ns >= since && utc_ns < until && id != NOT_KNOWN};
        if (id == NOT_KNOWN) ++m_unknown;
        if (take && !m_begun) {
            m_begun = true;
            if (!IntroduceNodes(header.utc_offset_ns)) return false;
        }
        if (own && utc_ns < until) {
            m_nodes.Observe({bytes + at, head.size}, header.utc_offset_ns);
            take = take || m_begun; // the clock was set back: who is who is told all the same
        }
        if (take) {
            if (id != head.tracepoint) {
                head.tracepoint = id;
                std::memcpy(bytes + at, &head, sizeof(head));
            }
            if (to != at) std::memmove(bytes + to, bytes + at, step);
            to += step;
            ++chunk.count;
            chunk.counts.Add(head);
            if (id == CORETAP_LOST) chunk.has_losses = true;
            m_last_ns = head.ts_ns;
            m_last_offset_ns = header.utc_offset_ns;
        }
        at += step;
    }
    if (m_lost_untold && m_begun && !TellDamage(header.first_ns, header.utc_offset_ns)) return false;
    if (chunk.count == 0) {
        std::swap(chunk.bytes, file.Records());
        return true;
    }
    chunk.bytes.resize(to);
    chunk.last_utc_ns = static_cast<std::int64_t>(m_last_ns + static_cast<std::uint64_t>(header.utc_offset_ns));
    return Push(std::move(chunk));
}

} // namespace coretap::archive
