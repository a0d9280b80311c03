#include "event/json.h"

#include <limits>

#include <boost/json.hpp>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "unit/event/event_fixture.h"

namespace coretap::event {
namespace {

using test::Change;
using test::EventMaker;

constexpr NodeLabel NODE{"main", 1'795'338'901};

std::string Json(const Event& event, const NodeLabel& node = NODE)
{
    std::string out;
    AppendJson(out, event, node);
    return out;
}

class EventJson : public testing::Test {
protected:
    EventMaker maker;

    boost::json::object Parse(std::uint16_t tracepoint, const Change& change = {})
    {
        return boost::json::parse(Json(maker.Make(tracepoint, change))).as_object();
    }
};

TEST_F(EventJson, Golden)
{
    std::string all;
    for (const TracepointDef* def : maker.Catalogue().Rows()) all += Json(maker.Make(def->id)) + '\n';
    EXPECT_EQ(all, test::Golden("events.json", all));
}

TEST_F(EventJson, Envelope)
{
    const Event event{maker.Make(id::INBOUND_MESSAGE, {.args = {{"payload", std::string{"\x01\xff", 2}}}})};
    EXPECT_EQ(Json(event),
              R"({"ts":"2026-11-22T09:15:04.123456789Z","mono_ns":5000000000123,"event":"net:inbound_message","node":"main","pid":1234,)"
              R"("node_started_at":1795338901,"tid":1240,"args":{"peer_id":12,"addr":"203.0.113.7:8333","conn_type":"outbound-full-relay",)"
              R"("msg_type":"inv","size":1234,"payload":"01ff"}})");
    const auto unknown = boost::json::parse(Json(event, {})).as_object();
    EXPECT_TRUE(unknown.at("node").is_null());
    EXPECT_TRUE(unknown.at("node_started_at").is_null());
}

TEST_F(EventJson, IntegersAreExact)
{
    constexpr std::int64_t least{std::numeric_limits<std::int64_t>::min()};
    EXPECT_EQ(Parse(id::MEMPOOL_ADDED, {.args = {{"fee", least}}}).at("args").at("fee").as_int64(), least);
    EXPECT_EQ(Parse(id::INBOUND_MESSAGE, {.args = {{"size", -1}}}).at("args").at("size").as_uint64(),
              std::numeric_limits<std::uint64_t>::max());
}

TEST_F(EventJson, NamesOfEnumerations)
{
    EXPECT_EQ(Parse(id::INBOUND_CONNECTION, {.args = {{"network", 3}}}).at("args").at("network").as_string(), "onion");
    EXPECT_EQ(Parse(id::INBOUND_CONNECTION, {.args = {{"network", 99}}}).at("args").at("network").as_int64(), 99);
    EXPECT_EQ(Parse(id::UTXOCACHE_FLUSH, {.args = {{"mode", 3}}}).at("args").at("mode").as_string(), "FORCE_FLUSH");
}

TEST_F(EventJson, HashesAreReversed)
{
    EXPECT_EQ(Parse(id::MEMPOOL_ADDED).at("args").at("txid").as_string(),
              "1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100");
}

TEST_F(EventJson, FaultsCutsSheds)
{
    const auto plain = Parse(id::INBOUND_MESSAGE);
    EXPECT_FALSE(plain.contains("faults"));
    EXPECT_FALSE(plain.contains("cut"));
    EXPECT_FALSE(plain.contains("shed"));
    EXPECT_FALSE(plain.at("args").as_object().contains("payload"));

    const auto bad = Parse(id::INBOUND_MESSAGE, {.args = {{"addr", ""}}, .fault_mask = 0b100010, .cut_mask = 0b001100});
    EXPECT_EQ(boost::json::serialize(bad.at("faults")), R"(["addr","payload"])");
    EXPECT_EQ(boost::json::serialize(bad.at("cut")), R"(["conn_type","msg_type"])");
    EXPECT_TRUE(bad.at("args").at("addr").is_null());
    EXPECT_TRUE(bad.at("args").at("payload").is_null());

    // What the policy cut is told by the size.
    EXPECT_FALSE(Parse(id::INBOUND_MESSAGE, {.args = {{"payload", "abc"}}, .cut_mask = 1u << 5, .flags = CT_F_POLICY}).contains("cut"));
    const auto shed = Parse(id::INBOUND_MESSAGE, {.cut_mask = 1u << 5, .flags = CT_F_SHED});
    EXPECT_TRUE(shed.at("shed").as_bool());
    EXPECT_FALSE(shed.contains("cut"));
}

TEST_F(EventJson, UserDefined)
{
    TracepointDef def;
    def.provider = "my_node";
    def.name = "thing";
    def.args = {{"n", ArgType::Int, Unit::NetworkId, 4, 0, 0, ""},
                {"len", ArgType::Uint, Unit::None, 8, 0, 0, ""},
                {"data", ArgType::Bytes, Unit::None, 8, 64, 1, ""}};
    const std::uint16_t tracepoint{(*maker.Catalogue().AddUser(def))->id};
    EXPECT_EQ(boost::json::serialize(Parse(tracepoint, {.args = {{"n", -1}, {"len", 3}}}).at("args")),
              R"({"n":-1,"len":3,"data":"616263"})");
}

RC_GTEST_PROP(EventJsonProperty, IsAlwaysOneValidObject, ())
{
    EventMaker maker;
    const auto rows = maker.Catalogue().Rows();
    const TracepointDef& def{*rows[*rc::gen::inRange<std::size_t>(0, rows.size())]};
    Change change{.fault_mask = *rc::gen::arbitrary<std::uint16_t>(),
                  .cut_mask = *rc::gen::arbitrary<std::uint16_t>(),
                  .flags = *rc::gen::arbitrary<std::uint8_t>()};
    for (const ArgDef& arg : def.args) {
        if (arg.type == ArgType::String || arg.type == ArgType::Bytes) {
            change.args[arg.name] = *rc::gen::arbitrary<std::string>();
        } else if (arg.type != ArgType::Hash) {
            change.args[arg.name] = *rc::gen::arbitrary<std::int64_t>();
        } else if (*rc::gen::arbitrary<bool>()) {
            change.args[arg.name] = "";
        }
    }
    const std::string label{*rc::gen::arbitrary<std::string>()};
    const std::string json{Json(maker.Make(def.id, change), {label, 1})};
    boost::system::error_code error;
    const auto value = boost::json::parse(json, error);
    RC_ASSERT(!error);
    RC_ASSERT(json.find('\n') == std::string::npos);
    for (const auto& item : value.at("args").as_object())
        RC_ASSERT(def.ArgIndex(std::string_view{item.key().data(), item.key().size()}).has_value());
}

} // namespace
} // namespace coretap::event
