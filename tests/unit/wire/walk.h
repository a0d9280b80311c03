// Goes through everything a decoded message holds, and writes it back. For tests and fuzz targets: what is visited must lie
// within the payload, and what is written back must be the payload. No catch-all: a new message does not compile until it is here.
#pragma once

#include <concepts>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "wire/message.h"

namespace coretap::wire {

using Buffer = std::vector<std::byte>;

/** Puts back together what was taken apart, independent of any other encoder. */
class Writer {
    Buffer m_out;

public:
    template <std::integral I>
    Writer& Int(I value)
    {
        const auto* const bytes = reinterpret_cast<const std::byte*>(&value);
        m_out.insert(m_out.end(), bytes, bytes + sizeof(value));
        return *this;
    }
    Writer& Big(std::uint16_t value) { return Int(__builtin_bswap16(value)); }
    Writer& Size(std::uint64_t value)
    {
        if (value < 0xfd) return Int(static_cast<std::uint8_t>(value));
        if (value <= 0xffff) return Int(std::uint8_t{0xfd}).Int(static_cast<std::uint16_t>(value));
        if (value <= 0xffffffff) return Int(std::uint8_t{0xfe}).Int(static_cast<std::uint32_t>(value));
        return Int(std::uint8_t{0xff}).Int(value);
    }
    Writer& Raw(ByteView bytes)
    {
        m_out.insert(m_out.end(), bytes.begin(), bytes.end());
        return *this;
    }
    Writer& Raw(const std::vector<std::uint8_t>& bytes) { return Raw(std::as_bytes(std::span{bytes})); }
    Writer& Var(ByteView bytes) { return Size(bytes.size()).Raw(bytes); }
    Writer& Var(std::string_view text) { return Var(std::as_bytes(std::span{text})); }
    const Buffer& Out() const { return m_out; }
};

// ---- writing back -------------------------------------------------------------------------------------------------

inline void Put(Writer& out, const HashView& hash) { out.Raw(hash); }
inline void Put(Writer& out, std::int32_t value) { out.Int(value); }
inline void Put(Writer& out, const ByteView& item) { out.Var(item); }
inline void Put(Writer& out, const InvEntry& entry) { out.Int(entry.type).Raw(entry.hash); }
inline void Put(Writer& out, const TxIn& in) { out.Raw(in.prevout_txid).Int(in.prevout_index).Var(in.script_sig).Int(in.sequence); }
inline void Put(Writer& out, const TxOut& output) { out.Int(output.value).Var(output.script_pubkey); }

template <class Element, Element (*Parse)(const std::byte*&)>
void PutAll(Writer& out, const Elements<Element, Parse>& elements)
{
    for (const Element& element : elements) Put(out, element);
}
template <class Element, Element (*Parse)(const std::byte*&)>
void PutCounted(Writer& out, const Elements<Element, Parse>& elements)
{
    out.Size(elements.size());
    PutAll(out, elements);
}
inline void Put(Writer& out, const WitnessItems& stack) { PutCounted(out, stack); }

inline void Put(Writer& out, const Tx& tx)
{
    out.Int(tx.version);
    if (tx.has_witness) out.Int(std::uint8_t{0}).Int(std::uint8_t{1});
    PutCounted(out, tx.inputs);
    PutCounted(out, tx.outputs);
    if (tx.has_witness) PutAll(out, tx.witness);
    out.Int(tx.lock_time);
}

inline void Put(Writer& out, const BlockHeader& header)
{
    out.Int(header.version).Raw(header.previous).Raw(header.merkle_root).Int(header.time).Int(header.bits).Int(header.nonce);
}

inline void PutLegacy(Writer& out, const NetAddress& address)
{
    static constexpr std::uint8_t IPV4[]{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    static constexpr std::uint8_t TORV2[]{0xfd, 0x87, 0xd8, 0x7e, 0xeb, 0x43};
    static constexpr std::uint8_t INTERNAL[]{0xfd, 0x6b, 0x88, 0xc0, 0x87, 0x24};
    if (address.network == Network::Ipv4) out.Raw(std::as_bytes(std::span{IPV4}));
    if (address.network == Network::TorV2) out.Raw(std::as_bytes(std::span{TORV2}));
    if (address.network == Network::Internal) out.Raw(std::as_bytes(std::span{INTERNAL}));
    out.Raw(address.raw).Big(address.port);
}

inline void PutV2(Writer& out, const AddressEntry& entry)
{
    const NetAddress& address{entry.address};
    out.Int(entry.time).Size(entry.services).Int(address.network_id);
    if (address.network == Network::Internal) {
        static constexpr std::uint8_t PREFIX[]{0xfd, 0x6b, 0x88, 0xc0, 0x87, 0x24};
        out.Size(16).Raw(std::as_bytes(std::span{PREFIX})).Raw(address.raw);
    } else {
        out.Var(address.raw);
    }
    out.Big(address.port);
}

inline void Put(Writer& out, const HeaderEntry& entry)
{
    Put(out, entry.header);
    out.Size(entry.tx_count);
}
inline void Put(Writer& out, const PrefilledTx& prefilled)
{
    out.Size(prefilled.difference);
    Put(out, prefilled.tx);
}

inline void Put(Writer& out, const UnknownMsg& msg) { out.Raw(msg.bytes); }
inline void Put(Writer&, const EmptyMsg&) {}
inline void Put(Writer& out, const VersionMsg& msg)
{
    out.Int(msg.version).Int(msg.services).Int(msg.time).Int(msg.receiver_services);
    PutLegacy(out, msg.receiver);
    if (msg.sender) {
        out.Int(msg.sender_services);
        PutLegacy(out, *msg.sender);
    }
    if (msg.nonce) out.Int(*msg.nonce);
    if (msg.user_agent) out.Var(*msg.user_agent);
    if (msg.start_height) out.Int(*msg.start_height);
    if (msg.relay) out.Int(static_cast<std::uint8_t>(*msg.relay));
}
inline void Put(Writer& out, const AddrMsg& msg)
{
    out.Size(msg.entries.size());
    for (const AddressEntry& entry : msg.entries) {
        out.Int(entry.time).Int(entry.services);
        PutLegacy(out, entry.address);
    }
}
inline void Put(Writer& out, const AddrV2Msg& msg)
{
    out.Size(msg.entries.size());
    for (const AddressEntry& entry : msg.entries) PutV2(out, entry);
}
inline void Put(Writer& out, const InvMsg& msg) { PutCounted(out, msg.entries); }
inline void Put(Writer& out, const LocatorMsg& msg)
{
    out.Int(msg.version);
    PutCounted(out, msg.locator);
    out.Raw(msg.stop);
}
inline void Put(Writer& out, const HeadersMsg& msg) { PutCounted(out, msg.entries); }
inline void Put(Writer& out, const BlockMsg& msg)
{
    Put(out, msg.header);
    PutCounted(out, msg.txs);
}
inline void Put(Writer& out, const TxMsg& msg) { Put(out, msg.tx); }
inline void Put(Writer& out, const MerkleBlockMsg& msg)
{
    Put(out, msg.header);
    out.Int(msg.tx_count);
    PutCounted(out, msg.hashes);
    out.Var(msg.flags);
}
inline void Put(Writer& out, const SendCmpctMsg& msg) { out.Int(static_cast<std::uint8_t>(msg.high_bandwidth)).Int(msg.version); }
inline void Put(Writer& out, const CmpctBlockMsg& msg)
{
    Put(out, msg.header);
    out.Int(msg.nonce).Size(msg.short_ids.size());
    for (const std::uint64_t id : msg.short_ids) out.Int(static_cast<std::uint32_t>(id)).Int(static_cast<std::uint16_t>(id >> 32));
    PutCounted(out, msg.prefilled);
}
inline void Put(Writer& out, const GetBlockTxnMsg& msg)
{
    out.Raw(msg.block_hash).Size(msg.differences.size());
    for (const std::uint64_t difference : msg.differences) out.Size(difference);
}
inline void Put(Writer& out, const BlockTxnMsg& msg)
{
    out.Raw(msg.block_hash);
    PutCounted(out, msg.txs);
}
inline void Put(Writer& out, const PingMsg& msg)
{
    if (msg.nonce) out.Int(*msg.nonce);
}
inline void Put(Writer& out, const FeeFilterMsg& msg) { out.Int(msg.feerate); }
inline void Put(Writer& out, const SendTxRcnclMsg& msg) { out.Int(msg.version).Int(msg.salt); }
inline void Put(Writer& out, const FeatureMsg& msg) { out.Var(msg.id).Var(msg.data); }
inline void Put(Writer& out, const FilterLoadMsg& msg) { out.Var(msg.filter).Int(msg.hash_functions).Int(msg.tweak).Int(msg.flags); }
inline void Put(Writer& out, const FilterAddMsg& msg) { out.Var(msg.data); }
inline void Put(Writer& out, const GetCFiltersMsg& msg) { out.Int(msg.filter_type).Int(msg.start_height).Raw(msg.stop_hash); }
inline void Put(Writer& out, const CFilterMsg& msg) { out.Int(msg.filter_type).Raw(msg.block_hash).Var(msg.filter); }
inline void Put(Writer& out, const CFHeadersMsg& msg)
{
    out.Int(msg.filter_type).Raw(msg.stop_hash).Raw(msg.previous_header);
    PutCounted(out, msg.hashes);
}
inline void Put(Writer& out, const GetCFCheckptMsg& msg) { out.Int(msg.filter_type).Raw(msg.stop_hash); }
inline void Put(Writer& out, const CFCheckptMsg& msg)
{
    out.Int(msg.filter_type).Raw(msg.stop_hash);
    PutCounted(out, msg.headers);
}
inline void Put(Writer& out, const RejectMsg& msg) { out.Var(msg.message).Int(msg.code).Var(msg.reason).Raw(msg.hash); }
inline Buffer AlertFields(const AlertMsg& msg)
{
    Writer out;
    out.Int(msg.version).Int(msg.relay_until).Int(msg.expiration).Int(msg.id).Int(msg.cancel);
    PutCounted(out, msg.cancels);
    out.Int(msg.min_version).Int(msg.max_version);
    PutCounted(out, msg.subversions);
    return out.Int(msg.priority).Var(msg.comment).Var(msg.status_bar).Var(msg.reserved).Out();
}
inline void Put(Writer& out, const AlertMsg& msg) { out.Var(msg.payload).Var(msg.signature); }

/** The payload again, without what trailed it. Of a message that is Whole. */
inline Buffer WriteBack(const Decoded& decoded)
{
    Writer out;
    std::visit([&out](const auto& msg) { Put(out, msg); }, decoded.message);
    return out.Out();
}

// ---- visiting: `see` is called with every view, `count` with the size of every range --------------------------------------------

template <class See, class Count>
struct Visitor {
    See see;
    Count count;

    void operator()(const HashView& hash) const { see(ByteView{hash}); }
    void operator()(const ByteView& bytes) const { see(bytes); }
    void operator()(std::int32_t) const {}
    void operator()(std::uint64_t) const {}
    template <class Element, Element (*Parse)(const std::byte*&)>
    void operator()(const Elements<Element, Parse>& elements) const
    {
        see(elements.Bytes());
        count(elements.size());
        std::uint64_t visited{0};
        for (const Element& element : elements) {
            (*this)(element);
            ++visited;
        }
        if (visited != elements.size()) std::abort();
    }
    template <class T>
    void operator()(const std::optional<T>& value) const
    {
        if constexpr (!std::is_arithmetic_v<T>) {
            if (value) (*this)(*value);
        }
    }
    void operator()(const InvEntry& entry) const { (*this)(entry.hash); }
    void operator()(const TxIn& in) const
    {
        (*this)(in.prevout_txid);
        see(in.script_sig);
    }
    void operator()(const TxOut& out) const { see(out.script_pubkey); }
    void operator()(const Tx& tx) const
    {
        see(tx.raw);
        (*this)(tx.inputs);
        (*this)(tx.outputs);
        (*this)(tx.witness);
        if (tx.inputs.size() > tx.input_count || tx.outputs.size() > tx.output_count) std::abort();
        if (!tx.whole) return;
        if (tx.inputs.size() != tx.input_count || tx.outputs.size() != tx.output_count) std::abort();
        if (tx.witness.size() != (tx.has_witness ? tx.input_count : 0)) std::abort();
        if (tx.VSize() > tx.raw.size() || tx.StrippedSize() < MIN_TX_SIZE) std::abort();
        const TxIds ids{IdsOf(tx)};
        if (ids.txid != Txid(tx) || ids.wtxid != Wtxid(tx) || (ids.txid == ids.wtxid) == tx.has_witness) std::abort();
    }
    void operator()(const BlockHeader& header) const
    {
        see(header.raw);
        see(header.previous);
        see(header.merkle_root);
        if (header.raw.size() == BlockHeader::SIZE) HashOf(header);
    }
    void operator()(const NetAddress& address) const
    {
        see(address.raw);
        std::string text;
        AppendHost(text, address);
        AppendHostPort(text, address);
        if (text.size() > 5'000 || NetworkName(address.network).empty()) std::abort();
        for (const char c : text) {
            if (c <= ' ' || c > '~') std::abort();
        }
    }
    void operator()(const AddressEntry& entry) const { (*this)(entry.address); }
    void operator()(const HeaderEntry& entry) const { (*this)(entry.header); }
    void operator()(const PrefilledTx& prefilled) const { (*this)(prefilled.tx); }

    void operator()(const UnknownMsg& msg) const { see(msg.bytes); }
    void operator()(const EmptyMsg&) const {}
    void operator()(const VersionMsg& msg) const
    {
        (*this)(msg.receiver);
        (*this)(msg.sender);
        (*this)(msg.user_agent);
    }
    void operator()(const AddrMsg& msg) const { (*this)(msg.entries); }
    void operator()(const AddrV2Msg& msg) const { (*this)(msg.entries); }
    void operator()(const InvMsg& msg) const { (*this)(msg.entries); }
    void operator()(const LocatorMsg& msg) const
    {
        (*this)(msg.locator);
        see(msg.stop);
    }
    void operator()(const HeadersMsg& msg) const { (*this)(msg.entries); }
    void operator()(const BlockMsg& msg) const
    {
        see(msg.raw);
        (*this)(msg.header);
        (*this)(msg.txs);
        (*this)(msg.partial);
    }
    void operator()(const TxMsg& msg) const { (*this)(msg.tx); }
    void operator()(const MerkleBlockMsg& msg) const
    {
        (*this)(msg.header);
        (*this)(msg.hashes);
        see(msg.flags);
    }
    void operator()(const SendCmpctMsg&) const {}
    void operator()(const CmpctBlockMsg& msg) const
    {
        (*this)(msg.header);
        (*this)(msg.short_ids);
        (*this)(msg.prefilled);
    }
    void operator()(const GetBlockTxnMsg& msg) const
    {
        see(msg.block_hash);
        (*this)(msg.differences);
    }
    void operator()(const BlockTxnMsg& msg) const
    {
        see(msg.block_hash);
        (*this)(msg.txs);
        (*this)(msg.partial);
    }
    void operator()(const PingMsg&) const {}
    void operator()(const FeeFilterMsg&) const {}
    void operator()(const SendTxRcnclMsg&) const {}
    void operator()(const FeatureMsg& msg) const
    {
        see(msg.id);
        see(msg.data);
    }
    void operator()(const FilterLoadMsg& msg) const { see(msg.filter); }
    void operator()(const FilterAddMsg& msg) const { see(msg.data); }
    void operator()(const GetCFiltersMsg& msg) const { see(msg.stop_hash); }
    void operator()(const CFilterMsg& msg) const
    {
        see(msg.block_hash);
        see(msg.filter);
    }
    void operator()(const CFHeadersMsg& msg) const
    {
        see(msg.stop_hash);
        see(msg.previous_header);
        (*this)(msg.hashes);
    }
    void operator()(const GetCFCheckptMsg& msg) const { see(msg.stop_hash); }
    void operator()(const CFCheckptMsg& msg) const
    {
        see(msg.stop_hash);
        (*this)(msg.headers);
    }
    void operator()(const RejectMsg& msg) const
    {
        see(msg.message);
        see(msg.reason);
        see(msg.hash);
    }
    void operator()(const AlertMsg& msg) const
    {
        see(msg.payload);
        see(msg.signature);
        (*this)(msg.cancels);
        (*this)(msg.subversions);
        see(msg.comment);
        see(msg.status_bar);
        see(msg.reserved);
        if (!msg.parsed) return;
        const Buffer fields{AlertFields(msg)};
        if (fields.size() > msg.payload.size() || std::memcmp(fields.data(), msg.payload.data(), fields.size()) != 0) std::abort();
    }
};

template <class See, class Count>
Visitor(See, Count) -> Visitor<See, Count>; // clang 14 does not find it by itself

// ---- what holds for every payload --------------------------------------------------------------------------------------

/** Decodes, and checks what must hold whatever the bytes are. The complaint, or empty. */
inline std::string_view Complaint(MessageType type, ByteView captured, std::uint64_t size)
{
    const Decoded decoded{Decode(type, captured, size)};
    bool inside{true};
    std::uint64_t elements{0};
    const Visitor visitor{[&](ByteView view) {
                              if (view.empty()) return;
                              inside = inside && view.data() >= captured.data() &&
                                       view.data() + view.size() <= captured.data() + captured.size();
                          },
                          [&](std::uint64_t count) { elements += count; }};
    std::visit(visitor, decoded.message);
    if (!inside) return "a view that is not into the payload";
    if (elements > captured.size()) return "more elements than bytes";
    switch (decoded.status) {
    case Status::Whole: {
        if (decoded.problem != Problem::None) return "whole, and yet a problem";
        if (decoded.trailing > size) return "more trailing bytes than bytes";
        const std::uint64_t end{size - decoded.trailing};
        if (end > captured.size()) return "whole, and yet cut";
        Buffer again{WriteBack(decoded)};
        if (again.size() != end) return "written back, it has another size";
        // Any byte but 0 means true here.
        const auto* const version = std::get_if<VersionMsg>(&decoded.message);
        if (version && version->relay.value_or(false)) again.back() = captured[end - 1];
        if (end > 0 && std::memcmp(again.data(), captured.data(), end) != 0) return "written back, it is another message";
        break;
    }
    case Status::Cut:
        if (size <= captured.size()) return "cut, and yet all is there";
        if (decoded.problem_at != captured.size()) return "the first byte that was cut off is not the one told";
        if (decoded.problem != Problem::None || decoded.trailing != 0) return "cut, with a problem or trailing bytes";
        break;
    case Status::Malformed:
        if (decoded.problem == Problem::None || ToString(decoded.problem).empty()) return "malformed without a problem";
        if (decoded.problem_at > captured.size()) return "a problem behind what was captured";
        break;
    }
    return {};
}

} // namespace coretap::wire
