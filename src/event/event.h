// An event: a view over one canonical record (abi/coretap_abi.h). Nothing is copied; the bytes must outlive it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "abi/coretap_abi.h"
#include "event/catalogue.h"
#include "util/result.h"

namespace coretap::event {

/** What happened, when, in which process, with which arguments. Valid while its record's bytes are. */
class Event {
    const TracepointDef* m_def{nullptr};
    const std::byte* m_record{nullptr};
    std::int64_t m_utc_offset_ns{0};
    std::uint32_t m_origin{0};
    std::array<std::uint32_t, CT_MAX_ARGS> m_blobs{}; //!< where in the record the bytes of an argument begin

    template <class T>
    T At(std::size_t offset) const noexcept
    {
        T value;
        std::memcpy(&value, m_record + offset, sizeof(value));
        return value;
    }
    std::uint64_t Slot(std::size_t arg) const noexcept { return At<std::uint64_t>(sizeof(ct_record) + arg * sizeof(std::uint64_t)); }

    friend util::Result<Event> ParseRecord(std::span<const std::byte>, const Catalogue&, std::int64_t, std::uint32_t);

public:
    const TracepointDef& Def() const noexcept { return *m_def; }
    std::uint16_t Id() const noexcept { return m_def->id; }
    /** Kernel time of the firing, CLOCK_MONOTONIC, ns. For durations and order. */
    std::uint64_t MonotonicNs() const noexcept { return At<std::uint64_t>(offsetof(ct_record, ts_ns)); }
    /** Kernel time of the firing as UTC, ns since 1970. */
    std::int64_t UtcNs() const noexcept { return static_cast<std::int64_t>(MonotonicNs()) + m_utc_offset_ns; }
    /** UtcNs() - MonotonicNs(). */
    std::int64_t UtcOffsetNs() const noexcept { return m_utc_offset_ns; }
    /**
     * Which stream it is of: 0 for a live trace; recordings that are replayed together are numbered, those of one
     * session alike. A process id names one process within one origin only.
     */
    std::uint32_t Origin() const noexcept { return m_origin; }
    /** The canonical record, without padding. */
    std::span<const std::byte> Record() const noexcept { return {m_record, At<std::uint32_t>(offsetof(ct_record, size))}; }
    /** Process and thread that fired, as the tracing host numbers them. */
    std::uint32_t Pid() const noexcept { return At<std::uint32_t>(offsetof(ct_record, tgid)); }
    std::uint32_t Tid() const noexcept { return At<std::uint32_t>(offsetof(ct_record, tid)); }
    /** CT_F_*. */
    std::uint8_t Flags() const noexcept { return At<std::uint8_t>(offsetof(ct_record, flags)); }
    std::size_t ArgCount() const noexcept { return m_def->args.size(); }
    /** The argument could not be read: its value is unknown. */
    bool Faulted(std::size_t arg) const noexcept { return (At<std::uint16_t>(offsetof(ct_record, fault_mask)) >> arg & 1) != 0; }
    /** The argument is longer than what was captured. */
    bool Cut(std::size_t arg) const noexcept { return (At<std::uint16_t>(offsetof(ct_record, cut_mask)) >> arg & 1) != 0; }
    bool AnyFault() const noexcept { return At<std::uint16_t>(offsetof(ct_record, fault_mask)) != 0; }

    /** Value of an Int argument. */
    std::int64_t Int(std::size_t arg) const noexcept { return static_cast<std::int64_t>(Slot(arg)); }
    /** Value of a Uint or Bool argument. */
    std::uint64_t Uint(std::size_t arg) const noexcept { return Slot(arg); }
    /** What was captured of a String argument. Written by peers: any bytes may be in it. */
    std::string_view Str(std::size_t arg) const noexcept { return {reinterpret_cast<const char*>(m_record + m_blobs[arg]), Slot(arg)}; }
    /** What was captured of a Hash (32 bytes, wire order; empty if faulted) or Bytes argument. */
    std::span<const std::byte> Bytes(std::size_t arg) const noexcept { return {m_record + m_blobs[arg], Slot(arg)}; }
};

/**
 * Read one canonical record. `utc_offset_ns` turns its kernel time into UTC. Fails with Malformed on anything that
 * does not have the shape the catalogue gives it; never reads beyond `bytes`.
 */
util::Result<Event> ParseRecord(std::span<const std::byte> bytes, const Catalogue& catalogue, std::int64_t utc_offset_ns,
                                std::uint32_t origin = 0);

/** Whether the event is a P2P message (net:inbound_message, net:outbound_message). */
inline bool IsMessage(const Event& event) noexcept { return event.Def().handler == Handler::Message; }
/** Whether a P2P message comes from the peer. */
inline bool IsInbound(const Event& event) noexcept { return event.Id() == id::INBOUND_MESSAGE; }

/**
 * Writes canonical records: what the reader makes of the ring's shorter ones, coretap's own events, and tests.
 * Arguments in order, then Finish().
 */
class RecordBuilder {
    std::vector<std::byte>& m_out;
    std::size_t m_start;
    std::size_t m_blob;
    std::size_t m_next{0};

public:
    /** Appends to `out`, a buffer that may hold other records already (records begin at multiples of 8). */
    RecordBuilder(std::vector<std::byte>& out, std::uint16_t tracepoint, std::size_t nargs, std::uint64_t ts_ns, std::uint32_t pid,
                  std::uint32_t tid);
    RecordBuilder& Int(std::int64_t value) { return Uint(static_cast<std::uint64_t>(value)); }
    RecordBuilder& Uint(std::uint64_t value);
    RecordBuilder& Bytes(std::span<const std::byte> bytes);
    RecordBuilder& Str(std::string_view text) { return Bytes(std::as_bytes(std::span{text.data(), text.size()})); }
    /** Set masks and flags, and the size; pads `out` to a multiple of 8. Returns the record's bytes, without padding. */
    std::span<const std::byte> Finish(std::uint16_t fault_mask = 0, std::uint16_t cut_mask = 0, std::uint8_t flags = 0);

private:
    ct_record& Head() { return *reinterpret_cast<ct_record*>(m_out.data() + m_start); }
};

} // namespace coretap::event
