// The blocks a recording is made of (docs/archive.md has every byte): headers to and from bytes, checksums, limits.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace coretap::archive {

inline constexpr std::uint16_t FORMAT_VERSION{1};
inline constexpr std::size_t HEADER_SIZE{96};
/** Begins every block; what resynchronises looks for it. As PNG's: damage by text conversion shows. */
inline constexpr std::array<unsigned char, 8> MAGIC{0x89, 'C', 'T', 'A', 'P', 0x0d, 0x0a, 0x1a};
/** No block is larger, before or after compression: what is read from a file is allocated up to here. */
inline constexpr std::size_t MAX_BLOCK_BYTES{64U << 20};

enum class BlockType : std::uint8_t {
    Session = 1, //!< JSON: what the recording says about itself
    Records = 2, //!< canonical records
    Nodes = 3,   //!< coretap:node_found of the nodes known when a part began; records of earlier parts again
    End = 4,     //!< totals and index of a part
    Tail = 5,    //!< nothing but a header: says where End is, from the end of the file
};

enum class Encoding : std::uint8_t {
    Stored = 0,
    Zstd = 1, //!< one frame
};

/** Which tracepoint ids there are in a block: bit id % 64 of word id / 64. */
using TracepointSet = std::array<std::uint64_t, 2>;
inline void Add(TracepointSet& set, std::uint16_t id) noexcept
{
    if (id < 128) set[id / 64] |= std::uint64_t{1} << (id % 64);
}
inline bool Has(const TracepointSet& set, std::uint16_t id) noexcept { return id < 128 && (set[id / 64] >> (id % 64) & 1) != 0; }

struct BlockHeader {
    std::uint16_t version{FORMAT_VERSION};
    BlockType type{BlockType::Records};
    Encoding encoding{Encoding::Stored};
    std::uint32_t number{0};  //!< in the session, running on over its parts; a gap is a hole
    std::uint64_t session{0}; //!< SessionTag() of the session's id
    std::uint32_t stored_size{0};
    std::uint32_t raw_size{0};
    std::uint32_t records{0};
    std::uint32_t part{1};
    std::uint64_t first_ns{0}; //!< earliest kernel time in it. End: bytes back to the part's first block; Tail: back to End
    std::uint64_t last_ns{0};  //!< latest
    std::int64_t utc_offset_ns{0};
    TracepointSet tracepoints{};
    std::uint64_t stored_checksum{0};

    std::int64_t FirstUtcNs() const noexcept { return static_cast<std::int64_t>(first_ns + static_cast<std::uint64_t>(utc_offset_ns)); }
    std::int64_t LastUtcNs() const noexcept { return static_cast<std::int64_t>(last_ns + static_cast<std::uint64_t>(utc_offset_ns)); }
    std::uint64_t BlockSize() const noexcept { return HEADER_SIZE + stored_size; }
    bool HasRecords() const noexcept { return type == BlockType::Records || type == BlockType::Nodes; }
};

/** XXH3, 64 bits. */
std::uint64_t Checksum(std::span<const std::byte> bytes) noexcept;

std::array<std::byte, HEADER_SIZE> EncodeHeader(const BlockHeader& header) noexcept;
/**
 * The header in the first HEADER_SIZE bytes, if its checksum is right and its sizes are within bounds. One of a newer
 * version is given as it is: magic, version and checksum keep their places for ever, the rest need not.
 */
std::optional<BlockHeader> DecodeHeader(std::span<const std::byte> bytes) noexcept;

/** The session's id as headers have it: its first 16 hex digits. */
std::uint64_t SessionTag(std::string_view session_id) noexcept;
/** A session id for records whose session block is lost. */
std::string IdOfTag(std::uint64_t tag);

/** Undo the encoding into `raw` (replaced). False if the bytes do not have the shape the header gives them. */
bool Decode(const BlockHeader& header, std::span<const std::byte> stored, std::vector<std::byte>& raw);

} // namespace coretap::archive
