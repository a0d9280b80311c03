#include "sim/hash.h"

#include <algorithm>

#include <openssl/evp.h>

namespace coretap::sim {
namespace {

constexpr std::uint64_t Rotate(std::uint64_t x, int by) { return (x << by) | (x >> (64 - by)); }

} // namespace

Hash256 Sha256(ByteView bytes)
{
    // EVP_sha256() would be looked up again with every hash, which takes longer than hashing
    static const EVP_MD* const KIND{EVP_MD_fetch(nullptr, "SHA256", nullptr)};
    Hash256 hash{};
    unsigned int size{0};
    EVP_Digest(bytes.data(), bytes.size(), hash.data(), &size, KIND, nullptr);
    return hash;
}
Hash256 Sha256d(ByteView bytes) { return Sha256(Sha256(bytes)); }

std::uint64_t SipHash(std::uint64_t k0, std::uint64_t k1, const Hash256& value)
{
    std::uint64_t v0{0x736f6d6570736575ull ^ k0}, v1{0x646f72616e646f6dull ^ k1}, v2{0x6c7967656e657261ull ^ k0},
        v3{0x7465646279746573ull ^ k1};
    const auto round = [&] {
        v0 += v1;
        v1 = Rotate(v1, 13);
        v1 ^= v0;
        v0 = Rotate(v0, 32);
        v2 += v3;
        v3 = Rotate(v3, 16);
        v3 ^= v2;
        v0 += v3;
        v3 = Rotate(v3, 21);
        v3 ^= v0;
        v2 += v1;
        v1 = Rotate(v1, 17);
        v1 ^= v2;
        v2 = Rotate(v2, 32);
    };
    const auto absorb = [&](std::uint64_t word) {
        v3 ^= word;
        round();
        round();
        v0 ^= word;
    };
    for (std::size_t i{0}; i < value.size(); i += 8) {
        std::uint64_t word{0};
        for (std::size_t j{8}; j-- > 0;) word = (word << 8) | value[i + j];
        absorb(word);
    }
    absorb(std::uint64_t{32} << 56);
    v2 ^= 0xff;
    for (int i{0}; i < 4; ++i) round();
    return v0 ^ v1 ^ v2 ^ v3;
}

Hash256 MerkleRoot(std::vector<Hash256> leaves)
{
    if (leaves.empty()) return {};
    while (leaves.size() > 1) {
        if (leaves.size() % 2) leaves.push_back(leaves.back());
        for (std::size_t i{0}; i < leaves.size(); i += 2) {
            std::array<std::uint8_t, 64> pair;
            std::copy(leaves[i].begin(), leaves[i].end(), pair.begin());
            std::copy(leaves[i + 1].begin(), leaves[i + 1].end(), pair.begin() + 32);
            leaves[i / 2] = Sha256d(pair);
        }
        leaves.resize(leaves.size() / 2);
    }
    return leaves.front();
}

} // namespace coretap::sim
