#include "sim/scenarios.h"

#include <map>
#include <set>
#include <sstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "sim_run.h"

namespace coretap::sim {
namespace {

TEST(Scenarios, SameSeedSameFirings)
{
    for (const std::string_view scenario : {"mainnet", "messages", "blocks", "every", "restart-hello", "firehose", "ibd"}) {
        const Outcome first{RunSim({"--scenario", scenario, "--rate", "0", "--count", "5000", "--seed", "42"})};
        const Outcome second{RunSim({"--scenario", scenario, "--rate", "0", "--count", "5000", "--seed", "42"})};
        EXPECT_EQ(first.exit_code, 0);
        EXPECT_FALSE(first.lines.empty());
        EXPECT_EQ(first.lines, second.lines) << scenario;
        if (scenario != "every") {
            EXPECT_NE(first.lines, RunSim({"--scenario", scenario, "--rate", "0", "--count", "5000", "--seed", "43"}).lines) << scenario;
        }
    }
}

TEST(Scenarios, CountIsExact)
{
    EXPECT_EQ(RunSim({"--scenario", "mainnet", "--rate", "0", "--count", "1234"}).lines.size(), 1234u);
    EXPECT_EQ(RunSim({"--scenario", "firehose", "--threads", "2", "--count", "1234"}).lines.size(), 1234u);
}

TEST(Scenarios, EveryFiresEverything)
{
    const Outcome outcome{RunSim({"--scenario", "every"})};
    std::map<std::string, int> events;
    for (std::size_t i{0}; i < outcome.lines.size(); ++i) ++events[outcome.Event(i)];
    EXPECT_EQ(events.size(), TP_COUNT);
    for (const auto& [event, count] : events)
        EXPECT_NE(outcome.out.find("\"" + event + "\":" + std::to_string(count)), std::string::npos) << event;
    EXPECT_NE(outcome.err.find("ready pid=" + std::to_string(::getpid()) + "\n"), std::string::npos);
    EXPECT_EQ(RunSim({"--scenario", "every", "--repeat", "3"}).lines.size(), 3 * outcome.lines.size());
}

TEST(Scenarios, FaultsSurvive)
{
    const Outcome outcome{RunSim({"--scenario", "faults"})};
    EXPECT_EQ(outcome.exit_code, 0);
    std::size_t unreadable{0};
    for (const std::string& line : outcome.lines) unreadable += line.find(":null") != std::string::npos;
    EXPECT_GT(unreadable, 100u);
    EXPECT_EQ(Outcome::Field(outcome.lines.back(), "msg_type"), "ping");
}

TEST(Scenarios, MainnetFollowsTheNodesOrder)
{
    const Outcome outcome{RunSim({"--scenario", "mainnet", "--rate", "0", "--count", "60000"})};
    std::set<std::string> mempool, peers;
    std::map<std::string, int> seen;
    for (std::size_t i{0}; i < outcome.lines.size(); ++i) {
        const std::string& line{outcome.lines[i]};
        const std::string event{outcome.Event(i)};
        ++seen[event];
        if (event == "mempool:replaced" && i + 2 < outcome.lines.size()) {
            EXPECT_EQ(outcome.Event(i + 1), "mempool:removed");
            EXPECT_EQ(Outcome::Field(outcome.lines[i + 1], "reason"), "replaced");
            EXPECT_EQ(Outcome::Field(outcome.lines[i + 1], "txid"), Outcome::Field(line, "replaced_txid"));
            EXPECT_EQ(outcome.Event(i + 2), "mempool:added");
            EXPECT_EQ(Outcome::Field(outcome.lines[i + 2], "txid"), Outcome::Field(line, "replacement_id"));
        } else if (event == "mempool:added") {
            EXPECT_TRUE(mempool.insert(Outcome::Field(line, "txid")).second) << "added twice";
        } else if (event == "net:inbound_connection" || event == "net:outbound_connection") {
            EXPECT_EQ(Outcome::Field(line, "peer_id"),
                      std::to_string(seen["net:inbound_connection"] + seen["net:outbound_connection"] - 1));
            peers.insert(Outcome::Field(line, "peer_id"));
        } else if (event == "net:closed_connection") {
            EXPECT_EQ(peers.erase(Outcome::Field(line, "peer_id")), 1u);
        } else if (event == "net:inbound_message" || event == "net:outbound_message") {
            EXPECT_TRUE(peers.contains(Outcome::Field(line, "peer_id"))) << line.substr(0, 200);
        }
    }
    for (const char* event : {"validation:block_connected", "mempool:rejected", "mempool:replaced", "net:evicted_inbound_connection",
                              "net:misbehaving_connection", "utxocache:uncache", "utxocache:flush", "coin_selection:aps_create_tx_internal",
                              "addrman:attempt_add"}) {
        EXPECT_GT(seen[event], 0) << event;
    }
}

TEST(Scenarios, UnknownIsExitTwoAndListsThem)
{
    std::ostringstream out, err;
    const std::vector<std::string_view> args{"--scenario", "nope"};
    EXPECT_EQ(Main(args, out, err), 2);
    EXPECT_TRUE(out.str().empty());
    for (const Scenario& scenario : Scenarios()) EXPECT_NE(err.str().find(scenario.name), std::string::npos);
}

} // namespace
} // namespace coretap::sim
