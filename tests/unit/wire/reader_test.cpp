#include "wire/reader.h"

#include <set>

#include <gtest/gtest.h>

#include "unit/wire/wire_fixture.h"

namespace coretap::wire {
namespace {

TEST(Reader, Integers)
{
    const Buffer bytes{FromHex("01 04030201 0807060504030201 feffffff feffffffffffffff 208d")};
    Reader reader{bytes};
    EXPECT_EQ(reader.U8(), 1);
    EXPECT_EQ(reader.U32(), 0x01020304u);
    EXPECT_EQ(reader.U64(), 0x0102030405060708u);
    EXPECT_EQ(reader.I32(), -2);
    EXPECT_EQ(reader.I64(), -2);
    EXPECT_EQ(reader.U16Big(), 8333);
    EXPECT_EQ(reader.Left(), 0u);
    EXPECT_TRUE(reader.Ok());
}

/** What a CompactSize is, and how it ends: `value`, or the problem. */
std::string Size(std::string_view hex, bool any_value = false)
{
    const Buffer bytes{FromHex(hex)};
    Reader reader{bytes};
    const std::uint64_t value{reader.CompactSize(any_value)};
    if (reader.Ok()) return std::to_string(value) + "/" + std::to_string(reader.Position());
    EXPECT_EQ(value, 0u);
    EXPECT_EQ(reader.ProblemAt(), 0u) << "a problem of a size is where the size starts";
    return std::string{ToString(reader.GetProblem())};
}

TEST(Reader, CompactSizes)
{
    EXPECT_EQ(Size("00"), "0/1");
    EXPECT_EQ(Size("fc"), "252/1");
    EXPECT_EQ(Size("fdfd00"), "253/3");
    EXPECT_EQ(Size("fdffff"), "65535/3");
    EXPECT_EQ(Size("fe00000100"), "65536/5");
    EXPECT_EQ(Size("fe00000002"), "33554432/5"); // MAX_SIZE
    EXPECT_EQ(Size("fe01000002"), "size too large");
    EXPECT_EQ(Size("fe01000002", true), "33554433/5");
    EXPECT_EQ(Size("ff0000000001000000"), "size too large");
    EXPECT_EQ(Size("ff0000000001000000", true), "4294967296/9");
    EXPECT_EQ(Size("ffffffffffffffffff", true), "18446744073709551615/9");
}

TEST(Reader, SizesThatAreLongerThanNeeded)
{
    EXPECT_EQ(Size("fdfc00"), "non-canonical size");
    EXPECT_EQ(Size("fd0000"), "non-canonical size");
    EXPECT_EQ(Size("feffff0000"), "non-canonical size");
    EXPECT_EQ(Size("ffffffffff00000000"), "non-canonical size");
    EXPECT_EQ(Size("ffffffffff00000000", true), "non-canonical size");
}

TEST(Reader, SizesThatEnd)
{
    for (const char* hex : {"", "fd", "fd00", "fe000000", "ff00000000000000"}) EXPECT_EQ(Size(hex), "ends early") << hex;
}

TEST(Reader, NothingIsReadBehindAProblem)
{
    const Buffer bytes{FromHex("0102030405")};
    Reader reader{bytes};
    reader.U8();
    EXPECT_EQ(reader.U64(), 0u);
    EXPECT_EQ(reader.GetProblem(), Problem::EndsEarly);
    EXPECT_EQ(reader.ProblemAt(), 1u);
    EXPECT_EQ(reader.U8(), 0u);
    EXPECT_EQ(reader.CompactSize(), 0u);
    EXPECT_TRUE(reader.Take(1).empty());
    EXPECT_TRUE(reader.VarBytes().empty());
    reader.Fail(Problem::IndexOverflow, 0);
    EXPECT_EQ(reader.GetProblem(), Problem::EndsEarly) << "the first problem stays";
    EXPECT_EQ(reader.ProblemAt(), 1u);
    EXPECT_FALSE(reader.Cut());
}

TEST(Reader, CutByUsIsNoProblemOfTheirs)
{
    const Buffer bytes{FromHex("0102")};
    Reader reader{bytes, 2}; // of four
    EXPECT_EQ(reader.LeftInMessage(), 4u);
    EXPECT_EQ(reader.U32(), 0u);
    EXPECT_TRUE(reader.Cut());
    EXPECT_FALSE(reader.Ok());
    EXPECT_EQ(reader.GetProblem(), Problem::None);
    EXPECT_EQ(reader.ProblemAt(), 2u) << "the first byte that is not there";
    reader.Fail(Problem::IndexOverflow, 0);
    EXPECT_EQ(reader.GetProblem(), Problem::None);
}

TEST(Reader, ACutMessageThatIsTooShortIsMalformed)
{
    const Buffer bytes{FromHex("0102")};
    Reader reader{bytes, 1}; // of three
    reader.U32();
    EXPECT_FALSE(reader.Cut());
    EXPECT_EQ(reader.GetProblem(), Problem::EndsEarly);
    EXPECT_EQ(reader.ProblemAt(), 0u);
}

TEST(Reader, CountsAreComparedWithTheMessage)
{
    const Buffer bytes{FromHex("03 aaaa")};
    std::uint64_t claimed{0};
    {
        Reader reader{bytes};
        EXPECT_EQ(reader.Count(1, claimed), 0u);
        EXPECT_EQ(claimed, 3u);
        EXPECT_EQ(reader.GetProblem(), Problem::CountTooLarge);
        EXPECT_EQ(reader.ProblemAt(), 0u);
    }
    Reader cut{bytes, 1};
    EXPECT_EQ(cut.Count(1, claimed), 3u) << "the third is in the message, though not here";
    Reader two{bytes, 3};
    EXPECT_EQ(two.Count(2, claimed), 0u) << "six bytes are not in a rest of five";
}

TEST(Reader, ByteStrings)
{
    const Buffer bytes{FromHex("03 616263 64")};
    Reader reader{bytes};
    EXPECT_EQ(Text(reader.VarBytes(3)), "abc");
    EXPECT_EQ(reader.Left(), 1u);

    Reader limited{bytes};
    EXPECT_TRUE(limited.VarBytes(2).empty());
    EXPECT_EQ(limited.GetProblem(), Problem::StringTooLong);

    const Buffer start{FromHex("05 616263")};
    Reader too_long{start};
    EXPECT_TRUE(too_long.VarBytes().empty());
    EXPECT_EQ(too_long.GetProblem(), Problem::CountTooLarge);
    Reader cut{start, 2};
    EXPECT_EQ(Text(cut.VarBytes()), "abc");
    EXPECT_TRUE(cut.Cut());
    EXPECT_EQ(cut.ProblemAt(), 4u);
}

TEST(Reader, EveryProblemHasAText)
{
    std::set<std::string_view> texts;
    for (int i{0}; i <= static_cast<int>(Problem::TrailingBytes); ++i) {
        EXPECT_FALSE(ToString(static_cast<Problem>(i)).empty()) << i;
        EXPECT_TRUE(texts.insert(ToString(static_cast<Problem>(i))).second) << i;
    }
}

} // namespace
} // namespace coretap::wire
