// One payload or more for each message type. Those that need no other source were sent by Bitcoin Core (master of June 2026) or its
// test framework, captured with -capturemessages; the fields are those that its message-capture-parser.py read.
#include "wire/message.h"

#include <gtest/gtest.h>

#include "unit/wire/wire_fixture.h"

namespace coretap::wire {
namespace {

TEST(MessageTypes, NamesAndIds)
{
    const auto names = MessageTypeNames();
    ASSERT_EQ(names.size(), MESSAGE_TYPE_COUNT);
    for (std::size_t id{1}; id < names.size(); ++id) {
        EXPECT_EQ(static_cast<std::size_t>(MessageTypeOf(names[id])), id) << names[id];
        EXPECT_LE(names[id].size(), 12u) << "as many bytes as a message's header has for it";
    }
    // counters and archives hold these
    EXPECT_EQ(names[0], "other");
    EXPECT_EQ(names[1], "version");
    EXPECT_EQ(names[6], "inv");
    EXPECT_EQ(names[13], "block");
    EXPECT_EQ(names[36], "feature");
    EXPECT_EQ(names[42], "sendpackages");
    EXPECT_EQ(MessageTypeOf("sendtxrcncl"), MessageType::SendTxRcncl);
    EXPECT_EQ(MessageTypeOf("cfcheckpt"), MessageType::CFCheckpt);
}

TEST(MessageTypes, OfUnknownNames)
{
    for (const char* name : {"", "other", "Version", "versio", "versionn", "in", "xyz", "sendpackagez", "\xff\xff\xff"}) {
        EXPECT_EQ(MessageTypeOf(name), MessageType::Other) << name;
    }
}

TEST(Inv, TypesHaveNames)
{
    EXPECT_EQ(InvTypeName(1), "tx");
    EXPECT_EQ(InvTypeName(2), "block");
    EXPECT_EQ(InvTypeName(3), "filtered_block");
    EXPECT_EQ(InvTypeName(4), "cmpct_block");
    EXPECT_EQ(InvTypeName(5), "wtx");
    EXPECT_EQ(InvTypeName(0x40000001), "witness_tx");
    EXPECT_EQ(InvTypeName(0x40000002), "witness_block");
    EXPECT_EQ(InvTypeName(0x40000003), "witness_filtered_block");
    for (const std::uint32_t type : {0u, 6u, 0x40000000u, 0x40000004u, 0x80000001u}) EXPECT_EQ(InvTypeName(type), "") << type;
}

TEST(Version, OfBitcoinCore)
{
    const Read read{
        MessageType::Version,
        "8111010009040000000000002873026b0000000000000000000000000000000000000000000000000000000000000904000000000000000000000000000000"
        "000000000000000000ea0134d0759ee0031c2f5361746f7368693a33312e39392e3028746573746e6f646531292fd007000001"};
    const auto& msg = read.Whole<VersionMsg>();
    EXPECT_EQ(msg.version, 70017);
    EXPECT_EQ(msg.services, 1033u);
    EXPECT_EQ(msg.time, 1795322664);
    EXPECT_EQ(msg.receiver_services, 0u);
    EXPECT_EQ(HostPort(msg.receiver), "[::]:0");
    EXPECT_EQ(msg.sender_services, 1033u);
    EXPECT_EQ(HostPort(msg.sender.value()), "[::]:0");
    EXPECT_EQ(msg.nonce, 279397405738402282u);
    EXPECT_EQ(Text(msg.user_agent.value()), "/Satoshi:31.99.0(testnode1)/");
    EXPECT_EQ(msg.start_height, 2000);
    EXPECT_EQ(msg.relay, true);
}

TEST(Version, OfTheTestFramework)
{
    const Read read{
        MessageType::Version,
        "0000000000000000000000004873026b00000000010000000000000000000000000000000000ffff00000000000001000000000000000000000000000000"
        "0000ffff00000000000040628f879332216e00ffffffff00"};
    const auto& msg = read.Whole<VersionMsg>();
    EXPECT_EQ(HostPort(msg.receiver), "0.0.0.0:0");
    EXPECT_EQ(msg.receiver_services, 1u);
    EXPECT_EQ(msg.nonce, 7935679627619426880u);
    EXPECT_TRUE(msg.user_agent.value().empty());
    EXPECT_EQ(msg.start_height, -1);
    EXPECT_EQ(msg.relay, false);
}

TEST(Version, FieldsThatCameLaterMayBeAbsent)
{
    const std::string first{"7f110100 0904000000000000 2873026b00000000 0000000000000000 00000000000000000000ffffcb007107 208d"};
    const std::string nonce{"0100000000000000 00000000000000000000ffff0a000001 208d 0807060504030201"};
    const auto fields = [](const Read& read) {
        const auto& msg = read.Whole<VersionMsg>();
        return std::to_string(msg.sender.has_value()) + std::to_string(msg.nonce.has_value()) + std::to_string(msg.user_agent.has_value()) +
               std::to_string(msg.start_height.has_value()) + std::to_string(msg.relay.has_value());
    };
    EXPECT_EQ(fields(Read{MessageType::Version, first}), "00000");
    EXPECT_EQ(fields(Read{MessageType::Version, first + nonce}), "11000");
    EXPECT_EQ(fields(Read{MessageType::Version, first + nonce + "00"}), "11100");
    EXPECT_EQ(fields(Read{MessageType::Version, first + nonce + "00 01000000"}), "11110");
    EXPECT_EQ(fields(Read{MessageType::Version, first + nonce + "00 01000000 02"}), "11111");
    EXPECT_EQ(Read(MessageType::Version, first + nonce + "00 01000000 02").Whole<VersionMsg>().relay, true) << "any byte but 0";
    EXPECT_EQ(HostPort(Read(MessageType::Version, first + nonce).Whole<VersionMsg>().sender.value()), "10.0.0.1:8333");
    Read(MessageType::Version, first + nonce + "00 01000000 01 00").Whole<VersionMsg>(1);
}

TEST(EmptyMessages, HaveNothing)
{
    for (const MessageType type : {MessageType::Verack, MessageType::SendAddrV2, MessageType::GetAddr, MessageType::Mempool,
                                   MessageType::FilterClear, MessageType::SendHeaders, MessageType::WtxidRelay}) {
        Read(type, "").Whole<EmptyMsg>();
        Read(type, "00ff").Whole<EmptyMsg>(2);
        Read(type, "", 1'000'000).Whole<EmptyMsg>(1'000'000);
    }
}

TEST(Addr, Entries)
{
    const Read read{
        MessageType::Addr,
        "02 1673026b090000000000000000000000000000000000ffff7b7b03f4208f 0e73026b090000000000000000000000000000000000ffff7b7b03f2208d"};
    const auto& msg = read.Whole<AddrMsg>();
    EXPECT_EQ(msg.claimed, 2u);
    ASSERT_EQ(msg.entries.size(), 2u);
    auto entry = msg.entries.begin();
    EXPECT_EQ(HostPort(entry->address), "123.123.3.244:8335");
    EXPECT_EQ(entry->services, 9u);
    EXPECT_EQ(entry->time, 1795322646u);
    ++entry;
    EXPECT_EQ(HostPort(entry->address), "123.123.3.242:8333");
    EXPECT_EQ(entry->time, 1795322638u);
}

TEST(AddrV2, Entries)
{
    const Read read{MessageType::AddrV2,
                    "03 2273026b0901047b7b7b00208d 2773026b090520170c56ce72a5a0e62306a3c7084318ee3a46355d17f67896a09c51efbe23fd710000"
                    "2a73026b09042079bcc625184b05194975c28b66b66b0469f7f6556fb1ac3189a79b40dda32f1f2095"};
    const auto& msg = read.Whole<AddrV2Msg>();
    ASSERT_EQ(msg.entries.size(), 3u);
    auto entry = msg.entries.begin();
    EXPECT_EQ(HostPort(entry->address), "123.123.123.0:8333");
    EXPECT_EQ(entry->time, 1795322658u);
    ++entry;
    EXPECT_EQ(HostPort(entry->address), "c4gfnttsuwqomiygupdqqqyy5y5emnk5c73hrfvatri67prd7vyq.b32.i2p:0");
    EXPECT_EQ(entry->address.network_id, 5);
    ++entry;
    EXPECT_EQ(HostPort(entry->address), "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:8341");
    EXPECT_EQ(entry->services, 9u);
}

TEST(AddrV2, ServicesMayBeAnyNumber)
{
    const Read read{MessageType::AddrV2, "01 00000000 ffffffffffffffffff 01 04 01020304 208d"};
    EXPECT_EQ(read.Whole<AddrV2Msg>().entries.begin()->services, ~std::uint64_t{0});
}

TEST(AddrV2, UnknownNetworksArePassedOver)
{
    // of p2p_invalid_messages.py: network 153 with an address of 2 bytes, then an IPv4 address
    const Read read{MessageType::AddrV2, "024973026b019902abab208d4973026b01010409090909208d"};
    const auto& msg = read.Whole<AddrV2Msg>();
    ASSERT_EQ(msg.entries.size(), 2u);
    auto entry = msg.entries.begin();
    EXPECT_EQ(entry->address.network, Network::Unknown);
    EXPECT_EQ(entry->address.network_id, 0x99);
    EXPECT_EQ(Hex(entry->address.raw), "abab");
    EXPECT_EQ(HostPort((++entry)->address), "9.9.9.9:8333");
}

TEST(Inv, Entries)
{
    for (const MessageType type : {MessageType::Inv, MessageType::GetData, MessageType::NotFound}) {
        const Read read{type, "01 02000040 9f86be267726e77c4edeb046139a3a9e1d638c244e7f33d5771ff83c4b505b7b"};
        const auto& msg = read.Whole<InvMsg>();
        ASSERT_EQ(msg.entries.size(), 1u);
        EXPECT_EQ(msg.entries.begin()->type, 0x40000002u);
        EXPECT_EQ(HashText(msg.entries.begin()->hash), "7b5b504b3cf81f77d5337f4e248c631d9e3a9a1346b0de4e7ce7267726be869f");
        Read(type, "00").Whole<InvMsg>();
    }
}

TEST(Locator, OfGetBlocksAndGetHeaders)
{
    for (const MessageType type : {MessageType::GetBlocks, MessageType::GetHeaders}) {
        const Read read{type, "80110100 01 5950486b2743a95020bfef2b0d93a872fd4d6ddb97e39c28fc3b69189b16947f"
                              "5808fd78f99b4213ca42816457323573f0dfdc89bfc2980821c08675e97de311"};
        const auto& msg = read.Whole<LocatorMsg>();
        EXPECT_EQ(msg.version, 70016);
        ASSERT_EQ(msg.locator.size(), 1u);
        EXPECT_EQ(Hex(*msg.locator.begin()), "5950486b2743a95020bfef2b0d93a872fd4d6ddb97e39c28fc3b69189b16947f");
        EXPECT_EQ(Hex(msg.stop), "5808fd78f99b4213ca42816457323573f0dfdc89bfc2980821c08675e97de311");
    }
}

TEST(Headers, Entries)
{
    const Read read{
        MessageType::Headers,
        "020000002099f46039c510cf5f83b7b761f887193c798ecaf670e4bf3fae1e6256dff81608df136c0d9b0db2793039f00ba61aef087ef5bceeba7234c6ae"
        "d1fa91b60fe06ab773026bffff7f2003000000000000002073e6d44027da9bdc76d4bec55610bf86fdebefb84446c8c40be236714589ae1266c410e793a7"
        "925eb7906b529700a1bdf7375f92193bb47f80970cebcf62e844b773026bffff7f200000000000"};
    const auto& msg = read.Whole<HeadersMsg>();
    ASSERT_EQ(msg.entries.size(), 2u);
    auto entry = msg.entries.begin();
    EXPECT_EQ(entry->header.version, 0x20000000);
    EXPECT_EQ(Hex(entry->header.previous), "99f46039c510cf5f83b7b761f887193c798ecaf670e4bf3fae1e6256dff81608");
    EXPECT_EQ(Hex(entry->header.merkle_root), "df136c0d9b0db2793039f00ba61aef087ef5bceeba7234c6aed1fa91b60fe06a");
    EXPECT_EQ(entry->header.time, 1795322807u);
    EXPECT_EQ(entry->header.bits, 545259519u);
    EXPECT_EQ(entry->header.nonce, 3u);
    EXPECT_EQ(entry->tx_count, 0u);
    const Hash256 first{HashOf(entry->header)};
    ++entry;
    EXPECT_EQ(Hex(first), Hex(entry->header.previous)) << "the second builds on the first";
}

TEST(Headers, CountsOfTransactionsAreRead)
{
    const std::string header(160, '1');
    const Read read{MessageType::Headers, "02" + header + "fd0001" + header + "07"};
    auto entry = read.Whole<HeadersMsg>().entries.begin();
    EXPECT_EQ(entry->tx_count, 256u);
    EXPECT_EQ((++entry)->tx_count, 7u);
    EXPECT_EQ(Verdict(MessageType::Headers, "01" + header + "fd0100"), "non-canonical size at 81") << "ignored, but read";
}

TEST(Block, OfRegtest)
{
    const Read read{
        MessageType::Block,
        "000000202ba369de229422a5ed07ec87179070d189b42a00d722548ddae0d19a7cb8ee58c91db3c49960f1f465cac59349016ea25e73148bf930c4c339da6c"
        "c82e203363d473026bffff7f200000000001020000000001010000000000000000000000000000000000000000000000000000000000000000ffffffff0302"
        "1804feffffff02c817a804000000001976a91483a88d66f7ac4ace0d24bb6e58b75abb9f6495e788ac0000000000000000266a24aa21a9ede2f61c3f71d1de"
        "fd3fa999dfa36953755c690689799962b48bebd836974e8cf90120000000000000000000000000000000000000000000000000000000000000000017040000"};
    const auto& msg = read.Whole<BlockMsg>();
    EXPECT_EQ(msg.claimed, 1u);
    EXPECT_FALSE(msg.partial);
    EXPECT_EQ(msg.raw.size(), 252u);
    ASSERT_EQ(msg.txs.size(), 1u);
    const Tx& tx{*msg.txs.begin()};
    EXPECT_TRUE(tx.has_witness);
    EXPECT_EQ(tx.lock_time, 1047u);
    EXPECT_EQ(Hex(tx.inputs.begin()->script_sig), "021804");
    EXPECT_EQ(tx.outputs.begin()->value, 78'125'000);
    EXPECT_EQ(Hex(Txid(tx)), Hex(msg.header.merkle_root)) << "the only transaction is the root";
}

TEST(MerkleBlock, OfBip37)
{
    const Read read{
        MessageType::MerkleBlock,
        "00000030ba5bb69708311dfb789836f8a26cd1aee8eb16f5a7b957bf51bfa0b41e4b5f6e8bfb3b4363ac8decde3395ae2954596c0cd56e4fc7c06f6e920122"
        "8dc0fdde123973026bffff7f200100000001000000018bfb3b4363ac8decde3395ae2954596c0cd56e4fc7c06f6e9201228dc0fdde120101"};
    const auto& msg = read.Whole<MerkleBlockMsg>();
    EXPECT_EQ(msg.tx_count, 1u);
    EXPECT_EQ(msg.claimed, 1u);
    EXPECT_EQ(Hex(*msg.hashes.begin()), Hex(msg.header.merkle_root));
    EXPECT_EQ(Hex(msg.flags), "01");
}

TEST(SendCmpct, BothWays)
{
    EXPECT_FALSE(Read(MessageType::SendCmpct, "000200000000000000").Whole<SendCmpctMsg>().high_bandwidth);
    EXPECT_TRUE(Read(MessageType::SendCmpct, "010200000000000000").Whole<SendCmpctMsg>().high_bandwidth);
    EXPECT_EQ(Read(MessageType::SendCmpct, "010200000000000000").Whole<SendCmpctMsg>().version, 2u);
}

TEST(CmpctBlock, OfBip152)
{
    const std::string start{
        "040000000d97605058e230b7c299bfbe9977a9675bc4920fdba2273b59426acc08fc75686241b4608e7c588e1a947c3b4b9b2faf62d99a31ba7c6b"
        "5f2efbbe66b72caad8a873026bffff7f20010000000a431eeb7b98743c"};
    const std::string prefilled{
        "02000000010000000000000000000000000000000000000000000000000000000000000000ffffffff020125feffffff0100f2052a01000000015124000000"};
    const Read read{MessageType::CmpctBlock, start + "02 010203040506 ffffffffffff 02 00" + prefilled + "fd0001" + prefilled};
    const auto& msg = read.Whole<CmpctBlockMsg>();
    EXPECT_EQ(msg.nonce, 4356274397567140618u);
    EXPECT_EQ(msg.short_ids_claimed, 2u);
    ASSERT_EQ(msg.short_ids.size(), 2u);
    EXPECT_EQ(*msg.short_ids.begin(), 0x060504030201u);
    EXPECT_EQ(*++msg.short_ids.begin(), 0xffffffffffffu);
    ASSERT_EQ(msg.prefilled.size(), 2u);
    auto each = msg.prefilled.begin();
    EXPECT_EQ(each->difference, 0u);
    EXPECT_EQ(Hex(Txid(each->tx)), Hex(msg.header.merkle_root));
    ++each;
    EXPECT_EQ(each->difference, 256u);
    EXPECT_EQ(each->tx.lock_time, 36u);
}

TEST(GetBlockTxn, OfBip152)
{
    const Read read{MessageType::GetBlockTxn, "01bb5fd1c1e82736d3cec6702290c3017a5550b04b35835d25fb0a12c23f4b6c 03 01 00 fdfcff"};
    const auto& msg = read.Whole<GetBlockTxnMsg>();
    EXPECT_EQ(Hex(msg.block_hash), "01bb5fd1c1e82736d3cec6702290c3017a5550b04b35835d25fb0a12c23f4b6c");
    std::vector<std::uint64_t> differences{msg.differences.begin(), msg.differences.end()};
    EXPECT_EQ(differences, (std::vector<std::uint64_t>{1, 0, 0xfffc}));
}

TEST(BlockTxn, OfBip152)
{
    const Read read{
        MessageType::BlockTxn,
        "e8b14cd72f8a0239ec27b7aa16f473c53ec93661fc950ab16425fdb49f3d3a2501"
        "0200000000010102629fcde2e1eef4f31fabf331a760453593788346be9716dfc2720d2276d1e700000000000000000001ebfc576100000000220020d88a"
        "5e0e85ec807c209d3da01de9d6c4fe826570ee4ac8935142438e08c1ee5502473044022001a22e41d1eb2ebfafa05918ab2f47219b60436b53ee936ea982"
        "3341ee13f7d1022017964efbe2dc75ffc56f60878f4eb82e55d301eb93f603da544024e99cbfbd8b832321022e3237354344e0e34e3b906f72d9812f31bd"
        "d012b7c888e4869780a11db68b68ac00000000"};
    const auto& msg = read.Whole<BlockTxnMsg>();
    EXPECT_EQ(Hex(msg.block_hash), "e8b14cd72f8a0239ec27b7aa16f473c53ec93661fc950ab16425fdb49f3d3a25");
    ASSERT_EQ(msg.txs.size(), 1u);
    const auto& tx = *msg.txs.begin();
    EXPECT_EQ(tx.outputs.begin()->value, 1'633'156'331);
    EXPECT_EQ(tx.witness.begin()->size(), 2u);
}

TEST(Ping, WithAndWithoutNonce)
{
    for (const MessageType type : {MessageType::Ping, MessageType::Pong}) {
        EXPECT_EQ(Read(type, "7500000000000000").Whole<PingMsg>().nonce, 117u);
        EXPECT_EQ(Read(type, "").Whole<PingMsg>().nonce, std::nullopt);
        EXPECT_EQ(Read(type, "7500000000000000 00").Whole<PingMsg>(1).nonce, 117u);
    }
    // Bitcoin Core fails to read the one, and does not try to read the other.
    EXPECT_EQ(Verdict(MessageType::Ping, "75000000000000"), "ends early at 0");
    EXPECT_EQ(Verdict(MessageType::Pong, "75000000000000"), "whole, trailing");
    EXPECT_EQ(Read(MessageType::Pong, "75000000000000", 8).Cut<PingMsg>().nonce, std::nullopt);
}

TEST(FeeFilter, Rates)
{
    EXPECT_EQ(Read(MessageType::FeeFilter, "1903000000000000").Whole<FeeFilterMsg>().feerate, 793);
    EXPECT_EQ(Read(MessageType::FeeFilter, "ffffffffffffffff").Whole<FeeFilterMsg>().feerate, -1) << "read, and then not heeded";
}

TEST(SendTxRcncl, OfBip330)
{
    const Read read{MessageType::SendTxRcncl, "010000007bd2fc00fc5dc861"};
    EXPECT_EQ(read.Whole<SendTxRcnclMsg>().version, 1u);
    EXPECT_EQ(read.Whole<SendTxRcnclMsg>().salt, 7045984953950851707u);
}

TEST(Feature, OfBip434)
{
    const Read read{MessageType::Feature, "08 6665617430303036 02 abcd"};
    EXPECT_EQ(Text(read.Whole<FeatureMsg>().id), "feat0006");
    EXPECT_EQ(Hex(read.Whole<FeatureMsg>().data), "abcd");
    // any bytes make an id (p2p_bip434_feature.py)
    EXPECT_EQ(Hex(Read(MessageType::Feature, "0400ff017f00").Whole<FeatureMsg>().id), "00ff017f");
    Read(MessageType::Feature, "50" + Repeated("61", 80) + "fd0002" + Repeated("00", 512)).Whole<FeatureMsg>();
}

TEST(Filters, OfBip37)
{
    const Read load{MessageType::FilterLoad, "02 aabb 0b000000 2a000000 01"};
    const auto& msg = load.Whole<FilterLoadMsg>();
    EXPECT_EQ(Hex(msg.filter), "aabb");
    EXPECT_EQ(msg.hash_functions, 11u);
    EXPECT_EQ(msg.tweak, 42u);
    EXPECT_EQ(msg.flags, 1u);
    EXPECT_EQ(Hex(Read(MessageType::FilterAdd, "03 010203").Whole<FilterAddMsg>().data), "010203");
}

TEST(GetCFilters, OfBip157)
{
    for (const MessageType type : {MessageType::GetCFilters, MessageType::GetCFHeaders}) {
        const Read read{type, "00e80300003b8c7bc606beacf289639a8e6cf3bf6742bbb8650783515fec04a42ee2859a09"};
        EXPECT_EQ(read.Whole<GetCFiltersMsg>().filter_type, 0);
        EXPECT_EQ(read.Whole<GetCFiltersMsg>().start_height, 1000u);
        EXPECT_EQ(Hex(read.Whole<GetCFiltersMsg>().stop_hash), "3b8c7bc606beacf289639a8e6cf3bf6742bbb8650783515fec04a42ee2859a09");
    }
    const Read checkpoint{MessageType::GetCFCheckpt, "0083cb15d78944dd433fca746fee42e93c534622281f65c432bf3e1c2e852cec07"};
    EXPECT_EQ(Hex(checkpoint.Whole<GetCFCheckptMsg>().stop_hash), "83cb15d78944dd433fca746fee42e93c534622281f65c432bf3e1c2e852cec07");
}

TEST(CFilter, OfBip157)
{
    const Read read{MessageType::CFilter, "0007f842144145930cfe0f6fae588a0a8d45fc12acfc4cc2bdd9a5a35743097b190401862610"};
    EXPECT_EQ(Hex(read.Whole<CFilterMsg>().block_hash), "07f842144145930cfe0f6fae588a0a8d45fc12acfc4cc2bdd9a5a35743097b19");
    EXPECT_EQ(Hex(read.Whole<CFilterMsg>().filter), "01862610");
}

TEST(CFHeaders, OfBip157)
{
    const Read read{MessageType::CFHeaders,
                    "00" + Repeated("aa", 32) + Repeated("bb", 32) + "02" + Repeated("cc", 32) + Repeated("dd", 32)};
    const auto& msg = read.Whole<CFHeadersMsg>();
    EXPECT_EQ(Hex(msg.stop_hash), Repeated("aa", 32));
    EXPECT_EQ(Hex(msg.previous_header), Repeated("bb", 32));
    ASSERT_EQ(msg.hashes.size(), 2u);
    EXPECT_EQ(Hex(*++msg.hashes.begin()), Repeated("dd", 32));
}

TEST(CFCheckpt, OfBip157)
{
    const Read read{
        MessageType::CFCheckpt,
        "0083cb15d78944dd433fca746fee42e93c534622281f65c432bf3e1c2e852cec07023834ea6fbd5e690ba5963527a97f57570d0c9c828531cecbba28f640b3"
        "0d8bf39b08c4f94e15092afd81ca6a6caf51055ae48fb1ea67b314032a195537cbf1d8"};
    const auto& msg = read.Whole<CFCheckptMsg>();
    ASSERT_EQ(msg.headers.size(), 2u);
    EXPECT_EQ(Hex(*++msg.headers.begin()), "9b08c4f94e15092afd81ca6a6caf51055ae48fb1ea67b314032a195537cbf1d8");
}

TEST(Reject, OfBip61)
{
    const Read read{MessageType::Reject, "02 7478 42 0c 6d656d706f6f6c2066756c6c" + Repeated("ab", 32)};
    const auto& msg = read.Whole<RejectMsg>();
    EXPECT_EQ(Text(msg.message), "tx");
    EXPECT_EQ(msg.code, 0x42);
    EXPECT_EQ(Text(msg.reason), "mempool full");
    EXPECT_EQ(Hex(msg.hash), Repeated("ab", 32));
    EXPECT_TRUE(Read(MessageType::Reject, "02 7478 01 00").Whole<RejectMsg>().hash.empty()) << "what could not be read has no hash";
    EXPECT_TRUE(Read(MessageType::Reject, "07 76657273696f6e 11 00" + Repeated("ab", 32)).Whole<RejectMsg>(32).hash.empty());
    EXPECT_EQ(Verdict(MessageType::Reject, "02 7478 42 00 abab"), "ends early at 5");
}

TEST(Alert, TheLastThereWas)
{
    // The final alert, which makes every other impossible; Bitcoin Core 0.14 and later sent it to old peers.
    const Read read{
        MessageType::Alert,
        "60010000000000000000000000ffffff7f00000000ffffff7ffeffff7f01ffffff7f00000000ffffff7f00ffffff7f002f555247454e543a20416c657274206b"
        "657920636f6d70726f6d697365642c2075706772616465207265717569726564004630440220653febd6410f470f6bae11cad19c48413becb1ac2c17f908fd0f"
        "d53bdc3abd5202206d0e9c96fe88d4a0f01ed9dedae2b6f9e00da94cad0fecaae66ecf689bf71b50"};
    const auto& msg = read.Whole<AlertMsg>();
    EXPECT_EQ(msg.payload.size(), 96u);
    EXPECT_EQ(msg.signature.size(), 70u);
    ASSERT_TRUE(msg.parsed);
    EXPECT_EQ(msg.version, 1);
    EXPECT_EQ(msg.relay_until, 0);
    EXPECT_EQ(msg.expiration, 0x7fffffff);
    EXPECT_EQ(msg.priority, 0x7fffffff);
    EXPECT_EQ(Text(msg.status_bar), "URGENT: Alert key compromised, upgrade required");
}

TEST(Alert, OfBytesThatMeanNothing)
{
    EXPECT_FALSE(Read(MessageType::Alert, "03 010203 02 abcd").Whole<AlertMsg>().parsed) << "a payload is signed, whatever it is";
}

TEST(UnknownTypes, AreBytes)
{
    for (const MessageType type :
         {MessageType::Other, MessageType::CheckOrder, MessageType::SubmitOrder, MessageType::Reply, MessageType::SendPackages}) {
        EXPECT_EQ(Hex(Read(type, "fdfd").Whole<UnknownMsg>().bytes), "fdfd");
        EXPECT_EQ(Hex(Read(type, "fdfd", 3).Cut<UnknownMsg>().bytes), "fdfd");
        EXPECT_TRUE(Read(type, "").Whole<UnknownMsg>().bytes.empty());
    }
}

} // namespace
} // namespace coretap::wire
