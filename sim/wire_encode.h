// Payloads of P2P messages as Bitcoin Core writes them: small, pure serializers. What they encode is believable,
// not valid: signatures are random bytes. Ids are real: a txid is the hash of the transaction it names.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "sim/address.h"
#include "sim/hash.h"

namespace coretap::sim {

/** Appends little-endian integers, compact sizes and bytes to a payload. */
class Encoder {
    Bytes m_out;

public:
    Encoder& U8(std::uint8_t value) { return Little(value, 1); }
    Encoder& U16(std::uint16_t value) { return Little(value, 2); }
    Encoder& U16Big(std::uint16_t value) { return U8(static_cast<std::uint8_t>(value >> 8)).U8(static_cast<std::uint8_t>(value)); }
    Encoder& U32(std::uint32_t value) { return Little(value, 4); }
    Encoder& U48(std::uint64_t value) { return Little(value, 6); }
    Encoder& U64(std::uint64_t value) { return Little(value, 8); }
    /** CompactSize: 1, 3, 5 or 9 bytes. */
    Encoder& Compact(std::uint64_t value);
    Encoder& Raw(ByteView bytes);
    Encoder& Var(ByteView bytes) { return Compact(bytes.size()).Raw(bytes); }
    Encoder& Var(std::string_view text);
    Bytes Take() { return std::move(m_out); }

private:
    Encoder& Little(std::uint64_t value, int size);
};

// ---- transactions ---------------------------------------------------------------------------------------------

struct OutPoint {
    Hash256 txid{};
    std::uint32_t index{0};
};

struct TxIn {
    OutPoint prevout;
    Bytes script_sig;
    std::uint32_t sequence{0xfffffffd};
    std::vector<Bytes> witness;
};

struct TxOut {
    std::int64_t value{0};
    Bytes script;
};

struct Tx {
    std::int32_t version{2};
    std::vector<TxIn> inputs;
    std::vector<TxOut> outputs;
    std::uint32_t lock_time{0};
};

/** A transaction with everything derived from it, made once. */
struct TxBytes {
    Bytes raw; //!< with witness
    Hash256 txid{};
    Hash256 wtxid{};
    std::int32_t vsize{0};
    std::size_t stripped_size{0}; //!< bytes without witness
};

bool HasWitness(const Tx& tx);
Bytes EncodeTx(const Tx& tx, bool with_witness = true);
TxBytes Serialize(const Tx& tx);
/** As a peer gets it that does not know of witnesses. */
Bytes StripWitness(const TxBytes& tx);
/** Of wallets: taproot key spends, p2wpkh and p2pkh inputs with random signatures, outputs of the usual forms. One in ten is of before SegWit. */
Tx RandomTx(Rng& rng, const std::vector<OutPoint>& spent, const std::vector<std::int64_t>& values);
/** Pays `value` to nobody in particular; commits to the height (BIP 34) and to `witness_root` (BIP 141). */
Tx CoinbaseTx(Rng& rng, std::int32_t height, std::int64_t value, const Hash256& witness_root);

// ---- blocks ---------------------------------------------------------------------------------------------------

struct BlockHeader {
    std::int32_t version{0x20000000};
    Hash256 previous{};
    Hash256 merkle_root{};
    std::uint32_t time{0};
    std::uint32_t bits{0x207fffff}; //!< the easiest there is: every second nonce will do
    std::uint32_t nonce{0};
};

Bytes EncodeHeader(const BlockHeader& header);
Hash256 HashOf(const BlockHeader& header);
/** Find a nonce that satisfies `bits`. */
void Mine(BlockHeader& header);

Bytes EncodeBlock(const BlockHeader& header, const std::vector<const TxBytes*>& txs);
/** BIP 152, version 2: the coinbase and those at `prefilled` (ascending) whole, the rest as short ids. */
Bytes EncodeCmpctBlock(const BlockHeader& header, std::uint64_t nonce, const std::vector<const TxBytes*>& txs,
                       const std::vector<std::size_t>& prefilled = {0});
Bytes EncodeGetBlockTxn(const Hash256& block, const std::vector<std::size_t>& indexes);
Bytes EncodeBlockTxn(const Hash256& block, const std::vector<const TxBytes*>& txs);
Bytes EncodeMerkleBlock(const BlockHeader& header, std::uint32_t tx_count, const std::vector<Hash256>& hashes, ByteView flags);

// ---- messages -------------------------------------------------------------------------------------------------

/** Types in inv, getdata and notfound (src/protocol.h of Bitcoin Core). */
namespace inv_type {
inline constexpr std::uint32_t TX{1};
inline constexpr std::uint32_t BLOCK{2};
inline constexpr std::uint32_t FILTERED_BLOCK{3};
inline constexpr std::uint32_t CMPCT_BLOCK{4};
inline constexpr std::uint32_t WTX{5};
inline constexpr std::uint32_t WITNESS_TX{0x40000001};
inline constexpr std::uint32_t WITNESS_BLOCK{0x40000002};
} // namespace inv_type

struct InvEntry {
    std::uint32_t type{inv_type::WTX};
    Hash256 hash{};
};

struct VersionFields {
    std::int32_t version{70016};
    std::uint64_t services{0};
    std::int64_t time{0};
    NetAddress receiver;
    std::uint64_t nonce{0};
    std::string_view user_agent;
    std::int32_t height{0};
    bool relay{true};
};

struct GossipAddress {
    std::uint32_t time{0};
    std::uint64_t services{0};
    NetAddress address;
};

Bytes EncodeVersion(const VersionFields& fields);
/** ping, pong. */
Bytes EncodeNonce(std::uint64_t nonce);
/** inv, getdata, notfound. */
Bytes EncodeInv(const std::vector<InvEntry>& entries);
/** getheaders, getblocks. */
Bytes EncodeLocator(std::int32_t version, const std::vector<Hash256>& locator, const Hash256& stop = {});
Bytes EncodeHeaders(const std::vector<BlockHeader>& headers);
/** addr: IPv4 and IPv6 only, others as unspecified. */
Bytes EncodeAddr(const std::vector<GossipAddress>& addresses);
Bytes EncodeAddrV2(const std::vector<GossipAddress>& addresses);
Bytes EncodeSendCmpct(bool high_bandwidth, std::uint64_t version = 2);
/** In satoshi per 1000 virtual bytes. */
Bytes EncodeFeeFilter(std::int64_t feerate);
/** BIP 61. */
Bytes EncodeReject(std::string_view message, std::uint8_t code, std::string_view reason, const Hash256& hash);
Bytes EncodeFilterLoad(ByteView filter, std::uint32_t functions, std::uint32_t tweak, std::uint8_t flags);
Bytes EncodeFilterAdd(ByteView data);
/** getcfilters, getcfheaders (BIP 157). */
Bytes EncodeGetCFilters(std::uint8_t filter_type, std::uint32_t start_height, const Hash256& stop);
Bytes EncodeGetCFCheckpt(std::uint8_t filter_type, const Hash256& stop);
Bytes EncodeCFilter(std::uint8_t filter_type, const Hash256& block, ByteView filter);
Bytes EncodeCFHeaders(std::uint8_t filter_type, const Hash256& stop, const Hash256& previous, const std::vector<Hash256>& hashes);
Bytes EncodeCFCheckpt(std::uint8_t filter_type, const Hash256& stop, const std::vector<Hash256>& headers);
/** BIP 330. */
Bytes EncodeSendTxRcncl(std::uint32_t version, std::uint64_t salt);
/** BIP 434. */
Bytes EncodeFeature(std::string_view feature_id, ByteView data);
/** The final alert, which Bitcoin Core still sends to peers of protocol version 70012 and before. */
Bytes EncodeFinalAlert();

} // namespace coretap::sim
