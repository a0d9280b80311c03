#include "sim/options.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace coretap::sim {
namespace {

using namespace std::chrono_literals;

TEST(ParseDuration, Units)
{
    EXPECT_EQ(*ParseDuration("500ms"), 500ms);
    EXPECT_EQ(*ParseDuration("10s"), 10s);
    EXPECT_EQ(*ParseDuration("2m"), 2min);
    EXPECT_EQ(*ParseDuration("1h"), 1h);
    EXPECT_EQ(*ParseDuration("250us"), 250us);
    EXPECT_EQ(*ParseDuration("3"), 3s);
    EXPECT_EQ(*ParseDuration("1.5s"), 1500ms);
    EXPECT_EQ(*ParseDuration("0s"), 0ns);
}

TEST(ParseDuration, Nonsense)
{
    for (const char* text : {"", "s", "-1s", "5x", "1 s", "10s ", "nan", "inf", "1e300h", "0x10s"})
        EXPECT_FALSE(ParseDuration(text)) << text;
}

Parsed Parse(std::vector<std::string_view> args) { return ParseOptions(args); }

TEST(ParseOptions, Defaults)
{
    const Parsed parsed{Parse({})};
    ASSERT_TRUE(parsed.options);
    EXPECT_EQ(parsed.options->scenario, "mainnet");
    EXPECT_EQ(parsed.options->seed, 1u);
    EXPECT_FALSE(parsed.options->rate);
    EXPECT_FALSE(parsed.options->duration);
    EXPECT_FALSE(parsed.options->count);
}

TEST(ParseOptions, OneDashOrTwo)
{
    const Parsed parsed{Parse({"-datadir=/tmp/node", "-regtest", "-port=18444", "--rate", "0", "--wait-for", "all", "--wait-for",
                               "net:inbound_message", "--duration=2s"})};
    ASSERT_TRUE(parsed.options) << parsed.text;
    EXPECT_EQ(parsed.options->datadir, "/tmp/node");
    EXPECT_EQ(parsed.options->chain, "regtest");
    EXPECT_EQ(parsed.options->port, 18444);
    EXPECT_EQ(parsed.options->rate, 0.0);
    EXPECT_EQ(parsed.options->wait_for.size(), 2u);
    EXPECT_EQ(parsed.options->duration, 2s);
}

TEST(ParseOptions, WrongIsExitTwo)
{
    for (const char* wrong : {"--rate=-1", "--count=0", "--threads=0", "--duration=soon", "--epoch=later", "--frobnicate", "stray"}) {
        const Parsed parsed{Parse({wrong})};
        EXPECT_FALSE(parsed.options) << wrong;
        EXPECT_EQ(parsed.exit_code, 2) << wrong;
        EXPECT_FALSE(parsed.text.empty()) << wrong;
    }
}

TEST(ParseOptions, HelpFitsTheTerminal)
{
    const Parsed parsed{Parse({"--help"})};
    EXPECT_EQ(parsed.exit_code, 0);
    for (std::size_t at{0}; at < parsed.text.size();) {
        const std::size_t end{std::min(parsed.text.find('\n', at), parsed.text.size())};
        EXPECT_LE(end - at, 80u) << parsed.text.substr(at, end - at);
        at = end + 1;
    }
}

} // namespace
} // namespace coretap::sim
