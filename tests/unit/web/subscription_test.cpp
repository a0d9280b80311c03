#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "web/subscription.h"

namespace coretap {
namespace {

using testing::HasSubstr;

const event::Catalogue TRACEPOINTS;

TEST(Subscription, ReadsEverything)
{
    const auto parsed = web::ParseSubscription(
        R"({"type":"subscribe","filter":{"only":["net"],"peer":[2,1,2],"msg":["inv","tx"],"direction":"in","conn_type":["inbound"],)"
        R"("node":["main"]},"decode":"short","max_events_per_s":500,"snapshot":true,"resume_after":7})",
        TRACEPOINTS);
    ASSERT_TRUE(parsed) << parsed.GetError().what;
    EXPECT_EQ(parsed->decode, event::Decode::Short);
    EXPECT_EQ(parsed->max_events_per_s, 500);
    EXPECT_EQ(parsed->snapshots, web::WantSnapshots::EverySecond);
    EXPECT_EQ(parsed->resume_after, 7u);
    EXPECT_FALSE(parsed->filter.WantsTracepoint(*TRACEPOINTS.Find(event::id::MEMPOOL_ADDED)));
}

TEST(Subscription, EqualOnesHaveOneKey)
{
    const auto key = [](std::string_view text) {
        const auto parsed = web::ParseSubscription(text, TRACEPOINTS);
        EXPECT_TRUE(parsed) << text;
        return parsed ? parsed->key : std::string{};
    };
    const std::string first{key(R"({"type":"subscribe","filter":{"msg":["inv","tx"],"peer":[1,2]}})")};
    EXPECT_EQ(first, key(R"({"snapshot":true,"resume_after":3,"filter":{"peer":[2,1],"msg":["tx","inv","tx"]},"type":"subscribe"})"));
    EXPECT_NE(first, key(R"({"type":"subscribe","filter":{"msg":["inv"],"peer":[1,2]}})"));
    EXPECT_NE(first, key(R"({"type":"subscribe","filter":{"msg":["inv","tx"],"peer":[1,2]},"decode":"full"})"));
    EXPECT_NE(first, key(R"({"type":"subscribe","filter":{"msg":["inv","tx"],"peer":[1,2]},"max_events_per_s":5})"));
    EXPECT_NE(key(R"({"type":"subscribe","filter":{"node":["a 1:b"]}})"), key(R"({"type":"subscribe","filter":{"node":["a","b"]}})"));
}

TEST(Subscription, SaysWhatIsWrong)
{
    const std::pair<std::string_view, std::string_view> cases[]{
        {"", "no JSON"},
        {"{", "no JSON"},
        {"[]", "JSON object"},
        {"{}", "subscribe"},
        {R"({"type":"unsubscribe"})", "subscribe"},
        {R"({"type":"subscribe","filtre":{}})", "no member 'filtre'"},
        {R"({"type":"subscribe","filter":{"message":[]}})", "no member 'message'"},
        {R"({"type":"subscribe","filter":{"msg":["inf"]}})", "did you mean 'inv'"},
        {R"({"type":"subscribe","filter":{"msg":["inv,tx"]}})", "commas"},
        {R"({"type":"subscribe","filter":{"msg":[1]}})", "strings"},
        {R"({"type":"subscribe","filter":{"peer":[-1]}})", "peer ids"},
        {R"({"type":"subscribe","filter":{"only":["nett"]}})", "nett"},
        {R"({"type":"subscribe","decode":"all"})", "\"full\""},
        {R"({"type":"subscribe","max_events_per_s":0})", "0.01"},
        {R"({"type":"subscribe","max_events_per_s":1e-300})", "0.01"},
        {R"({"type":"subscribe","max_events_per_s":1e300})", "0.01"},
        {R"({"type":"subscribe","events":0})", "true or false"},
        {R"({"type":"subscribe","snapshot":1})", "true or false"},
        {R"({"type":"subscribe","resume_after":-1})", "seq"},
        {R"([[[[[[[[[[[[]]]]]]]]]]]])", "no JSON"},
    };
    for (const auto& [text, what] : cases) {
        const auto parsed = web::ParseSubscription(text, TRACEPOINTS);
        ASSERT_FALSE(parsed) << text;
        EXPECT_THAT(parsed.GetError().what, HasSubstr(std::string{what})) << text;
    }
    std::string many{R"({"type":"subscribe","filter":{"peer":[0)"};
    for (int i{1}; i < 65; ++i) many += "," + std::to_string(i);
    EXPECT_FALSE(web::ParseSubscription(many + "]}}", TRACEPOINTS));
}

} // namespace
} // namespace coretap
