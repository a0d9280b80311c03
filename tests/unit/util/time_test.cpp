#include "util/time.h"

#include <ctime>
#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace coretap::util {
namespace {

using namespace std::chrono_literals;

std::string Utc(std::int64_t utc_ns, int digits = 6)
{
    std::string out;
    AppendUtc(out, utc_ns, digits);
    return out;
}

TEST(Utc, Known)
{
    EXPECT_EQ(Utc(0), "1970-01-01T00:00:00.000000Z");
    EXPECT_EQ(Utc(1'795'338'904'123'456'789, 9), "2026-11-22T09:15:04.123456789Z");
    EXPECT_EQ(Utc(1'795'338'904'123'456'789, 6), "2026-11-22T09:15:04.123456Z");
    EXPECT_EQ(Utc(1'795'338'904'123'456'789, 0), "2026-11-22T09:15:04Z");
    EXPECT_EQ(Utc(951'782'400'000'000'000, 6), "2000-02-29T00:00:00.000000Z");
    EXPECT_EQ(Utc(999'999'999), "1970-01-01T00:00:00.999999Z"); // cut, not rounded
    EXPECT_EQ(Utc(-1, 9), "1969-12-31T23:59:59.999999999Z");
    EXPECT_EQ(Utc(std::numeric_limits<std::int64_t>::max()), "2262-04-11T23:47:16.854775Z");
    EXPECT_EQ(Utc(std::numeric_limits<std::int64_t>::min()), "1677-09-21T00:12:43.145224Z");
    std::string out;
    AppendUtcTimeOfDay(out, 1'795'338'904'123'456'789, 6);
    EXPECT_EQ(out, "09:15:04.123456");
}

RC_GTEST_PROP(Utc, AgreesWithTheCLibrary, (std::int64_t utc_ns))
{
    const std::time_t second{utc_ns >= 0 ? utc_ns / 1'000'000'000 : (utc_ns + 1) / 1'000'000'000 - 1};
    std::tm parts{};
    gmtime_r(&second, &parts);
    char text[32];
    std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
    RC_ASSERT(Utc(utc_ns, 0) == text);
    RC_ASSERT(Utc(utc_ns, 0) == text); // from the cache
}

TEST(Duration, Parses)
{
    EXPECT_EQ(*ParseDuration("500ms"), 500ms);
    EXPECT_EQ(*ParseDuration("30s"), 30s);
    EXPECT_EQ(*ParseDuration("2m"), 2min);
    EXPECT_EQ(*ParseDuration("1h"), 1h);
    EXPECT_EQ(*ParseDuration("0s"), 0s);
    EXPECT_EQ(*ParseDuration("10us"), 10us);
    EXPECT_EQ(*ParseDuration("7d"), 168h);
    EXPECT_EQ(*ParseDuration("106751d"), 24h * 106751);
}

TEST(Utc, ParsesWhatItWrites)
{
    for (const std::int64_t ns : {std::int64_t{0}, std::int64_t{1'795'338'904'123'456'789}, std::int64_t{951'782'400'000'000'000}}) {
        std::string text;
        AppendUtc(text, ns, 9);
        EXPECT_EQ(*ParseUtc(text), ns) << text;
    }
    constexpr std::int64_t MIDNIGHT{1'795'305'600'000'000'000};
    constexpr std::int64_t SECOND{1'000'000'000};
    EXPECT_EQ(*ParseUtc("2026-11-22"), MIDNIGHT);
    EXPECT_EQ(*ParseUtc("2026-11-22T09:15Z"), MIDNIGHT + (9 * 3600 + 15 * 60) * SECOND);
    EXPECT_EQ(*ParseUtc("2026-11-22 09:15:04"), MIDNIGHT + (9 * 3600 + 15 * 60 + 4) * SECOND);
    EXPECT_EQ(*ParseUtc("2026-11-22t00:00:00.5z"), MIDNIGHT + SECOND / 2);
    EXPECT_EQ(*ParseUtc("2024-02-29"), 1'709'164'800 * SECOND);
}

TEST(Utc, Refuses)
{
    for (const char* text : {"", "now", "2026", "2026-11", "2026-13-01", "2026-02-29", "2026-11-22T", "2026-11-22T09", "2026-11-22T24:00",
                             "2026-11-22T09:60", "2026-11-22T09:15:60", "2026-11-22T09:15:04.", "2026-11-22T09:15:04.1234567890",
                             "2026-11-22T09:15:04+01:00", "1969-12-31", "2262-01-01", "2026-11-22Z", " 2026-11-22", "\x1b[31m"}) {
        const auto parsed = ParseUtc(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_EQ(parsed.GetError().code, Errc::Usage);
        EXPECT_EQ(parsed.GetError().what.find('\x1b'), std::string::npos);
    }
}

TEST(Duration, Refuses)
{
    for (const char* text :
         {"", "s", "1", "-1s", "+1s", "1 s", "1.5s", "1S", "1sec", "106752d", "99999999999999999999s", "1s ", "\x1b[31m"}) {
        const auto parsed = ParseDuration(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_EQ(parsed.GetError().code, Errc::Usage);
        EXPECT_EQ(parsed.GetError().what.find('\x1b'), std::string::npos);
    }
    EXPECT_EQ(ParseDuration("30").GetError().what, "duration '30' has no unit: 30s for seconds, or ms, m, h");
}

TEST(Size, Parses)
{
    EXPECT_EQ(*ParseSize("4096"), 4096U);
    EXPECT_EQ(*ParseSize("16MiB"), 16U << 20);
    EXPECT_EQ(*ParseSize("64KiB"), 64U << 10);
    EXPECT_EQ(*ParseSize("1GiB"), 1U << 30);
    EXPECT_EQ(*ParseSize("100kB"), 100'000U);
    EXPECT_EQ(*ParseSize("18446744073709551615"), std::numeric_limits<std::uint64_t>::max());
}

TEST(Size, Refuses)
{
    for (const char* text : {"", "MiB", "16M", "16 MiB", "16mib", "-1", "18446744073709551616", "18446744073709551615KiB", "0x10"})
        EXPECT_FALSE(ParseSize(text)) << text;
}

} // namespace
} // namespace coretap::util
