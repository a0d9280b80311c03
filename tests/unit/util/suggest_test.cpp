#include "util/suggest.h"

#include <gtest/gtest.h>

namespace coretap::util {
namespace {

constexpr std::string_view NAMES[]{"inv", "getdata", "tx", "headers", "cmpctblock", "getheaders"};

TEST(Suggest, TypingErrorsAreNear)
{
    EXPECT_EQ(Nearest("headres", NAMES), "headers");
    EXPECT_EQ(Nearest("getdatas", NAMES), "getdata");
    EXPECT_EQ(Nearest("cmptblock", NAMES), "cmpctblock");
    EXPECT_EQ(Nearest("inf", NAMES), "inv");
    EXPECT_EQ(Nearest("cmpct", NAMES), "cmpctblock"); // the beginning of one
}

TEST(Suggest, NothingIsNear)
{
    EXPECT_EQ(Nearest("", NAMES), "");
    EXPECT_EQ(Nearest("xyzzy", NAMES), "");
    EXPECT_EQ(Nearest(std::string(1'000'000, 'x'), NAMES), "");
    EXPECT_EQ(Nearest("inv", {}), "");
}

TEST(Suggest, Sentence)
{
    EXPECT_EQ(Suggestion("headres", NAMES), " did you mean 'headers'?");
    EXPECT_EQ(Suggestion("xyzzy", NAMES), " one of: inv, getdata, tx, headers, cmpctblock, getheaders");
}

} // namespace
} // namespace coretap::util
