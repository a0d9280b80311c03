#include "wire/message.h"

#include <algorithm>

namespace coretap::wire {
namespace {

// What Bitcoin Core allows: src/net_processing.cpp, src/net.h, src/protocol.h, src/common/bloom.h, src/script/script.h.
constexpr std::uint32_t MAX_ADDR_TO_SEND{1'000};
constexpr std::uint32_t MAX_INV_SZ{50'000};
constexpr std::uint32_t MAX_HEADERS_RESULTS{2'000};
constexpr std::uint32_t MAX_LOCATOR_SZ{101};
constexpr std::uint32_t MAX_BLOOM_FILTER_SIZE{36'000};
constexpr std::uint32_t MAX_HASH_FUNCS{50};
constexpr std::uint32_t MAX_SCRIPT_ELEMENT_SIZE{520};
constexpr std::uint64_t MAX_SUBVERSION_LENGTH{256};
constexpr std::uint64_t MIN_FEATUREID_LENGTH{4}, MAX_FEATUREID_LENGTH{80}, MAX_FEATUREDATA_LENGTH{512};
constexpr std::uint64_t MAX_ADDRV2_SIZE{512};
constexpr std::uint64_t MAX_INDEX{0xffff}; //!< of a transaction in a block, in BIP 152's messages
// And allowed, when it still had these messages (releases 0.12, 0.17).
constexpr std::uint64_t MESSAGE_TYPE_SIZE{12}, MAX_REJECT_MESSAGE_LENGTH{111};
constexpr std::uint64_t MAX_ALERT_COMMENT{65'536}, MAX_ALERT_STATUS_BAR{256};

// ---- elements ---------------------------------------------------------------------------------------------------

/** Elements that all have the same size: as many as are there in full. */
template <class Range>
Range TakeFixed(Reader& reader, std::uint64_t count, std::size_t element_size)
{
    if (count * element_size <= reader.Left()) [[likely]]
        return {reader.Take(count * element_size), count};
    const std::uint64_t whole{reader.Left() / element_size};
    const Range range{reader.Take(whole * element_size), whole};
    reader.Take((count - whole) * element_size); // runs out
    return range;
}

template <class Range>
Range ReadFixed(Reader& reader, std::uint64_t& claimed, std::size_t element_size)
{
    return TakeFixed<Range>(reader, reader.Count(element_size, claimed), element_size);
}

/** Elements that `read` passes over one by one, telling whether each was whole. */
template <class Range, class Read>
Range ReadEach(Reader& reader, std::uint64_t& claimed, std::size_t least_bytes, Read read)
{
    const std::uint64_t count{reader.Count(least_bytes, claimed)};
    const std::byte* const begin{reader.At()};
    const std::byte* end{begin};
    std::uint64_t whole{0};
    for (; whole < count && read(reader); ++whole) end = reader.At();
    return {{begin, end}, whole};
}

Hashes ReadHashes(Reader& reader, std::uint64_t& claimed) { return ReadFixed<Hashes>(reader, claimed, 32); }

NetAddress ReadLegacyAddress(Reader& reader)
{
    const ByteView sixteen{reader.Take(16)};
    const std::uint16_t port{reader.U16Big()};
    return sixteen.empty() ? NetAddress{} : FromLegacy(sixteen, port);
}

bool SkipAddrV2Entry(Reader& reader)
{
    reader.U32();
    reader.CompactSize(/*any_value=*/true);
    const std::uint8_t network_id{reader.U8()};
    const std::size_t size_at{reader.Position()};
    const std::uint64_t size{reader.CompactSize()};
    if (size > MAX_ADDRV2_SIZE) {
        reader.Fail(Problem::StringTooLong, size_at);
    } else if (!IsBip155Size(network_id, size)) {
        reader.Fail(Problem::BadAddressSize, size_at);
    }
    reader.Take(size);
    reader.U16Big();
    return reader.Ok();
}

bool SkipHeaderEntry(Reader& reader)
{
    reader.Take(BlockHeader::SIZE);
    reader.CompactSize();
    return reader.Ok();
}

/** Transactions of a block or blocktxn; the one that is not whole goes to `partial`. */
Transactions ReadTransactions(Reader& reader, std::uint64_t& claimed, std::optional<Tx>& partial)
{
    return ReadEach<Transactions>(reader, claimed, MIN_TX_SIZE, [&partial](Reader& at) {
        const bool begun{at.Left() > 0};
        const Tx tx{ReadTx(at)};
        if (!tx.whole && begun) partial = tx;
        return tx.whole;
    });
}

// ---- messages, in the order of message.h ------------------------------------------------------------------------

void Read(Reader& reader, VersionMsg& msg)
{
    msg.version = reader.I32();
    msg.services = reader.U64();
    msg.time = reader.I64();
    msg.receiver_services = reader.U64();
    msg.receiver = ReadLegacyAddress(reader);
    // Each of the following may be where the message ends (ProcessMessage(), src/net_processing.cpp).
    const auto more = [&reader] { return reader.Ok() && reader.LeftInMessage() > 0; };
    if (more()) {
        msg.sender_services = reader.U64();
        const NetAddress sender{ReadLegacyAddress(reader)};
        if (reader.Ok()) msg.sender = sender;
        const std::uint64_t nonce{reader.U64()};
        if (reader.Ok()) msg.nonce = nonce;
    }
    if (more()) {
        const ByteView user_agent{reader.VarBytes(MAX_SUBVERSION_LENGTH)};
        if (reader.Ok() || !user_agent.empty()) msg.user_agent = user_agent;
    }
    if (more()) {
        const std::int32_t height{reader.I32()};
        if (reader.Ok()) msg.start_height = height;
    }
    if (more()) {
        const std::uint8_t relay{reader.U8()};
        if (reader.Ok()) msg.relay = relay != 0;
    }
}

void Read(Reader&, EmptyMsg&) {}

void Read(Reader& reader, AddrMsg& msg) { msg.entries = ReadFixed<decltype(msg.entries)>(reader, msg.claimed, 4 + 8 + 16 + 2); }

void Read(Reader& reader, AddrV2Msg& msg)
{
    msg.entries = ReadEach<decltype(msg.entries)>(reader, msg.claimed, 4 + 1 + 1 + 1 + 2, SkipAddrV2Entry);
}

void Read(Reader& reader, InvMsg& msg) { msg.entries = ReadFixed<InvEntries>(reader, msg.claimed, 4 + 32); }

void Read(Reader& reader, LocatorMsg& msg)
{
    msg.version = reader.I32();
    msg.locator = ReadHashes(reader, msg.claimed);
    msg.stop = reader.Take(32);
}

void Read(Reader& reader, HeadersMsg& msg)
{
    msg.entries = ReadEach<decltype(msg.entries)>(reader, msg.claimed, BlockHeader::SIZE + 1, SkipHeaderEntry);
}

void Read(Reader& reader, BlockMsg& msg)
{
    const std::byte* const begin{reader.At()};
    msg.header = ReadBlockHeader(reader);
    msg.txs = ReadTransactions(reader, msg.claimed, msg.partial);
    msg.raw = reader.Since(begin);
}

void Read(Reader& reader, TxMsg& msg) { msg.tx = ReadTx(reader); }

void Read(Reader& reader, MerkleBlockMsg& msg)
{
    msg.header = ReadBlockHeader(reader);
    msg.tx_count = reader.U32();
    msg.hashes = ReadHashes(reader, msg.claimed);
    msg.flags = reader.VarBytes();
}

void Read(Reader& reader, SendCmpctMsg& msg)
{
    const std::uint8_t high_bandwidth{reader.U8()};
    msg.high_bandwidth = high_bandwidth != 0;
    msg.version = reader.U64();
    if (high_bandwidth > 1) reader.Fail(Problem::ValueOutOfRange, 0);
}

void Read(Reader& reader, CmpctBlockMsg& msg)
{
    msg.header = ReadBlockHeader(reader);
    msg.nonce = reader.U64();
    // Bitcoin Core refuses a block of more transactions than 16-bit indexes can name (src/blockencodings.h). Whether the
    // indexes of prefilled transactions lie within the block it looks at later, with the block at hand.
    const std::size_t short_ids_at{reader.Position()};
    const std::uint64_t short_ids{reader.Count(6, msg.short_ids_claimed)};
    if (short_ids > MAX_INDEX) reader.Fail(Problem::IndexOverflow, short_ids_at);
    if (reader.Ok()) msg.short_ids = TakeFixed<ShortIds>(reader, short_ids, 6);
    const std::size_t prefilled_at{reader.Position()};
    msg.prefilled = ReadEach<decltype(msg.prefilled)>(reader, msg.prefilled_claimed, 1 + MIN_TX_SIZE, [&](Reader& at) {
        if (short_ids + msg.prefilled_claimed > MAX_INDEX) at.Fail(Problem::IndexOverflow, prefilled_at);
        const std::size_t difference_at{at.Position()};
        if (at.CompactSize() > MAX_INDEX) at.Fail(Problem::IndexOverflow, difference_at);
        return at.Ok() && ReadTx(at).whole;
    });
}

void Read(Reader& reader, GetBlockTxnMsg& msg)
{
    msg.block_hash = reader.Take(32);
    std::uint64_t index{0}; // the least the next may be
    msg.differences = ReadEach<decltype(msg.differences)>(reader, msg.claimed, 1, [&index](Reader& at) {
        const std::size_t difference_at{at.Position()};
        index += at.CompactSize();
        if (index > MAX_INDEX) at.Fail(Problem::IndexOverflow, difference_at);
        ++index;
        return at.Ok();
    });
}

void Read(Reader& reader, BlockTxnMsg& msg)
{
    msg.block_hash = reader.Take(32);
    msg.txs = ReadTransactions(reader, msg.claimed, msg.partial);
}

void Read(Reader& reader, PingMsg& msg)
{
    if (reader.LeftInMessage() == 0) return;
    const std::uint64_t nonce{reader.U64()};
    if (reader.Ok()) msg.nonce = nonce;
}

void Read(Reader& reader, FeeFilterMsg& msg) { msg.feerate = reader.I64(); }

void Read(Reader& reader, SendTxRcnclMsg& msg)
{
    msg.version = reader.U32();
    msg.salt = reader.U64();
}

void Read(Reader& reader, FeatureMsg& msg)
{
    msg.id = reader.VarBytes(MAX_FEATUREID_LENGTH);
    if (reader.Ok() && msg.id.size() < MIN_FEATUREID_LENGTH) reader.Fail(Problem::ValueOutOfRange, 0);
    msg.data = reader.VarBytes(MAX_FEATUREDATA_LENGTH);
    if (reader.LeftInMessage() > 0) reader.Fail(Problem::TrailingBytes);
}

void Read(Reader& reader, FilterLoadMsg& msg)
{
    msg.filter = reader.VarBytes();
    msg.hash_functions = reader.U32();
    msg.tweak = reader.U32();
    msg.flags = reader.U8();
}

void Read(Reader& reader, FilterAddMsg& msg) { msg.data = reader.VarBytes(); }

void Read(Reader& reader, GetCFiltersMsg& msg)
{
    msg.filter_type = reader.U8();
    msg.start_height = reader.U32();
    msg.stop_hash = reader.Take(32);
}

void Read(Reader& reader, CFilterMsg& msg)
{
    msg.filter_type = reader.U8();
    msg.block_hash = reader.Take(32);
    msg.filter = reader.VarBytes();
}

void Read(Reader& reader, CFHeadersMsg& msg)
{
    msg.filter_type = reader.U8();
    msg.stop_hash = reader.Take(32);
    msg.previous_header = reader.Take(32);
    msg.hashes = ReadHashes(reader, msg.claimed);
}

void Read(Reader& reader, GetCFCheckptMsg& msg)
{
    msg.filter_type = reader.U8();
    msg.stop_hash = reader.Take(32);
}

void Read(Reader& reader, CFCheckptMsg& msg)
{
    msg.filter_type = reader.U8();
    msg.stop_hash = reader.Take(32);
    msg.headers = ReadHashes(reader, msg.claimed);
}

std::string_view TextOf(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

void Read(Reader& reader, RejectMsg& msg)
{
    msg.message = reader.VarBytes(MESSAGE_TYPE_SIZE);
    msg.code = reader.U8();
    msg.reason = reader.VarBytes(MAX_REJECT_MESSAGE_LENGTH);
    // What could not even be read was rejected without its hash.
    const bool of_hash{TextOf(msg.message) == "tx" || TextOf(msg.message) == "block"};
    if (reader.Ok() && of_hash && reader.LeftInMessage() > 0) msg.hash = reader.Take(32);
}

/** CUnsignedAlert of release 0.12, src/alert.h. */
void ReadAlertPayload(Reader& reader, AlertMsg& msg)
{
    msg.version = reader.I32();
    msg.relay_until = reader.I64();
    msg.expiration = reader.I64();
    msg.id = reader.I32();
    msg.cancel = reader.I32();
    std::uint64_t claimed;
    msg.cancels = ReadFixed<decltype(msg.cancels)>(reader, claimed, 4);
    msg.min_version = reader.I32();
    msg.max_version = reader.I32();
    msg.subversions = ReadEach<WitnessItems>(reader, claimed, 1, [](Reader& at) {
        at.VarBytes();
        return at.Ok();
    });
    msg.priority = reader.I32();
    msg.comment = reader.VarBytes(MAX_ALERT_COMMENT);
    msg.status_bar = reader.VarBytes(MAX_ALERT_STATUS_BAR);
    msg.reserved = reader.VarBytes(MAX_ALERT_STATUS_BAR);
    msg.parsed = reader.Ok();
}

void Read(Reader& reader, AlertMsg& msg)
{
    msg.payload = reader.VarBytes();
    msg.signature = reader.VarBytes();
    // Signed as bytes: those were read only if the signature was right, and a message with others in it was no less read.
    if (!reader.Ok()) return;
    Reader payload{msg.payload};
    ReadAlertPayload(payload, msg);
}

void Read(Reader& reader, UnknownMsg& msg)
{
    msg.bytes = reader.Take(reader.Left());
    reader.Take(reader.LeftInMessage()); // runs out if some were cut
}

template <class Msg>
Msg& Run(Reader& reader, Decoded& decoded)
{
    Msg& msg{decoded.message.emplace<Msg>()};
    Read(reader, msg);
    return msg;
}

void Limit(Decoded& decoded, std::uint64_t value, std::uint32_t most)
{
    if (value > most) decoded.limit_exceeded = most;
}

/** The length that a byte string says it has, of which not all need have been captured. */
std::uint64_t ClaimedLength(Reader reader) { return reader.CompactSize(); }
/** Bitcoin Core reads a byte string as a whole before it looks at its length. */
bool IsWholeAsSent(const Reader& reader) { return reader.Ok() || reader.Cut(); }

void Dispatch(Reader& reader, Decoded& decoded)
{
    switch (decoded.type) {
    case MessageType::Version: Run<VersionMsg>(reader, decoded); return;
    case MessageType::Verack:
    case MessageType::SendAddrV2:
    case MessageType::GetAddr:
    case MessageType::Mempool:
    case MessageType::FilterClear:
    case MessageType::SendHeaders:
    case MessageType::WtxidRelay: Run<EmptyMsg>(reader, decoded); return;
    case MessageType::Addr: return Limit(decoded, Run<AddrMsg>(reader, decoded).claimed, MAX_ADDR_TO_SEND);
    case MessageType::AddrV2: return Limit(decoded, Run<AddrV2Msg>(reader, decoded).claimed, MAX_ADDR_TO_SEND);
    case MessageType::Inv:
    case MessageType::GetData: return Limit(decoded, Run<InvMsg>(reader, decoded).claimed, MAX_INV_SZ);
    case MessageType::NotFound: Run<InvMsg>(reader, decoded); return;
    case MessageType::GetBlocks:
    case MessageType::GetHeaders: return Limit(decoded, Run<LocatorMsg>(reader, decoded).claimed, MAX_LOCATOR_SZ);
    case MessageType::Headers: return Limit(decoded, Run<HeadersMsg>(reader, decoded).claimed, MAX_HEADERS_RESULTS);
    case MessageType::Block: Run<BlockMsg>(reader, decoded); return;
    case MessageType::Tx: Run<TxMsg>(reader, decoded); return;
    case MessageType::MerkleBlock: Run<MerkleBlockMsg>(reader, decoded); return;
    case MessageType::SendCmpct: Run<SendCmpctMsg>(reader, decoded); return;
    case MessageType::CmpctBlock: Run<CmpctBlockMsg>(reader, decoded); return;
    case MessageType::GetBlockTxn: Run<GetBlockTxnMsg>(reader, decoded); return;
    case MessageType::BlockTxn: Run<BlockTxnMsg>(reader, decoded); return;
    case MessageType::Pong:
        // ProcessPong() does not even try to read less than a nonce.
        if (reader.LeftInMessage() < 8) {
            decoded.message.emplace<PingMsg>();
            return;
        }
        [[fallthrough]];
    case MessageType::Ping: Run<PingMsg>(reader, decoded); return;
    case MessageType::FeeFilter: Run<FeeFilterMsg>(reader, decoded); return;
    case MessageType::SendTxRcncl: Run<SendTxRcnclMsg>(reader, decoded); return;
    case MessageType::Feature: Run<FeatureMsg>(reader, decoded); return;
    case MessageType::FilterLoad: {
        const std::uint64_t size{ClaimedLength(reader)};
        Limit(decoded, Run<FilterLoadMsg>(reader, decoded).hash_functions, MAX_HASH_FUNCS);
        if (IsWholeAsSent(reader)) Limit(decoded, size, MAX_BLOOM_FILTER_SIZE);
        return;
    }
    case MessageType::FilterAdd: {
        const std::uint64_t size{ClaimedLength(reader)};
        Run<FilterAddMsg>(reader, decoded);
        if (IsWholeAsSent(reader)) Limit(decoded, size, MAX_SCRIPT_ELEMENT_SIZE);
        return;
    }
    case MessageType::GetCFilters:
    case MessageType::GetCFHeaders: Run<GetCFiltersMsg>(reader, decoded); return;
    case MessageType::CFilter: Run<CFilterMsg>(reader, decoded); return;
    case MessageType::CFHeaders: Run<CFHeadersMsg>(reader, decoded); return;
    case MessageType::GetCFCheckpt: Run<GetCFCheckptMsg>(reader, decoded); return;
    case MessageType::CFCheckpt: Run<CFCheckptMsg>(reader, decoded); return;
    case MessageType::Reject: Run<RejectMsg>(reader, decoded); return;
    case MessageType::Alert: Run<AlertMsg>(reader, decoded); return;
    case MessageType::Other:
    case MessageType::CheckOrder:
    case MessageType::SubmitOrder:
    case MessageType::Reply:
    case MessageType::SendPackages: break;
    }
    Run<UnknownMsg>(reader, decoded);
}

} // namespace

AddressEntry ParseAddrEntry(const std::byte*& at)
{
    const auto time = unchecked::Little<std::uint32_t>(at);
    const auto services = unchecked::Little<std::uint64_t>(at);
    const ByteView sixteen{unchecked::Take(at, 16)};
    return {time, services, FromLegacy(sixteen, __builtin_bswap16(unchecked::Little<std::uint16_t>(at)))};
}

AddressEntry ParseAddrV2Entry(const std::byte*& at)
{
    const auto time = unchecked::Little<std::uint32_t>(at);
    const std::uint64_t services{unchecked::CompactSize(at)};
    const auto network_id = unchecked::Little<std::uint8_t>(at);
    const ByteView raw{unchecked::Take(at, unchecked::CompactSize(at))};
    return {time, services, FromBip155(network_id, raw, __builtin_bswap16(unchecked::Little<std::uint16_t>(at)))};
}

HeaderEntry ParseHeaderEntry(const std::byte*& at)
{
    const BlockHeader header{ParseBlockHeader(at)};
    return {header, unchecked::CompactSize(at)};
}

PrefilledTx ParsePrefilledTx(const std::byte*& at)
{
    const std::uint64_t difference{unchecked::CompactSize(at)};
    return {difference, ParseTx(at)};
}

Decoded Decode(MessageType type, ByteView captured, std::uint64_t size) noexcept
{
    Decoded decoded;
    decoded.type = type;
    Reader reader{captured, size > captured.size() ? size - captured.size() : 0};
    Dispatch(reader, decoded);
    if (reader.Ok()) {
        decoded.trailing = reader.LeftInMessage();
    } else {
        decoded.status = reader.Cut() ? Status::Cut : Status::Malformed;
        decoded.problem = reader.GetProblem();
        decoded.problem_at = reader.ProblemAt();
        if (decoded.problem == Problem::TrailingBytes) decoded.trailing = size - decoded.problem_at;
    }
    return decoded;
}

} // namespace coretap::wire
