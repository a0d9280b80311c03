#include "sim/wire_encode.h"

#include <algorithm>

namespace coretap::sim {

Encoder& Encoder::Little(std::uint64_t value, int size)
{
    std::array<std::uint8_t, 8> bytes;
    for (std::uint8_t& byte : bytes) {
        byte = static_cast<std::uint8_t>(value);
        value >>= 8;
    }
    return Raw(ByteView{bytes}.first(static_cast<std::size_t>(size)));
}

Encoder& Encoder::Compact(std::uint64_t value)
{
    if (value < 0xfd) return U8(static_cast<std::uint8_t>(value));
    if (value <= 0xffff) return U8(0xfd).U16(static_cast<std::uint16_t>(value));
    if (value <= 0xffffffff) return U8(0xfe).U32(static_cast<std::uint32_t>(value));
    return U8(0xff).U64(value);
}

Encoder& Encoder::Raw(ByteView bytes)
{
    m_out.insert(m_out.end(), bytes.begin(), bytes.end());
    return *this;
}

Encoder& Encoder::Var(std::string_view text) { return Var(ByteView{reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}); }

// ---- transactions ---------------------------------------------------------------------------------------------

bool HasWitness(const Tx& tx)
{
    return std::ranges::any_of(tx.inputs, [](const TxIn& in) { return !in.witness.empty(); });
}

Bytes EncodeTx(const Tx& tx, bool with_witness)
{
    const bool witness{with_witness && HasWitness(tx)};
    Encoder out;
    out.U32(static_cast<std::uint32_t>(tx.version));
    if (witness) out.U8(0).U8(1); // marker, flag (BIP 144)
    out.Compact(tx.inputs.size());
    for (const TxIn& in : tx.inputs) out.Raw(in.prevout.txid).U32(in.prevout.index).Var(in.script_sig).U32(in.sequence);
    out.Compact(tx.outputs.size());
    for (const TxOut& output : tx.outputs) out.U64(static_cast<std::uint64_t>(output.value)).Var(output.script);
    if (witness) {
        for (const TxIn& in : tx.inputs) {
            out.Compact(in.witness.size());
            for (const Bytes& item : in.witness) out.Var(item);
        }
    }
    return out.U32(tx.lock_time).Take();
}

TxBytes Serialize(const Tx& tx)
{
    TxBytes bytes;
    bytes.raw = EncodeTx(tx);
    const Bytes stripped{EncodeTx(tx, false)};
    bytes.txid = Sha256d(stripped);
    bytes.wtxid = Sha256d(bytes.raw);
    bytes.vsize = static_cast<std::int32_t>((stripped.size() * 3 + bytes.raw.size() + 3) / 4);
    bytes.stripped_size = stripped.size();
    return bytes;
}

Bytes StripWitness(const TxBytes& tx)
{
    if (tx.stripped_size == tx.raw.size()) return tx.raw;
    // version | marker, flag | inputs and outputs | witness | lock time
    const ByteView raw{tx.raw};
    return Encoder{}.Raw(raw.first(4)).Raw(raw.subspan(6, tx.stripped_size - 8)).Raw(raw.last(4)).Take();
}

namespace {

Bytes WitnessProgram(Rng& rng, std::uint8_t version_opcode, std::size_t size)
{
    return Encoder{}.U8(version_opcode).U8(static_cast<std::uint8_t>(size)).Raw(rng.Blob(size)).Take();
}

/** DER as wallets make it: 71 bytes and the hash type. */
Bytes EcdsaSignature(Rng& rng)
{
    return Encoder{}.U8(0x30).U8(68).U8(2).U8(32).Raw(rng.Blob(32)).U8(2).U8(32).Raw(rng.Blob(32)).U8(1).Take();
}

Bytes PublicKey(Rng& rng)
{
    Bytes key{rng.Blob(33)};
    key[0] = static_cast<std::uint8_t>(2 + rng.Below(2));
    return key;
}

Bytes OutputScript(Rng& rng)
{
    const std::uint64_t draw{rng.Below(100)};
    if (draw < 40) return WitnessProgram(rng, 0x51, 32);                                                 // p2tr
    if (draw < 80) return WitnessProgram(rng, 0x00, 20);                                                 // p2wpkh
    if (draw < 90) return Encoder{}.U8(0x76).U8(0xa9).U8(20).Raw(rng.Blob(20)).U8(0x88).U8(0xac).Take(); // p2pkh
    if (draw < 97) return Encoder{}.U8(0xa9).U8(20).Raw(rng.Blob(20)).U8(0x87).Take();                   // p2sh
    return WitnessProgram(rng, 0x00, 32);                                                                // p2wsh
}

} // namespace

Tx RandomTx(Rng& rng, const std::vector<OutPoint>& spent, const std::vector<std::int64_t>& values)
{
    Tx tx;
    const bool before_segwit{rng.Chance(0.1)};
    for (const OutPoint& prevout : spent) {
        TxIn in{prevout, {}, rng.Chance(0.7) ? 0xfffffffd : 0xffffffff, {}};
        if (before_segwit) {
            in.script_sig = Encoder{}.Var(EcdsaSignature(rng)).Var(PublicKey(rng)).Take();
        } else if (rng.Chance(0.4)) {
            in.witness = {rng.Blob(64)}; // taproot key spend
        } else {
            in.witness = {EcdsaSignature(rng), PublicKey(rng)};
        }
        tx.inputs.push_back(std::move(in));
    }
    for (const std::int64_t value : values) tx.outputs.push_back({value, OutputScript(rng)});
    return tx;
}

Tx CoinbaseTx(Rng& rng, std::int32_t height, std::int64_t value, const Hash256& witness_root)
{
    Bytes script{3, static_cast<std::uint8_t>(height), static_cast<std::uint8_t>(height >> 8), static_cast<std::uint8_t>(height >> 16)};
    static constexpr std::string_view TAG{"/coretap-sim/"};
    script.insert(script.end(), TAG.begin(), TAG.end());
    const Bytes extra{rng.Blob(8)};
    script.insert(script.end(), extra.begin(), extra.end());

    const Hash256 reserved{};
    Encoder commitment;
    commitment.Raw(witness_root).Raw(reserved);
    const Hash256 committed{Sha256d(commitment.Take())};
    Bytes op_return{0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed};
    op_return.insert(op_return.end(), committed.begin(), committed.end());

    Tx tx;
    tx.inputs.push_back({{Hash256{}, 0xffffffff}, std::move(script), 0xffffffff, {Bytes(32, 0)}});
    tx.outputs.push_back({value, WitnessProgram(rng, 0x00, 20)});
    tx.outputs.push_back({0, std::move(op_return)});
    return tx;
}

// ---- blocks ---------------------------------------------------------------------------------------------------

Bytes EncodeHeader(const BlockHeader& header)
{
    return Encoder{}
        .U32(static_cast<std::uint32_t>(header.version))
        .Raw(header.previous)
        .Raw(header.merkle_root)
        .U32(header.time)
        .U32(header.bits)
        .U32(header.nonce)
        .Take();
}

Hash256 HashOf(const BlockHeader& header) { return Sha256d(EncodeHeader(header)); }

void Mine(BlockHeader& header)
{
    // 0x207fffff: the target is 7fffff followed by zeros, so the highest bytes of the hash must stay below it
    while (HashOf(header)[31] >= 0x7f) ++header.nonce;
}

Bytes EncodeBlock(const BlockHeader& header, const std::vector<const TxBytes*>& txs)
{
    Encoder out;
    out.Raw(EncodeHeader(header)).Compact(txs.size());
    for (const TxBytes* tx : txs) out.Raw(tx->raw);
    return out.Take();
}

Bytes EncodeCmpctBlock(const BlockHeader& header, std::uint64_t nonce, const std::vector<const TxBytes*>& txs,
                       const std::vector<std::size_t>& prefilled)
{
    Encoder key_input;
    key_input.Raw(EncodeHeader(header)).U64(nonce);
    const Hash256 key{Sha256(key_input.Take())};
    const auto word = [&key](std::size_t at) {
        std::uint64_t value{0};
        for (std::size_t i{8}; i-- > 0;) value = (value << 8) | key[at + i];
        return value;
    };
    Encoder out;
    out.Raw(EncodeHeader(header)).U64(nonce).Compact(txs.size() - prefilled.size());
    for (std::size_t i{0}; i < txs.size(); ++i) {
        if (!std::ranges::binary_search(prefilled, i)) out.U48(SipHash(word(0), word(8), txs[i]->wtxid));
    }
    out.Compact(prefilled.size());
    std::size_t next{0};
    for (const std::size_t index : prefilled) {
        out.Compact(index - next).Raw(txs[index]->raw);
        next = index + 1;
    }
    return out.Take();
}

Bytes EncodeGetBlockTxn(const Hash256& block, const std::vector<std::size_t>& indexes)
{
    Encoder out;
    out.Raw(block).Compact(indexes.size());
    std::size_t next{0};
    for (const std::size_t index : indexes) {
        out.Compact(index - next);
        next = index + 1;
    }
    return out.Take();
}

Bytes EncodeBlockTxn(const Hash256& block, const std::vector<const TxBytes*>& txs)
{
    Encoder out;
    out.Raw(block).Compact(txs.size());
    for (const TxBytes* tx : txs) out.Raw(tx->raw);
    return out.Take();
}

Bytes EncodeMerkleBlock(const BlockHeader& header, std::uint32_t tx_count, const std::vector<Hash256>& hashes, ByteView flags)
{
    Encoder out;
    out.Raw(EncodeHeader(header)).U32(tx_count).Compact(hashes.size());
    for (const Hash256& hash : hashes) out.Raw(hash);
    return out.Var(flags).Take();
}

// ---- messages -------------------------------------------------------------------------------------------------

namespace {

/** An address in the form of before BIP 155: 16 bytes, IPv4 mapped into IPv6, all zero if it has no such form. */
void EncodeOldAddress(Encoder& out, std::uint64_t services, const NetAddress& address)
{
    out.U64(services);
    std::array<std::uint8_t, 16> ip{};
    if (address.network == Network::Ipv4 && address.raw.size() == 4) {
        ip[10] = ip[11] = 0xff;
        std::copy(address.raw.begin(), address.raw.end(), ip.begin() + 12);
    } else if ((address.network == Network::Ipv6 || address.network == Network::Cjdns) && address.raw.size() == 16) {
        std::copy(address.raw.begin(), address.raw.end(), ip.begin());
    }
    out.Raw(ip).U16Big(address.port);
}

} // namespace

Bytes EncodeVersion(const VersionFields& fields)
{
    Encoder out;
    out.U32(static_cast<std::uint32_t>(fields.version)).U64(fields.services).U64(static_cast<std::uint64_t>(fields.time));
    EncodeOldAddress(out, 0, fields.receiver);
    EncodeOldAddress(out, fields.services, NetAddress{Network::Unroutable, {}, 0, 0}); // Bitcoin Core does not tell
    return out.U64(fields.nonce).Var(fields.user_agent).U32(static_cast<std::uint32_t>(fields.height)).U8(fields.relay).Take();
}

Bytes EncodeNonce(std::uint64_t nonce) { return Encoder{}.U64(nonce).Take(); }

Bytes EncodeInv(const std::vector<InvEntry>& entries)
{
    Encoder out;
    out.Compact(entries.size());
    for (const InvEntry& entry : entries) out.U32(entry.type).Raw(entry.hash);
    return out.Take();
}

Bytes EncodeLocator(std::int32_t version, const std::vector<Hash256>& locator, const Hash256& stop)
{
    Encoder out;
    out.U32(static_cast<std::uint32_t>(version)).Compact(locator.size());
    for (const Hash256& hash : locator) out.Raw(hash);
    return out.Raw(stop).Take();
}

Bytes EncodeHeaders(const std::vector<BlockHeader>& headers)
{
    Encoder out;
    out.Compact(headers.size());
    for (const BlockHeader& header : headers) out.Raw(EncodeHeader(header)).U8(0);
    return out.Take();
}

Bytes EncodeAddr(const std::vector<GossipAddress>& addresses)
{
    Encoder out;
    out.Compact(addresses.size());
    for (const GossipAddress& entry : addresses) {
        out.U32(entry.time);
        EncodeOldAddress(out, entry.services, entry.address);
    }
    return out.Take();
}

Bytes EncodeAddrV2(const std::vector<GossipAddress>& addresses)
{
    Encoder out;
    out.Compact(addresses.size());
    for (const GossipAddress& entry : addresses) {
        out.U32(entry.time).Compact(entry.services).U8(Bip155Id(entry.address)).Var(entry.address.raw).U16Big(entry.address.port);
    }
    return out.Take();
}

Bytes EncodeSendCmpct(bool high_bandwidth, std::uint64_t version) { return Encoder{}.U8(high_bandwidth).U64(version).Take(); }
Bytes EncodeFeeFilter(std::int64_t feerate) { return Encoder{}.U64(static_cast<std::uint64_t>(feerate)).Take(); }

Bytes EncodeReject(std::string_view message, std::uint8_t code, std::string_view reason, const Hash256& hash)
{
    return Encoder{}.Var(message).U8(code).Var(reason).Raw(hash).Take();
}

Bytes EncodeFilterLoad(ByteView filter, std::uint32_t functions, std::uint32_t tweak, std::uint8_t flags)
{
    return Encoder{}.Var(filter).U32(functions).U32(tweak).U8(flags).Take();
}

Bytes EncodeFilterAdd(ByteView data) { return Encoder{}.Var(data).Take(); }
Bytes EncodeGetCFilters(std::uint8_t filter_type, std::uint32_t start_height, const Hash256& stop)
{
    return Encoder{}.U8(filter_type).U32(start_height).Raw(stop).Take();
}
Bytes EncodeGetCFCheckpt(std::uint8_t filter_type, const Hash256& stop) { return Encoder{}.U8(filter_type).Raw(stop).Take(); }
Bytes EncodeCFilter(std::uint8_t filter_type, const Hash256& block, ByteView filter)
{
    return Encoder{}.U8(filter_type).Raw(block).Var(filter).Take();
}

Bytes EncodeCFHeaders(std::uint8_t filter_type, const Hash256& stop, const Hash256& previous, const std::vector<Hash256>& hashes)
{
    Encoder out;
    out.U8(filter_type).Raw(stop).Raw(previous).Compact(hashes.size());
    for (const Hash256& hash : hashes) out.Raw(hash);
    return out.Take();
}

Bytes EncodeCFCheckpt(std::uint8_t filter_type, const Hash256& stop, const std::vector<Hash256>& headers)
{
    Encoder out;
    out.U8(filter_type).Raw(stop).Compact(headers.size());
    for (const Hash256& header : headers) out.Raw(header);
    return out.Take();
}

Bytes EncodeSendTxRcncl(std::uint32_t version, std::uint64_t salt) { return Encoder{}.U32(version).U64(salt).Take(); }
Bytes EncodeFeature(std::string_view feature_id, ByteView data) { return Encoder{}.Var(feature_id).Var(data).Take(); }

Bytes EncodeFinalAlert()
{
    static constexpr std::string_view HEX{
        "60010000000000000000000000ffffff7f00000000ffffff7ffeffff7f01ffffff7f00000000ffffff7f00ffffff7f002f555247454e543a20416c657274206b657920636f6d"
        "70726f6d697365642c2075706772616465207265717569726564004630440220653febd6410f470f6bae11cad19c48413becb1ac2c17f908fd0fd53bdc3abd5202206d0e9c96"
        "fe88d4a0f01ed9dedae2b6f9e00da94cad0fecaae66ecf689bf71b50"};
    const auto nibble = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    Bytes bytes;
    for (std::size_t i{0}; i < HEX.size(); i += 2) bytes.push_back(static_cast<std::uint8_t>(nibble(HEX[i]) << 4 | nibble(HEX[i + 1])));
    return bytes;
}

} // namespace coretap::sim
