#include "archive/file_layout.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace coretap::archive {
namespace {

/** The part whose Tail ends at `end`; nothing if there is none, or anything about it is odd. */
util::Result<std::optional<Segment>> SegmentBefore(FileReader& file, std::uint64_t end)
{
    const std::optional<Segment> none;
    if (end < 3 * HEADER_SIZE) return none;
    file.Jump(end - HEADER_SIZE, std::nullopt);
    const auto tail{file.PeekHeader()};
    if (!tail) return tail.GetError();
    if (!*tail || (*tail)->version > FORMAT_VERSION || (*tail)->type != BlockType::Tail || (*tail)->first_ns > end - HEADER_SIZE)
        return none;
    const std::uint64_t index_at{end - HEADER_SIZE - (*tail)->first_ns};

    file.Jump(index_at, std::nullopt);
    const auto header{file.PeekHeader()};
    if (!header) return header.GetError();
    if (!*header || (*header)->type != BlockType::End || (*header)->session != (*tail)->session || (*header)->first_ns > index_at)
        return none;
    Segment segment;
    segment.begin = index_at - (*header)->first_ns;
    segment.end = end;

    file.Jump(segment.begin, std::nullopt);
    const auto first{file.PeekHeader()};
    if (!first) return first.GetError();
    if (!*first || (*first)->type != BlockType::Session || (*first)->session != (*header)->session) return none;
    segment.tag = (*first)->session;
    segment.first_number = (*first)->number;
    // One of the two session blocks, then the index; damage of any of it means the long way.
    auto step{file.Next()};
    if (!step) return step.GetError();
    while (*step != FileReader::Step::End && file.At() <= segment.begin + 2 * (*first)->BlockSize() && *step == FileReader::Step::Damage) {
        step = file.Next();
        if (!step) return step.GetError();
    }
    if (file.Tag() != segment.tag || file.Session().part != (*first)->part) return none;
    segment.info = file.Session();
    file.Jump(index_at, std::nullopt);
    step = file.Next();
    if (!step) return step.GetError();
    if (*step != FileReader::Step::PartEnd || file.BlockAt() != index_at) return none;
    segment.closed = true;
    segment.last = file.PartEndInfo()->last;
    segment.summary = file.PartEndInfo();
    segment.index = std::exchange(segment.summary->index, {});
    // The checksum says that it was written so; nobody says that it is true.
    std::uint64_t at{0};
    for (const IndexEntry& entry : segment.index) {
        if (entry.offset < at || entry.offset >= segment.end - segment.begin) return none;
        at = entry.offset;
    }
    return std::optional{std::move(segment)};
}

/** The same by looking at every header from `begin` on. */
util::Result<std::vector<Segment>> Walk(FileReader& file, std::uint64_t begin, std::uint64_t end)
{
    std::vector<Segment> segments;
    IndexBuilder builder;
    std::optional<BlockHeader> known;
    const auto finish = [&](std::uint64_t at) {
        if (segments.empty()) return;
        segments.back().end = at;
        segments.back().index = builder.Entries();
        builder = IndexBuilder{};
    };
    for (std::uint64_t at{begin}; at < end;) {
        file.Jump(at, std::nullopt);
        const auto header{file.PeekHeader()};
        if (!header) return header.GetError();
        if (!*header || (*header)->version > FORMAT_VERSION || at + (*header)->BlockSize() > end) {
            const auto step{file.Next()}; // over the damage
            if (!step) return step.GetError();
            if (*step == FileReader::Step::End) break;
            at = file.At();
            continue;
        }
        const bool another{!known || known->session != (*header)->session || known->part != (*header)->part ||
                           (*header)->number < known->number};
        if (another) {
            finish(at);
            Segment& segment{segments.emplace_back()};
            segment.tag = (*header)->session;
            segment.first_number = (*header)->number;
            segment.begin = at;
            // What it says about itself, from the first session block that is sound.
            auto step{file.Next()};
            if (!step) return step.GetError();
            if (*step == FileReader::Step::Damage && (*header)->type == BlockType::Session) step = file.Next();
            if (!step) return step.GetError();
            const bool read{file.Tag() == segment.tag && file.Session().part == (*header)->part};
            if (read) segment.info = file.Session();
            if (!read) {
                segment.info.session_id = IdOfTag(segment.tag);
                segment.info.part = (*header)->part;
            }
        }
        known = **header;
        builder.Add(at - segments.back().begin, **header);
        segments.back().closed = (*header)->type == BlockType::Tail;
        if ((*header)->type == BlockType::End) {
            file.Jump(at, std::nullopt);
            const auto step{file.Next()};
            if (!step) return step.GetError();
            if (*step == FileReader::Step::PartEnd) segments.back().last = file.PartEndInfo()->last;
        }
        at += (*header)->BlockSize();
    }
    finish(end);
    return segments;
}

} // namespace

util::Result<std::vector<Segment>> Segments(FileReader& file)
{
    std::vector<Segment> from_the_end;
    std::uint64_t end{file.Bytes().Size()};
    while (end != 0) {
        auto segment{SegmentBefore(file, end)};
        if (!segment) return segment.GetError();
        if (!*segment) break;
        end = (*segment)->begin;
        from_the_end.push_back(std::move(**segment));
    }
    auto segments{Walk(file, 0, end)};
    if (!segments) return segments.GetError();
    std::move(from_the_end.rbegin(), from_the_end.rend(), std::back_inserter(*segments));
    if (segments->empty()) return segments;
    segments->front().at_file_begin = true;
    segments->back().at_file_end = true;
    return segments;
}

} // namespace coretap::archive
