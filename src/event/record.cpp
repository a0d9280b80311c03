#include "event/event.h"

#include <cstring>

#include <fmt/format.h>

namespace coretap::event {

util::Result<Event> ParseRecord(std::span<const std::byte> bytes, const Catalogue& catalogue, std::int64_t utc_offset_ns,
                                std::uint32_t origin)
{
    const auto malformed = [](std::string what) { return util::Error{util::Errc::Malformed, std::move(what)}; };
    if (bytes.size() < sizeof(ct_record)) return malformed(fmt::format("record of {} bytes is shorter than its header", bytes.size()));
    ct_record head;
    std::memcpy(&head, bytes.data(), sizeof(head));
    if (head.size > bytes.size() || head.size < sizeof(ct_record))
        return malformed(fmt::format("record claims {} bytes, {} are there", head.size, bytes.size()));
    Event event;
    event.m_def = catalogue.Find(head.tracepoint);
    event.m_record = bytes.data();
    event.m_utc_offset_ns = utc_offset_ns;
    event.m_origin = origin;
    if (event.m_def == nullptr) return malformed(fmt::format("record of unknown tracepoint {}", head.tracepoint));
    const std::vector<ArgDef>& args{event.m_def->args};
    if (head.nargs != args.size() || head.nargs > CT_MAX_ARGS)
        return malformed(fmt::format("{} with {} arguments instead of {}", event.m_def->FullName(), head.nargs, args.size()));
    std::size_t at{sizeof(ct_record) + head.nargs * sizeof(std::uint64_t)};
    if (at > head.size) return malformed(fmt::format("{} is cut in its arguments", event.m_def->FullName()));
    for (std::size_t i{0}; i < args.size(); ++i) {
        if (args[i].type != ArgType::String && args[i].type != ArgType::Hash && args[i].type != ArgType::Bytes) continue;
        const std::uint64_t size{event.Slot(i)};
        if (size > head.size - at)
            return malformed(
                fmt::format("{}: argument {} claims {} bytes, {} are left", event.m_def->FullName(), args[i].name, size, head.size - at));
        if (args[i].type == ArgType::Hash && size != 32 && size != 0)
            return malformed(fmt::format("{}: argument {} is a hash of {} bytes", event.m_def->FullName(), args[i].name, size));
        event.m_blobs[i] = static_cast<std::uint32_t>(at);
        at += size;
    }
    return event;
}

RecordBuilder::RecordBuilder(std::vector<std::byte>& out, std::uint16_t tracepoint, std::size_t nargs, std::uint64_t ts_ns,
                             std::uint32_t pid, std::uint32_t tid)
    : m_out{out}, m_start{out.size()}, m_blob{out.size() + sizeof(ct_record) + nargs * sizeof(std::uint64_t)}
{
    m_out.resize(m_blob);
    Head() = ct_record{.ts_ns = ts_ns,
                       .size = 0,
                       .tracepoint = tracepoint,
                       .nargs = static_cast<std::uint8_t>(nargs),
                       .flags = 0,
                       .tgid = pid,
                       .tid = tid,
                       .fault_mask = 0,
                       .cut_mask = 0,
                       .reserved = 0};
}

RecordBuilder& RecordBuilder::Uint(std::uint64_t value)
{
    std::memcpy(m_out.data() + m_start + sizeof(ct_record) + m_next * sizeof(value), &value, sizeof(value));
    ++m_next;
    return *this;
}

RecordBuilder& RecordBuilder::Bytes(std::span<const std::byte> bytes)
{
    Uint(bytes.size());
    m_out.insert(m_out.end(), bytes.begin(), bytes.end());
    return *this;
}

std::span<const std::byte> RecordBuilder::Finish(std::uint16_t fault_mask, std::uint16_t cut_mask, std::uint8_t flags)
{
    const std::size_t size{m_out.size() - m_start};
    m_out.resize((m_out.size() + 7) / 8 * 8);
    Head().size = static_cast<std::uint32_t>(size);
    Head().fault_mask = fault_mask;
    Head().cut_mask = cut_mask;
    Head().flags = flags;
    return {m_out.data() + m_start, size};
}

} // namespace coretap::event
