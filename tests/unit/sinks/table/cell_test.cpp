#include "sinks/table/cell.h"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

namespace coretap::sinks::table {
namespace {

std::string Csv(std::string_view text, bool guard = false)
{
    std::string out;
    AppendCsvText(out, text, guard);
    return out;
}

std::string CsvOf(std::string_view json, bool guard = false)
{
    const boost::json::value value = boost::json::parse(json);
    std::string out;
    AppendCsvValue(out, &value, guard);
    return out;
}

TEST(CsvCell, QuotesWhereTheyAreNeeded)
{
    EXPECT_EQ(Csv("plain text"), "plain text");
    EXPECT_EQ(Csv(""), R"("")");
    EXPECT_EQ(Csv("a,b"), R"("a,b")");
    EXPECT_EQ(Csv("say \"a\""), R"("say ""a""")");
    EXPECT_EQ(Csv("\""), "\"\"\"\"");
    EXPECT_EQ(Csv("a\nb"), "\"a\nb\"");
    EXPECT_EQ(Csv("a\rb"), "\"a\rb\"");
    EXPECT_EQ(Csv(" a"), R"(" a")");
    EXPECT_EQ(Csv("a\t"), "\"a\t\"");
    EXPECT_EQ(Csv("\x1b[31m\xc3\xa9;'"), "\x1b[31m\xc3\xa9;'"); // exact
}

TEST(CsvCell, ZeroBytesEndNoText)
{
    EXPECT_EQ(Csv(std::string_view{"a\0b\"\0", 5}), "\"a\xef\xbf\xbd"
                                                    "b\"\"\xef\xbf\xbd\"");
}

TEST(CsvCell, FormulasAreExactUnlessGuarded)
{
    for (const char* text : {"=1+1", "+1", "-1", "@SUM(A1)"}) {
        EXPECT_EQ(Csv(text), text);
        EXPECT_EQ(Csv(text, true), std::string{"'"} + text);
    }
    EXPECT_EQ(Csv("=a,b", true), R"("'=a,b")");
    EXPECT_EQ(Csv("\t=1", true), "\"'\t=1\"");
    EXPECT_EQ(Csv("\r=1", true), "\"'\r=1\"");
    EXPECT_EQ(Csv("a=1", true), "a=1");
    EXPECT_EQ(Csv("", true), R"("")");
    EXPECT_EQ(CsvOf("-1", true), "-1"); // a number
    EXPECT_EQ(CsvOf(R"("-1")", true), "'-1");
}

TEST(CsvCell, ValuesByKind)
{
    EXPECT_EQ(CsvOf("null"), "");
    EXPECT_EQ(CsvOf("true"), "true");
    EXPECT_EQ(CsvOf("false"), "false");
    EXPECT_EQ(CsvOf("-9223372036854775808"), "-9223372036854775808");
    EXPECT_EQ(CsvOf("18446744073709551615"), "18446744073709551615");
    EXPECT_EQ(CsvOf("0.1"), "0.1");
    EXPECT_EQ(CsvOf("[]"), "[]");
    EXPECT_EQ(CsvOf(R"([1,"a",null,{"b":[true]}])"), R"("[1,""a"",null,{""b"":[true]}]")");
    EXPECT_EQ(CsvOf("{}"), "{}");
    std::string out;
    AppendCsvValue(out, nullptr, false);
    EXPECT_EQ(out, "");
}

TEST(JsonCell, IsTheSameJsonAgain)
{
    for (const char* json : {"null", "true", "-9223372036854775808", "18446744073709551615", R"("a\"\\\n\u0000\u0085")", "[]", "{}",
                             R"([[],{"a":{"b":[1,2,{}]},"c":""}])"}) {
        const boost::json::value value = boost::json::parse(json);
        std::string out;
        AppendJsonValue(out, &value);
        EXPECT_EQ(out, json);
    }
    std::string out;
    AppendJsonValue(out, nullptr);
    EXPECT_EQ(out, "null");
}

} // namespace
} // namespace coretap::sinks::table
