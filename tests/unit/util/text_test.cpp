#include "util/text.h"

#include <array>
#include <limits>

#include <boost/json.hpp>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace coretap::util {
namespace {

std::string Json(std::string_view text)
{
    std::string out;
    AppendJsonString(out, text);
    return out;
}

std::string Printable(std::string_view text)
{
    std::string out;
    AppendPrintable(out, text);
    return out;
}

/** Text that is likely to hold every kind of trouble: pieces of UTF-8, good and bad, between random bytes. */
rc::Gen<std::string> Hostile()
{
    const auto piece = rc::gen::oneOf(
        rc::gen::map(rc::gen::arbitrary<char>(), [](char c) { return std::string(1, c); }), rc::gen::arbitrary<std::string>(),
        rc::gen::element<std::string>("\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                      "\xe2\x82", "\x1b[31m", "\xc2\x9b", "\xe2\x80\xae", "\xe2\x80\xa8", "\xef\xbb\xbf", "\\", "\"",
                                      std::string(1, '\0'), "\xf0\x9f\x98", "\xef\xbf\xbd"));
    return rc::gen::map(rc::gen::container<std::vector<std::string>>(piece), [](const std::vector<std::string>& pieces) {
        std::string text;
        for (const std::string& each : pieces) text += each;
        return text;
    });
}

TEST(JsonString, KeepsWhatIsHarmless)
{
    EXPECT_EQ(Json(""), "\"\"");
    EXPECT_EQ(Json("outbound-full-relay [2001:db8::1]:8333"), "\"outbound-full-relay [2001:db8::1]:8333\"");
    EXPECT_EQ(Json("é€😀\u00a0"), "\"é€😀\u00a0\"");
}

TEST(JsonString, EscapesControls)
{
    EXPECT_EQ(Json("\"\\\b\f\n\r\t"), R"("\"\\\b\f\n\r\t")");
    EXPECT_EQ(Json(std::string_view{"\0\x1b\x7f", 3}), R"("\u0000\u001b\u007f")");
    EXPECT_EQ(Json("\xc2\x80\xc2\x9b\xc2\x9f"), R"("\u0080\u009b\u009f")");
    EXPECT_EQ(Json("\xe2\x80\xa8\xe2\x80\xa9"), R"("\u2028\u2029")");
}

TEST(JsonString, ReplacesInvalidUtf8ByteByByte)
{
    const std::string bad{"\xef\xbf\xbd"};
    EXPECT_EQ(Json("\xff"), '"' + bad + '"');
    EXPECT_EQ(Json("\x80z"), '"' + bad + "z\"");                  // a continuation with nothing before
    EXPECT_EQ(Json("\xc0\xaf"), '"' + bad + bad + '"');           // overlong
    EXPECT_EQ(Json("\xe0\x80\x80"), '"' + bad + bad + bad + '"'); // overlong
    EXPECT_EQ(Json("\xf0\x8f\xbf\xbf"), '"' + bad + bad + bad + bad + '"');
    EXPECT_EQ(Json("\xed\xa0\x80"), '"' + bad + bad + bad + '"');                        // surrogate
    EXPECT_EQ(Json("\xf4\x90\x80\x80"), '"' + bad + bad + bad + bad + '"');              // > U+10FFFF
    EXPECT_EQ(Json("\xe2\x82"), '"' + bad + bad + '"');                                  // cut at the end
    EXPECT_EQ(Json("\xe2\x82z"), '"' + bad + bad + "z\"");                               // cut in the middle
    EXPECT_EQ(Json("\xf4\x8f\xbf\xbd\xed\x9f\xbf"), "\"\xf4\x8f\xbf\xbd\xed\x9f\xbf\""); // the last that are valid
}

RC_GTEST_PROP(JsonString, IsAlwaysValidAndSafe, ())
{
    const std::string text{*Hostile()};
    const std::string json{Json(text)};
    boost::system::error_code error;
    const auto value = boost::json::parse(json, error); // checks UTF-8 as well
    RC_ASSERT(!error);
    RC_ASSERT(value.is_string());
    for (const char c : json) RC_ASSERT(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
    RC_ASSERT(json.find("\xe2\x80\xa8") == std::string::npos);
}

RC_GTEST_PROP(JsonString, ComesBackAsItWent, (const std::vector<std::uint32_t>& codes))
{
    std::string text;
    for (std::uint32_t raw : codes) {
        const std::uint32_t code{raw % 0x110000};
        if (code >= 0xd800 && code < 0xe000) continue;
        if (code < 0x80) {
            text += static_cast<char>(code);
        } else if (code < 0x800) {
            text += {static_cast<char>(0xc0 | code >> 6), static_cast<char>(0x80 | (code & 63))};
        } else if (code < 0x10000) {
            text +=
                {static_cast<char>(0xe0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 63)), static_cast<char>(0x80 | (code & 63))};
        } else {
            text += {static_cast<char>(0xf0 | code >> 18), static_cast<char>(0x80 | (code >> 12 & 63)),
                     static_cast<char>(0x80 | (code >> 6 & 63)), static_cast<char>(0x80 | (code & 63))};
        }
    }
    RC_ASSERT(boost::json::parse(Json(text)).as_string() == text);
}

TEST(Printable, KeepsWhatCanBeSeen)
{
    EXPECT_EQ(Printable("Übergröße €😀 \"x\" /Satoshi:29.0.0/"), "Übergröße €😀 \"x\" /Satoshi:29.0.0/");
    std::string out;
    EXPECT_EQ(AppendPrintable(out, "é\n"), 5U); // é and \x0a
}

TEST(Printable, EscapesTheRest)
{
    EXPECT_EQ(Printable("a\\b"), R"(a\\b)");
    EXPECT_EQ(Printable("\x1b[31m\r\n"), R"(\x1b[31m\x0d\x0a)");
    EXPECT_EQ(Printable("\x7f\xc2\x9b"), R"(\x7f\xc2\x9b)");
    EXPECT_EQ(Printable("\u202e\u2066\u200b\ufeff\u00ad\u2028"), R"(\xe2\x80\xae\xe2\x81\xa6\xe2\x80\x8b\xef\xbb\xbf\xc2\xad\xe2\x80\xa8)");
    EXPECT_EQ(Printable("\xf3\xa0\x80\x81\xef\xbf\xbf\xff"), R"(\xf3\xa0\x80\x81\xef\xbf\xbf\xff)"); // a tag, a non-character
    for (const std::string_view bidi :
         {"\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069", "\u200e", "\u200f", "\u061c"}) {
        EXPECT_EQ(Printable(bidi).substr(0, 2), "\\x");
    }
}

RC_GTEST_PROP(Printable, HidesNothingAndLosesNothing, ())
{
    const std::string text{*Hostile()};
    const std::string shown{Printable(text)};
    std::string back;
    for (std::size_t i{0}; i < shown.size(); ++i) {
        const auto byte{static_cast<unsigned char>(shown[i])};
        RC_ASSERT(byte >= 0x20 && byte != 0x7f);
        RC_ASSERT(!(byte == 0xc2 && static_cast<unsigned char>(shown[i + 1]) < 0xa0)); // C1
        if (shown[i] != '\\') {
            back += shown[i];
        } else if (shown[i + 1] == '\\') {
            back += '\\';
            ++i;
        } else {
            RC_ASSERT(shown[i + 1] == 'x');
            back += static_cast<char>(std::stoi(shown.substr(i + 2, 2), nullptr, 16));
            i += 3;
        }
    }
    RC_ASSERT(back == text);
    RC_ASSERT(boost::json::parse(Json(shown)).as_string() == shown); // valid UTF-8
}

TEST(Quoted, CutsWhatIsLong)
{
    EXPECT_EQ(Quoted("a\n"), R"('a\x0a')");
    EXPECT_EQ(Quoted(std::string(1000, 'a')), "'" + std::string(80, 'a') + "...'");
}

TEST(Hex, BothWays)
{
    const std::byte bytes[]{std::byte{0x00}, std::byte{0x1f}, std::byte{0xff}};
    std::string out{"x"};
    AppendHex(out, bytes);
    EXPECT_EQ(out, "x001fff");
    AppendHexReversed(out, bytes);
    EXPECT_EQ(out, "x001fffff1f00");
    AppendHex(out, {});
    EXPECT_EQ(out, "x001fffff1f00");
}

RC_GTEST_PROP(Hex, IsThatOfEachByte, (const std::vector<std::uint8_t>& bytes))
{
    constexpr std::string_view DIGITS{"0123456789abcdef"};
    std::string expected;
    std::string expected_reversed;
    for (std::size_t i{0}; i < bytes.size(); ++i) {
        expected += {DIGITS[bytes[i] >> 4], DIGITS[bytes[i] & 15]};
        expected_reversed += {DIGITS[bytes[bytes.size() - 1 - i] >> 4], DIGITS[bytes[bytes.size() - 1 - i] & 15]};
    }
    std::string out{"x"};
    AppendHex(out, std::as_bytes(std::span{bytes}));
    RC_ASSERT(out == "x" + expected);
    out = "x";
    AppendHexReversed(out, std::as_bytes(std::span{bytes}));
    RC_ASSERT(out == "x" + expected_reversed);
}

TEST(Hex, EveryByteAtEveryPlace)
{
    // Digits are made eight at a time: all values, in each of four places.
    for (unsigned value{0}; value < 256; ++value) {
        for (std::size_t place{0}; place < 4; ++place) {
            std::array<std::uint8_t, 4> bytes{};
            bytes[place] = static_cast<std::uint8_t>(value);
            std::string out;
            AppendHex(out, std::as_bytes(std::span{bytes}));
            std::string expected(8, '0');
            expected[2 * place] = "0123456789abcdef"[value >> 4];
            expected[2 * place + 1] = "0123456789abcdef"[value & 15];
            EXPECT_EQ(out, expected);
        }
    }
}

TEST(Utf8, IsToldFromOtherBytes)
{
    EXPECT_TRUE(IsUtf8(""));
    EXPECT_TRUE(IsUtf8("plain, é€😀 and \x1b"));
    for (const char* bad : {"\xff", "a\x80", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xf0\x9f\x98"})
        EXPECT_FALSE(IsUtf8(bad));
}

TEST(Printable, InQuotes)
{
    std::string out;
    EXPECT_EQ(AppendPrintableQuoted(out, "a \"b\" \\ \n"), 17u);
    EXPECT_EQ(out, R"("a \"b\" \\ \x0a")");
    out.clear();
    EXPECT_EQ(AppendPrintableQuoted(out, ""), 2u);
    EXPECT_EQ(out, "\"\"");
}

TEST(Number, PlainAndGrouped)
{
    const auto plain = [](auto value) {
        std::string out;
        AppendNumber(out, value);
        return out;
    };
    const auto grouped = [](auto value) {
        std::string out;
        AppendGrouped(out, value);
        return out;
    };
    EXPECT_EQ(plain(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
    EXPECT_EQ(plain(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
    EXPECT_EQ(grouped(std::uint64_t{0}), "0");
    EXPECT_EQ(grouped(std::uint64_t{999}), "999");
    EXPECT_EQ(grouped(std::uint64_t{1000}), "1,000");
    EXPECT_EQ(grouped(std::int64_t{-1234567}), "-1,234,567");
    EXPECT_EQ(grouped(std::int64_t{-123}), "-123");
    EXPECT_EQ(grouped(std::numeric_limits<std::uint64_t>::max()), "18,446,744,073,709,551,615");
    EXPECT_EQ(grouped(std::numeric_limits<std::int64_t>::min()), "-9,223,372,036,854,775,808");
}

} // namespace
} // namespace coretap::util
