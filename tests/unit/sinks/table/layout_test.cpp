#include "sinks/table/layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace coretap::sinks::table {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

struct LayoutTest : testing::Test {
    event::Catalogue catalogue;

    util::Result<Layout> Make(const TableOptions& options, pipeline::FilterSpec spec = {})
    {
        const auto filter = pipeline::Filter::Make(std::move(spec), catalogue);
        if (!filter) return filter.GetError();
        return Layout::Make(options, catalogue, *filter);
    }
    std::vector<std::string> Names(const TableOptions& options, pipeline::FilterSpec spec = {})
    {
        const auto layout = Make(options, std::move(spec));
        if (!layout) return {layout.GetError().what};
        std::vector<std::string> names;
        for (const Field& field : layout->Fields()) names.push_back(field.name);
        return names;
    }
    std::string Refused(const TableOptions& options, pipeline::FilterSpec spec = {})
    {
        const auto layout = Make(options, std::move(spec));
        if (layout) return "accepted";
        EXPECT_EQ(layout.GetError().code, util::Errc::Usage);
        return layout.GetError().what;
    }
};

TEST_F(LayoutTest, WithoutFieldsEveryArgumentThatCanCome)
{
    EXPECT_THAT(Names({}, {.only = {"mempool:added"}}), ElementsAre("ts", "event", "node", "txid", "vsize", "fee"));
    // a union, each once, in the catalogue's order
    EXPECT_THAT(Names({}, {.only = {"mempool:rejected", "mempool:removed"}}),
                ElementsAre("ts", "event", "node", "txid", "reason", "vsize", "fee", "entered_at"));
    EXPECT_THAT(Names({}, {.only = {"net:inbound_message"}}),
                ElementsAre("ts", "event", "node", "peer_id", "addr", "conn_type", "msg_type", "size")); // no payload
    // the filter as a whole, not only its tracepoints; coretap's own are none of them
    EXPECT_THAT(Names({}, {.direction = pipeline::Direction::In}), AllOf(Contains("msg_type"), Contains("network"), Not(Contains("txid"))));
    EXPECT_THAT(Names({}),
                AllOf(Contains("txid"), Contains("bucket"), Contains("wallet"), Not(Contains("tracepoint")), Not(Contains("build_id"))));
}

TEST_F(LayoutTest, WholeEventsOnlyForJsonWithoutFields)
{
    EXPECT_TRUE(Make({.format = Format::JsonLines})->WholeEvents());
    EXPECT_FALSE(Make({.format = Format::JsonLines, .fields = {"ts"}})->WholeEvents());
    EXPECT_FALSE(Make({.format = Format::JsonLines, .each = "cut"})->WholeEvents());
    EXPECT_FALSE(Make({})->WholeEvents());
}

TEST_F(LayoutTest, ShortFormsAndLongOnes)
{
    const auto layout =
        Make({.fields = {"peer_id", "args.addr", "args", "mono_ns", "node_started_at", "shed", "cut[0]", "decoded.x.y[3]"}});
    ASSERT_TRUE(layout);
    EXPECT_EQ(layout->Fields()[0].path.Name(0), "args");
    EXPECT_EQ(layout->Fields()[0].path.Name(1), "peer_id");
    EXPECT_EQ(layout->Fields()[1].path.Depth(), 2U);
    EXPECT_TRUE(layout->NeedsDecoded());
    EXPECT_FALSE(Make({.fields = {"peer_id"}})->NeedsDecoded());
    EXPECT_TRUE(Make({.fields = {"peer_id", "each.hash"}, .each = "decoded.entries"})->NeedsDecoded());
}

TEST_F(LayoutTest, AnArgumentCalledAsAMemberOfTheEvent)
{
    event::TracepointDef def;
    def.provider = "my_node";
    def.name = "thing";
    def.args = {{"node", event::ArgType::Int, event::Unit::None, 8, 0, 0, ""},
                {"each", event::ArgType::Int, event::Unit::None, 8, 0, 0, ""}};
    ASSERT_TRUE(catalogue.AddUser(def));
    EXPECT_THAT(Names({}, {.only = {"my_node"}}), ElementsAre("ts", "event", "node", "args.node", "args.each"));
    EXPECT_EQ(Make({.fields = {"node"}})->Fields()[0].path.Depth(), 1U);
}

TEST_F(LayoutTest, EachElement)
{
    EXPECT_THAT(Names({.each = "decoded.entries"}, {.only = {"net:inbound_message"}}),
                ElementsAre("ts", "event", "node", "peer_id", "addr", "conn_type", "msg_type", "size", "each"));
    const auto layout = Make({.fields = {"ts", "each", "each.hash", "each[0]"}, .each = "decoded.entries"});
    ASSERT_TRUE(layout);
    EXPECT_FALSE(layout->Fields()[0].of_each);
    for (std::size_t i{1}; i < 4; ++i) EXPECT_TRUE(layout->Fields()[i].of_each);
    EXPECT_THAT(Refused({.fields = {"each.hash"}}), HasSubstr("'each.hash' needs --each"));
    EXPECT_THAT(Refused({.each = "peer_id"}), HasSubstr("that is not an array"));
    EXPECT_THAT(Refused({.each = "ts"}), HasSubstr("that is not an array"));
    EXPECT_THAT(Refused({.each = "decoded.entries"}, {.only = {"mempool"}}), HasSubstr("only P2P messages are decoded"));
}

TEST_F(LayoutTest, UnknownFields)
{
    EXPECT_EQ(Refused({.fields = {"per_id"}}), "no event has the field 'per_id'; did you mean 'peer_id'?");
    EXPECT_EQ(Refused({.fields = {"args.per_id"}}), "no event has the field 'args.per_id'; did you mean 'peer_id'?");
    EXPECT_EQ(Refused({.fields = {"mono"}}), "no event has the field 'mono'; did you mean 'mono_ns'?");
    EXPECT_EQ(Refused({.fields = {"decode.entries"}}), "no event has the field 'decode.entries'; did you mean 'decoded'?");
    EXPECT_EQ(Refused({.fields = {"xyzzy"}}),
              "no event has the field 'xyzzy'; there are ts, mono_ns, event, node, pid, node_started_at, tid, "
              "args, cut, faults, shed, decoded, and arguments by their names in docs/tracepoints.md");
    EXPECT_EQ(Refused({.fields = {"args.decoded"}}, {.only = {"mempool:added"}}),
              "no event has the field 'args.decoded'; one of: txid, vsize, fee");
    EXPECT_EQ(Refused({.fields = {"txid"}}, {.only = {"net"}}),
              "no event that passes the filter has the field 'txid': it is of mempool:added");
    EXPECT_EQ(
        Refused({.fields = {"xyzzy"}}, {.only = {"mempool:rejected"}}),
        "no event has the field 'xyzzy'; one of: txid, reason, ts, mono_ns, event, node, pid, node_started_at, tid, args, cut, faults, shed");
    EXPECT_THAT(Refused({.fields = {"decoded.user_agent"}}, {.only = {"mempool"}}), HasSubstr("only P2P messages are decoded"));
    EXPECT_THAT(Refused({.fields = {"ts.x"}}), HasSubstr("'ts' is one value"));
    EXPECT_THAT(Refused({.fields = {"peer_id[0]"}}), HasSubstr("'peer_id' is one value"));
    EXPECT_THAT(Refused({.fields = {"args.peer_id.x"}}), HasSubstr("'peer_id' is one value"));
    EXPECT_THAT(Refused({.fields = {"ts", "event", "ts"}}), HasSubstr("'ts' is named twice"));
    EXPECT_THAT(Refused({.fields = {"a b"}}), HasSubstr("is not a field"));
}

TEST_F(LayoutTest, LossesOfWhatTheFilterTakesOut)
{
    const auto layout = Make({}, {.only = {"addrman:move_to_good", "mempool"}});
    ASSERT_TRUE(layout);
    EXPECT_TRUE(layout->LeavesOut("net:inbound_message"));
    EXPECT_FALSE(layout->LeavesOut("mempool:added"));
    EXPECT_FALSE(layout->LeavesOut("addrman:move_to_good")); // of several layouts
    EXPECT_FALSE(layout->LeavesOut("recording"));            // who knows what was in it
}

TEST(TableOptions, OfTheCommandLine)
{
    EXPECT_EQ(*ParseFormat("csv"), Format::Csv);
    EXPECT_EQ(*ParseFormat("jsonl"), Format::JsonLines);
    EXPECT_THAT(ParseFormat("parquet").GetError().what, HasSubstr("csv or jsonl"));
    std::vector<std::string> fields;
    ASSERT_TRUE(ParseFields("ts,args.peer_id", fields));
    ASSERT_TRUE(ParseFields("each.hash", fields));
    EXPECT_THAT(fields, ElementsAre("ts", "args.peer_id", "each.hash"));
    for (const char* text : {"", "a,", ",a", "a,,b", "a, b"}) EXPECT_FALSE(ParseFields(text, fields)) << text;
}

} // namespace
} // namespace coretap::sinks::table
