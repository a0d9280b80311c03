// Every P2P message that Bitcoin Core sends, accepts or has accepted, decoded from its payload into views. Pure: no I/O, no
// allocation, never more work than the bytes justify. The bytes are a stranger's; the views are into them and live as
// long as they do. One struct a message, named like it; field by field as Bitcoin Core reads it (src/net_processing.cpp,
// src/protocol.h) and the BIP that is named there says.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "wire/address.h"
#include "wire/reader.h"
#include "wire/transaction.h"

namespace coretap::wire {

/** Message types, src/protocol.h and the BIPs. Values are ids that counters and archives hold: added to, never changed. */
// clang-format off
enum class MessageType : std::uint8_t {
    Other, //!< none that is known
    Version, Verack, Addr, AddrV2, SendAddrV2, Inv, GetData, MerkleBlock, GetBlocks, GetHeaders, Tx, Headers,
    Block, GetAddr, Mempool, Ping, Pong, NotFound, FilterLoad, FilterAdd, FilterClear, SendHeaders, FeeFilter,
    SendCmpct, CmpctBlock, GetBlockTxn, BlockTxn, GetCFilters, CFilter, GetCFHeaders, CFHeaders, GetCFCheckpt,
    CFCheckpt, WtxidRelay, SendTxRcncl,
    Feature,                                      //!< BIP 434
    Reject, Alert,                                //!< BIP 61; removed
    CheckOrder, SubmitOrder, Reply, SendPackages, //!< never relayed, or proposed: known by name, kept as bytes
};
// clang-format on
inline constexpr std::size_t MESSAGE_TYPE_COUNT{43};
/** Names by MessageType; the first is `other`. The one table: event::MessageTypes() is this. */
std::span<const std::string_view> MessageTypeNames();
/** MessageType::Other if it is none of them. */
MessageType MessageTypeOf(std::string_view name);

// ---- elements ---------------------------------------------------------------------------------------------------

/** src/protocol.h, GetDataMsg. The highest bits are flags: MSG_WITNESS_FLAG (1 << 30). */
struct InvEntry {
    std::uint32_t type;
    HashView hash;
};
/** `tx`, `block`, `filtered_block`, `cmpct_block`, `wtx`, `witness_tx`, `witness_block`, `witness_filtered_block`; empty if unknown. */
std::string_view InvTypeName(std::uint32_t type);
inline InvEntry ParseInvEntry(const std::byte*& at)
{
    const auto type = unchecked::Little<std::uint32_t>(at);
    at += 32;
    return {type, HashView{at - 32, 32}};
}
using InvEntries = Elements<InvEntry, ParseInvEntry>;

struct AddressEntry {
    std::uint32_t time; //!< Unix seconds
    std::uint64_t services;
    NetAddress address;
};
AddressEntry ParseAddrEntry(const std::byte*& at);
AddressEntry ParseAddrV2Entry(const std::byte*& at);

inline HashView ParseHash(const std::byte*& at)
{
    at += 32;
    return HashView{at - 32, 32};
}
using Hashes = Elements<HashView, ParseHash>;

/** A header in `headers`: 80 bytes and the number of transactions, always 0 in practice. */
struct HeaderEntry {
    BlockHeader header;
    std::uint64_t tx_count;
};
HeaderEntry ParseHeaderEntry(const std::byte*& at);

/** Six bytes of a compact block (BIP 152), as a number. */
inline std::uint64_t ParseShortId(const std::byte*& at)
{
    const std::uint64_t low{unchecked::Little<std::uint32_t>(at)};
    return low | std::uint64_t{unchecked::Little<std::uint16_t>(at)} << 32;
}
using ShortIds = Elements<std::uint64_t, ParseShortId>;

using Transactions = Elements<Tx, ParseTx>;

/** CompactSize differences (BIP 152): a prefilled transaction's, an index's. Absolute index = previous + 1 + this. */
struct PrefilledTx {
    std::uint64_t difference;
    Tx tx;
};
PrefilledTx ParsePrefilledTx(const std::byte*& at);
inline std::uint64_t ParseDifference(const std::byte*& at) { return unchecked::CompactSize(at); }

inline std::int32_t ParseInt32(const std::byte*& at) { return static_cast<std::int32_t>(unchecked::Little<std::uint32_t>(at)); }

// ---- messages. `claimed` is the count that was sent, `entries` those that are there in full ---------------------------------

/** BIPs 14, 37, 60; fields behind `time` came one after the other: absent in old or short messages. */
struct VersionMsg {
    std::int32_t version{0};
    std::uint64_t services{0};
    std::int64_t time{0}; //!< Unix seconds
    std::uint64_t receiver_services{0};
    NetAddress receiver;
    std::optional<NetAddress> sender; //!< all zero since 0.20
    std::uint64_t sender_services{0};
    std::optional<std::uint64_t> nonce;
    std::optional<ByteView> user_agent; //!< at most 256 bytes (MAX_SUBVERSION_LENGTH)
    std::optional<std::int32_t> start_height;
    std::optional<bool> relay; //!< BIP 37; true where absent
};
/** No payload: verack, sendaddrv2, getaddr, mempool, filterclear, sendheaders, wtxidrelay. */
struct EmptyMsg {};
struct AddrMsg {
    std::uint64_t claimed{0};
    Elements<AddressEntry, ParseAddrEntry> entries;
};
/** BIP 155. */
struct AddrV2Msg {
    std::uint64_t claimed{0};
    Elements<AddressEntry, ParseAddrV2Entry> entries;
};
/** inv, getdata, notfound. */
struct InvMsg {
    std::uint64_t claimed{0};
    InvEntries entries;
};
/** getblocks, getheaders: the version is ignored by Bitcoin Core. */
struct LocatorMsg {
    std::int32_t version{0};
    std::uint64_t claimed{0};
    Hashes locator;
    ByteView stop; //!< 32 bytes, empty if cut; all zero: as many as there are
};
struct HeadersMsg {
    std::uint64_t claimed{0};
    Elements<HeaderEntry, ParseHeaderEntry> entries;
};
struct BlockMsg {
    ByteView raw;
    BlockHeader header;
    std::uint64_t claimed{0};
    Transactions txs;          //!< those that are there in full
    std::optional<Tx> partial; //!< the one that was cut or is malformed
};
struct TxMsg {
    Tx tx;
};
/** BIP 37. */
struct MerkleBlockMsg {
    BlockHeader header;
    std::uint32_t tx_count{0}; //!< transactions of the whole block
    std::uint64_t claimed{0};
    Hashes hashes;
    ByteView flags; //!< least significant bit first
};
/** BIP 152. */
struct SendCmpctMsg {
    bool high_bandwidth{false};
    std::uint64_t version{0};
};
/** BIP 152. */
struct CmpctBlockMsg {
    BlockHeader header;
    std::uint64_t nonce{0};
    std::uint64_t short_ids_claimed{0};
    ShortIds short_ids;
    std::uint64_t prefilled_claimed{0};
    Elements<PrefilledTx, ParsePrefilledTx> prefilled;
};
/** BIP 152. */
struct GetBlockTxnMsg {
    ByteView block_hash;
    std::uint64_t claimed{0};
    Elements<std::uint64_t, ParseDifference> differences;
};
/** BIP 152. */
struct BlockTxnMsg {
    ByteView block_hash;
    std::uint64_t claimed{0};
    Transactions txs;
    std::optional<Tx> partial;
};
/** ping and pong (BIP 31); a ping of peers before version 60001 has no nonce. */
struct PingMsg {
    std::optional<std::uint64_t> nonce;
};
/** BIP 133: satoshi per 1,000 virtual bytes. */
struct FeeFilterMsg {
    std::int64_t feerate{0};
};
/** BIP 330. */
struct SendTxRcnclMsg {
    std::uint32_t version{0};
    std::uint64_t salt{0};
};
/** BIP 434: an id of 4 to 80 bytes, at most 512 bytes of data. */
struct FeatureMsg {
    ByteView id;
    ByteView data;
};
/** BIP 37. */
struct FilterLoadMsg {
    ByteView filter; //!< at most 36,000 bytes
    std::uint32_t hash_functions{0};
    std::uint32_t tweak{0};
    std::uint8_t flags{0};
};
struct FilterAddMsg {
    ByteView data; //!< at most 520 bytes
};
/** getcfilters, getcfheaders (BIP 157). */
struct GetCFiltersMsg {
    std::uint8_t filter_type{0};
    std::uint32_t start_height{0};
    ByteView stop_hash;
};
struct CFilterMsg {
    std::uint8_t filter_type{0};
    ByteView block_hash;
    ByteView filter;
};
struct CFHeadersMsg {
    std::uint8_t filter_type{0};
    ByteView stop_hash;
    ByteView previous_header;
    std::uint64_t claimed{0};
    Hashes hashes;
};
struct GetCFCheckptMsg {
    std::uint8_t filter_type{0};
    ByteView stop_hash;
};
struct CFCheckptMsg {
    std::uint8_t filter_type{0};
    ByteView stop_hash;
    std::uint64_t claimed{0};
    Hashes headers;
};
/** BIP 61. */
struct RejectMsg {
    ByteView message; //!< the type of the message that is rejected, at most 12 bytes
    std::uint8_t code{0};
    ByteView reason; //!< at most 111 bytes
    ByteView hash;   //!< of a rejected tx or block: 32 bytes, else empty
};
/** The alert system of before 0.13: a signed payload within the payload. Its fields are valid if `parsed`. */
struct AlertMsg {
    ByteView payload;
    ByteView signature;
    bool parsed{false};
    std::int32_t version{0};
    std::int64_t relay_until{0};
    std::int64_t expiration{0};
    std::int32_t id{0};
    std::int32_t cancel{0};
    Elements<std::int32_t, ParseInt32> cancels;
    std::int32_t min_version{0};
    std::int32_t max_version{0};
    WitnessItems subversions; //!< byte strings
    std::int32_t priority{0};
    ByteView comment;
    ByteView status_bar;
    ByteView reserved;
};
/** A type we have no decoder for. */
struct UnknownMsg {
    ByteView bytes;
};

using Message =
    std::variant<UnknownMsg, EmptyMsg, VersionMsg, AddrMsg, AddrV2Msg, InvMsg, LocatorMsg, HeadersMsg, BlockMsg, TxMsg, MerkleBlockMsg,
                 SendCmpctMsg, CmpctBlockMsg, GetBlockTxnMsg, BlockTxnMsg, PingMsg, FeeFilterMsg, SendTxRcnclMsg, FeatureMsg, FilterLoadMsg,
                 FilterAddMsg, GetCFiltersMsg, CFilterMsg, CFHeadersMsg, GetCFCheckptMsg, CFCheckptMsg, RejectMsg, AlertMsg>;

enum class Status : std::uint8_t {
    Whole,     //!< decoded to the end
    Cut,       //!< by us: the capture ends before the message does; what came before it is there
    Malformed, //!< by them: Bitcoin Core would not read it either; what came before the problem is there
};

struct Decoded {
    MessageType type{MessageType::Other};
    Message message;
    Status status{Status::Whole};
    Problem problem{Problem::None}; //!< if Malformed
    std::uint64_t problem_at{0};    //!< offset of the field that has the problem, or of the first byte that was cut off
    std::uint64_t trailing{0};      //!< bytes behind the end of the message, captured or not; Bitcoin Core passes over them
    /**
     * More entries than the protocol allows: Bitcoin Core takes note of the count, then disconnects the peer. The limit, 0 if
     * it is kept: 1,000 addresses, 50,000 entries of inv and getdata, 2,000 headers, 101 hashes of a locator
     * (src/net_processing.cpp); 36,000 bytes of a filter, or its 50 hash functions (src/common/bloom.h); 520 bytes of filteradd.
     */
    std::uint32_t limit_exceeded{0};
};

/**
 * Decode a payload. `captured` is what we have of it, from its start; `size` what the message had (at least as much). Never fails:
 * what is wrong is in the result. Time and memory are bounded by `captured`.
 */
Decoded Decode(MessageType type, ByteView captured, std::uint64_t size) noexcept;

} // namespace coretap::wire
