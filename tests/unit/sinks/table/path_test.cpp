#include "sinks/table/path.h"

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace coretap::sinks::table {
namespace {

using testing::HasSubstr;

TEST(Path, FindsMembersAndElements)
{
    const boost::json::value root = boost::json::parse(R"({"a":1,"b":{"c-d":[{"x":null},[7,8]]}})");
    const auto find = [&](std::string_view text) { return Path::Parse(text)->Find(root); };
    EXPECT_EQ(*find("a"), 1);
    EXPECT_EQ(find("b.c-d")->as_array().size(), 2U);
    EXPECT_TRUE(find("b.c-d[0].x")->is_null());
    EXPECT_EQ(*find("b.c-d[1][1]"), 8);
    for (const char* text :
         {"c", "a.b", "a[0]", "b[0]", "b.c-d[2]", "b.c-d.x", "b.c-d[1][2]", "b.c-d[0].y", "b.c-d[18446744073709551615]"}) {
        EXPECT_EQ(find(text), nullptr) << text;
    }
}

TEST(Path, KnowsItsSteps)
{
    const Path path{*Path::Parse("each.a[1].b")};
    EXPECT_EQ(path.First(), "each");
    EXPECT_EQ(path.Depth(), 4U);
    EXPECT_EQ(path.Name(1), "a");
    EXPECT_EQ(path.Name(2), "");
    EXPECT_EQ(path.Name(9), "");
    const boost::json::value element = boost::json::parse(R"({"a":[0,{"b":"x"}]})");
    EXPECT_EQ(*path.Find(element, 1), "x");
    EXPECT_EQ(Path::Parse("peer_id")->Under("args").Name(1), "peer_id");
}

TEST(Path, RefusesWhatIsNone)
{
    for (const char* text : {"", ".", "a.", ".a", "a..b", "a[", "a[]", "a[x]", "a[-1]", "a[1", "a[1]b", "[0]", "a b", "a,b", "a\n", "\"a\"",
                             "a[99999999999999999999]", "a[1]]"}) {
        const auto parsed = Path::Parse(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_EQ(parsed.GetError().code, util::Errc::Usage);
        EXPECT_THAT(parsed.GetError().what, HasSubstr("is not a field"));
    }
}

} // namespace
} // namespace coretap::sinks::table
