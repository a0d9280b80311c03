#include "tracer/node_labels.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace coretap::tracer {
namespace {

using testing::ElementsAre;

/** As ReadNodeInfo() makes it of a process with -datadir. */
NodeInfo At(const std::string& datadir, const std::string& chain = "main", pid_t pid = 1)
{
    return {.pid = pid,
            .started_at = 1,
            .label = datadir.substr(datadir.rfind('/') + 1),
            .executable = "/bin/bitcoind",
            .datadir = datadir,
            .chain = chain};
}
/** And of one without. */
NodeInfo Default(const std::string& home, const std::string& label = "bitcoind", const std::string& chain = "main")
{
    return {.pid = 1, .started_at = 1, .label = label, .executable = "/bin/bitcoind", .datadir = home + "/.bitcoin", .chain = chain};
}

/** Labels of nodes that all run when coretap starts. */
std::vector<std::string> AllOf(const std::vector<NodeInfo>& nodes)
{
    NodeLabels labels;
    labels.Introduce(nodes);
    std::vector<std::string> out;
    for (const NodeInfo& node : nodes) out.push_back(labels.LabelOf(node, out));
    return out;
}

TEST(NodeLabels, TheShortestTailsThatDiffer)
{
    EXPECT_THAT(AllOf({At("/srv/a/.bitcoin")}), ElementsAre(".bitcoin"));
    EXPECT_THAT(AllOf({At("/srv/a/.bitcoin"), At("/srv/b/.bitcoin"), At("/srv/c")}), ElementsAre("a/.bitcoin", "b/.bitcoin", "c"));
    EXPECT_THAT(AllOf({At("/x/a/data"), At("/y/a/data"), At("/y/b/data")}), ElementsAre("x/a/data", "y/a/data", "b/data"));
    EXPECT_THAT(AllOf({Default("/home/alice"), Default("/home/bob")}), ElementsAre("alice/.bitcoin", "bob/.bitcoin"));
    EXPECT_THAT(AllOf({At("/data"), At("/srv/data")}), ElementsAre("data", "srv/data"));
}

TEST(NodeLabels, ChainsOfOneDirectory)
{
    EXPECT_THAT(AllOf({At("/srv/btc"), At("/srv/btc", "signet")}), ElementsAre("btc-main", "btc-signet"));
    EXPECT_THAT(AllOf({Default("/root"), Default("/root", "signet", "signet")}), ElementsAre("bitcoind", "signet"));
    EXPECT_THAT(AllOf({At("/a/btc"), At("/a/btc", "signet"), At("/b/btc")}), ElementsAre("btc-main", "btc-signet", "b/btc"));
}

TEST(NodeLabels, TheOrderOfDiscoveryDoesNotMatter)
{
    std::vector<NodeInfo> nodes{At("/srv/a/.bitcoin"), At("/srv/b/.bitcoin"), At("/srv/b/.bitcoin", "signet"), Default("/home/alice"),
                                Default("/home/bob")};
    const std::vector<std::string> labels{AllOf(nodes)};
    std::ranges::reverse(nodes);
    std::vector<std::string> reversed{AllOf(nodes)};
    std::ranges::reverse(reversed);
    EXPECT_EQ(labels, reversed);
}

TEST(NodeLabels, AreKept)
{
    NodeLabels labels;
    const std::vector<std::string> none;
    EXPECT_EQ(labels.LabelOf(At("/srv/a/.bitcoin", "main", 10), none), ".bitcoin");
    const std::vector<std::string> first{".bitcoin"};
    EXPECT_EQ(labels.LabelOf(At("/srv/b/.bitcoin", "main", 11), first), "b/.bitcoin");
    // both start anew, the second one first
    EXPECT_EQ(labels.LabelOf(At("/srv/b/.bitcoin", "main", 30), none), "b/.bitcoin");
    EXPECT_EQ(labels.LabelOf(At("/srv/a/.bitcoin", "main", 31), none), ".bitcoin");
}

TEST(NodeLabels, WhatLooksTheSameIsNumberedWhileItRuns)
{
    NodeLabels labels;
    EXPECT_EQ(labels.LabelOf(At("/data"), {}), "data");
    const std::vector<std::string> one{"data"}, other{"data-2"};
    EXPECT_EQ(labels.LabelOf(At("/data"), one), "data-2");
    EXPECT_EQ(labels.LabelOf(At("/data"), other), "data");
    EXPECT_THAT(AllOf({At("/data"), At("/data")}), ElementsAre("data", "data-2"));
    const NodeInfo nowhere{.pid = 1, .started_at = 1, .label = "bitcoind", .executable = "/bin/bitcoind", .chain = "main"};
    EXPECT_EQ(labels.LabelOf(nowhere, {}), "bitcoind");
    EXPECT_THAT(AllOf({nowhere, Default("/home/bob")}), ElementsAre("bitcoind", "bob/.bitcoin"));
}

TEST(NodeLabels, AreBounded)
{
    NodeLabels labels;
    for (std::size_t i{0}; i < 3 * NodeLabels::MOST; ++i) labels.LabelOf(At(fmt::format("/n{}/d", i)), {});
    EXPECT_EQ(labels.LabelOf(At("/n0/d"), {}), "n0/d"); // forgotten, and not the first any more
}

} // namespace
} // namespace coretap::tracer
