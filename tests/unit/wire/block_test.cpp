// A whole block of mainnet, shared with Bitcoin Core's benchmarks: 413567, of July 2016.
#include <cstdlib>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "sim/hash.h"
#include "unit/wire/wire_fixture.h"

namespace coretap::wire {
namespace {

std::vector<char> Block413567()
{
    const char* const shared{std::getenv("CORETAP_SHARED")};
    std::ifstream file{(shared ? std::string{shared} : CORETAP_SOURCE_DIR "/../shared") + "/data/block413567.raw", std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

sim::Hash256 SimHash(const Hash256& hash)
{
    sim::Hash256 other;
    std::memcpy(other.data(), hash.data(), hash.size());
    return other;
}

TEST(Block413567, IdsMakeTheMerkleRoot)
{
    const std::vector<char> file{Block413567()};
    if (file.empty()) GTEST_SKIP() << "no data/block413567.raw below ../shared or CORETAP_SHARED";
    const auto payload = std::as_bytes(std::span{file});
    EXPECT_EQ(Complaint(MessageType::Block, payload, payload.size()), "");
    const Decoded decoded{Decode(MessageType::Block, payload, payload.size())};
    ASSERT_EQ(decoded.status, Status::Whole);
    EXPECT_EQ(decoded.trailing, 0u);
    const auto& block = std::get<BlockMsg>(decoded.message);
    EXPECT_EQ(HashText(HashOf(block.header)), "0000000000000000025aff8be8a55df8f89c77296db6198f272d6577325d4069");
    EXPECT_EQ(block.claimed, 1557u);
    ASSERT_EQ(block.txs.size(), 1557u);
    EXPECT_FALSE(block.partial);

    std::vector<sim::Hash256> txids;
    std::size_t bytes{0};
    for (const Tx& tx : block.txs) {
        txids.push_back(SimHash(Txid(tx)));
        bytes += tx.raw.size();
    }
    EXPECT_EQ(bytes + BlockHeader::SIZE + 3, payload.size());
    sim::Hash256 root;
    std::memcpy(root.data(), block.header.merkle_root.data(), root.size());
    EXPECT_EQ(sim::MerkleRoot(txids), root);
}

TEST(Block413567, CutAnywhereHasWhatCameBefore)
{
    const std::vector<char> file{Block413567()};
    if (file.empty()) GTEST_SKIP() << "no data/block413567.raw below ../shared or CORETAP_SHARED";
    const auto payload = std::as_bytes(std::span{file});
    const Decoded whole{Decode(MessageType::Block, payload, payload.size())};
    std::vector<std::size_t> ends; // of each transaction
    for (const Tx& tx : std::get<BlockMsg>(whole.message).txs)
        ends.push_back(static_cast<std::size_t>(tx.raw.data() + tx.raw.size() - payload.data()));
    for (std::size_t captured{1}; captured < payload.size(); captured += 9'973) {
        const Decoded decoded{Decode(MessageType::Block, payload.first(captured), payload.size())};
        const auto& block = std::get<BlockMsg>(decoded.message);
        ASSERT_EQ(decoded.status, Status::Cut) << captured;
        const auto before = static_cast<std::uint64_t>(std::ranges::upper_bound(ends, captured) - ends.begin());
        EXPECT_EQ(block.txs.size(), before) << captured;
    }
}

} // namespace
} // namespace coretap::wire
