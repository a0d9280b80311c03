// Hashes and the deterministic random numbers the stand-in is made of. Transaction ids, block hashes and short
// ids are computed as Bitcoin computes them, so that whoever decodes a payload finds the ids of other events.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace coretap::sim {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;
using Hash256 = std::array<std::uint8_t, 32>;

/** SHA256 of the bytes. */
Hash256 Sha256(ByteView bytes);
/** SHA256 of the SHA256 of the bytes. */
Hash256 Sha256d(ByteView bytes);
/** SipHash-2-4 of a 32-byte value, for the short ids of compact blocks (BIP 152). */
std::uint64_t SipHash(std::uint64_t k0, std::uint64_t k1, const Hash256& value);
/** Root of the merkle tree over the leaves; all zero if there are none. */
Hash256 MerkleRoot(std::vector<Hash256> leaves);

/** splitmix64: small, fast, the same everywhere for a seed. Not thread-safe: one a thread. */
class Rng {
    std::uint64_t m_state;

public:
    explicit Rng(std::uint64_t seed) : m_state{seed} {}

    std::uint64_t Next() noexcept
    {
        std::uint64_t z{m_state += 0x9e3779b97f4a7c15ull};
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
        return z ^ (z >> 31);
    }
    /** 0 … bound-1; 0 if the bound is 0. */
    std::uint64_t Below(std::uint64_t bound) noexcept { return bound ? Next() % bound : 0; }
    /** low … high, both included. */
    std::int64_t Range(std::int64_t low, std::int64_t high) noexcept
    {
        return low + static_cast<std::int64_t>(Below(static_cast<std::uint64_t>(high - low) + 1));
    }
    /** 0.0 … below 1.0. */
    double Fraction() noexcept { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }
    bool Chance(double probability) noexcept { return Fraction() < probability; }
    double Exponential(double mean) noexcept { return -mean * std::log(1.0 - Fraction()); }
    void Fill(std::span<std::uint8_t> out) noexcept
    {
        for (std::size_t i{0}; i < out.size(); i += 8) {
            std::uint64_t word{Next()};
            for (std::size_t j{i}; j < std::min(i + 8, out.size()); ++j, word >>= 8) out[j] = static_cast<std::uint8_t>(word);
        }
    }
    Hash256 Hash() noexcept
    {
        Hash256 hash;
        Fill(hash);
        return hash;
    }
    Bytes Blob(std::size_t size)
    {
        Bytes blob(size);
        Fill(blob);
        return blob;
    }
    template <class Container>
    const auto& Pick(const Container& from) noexcept
    {
        return std::data(from)[Below(std::size(from))];
    }
};

} // namespace coretap::sim
