// A month of strangers: memory must not grow.
#include <malloc.h>

#include "unit/state/state_fixture.h"

#include "state/labels.h"

namespace coretap::state {
namespace {

std::size_t HeapBytes() { return ::mallinfo2().uordblks; }

TEST(Bounds, AMillionPeersAndAHundredThousandUserAgents)
{
    Script script;
    script.Found();
    std::int64_t peer{0};
    const auto churn = [&](std::int64_t count) {
        for (const std::int64_t end{peer + count}; peer < end; ++peer) {
            const Script::Kind kind{"1.2." + std::to_string(peer >> 8 & 255) + "." + std::to_string(peer & 255) + ":8333", "inbound"};
            script.After(3);
            // one in ten says who it is; some that close are not seen to
            if (peer % 10 == 0) {
                const std::string agent{"/mayfly:" + std::to_string(peer) + "/"};
                script.In(peer, "version", sim::EncodeVersion(VersionOf(agent)), kind);
            } else {
                script.Connection(event::id::INBOUND_CONNECTION, peer, 1, kind);
            }
            if (peer % 100 != 0) script.Closed(peer, 1, kind);
            if (peer % 10'000 == 0) script.Take();
        }
    };
    churn(500'000);
    const std::size_t before{HeapBytes()};
    churn(500'000);
    EXPECT_LT(HeapBytes(), before + (1U << 20));
    const auto node{script.Node()};
    EXPECT_LT(before, 40U << 20);
    EXPECT_LE(node->peers.size(), NodeSnapshot::MAX_PEERS);
    EXPECT_EQ(node->closed_peers.size(), NodeSnapshot::MAX_CLOSED_PEERS);
    EXPECT_EQ(node->gossip.user_agents.at("other"), 100'000U);
    EXPECT_EQ(node->connections.inbound.at("ipv4"), 900'000U);
}

TEST(Bounds, FrequentLabelsGetTheirOwnCount)
{
    FrequentLabels labels;
    for (int i{0}; i < 1000; ++i) {
        labels.Add("/Satoshi:29.0.0/", static_cast<std::uint64_t>(i), 0);
        labels.Add("/mayfly:" + std::to_string(i) + "/", static_cast<std::uint64_t>(i), 0);
    }
    EXPECT_GE(labels.Counts().at("/Satoshi:29.0.0/"), 900U);
    std::uint64_t sum{0};
    for (const auto& [label, count] : labels.Counts()) sum += count;
    EXPECT_EQ(sum, 2000U);
    for (int label{0}; label < 1000; ++label) {
        for (std::uint64_t i{0}; i < 5; ++i) labels.Add("agent " + std::to_string(label), i, 0);
    }
    EXPECT_EQ(labels.Counts().size(), 41U); // 40 and `other`
    EXPECT_FALSE(labels.Counts().contains("agent 900"));
}

TEST(Bounds, ALabelThatNobodySaysForAWeekMakesRoom)
{
    constexpr std::int64_t DAY_NS{86'400'000'000'000};
    FrequentLabels labels;
    const auto say = [&labels](const std::string& label, int times, std::int64_t day) {
        for (int i{0}; i < times; ++i) labels.Add(label, static_cast<std::uint64_t>(i), day * DAY_NS);
    };
    for (int i{0}; i < 40; ++i) say("release " + std::to_string(i), 4 + i, 0);
    say("release 0", 1, 3);
    say("new", 5, 6);
    EXPECT_FALSE(labels.Counts().contains("new")); // none has been silent for long enough
    EXPECT_EQ(labels.Counts().at("other"), 40U * 2 + 5);
    say("new", 5, 8);
    EXPECT_FALSE(labels.Counts().contains("release 1")); // 0 has a lower count, and was said since
    EXPECT_EQ(labels.Counts().at("release 0"), 3U);
    EXPECT_EQ(labels.Counts().at("new"), 3U); // two networks had said it before
    EXPECT_EQ(labels.Counts().at("other"), 40U * 2 + 7);
    EXPECT_EQ(labels.Counts().size(), 41U);
    say("other", 9, 100); // no name for a name
    EXPECT_EQ(labels.Counts().at("other"), 40U * 2 + 7 + 9);
}

TEST(Bounds, ReasonsThatPeersMakeUp)
{
    Script script;
    for (int i{0}; i < 1000; ++i) {
        script.Misbehaving(1, "reason " + std::to_string(i));
        script.Fire(event::id::MEMPOOL_REJECTED, [&](event::RecordBuilder& to) {
            to.Bytes(std::vector<std::byte>(32)).Str(std::string(static_cast<std::size_t>(1 + i % 200), 'x'));
        });
    }
    const auto node{script.Node()};
    EXPECT_EQ(node->connections.misbehaving.size(), ConnectionTotals::MAX_MISBEHAVIOURS + 1);
    EXPECT_EQ(node->connections.misbehaving.at("other"), 1000 - ConnectionTotals::MAX_MISBEHAVIOURS);
    EXPECT_EQ(node->mempool.rejected.size(), MempoolTotals::MAX_REASONS + 1);
    for (const auto& [reason, count] : node->mempool.rejected) EXPECT_LE(reason.size(), MAX_LABEL);
}

} // namespace
} // namespace coretap::state
