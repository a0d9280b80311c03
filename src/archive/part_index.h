// What the End block of a part holds: totals, and where in the part which times and tracepoints are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "archive/format.h"
#include "archive/totals.h"
#include "pipeline/ledger.h"

namespace coretap::archive {

/** A run of blocks that lie one after the other. */
struct IndexEntry {
    std::uint64_t offset{0}; //!< of the first, from the part's first block
    std::uint32_t blocks{0};
    std::uint32_t number{0};              //!< of the first
    std::int64_t first_utc_ns{INT64_MAX}; //!< earliest in the run; of a run without records later than last_utc_ns
    std::int64_t last_utc_ns{INT64_MIN};
    TracepointSet tracepoints{};
};

/** Grows with the part, but not beyond some thousand entries: then neighbours become one. */
class IndexBuilder {
    std::vector<IndexEntry> m_entries;
    std::size_t m_blocks_an_entry{1};

public:
    static constexpr std::size_t MOST{16'384};
    void Add(std::uint64_t offset, const BlockHeader& header);
    const std::vector<IndexEntry>& Entries() const noexcept { return m_entries; }
};

struct PartEnd {
    bool last{false}; //!< of the recording
    Totals totals{};
    std::optional<pipeline::Ledger> ledger{}; //!< of the last part
    std::vector<IndexEntry> index{};
};

/** u32 size of the JSON | JSON | index entries of 48 bytes each. */
std::vector<std::byte> EncodeEnd(const PartEnd& end);
/** Nothing if it does not have that shape. */
std::optional<PartEnd> DecodeEnd(std::span<const std::byte> bytes);

} // namespace coretap::archive
