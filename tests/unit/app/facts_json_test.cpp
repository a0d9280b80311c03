// What the sections `rpc` and `log` say of a node.
#include <memory>
#include <string>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include "app/facts_json.h"

namespace coretap {
namespace {

namespace json = boost::json;

app::KnownNodes OneNode(const poll::NodeFacts& facts) { return {{"main", {std::make_shared<const poll::NodeFacts>(facts), nullptr}}}; }

TEST(FactsJson, WhatIsNotKnownIsNull)
{
    const json::value node = json::parse(app::RpcJson(OneNode({}))).at_pointer("/nodes/main"); // braces would make a list of it
    EXPECT_EQ(node.at("state").as_string(), "not_tried");
    for (const char* part : {"state_since_utc_ms", "uptime_s", "mempool", "blockchain", "network", "net_totals", "memory", "addrman",
                             "raw_addrman", "chain_tips", "orphans", "peers"}) {
        EXPECT_TRUE(node.at(part).is_null()) << part;
    }
    EXPECT_EQ(node.at("methods").as_object().size(), poll::RPC_METHODS);
}

TEST(FactsJson, WhatStrangersWroteIsValidJson)
{
    poll::NodeFacts facts;
    facts.state = poll::RpcState::Failing;
    facts.state_text = "bad \xff\"\n";
    facts.blockchain.emplace();
    facts.blockchain->blocks = 900'000;
    facts.blockchain->warnings = {"\x01</script>"};
    facts.chain_tips.emplace();
    facts.chain_tips->tips.resize(poll::MAX_CHAIN_TIPS);
    facts.raw_addrman.emplace();
    facts.raw_addrman->tried.by_network["onion"].entries = 7;
    facts.peers.emplace();
    facts.peers->peers.emplace_back().transport_protocol_type = "v2";
    const json::value node = json::parse(app::RpcJson(OneNode(facts))).at_pointer("/nodes/main");
    EXPECT_EQ(node.at("state").as_string(), "failing");
    EXPECT_EQ(node.at_pointer("/blockchain/blocks").as_int64(), 900'000);
    EXPECT_TRUE(node.at_pointer("/blockchain/headers").is_null());
    EXPECT_EQ(node.at_pointer("/blockchain/warnings/0").as_string(), "\x01</script>");
    EXPECT_EQ(node.at_pointer("/chain_tips/tips").as_array().size(), 16u);
    EXPECT_EQ(node.at_pointer("/raw_addrman/tried/by_network/onion").as_int64(), 7);
    EXPECT_EQ(node.at_pointer("/raw_addrman/new/age_s").as_array().size(), poll::RawAddrmanFacts::AGE_BOUNDS_S.size() + 1);
    EXPECT_EQ(node.at_pointer("/peers/0/transport_protocol_type").as_string(), "v2");
}

TEST(FactsJson, OfTheLog)
{
    poll::LogTotals log;
    log.following = true;
    log.lines = 3;
    log.categories[""].lines = 2;
    log.categories["net"].warnings = 1;
    log.levels[static_cast<std::size_t>(poll::LogLevel::Warning)] = 1;
    log.bench[static_cast<std::size_t>(poll::BenchStage::Flush)] = {.count = 2, .total_ms = 3.5, .last_ms = 1.5};
    const app::KnownNodes nodes{{"main", {nullptr, std::make_shared<const poll::LogTotals>(log)}}};
    const json::value node = json::parse(app::LogJson(nodes)).at_pointer("/nodes/main");
    EXPECT_EQ(node.at_pointer("/categories/none/lines").as_int64(), 2);
    EXPECT_EQ(node.at_pointer("/categories/net/warnings").as_int64(), 1);
    EXPECT_EQ(node.at_pointer("/levels/warning").as_int64(), 1);
    EXPECT_EQ(node.at("bench").as_object().size(), 1u) << "stages that were not seen are left out";
    EXPECT_TRUE(node.at("last_line_utc_ms").is_null());
    EXPECT_TRUE(json::parse(app::RpcJson(nodes)).at("nodes").as_object().empty()) << "it is not asked";
}

} // namespace
} // namespace coretap
