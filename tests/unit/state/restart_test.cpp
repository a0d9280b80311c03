#include "unit/state/state_fixture.h"

namespace coretap::state {
namespace {

constexpr std::int64_t STARTED{START_NS / 1'000'000'000};

TEST(Restart, GoesOnUnderTheSameIdentity)
{
    Script script;
    script.At(0).Found().In(1, "inv").At(10).Gone();
    script.pid = 2000;
    script.At(5000).Found("main", STARTED + 5).In(1, "tx").In(1, "tx");
    const auto node{script.Node()};
    EXPECT_EQ(node->identity.starts, 2U);
    EXPECT_EQ(node->identity.pid, 2000U);
    EXPECT_EQ(node->identity.started_at_s, STARTED + 5);
    EXPECT_TRUE(node->identity.running);
    ASSERT_EQ(node->closed_peers.size(), 1U);
    EXPECT_TRUE(node->closed_peers[0].close_inferred);
    EXPECT_EQ(node->closed_peers[0].closed_utc_ns, AtMs(10));
    // its id is another peer's now
    EXPECT_EQ(PeerOf(*node, 1).messages[0][event::MessageTypeId("tx")].count, 2U);
    EXPECT_EQ(PeerOf(*node, 1).messages[0][event::MessageTypeId("inv")].count, 0U);
    const auto type{event::ConnectionTypeId("outbound-full-relay")};
    EXPECT_EQ(node->messages[0][type][event::MessageTypeId("inv")].count, 1U);
    EXPECT_EQ(node->messages[0][type][event::MessageTypeId("tx")].count, 2U);
}

TEST(Restart, SameProcessIdAgain)
{
    Script script;
    script.Found().In(1, "inv").Gone().Found("main", STARTED + 9);
    EXPECT_EQ(script.Node()->identity.starts, 2U);
}

TEST(Restart, IntroducedAgainIsNoRestart)
{
    Script script;
    script.Found().In(1, "inv").Found();
    const auto node{script.Node()};
    EXPECT_EQ(node->identity.starts, 1U);
    EXPECT_EQ(node->peers.size(), 1U);
}

TEST(Restart, LastMessagesComeBehindTheEnd)
{
    Script script;
    script.Found().At(0).In(1, "inv").At(10).Gone().In(1, "tx");
    const auto node{script.Node()};
    EXPECT_FALSE(node->identity.running);
    EXPECT_TRUE(node->peers.empty());
    ASSERT_EQ(node->closed_peers.size(), 1U);
    EXPECT_EQ(node->closed_peers[0].messages[0][event::MessageTypeId("tx")].count, 1U);
}

TEST(Restart, AnotherDatadirIsAnotherNode)
{
    Script script;
    script.Found("a", STARTED, "/a").Gone("a");
    script.pid = 2000;
    script.Found("b", STARTED, "/b");
    script.pid = 3000;
    script.Found("c", STARTED, "/b"); // while b runs
    const auto snapshot{script.Take()};
    ASSERT_EQ(snapshot->nodes.size(), 3U);
    EXPECT_EQ(snapshot->nodes[0]->identity.label, "a");
    EXPECT_EQ(snapshot->nodes[2]->identity.label, "c");
}

TEST(Restart, RecordingsTogetherAreToldApart)
{
    Script script;
    script.Found().In(1, "inv");
    script.origin = 1;
    script.Found().In(1, "inv").Lost("net:inbound_message", 7);
    const auto snapshot{script.Take()};
    ASSERT_EQ(snapshot->nodes.size(), 2U);
    EXPECT_TRUE(snapshot->lost_since_start);
    EXPECT_EQ(snapshot->events, script.events);
}

TEST(Restart, EventsBeforeTheIntroduction)
{
    Script script;
    script.In(1, "inv");
    EXPECT_EQ(script.Node()->identity.label, "");
    const auto node{script.Found().Node()};
    EXPECT_EQ(node->identity.label, "main");
    EXPECT_EQ(node->identity.starts, 1U);
    EXPECT_EQ(node->peers.size(), 1U);
}

TEST(Restart, ExactCountsOfManyProcessesAddUp)
{
    Script script;
    std::vector<pipeline::ProcessCounters> counters;
    for (std::uint32_t i{0}; i < 10; ++i) {
        script.pid = 100 + i;
        script.Found("main", STARTED + i).In(1, "inv");
        counters.push_back({.pid = script.pid, .started_at_s = STARTED + i, .messages = {{0, 0, 1, {10, 0}}}, .coins_added = 5});
        script.GetTracker().SetExact(counters);
        if (i != 9) script.Gone();
    }
    const auto node{script.Node()};
    EXPECT_EQ(node->identity.starts, 10U);
    EXPECT_EQ(node->messages[0][0][1].count, 100U);
    EXPECT_EQ(node->utxo.added, 50U);
    EXPECT_TRUE(node->messages_exact);
}

TEST(Restart, NodesAreBounded)
{
    Script script;
    for (std::uint32_t i{1}; i <= 3 * Tracker::MAX_NODES; ++i) {
        script.pid = i;
        script.After(1).Found("n" + std::to_string(i), STARTED, "/" + std::to_string(i));
        if (i == 2) script.Gone();
    }
    const auto snapshot{script.Take()};
    EXPECT_EQ(snapshot->nodes.size(), Tracker::MAX_NODES);
    for (const auto& node : snapshot->nodes) EXPECT_TRUE(node->identity.running);
}

/** Labels of nodes, those that ended in brackets. */
std::string Labels(const Snapshot& snapshot)
{
    std::string text;
    for (const auto& node : snapshot.nodes) text += node->identity.running ? node->identity.label + ' ' : '(' + node->identity.label + ") ";
    return text;
}

TEST(Restart, AnUpgradeToAnotherPathIsARestart)
{
    Script script;
    script.Found("main", STARTED, "/data", "/opt/bitcoin-30/bin/bitcoind").In(1, "inv").Gone();
    script.pid = 77;
    script.Found("main", STARTED + 5, "/data", "/opt/bitcoin-31/bin/bitcoind").In(1, "inv");
    const auto node{script.Node()};
    EXPECT_EQ(node->identity.starts, 2U);
    EXPECT_EQ(node->identity.executable, "/opt/bitcoin-31/bin/bitcoind");
    EXPECT_EQ(node->messages[0][event::ConnectionTypeId("outbound-full-relay")][event::MessageTypeId("inv")].count, 2U);
}

TEST(Restart, WithoutADataDirectoryTheExecutableTells)
{
    Script script;
    script.Found("a", STARTED, "", "/usr/bin/a").Gone("a");
    script.pid = 77;
    script.Found("b", STARTED, "", "/usr/bin/b");
    EXPECT_EQ(Labels(*script.Take()), "(a) b ");
}

TEST(Restart, NodesOfOneLabelStayInTheOrderOfTheirAppearance)
{
    Script script;
    script.pid = 5000;
    script.Found("main", STARTED, "/a");
    script.pid = 4000;
    script.Found("main", STARTED, "/b");
    const auto datadirs = [&] {
        std::string text;
        const auto snapshot{script.Take()};
        for (const auto& node : snapshot->nodes) text += node->identity.datadir;
        return text;
    };
    EXPECT_EQ(datadirs(), "/a/b");
    script.pid = 5000;
    script.Gone();
    script.pid = 6000;
    script.Found("main", STARTED + 1, "/a");
    EXPECT_EQ(datadirs(), "/a/b");
}

TEST(Restart, NodesThatEndedAreForgottenAfterADay)
{
    constexpr double HOUR_MS{3'600'000};
    Script script;
    script.Found("a", STARTED, "/a").After(10).Gone("a");
    script.pid = 77;
    script.Found("b", STARTED, "/b");
    EXPECT_EQ(Labels(*script.At(23 * HOUR_MS).Take()), "(a) b ");
    EXPECT_EQ(Labels(*script.At(25 * HOUR_MS).Take()), "b ");
    script.Gone("b");
    EXPECT_EQ(Labels(*script.At(90 * HOUR_MS).Take()), "(b) ");
    // forgotten, and back
    script.pid = 88;
    script.Found("a", STARTED + 400'000, "/a");
    EXPECT_EQ(Labels(*script.Take()), "a ");
}

TEST(Restart, ManyThatEndedAreForgottenAtOnce)
{
    Script script;
    for (std::uint32_t i{1}; i <= 20; ++i) {
        script.pid = i;
        script.After(1).Found(std::to_string(10 + i), STARTED, "/" + std::to_string(i));
        if (i != 3) script.Gone();
    }
    EXPECT_EQ(Labels(*script.Take()), "13 (23) (24) (25) (26) (27) (28) (29) (30) ");
}

} // namespace
} // namespace coretap::state
