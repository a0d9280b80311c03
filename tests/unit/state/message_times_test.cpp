#include "unit/state/state_fixture.h"

namespace coretap::state {
namespace {

const MessageTimes::PerType& Of(const NodeSnapshot& node, std::string_view type)
{
    return node.message_times.types[event::MessageTypeId(type)];
}

TEST(MessageTimes, EndsAtTheNextMessageOnTheThread)
{
    Script script;
    script.At(0).In(1, "inv").At(3).In(2, "ping");
    const auto node{script.Node()};
    EXPECT_EQ(Of(*node, "inv").count, 1U);
    EXPECT_EQ(Of(*node, "inv").total_ns, 3'000'000);
    EXPECT_EQ(Of(*node, "inv").max_ns, 3'000'000);
    EXPECT_EQ(Of(*node, "inv").seconds.count, 1U);
    EXPECT_EQ(Of(*node, "ping").count, 0U); // under way
    EXPECT_EQ(PeerOf(*node, 1).message_time_ns, 3'000'000);
}

TEST(MessageTimes, BetweenTwoBounds)
{
    Script script;
    // a ping each 20 ms, answered after 0.03: that is all that is known of it, and the thread waited for the rest
    for (int i{0}; i <= 10; ++i) script.At(20 * i).In(1, "ping").At(20 * i + 0.03).Out(1, "pong");
    const auto node{script.Node()};
    EXPECT_EQ(Of(*node, "ping").count, 10U);
    EXPECT_EQ(Of(*node, "ping").total_ns, 200'000'000);
    EXPECT_EQ(Of(*node, "ping").total_at_least_ns, 300'000);
    EXPECT_EQ(Of(*node, "ping").at_least_seconds.count, 10U);
    EXPECT_EQ(Of(*node, "ping").at_least_seconds.counts[2], 10U); // up to 50 us
    EXPECT_EQ(PeerOf(*node, 1).message_time_at_least_ns, 300'000);
    EXPECT_EQ(PeerOf(*node, 1).message_time_ns, 200'000'000);
}

TEST(MessageTimes, EndsAtAMessageToAnotherPeer)
{
    Script script;
    script.At(0).In(1, "inv").At(1).Out(1, "getdata").At(2).Out(2, "inv").At(50).In(2, "ping");
    EXPECT_EQ(Of(*script.Node(), "inv").total_ns, 2'000'000);
}

TEST(MessageTimes, OtherThreadsDoNotMatter)
{
    Script script;
    script.At(0).In(1, "inv");
    script.tid = NET;
    script.At(1).Out(2, "ping").Connection(event::id::INBOUND_CONNECTION, 3, 1);
    script.tid = MSGHAND;
    script.At(5).In(2, "pong");
    EXPECT_EQ(Of(*script.Node(), "inv").total_ns, 5'000'000);
}

TEST(MessageTimes, AWaitIsLeftOut)
{
    Script script;
    script.At(0).In(1, "inv").At(100).In(1, "ping").At(100.2).Out(1, "pong").At(201).In(1, "tx").At(202).In(1, "tx");
    const auto node{script.Node()};
    EXPECT_EQ(Of(*node, "inv").count, 0U);
    EXPECT_EQ(Of(*node, "inv").idle, 1U);
    EXPECT_EQ(Of(*node, "inv").at_least_seconds.count, 1U); // of it nothing is known: 0 at least
    EXPECT_EQ(Of(*node, "ping").total_ns, 200'000);         // its answer is the last that is known of it
    EXPECT_EQ(Of(*node, "ping").ended_in_wait, 1U);
    EXPECT_EQ(Of(*node, "tx").total_ns, 1'000'000);
    EXPECT_EQ(Of(*node, "tx").ended_in_wait, 0U);
    EXPECT_EQ(PeerOf(*node, 1).message_time_ns, 1'200'000);
}

TEST(MessageTimes, ASlowBlockIsKept)
{
    Script script;
    script.At(0).In(1, "block").At(700).BlockConnected({1}, 7).At(701).Out(2, "inv");
    EXPECT_EQ(Of(*script.Node(), "block").total_ns, 701'000'000);
    EXPECT_EQ(Of(*script.Node(), "block").ended_in_wait, 0U);

    script.At(1000).In(1, "block").At(1600).BlockConnected({2}, 8).At(1750).In(1, "ping");
    const auto node{script.Node()};
    EXPECT_EQ(Of(*node, "block").count, 2U);
    EXPECT_EQ(Of(*node, "block").total_ns, 701'000'000 + 600'000'000);
    EXPECT_EQ(Of(*node, "block").ended_in_wait, 1U);
}

TEST(MessageTimes, CompactBlocksToOthersAreOfTheMessage)
{
    Script script;
    script.At(0).In(1, "block").At(5).Out(2, "cmpctblock").At(6).Out(3, "cmpctblock").At(90).BlockConnected({1}, 7).At(91).In(2, "ping");
    EXPECT_EQ(Of(*script.Node(), "block").total_ns, 91'000'000);
}

TEST(MessageTimes, AcrossALossNothingIsSaid)
{
    Script script;
    script.At(0).In(1, "inv").At(1).Lost("net:inbound_message", 1).At(2).In(1, "ping").At(3).In(1, "ping");
    const auto node{script.Node()};
    EXPECT_EQ(Of(*node, "inv").count + Of(*node, "inv").idle, 0U);
    EXPECT_EQ(Of(*node, "ping").count, 1U);
}

TEST(MessageTimes, MempoolEventsAreTheSendersOfTheTransaction)
{
    Script script;
    const auto added = [](event::RecordBuilder& to) { to.Bytes(std::vector<std::byte>(32)).Int(141).Int(1000); };
    const auto rejected = [](event::RecordBuilder& to) { to.Bytes(std::vector<std::byte>(32)).Str("min relay fee not met"); };
    script.At(0).In(1, "tx").At(1).Fire(event::id::MEMPOOL_ADDED, added).At(2).In(2, "tx").Fire(event::id::MEMPOOL_REJECTED, rejected);
    script.In(1, "ping").Fire(event::id::MEMPOOL_ADDED, added); // an orphan's, whose sender we do not know
    script.In(1, "tx");
    script.tid = NET; // sendrawtransaction
    script.Fire(event::id::MEMPOOL_ADDED, added);
    const auto node{script.Node()};
    EXPECT_EQ(PeerOf(*node, 1).tx_accepted, 1U);
    EXPECT_EQ(PeerOf(*node, 1).tx_rejected, 0U);
    EXPECT_EQ(PeerOf(*node, 2).tx_rejected, 1U);
    EXPECT_EQ(node->mempool.added.count, 3U);
}

} // namespace
} // namespace coretap::state
