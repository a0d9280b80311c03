#include "poll/log_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace coretap::poll {
namespace {

using testing::Optional;

const std::string HASH(64, 'a');

template <class Fact>
Fact Get(const std::string& line)
{
    const LogLine read{ParseLogLine(line)};
    const Fact* fact{std::get_if<Fact>(&read.fact)};
    EXPECT_NE(nullptr, fact) << line;
    return fact == nullptr ? Fact{} : *fact;
}

TEST(LogLine, TimesOfEveryVersion)
{
    EXPECT_THAT(ParseLogLine("2026-11-26T01:05:08Z text").utc_ns, Optional(1795655108'000000000));
    EXPECT_THAT(ParseLogLine("2026-11-26T01:05:08.123456Z text").utc_ns, Optional(1795655108'123456000)); // -logtimemicros
    EXPECT_THAT(ParseLogLine("2026-11-26T01:05:08Z (mocktime: 2011-02-02T23:16:42Z) text").utc_ns, Optional(1795655108'000000000));
    EXPECT_EQ("text", ParseLogLine("2026-11-26T01:05:08Z (mocktime: 2011-02-02T23:16:42Z) text").text);
    for (const std::string bad : {"", "text", "2026-99-26T01:05:08Z x", "2026-11-26T01:05:08Z", "2026-11-26Txx:05:08Z x", "2026-11-26"})
        EXPECT_EQ(std::nullopt, ParseLogLine(bad).utc_ns) << bad;
}

TEST(LogLine, CategoriesAndLevels)
{
    const struct {
        std::string line, category, text;
        LogLevel level;
    } cases[]{
        {"2026-11-26T01:05:08Z plain", "", "plain", LogLevel::Info},
        {"2026-11-26T01:05:08Z [net] got it", "net", "got it", LogLevel::Debug},
        {"2026-11-26T01:05:08Z [net:warning] bad", "net", "bad", LogLevel::Warning},
        {"2026-11-26T01:05:08Z [net:trace] x", "net", "x", LogLevel::Trace},
        {"2026-11-26T01:05:08Z [warning] bad", "", "bad", LogLevel::Warning},
        {"2026-11-26T01:05:08Z [error] worse", "", "worse", LogLevel::Error},
        {"2026-11-26T01:05:08Z [all:info] x", "", "x", LogLevel::Info},
        {"2026-11-26T01:05:08Z ERROR: old", "", "ERROR: old", LogLevel::Error},
        {"2026-11-26T01:05:08Z Warning: old", "", "Warning: old", LogLevel::Warning},
        {"2026-11-26T01:05:08Z [msghand] [cmpctblock] x", "cmpctblock", "x", LogLevel::Debug},
        {"2026-11-26T01:05:08Z [net] [mempool:info] x", "mempool", "x", LogLevel::Info},
        {"2026-11-26T01:05:08Z [msghand] [net_processing.cpp:4595] [ProcessMessage] [net:debug] x", "net", "x", LogLevel::Debug},
        {"2026-11-26T01:05:08Z [default wallet] x", "", "[default wallet] x", LogLevel::Info},
        {"2026-11-26T01:05:08Z [unknown] x", "", "x", LogLevel::Info},
        {"2026-11-26T01:05:08Z [] x", "", "[] x", LogLevel::Info},
        {"2026-11-26T01:05:08Z [net", "", "[net", LogLevel::Info},
        {"[net] without time\r", "net", "without time", LogLevel::Debug},
    };
    for (const auto& each : cases) {
        const LogLine line{ParseLogLine(each.line)};
        EXPECT_EQ(each.category, line.category) << each.line;
        EXPECT_EQ(each.text, line.text) << each.line;
        EXPECT_EQ(each.level, line.level) << each.line;
    }
}

TEST(LogLine, CompactBlocks)
{
    // v30 and later, then before
    auto built{Get<LogReconstruction>(
        "2026-11-26T01:05:08Z [cmpctblock] Successfully reconstructed block " + HASH +
        " with 1 txn prefilled, 3000 txn from mempool (incl at least 7 from extra pool) and 2 txn (812 bytes) requested")};
    EXPECT_EQ(HASH, built.hash);
    EXPECT_EQ(1u, built.prefilled);
    EXPECT_EQ(3000u, built.from_mempool);
    EXPECT_EQ(7u, built.from_extra_pool);
    EXPECT_EQ(2u, built.requested);
    EXPECT_THAT(built.requested_bytes, Optional(812));
    built = Get<LogReconstruction>("2017-02-01 00:00:00 Successfully reconstructed block " + HASH +
                                   " with 1 txn prefilled, 5 txn from mempool (incl at least 0 from extra pool) and 0 txn requested");
    EXPECT_EQ(0u, built.requested);
    EXPECT_EQ(std::nullopt, built.requested_bytes);
    const auto came{Get<LogCompactBlock>("2026-11-26T01:05:08Z [cmpctblock] Initializing PartiallyDownloadedBlock for block " + HASH +
                                         " using a cmpctblock of 15000 bytes")};
    EXPECT_EQ(15000u, came.bytes);
}

TEST(LogLine, TipsAndHeaders)
{
    auto tip{Get<LogUpdateTip>(
        "2026-11-26T01:05:08Z UpdateTip: new best=" + HASH +
        " height=900000 version=0x20000000 log2_work=95.1 tx=1234567890 date='2026-11-26T01:04:00Z' progress=1.000000 cache=12.5MiB(98765txo)")};
    EXPECT_EQ(900000, tip.height);
    EXPECT_EQ(1234567890u, tip.transactions);
    EXPECT_DOUBLE_EQ(1, tip.progress);
    EXPECT_DOUBLE_EQ(12.5, tip.cache_mib);
    EXPECT_EQ(98765u, tip.cache_coins);
    EXPECT_FALSE(tip.background || tip.warning);
    tip = Get<LogUpdateTip>(
        "2026-11-26T01:05:08Z [background validation] UpdateTip: new best=" + HASH +
        " height=2000 version=0x20000000 log2_work=95.1 tx=1 date='2026-11-26T01:04:00Z' progress=0.1 cache=0.3MiB(9txo) warning='tx=1 progress=2'");
    EXPECT_TRUE(tip.background && tip.warning);
    Get<LogUpdateTip>("2016-01-01 00:00:00 UpdateTip: new best=" + HASH +
                      " height=1 version=0x20000000 log2_work=9 tx=1 date='2016-01-01 00:00:00' progress=0.1 cache=0.3MiB(9tx)");

    auto header{
        Get<LogNewHeader>("2026-11-26T01:05:08Z Saw new cmpctblock header hash=" + HASH + " height=900000 peer=17, peeraddr=1.2.3.4:8333")};
    EXPECT_TRUE(header.compact);
    EXPECT_THAT(header.height, Optional(900000));
    EXPECT_THAT(header.peer_id, Optional(17));
    header = Get<LogNewHeader>("2026-11-26T01:05:08Z [validation] Saw new header hash=" + HASH + " height=5 peer=0");
    EXPECT_FALSE(header.compact);
    header = Get<LogNewHeader>("2024-03-01T00:00:00Z Saw new cmpctblock header hash=" + HASH + " peer=3"); // v25 to v29
    EXPECT_EQ(std::nullopt, header.height);
    EXPECT_THAT(header.peer_id, Optional(3));
    header = Get<LogNewHeader>("2024-03-01T00:00:00Z Saw new header hash=" + HASH + " height=7"); // of the same versions
    EXPECT_THAT(header.height, Optional(7));
    EXPECT_EQ(std::nullopt, header.peer_id);
}

TEST(LogLine, BenchOfEveryStage)
{
    const std::string prefix{"2026-11-26T01:05:08Z [bench] "};
    const struct {
        std::string text;
        BenchStage stage;
        double ms;
        std::optional<std::uint64_t> count;
    } cases[]{
        {"- Connect block: 150.25ms [2.00s (100.00ms/blk)]", BenchStage::ConnectBlock, 150.25, {}},
        {"  - Load block from disk: 0.05ms", BenchStage::LoadBlock, 0.05, {}},
        {"  - Load block from disk: 0.05ms [1.00s (1.00ms/blk)]", BenchStage::LoadBlock, 0.05, {}},
        {"  - Connect total: 1.00ms [2.00s (100.00ms/blk)]", BenchStage::ConnectTotal, 1, {}},
        {"  - Flush: 2.00ms [2.00s (100.00ms/blk)]", BenchStage::Flush, 2, {}},
        {"  - Writing chainstate: 3.00ms [2.00s (100.00ms/blk)]", BenchStage::WriteChainstate, 3, {}},
        {"  - Connect postprocess: 4.00ms [2.00s (100.00ms/blk)]", BenchStage::ConnectPostprocess, 4, {}},
        {"    - Sanity checks: 5.00ms [2.00s (100.00ms/blk)]", BenchStage::SanityChecks, 5, {}},
        {"    - Fork checks: 6.00ms [2.00s (100.00ms/blk)]", BenchStage::ForkChecks, 6, {}},
        {"      - Connect 3000 transactions: 7.00ms (0.002ms/tx, 0.001ms/txin) [2.00s (100.00ms/blk)]", BenchStage::ConnectTransactions, 7,
         3000},
        {"    - Verify 7000 txins: 8.00ms (0.001ms/txin) [2.00s (100.00ms/blk)]", BenchStage::VerifyInputs, 8, 7000},
        {"    - Write undo data: 9.00ms [2.00s (100.00ms/blk)]", BenchStage::WriteUndo, 9, {}},
        {"    - Index writing: 10.00ms [2.00s (100.00ms/blk)]", BenchStage::IndexWriting, 10, {}},
        {"    - Callbacks: 11.00ms [2.00s (100.00ms/blk)]", BenchStage::Callbacks, 11, {}},
        {"- Disconnect block: 12.00ms", BenchStage::DisconnectBlock, 12, {}},
    };
    std::array<bool, BENCH_STAGES> seen{};
    for (const auto& each : cases) {
        const auto bench{Get<LogBench>(prefix + each.text)};
        EXPECT_EQ(each.stage, bench.stage) << each.text;
        EXPECT_DOUBLE_EQ(each.ms, bench.ms) << each.text;
        EXPECT_EQ(each.count, bench.count) << each.text;
        seen[static_cast<std::size_t>(each.stage)] = true;
        EXPECT_NE("", BenchStageName(each.stage));
    }
    EXPECT_THAT(seen, testing::Each(true));
    EXPECT_EQ("Fork checks", BenchStageName(BenchStage::ForkChecks));
}

TEST(LogLine, WhatOnlyLooksLikeAFactIsNone)
{
    for (const std::string text :
         {"Successfully reconstructed block abc with 1 txn prefilled", "received: Successfully reconstructed block ",
          "UpdateTip: new best=", "Saw new header hash=", "- Connect block: nanms", "- Connect block: infms", "- Connect block: ms",
          "      - Connect x transactions: 1.00ms", "  - Using cached block"}) {
        EXPECT_EQ(0u, ParseLogLine("2026-11-26T01:05:08Z " + text).fact.index()) << text;
        EXPECT_EQ(0u, ParseLogLine(text + HASH).fact.index()) << text;
    }
    // cut anywhere: no fact, or the whole of it
    const std::string whole{
        "2026-11-26T01:05:08Z [cmpctblock] Successfully reconstructed block " + HASH +
        " with 1 txn prefilled, 3000 txn from mempool (incl at least 7 from extra pool) and 2 txn (812 bytes) requested"};
    for (std::size_t size{0}; size < whole.size(); ++size) EXPECT_EQ(0u, ParseLogLine(whole.substr(0, size)).fact.index()) << size;
}

} // namespace
} // namespace coretap::poll
