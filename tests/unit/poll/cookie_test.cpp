#include "poll/cookie.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/poll/fake_rpc.h"

namespace coretap::poll_test {
namespace {

using namespace poll;
using testing::HasSubstr;

TEST(Cookie, IsUserAndPassword)
{
    const auto cookie{ParseCookie("__cookie__:0123456789abcdef")};
    ASSERT_TRUE(cookie);
    EXPECT_EQ("__cookie__", cookie->user);
    EXPECT_EQ("0123456789abcdef", cookie->password);
    EXPECT_EQ("a:b", ParseCookie("u:a:b\n")->password);
    for (const std::string& bad : {std::string{}, std::string{":x"}, std::string{"x:"}, std::string{"x"}, std::string{"a:b\nc"},
                                   std::string("a:\0", 3), std::string(2000, 'a') + ":b"}) {
        EXPECT_FALSE(ParseCookie(bad)) << bad;
    }
}

TEST(Cookie, AFileIsReadUpToALimit)
{
    const TemporaryFolder folder;
    folder.Write("f", std::string(10'000, 'x'));
    const util::Fd fd{::open(folder.Path("f").c_str(), O_RDONLY | O_CLOEXEC)};
    EXPECT_EQ(10'000u, ReadAll(fd.Get(), 10'000)->size());
    EXPECT_FALSE(ReadAll(fd.Get(), 9'999));
    EXPECT_FALSE(ReadAll(-1, 1));
}

struct Found {
    NodeSettings settings;
    util::Result<RpcAccess> access;
};
Found Find(const NodePlace& place, const RpcOverrides& overrides = {})
{
    const NodeSettings settings{FindNodeSettings(place, OpenNodeFile)};
    return {settings, FindRpcAccess(settings, overrides, OpenNodeFile)};
}

TEST(RpcAccess, TheCookieIsInTheFolderOfTheChain)
{
    const TemporaryFolder datadir;
    for (const auto& [chain, folder] : std::map<std::string, std::string>{
             {"main", ""}, {"test", "testnet3/"}, {"testnet4", "testnet4/"}, {"signet", "signet/"}, {"regtest", "regtest/"}}) {
        datadir.Write(folder + ".cookie", "__cookie__:" + chain);
        const auto found{Find({0, datadir.Path(), chain})};
        ASSERT_TRUE(found.access) << found.access.GetError().what;
        EXPECT_EQ("__cookie__", found.access->user);
        EXPECT_EQ(chain, found.access->password);
        EXPECT_EQ("127.0.0.1", found.access->host);
        EXPECT_EQ("the node's cookie", found.access->from);
        EXPECT_EQ(chain, found.settings.place.chain);
    }
    EXPECT_EQ(18443, Find({0, datadir.Path(), "regtest"}).access->port);
    // without a chain: the file's, or main
    EXPECT_EQ("main", Find({0, datadir.Path(), ""}).access->password);
    datadir.Write("bitcoin.conf", "signet=1\n[signet]\nrpcport=99\n");
    EXPECT_EQ("signet", Find({0, datadir.Path(), ""}).access->password);
    EXPECT_EQ(99, Find({0, datadir.Path(), ""}).access->port);
}

TEST(RpcAccess, WhoSaysWhat)
{
    const TemporaryFolder datadir;
    datadir.Write(".cookie", "__cookie__:c");
    datadir.Write("bitcoin.conf", "rpcuser=u\nrpcconnect=localhost:1\n");
    EXPECT_EQ("c", Find({0, datadir.Path(), "main"}).access->password); // a user without password is none
    EXPECT_EQ("localhost", Find({0, datadir.Path(), "main"}).access->host);
    datadir.Write("bitcoin.conf", "rpcuser=u\nrpcpassword=p\nrpcport=5\n");
    auto found{Find({0, datadir.Path(), "main"})};
    EXPECT_EQ("u/p/5", found.access->user + "/" + found.access->password + "/" + std::to_string(found.access->port));
    found = Find({0, datadir.Path(), "main"}, {.host = "h", .port = 6, .user = "x", .password = "y"});
    EXPECT_EQ("h/6/x/y",
              found.access->host + "/" + std::to_string(found.access->port) + "/" + found.access->user + "/" + found.access->password);
    datadir.Write("elsewhere", "a:b");
    found = Find({0, datadir.Path(), "main"}, {.cookie_file = datadir.Path("elsewhere")});
    EXPECT_EQ("b", found.access->password);
    datadir.Write("bitcoin.conf", "rpccookiefile=mine\n");
    datadir.Write("mine", "a:mine");
    EXPECT_EQ("mine", Find({0, datadir.Path(), "main"}).access->password);
}

TEST(RpcAccess, WhatIsWrongIsSaid)
{
    const TemporaryFolder datadir;
    auto found{Find({0, datadir.Path(), "main"})};
    ASSERT_FALSE(found.access);
    EXPECT_EQ(util::Errc::NotFound, found.access.GetError().code);
    EXPECT_THAT(found.access.GetError().what, HasSubstr(datadir.Path(".cookie")));

    datadir.Write("bitcoin.conf", "includeconf=x\n");
    EXPECT_THAT(Find({0, datadir.Path(), "main"}).access.GetError().what, HasSubstr("includeconf"));
    datadir.Write("bitcoin.conf", "rubbish\n");
    EXPECT_THAT(Find({0, datadir.Path(), "main"}).access.GetError().what, HasSubstr("bitcoin.conf line 1"));
    datadir.Write("bitcoin.conf", "server=0\n");
    EXPECT_THAT(Find({0, datadir.Path(), "main"}).access.GetError().what, HasSubstr("server=1"));
    datadir.Write("bitcoin.conf", "");
    datadir.Write(".cookie", "half");
    EXPECT_THAT(Find({0, datadir.Path(), "main"}).access.GetError().what, HasSubstr("user:password"));
    EXPECT_FALSE(Find({0, "/nowhere", "main"}).access);
}

TEST(DebugLog, IsFoundWhereTheConfigurationPutsIt)
{
    const TemporaryFolder datadir;
    datadir.Write("regtest/debug.log", "default");
    datadir.Write("regtest/logs/other.log", "other");
    const auto text = [&]() -> std::string {
        const auto fd{OpenDebugLog(FindNodeSettings({0, datadir.Path(), "regtest"}, OpenNodeFile), OpenNodeFile)};
        return fd ? *ReadAll(fd->Get(), 100) : fd.GetError().what;
    };
    EXPECT_EQ("default", text());
    datadir.Write("bitcoin.conf", "debuglogfile=logs/other.log\n");
    EXPECT_EQ("other", text());
    datadir.Write("bitcoin.conf", "nodebuglogfile=1\n");
    EXPECT_THAT(text(), HasSubstr("writes no debug.log"));
}

} // namespace
} // namespace coretap::poll_test
