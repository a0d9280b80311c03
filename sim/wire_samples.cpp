#include "sim/wire_samples.h"

#include <algorithm>
#include <array>

namespace coretap::sim {
namespace {

constexpr std::int64_t NOW{1'750'000'000};
constexpr std::int32_t HEIGHT{900'000};
constexpr std::uint64_t SERVICES{0x0c09}; // NETWORK, WITNESS, NETWORK_LIMITED, P2P_V2

// ---- elements ---------------------------------------------------------------------------------------------------

std::vector<Hash256> Hashes(Rng& rng, std::size_t count)
{
    std::vector<Hash256> hashes;
    for (std::size_t i{0}; i < count; ++i) hashes.push_back(rng.Hash());
    return hashes;
}

BlockHeader Header(Rng& rng)
{
    BlockHeader header;
    header.previous = rng.Hash();
    header.merkle_root = rng.Hash();
    header.time = static_cast<std::uint32_t>(NOW);
    Mine(header);
    return header;
}

TxBytes SomeTx(Rng& rng)
{
    std::vector<OutPoint> spent;
    for (std::uint64_t left{rng.Below(3)};; --left) {
        spent.push_back({rng.Hash(), static_cast<std::uint32_t>(rng.Below(4))});
        if (left == 0) break;
    }
    return Serialize(RandomTx(rng, spent, {rng.Range(600, 90'000'000), rng.Range(600, 9'000'000)}));
}

GossipAddress Gossip(Rng& rng, NetAddress address)
{
    return {static_cast<std::uint32_t>(NOW - rng.Range(0, 600'000)), SERVICES, std::move(address)};
}

/** One of each of these networks. */
std::vector<GossipAddress> Addresses(Rng& rng, std::initializer_list<Network> networks)
{
    std::vector<GossipAddress> addresses;
    for (const Network network : networks) addresses.push_back(Gossip(rng, RandomAddress(rng, network)));
    return addresses;
}

Bytes Inventory(Rng& rng, std::size_t count, std::initializer_list<std::uint32_t> types)
{
    std::vector<InvEntry> entries;
    while (entries.size() < count) entries.push_back({rng.Pick(types), rng.Hash()});
    return EncodeInv(entries);
}

// ---- payloads ---------------------------------------------------------------------------------------------------

Bytes Version(Rng& rng)
{
    static constexpr std::string_view USER_AGENTS[]{"/Satoshi:29.0.0/", "/Satoshi:28.1.0/", "/Satoshi:29.1.0/Knots:20250903/",
                                                    "/btcwire:0.5.0/btcd:0.24.2/"};
    return EncodeVersion({70016, SERVICES, NOW, RandomAddress(rng, rng.Chance(0.8) ? Network::Ipv4 : Network::Ipv6), rng.Next(),
                          rng.Pick(USER_AGENTS), HEIGHT, rng.Chance(0.8)});
}
Bytes Nonce(Rng& rng) { return EncodeNonce(rng.Next()); }
Bytes Inv(Rng& rng) { return Inventory(rng, 1 + rng.Below(4), {inv_type::WTX, inv_type::WTX, inv_type::WTX, inv_type::TX}); }
Bytes GetData(Rng& rng)
{
    return Inventory(rng, 1 + rng.Below(4), {inv_type::WTX, inv_type::WTX, inv_type::WITNESS_TX, inv_type::TX, inv_type::WITNESS_BLOCK});
}
Bytes Locator(Rng& rng) { return EncodeLocator(70016, Hashes(rng, 31)); }
Bytes Block(Rng& rng)
{
    const SampleBlock block{MakeSampleBlock(rng, 5'000)};
    return EncodeBlock(block.header, block.TxPointers());
}
Bytes CmpctBlock(Rng& rng)
{
    const SampleBlock block{MakeSampleBlock(rng, 50'000)};
    return EncodeCmpctBlock(block.header, rng.Next(), block.TxPointers());
}
Bytes BlockTxn(Rng& rng)
{
    std::vector<TxBytes> txs;
    while (txs.size() < 4) txs.push_back(SomeTx(rng));
    return EncodeBlockTxn(rng.Hash(), {&txs[0], &txs[1], &txs[2], &txs[3]});
}
Bytes MerkleBlock(Rng& rng)
{
    const std::uint8_t flags[]{0x1d}; // one of seven transactions matches
    return EncodeMerkleBlock(Header(rng), 7, Hashes(rng, 4), flags);
}
Bytes AddrV2(Rng& rng)
{
    auto addresses = Addresses(rng, {Network::Ipv4, Network::Ipv6, Network::Onion, Network::I2p, Network::Cjdns});
    addresses.push_back(Gossip(rng, UnknownAddress(rng)));
    return EncodeAddrV2(addresses);
}
/** A Golomb-coded set (BIP 158): how many, then bits. */
Bytes CFilter(Rng& rng) { return EncodeCFilter(0, rng.Hash(), Encoder{}.Compact(800).Raw(rng.Blob(2'000)).Take()); }
/** As version 0.1 had them: a hash to answer to, and an order. */
Bytes Order(Rng& rng) { return Encoder{}.Raw(rng.Hash()).Raw(SomeTx(rng).raw).Take(); }

// clang-format off
constexpr MessageSample SAMPLES[]{
    // type, share, payload
    {"version",      1, Version},
    {"verack",       1, nullptr},
    {"addr",         1, [](Rng& rng) { return EncodeAddr(Addresses(rng, {Network::Ipv4, Network::Ipv6})); }},
    {"addrv2",       1, AddrV2},
    {"sendaddrv2",   1, nullptr},
    {"inv",          6, Inv},
    {"getdata",      2, GetData},
    {"merkleblock",  1, MerkleBlock},
    {"getblocks",    1, Locator},
    {"getheaders",   1, Locator},
    {"tx",           4, [](Rng& rng) { return SomeTx(rng).raw; }},
    {"headers",      1, [](Rng& rng) { return EncodeHeaders({Header(rng)}); }},
    {"block",        1, Block},
    {"getaddr",      1, nullptr},
    {"mempool",      1, nullptr},
    {"ping",         1, Nonce},
    {"pong",         1, Nonce},
    {"notfound",     1, GetData},
    {"filterload",   1, [](Rng& rng) { return EncodeFilterLoad(rng.Blob(512), 11, static_cast<std::uint32_t>(rng.Next()), 1); }},
    {"filteradd",    1, [](Rng& rng) { return EncodeFilterAdd(rng.Blob(20)); }},
    {"filterclear",  1, nullptr},
    {"sendheaders",  1, nullptr},
    {"feefilter",    1, [](Rng& rng) { return EncodeFeeFilter(rng.Range(100, 10'000)); }},
    {"sendcmpct",    1, [](Rng& rng) { return EncodeSendCmpct(rng.Chance(0.5)); }},
    {"cmpctblock",   1, CmpctBlock},
    {"getblocktxn",  1, [](Rng& rng) { return EncodeGetBlockTxn(rng.Hash(), {1, 5, 6, 300}); }},
    {"blocktxn",     1, BlockTxn},
    {"getcfilters",  1, [](Rng& rng) { return EncodeGetCFilters(0, HEIGHT - 1'000, rng.Hash()); }},
    {"cfilter",      1, CFilter},
    {"getcfheaders", 1, [](Rng& rng) { return EncodeGetCFilters(0, HEIGHT - 2'000, rng.Hash()); }},
    {"cfheaders",    1, [](Rng& rng) { return EncodeCFHeaders(0, rng.Hash(), rng.Hash(), Hashes(rng, 100)); }},
    {"getcfcheckpt", 1, [](Rng& rng) { return EncodeGetCFCheckpt(0, rng.Hash()); }},
    {"cfcheckpt",    1, [](Rng& rng) { return EncodeCFCheckpt(0, rng.Hash(), Hashes(rng, 900)); }},
    {"wtxidrelay",   1, nullptr},
    {"sendtxrcncl",  1, [](Rng& rng) { return EncodeSendTxRcncl(1, rng.Next()); }},
    {"feature",      1, [](Rng& rng) { return EncodeFeature("BIP434-sample", rng.Blob(4)); }},
    {"reject",       1, [](Rng& rng) { return EncodeReject("tx", 0x42, "insufficient priority", rng.Hash()); }},
    {"alert",        1, [](Rng&) { return EncodeFinalAlert(); }},
    {"checkorder",   1, Order},
    {"submitorder",  1, Order},
    {"reply",        1, [](Rng& rng) { return Encoder{}.Raw(rng.Hash()).U32(1).Take(); }},
    {"sendpackages", 1, [](Rng&) { return Encoder{}.U64(1).Take(); }}, // BIP 331: a bit a version
    {"zzunknown",    1, [](Rng& rng) { return rng.Blob(1 + rng.Below(40)); }},
};
// clang-format on

constexpr bool EveryTypeOnce()
{
    return std::ranges::all_of(SAMPLES,
                               [](const MessageSample& row) { return std::ranges::count(SAMPLES, row.type, &MessageSample::type) == 1; });
}
static_assert(EveryTypeOnce());

// ---- what is taken amiss ----------------------------------------------------------------------------------------

Bytes TooMany(Rng& rng) { return Inventory(rng, 50'001, {inv_type::WTX}); }

constexpr std::string_view BAD_ANNOUNCE{"invalid sendcmpct announce field"};
Bytes BadAnnounce(Rng&) { return Encoder{}.U8(2).U64(2).Take(); }

constexpr Misdeed MISDEEDS[]{
    {"header with invalid proof of work", "headers",
     [](Rng& rng) {
         BlockHeader header;
         header.previous = rng.Hash();
         // none of the hashes that meet the easiest target begins with this bit
         while (HashOf(header)[31] < 0x80) ++header.nonce;
         return EncodeHeaders({header});
     }},
    {"non-continuous headers sequence", "headers",
     [](Rng& rng) {
         return EncodeHeaders({Header(rng), Header(rng)});
     }},
    {"invalid compact block/non-matching block transactions", "blocktxn", BlockTxn},
    {"inv message size = 50001", "inv", TooMany},
    {"getdata message size = 50001", "getdata", TooMany},
    {"headers message size = 2001", "headers",
     [](Rng& rng) {
         std::vector<BlockHeader> headers(2'001);
         for (BlockHeader& header : headers) header.previous = rng.Hash();
         return EncodeHeaders(headers);
     }},
    {"addrv2 message size = 1001", "addrv2",
     [](Rng& rng) {
         std::vector<GossipAddress> addresses;
         while (addresses.size() < 1'001) addresses.push_back(Gossip(rng, RandomAddress(rng)));
         return EncodeAddrV2(addresses);
     }},
    {"mutated block", "block",
     [](Rng& rng) {
         SampleBlock block{MakeSampleBlock(rng, 5'000)};
         std::swap(block.txs[1], block.txs[2]); // the header commits to another order
         return EncodeBlock(block.header, block.TxPointers());
     }},
    {"too-large bloom filter", "filterload", [](Rng& rng) { return EncodeFilterLoad(rng.Blob(512), 51, 0, 0); }}, // at most 50 functions
    {"getblocktxn with out-of-bounds tx indices", "getblocktxn",
     [](Rng& rng) {
         return EncodeGetBlockTxn(rng.Hash(), {1, 60'000});
     }},
    {BAD_ANNOUNCE, "sendcmpct", BadAnnounce},
};

} // namespace

std::span<const MessageSample> MessageSamples() { return SAMPLES; }

Bytes SamplePayload(std::string_view msg_type, Rng& rng)
{
    const auto* const row = std::ranges::find(SAMPLES, msg_type, &MessageSample::type);
    return row == std::end(SAMPLES) || !row->make ? Bytes{} : row->make(rng);
}

std::span<const Misdeed> Misdeeds() { return MISDEEDS; }

const std::vector<MalformedMessage>& MalformedMessages()
{
    static const std::vector<MalformedMessage> MESSAGES{[] {
        Rng rng{0xbad};
        std::vector<MalformedMessage> messages;
        // ends in the middle of an entry
        Bytes cut{Inventory(rng, 3, {inv_type::WTX})};
        cut.resize(cut.size() - 20);
        messages.push_back({"inv", std::move(cut)});
        // a count that takes three bytes where one would do
        messages.push_back({"headers", Encoder{}.U8(0xfd).U16(1).Raw(EncodeHeader(Header(rng))).U8(0).Take()});
        // more entries than the message has room for
        messages.push_back({"addrv2", Encoder{}.Compact(900).Raw(rng.Blob(64)).Take()});
        // an IPv4 address of five bytes
        messages.push_back(
            {"addrv2", Encoder{}.Compact(1).U32(1'749'000'000).Compact(SERVICES).U8(1).Var(rng.Blob(5)).U16Big(8333).Take()});
        // a flag that BIP 144 does not have
        Bytes flagged{SomeTx(rng).raw};
        flagged[4] = 0;
        flagged[5] = 2;
        messages.push_back({"tx", std::move(flagged)});
        // a ping of six bytes
        messages.push_back({"ping", rng.Blob(6)});
        // a user agent that goes beyond the message
        Bytes version{Version(rng)};
        version.resize(90);
        messages.push_back({"version", std::move(version)});
        messages.push_back({"sendcmpct", BadAnnounce(rng)});
        return messages;
    }()};
    return MESSAGES;
}

std::vector<const TxBytes*> SampleBlock::TxPointers() const
{
    std::vector<const TxBytes*> pointers;
    pointers.reserve(txs.size());
    for (const TxBytes& tx : txs) pointers.push_back(&tx);
    return pointers;
}

SampleBlock MakeSampleBlock(Rng& rng, std::size_t size_bytes)
{
    SampleBlock block;
    block.txs.emplace_back(); // room for the coinbase
    std::vector<Hash256> wtxids{Hash256{}};
    for (std::size_t size{0}; size < size_bytes; size += block.txs.back().raw.size()) {
        block.txs.push_back(SomeTx(rng));
        wtxids.push_back(block.txs.back().wtxid);
    }
    block.txs.front() = Serialize(CoinbaseTx(rng, HEIGHT, 312'500'000, MerkleRoot(std::move(wtxids))));
    std::vector<Hash256> txids;
    for (const TxBytes& tx : block.txs) txids.push_back(tx.txid);
    block.header.previous = rng.Hash();
    block.header.merkle_root = MerkleRoot(std::move(txids));
    block.header.time = static_cast<std::uint32_t>(NOW);
    Mine(block.header);
    return block;
}

} // namespace coretap::sim
