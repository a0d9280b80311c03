// The reader's end of the ring (layout: abi/coretap_abi.h). Needs descriptors only, no privileges.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "abi/coretap_abi.h"
#include "util/fd.h"
#include "util/result.h"

namespace coretap::tracer {

/** Reads ring records in the order they were reserved. One thread. */
class Ring {
    util::Mapping m_ring;
    util::Mapping m_shared_mapping;
    util::Mapping m_bell_consumer;
    util::Mapping m_bell_producer;
    util::Fd m_epoll;
    ct_shared* m_shared{nullptr};
    std::uint64_t m_elem_bytes{0};
    std::uint64_t m_size{0};

    Ring() = default;

public:
    /** Map the ring. The descriptors may be closed afterwards, but for `doorbell_fd`. */
    static util::Result<Ring> Open(int ring_fd, int shared_fd, int doorbell_fd, std::uint32_t elem_bytes, std::uint32_t ring_elems);

    ct_shared& Shared() const noexcept { return *m_shared; }
    std::uint64_t SizeBytes() const noexcept { return m_size; }
    /** Bytes produced and not yet consumed. */
    std::uint64_t FillBytes() const noexcept;

    /**
     * Hand records that were produced before the call to `on_record(kind, bytes)`, clear and release them; stop after
     * `most_bytes`, or at a record still being written. Does not chase what is produced meanwhile: the producers'
     * cache lines are theirs. Returns whether everything was handed over.
     */
    template <class OnRecord>
    bool Drain(OnRecord&& on_record, std::uint64_t most_bytes = ~std::uint64_t{0} >> 1)
    {
        const std::uint64_t until{__atomic_load_n(&m_shared->produced, __ATOMIC_ACQUIRE)};
        std::uint64_t position{m_shared->consumed};
        const std::uint64_t enough{position + most_bytes};
        std::uint64_t released{position};
        while (position != until && position < enough) {
            std::byte* at{static_cast<std::byte*>(m_ring.Data()) + position % m_size};
            const std::uint64_t word{__atomic_load_n(reinterpret_cast<std::uint64_t*>(at), __ATOMIC_ACQUIRE)};
            if (word == 0) break; // being written
            const auto kind{static_cast<std::uint32_t>(word >> 32)};
            std::uint64_t length{((word & 0xffffffffU) + 7) & ~std::uint64_t{7}};
            if (kind == CT_RING_PAD) {
                __builtin_memset(at, 0, sizeof(std::uint64_t));
                length = m_elem_bytes - position % m_elem_bytes;
            } else {
                on_record(kind, std::span<const std::byte>{at, word & 0xffffffffU});
                __builtin_memset(at, 0, length);
            }
            position += length;
            if (position - released > m_size / 16) { // give room back as we go
                __atomic_store_n(&m_shared->consumed, position, __ATOMIC_RELEASE);
                released = position;
            }
        }
        __atomic_store_n(&m_shared->consumed, position, __ATOMIC_RELEASE);
        return position == until;
    }

    /** Sleep until the ring fills past its mark, `other_fd` is readable (-1: none), or `patience` is over. */
    void Wait(std::chrono::milliseconds patience, int other_fd);
};

} // namespace coretap::tracer
