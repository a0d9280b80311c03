// What Bitcoin Core refuses, what it reads and then punishes, and what is only our cut.
#include <gtest/gtest.h>

#include "unit/wire/wire_fixture.h"

namespace coretap::wire {
namespace {

std::string Inv(std::uint64_t count)
{
    Writer out;
    return Hex(out.Size(count).Out()) + Repeated(std::string(72, '1'), count);
}

TEST(Malformed, AnEmptyPayloadIsNoEmptyList)
{
    for (const MessageType type : {MessageType::Addr, MessageType::AddrV2, MessageType::Inv, MessageType::Headers, MessageType::Tx,
                                   MessageType::Block, MessageType::GetHeaders, MessageType::FeeFilter, MessageType::Version}) {
        EXPECT_EQ(Verdict(type, ""), "ends early at 0");
    }
}

TEST(Malformed, CountsThatDoNotFit)
{
    const Read read{MessageType::Inv, "03" + Repeated("11", 72)};
    EXPECT_EQ(read.Malformed<InvMsg>(Problem::CountTooLarge, 0).claimed, 3u) << "what was claimed is told";
    EXPECT_TRUE(read.Malformed<InvMsg>(Problem::CountTooLarge, 0).entries.empty());
    EXPECT_EQ(Verdict(MessageType::Inv, "fe00000002"), "count too large for the message at 0");
    EXPECT_EQ(Verdict(MessageType::Inv, "fe01000002"), "size too large at 0");
    EXPECT_EQ(Verdict(MessageType::Headers, "ffffffffffffffffff"), "size too large at 0");
    EXPECT_EQ(Verdict(MessageType::AddrV2, "fd0100"), "non-canonical size at 0");
    // What the message cannot hold it cannot hold, however little of it we have.
    Read(MessageType::Inv, "03", 1 + 2 * 36).Malformed<InvMsg>(Problem::CountTooLarge, 0);
    EXPECT_EQ(Read(MessageType::Inv, "03", 1 + 3 * 36).Cut<InvMsg>().claimed, 3u);
}

TEST(Malformed, AddressesOfAWrongSize)
{
    EXPECT_EQ(Verdict(MessageType::AddrV2, "01 4973026b 01 01 05 0102030405 208d"), "bad address size at 7");
    EXPECT_EQ(Verdict(MessageType::AddrV2, "01 4973026b 01 04 10" + Repeated("00", 16) + "208d"), "bad address size at 7");
    EXPECT_EQ(Verdict(MessageType::AddrV2, "01 4973026b 01 99 fd0102" + Repeated("ab", 513) + "208d"), "string too long at 7");
    EXPECT_EQ(Verdict(MessageType::AddrV2, "01 4973026b 01 99 fd0002" + Repeated("ab", 512) + "208d"), "whole");
    EXPECT_EQ(Verdict(MessageType::AddrV2, "01 4973026b 01 03 05 0102030405 208d"), "whole") << "Tor v2 is unknown by now";
    // what came before is there
    const Read read{MessageType::AddrV2, "02 4973026b 01 01 04 01020304 208d 4973026b 01 01 05 0102030405 208d"};
    const auto& msg = read.Malformed<AddrV2Msg>(Problem::BadAddressSize, 20);
    EXPECT_EQ(msg.claimed, 2u);
    ASSERT_EQ(msg.entries.size(), 1u);
    EXPECT_EQ(HostPort(msg.entries.begin()->address), "1.2.3.4:8333");
}

TEST(Malformed, IndexesBeyond16Bits)
{
    const std::string hash{Repeated("aa", 32)};
    EXPECT_EQ(Verdict(MessageType::GetBlockTxn, hash + "01 fdffff"), "whole");
    EXPECT_EQ(Verdict(MessageType::GetBlockTxn, hash + "01 fe00000100"), "index overflow at 33");
    EXPECT_EQ(Verdict(MessageType::GetBlockTxn, hash + "02 fdfeff 00"), "whole");
    EXPECT_EQ(Verdict(MessageType::GetBlockTxn, hash + "02 fdffff 00"), "index overflow at 36");
    EXPECT_EQ(Verdict(MessageType::GetBlockTxn, hash + "02 fdfeff 01"), "index overflow at 36");
    const Read read{MessageType::GetBlockTxn, hash + "03 05 fdfeff 01"};
    EXPECT_EQ(read.Malformed<GetBlockTxnMsg>(Problem::IndexOverflow, 34).differences.size(), 1u);

    const std::string start{Repeated("11", 88)};
    const std::string tx{"02000000 00 00 00000000"};
    EXPECT_EQ(Verdict(MessageType::CmpctBlock, start + "00 01 fdffff" + tx), "whole");
    EXPECT_EQ(Verdict(MessageType::CmpctBlock, start + "00 01 fe00000100" + tx), "index overflow at 90");
    EXPECT_EQ(Verdict(MessageType::CmpctBlock, start + "00 02 fdffff" + tx + "fdffff" + tx), "whole") << "each by itself is in range";
}

TEST(Malformed, CompactBlocksOfTooManyTransactions)
{
    const std::string start{Repeated("11", 88)};
    const std::string tx{"00 02000000 00 00 00000000"};
    EXPECT_EQ(Verdict(MessageType::CmpctBlock, start + "fdffff" + Repeated("00", 65'535 * 6) + "00"), "whole");
    EXPECT_EQ(Verdict(MessageType::CmpctBlock, start + "fdfeff" + Repeated("00", 65'534 * 6) + "01" + tx), "whole");
    EXPECT_EQ(Verdict(MessageType::CmpctBlock, start + "fdffff" + Repeated("00", 65'535 * 6) + "01" + tx), "index overflow at 393301");
    EXPECT_EQ(Verdict(MessageType::CmpctBlock, start + "fe00000100" + Repeated("00", 65'536 * 6) + "00"), "index overflow at 88");
}

TEST(Malformed, StringsAboveTheirLimit)
{
    const std::string version{"7f110100" + Repeated("00", 42) + Repeated("00", 34)};
    EXPECT_EQ(Verdict(MessageType::Version, version + "fd0001" + Repeated("61", 256)), "whole");
    EXPECT_EQ(Verdict(MessageType::Version, version + "fd0101" + Repeated("61", 257)), "string too long at 80");
    EXPECT_EQ(Verdict(MessageType::Feature, "50" + Repeated("61", 80) + "00"), "whole");
    EXPECT_EQ(Verdict(MessageType::Feature, "51" + Repeated("61", 81) + "00"), "string too long at 0");
    EXPECT_EQ(Verdict(MessageType::Feature, "04 61616161 fd0102" + Repeated("61", 513)), "string too long at 5");
    EXPECT_EQ(Verdict(MessageType::Reject, "0d" + Repeated("61", 13) + "00 00"), "string too long at 0");
    EXPECT_EQ(Verdict(MessageType::Reject, "00 00 70" + Repeated("61", 112)), "string too long at 2");
}

TEST(Malformed, FeaturesAreReadStrictly)
{
    EXPECT_EQ(Verdict(MessageType::Feature, "03 616263 00"), "value out of range at 0");
    EXPECT_EQ(Verdict(MessageType::Feature, "04 61626364 00"), "whole");
    EXPECT_EQ(Verdict(MessageType::Feature, "04 61626364"), "ends early at 5");
    EXPECT_EQ(Verdict(MessageType::Feature, "0a 6162636465"), "count too large for the message at 0");
    const Read read{MessageType::Feature, "04 61626364 00 0102"};
    EXPECT_EQ(Text(read.Malformed<FeatureMsg>(Problem::TrailingBytes, 6).id), "abcd");
    EXPECT_EQ(read.decoded.trailing, 2u);
    Read(MessageType::Feature, "04 61626364 00", 8).Malformed<FeatureMsg>(Problem::TrailingBytes, 6);
}

TEST(Malformed, SendCmpctIsZeroOrOne)
{
    EXPECT_EQ(Verdict(MessageType::SendCmpct, "02 0200000000000000"), "value out of range at 0");
    EXPECT_EQ(Verdict(MessageType::SendCmpct, "02 02000000000000"), "ends early at 1");
}

TEST(Malformed, ABlockHasWhatCameBeforeTheProblem)
{
    const std::string good{"02000000 00 00 00000000"};
    const std::string bad{"02000000 00 02 00000000"};
    const Read read{MessageType::Block, Repeated("11", 80) + "03" + good + good + bad};
    const auto& msg = read.Malformed<BlockMsg>(Problem::BadWitnessFlag, 80 + 1 + 20 + 5);
    EXPECT_EQ(msg.claimed, 3u);
    EXPECT_EQ(msg.txs.size(), 2u);
    ASSERT_TRUE(msg.partial);
    EXPECT_FALSE(msg.partial->whole);
    EXPECT_EQ(msg.partial->raw.size(), 5u);
}

TEST(Limits, AreNotedBesides)
{
    const auto limit = [](MessageType type, std::string_view hex, std::optional<std::uint64_t> size = std::nullopt) {
        return Read(type, hex, size).decoded.limit_exceeded;
    };
    EXPECT_EQ(limit(MessageType::Inv, Inv(50'000)), 0u);
    EXPECT_EQ(limit(MessageType::Inv, Inv(50'001)), 50'000u);
    EXPECT_EQ(limit(MessageType::GetData, Inv(50'001)), 50'000u);
    EXPECT_EQ(limit(MessageType::NotFound, Inv(50'001)), 0u) << "Bitcoin Core has none for it";
    EXPECT_EQ(Verdict(MessageType::Inv, Inv(50'001)), "whole");
    EXPECT_EQ(limit(MessageType::Addr, "fde803" + Repeated("00", 30'000)), 0u);
    EXPECT_EQ(limit(MessageType::Addr, "fde903" + Repeated("00", 30'030)), 1'000u);
    EXPECT_EQ(limit(MessageType::AddrV2, "fde903" + Repeated("000000000009000000", 1'001)), 1'000u);
    EXPECT_EQ(limit(MessageType::Headers, "fdd007" + Repeated("00", 162'000)), 0u);
    EXPECT_EQ(limit(MessageType::Headers, "fdd107" + Repeated("00", 162'081)), 2'000u);
    EXPECT_EQ(limit(MessageType::Headers, "fdd107", 1'000'000), 2'000u) << "known from the count, though the rest was cut";
    EXPECT_EQ(limit(MessageType::GetHeaders, "00000000 65" + Repeated("00", 102 * 32)), 0u);
    EXPECT_EQ(limit(MessageType::GetHeaders, "00000000 66" + Repeated("00", 103 * 32)), 101u);
    EXPECT_EQ(limit(MessageType::GetBlocks, "00000000 66" + Repeated("00", 103 * 32)), 101u);
    EXPECT_EQ(limit(MessageType::FilterAdd, "fd0802" + Repeated("cc", 520)), 0u);
    EXPECT_EQ(limit(MessageType::FilterAdd, "fd0902" + Repeated("cc", 521)), 520u);
    EXPECT_EQ(limit(MessageType::FilterLoad, "fda08c" + Repeated("cc", 36'000) + "32000000 00000000 00"), 0u);
    EXPECT_EQ(limit(MessageType::FilterLoad, "fda18c" + Repeated("cc", 36'001) + "32000000 00000000 00"), 36'000u);
    EXPECT_EQ(limit(MessageType::FilterLoad, "01 aa 33000000 00000000 00"), 50u);
    EXPECT_EQ(limit(MessageType::FilterLoad, "fda18c" + Repeated("cc", 80), 3 + 36'001 + 9), 36'000u) << "cut by us";
    EXPECT_EQ(limit(MessageType::FilterLoad, "fda18c" + Repeated("cc", 80)), 0u) << "there is no such string";
    EXPECT_EQ(limit(MessageType::FilterAdd, "fd0902" + Repeated("cc", 80), 3 + 521), 520u) << "cut by us";
}

TEST(Cut, EntriesBeforeItAreThere)
{
    const Read read{MessageType::Inv, "03" + Repeated("11", 36) + Repeated("22", 36) + "3333", 1 + 3 * 36};
    const auto& msg = read.Cut<InvMsg>();
    EXPECT_EQ(msg.claimed, 3u);
    ASSERT_EQ(msg.entries.size(), 2u);
    EXPECT_EQ((++msg.entries.begin())->type, 0x22222222u);
}

TEST(Cut, TextIsThereInPart)
{
    const std::string version{"7f110100" + Repeated("00", 42) + Repeated("00", 34)};
    const Read read{MessageType::Version, version + "10 2f5361746f736869", 80 + 17 + 5};
    const auto& msg = read.Cut<VersionMsg>();
    EXPECT_EQ(Text(msg.user_agent.value()), "/Satoshi");
    EXPECT_FALSE(msg.start_height);
}

TEST(Cut, ABlockHasAPartOfATransaction)
{
    const std::string tx{"02000000 01" + Repeated("aa", 32) + "00000000 00 ffffffff 01 0100000000000000 00 00000000"};
    const Read read{MessageType::Block, Repeated("11", 80) + "02" + tx + "02000000 01" + Repeated("bb", 32) + "00000000 00 ffffffff", 500};
    const auto& msg = read.Cut<BlockMsg>();
    EXPECT_EQ(msg.txs.size(), 1u);
    ASSERT_TRUE(msg.partial);
    EXPECT_EQ(msg.partial->inputs.size(), 1u);
    EXPECT_EQ(msg.partial->output_count, 0u);
    EXPECT_FALSE(Read(MessageType::Block, Repeated("11", 80) + "02" + tx, 500).Cut<BlockMsg>().partial)
        << "not a byte of the second is here";
}

TEST(Cut, TrailingBytesAreCountedThoughTheyAreNotHere)
{
    EXPECT_EQ(Read(MessageType::Ping, "7500000000000000", 1'000).Whole<PingMsg>(992).nonce, 117u);
}

TEST(Decode, ASizeBelowWhatWasCapturedIsThatOfTheCapture)
{
    const Buffer bytes{FromHex("7500000000000000 0000")};
    const Decoded decoded{Decode(MessageType::Ping, bytes, 8)};
    EXPECT_EQ(decoded.status, Status::Whole);
}

} // namespace
} // namespace coretap::wire
