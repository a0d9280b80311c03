#include "unit/state/block_fixture.h"

namespace coretap::state {
namespace {

using sim::inv_type::BLOCK;
using sim::inv_type::CMPCT_BLOCK;
using sim::inv_type::WITNESS_BLOCK;
using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::tuple<std::int64_t, BlockVia, std::int64_t>> Announcements(const BlockJourney& journey)
{
    std::vector<std::tuple<std::int64_t, BlockVia, std::int64_t>> list;
    for (const auto& [peer, via, utc] : journey.announcements) list.emplace_back(peer, via, utc);
    return list;
}

TEST(Journeys, HighBandwidthAndComplete)
{
    Script script;
    const Block block{1};
    script.At(0).In(1, "cmpctblock", block.Compact()).At(3).Out(3, "cmpctblock", block.Compact());
    script.At(40).BlockConnected(block.hash, 912'345, 35).At(41).In(2, "cmpctblock", block.Compact());
    script.At(50).Out(4, "headers", block.Headers()).At(60).Out(4, "block", block.Whole());

    const auto node{script.Node()};
    ASSERT_EQ(node->blocks.size(), 1U);
    const BlockJourney& journey{node->blocks[0]};
    EXPECT_EQ(journey.height, 912'345);
    EXPECT_THAT(Announcements(journey),
                ElementsAre(std::tuple{1, BlockVia::CmpctBlock, AtMs(0)}, std::tuple{2, BlockVia::CmpctBlock, AtMs(41)}));
    EXPECT_EQ(journey.announcements_total, 2U);
    EXPECT_THAT(journey.requests, IsEmpty());
    ASSERT_EQ(journey.compact.size(), 2U);
    EXPECT_EQ(journey.compact[0].bytes, block.Compact().size());
    EXPECT_EQ(journey.compact[0].short_ids, 4U);
    EXPECT_EQ(journey.compact[0].prefilled, 1U);
    EXPECT_EQ(journey.compact[0].requested, 0U);
    EXPECT_FALSE(journey.compact[1].requested);
    EXPECT_EQ(journey.delivered_peer, 1);
    EXPECT_EQ(journey.delivered_via, BlockVia::CmpctBlock);
    EXPECT_EQ(journey.delivered_utc_ns, AtMs(0));
    EXPECT_EQ(journey.delivered_bytes, block.Compact().size());
    EXPECT_EQ(journey.connected_utc_ns, AtMs(40));
    EXPECT_EQ(journey.connect_ns, 35'000'000);
    EXPECT_EQ(journey.transactions, 2113U);
    EXPECT_EQ(journey.inputs, 5321);
    EXPECT_EQ(journey.sigops, 8500);
    EXPECT_EQ(journey.first_relay_utc_ns, AtMs(3));
    EXPECT_EQ(journey.relayed_peers, 2U);
    EXPECT_FALSE(journey.gap);

    const BlockTotals& totals{node->block_totals};
    EXPECT_EQ(totals.delivered_compact_full, 1U);
    EXPECT_EQ(totals.first_announced_via[2], 1U);
    EXPECT_EQ(totals.announce_to_deliver_seconds.sum, 0);
    EXPECT_DOUBLE_EQ(totals.deliver_to_connect_seconds.sum, 0.040);
    EXPECT_DOUBLE_EQ(totals.announce_to_relay_seconds.sum, 0.003);
    EXPECT_EQ(totals.missing_transactions.counts[0], 1U);
    EXPECT_EQ(node->chain.height, 912'345);
    EXPECT_EQ(node->chain.tip, Wire(block.hash));
    EXPECT_EQ(PeerOf(*node, 1).height, 912'345);
}

TEST(Journeys, CompactWithMissingTransactions)
{
    Script script;
    const Block block{1};
    script.At(0).In(2, "headers", block.Headers()).At(1).Out(2, "getdata", InvOf(CMPCT_BLOCK, block.hash));
    script.At(20).In(2, "cmpctblock", block.Compact()).At(21).Out(2, "getblocktxn", block.GetTxn({1, 3}));
    script.At(45).In(2, "blocktxn", block.Txn()).At(90).BlockConnected(block.hash, 5);

    const BlockJourney journey{Journey(script, block)};
    EXPECT_THAT(Announcements(journey), ElementsAre(std::tuple{2, BlockVia::Headers, AtMs(0)})); // its cmpctblock was asked for
    ASSERT_EQ(journey.requests.size(), 1U);
    EXPECT_EQ(journey.requests[0].via, BlockVia::CmpctBlock);
    ASSERT_EQ(journey.compact.size(), 1U);
    EXPECT_EQ(journey.compact[0].requested, 2U);
    EXPECT_EQ(journey.compact[0].received_bytes, block.Txn().size());
    EXPECT_EQ(journey.compact[0].blocktxn_utc_ns, AtMs(45));
    EXPECT_EQ(journey.delivered_utc_ns, AtMs(45));
    EXPECT_EQ(journey.delivered_bytes, block.Compact().size() + block.Txn().size());
    const auto totals{script.Node()->block_totals};
    EXPECT_EQ(totals.delivered_compact_partial, 1U);
    EXPECT_EQ(totals.missing_transactions.sum, 2);
    EXPECT_DOUBLE_EQ(totals.announce_to_deliver_seconds.sum, 0.045);
}

TEST(Journeys, ReconstructionFailsAndTheWholeBlockIsFetched)
{
    Script script;
    const Block block{1};
    script.At(0).In(1, "cmpctblock", block.Compact()).At(1).Out(1, "getblocktxn", block.GetTxn({2}));
    script.At(20).In(1, "blocktxn", block.Txn()).At(21).Out(1, "getdata", InvOf(WITNESS_BLOCK, block.hash));
    EXPECT_FALSE(Journey(script, block).delivered_utc_ns);
    script.At(50).In(1, "block", block.Whole()).At(99).BlockConnected(block.hash, 5);

    const BlockJourney journey{Journey(script, block)};
    ASSERT_EQ(journey.compact.size(), 1U);
    EXPECT_TRUE(journey.compact[0].failed);
    ASSERT_EQ(journey.requests.size(), 1U);
    EXPECT_EQ(journey.requests[0].via, BlockVia::Block);
    EXPECT_EQ(journey.delivered_via, BlockVia::Block);
    EXPECT_EQ(journey.delivered_utc_ns, AtMs(50));
    EXPECT_EQ(journey.delivered_bytes, block.Whole().size());
    EXPECT_EQ(script.Node()->block_totals.delivered_block, 1U);
    EXPECT_EQ(script.Node()->block_totals.delivered_compact_partial, 0U);
}

TEST(Journeys, TheSecondCompactBlockCompletesIt)
{
    Script script;
    const Block block{1};
    script.At(0).In(1, "cmpctblock", block.Compact()).At(1).Out(1, "getblocktxn", block.GetTxn({2}));
    script.At(10).In(2, "cmpctblock", block.Compact()).At(30).BlockConnected(block.hash, 5).At(40).In(1, "blocktxn", block.Txn());
    const BlockJourney journey{Journey(script, block)};
    EXPECT_EQ(journey.delivered_peer, 2);
    EXPECT_EQ(journey.delivered_utc_ns, AtMs(10));
    EXPECT_EQ(journey.compact[1].requested, 0U);
    EXPECT_EQ(journey.compact[0].received_bytes, block.Txn().size());
}

TEST(Journeys, AnnouncedByTwoAndFetchedFromOne)
{
    Script script;
    const Block block{1};
    script.At(0).In(1, "inv", InvOf(BLOCK, block.hash)).At(1).Out(1, "getheaders", sim::EncodeLocator(70016, {}));
    script.At(5).In(2, "inv", InvOf(BLOCK, block.hash)).At(6).In(1, "headers", block.Headers());
    script.At(7)
        .Out(1, "getdata", InvOf(WITNESS_BLOCK, block.hash))
        .At(30)
        .In(1, "block", block.Whole())
        .At(50)
        .BlockConnected(block.hash, 5);
    const BlockJourney journey{Journey(script, block)};
    EXPECT_THAT(Announcements(journey), ElementsAre(std::tuple{1, BlockVia::Inv, AtMs(0)}, std::tuple{2, BlockVia::Inv, AtMs(5)},
                                                    std::tuple{1, BlockVia::Headers, AtMs(6)}));
    EXPECT_EQ(journey.delivered_peer, 1);
    EXPECT_EQ(script.Node()->block_totals.first_announced_via[0], 1U);
}

TEST(Journeys, UnrequestedBlock)
{
    Script script;
    const Block block{1};
    script.At(0).In(1, "block", block.Whole()).At(9).BlockConnected(block.hash, 5);
    const BlockJourney journey{Journey(script, block)};
    EXPECT_THAT(Announcements(journey), ElementsAre(std::tuple{1, BlockVia::Block, AtMs(0)}));
    EXPECT_EQ(journey.delivered_via, BlockVia::Block);
}

TEST(Journeys, OurOwnBlock)
{
    Script script;
    const Block block{1};
    script.At(0).Out(1, "cmpctblock", block.Compact()).At(5).BlockConnected(block.hash, 5).At(6).Out(2, "inv", InvOf(BLOCK, block.hash));
    const BlockJourney journey{Journey(script, block)};
    EXPECT_THAT(journey.announcements, IsEmpty());
    EXPECT_FALSE(journey.delivered_peer);
    EXPECT_EQ(journey.first_relay_utc_ns, AtMs(0));
    EXPECT_EQ(journey.relayed_peers, 2U);
    EXPECT_EQ(script.Node()->block_totals.announce_to_relay_seconds.count, 0U);
}

TEST(Journeys, WhatPeersAskForIsNoRelay)
{
    Script script;
    const Block block{1};
    script.At(0).BlockConnected(block.hash, 5);
    script.In(1, "getheaders", sim::EncodeLocator(70016, {})).Out(1, "headers", block.Headers());
    EXPECT_EQ(Journey(script, block).relayed_peers, 0U);
    const Block old{2};
    script.In(1, "getdata", InvOf(CMPCT_BLOCK, old.hash)).Out(1, "cmpctblock", old.Compact()).Out(1, "block", old.Whole());
    EXPECT_EQ(script.Node()->blocks.size(), 1U);
}

TEST(Journeys, Reorganisation)
{
    Script script;
    const Block fork{1};
    const Block stale{2, fork.hash};
    const Block side{3, fork.hash};
    const Block next{4, side.hash};
    script.At(0).BlockConnected(fork.hash, 10);
    script.At(10).In(1, "cmpctblock", stale.Compact()).At(11).BlockConnected(stale.hash, 11);
    script.At(20).In(2, "cmpctblock", side.Compact()); // less work: it waits
    EXPECT_EQ(Journey(script, side).height, 11);       // behind what is known
    EXPECT_FALSE(Journey(script, side).connected_utc_ns);
    script.At(30).In(2, "cmpctblock", next.Compact()).At(31).BlockConnected(side.hash, 11).At(32).BlockConnected(next.hash, 12);
    EXPECT_EQ(Journey(script, stale).connected_utc_ns, AtMs(11));
    const BlockJourney of_side{Journey(script, side)};
    EXPECT_EQ(of_side.delivered_utc_ns, AtMs(20));
    EXPECT_EQ(of_side.connected_utc_ns, AtMs(31));
    EXPECT_EQ(Journey(script, next).delivered_utc_ns, AtMs(30));
    EXPECT_EQ(script.Node()->chain.height, 12);
    EXPECT_EQ(script.Node()->block_totals.delivered_compact_full, 3U);
    // and back again: its way is told once
    script.At(99).BlockConnected(stale.hash, 11);
    EXPECT_EQ(Journey(script, stale).connected_utc_ns, AtMs(11));
    EXPECT_EQ(script.Node()->block_totals.delivered_compact_full, 3U);
    EXPECT_EQ(script.Node()->chain.blocks, 5U);
}

TEST(Journeys, HeaderSyncBeginsNone)
{
    Script script;
    std::vector<sim::BlockHeader> chain{HeaderBehind({}, 0)};
    while (chain.size() < 2000) chain.push_back(HeaderBehind(sim::HashOf(chain.back()), 0));
    script.At(0).Out(1, "getheaders", sim::EncodeLocator(70016, {})).At(10).In(1, "headers", sim::EncodeHeaders(chain));
    EXPECT_THAT(script.Node()->blocks, IsEmpty());
    // one that is asked for was announced by them
    const auto last{sim::HashOf(chain.back())};
    script.At(11).Out(1, "getdata", InvOf(WITNESS_BLOCK, last));
    const auto node{script.Node()};
    ASSERT_EQ(node->blocks.size(), 1U);
    EXPECT_EQ(node->blocks[0].first_utc_ns, AtMs(10));
    EXPECT_THAT(Announcements(node->blocks[0]), ElementsAre(std::tuple{1, BlockVia::Headers, AtMs(10)}));
}

TEST(Journeys, InitialDownloadIsBounded)
{
    Script script;
    for (std::uint32_t i{0}; i < 1000; ++i) {
        const Block block{i};
        script.After(1).Out(1, "getdata", InvOf(WITNESS_BLOCK, block.hash)).In(1, "block", block.Whole()).BlockConnected(block.hash, i);
    }
    const auto node{script.Node()};
    EXPECT_EQ(node->blocks.size(), NodeSnapshot::MAX_BLOCKS);
    EXPECT_EQ(node->blocks.front().height, 999);
    EXPECT_EQ(node->blocks.back().height, 1000 - static_cast<std::int32_t>(NodeSnapshot::MAX_BLOCKS));
}

TEST(Journeys, MadeUpBlocksDoNotPushOutRealOnes)
{
    Script script;
    std::vector<Block> real;
    for (std::uint32_t i{0}; i < 70; ++i) {
        real.emplace_back(i);
        script.After(1).In(1, "cmpctblock", real.back().Compact()).BlockConnected(real.back().hash, i);
    }
    sim::Rng rng{1};
    for (int i{0}; i < 2000; ++i) script.After(1).In(66, "inv", InvOf(BLOCK, rng.Hash()));
    const auto node{script.Node()};
    EXPECT_EQ(node->blocks.size(), NodeSnapshot::MAX_BLOCKS);
    EXPECT_EQ(std::ranges::count_if(node->blocks, [](const BlockJourney& journey) { return journey.connected_utc_ns.has_value(); }), 70);
}

TEST(Journeys, LossesMarkWhatIsUnderWay)
{
    Script script;
    const Block done{1};
    const Block under_way{2};
    script.At(0).In(1, "cmpctblock", done.Compact()).BlockConnected(done.hash, 1).At(20'000).In(1, "cmpctblock", under_way.Compact());
    script.Lost("mempool:removed", 5);
    EXPECT_FALSE(Journey(script, under_way).gap);
    script.Lost("net:outbound_message", 1);
    EXPECT_TRUE(Journey(script, under_way).gap);
    EXPECT_FALSE(Journey(script, done).gap);
}

TEST(Journeys, AnnouncementsAreBoundedAndCounted)
{
    Script script;
    const Block block{1};
    for (std::int64_t peer{0}; peer < 200; ++peer) script.In(peer, "headers", block.Headers()).In(peer, "headers", block.Headers());
    const BlockJourney journey{Journey(script, block)};
    EXPECT_EQ(journey.announcements.size(), BlockJourney::MAX_ANNOUNCEMENTS);
    EXPECT_GE(journey.announcements_total, 200U);
}

} // namespace
} // namespace coretap::state
