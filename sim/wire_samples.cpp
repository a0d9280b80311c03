// One believable payload for each message type.
#include <functional>
#include <map>

#include "sim/wire_encode.h"

namespace coretap::sim {
namespace {

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
    header.time = 1'750'000'000;
    Mine(header);
    return header;
}

std::vector<TxBytes> Txs(Rng& rng, std::size_t count)
{
    std::vector<TxBytes> txs{Serialize(CoinbaseTx(rng, 900'000, 312'500'000, rng.Hash()))};
    while (txs.size() < count) {
        std::vector<OutPoint> spent;
        for (std::uint64_t i{0}; i <= rng.Below(2); ++i) spent.push_back({rng.Hash(), static_cast<std::uint32_t>(rng.Below(4))});
        txs.push_back(Serialize(RandomTx(rng, spent, {rng.Range(600, 90'000'000), rng.Range(600, 9'000'000)})));
    }
    return txs;
}

std::vector<const TxBytes*> Pointers(const std::vector<TxBytes>& txs)
{
    std::vector<const TxBytes*> pointers;
    for (const TxBytes& tx : txs) pointers.push_back(&tx);
    return pointers;
}

std::vector<GossipAddress> Addresses(Rng& rng, bool old_networks_only)
{
    std::vector<GossipAddress> addresses;
    for (const Network network : {Network::Ipv4, Network::Ipv6, Network::Onion, Network::I2p, Network::Cjdns}) {
        if (old_networks_only && network > Network::Ipv6) break;
        addresses.push_back({static_cast<std::uint32_t>(1'750'000'000 - rng.Below(600'000)), 0x0c09, RandomAddress(rng, network)});
    }
    return addresses;
}

Bytes Inv(Rng& rng)
{
    std::vector<InvEntry> entries;
    for (std::uint64_t i{0}; i <= rng.Below(3); ++i) entries.push_back({inv_type::WTX, rng.Hash()});
    return EncodeInv(entries);
}

Bytes Locator(Rng& rng) { return EncodeLocator(70016, Hashes(rng, 31)); }

using Maker = std::function<Bytes(Rng&)>;

const std::map<std::string_view, Maker>& Makers()
{
    static const std::map<std::string_view, Maker> MAKERS{
        {"version",
         [](Rng& rng) {
             return EncodeVersion(
                 {70016, 0x0c09, 1'750'000'000, RandomAddress(rng, Network::Ipv4), rng.Next(), "/Satoshi:29.0.0/", 900'000, true});
         }},
        {"ping", [](Rng& rng) { return EncodeNonce(rng.Next()); }},
        {"pong", [](Rng& rng) { return EncodeNonce(rng.Next()); }},
        {"inv", Inv},
        {"getdata", Inv},
        {"notfound", Inv},
        {"tx", [](Rng& rng) { return Txs(rng, 2).back().raw; }},
        {"getheaders", Locator},
        {"getblocks", Locator},
        {"headers", [](Rng& rng) { return EncodeHeaders({Header(rng)}); }},
        {"block", [](Rng& rng) { return EncodeBlock(Header(rng), Pointers(Txs(rng, 20))); }},
        {"cmpctblock", [](Rng& rng) { return EncodeCmpctBlock(Header(rng), rng.Next(), Pointers(Txs(rng, 200))); }},
        {"getblocktxn",
         [](Rng& rng) {
             return EncodeGetBlockTxn(rng.Hash(), {1, 5, 6, 300});
         }},
        {"blocktxn", [](Rng& rng) { return EncodeBlockTxn(rng.Hash(), Pointers(Txs(rng, 4))); }},
        {"merkleblock",
         [](Rng& rng) {
             const std::uint8_t flags[]{0x1d};
             return EncodeMerkleBlock(Header(rng), 7, Hashes(rng, 4), flags);
         }},
        {"addr", [](Rng& rng) { return EncodeAddr(Addresses(rng, true)); }},
        {"addrv2", [](Rng& rng) { return EncodeAddrV2(Addresses(rng, false)); }},
        {"sendcmpct", [](Rng& rng) { return EncodeSendCmpct(rng.Chance(0.5)); }},
        {"feefilter", [](Rng& rng) { return EncodeFeeFilter(rng.Range(100, 10'000)); }},
        {"reject", [](Rng& rng) { return EncodeReject("tx", 0x42, "insufficient priority", rng.Hash()); }},
        {"filterload", [](Rng& rng) { return EncodeFilterLoad(rng.Blob(512), 11, static_cast<std::uint32_t>(rng.Next()), 1); }},
        {"filteradd", [](Rng& rng) { return EncodeFilterAdd(rng.Blob(20)); }},
        {"getcfilters", [](Rng& rng) { return EncodeGetCFilters(0, 899'000, rng.Hash()); }},
        {"getcfheaders", [](Rng& rng) { return EncodeGetCFilters(0, 898'000, rng.Hash()); }},
        {"getcfcheckpt", [](Rng& rng) { return EncodeGetCFCheckpt(0, rng.Hash()); }},
        {"cfilter", [](Rng& rng) { return EncodeCFilter(0, rng.Hash(), rng.Blob(2'000)); }},
        {"cfheaders", [](Rng& rng) { return EncodeCFHeaders(0, rng.Hash(), rng.Hash(), Hashes(rng, 100)); }},
        {"cfcheckpt", [](Rng& rng) { return EncodeCFCheckpt(0, rng.Hash(), Hashes(rng, 900)); }},
        {"sendtxrcncl", [](Rng& rng) { return EncodeSendTxRcncl(1, rng.Next()); }},
        {"feature", [](Rng& rng) { return EncodeFeature("BIP434-sample", rng.Blob(4)); }},
        {"alert", [](Rng&) { return EncodeFinalAlert(); }},
    };
    return MAKERS;
}

} // namespace

Bytes SamplePayload(std::string_view msg_type, Rng& rng)
{
    const auto it = Makers().find(msg_type);
    return it == Makers().end() ? Bytes{} : it->second(rng);
}

} // namespace coretap::sim
