// The parts without sockets: targets, cookies, hosts, buckets.
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "web/guard.h"
#include "web/gzip.h"
#include "web/http.h"

namespace coretap {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;
using namespace web;

TEST(ParseTarget, DecodesPathAndQuery)
{
    const auto target = ParseTarget("/api/v1/peers%2F1?node=a%20b+c&closed=1&&x");
    ASSERT_TRUE(target);
    EXPECT_EQ(target->path, "/api/v1/peers/1");
    EXPECT_EQ(target->query.at("node"), "a b c");
    EXPECT_EQ(target->query.at("closed"), "1");
    EXPECT_EQ(target->query.at("x"), "");
}

TEST(ParseTarget, RefusesWhatIsNone)
{
    for (const std::string_view bad : {""sv, "*"sv, "http://x/"sv, "/%"sv, "/%4"sv, "/%zz"sv, "/%00"sv, "/%0a"sv, "/%ff"sv, "/?a=1&a=2"sv,
                                       "/?%=1"sv, "/?1&2&3&4&5&6&7&8&9&10&11&12&13&14&15&16&17"sv})
        EXPECT_FALSE(ParseTarget(bad)) << bad;
}

TEST(HostOf, TakesThePortAndTheBracketsOff)
{
    EXPECT_EQ(HostOf("LocalHost:8338"), "localhost");
    EXPECT_EQ(HostOf("[::1]:80"), "::1");
    EXPECT_EQ(HostOf("[::1]"), "::1");
    EXPECT_EQ(HostOf("host:"), "host");
    EXPECT_EQ(HostOf("example.org."), "example.org");
    for (const std::string_view bad : {"", ":80", "[::1", "host:x", "https://host", "a host", "a@host", "host:99999", "[::1]x"})
        EXPECT_FALSE(HostOf(bad)) << bad;
}

TEST(Headers, AreReadAsTheyAreWritten)
{
    EXPECT_EQ(CookieValue("a=1; coretap_session=xyz; b", "coretap_session"), "xyz");
    EXPECT_EQ(CookieValue("xcoretap_session=xyz", "coretap_session"), "");
    EXPECT_TRUE(AcceptsGzip("br, GZip;q=0.5"));
    EXPECT_FALSE(AcceptsGzip("br, gzip;q=0"));
    EXPECT_FALSE(AcceptsGzip("gzip;q=0.00, deflate"));
    EXPECT_FALSE(AcceptsGzip(""));
    EXPECT_TRUE(EtagMatches("\"a\", W/\"b\"", "\"b\""));
    EXPECT_TRUE(EtagMatches("*", "\"b\""));
    EXPECT_FALSE(EtagMatches("\"a\"", "\"b\""));
}

TEST(Guard, AcceptsOriginsOfTheSameHostOnly)
{
    Request request;
    request.host = "localhost:8338";
    EXPECT_TRUE(Guard::OriginAllowed(request));
    for (const std::string_view good : {"http://localhost:8338", "https://LOCALHOST:8338"}) {
        request.origin = good;
        EXPECT_TRUE(Guard::OriginAllowed(request)) << good;
    }
    for (const std::string_view bad :
         {"null", "http://localhost", "http://evil.example:8338", "file://localhost:8338", "http://localhost:8338.evil"}) {
        request.origin = bad;
        EXPECT_FALSE(Guard::OriginAllowed(request)) << bad;
    }
}

TEST(Guard, KnowsItsHosts)
{
    const Guard guard{"", {"Node.example.org:443"}};
    Request request;
    request.local_address = "192.0.2.5";
    for (const std::string_view good : {"localhost", "127.0.0.1:1", "[::1]:8338", "192.0.2.5:8338", "node.example.org"}) {
        request.host = good;
        EXPECT_TRUE(guard.HostAllowed(request)) << good;
    }
    for (const std::string_view bad : {"", "evil.example", "localhost.evil.example", "192.0.2.6", "127.0.0.1.evil.example"}) {
        request.host = bad;
        EXPECT_FALSE(guard.HostAllowed(request)) << bad;
    }
    request.local_address = "fe80::1%eth0"; // a client leaves its own name for the interface away
    request.host = "[fe80::1]:8338";
    EXPECT_TRUE(guard.HostAllowed(request));
}

TEST(Guard, OtherSitesPagesMayNotFetchButLink)
{
    Request request;
    EXPECT_FALSE(Guard::IsOfAnotherSite(request)) << "no browser";
    request.fetch_site = "cross-site";
    request.fetch_mode = "no-cors";
    EXPECT_TRUE(Guard::IsOfAnotherSite(request));
    request.fetch_mode = "navigate";
    EXPECT_FALSE(Guard::IsOfAnotherSite(request));
}

TEST(Guard, TheCookieIsNotTheToken)
{
    const Guard guard{"a-secret-that-is-long", {}};
    const std::string cookie{guard.SetCookie(true)};
    EXPECT_EQ(cookie.find("a-secret"), std::string::npos);
    EXPECT_NE(cookie.find("HttpOnly"), std::string::npos);
    EXPECT_NE(cookie.find("SameSite=Strict"), std::string::npos);
    EXPECT_NE(cookie.find("Secure"), std::string::npos);
    Request request;
    EXPECT_FALSE(guard.Authorized(request));
    request.authorization = "bearer a-secret-that-is-long"; // in any case
    EXPECT_TRUE(guard.Authorized(request));
    request.authorization = "Bearer a-secret-that-is-lonG";
    EXPECT_FALSE(guard.Authorized(request));
    request.authorization.clear();
    request.cookie = cookie.substr(0, cookie.find(';'));
    EXPECT_TRUE(guard.Authorized(request));
    request.cookie.back() = request.cookie.back() == '0' ? '1' : '0';
    EXPECT_FALSE(guard.Authorized(request));
}

TEST(RateLimiter, GivesEachAddressItsOwnAndStaysBounded)
{
    const auto start = TokenBucket::Clock::now();
    RateLimiter limiter{1, 2};
    EXPECT_TRUE(limiter.Allow("a", start));
    EXPECT_TRUE(limiter.Allow("a", start));
    EXPECT_FALSE(limiter.Allow("a", start));
    EXPECT_TRUE(limiter.Allow("b", start));
    EXPECT_TRUE(limiter.Allow("a", start + 1s));
    EXPECT_FALSE(limiter.Allow("a", start + 1s));
    int allowed{0};
    for (int i{0}; i < 100'000; ++i) allowed += limiter.Allow("x" + std::to_string(i), start + 1s) ? 1 : 0;
    EXPECT_LE(limiter.Addresses(), 1025u);
    EXPECT_LE(allowed, 1030); // those without a place share one bucket
    EXPECT_TRUE(limiter.Allow("later", start + 10s)) << "full buckets make room";
}

TEST(LimitKey, OfIpv6IsTheNetwork)
{
    EXPECT_EQ(LimitKey("2001:db8:1:2::1"), LimitKey("2001:db8:1:2:ffff::9"));
    EXPECT_NE(LimitKey("2001:db8:1:2::1"), LimitKey("2001:db8:1:3::1"));
    EXPECT_EQ(LimitKey("192.0.2.1"), "192.0.2.1");
}

} // namespace
} // namespace coretap
