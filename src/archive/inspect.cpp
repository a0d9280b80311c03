#include "archive/inspect.h"

#include <algorithm>

#include <fmt/format.h>
#include <sys/stat.h>

#include "archive/file_layout.h"
#include "archive/file_reader.h"
#include "archive/replay_stream.h"
#include "archive/totals.h"
#include "event/event.h"

namespace coretap::archive {
namespace {

void Take(FileSummary& summary, Totals totals)
{
    if (totals.events != 0) {
        const bool first{summary.events == 0};
        summary.first_utc_ns = first ? totals.first_utc_ns : std::min(summary.first_utc_ns, totals.first_utc_ns);
        summary.last_utc_ns = first ? totals.last_utc_ns : std::max(summary.last_utc_ns, totals.last_utc_ns);
    }
    summary.events += totals.events;
    summary.record_bytes += totals.record_bytes;
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
    if (segments->empty() || !std::ranges::all_of(*segments, [](const Segment& segment) { return segment.closed && segment.summary; })) return false;
    std::uint64_t at{0};
    Totals totals;
    for (const Segment& segment : *segments) {
        if (segment.begin != at) return false; // something between them
        at = segment.end;
        totals.Merge(segment.summary->totals);
        for (const IndexEntry& entry : segment.index) summary.blocks += entry.blocks;
        summary.blocks += 2; // End, Tail
        if (summary.sessions.empty() || summary.sessions.back().session_id != segment.info.session_id) summary.sessions.push_back(segment.info);
        if (segment.summary->ledger) summary.ledger = segment.summary->ledger;
    }
    Take(summary, std::move(totals));
    summary.ended_well = at == summary.file_bytes;
    return true;
}

/** By reading every block. */
util::Result<> FromBlocks(FileReader& file, FileSummary& summary)
{
    Counter counter;
    event::Catalogue catalogue;
    IdMap ids{};
    std::vector<event::Event> events;
    pipeline::Batch batch;
    file.Jump(0, std::nullopt);
    for (;;) {
        const auto step{file.Next()};
        if (!step) return step.GetError();
        switch (*step) {
        case FileReader::Step::Session: {
            if (summary.sessions.empty() || summary.sessions.back().session_id != file.Session().session_id) summary.sessions.push_back(file.Session());
            const auto mapped{MapIds(file.Session(), catalogue)};
            if (!mapped) return mapped.GetError();
            ids = *mapped;
            break;
        }
        case FileReader::Step::Records: {
            ++summary.blocks;
            std::swap(batch.bytes, file.Records());
            batch.utc_offset_ns = file.Header().utc_offset_ns;
            for (std::size_t at{0}; at < batch.bytes.size();) {
                ct_record head;
                std::memcpy(&head, batch.bytes.data() + at, sizeof(head));
                head.tracepoint = head.tracepoint < ids.size() ? ids[head.tracepoint] : NOT_KNOWN;
                std::memcpy(batch.bytes.data() + at, &head, sizeof(head));
                at += (std::size_t{head.size} + 7) / 8 * 8;
            }
            const std::size_t malformed{pipeline::ParseBatch(batch, catalogue, events)};
            for (const event::Event& event : events) counter.Add(event);
            if (malformed != 0) summary.damage.push_back({file.BlockAt(), file.Header().BlockSize(), 0, malformed, "records that make no sense, in a block that is sound"});
            break;
        }
        case FileReader::Step::Nodes: ++summary.blocks; break;
        case FileReader::Step::PartEnd:
            ++summary.blocks;
            if (file.PartEndInfo()->ledger) summary.ledger = file.PartEndInfo()->ledger;
            break;
        case FileReader::Step::Damage: summary.damage.push_back(file.LastDamage()); break;
        case FileReader::Step::End:
            if (file.TornBytes() != 0)
                summary.damage.push_back({file.At(), file.TornBytes(), 0, 0, "the file ends within a block"});
            summary.ended_well = file.ClosedWell();
            Take(summary, counter.Sum());
            return {};
        }
    }
}

} // namespace

util::Result<FileSummary> Inspect(const std::filesystem::path& path, bool thorough)
{
    auto file{FileReader::Open(path)};
    if (!file) return file.GetError();
    FileSummary summary;
    summary.path = file->Name();
    summary.file_bytes = file->Bytes().Size();
    if (!thorough) {
        const auto indexed{FromIndexes(*file, summary)};
        if (!indexed) return indexed.GetError();
        if (*indexed) return summary;
        summary = FileSummary{.path = file->Name(), .file_bytes = file->Bytes().Size()};
    }
    if (auto read{FromBlocks(*file, summary)}; !read) return read.GetError();
    if (!file->Bytes().Seekable()) summary.file_bytes = file->At();
    return summary;
}

} // namespace coretap::archive
