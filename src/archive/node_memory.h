// The nodes a recording has told of, as records: what whoever begins in its middle must be told first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace coretap::archive {

/** Remembers coretap:node_found and coretap:node_gone by the rules of pipeline::NodeNames. One thread. */
class NodeMemory {
    struct Entry {
        std::uint32_t pid{0};
        std::int64_t utc_offset_ns{0};
        std::vector<std::byte> found;
        std::vector<std::byte> gone; //!< empty: still there
        std::uint64_t gone_at_ns{0};
    };
    std::vector<Entry> m_entries;

public:
    /** Other records are passed over. */
    void Observe(std::span<const std::byte> record, std::int64_t utc_offset_ns);
    /** Whether that coretap:node_found or node_gone has been seen, up to its time. */
    bool Knows(std::span<const std::byte> record) const;
    void Clear() { m_entries.clear(); }
    bool Empty() const noexcept { return m_entries.empty(); }
    /** The records that introduce them, each at a multiple of 8, with kernel times that give the right UTC with this offset. Returns how many. */
    std::size_t Introduce(std::vector<std::byte>& out, std::int64_t utc_offset_ns) const;
};

} // namespace coretap::archive
