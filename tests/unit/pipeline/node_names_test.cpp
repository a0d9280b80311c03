#include "pipeline/node_names.h"

#include <gtest/gtest.h>

#include "unit/event/event_fixture.h"

namespace coretap::pipeline {
namespace {

namespace id = event::id;
using test::EventMaker;

constexpr std::uint64_t SECOND{1'000'000'000};

/** What is known of the process that fired an event like this. */
event::NodeLabel At(NodeNames& names, std::uint32_t pid, std::uint32_t origin = 0)
{
    EventMaker maker;
    return names.Find(maker.Make(id::MEMPOOL_ADDED, {.pid = pid, .origin = origin}));
}

TEST(NodeNames, LearnsFromTheStream)
{
    EventMaker maker;
    NodeNames names;
    EXPECT_EQ(At(names, 7).label, "");
    names.Observe(maker.Make(id::CORETAP_NODE_FOUND, {.args = {{"label", "a"}, {"started_at", 100}}, .pid = 7}));
    names.Observe(maker.Make(id::CORETAP_NODE_FOUND, {.args = {{"label", "b"}, {"started_at", 200}}, .pid = 8}));
    names.Observe(maker.Make(id::MEMPOOL_ADDED, {.pid = 9}));
    EXPECT_EQ(At(names, 7).label, "a");
    EXPECT_EQ(At(names, 8).label, "b");
    EXPECT_EQ(At(names, 8).started_at, 200);
    EXPECT_EQ(At(names, 7).started_at, 100);
    EXPECT_EQ(At(names, 9).label, "");
}

TEST(NodeNames, ForgetsTheGoneAfterAWhile)
{
    EventMaker maker;
    NodeNames names;
    const auto tell = [&](std::uint16_t what, std::uint32_t pid, std::uint64_t ts_ns, const char* label) {
        names.Observe(maker.Make(what, {.args = {{"label", label}}, .pid = pid, .ts_ns = ts_ns}));
    };
    tell(id::CORETAP_NODE_FOUND, 7, SECOND, "a");
    tell(id::CORETAP_NODE_GONE, 7, 10 * SECOND, "a");
    EXPECT_EQ(At(names, 7).label, "a");              // its last events may follow
    tell(id::CORETAP_NODE_FOUND, 8, 9 * SECOND, "b"); // time may step back
    EXPECT_EQ(At(names, 7).label, "a");
    tell(id::CORETAP_NODE_FOUND, 6, 69 * SECOND, "z");
    EXPECT_EQ(At(names, 7).label, "a");
    tell(id::CORETAP_NODE_FOUND, 9, 71 * SECOND, "c");
    EXPECT_EQ(At(names, 7).label, "");
    EXPECT_EQ(At(names, 8).label, "b");
    tell(id::CORETAP_NODE_GONE, 8, 72 * SECOND, "b");
    tell(id::CORETAP_NODE_FOUND, 8, 73 * SECOND, "new"); // the pid again
    tell(id::CORETAP_NODE_FOUND, 10, 200 * SECOND, "d");
    EXPECT_EQ(At(names, 8).label, "new");
}

TEST(NodeNames, OnePidInTwoRecordingsIsTwoNodes)
{
    EventMaker maker;
    NodeNames names;
    names.Observe(maker.Make(id::CORETAP_NODE_FOUND, {.args = {{"label", "here"}}, .pid = 7, .origin = 1}));
    names.Observe(maker.Make(id::CORETAP_NODE_FOUND, {.args = {{"label", "there"}}, .pid = 7, .origin = 2}));
    EXPECT_EQ(At(names, 7, 1).label, "here");
    EXPECT_EQ(At(names, 7, 2).label, "there");
    EXPECT_EQ(At(names, 7, 3).label, "");
    EXPECT_TRUE(names.Several());
    // another machine's clock says nothing about this one's
    names.Observe(maker.Make(id::CORETAP_NODE_GONE, {.args = {{"label", "here"}}, .pid = 7, .ts_ns = SECOND, .origin = 1}));
    names.Observe(maker.Make(id::CORETAP_NODE_FOUND, {.args = {{"label", "x"}}, .pid = 8, .ts_ns = 900 * SECOND, .origin = 2}));
    EXPECT_EQ(At(names, 7, 1).label, "here");
}

TEST(NodeNames, Several)
{
    EventMaker maker;
    NodeNames names;
    EXPECT_FALSE(names.Several());
    names.Observe(maker.Make(id::CORETAP_NODE_FOUND, {.args = {{"label", "a"}}, .pid = 7}));
    EXPECT_FALSE(names.Several());
    names.Observe(maker.Make(id::CORETAP_NODE_FOUND, {.args = {{"label", "b"}}, .pid = 8}));
    EXPECT_TRUE(names.Several());
    names.Observe(maker.Make(id::CORETAP_NODE_GONE, {.args = {{"label", "a"}}, .pid = 7}));
    EXPECT_FALSE(names.Several()); // not with one that is gone
    names.Observe(maker.Make(id::CORETAP_NODE_FOUND, {.args = {{"label", "b"}}, .pid = 9}));
    EXPECT_FALSE(names.Several()); // a restart under the same name
}

} // namespace
} // namespace coretap::pipeline
