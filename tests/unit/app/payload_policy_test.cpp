#include "app/payload_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "event/catalogue.h"

namespace coretap::app {
namespace {

using testing::Each;
using testing::HasSubstr;

std::uint32_t Of(const PayloadPolicy& policy, std::string_view type) { return policy.snap[event::MessageTypeId(type)]; }

TEST(PayloadPolicy, OneForAll)
{
    EXPECT_THAT(ParsePayloadPolicy("none")->snap, Each(0U));
    EXPECT_FALSE(ParsePayloadPolicy("none")->Any());
    EXPECT_THAT(ParsePayloadPolicy("all")->snap, Each(4'000'000U));
    EXPECT_THAT(ParsePayloadPolicy("80")->snap, Each(80U));
    EXPECT_THAT(ParsePayloadPolicy("4KiB")->snap, Each(4096U));
    EXPECT_THAT(ParsePayloadPolicy("4000000")->snap, Each(4'000'000U));
}

TEST(PayloadPolicy, ByType)
{
    const auto policy = ParsePayloadPolicy("inv=all,tx=80,block=none");
    ASSERT_TRUE(policy);
    EXPECT_EQ(Of(*policy, "inv"), 4'000'000U);
    EXPECT_EQ(Of(*policy, "tx"), 80U);
    EXPECT_EQ(Of(*policy, "block"), 0U);
    EXPECT_EQ(Of(*policy, "ping"), 0U);
    EXPECT_TRUE(policy->Any());

    const auto rest = ParsePayloadPolicy("block=none,*=16,other=1");
    ASSERT_TRUE(rest);
    EXPECT_EQ(Of(*rest, "ping"), 16U);
    EXPECT_EQ(Of(*rest, "block"), 0U);
    EXPECT_EQ(rest->snap[0], 1U);
    EXPECT_EQ(rest->snap.back(), 16U); // ids still without a name
}

TEST(PayloadPolicy, Errors)
{
    const auto what = [](std::string_view text) {
        const auto policy = ParsePayloadPolicy(text);
        EXPECT_FALSE(policy) << text;
        return policy ? std::string{} : policy.GetError().what;
    };
    EXPECT_THAT(what("inf=all"), HasSubstr("unknown message type 'inf'; did you mean 'inv'?"));
    EXPECT_THAT(what("inv=some"), HasSubstr("payload policy of 'inv': 'some' is not a payload size"));
    EXPECT_THAT(what("4000001"), HasSubstr("Bitcoin Core's longest has 4000000"));
    EXPECT_THAT(what("inv=1,inv=2"), HasSubstr("names 'inv' twice"));
    EXPECT_THAT(what("*=1,*=2"), HasSubstr("names '*' twice"));
    EXPECT_THAT(what("inv=1,tx"), HasSubstr("each item is type=size"));
    for (const char* text : {"", "=", ",", "inv=", "=1", "inv=1,", "-1", "ALL"}) EXPECT_FALSE(ParsePayloadPolicy(text)) << text;
}

TEST(PayloadPolicy, SaysWhatItReads)
{
    for (const char* text : {"none", "all", "80", "inv=all,tx=80,*=16", "other=none,block=none,*=all"})
        EXPECT_EQ(ParsePayloadPolicy(ToString(*ParsePayloadPolicy(text)))->snap, ParsePayloadPolicy(text)->snap) << text;
    EXPECT_EQ(ToString(*ParsePayloadPolicy("4KiB")), "4096");
    EXPECT_EQ(ToString(*ParsePayloadPolicy("tx=80,*=all")), "tx=80,*=all");
    PayloadPolicy policy;
    policy.snap.fill(CT_SNAP_WITHHOLD);
    EXPECT_EQ(ToString(policy), "none");
    policy.snap[event::MessageTypeId("inv")] = policy.snap[event::MessageTypeId("tx")] = CT_MAX_PAYLOAD;
    EXPECT_EQ(ToString(policy), "all; only inv,tx");
}

} // namespace
} // namespace coretap::app
