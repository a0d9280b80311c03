// Reads the Bitcoin wire's integers, sizes and byte strings from bytes nobody vouches for. Sticky: once something is
// wrong every later read gives zero or nothing, so a decoder checks once, at the end.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace coretap::wire {

using ByteView = std::span<const std::byte>;

/** What is wrong with a payload. The text of each: ToString(). */
enum class Problem : std::uint8_t {
    None,
    EndsEarly,        //!< the message ends where something must follow
    NonCanonicalSize, //!< a CompactSize that is longer than its value needs (ReadCompactSize(), src/serialize.h)
    SizeTooLarge,     //!< a CompactSize above MAX_SIZE (0x02000000, src/serialize.h)
    CountTooLarge,    //!< more elements or bytes than the rest of the message can hold
    StringTooLong,    //!< a string or byte array above the limit that its field has
    BadWitnessFlag,   //!< a transaction with an unknown optional-data flag (BIP 144)
    EmptyWitness,     //!< a transaction flagged as with witness, and none of its inputs has one
    IndexOverflow,    //!< a differentially encoded index beyond 65,535 (BIP 152)
    BadAddressSize,   //!< an address of a known network with another size than that network's (BIP 155)
    ValueOutOfRange,  //!< a field with a value that Bitcoin Core refuses when it reads the message
    TrailingBytes,    //!< bytes behind the end of a message that must not have any (BIP 434; elsewhere they are passed over)
};
std::string_view ToString(Problem problem);

/** Largest CompactSize that may count anything (src/serialize.h). */
inline constexpr std::uint64_t MAX_SIZE{0x02000000};

/**
 * A cursor over captured bytes. `missing` is how many bytes the message had behind them that were not captured: running
 * out of bytes with some missing is our doing (Cut()), without any it is theirs (Problem::EndsEarly). Counts are checked
 * against what is left, captured or not, before anybody acts on them. Copyable; never allocates.
 */
class Reader {
    const std::byte* m_begin{nullptr};
    const std::byte* m_at{nullptr};
    const std::byte* m_end{nullptr};
    std::uint64_t m_missing{0};
    Problem m_problem{Problem::None};
    bool m_cut{false};
    std::size_t m_problem_at{0};

public:
    explicit Reader(ByteView captured, std::uint64_t missing = 0)
        : m_begin{captured.data()}, m_at{captured.data()}, m_end{captured.data() + captured.size()}, m_missing{missing}
    {}

    /** Nothing was wrong so far, and nothing cut off. */
    bool Ok() const noexcept { return m_problem == Problem::None && !m_cut; }
    /** We ran out of captured bytes; the message had more. Never together with a problem. */
    bool Cut() const noexcept { return m_cut; }
    Problem GetProblem() const noexcept { return m_problem; }
    /** Offset of the field that had the problem, or of the first byte that was cut off. */
    std::size_t ProblemAt() const noexcept { return m_problem_at; }
    std::size_t Position() const noexcept { return static_cast<std::size_t>(m_at - m_begin); }
    /** Captured bytes not read yet. */
    std::size_t Left() const noexcept { return static_cast<std::size_t>(m_end - m_at); }
    /** Bytes of the message not read yet, captured or not. */
    std::uint64_t LeftInMessage() const noexcept { return Left() + m_missing; }

    /** Where the next read is from. */
    const std::byte* At() const noexcept { return m_at; }
    /** Pass over bytes that are known to be there: `size` is at most Left(). */
    void Skip(std::size_t size) noexcept { m_at += size; }
    /** The bytes from `begin`, which is behind or at the cursor, to the cursor. */
    ByteView Since(const std::byte* begin) const noexcept { return {begin, m_at}; }

    /** Give up: every later read fails. The first problem stays. `at` is the offset of the field that has it. */
    void Fail(Problem problem, std::size_t at) noexcept;
    void Fail(Problem problem) noexcept { Fail(problem, Position()); }

    /** A little-endian integer. */
    template <std::unsigned_integral U>
    U Little() noexcept
    {
        static_assert(std::endian::native == std::endian::little);
        if (Left() < sizeof(U)) [[unlikely]] {
            RunOut(sizeof(U));
            return 0;
        }
        U value;
        std::memcpy(&value, m_at, sizeof(value));
        m_at += sizeof(U);
        return value;
    }
    std::uint8_t U8() noexcept { return Little<std::uint8_t>(); }
    std::uint32_t U32() noexcept { return Little<std::uint32_t>(); }
    std::uint64_t U64() noexcept { return Little<std::uint64_t>(); }
    std::int32_t I32() noexcept { return static_cast<std::int32_t>(U32()); }
    std::int64_t I64() noexcept { return static_cast<std::int64_t>(U64()); }
    /** Big-endian, as ports are. */
    std::uint16_t U16Big() noexcept { return __builtin_bswap16(Little<std::uint16_t>()); }

    /** ReadCompactSize() of src/serialize.h: canonical, and at most MAX_SIZE unless `any_value`. */
    std::uint64_t CompactSize(bool any_value = false) noexcept
    {
        if (m_at != m_end && std::to_integer<std::uint8_t>(*m_at) < 0xfd) [[likely]]
            return std::to_integer<std::uint8_t>(*m_at++);
        return LongCompactSize(any_value);
    }
    /**
     * A CompactSize that counts elements of at least `least_bytes` each: CountTooLarge, and 0, where the rest of the message
     * cannot hold them. What follows may still be cut off by us. `claimed` becomes what was sent, whether it fits or not.
     */
    std::uint64_t Count(std::uint64_t least_bytes, std::uint64_t& claimed) noexcept
    {
        const std::size_t start{Position()};
        claimed = CompactSize();
        if (claimed * least_bytes <= LeftInMessage()) [[likely]]
            return claimed;
        Fail(Problem::CountTooLarge, start);
        return 0;
    }
    /** So many bytes; empty if they are not all there. */
    ByteView Take(std::uint64_t size) noexcept
    {
        if (Left() < size) [[unlikely]] {
            RunOut(size);
            return {};
        }
        const ByteView bytes{m_at, static_cast<std::size_t>(size)};
        m_at += size;
        return bytes;
    }
    /** A CompactSize and so many bytes; StringTooLong above `limit`. Of bytes that we cut, the captured part. */
    ByteView VarBytes(std::uint64_t limit = MAX_SIZE) noexcept;

private:
    std::uint64_t LongCompactSize(bool any_value) noexcept;
    void RunOut(std::uint64_t wanted) noexcept;
};

/** Reads at places that a Reader has been to before: nothing is checked. Each moves the pointer behind what it read. */
namespace unchecked {

template <std::unsigned_integral U>
U Little(const std::byte*& at) noexcept
{
    U value;
    std::memcpy(&value, at, sizeof(value));
    at += sizeof(value);
    return value;
}

inline ByteView Take(const std::byte*& at, std::uint64_t size) noexcept
{
    const ByteView bytes{at, static_cast<std::size_t>(size)};
    at += size;
    return bytes;
}

inline std::uint64_t CompactSize(const std::byte*& at) noexcept
{
    const auto first = Little<std::uint8_t>(at);
    if (first < 0xfd) [[likely]]
        return first;
    if (first == 0xfd) return Little<std::uint16_t>(at);
    return first == 0xfe ? Little<std::uint32_t>(at) : Little<std::uint64_t>(at);
}

} // namespace unchecked

} // namespace coretap::wire
