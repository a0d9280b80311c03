#include "pipeline/filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/event/event_fixture.h"

namespace coretap::pipeline {
namespace {

namespace id = event::id;
using event::TracepointDef;
using test::Change;
using test::EventMaker;
using testing::HasSubstr;
using util::Errc;

class FilterTest : public testing::Test {
protected:
    EventMaker maker;

    Filter Make(const FilterSpec& spec)
    {
        auto filter = Filter::Make(spec, maker.Catalogue());
        EXPECT_TRUE(filter) << filter.GetError().what;
        return std::move(*filter);
    }
    bool Passes(const Filter& filter, std::uint16_t tracepoint, const Change& change = {})
    {
        return filter.Matches(maker.Make(tracepoint, change), "main");
    }
    /** Names of the tracepoints whose default event passes, coretap's own left out. */
    std::vector<std::string> Passing(const FilterSpec& spec)
    {
        const Filter filter{Make(spec)};
        std::vector<std::string> names;
        for (const TracepointDef* def : maker.Catalogue().Rows()) {
            if (def->origin == event::Origin::Coretap) {
                EXPECT_TRUE(Passes(filter, def->id)) << def->FullName();
                EXPECT_TRUE(filter.WantsTracepoint(*def));
            } else if (Passes(filter, def->id)) {
                EXPECT_TRUE(filter.WantsTracepoint(*def)) << def->FullName();
                names.push_back(def->FullName());
            }
        }
        return names;
    }
    std::string MakeError(const FilterSpec& spec)
    {
        const auto filter = Filter::Make(spec, maker.Catalogue());
        EXPECT_FALSE(filter);
        if (filter) return {};
        EXPECT_EQ(filter.GetError().code, Errc::Usage);
        return filter.GetError().what;
    }
};

TEST_F(FilterTest, NothingAskedEverythingPasses)
{
    EXPECT_EQ(Passing({}).size(), 23U);
    EXPECT_FALSE(Make({}).WantedMessageTypes());
    EXPECT_FALSE(Make({}).Names(*maker.Catalogue().Find(id::UTXOCACHE_ADD)));
}

TEST_F(FilterTest, Only)
{
    EXPECT_THAT(Passing({.only = {"mempool:added", "validation"}}), testing::ElementsAre("validation:block_connected", "mempool:added"));
    EXPECT_THAT(Passing({.only = {"flush"}}), testing::ElementsAre("utxocache:flush"));
    EXPECT_EQ(Passing({.only = {"net"}}).size(), 7U);
    EXPECT_EQ(Passing({.only = {"addrman:move_to_good"}}).size(), 2U); // both layouts
    EXPECT_TRUE(Make({.only = {"utxocache:add"}}).Names(*maker.Catalogue().Find(id::UTXOCACHE_ADD)));
}

TEST_F(FilterTest, OnlyNamesNothing)
{
    EXPECT_THAT(MakeError({.only = {"mempool:aded"}}), HasSubstr("no tracepoint is called 'mempool:aded'; did you mean 'mempool:added'?"));
    EXPECT_THAT(MakeError({.only = {"mempol"}}), HasSubstr("did you mean 'mempool'?"));
    EXPECT_THAT(MakeError({.only = {"block_conected"}}), HasSubstr("did you mean 'validation:block_connected'?"));
    EXPECT_THAT(MakeError({.only = {"mempool:xyzzyplugh"}}),
                HasSubstr("there are mempool:added, mempool:removed, mempool:replaced, mempool:rejected"));
    EXPECT_THAT(MakeError({.only = {"qqqqqqqqqqq"}}),
                HasSubstr("there are the providers net, validation, mempool, utxocache, coin_selection, addrman"));
    EXPECT_THAT(MakeError({.only = {"coretap:lost"}}), HasSubstr("no tracepoint is called"));
    EXPECT_THAT(MakeError({.only = {":"}}), HasSubstr("no tracepoint is called"));
    EXPECT_EQ(MakeError({.only = {"\x1b[31m"}}).find('\x1b'), std::string::npos);
}

TEST_F(FilterTest, AmbiguousName)
{
    TracepointDef def;
    def.provider = "other_pool";
    def.name = "added";
    ASSERT_TRUE(maker.Catalogue().AddUser(def));
    EXPECT_THAT(MakeError({.only = {"added"}}), HasSubstr("'added' is ambiguous: mempool:added or other_pool:added?"));
}

TEST_F(FilterTest, Peers)
{
    EXPECT_THAT(Passing({.peers = {12}}),
                testing::ElementsAre("net:inbound_message", "net:outbound_message", "net:inbound_connection", "net:outbound_connection",
                                     "net:evicted_inbound_connection", "net:misbehaving_connection", "net:closed_connection"));
    EXPECT_THAT(Passing({.peers = {13}}), testing::IsEmpty());
    EXPECT_FALSE(Passes(Make({.peers = {12}}), id::INBOUND_MESSAGE, {.fault_mask = 1}));
    TracepointDef def;
    def.provider = "my_node";
    def.name = "thing";
    def.args = {{"x", event::ArgType::Uint, event::Unit::None, 8, 0, 0, ""},
                {"peer_id", event::ArgType::Int, event::Unit::None, 8, 0, 0, ""}};
    const auto added = maker.Catalogue().AddUser(def);
    EXPECT_TRUE(Passes(Make({.peers = {5, 12}}), (*added)->id));
}

TEST_F(FilterTest, MessageTypes)
{
    EXPECT_THAT(Passing({.msg_types = {"inv", "tx"}}), testing::ElementsAre("net:inbound_message", "net:outbound_message"));
    const Filter filter{Make({.msg_types = {"tx", "other"}})};
    EXPECT_FALSE(Passes(filter, id::INBOUND_MESSAGE));
    EXPECT_TRUE(Passes(filter, id::INBOUND_MESSAGE, {.args = {{"msg_type", "tx"}}}));
    EXPECT_TRUE(Passes(filter, id::INBOUND_MESSAGE, {.args = {{"msg_type", "brandnew"}}}));
    EXPECT_FALSE(Passes(filter, id::INBOUND_MESSAGE, {.args = {{"msg_type", ""}}, .fault_mask = 1u << 3}));
    const auto wanted = filter.WantedMessageTypes();
    ASSERT_TRUE(wanted);
    EXPECT_EQ(std::ranges::count(*wanted, true), 2);
    EXPECT_TRUE((*wanted)[0]);
    EXPECT_TRUE((*wanted)[event::MessageTypeId("tx")]);
}

TEST_F(FilterTest, ConnectionTypes)
{
    EXPECT_EQ(Passing({.conn_types = {"outbound-full-relay"}}).size(), 6U); // not misbehaving_connection
    const Filter filter{Make({.conn_types = {"inbound", "other"}})};
    EXPECT_FALSE(Passes(filter, id::INBOUND_MESSAGE));
    EXPECT_TRUE(Passes(filter, id::CLOSED_CONNECTION, {.args = {{"conn_type", "inbound"}}}));
    EXPECT_TRUE(Passes(filter, id::CLOSED_CONNECTION, {.args = {{"conn_type", "brandnew"}}}));
    EXPECT_FALSE(Passes(filter, id::CLOSED_CONNECTION, {.args = {{"conn_type", "brandnew"}}, .fault_mask = 1u << 2}));
}

TEST_F(FilterTest, Directions)
{
    EXPECT_THAT(Passing({.direction = Direction::In}),
                testing::ElementsAre("net:inbound_message", "net:inbound_connection", "net:evicted_inbound_connection"));
    EXPECT_THAT(Passing({.direction = Direction::Out}),
                testing::ElementsAre("net:outbound_message", "net:outbound_connection", "net:closed_connection"));
    EXPECT_TRUE(Passes(Make({.direction = Direction::In}), id::CLOSED_CONNECTION, {.args = {{"conn_type", "inbound"}}}));
}

TEST_F(FilterTest, Nodes)
{
    EXPECT_EQ(Passing({.nodes = {"main"}}).size(), 23U);
    EXPECT_EQ(Passing({.nodes = {"x", "1234"}}).size(), 23U);
    EXPECT_TRUE(Passing({.nodes = {"test"}}).empty());
}

TEST_F(FilterTest, KindsAddUp)
{
    EXPECT_THAT(
        Passing({.only = {"net"}, .peers = {12}, .msg_types = {"inv"}, .direction = Direction::Out, .conn_types = {"outbound-full-relay"}}),
        testing::ElementsAre("net:outbound_message"));
    EXPECT_THAT(MakeError({.only = {"mempool"}, .peers = {1}}), HasSubstr("lets nothing pass"));
    EXPECT_THAT(MakeError({.only = {"net:inbound_message"}, .direction = Direction::Out}), HasSubstr("lets nothing pass"));
}

TEST(FilterParse, Values)
{
    FilterSpec spec;
    EXPECT_TRUE(ParseOnly("net,mempool:added", spec));
    EXPECT_TRUE(ParseOnly("flush", spec));
    EXPECT_THAT(spec.only, testing::ElementsAre("net", "mempool:added", "flush"));
    EXPECT_TRUE(ParsePeers("0,12", spec));
    EXPECT_THAT(spec.peers, testing::ElementsAre(0, 12));
    EXPECT_TRUE(ParseMessageTypes("inv,other", spec));
    EXPECT_TRUE(ParseDirection("inbound", spec));
    EXPECT_EQ(spec.direction, Direction::In);
    EXPECT_TRUE(ParseDirection("out", spec));
    EXPECT_EQ(spec.direction, Direction::Out);
    EXPECT_TRUE(ParseConnectionTypes("inbound,manual", spec));
    EXPECT_TRUE(ParseNodes("main,1234", spec));
    EXPECT_THAT(spec.nodes, testing::ElementsAre("main", "1234"));
}

TEST(FilterParse, Errors)
{
    FilterSpec spec;
    const auto what = [](const util::Result<>& result) {
        EXPECT_FALSE(result);
        return result ? std::string{} : result.GetError().what;
    };
    EXPECT_THAT(what(ParseMessageTypes("inf", spec)), HasSubstr("unknown message type 'inf'; did you mean 'inv'?"));
    EXPECT_THAT(what(ParseMessageTypes("qqqqqq", spec)), HasSubstr("one of: other, version, verack"));
    EXPECT_THAT(what(ParseMessageTypes("", spec)), HasSubstr("empty name"));
    EXPECT_THAT(what(ParseMessageTypes("inv,,tx", spec)), HasSubstr("empty name"));
    EXPECT_THAT(what(ParseConnectionTypes("outbound", spec)), HasSubstr("did you mean 'outbound-full-relay'?"));
    EXPECT_THAT(what(ParseDirection("sideways", spec)), HasSubstr("in or out"));
    for (const char* peer : {"x", "-1", "1x", "", "1,", "99999999999999999999"}) EXPECT_FALSE(ParsePeers(peer, spec)) << peer;
    EXPECT_THAT(spec.msg_types, testing::IsEmpty());
}

} // namespace
} // namespace coretap::pipeline
