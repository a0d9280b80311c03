#include "poll/bitcoin_conf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace coretap::poll {
namespace {

using testing::HasSubstr;
using testing::Optional;

NodeConf Conf(std::string_view text, std::string_view chain = "")
{
    const auto conf{ParseBitcoinConf(text, chain)};
    EXPECT_TRUE(conf) << conf.GetError().what;
    return conf ? *conf : NodeConf{};
}

TEST(BitcoinConf, ValuesAreTrimmedAndTheFirstCounts)
{
    const NodeConf conf{Conf("# comment\n\n rpcuser = alice \nrpcuser=bob\nrpcpassword=a=b c\r\nrpccookiefile=/run/cookie # why\n"
                             "rpcconnect=::1\nrpcport=1234\ndatadir=/data\ndebuglogfile=log/d.log\nserver=0\nunknown=1")};
    EXPECT_THAT(conf.rpcuser, Optional(std::string{"alice"}));
    EXPECT_THAT(conf.rpcpassword, Optional(std::string{"a=b c"}));
    EXPECT_THAT(conf.rpccookiefile, Optional(std::string{"/run/cookie"}));
    EXPECT_THAT(conf.rpcconnect, Optional(std::string{"::1"}));
    EXPECT_THAT(conf.rpcport, Optional(1234));
    EXPECT_THAT(conf.datadir, Optional(std::string{"/data"}));
    EXPECT_THAT(conf.debuglogfile, Optional(std::string{"log/d.log"}));
    EXPECT_FALSE(conf.server);
    EXPECT_EQ("", conf.chain);
    EXPECT_TRUE(Conf("").server);
}

TEST(BitcoinConf, SectionsAreThoseOfTheChain)
{
    constexpr std::string_view TEXT{
        "rpcuser=common\nrpcport=1\ntest.rpcport=2\n[main]\nrpcport=3\n[regtest]\nrpcport=4\nrpcuser=reg\n[other]\nrpcuser=x\n"};
    EXPECT_THAT(Conf(TEXT, "main").rpcport, Optional(3));
    EXPECT_THAT(Conf(TEXT, "").rpcport, Optional(3));
    EXPECT_THAT(Conf(TEXT, "main").rpcuser, Optional(std::string{"common"}));
    EXPECT_THAT(Conf(TEXT, "test").rpcport, Optional(2));
    EXPECT_THAT(Conf(TEXT, "regtest").rpcport, Optional(4));
    EXPECT_THAT(Conf(TEXT, "regtest").rpcuser, Optional(std::string{"reg"}));
    // rpcport of the common part is for main alone
    EXPECT_EQ(std::nullopt, Conf(TEXT, "signet").rpcport);
    EXPECT_THAT(Conf(TEXT, "signet").rpcuser, Optional(std::string{"common"}));
}

TEST(BitcoinConf, TheChainItChooses)
{
    EXPECT_EQ("regtest", Conf("regtest=1\n").chain);
    EXPECT_EQ("test", Conf("testnet=1").chain);
    EXPECT_EQ("", Conf("testnet=0").chain);
    EXPECT_EQ("", Conf("notestnet=1").chain);
    EXPECT_EQ("testnet4", Conf("testnet4=1").chain);
    EXPECT_EQ("signet", Conf("chain=signet\n[signet]\nrpcport=9").chain);
    EXPECT_THAT(Conf("chain=signet\n[signet]\nrpcport=9").rpcport, Optional(9));
    EXPECT_EQ("", Conf("chain=../../etc").chain);
}

TEST(BitcoinConf, NegatedAndPorts)
{
    EXPECT_THAT(Conf("nodebuglogfile=1").debuglogfile, Optional(std::string{"0"}));
    EXPECT_FALSE(Conf("noserver=1").server);
    EXPECT_THAT(Conf("rpcconnect=example.org:99").rpcport, Optional(99));
    EXPECT_THAT(Conf("rpcconnect=example.org:99\nrpcport=7").rpcport, Optional(7));
    EXPECT_EQ(std::nullopt, Conf("rpcport=70000").rpcport);
    EXPECT_EQ(std::nullopt, Conf("rpcconnect=a b").rpcconnect);
    EXPECT_TRUE(Conf("includeconf=more.conf").includes);
}

TEST(BitcoinConf, WhatBitcoinCoreRefusesIsRefusedWithItsLine)
{
    const auto refused = [](std::string_view text) {
        const auto conf{ParseBitcoinConf(text, "")};
        EXPECT_FALSE(conf) << text;
        return conf ? std::string{} : conf.GetError().what;
    };
    EXPECT_THAT(refused("server=1\n-rpcport=1"), HasSubstr("line 2"));
    EXPECT_THAT(refused("\n\nserver"), HasSubstr("line 3"));
    EXPECT_THAT(refused("rpcpassword=a#b"), HasSubstr("line 1"));
    EXPECT_EQ(std::string::npos, refused("rpcpassword=secret#b").find("secret"));
    EXPECT_THAT(refused(std::string((1 << 20) + 1, '\n')), HasSubstr("1 MiB"));
}

TEST(BitcoinConf, CommandLine)
{
    const std::vector<std::string> arguments{"-regtest", "--rpcport=5", "-rpcport=6", "-conf=/etc/b.conf", "-datadir=/d",
                                             "word",     "-",           "-server=0",  "-rpccookiefile=c"};
    const NodeConf conf{ParseNodeCommandLine(arguments)};
    EXPECT_EQ("regtest", conf.chain);
    EXPECT_THAT(conf.rpcport, Optional(6)); // the last one
    EXPECT_THAT(conf.conf, Optional(std::string{"/etc/b.conf"}));
    EXPECT_THAT(conf.datadir, Optional(std::string{"/d"}));
    EXPECT_THAT(conf.rpccookiefile, Optional(std::string{"c"}));
    EXPECT_FALSE(conf.server);

    NodeConf file{Conf("rpcuser=u\n[regtest]\nrpcport=1", "regtest")};
    file.Override(conf);
    EXPECT_THAT(file.rpcport, Optional(6));
    EXPECT_THAT(file.rpcuser, Optional(std::string{"u"}));
    EXPECT_EQ("regtest", file.chain);
}

TEST(BitcoinConf, HostsAndPorts)
{
    const auto split = [](std::string_view text) {
        const auto result{SplitHostPort(text)};
        return result ? result->host + " " + (result->port ? std::to_string(*result->port) : "-") : "none";
    };
    EXPECT_EQ("localhost -", split("localhost"));
    EXPECT_EQ("localhost 1", split("localhost:1"));
    EXPECT_EQ("::1 -", split("::1"));
    EXPECT_EQ("::1 -", split("[::1]"));
    EXPECT_EQ("::1 8332", split("[::1]:8332"));
    for (const std::string_view bad : {"", ":1", "a:", "a:0", "a:65536", "a:x", "[::1", "[::1]8332", "[::1]:", "[]", "a\r\nHost: b", "a b"})
        EXPECT_EQ("none", split(bad)) << bad;
}

} // namespace
} // namespace coretap::poll
