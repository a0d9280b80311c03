// Who brought a block, when others say they did; blocks of an earlier process; clocks that are set.
#include "unit/state/block_fixture.h"

namespace coretap::state {
namespace {

using sim::inv_type::BLOCK;
using sim::inv_type::WITNESS_BLOCK;
using testing::ElementsAre;
using testing::IsEmpty;

const PeerKind LIAR{"192.0.43.66:50000", "inbound"};

TEST(Delivery, AMutatedBlockIsNone)
{
    Script script;
    const Block block{1};
    script.At(0).In(5, "headers", block.Headers());
    script.At(1).In(66, "block", block.Whole(), LIAR).At(2).Misbehaving(66, "mutated block");
    EXPECT_FALSE(Journey(script, block).delivered_utc_ns);
    script.At(3).Out(5, "getdata", InvOf(WITNESS_BLOCK, block.hash)).At(900).In(5, "block", block.Whole());
    script.At(950).BlockConnected(block.hash, 100);
    EXPECT_EQ(Journey(script, block).delivered_peer, 5);
    EXPECT_EQ(Journey(script, block).delivered_utc_ns, AtMs(900));
    EXPECT_DOUBLE_EQ(script.Node()->block_totals.announce_to_deliver_seconds.sum, 0.9);
}

TEST(Delivery, TheMessageUnderWayDecides)
{
    Script script;
    const Block block{1};
    script.At(0).In(5, "headers", block.Headers()).Out(5, "getdata", InvOf(WITNESS_BLOCK, block.hash));
    script.At(1).In(66, "block", block.Whole(), LIAR); // and nobody says that it is wrong
    script.At(900).In(5, "block", block.Whole()).At(950).BlockConnected(block.hash, 100);
    EXPECT_EQ(Journey(script, block).delivered_peer, 5);
    EXPECT_EQ(script.Node()->block_totals.delivered_block, 1U);
}

TEST(Delivery, AskedForAgainItHasNotCome)
{
    Script script;
    const Block block{1};
    script.At(0).In(66, "block", block.Whole(), LIAR).At(3).Out(5, "getdata", InvOf(WITNESS_BLOCK, block.hash));
    EXPECT_FALSE(Journey(script, block).delivered_peer);
    script.At(4).In(66, "block", block.Whole(), LIAR).At(5).In(7, "cmpctblock", block.Compact());
    script.At(6).Out(7, "getblocktxn", block.GetTxn({1}));
    EXPECT_FALSE(Journey(script, block).delivered_peer);
}

TEST(Delivery, OutOfOrderItIsWhoBroughtIt)
{
    Script script;
    const Block first{1};
    const Block second{2, first.hash};
    for (const Block* block : {&first, &second}) script.At(0).Out(5, "getdata", InvOf(WITNESS_BLOCK, block->hash));
    script.At(10).In(5, "block", second.Whole()).At(20).In(6, "block", first.Whole());
    script.At(30).BlockConnected(first.hash, 1).At(40).BlockConnected(second.hash, 2);
    EXPECT_EQ(Journey(script, first).delivered_peer, 6);
    EXPECT_EQ(Journey(script, second).delivered_peer, 5);
    EXPECT_EQ(Journey(script, second).delivered_utc_ns, AtMs(10));
}

TEST(Delivery, ABlockTxnThatNobodyAskedForIsNone)
{
    Script script;
    const Block block{1};
    script.At(0).In(66, "cmpctblock", block.Compact(), LIAR).At(1).In(66, "blocktxn", block.Txn(), LIAR);
    EXPECT_FALSE(Journey(script, block).delivered_peer);
    script.At(3).Out(5, "getdata", InvOf(WITNESS_BLOCK, block.hash)).At(900).In(5, "block", block.Whole());
    script.At(950).BlockConnected(block.hash, 100);
    EXPECT_EQ(Journey(script, block).delivered_peer, 5);
}

TEST(Delivery, ManyCompactBlocksLeaveRoomForTheOneThatCounts)
{
    for (const bool one_peer : {true, false}) {
        Script script;
        const Block block{1};
        for (int i{0}; i < 20; ++i) script.At(i).In(one_peer ? 66 : 66 + i, "cmpctblock", block.Compact(), LIAR);
        EXPECT_EQ(Journey(script, block).compact.size(), one_peer ? 1U : BlockJourney::MAX_COMPACT);
        script.At(30).In(5, "cmpctblock", block.Compact()).At(31).Out(5, "getblocktxn", block.GetTxn({1, 2}));
        for (int i{0}; i < 20; ++i) script.At(32).In(90 + i, "cmpctblock", block.Compact(), LIAR);
        script.At(50).In(5, "blocktxn", block.Txn()).At(51).BlockConnected(block.hash, 100);
        EXPECT_EQ(Journey(script, block).delivered_peer, 5);
        EXPECT_EQ(script.Node()->block_totals.missing_transactions.sum, 2);
        EXPECT_EQ(script.Node()->block_totals.delivered_compact_partial, 1U);
    }
}

TEST(Totals, EveryConnectedBlockIsInThem)
{
    Script script;
    const Block headers{1};
    const Block unasked{2};
    const Block own{3};
    const Block download{4};
    script.At(0).In(1, "headers", headers.Headers()).In(1, "block", headers.Whole()).BlockConnected(headers.hash, 1);
    script.After(1).In(1, "block", unasked.Whole()).BlockConnected(unasked.hash, 2);
    script.After(1).Out(2, "cmpctblock", own.Compact()).BlockConnected(own.hash, 3);
    script.After(1)
        .Out(1, "getdata", InvOf(WITNESS_BLOCK, download.hash))
        .In(1, "block", download.Whole())
        .BlockConnected(download.hash, 4);
    const BlockTotals totals{script.Node()->block_totals};
    EXPECT_THAT(totals.first_announced_via, ElementsAre(0, 1, 0, 1, 0));
    EXPECT_EQ(totals.not_announced, 2U);
    EXPECT_EQ(totals.delivered_block, 3U);
    EXPECT_EQ(totals.delivered_unknown, 1U);
    EXPECT_EQ(totals.announce_to_deliver_seconds.count, 2U);
}

TEST(EarlierRun, PeersAreOthersNow)
{
    Script script;
    const Block done{1};
    const Block block{2, done.hash};
    const std::int64_t started{START_NS / 1'000'000'000};
    script.Found().At(0).In(5, "cmpctblock", done.Compact()).BlockConnected(done.hash, 9);
    script.At(5).In(5, "headers", block.Headers()).Out(5, "getdata", InvOf(WITNESS_BLOCK, block.hash)).At(10).Gone();
    script.pid = 2000;
    script.At(60'000).Found("main", started + 60);
    const BlockJourney before{Journey(script, done)};
    EXPECT_TRUE(before.earlier_run);
    EXPECT_EQ(script.Node()->blocks.size(), 1U) << "the other came to nothing";

    const PeerKind kind{"192.0.43.9:8333", "inbound"};
    script.After(10).In(5, "headers", block.Headers(), kind).In(7, "headers", block.Headers());
    script.After(10).In(8, "inv", InvOf(BLOCK, done.hash)).Out(8, "inv", InvOf(BLOCK, done.hash));
    script.Out(7, "getdata", InvOf(WITNESS_BLOCK, block.hash)).After(100).In(7, "block", block.Whole()).BlockConnected(block.hash, 10);
    const BlockJourney journey{Journey(script, block)};
    EXPECT_FALSE(journey.earlier_run);
    ASSERT_EQ(journey.announcements.size(), 2U);
    EXPECT_EQ(journey.announcements[0].peer_id, 5);
    EXPECT_EQ(journey.announcements[0].utc_ns, AtMs(60'010));
    EXPECT_DOUBLE_EQ(script.Node()->block_totals.announce_to_deliver_seconds.sum, 0.11);
    EXPECT_EQ(PeerOf(*script.Node(), 8).height, 9) << "what is known of the block still counts";
    const BlockJourney after{Journey(script, done)};
    EXPECT_EQ(after.announcements.size(), 1U);
    EXPECT_EQ(after.relayed_peers, 0U);
    EXPECT_FALSE(after.first_relay_utc_ns);
}

TEST(Clock, SetBackBetweenTwoAnnouncements)
{
    Script script;
    const Block block{1};
    script.At(0).SetClock(3'600'000).In(1, "headers", block.Headers()).SetClock(0);
    script.At(1).In(2, "inv", InvOf(BLOCK, block.hash)).At(50).In(2, "block", block.Whole()).At(60).BlockConnected(block.hash, 1);
    const BlockJourney journey{Journey(script, block)};
    ASSERT_EQ(journey.announcements.size(), 2U);
    EXPECT_EQ(journey.announcements[0].peer_id, 1);
    EXPECT_EQ(journey.announcements[1].utc_ns - journey.announcements[0].utc_ns, 1'000'000);
    EXPECT_DOUBLE_EQ(script.Node()->block_totals.announce_to_deliver_seconds.sum, 0.05);
    EXPECT_DOUBLE_EQ(script.Node()->block_totals.deliver_to_connect_seconds.sum, 0.01);
}

TEST(Clock, SetBackTheHistoryGoesOn)
{
    for (const double fast_ms : {3.6e6, 1e12}) { // an hour; thirty years
        Script script;
        for (int second{0}; second < 10; ++second) script.At(1000 * second).SetClock(fast_ms).In(1, "ping", sim::EncodeNonce(1));
        script.SetClock(0);
        for (int second{10}; second < 610; ++second) script.At(1000 * second).In(1, "ping", sim::EncodeNonce(1));
        const auto node{script.At(610'000).Node()};
        ASSERT_EQ(node->seconds.size(), NodeSnapshot::MAX_SECONDS);
        EXPECT_EQ(node->seconds.back().utc_ns, AtMs(609'000));
        EXPECT_EQ(node->seconds.back().messages[0].count, 1U);
        EXPECT_GE(node->minutes.size(), 9U);
        for (std::size_t i{1}; i < node->minutes.size(); ++i) EXPECT_LT(node->minutes[i - 1].utc_ns, node->minutes[i].utc_ns);
        EXPECT_EQ(node->minutes.back().messages[0].count, 60U);
    }
}

} // namespace
} // namespace coretap::state
