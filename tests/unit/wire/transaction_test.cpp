#include "wire/transaction.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "unit/wire/wire_fixture.h"

namespace coretap::wire {
namespace {

/** BIP 143's native P2WPKH example, signed: one input with a script, one with a witness. */
constexpr std::string_view BIP143{
    "01000000 0001 02"
    "fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f 00000000"
    "494830450221008b9d1dc26ba6a9cb62127b02742fa9d754cd3bebf337f7a55d114c8e5cdd30be022040529b194ba3f9281a99f2b1c0a19c0489bc22ede944cc"
    "f4ecbab4cc618ef3ed01 eeffffff"
    "ef51e1b804cc89d182d279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a 01000000 00 ffffffff"
    "02 202cb20600000000 1976a9148280b37df378db99f66f85c95a783a76ac7a6d5988ac"
    "9093510d00000000 1976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa815988ac"
    "00 02"
    "47304402203609e17b84f6a7d30c80bfa610b5b4542f32a8a0d5447a12fb1366d7f01cc44a0220573a954c4518331561406f90300e8f3358f51928d43c212a8c"
    "aed02de67eebee01"
    "21025476c2e83188368da1ff3e292e7acafcdb3566bb0ad253f62fc70f07aeee6357"
    "11000000"};

TEST(Tx, WithWitness)
{
    const Read read{MessageType::Tx, BIP143};
    const Tx& tx{read.Whole<TxMsg>().tx};
    EXPECT_EQ(tx.version, 1);
    EXPECT_EQ(tx.lock_time, 17u);
    EXPECT_TRUE(tx.has_witness);
    EXPECT_TRUE(tx.whole);
    ASSERT_EQ(tx.inputs.size(), 2u);
    ASSERT_EQ(tx.outputs.size(), 2u);
    ASSERT_EQ(tx.witness.size(), 2u);

    auto in = tx.inputs.begin();
    EXPECT_EQ(HashText(in->prevout_txid), "9f96ade4b41d5433f4eda31e1738ec2b36f6e7d1420d94a6af99801a88f7f7ff");
    EXPECT_EQ(in->prevout_index, 0u);
    EXPECT_EQ(in->script_sig.size(), 0x49u);
    EXPECT_EQ(in->sequence, 0xffffffeeu);
    ++in;
    EXPECT_EQ(in->prevout_index, 1u);
    EXPECT_TRUE(in->script_sig.empty());
    EXPECT_EQ(++in, tx.inputs.end());

    auto out = tx.outputs.begin();
    EXPECT_EQ(out->value, 112'340'000);
    EXPECT_EQ(Hex(out->script_pubkey), "76a9148280b37df378db99f66f85c95a783a76ac7a6d5988ac");
    EXPECT_EQ((++out)->value, 223'450'000);

    auto stack = tx.witness.begin();
    EXPECT_TRUE(stack->empty());
    ++stack;
    ASSERT_EQ(stack->size(), 2u);
    EXPECT_EQ(Hex(*++stack->begin()), "025476c2e83188368da1ff3e292e7acafcdb3566bb0ad253f62fc70f07aeee6357");

    EXPECT_EQ(HashText(Txid(tx)), "e8151a2af31c368a35053ddd4bdb285a8595c769a3ad83e0fa02314a602d4609");
    EXPECT_EQ(HashText(Wtxid(tx)), "c36c38370907df2324d9ce9d149d191192f338b37665a82e78e76a12c909b762");
    EXPECT_EQ(tx.raw.size(), 343u);
    EXPECT_EQ(tx.StrippedSize(), 233u);
    EXPECT_EQ(tx.Weight(), 1042u);
    EXPECT_EQ(tx.VSize(), 261u);
}

TEST(Tx, WithoutWitness)
{
    // the coinbase of mainnet's first block
    const Read read{
        MessageType::Tx,
        "01000000 01 0000000000000000000000000000000000000000000000000000000000000000 ffffffff"
        "4d04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e642062"
        "61696c6f757420666f722062616e6b73 ffffffff"
        "01 00f2052a01000000"
        "434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c70"
        "2b6bf11d5fac 00000000"};
    const Tx& tx{read.Whole<TxMsg>().tx};
    EXPECT_FALSE(tx.has_witness);
    EXPECT_TRUE(tx.witness.empty());
    const TxIds ids{IdsOf(tx)};
    EXPECT_EQ(HashText(ids.txid), "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b");
    EXPECT_EQ(ids.txid, ids.wtxid);
    EXPECT_EQ(tx.VSize(), 204u);
    EXPECT_EQ(tx.outputs.begin()->value, 5'000'000'000);
}

TEST(Tx, OfNothing)
{
    // No inputs and flag 0: read without a list of outputs, the smallest transaction there is.
    const Read read{MessageType::Tx, "02000000 00 00 07000000"};
    const Tx& tx{read.Whole<TxMsg>().tx};
    EXPECT_TRUE(tx.inputs.empty());
    EXPECT_TRUE(tx.outputs.empty());
    EXPECT_EQ(tx.lock_time, 7u);
    EXPECT_EQ(tx.raw.size(), MIN_TX_SIZE);
}

constexpr std::string_view INPUT{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 00000000 00 ffffffff"};

TEST(Tx, WhatBitcoinCoreRefuses)
{
    const std::string lists{"01 " + std::string{INPUT} + " 01 0100000000000000 00"};
    EXPECT_EQ(Verdict(MessageType::Tx, "02000000" + lists + "00000000"), "whole");
    EXPECT_EQ(Verdict(MessageType::Tx, "02000000 0001" + lists + "01 00 00000000"), "whole") << "a stack of one empty item is one";
    EXPECT_EQ(Verdict(MessageType::Tx, "02000000 0001" + lists + "00 00000000"), "superfluous witness at 58");
    EXPECT_EQ(Verdict(MessageType::Tx, "02000000 0001 00 00 00000000"), "superfluous witness at 8") << "no inputs, no witness";
    for (const char* flag : {"02", "03", "80", "ff"}) {
        EXPECT_EQ(Verdict(MessageType::Tx, "02000000 00" + std::string{flag} + lists + "01 00 00000000"), "unknown witness flag at 5")
            << flag;
    }
    EXPECT_EQ(Verdict(MessageType::Tx, "02000000 fd0100" + lists), "non-canonical size at 4");
    EXPECT_EQ(Verdict(MessageType::Tx, "02000000 02" + std::string{INPUT}), "count too large for the message at 4");
    EXPECT_EQ(Verdict(MessageType::Tx, "02000000 01" + std::string{INPUT} + "01 0100000000000000"),
              "count too large for the message at 46");
    EXPECT_EQ(Verdict(MessageType::Tx, "02000000 01" + std::string{INPUT} + "01 0100000000000000 05 00000000"),
              "count too large for the message at 55");
    EXPECT_EQ(Verdict(MessageType::Tx, "02000000" + lists + "000000"), "ends early at 56");
    EXPECT_EQ(Verdict(MessageType::Tx, "02000000" + lists + "00000000 00"), "whole, trailing");
}

TEST(Tx, ThatWasCutHasWhatCameBefore)
{
    const Buffer all{FromHex(BIP143)};
    const std::string hex{Hex(all)};
    // in the middle of the second input
    const Read in_inputs{MessageType::Tx, hex.substr(0, 2 * 130), all.size()};
    const Tx& cut{in_inputs.Cut<TxMsg>().tx};
    EXPECT_FALSE(cut.whole);
    EXPECT_TRUE(cut.has_witness);
    EXPECT_EQ(cut.input_count, 2u);
    EXPECT_EQ(cut.inputs.size(), 1u);
    EXPECT_EQ(cut.inputs.begin()->sequence, 0xffffffeeu);
    EXPECT_EQ(cut.output_count, 0u);
    EXPECT_EQ(cut.raw.size(), 130u);
    // all but the last byte of the lock time
    const Read last{MessageType::Tx, hex.substr(0, 2 * (all.size() - 1)), all.size()};
    EXPECT_EQ(last.Cut<TxMsg>().tx.outputs.size(), 2u);
    EXPECT_EQ(last.Cut<TxMsg>().tx.witness.size(), 2u);
    EXPECT_FALSE(last.Cut<TxMsg>().tx.whole);
}

TEST(BlockHeader, OfTheFirstBlock)
{
    const Buffer bytes{FromHex("01000000 0000000000000000000000000000000000000000000000000000000000000000"
                               "3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a 29ab5f49 ffff001d 1dac2b7c")};
    Reader reader{bytes};
    const BlockHeader header{ReadBlockHeader(reader)};
    EXPECT_EQ(header.version, 1);
    EXPECT_EQ(HashText(header.merkle_root), "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b");
    EXPECT_EQ(header.time, 1231006505u);
    EXPECT_EQ(header.bits, 0x1d00ffffu);
    EXPECT_EQ(header.nonce, 2083236893u);
    EXPECT_EQ(HashText(HashOf(header)), "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f");
    EXPECT_TRUE(ReadBlockHeader(reader).raw.empty());
}

TEST(Elements, AreForEveryAlgorithm)
{
    const Read read{MessageType::Tx, BIP143};
    const Tx& tx{read.Whole<TxMsg>().tx};
    EXPECT_EQ(std::ranges::count_if(tx.outputs, [](const TxOut& out) { return out.value > 200'000'000; }), 1);
    EXPECT_EQ(std::distance(tx.inputs.begin(), tx.inputs.end()), 2);
    auto copy = tx.inputs.begin();
    auto other = copy;
    ++other;
    EXPECT_EQ(copy->sequence, 0xffffffeeu) << "a copy does not move along";
    EXPECT_NE(copy, other);
    EXPECT_EQ(Outputs{}.begin(), Outputs{}.end());
}

} // namespace
} // namespace coretap::wire
