#include "archive/format.h"

#include <cstring>
#include <memory>

#include <fmt/format.h>
#include <xxhash.h>
#include <zstd.h>

namespace coretap::archive {
namespace {

// Where the fields of a header are.
enum Offset : std::size_t {
    VERSION = 8,
    TYPE = 10,
    ENCODING = 11,
    NUMBER = 12,
    SESSION = 16,
    STORED_SIZE = 24,
    RAW_SIZE = 28,
    RECORDS = 32,
    PART = 36,
    FIRST_NS = 40,
    LAST_NS = 48,
    UTC_OFFSET_NS = 56,
    TRACEPOINTS = 64,
    STORED_CHECKSUM = 80,
    HEADER_CHECKSUM = 88,
};

template <class T>
void Put(std::span<std::byte> bytes, std::size_t at, T value) noexcept
{
    const auto word{static_cast<std::uint64_t>(value)};
    for (std::size_t i{0}; i < sizeof(T); ++i) bytes[at + i] = static_cast<std::byte>(word >> (8 * i));
}

template <class T>
T Get(std::span<const std::byte> bytes, std::size_t at) noexcept
{
    std::uint64_t word{0};
    for (std::size_t i{0}; i < sizeof(T); ++i) word |= std::to_integer<std::uint64_t>(bytes[at + i]) << (8 * i);
    return static_cast<T>(word);
}

struct FreeContext {
    void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
};

} // namespace

std::uint64_t Checksum(std::span<const std::byte> bytes) noexcept { return XXH3_64bits(bytes.data(), bytes.size()); }

std::array<std::byte, HEADER_SIZE> EncodeHeader(const BlockHeader& header) noexcept
{
    std::array<std::byte, HEADER_SIZE> bytes{};
    std::memcpy(bytes.data(), MAGIC.data(), MAGIC.size());
    Put(bytes, VERSION, header.version);
    Put(bytes, TYPE, static_cast<std::uint8_t>(header.type));
    Put(bytes, ENCODING, static_cast<std::uint8_t>(header.encoding));
    Put(bytes, NUMBER, header.number);
    Put(bytes, SESSION, header.session);
    Put(bytes, STORED_SIZE, header.stored_size);
    Put(bytes, RAW_SIZE, header.raw_size);
    Put(bytes, RECORDS, header.records);
    Put(bytes, PART, header.part);
    Put(bytes, FIRST_NS, header.first_ns);
    Put(bytes, LAST_NS, header.last_ns);
    Put(bytes, UTC_OFFSET_NS, header.utc_offset_ns);
    Put(bytes, TRACEPOINTS, header.tracepoints[0]);
    Put(bytes, TRACEPOINTS + 8, header.tracepoints[1]);
    Put(bytes, STORED_CHECKSUM, header.stored_checksum);
    Put(bytes, HEADER_CHECKSUM, Checksum(std::span{bytes}.first(HEADER_CHECKSUM)));
    return bytes;
}

std::optional<BlockHeader> DecodeHeader(std::span<const std::byte> bytes) noexcept
{
    if (bytes.size() < HEADER_SIZE || std::memcmp(bytes.data(), MAGIC.data(), MAGIC.size()) != 0) return std::nullopt;
    if (Get<std::uint64_t>(bytes, HEADER_CHECKSUM) != Checksum(bytes.first(HEADER_CHECKSUM))) return std::nullopt;
    BlockHeader header;
    header.version = Get<std::uint16_t>(bytes, VERSION);
    const auto type{Get<std::uint8_t>(bytes, TYPE)};
    const auto encoding{Get<std::uint8_t>(bytes, ENCODING)};
    header.number = Get<std::uint32_t>(bytes, NUMBER);
    header.session = Get<std::uint64_t>(bytes, SESSION);
    header.stored_size = Get<std::uint32_t>(bytes, STORED_SIZE);
    header.raw_size = Get<std::uint32_t>(bytes, RAW_SIZE);
    header.records = Get<std::uint32_t>(bytes, RECORDS);
    header.part = Get<std::uint32_t>(bytes, PART);
    header.first_ns = Get<std::uint64_t>(bytes, FIRST_NS);
    header.last_ns = Get<std::uint64_t>(bytes, LAST_NS);
    header.utc_offset_ns = Get<std::int64_t>(bytes, UTC_OFFSET_NS);
    header.tracepoints = {Get<std::uint64_t>(bytes, TRACEPOINTS), Get<std::uint64_t>(bytes, TRACEPOINTS + 8)};
    header.stored_checksum = Get<std::uint64_t>(bytes, STORED_CHECKSUM);
    if (header.version > FORMAT_VERSION) return header;
    if (type < static_cast<std::uint8_t>(BlockType::Session) || type > static_cast<std::uint8_t>(BlockType::Tail)) return std::nullopt;
    if (encoding > static_cast<std::uint8_t>(Encoding::Zstd)) return std::nullopt;
    if (header.stored_size > MAX_BLOCK_BYTES || header.raw_size > MAX_BLOCK_BYTES) return std::nullopt;
    header.type = static_cast<BlockType>(type);
    header.encoding = static_cast<Encoding>(encoding);
    return header;
}

std::uint64_t SessionTag(std::string_view session_id) noexcept
{
    std::uint64_t tag{0};
    for (std::size_t i{0}; i < 16; ++i) {
        const char c{i < session_id.size() ? session_id[i] : '0'};
        const int digit{c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 0};
        tag = tag << 4 | static_cast<std::uint64_t>(digit);
    }
    return tag;
}

std::string IdOfTag(std::uint64_t tag) { return fmt::format("{:016x}{:016x}", tag, 0); }

bool Decode(const BlockHeader& header, std::span<const std::byte> stored, std::vector<std::byte>& raw)
{
    if (header.encoding == Encoding::Stored) {
        if (stored.size() != header.raw_size) return false;
        raw.assign(stored.begin(), stored.end());
        return true;
    }
    // The frame says itself how large it is: what does not agree is not given memory.
    if (ZSTD_getFrameContentSize(stored.data(), stored.size()) != header.raw_size) return false;
    thread_local const std::unique_ptr<ZSTD_DCtx, FreeContext> CONTEXT{ZSTD_createDCtx()};
    if (!CONTEXT) return false;
    raw.resize(header.raw_size);
    const std::size_t size{ZSTD_decompressDCtx(CONTEXT.get(), raw.data(), raw.size(), stored.data(), stored.size())};
    return ZSTD_isError(size) == 0 && size == header.raw_size;
}

} // namespace coretap::archive
