#include "archive/inspect.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "archive/file_layout.h"
#include "archive/file_reader.h"
#include "archive/replay_stream.h"
#include "archive/totals.h"
#include "event/event.h"

namespace coretap::archive {
namespace {

void Take(FileSummary& summary, Totals totals)
{
    summary.first_utc_ns = totals.first_utc_ns;
    summary.last_utc_ns = totals.last_utc_ns;
    summary.events = totals.events;
    summary.record_bytes = totals.record_bytes;
    summary.nodes = std::move(totals.nodes);
    summary.by_tracepoint = std::move(totals.by_tracepoint);
    summary.messages_in = std::move(totals.messages_in);
    summary.messages_out = std::move(totals.messages_out);
    summary.lost = std::move(totals.lost);
}

/** From the indexes at the parts' ends; false if there are none for some of the file. */
util::Result<bool> FromIndexes(FileReader& file, FileSummary& summary)
{
    if (!file.Bytes().Seekable()) return false;
    const auto segments{Segments(file)};
    if (!segments) return segments.GetError();
    if (segments->empty() || !std::ranges::all_of(*segments, [](const Segment& segment) { return segment.closed && segment.summary; }))
        return false;
    std::uint64_t at{0};
    Totals totals;
    for (const Segment& segment : *segments) {
        if (segment.begin != at) return false; // something between them
        at = segment.end;
        totals.Merge(segment.summary->totals);
        for (const IndexEntry& entry : segment.index) summary.blocks += entry.blocks;
        summary.blocks += 2; // End, Tail
        if (summary.sessions.empty() || summary.sessions.back().session_id != segment.info.session_id)
            summary.sessions.push_back(segment.info);
        if (segment.summary->ledger) summary.ledger = segment.summary->ledger;
    }
    Take(summary, std::move(totals));
    summary.ended_well = at == summary.file_bytes;
    return true;
}

/** Counts what the blocks of one session hold. */
class SessionCounter {
    event::Catalogue m_catalogue;
    IdMap m_ids{};
    Counter m_counter;
    pipeline::Batch m_batch;
    std::vector<event::Event> m_events;

public:
    util::Result<> Begin(const SessionInfo& info)
    {
        const auto ids{MapIds(info, m_catalogue)};
        if (!ids) return ids.GetError();
        m_ids = *ids;
        return {};
    }

    /** Returns how many make no sense. */
    std::size_t Add(FileReader& file, bool introductions)
    {
        std::swap(m_batch.bytes, file.Records());
        m_batch.utc_offset_ns = file.Header().utc_offset_ns;
        for (std::size_t at{0}; at < m_batch.bytes.size();) {
            ct_record head;
            std::memcpy(&head, m_batch.bytes.data() + at, sizeof(head));
            head.tracepoint = head.tracepoint < m_ids.size() ? m_ids[head.tracepoint] : NOT_KNOWN;
            std::memcpy(m_batch.bytes.data() + at, &head, sizeof(head));
            at += (std::size_t{head.size} + 7) / 8 * 8;
        }
        const std::size_t malformed{pipeline::ParseBatch(m_batch, m_catalogue, m_events)};
        for (const event::Event& event : m_events) {
            if (introductions) {
                m_counter.AddNode(event);
            } else {
                m_counter.Add(event);
            }
        }
        return malformed;
    }

    Totals Sum() const { return m_counter.Sum(); }
};

/** By reading every block. */
util::Result<> FromBlocks(FileReader& file, FileSummary& summary)
{
    std::optional<SessionCounter> counter;
    Totals totals;
    file.Rewind();
    for (;;) {
        const auto step{file.Next()};
        if (!step) return step.GetError();
        switch (*step) {
        case FileReader::Step::Session:
            if (!counter || summary.sessions.back().session_id != file.Session().session_id) {
                if (counter) totals.Merge(counter->Sum());
                counter.emplace();
                summary.sessions.push_back(file.Session());
            }
            if (auto begun{counter->Begin(file.Session())}; !begun) return begun;
            break;
        case FileReader::Step::Records:
        case FileReader::Step::Nodes:
            if (const std::size_t malformed{counter->Add(file, *step == FileReader::Step::Nodes)}; malformed != 0) {
                summary.damage.push_back({file.BlockAt(), file.Header().BlockSize(), 0, malformed,
                                          fmt::format("{} records make no sense, in a block that is as it was written", malformed)});
            }
            break;
        case FileReader::Step::PartEnd:
            if (file.PartEndInfo()->ledger) summary.ledger = file.PartEndInfo()->ledger;
            break;
        case FileReader::Step::Damage: summary.damage.push_back(file.LastDamage()); break;
        case FileReader::Step::End:
            if (file.TornBytes() != 0) summary.damage.push_back({file.At(), file.TornBytes(), 1, 0, "the file ends within a block"});
            if (counter) totals.Merge(counter->Sum());
            summary.ended_well = file.ClosedWell();
            summary.blocks = file.SoundBlocks();
            Take(summary, std::move(totals));
            return {};
        }
    }
}

} // namespace

util::Result<FileSummary> Inspect(const std::filesystem::path& path, bool thorough)
{
    auto file{OpenForReading(path)};
    if (!file) return file.GetError();
    return Inspect(std::move(*file), thorough);
}

util::Result<FileSummary> Inspect(OpenFile given, bool thorough)
{
    auto file{FileReader::FromFd(std::move(given.fd), std::move(given.name))};
    if (!file) return file.GetError();
    FileSummary summary;
    summary.path = file->Name();
    summary.file_bytes = file->Bytes().Size();
    if (!thorough) {
        const auto indexed{FromIndexes(*file, summary)};
        if (!indexed) return indexed.GetError();
        if (*indexed) return summary;
        summary = FileSummary{};
        summary.path = file->Name();
        summary.file_bytes = file->Bytes().Size();
    }
    if (auto read{FromBlocks(*file, summary)}; !read) return read.GetError();
    if (!file->Bytes().Seekable()) summary.file_bytes = file->At();
    return summary;
}

} // namespace coretap::archive
