#include "poll/raw_addrman.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace coretap::poll {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr std::int64_t NOW{1'800'000'000};

util::Result<RawAddrmanFacts> Read(std::string_view text, std::size_t piece = 1 << 20)
{
    RawAddrmanReader reader{NOW};
    for (std::size_t at{0}; at < text.size(); at += piece) reader.Take(text.substr(at, piece));
    return reader.Finish();
}

std::string Entry(std::string_view network, std::int64_t time, std::string_view source = "ipv4", std::string_view more = "")
{
    return fmt::format(
        R"({{"address":"1.2.3.4","port":8333,"services":1033,"time":{},"network":"{}","source":"5.6.7.8","source_network":"{}"{}}})", time,
        network, source, more);
}

const std::string GOOD{
    fmt::format(R"({{"result":{{"new":{{"0/1":{},"0/2":{},"1023/63":{},"5/5":{}}},"tried":{{"1/1":{}}}}},"error":null,"id":0}})"
                "\n",
                Entry("ipv4", NOW - 60, "onion"), Entry("onion", NOW - 31 * 86'400, "onion"), Entry("ipv4", NOW + 601),
                Entry("ipv4", NOW - 5 * 86'400, "ipv6", R"(,"mapped_as":7,"source_mapped_as":8)"), Entry("i2p", NOW))};

void ExpectGood(const RawAddrmanFacts& facts)
{
    EXPECT_EQ(4u, facts.in_new.all.entries);
    EXPECT_EQ(1u, facts.in_new.all.future);
    EXPECT_EQ(1u, facts.in_new.all.too_old);
    EXPECT_THAT(facts.in_new.all.age_s, ElementsAre(1, 0, 0, 0, 1, 0, 0, 1));
    EXPECT_EQ(3u, facts.in_new.by_network.at("ipv4").entries);
    EXPECT_EQ(1u, facts.in_new.by_network.at("onion").too_old);
    EXPECT_THAT(facts.in_new.by_source_network, ElementsAre(Pair("ipv4", 1), Pair("ipv6", 1), Pair("onion", 2)));
    EXPECT_EQ(1u, facts.in_new.mapped_as);
    EXPECT_EQ(1u, facts.tried.all.entries);
    EXPECT_EQ(1u, facts.tried.by_network.at("i2p").entries);
    EXPECT_EQ(0u, facts.unreadable);
}

TEST(RawAddrman, IsSummedUp)
{
    const auto facts{Read(GOOD)};
    ASSERT_TRUE(facts) << facts.GetError().what;
    ExpectGood(*facts);
}

TEST(RawAddrman, HoweverItIsCut)
{
    for (std::size_t piece{1}; piece < 70; ++piece) {
        const auto facts{Read(GOOD, piece)};
        ASSERT_TRUE(facts) << piece << facts.GetError().what;
        ExpectGood(*facts);
    }
}

TEST(RawAddrman, EndingAnywhereItIsAnErrorAndNoCrash)
{
    for (std::size_t size{0}; size + 2 < GOOD.size(); ++size) EXPECT_FALSE(Read(GOOD.substr(0, size))) << size;
}

TEST(RawAddrman, EmptyTables)
{
    const auto facts{Read(R"({"result":{"new":{},"tried":{}},"error":null,"id":0})")};
    ASSERT_TRUE(facts);
    EXPECT_EQ(0u, facts->in_new.all.entries);
}

TEST(RawAddrman, EntriesThatLackWhatIsCountedAreCountedApart)
{
    const auto facts{
        Read(R"({"result":{"new":{"a":{},"b":{"time":"x","network":"ipv4"},"c":{"time":1e5,"network":"ipv4"},)"
             R"("d":{"time":-5,"network":"ipv4"},"e":{"time":9223372036854775807,"network":"ipv4"},"f":{"time":18446744073709551615,)"
             R"("network":"ipv4"},"g":{"time":5,"network":["ipv4"]},"h":[{"time":5}],"i":7},"tried":[],"else":{"a":{"time":5}}}})")};
    ASSERT_TRUE(facts) << facts.GetError().what;
    EXPECT_EQ(0u, facts->in_new.all.entries);
    EXPECT_EQ(8u, facts->unreadable);
}

TEST(RawAddrman, NetworksWithoutEndAreBounded)
{
    std::string text{R"({"result":{"new":{)"};
    for (int i{0}; i < 1000; ++i)
        text += fmt::format("{}\"{}\":{}", i == 0 ? "" : ",", i, Entry(fmt::format("{}{}", i, std::string(200, 'n')), NOW));
    text += "}}}";
    const auto facts{Read(text)};
    ASSERT_TRUE(facts);
    EXPECT_EQ(1000u, facts->in_new.all.entries);
    EXPECT_EQ(MAX_WORDS + 1, facts->in_new.by_network.size());
    EXPECT_EQ(1000 - MAX_WORDS, facts->in_new.by_network.at("*other*").entries);
    for (const auto& [name, group] : facts->in_new.by_network) EXPECT_LE(name.size(), 64u);
}

TEST(RawAddrman, WhatIsNoAnswerToItIsAnError)
{
    for (const std::string& bad : {std::string{"{}"}, std::string{"[]"}, std::string{"5"},
                                   std::string{R"({"result":null,"error":{"code":-1,"message":"x"}})"}, std::string{R"({"result":[]})"},
                                   std::string{"{\"result\":{}} x"}, std::string(10'000, '['), std::string{"\xff\xfe"}, std::string{}}) {
        const auto facts{Read(bad)};
        ASSERT_FALSE(facts) << bad.substr(0, 100);
        EXPECT_THAT(facts.GetError().what, HasSubstr("getrawaddrman"));
    }
    RawAddrmanReader reader{NOW};
    EXPECT_FALSE(reader.Take("x")); // says so at once
    EXPECT_FALSE(reader.Take("{}"));
}

} // namespace
} // namespace coretap::poll
