#include "sim/wire_encode.h"

#include <algorithm>
#include <numeric>
#include <set>

#include <gtest/gtest.h>

#include "event/catalogue.h"
#include "from_hex.h"
#include "sim/fire_log.h"
#include "sim/wire_samples.h"

namespace coretap::sim {
namespace {

Hash256 HashFromText(std::string_view hex)
{
    const Bytes bytes{FromHex(hex)};
    Hash256 hash;
    std::reverse_copy(bytes.begin(), bytes.end(), hash.begin());
    return hash;
}

std::string Text(const Hash256& hash)
{
    const Bytes reversed{hash.rbegin(), hash.rend()};
    return Hex(reversed);
}

TEST(Encoder, CompactSizes)
{
    EXPECT_EQ(Hex(Encoder{}.Compact(0xfc).Take()), "fc");
    EXPECT_EQ(Hex(Encoder{}.Compact(0xfd).Take()), "fdfd00");
    EXPECT_EQ(Hex(Encoder{}.Compact(0xffff).Take()), "fdffff");
    EXPECT_EQ(Hex(Encoder{}.Compact(0x10000).Take()), "fe00000100");
    EXPECT_EQ(Hex(Encoder{}.Compact(0x100000000).Take()), "ff0000000001000000");
}

TEST(Tx, GenesisCoinbase)
{
    Tx tx;
    tx.version = 1;
    tx.inputs.push_back(
        {{Hash256{}, 0xffffffff},
         FromHex(
             "04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b73"),
         0xffffffff,
         {}});
    tx.outputs.push_back(
        {5'000'000'000,
         FromHex(
             "4104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac")});
    const TxBytes bytes{Serialize(tx)};
    EXPECT_EQ(Text(bytes.txid), "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b");
    EXPECT_EQ(bytes.txid, bytes.wtxid);
    EXPECT_EQ(bytes.vsize, 204);
    EXPECT_EQ(MerkleRoot({bytes.txid}), bytes.txid);
}

TEST(Tx, WitnessIsNotInTheTxid)
{
    Rng rng{7};
    Tx tx{RandomTx(rng, {{rng.Hash(), 1}}, {1'000})};
    const TxBytes before{Serialize(tx)};
    EXPECT_EQ(before.raw[4], 0); // marker
    EXPECT_EQ(before.raw[5], 1); // flag
    EXPECT_LT(before.vsize, static_cast<std::int32_t>(before.raw.size()));
    tx.inputs[0].witness[0][0] ^= 1;
    const TxBytes after{Serialize(tx)};
    EXPECT_EQ(before.txid, after.txid);
    EXPECT_NE(before.wtxid, after.wtxid);
}

TEST(Block, GenesisHeader)
{
    const BlockHeader header{
        1, {}, HashFromText("4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"), 1'231'006'505, 0x1d00ffff, 2'083'236'893};
    EXPECT_EQ(EncodeHeader(header).size(), 80u);
    EXPECT_EQ(Text(HashOf(header)), "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f");
}

TEST(Block, MinedMeetsItsTarget)
{
    BlockHeader header;
    Mine(header);
    EXPECT_LT(HashOf(header)[31], 0x7f);
}

TEST(SipHash, BitcoinCoresVector)
{
    // src/test/hash_tests.cpp
    EXPECT_EQ(
        SipHash(0x0706050403020100, 0x0F0E0D0C0B0A0908, HashFromText("1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100")),
        0x7127512f72f27cceull);
}

TEST(Block, CompactHasAShortIdForEachOther)
{
    Rng rng{3};
    const std::vector<TxBytes> txs{Serialize(CoinbaseTx(rng, 900'000, 1, {})), Serialize(RandomTx(rng, {{rng.Hash(), 0}}, {1})),
                                   Serialize(RandomTx(rng, {{rng.Hash(), 0}}, {1}))};
    const Bytes bytes{EncodeCmpctBlock({}, 5, {&txs[0], &txs[1], &txs[2]})};
    EXPECT_EQ(bytes.size(), 80 + 8 + 1 + 2 * 6 + 1 + 1 + txs[0].raw.size());
    EXPECT_EQ(bytes[88], 2);
}

TEST(Block, IndexesAreDifferences)
{
    const Bytes bytes{EncodeGetBlockTxn(Hash256{}, {1, 2, 5, 300})};
    EXPECT_EQ(Hex(ByteView{bytes}.subspan(32)), "04010002fd2601");
}

TEST(Address, TextForms)
{
    const auto address = [](Network network, std::string_view raw) { return NetAddress{network, FromHex(raw), 8333, 0}; };
    // vectors of Bitcoin Core's src/test/net_tests.cpp
    EXPECT_EQ(address(Network::Onion, "79bcc625184b05194975c28b66b66b0469f7f6556fb1ac3189a79b40dda32f1f").ToStringAddrPort(),
              "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:8333");
    EXPECT_EQ(address(Network::I2p, "a2894dabaec08c0051a481a6dac88b64f98232ae42d4b6fd2fa81952dfe36a87").ToStringAddr(),
              "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p");
    EXPECT_EQ(address(Network::Cjdns, "fc000001000200030004000500060007").ToStringAddrPort(), "[fc00:1:2:3:4:5:6:7]:8333");
    EXPECT_EQ(address(Network::Ipv6, "20010db8000000000000000000000001").ToStringAddr(), "2001:db8::1");
    EXPECT_EQ(address(Network::Ipv6, "00000000000000000000000000000001").ToStringAddr(), "::1");
    EXPECT_EQ(address(Network::Ipv6, "fe800000000000000000000000000000").ToStringAddr(), "fe80::");
    EXPECT_EQ(address(Network::Ipv6, "00010000000200030000000000000004").ToStringAddr(), "1:0:2:3::4");
    EXPECT_EQ(address(Network::Ipv4, "01020304").ToStringAddrPort(), "1.2.3.4:8333");
}

TEST(Messages, SizesAndBytes)
{
    Rng rng{1};
    EXPECT_EQ(EncodeVersion({70016, 9, 0, RandomAddress(rng, Network::Ipv4), 1, "/Satoshi:29.0.0/", 900'000, true}).size(),
              4u + 8 + 8 + 26 + 26 + 8 + 17 + 4 + 1);
    EXPECT_EQ(Hex(EncodeNonce(0x0102030405060708)), "0807060504030201");
    EXPECT_EQ(EncodeInv({{inv_type::WTX, {}}, {inv_type::TX, {}}}).size(), 1u + 2 * 36);
    EXPECT_EQ(Hex(EncodeSendCmpct(true)), "010200000000000000");
    EXPECT_EQ(Hex(EncodeFeeFilter(1'000)), "e803000000000000");
    EXPECT_EQ(EncodeLocator(70016, {Hash256{}}).size(), 4u + 1 + 32 + 32);
    EXPECT_EQ(EncodeHeaders({{}, {}}).size(), 1u + 2 * 81);
    EXPECT_EQ(Hex(EncodeFeature("abcd", Bytes{1, 2})), "0461626364020102");
    EXPECT_EQ(Hex(EncodeAddrV2({{1, 0x0c09, {Network::Ipv4, {1, 2, 3, 4}, 8333, 0}}})), "0101000000fd090c010401020304208d");
    EXPECT_EQ(Hex(EncodeAddr({{1, 9, {Network::Ipv4, {1, 2, 3, 4}, 8333, 0}}})),
              "0101000000090000000000000000000000000000000000ffff01020304208d");
    // 5 addresses, 4 + 3 + 1 + 1 + 2 bytes each and the address; one of Tor v2 or of another unknown network
    const std::size_t addrv2{SamplePayload("addrv2", rng).size() - (1u + 5 * 11 + 4 + 16 + 32 + 32 + 16)};
    EXPECT_TRUE(addrv2 == 11 + 10 || addrv2 == 11 + 24) << addrv2;
    EXPECT_EQ(EncodeFinalAlert().size(), 168u);
}

TEST(Messages, ThereIsASampleOfEveryTypeThatCarriesSomething)
{
    const std::set<std::string_view> empty{"verack", "sendaddrv2", "getaddr", "mempool", "filterclear", "sendheaders", "wtxidrelay"};
    Rng rng{1};
    for (const std::string_view type : event::MessageTypes().subspan(1)) {
        EXPECT_EQ(std::ranges::count(MessageSamples(), type, &MessageSample::type), 1) << type;
        EXPECT_EQ(SamplePayload(type, rng).empty(), empty.contains(type)) << type;
    }
    EXPECT_EQ(MessageSamples().size(), event::MessageTypes().size()) << "and one that is not known";
    EXPECT_EQ(event::MessageTypeId(MessageSamples().back().type), 0);
}

TEST(Tx, StrippedIsWhatTheTxidIsOf)
{
    Rng rng{7};
    bool with{false}, without{false};
    for (int i{0}; i < 50; ++i) {
        const TxBytes tx{Serialize(RandomTx(rng, {{rng.Hash(), 1}, {rng.Hash(), 0}}, {1'000, 2'000}))};
        EXPECT_EQ(Sha256d(StripWitness(tx)), tx.txid);
        (tx.txid == tx.wtxid ? without : with) = true;
    }
    EXPECT_TRUE(with && without) << "some of before SegWit, some with witness";
}

TEST(JsonString, Escapes)
{
    EXPECT_EQ(JsonString("a\"b\\c\n\x01"), R"("a\"b\\c\u000a\u0001")");
    EXPECT_EQ(JsonString("caf\xc3\xa9"), "\"caf\xc3\xa9\"");
    EXPECT_EQ(JsonString("\xff \xe2\x82 \xed\xa0\x80"), "\"\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

} // namespace
} // namespace coretap::sim
