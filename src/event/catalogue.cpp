#include "event/catalogue.h"

#include <algorithm>

#include "abi/coretap_abi.h"
#include "wire/message.h"

namespace coretap::event {
namespace {

// Bounds: doc/tracing.md of Bitcoin Core gives 68 characters for an address ("might be longer" with a host
// name: a host name has at most 253, plus a port), 20 for connection and message types, 118 for a reject
// reason, 128 for a misbehaviour. We capture with room to spare and mark what is cut.
constexpr std::uint32_t ADDRESS_BOUND{CT_MAX_ADDR};
constexpr std::uint32_t CONN_TYPE_BOUND{CT_MAX_CONN_TYPE};
constexpr std::uint32_t REASON_BOUND{256};
constexpr std::uint32_t WALLET_BOUND{256};

ArgDef Int(std::string name, std::uint8_t size, Unit unit, std::string doc)
{
    return {std::move(name), ArgType::Int, unit, size, 0, 0, std::move(doc)};
}
ArgDef Uint(std::string name, std::uint8_t size, Unit unit, std::string doc)
{
    return {std::move(name), ArgType::Uint, unit, size, 0, 0, std::move(doc)};
}
ArgDef Bool(std::string name, std::string doc) { return {std::move(name), ArgType::Bool, Unit::None, 1, 0, 0, std::move(doc)}; }
ArgDef Str(std::string name, std::uint32_t bound, std::string doc)
{
    return {std::move(name), ArgType::String, Unit::None, 8, bound, 0, std::move(doc)};
}
ArgDef Hash(std::string name, std::string doc) { return {std::move(name), ArgType::Hash, Unit::None, 8, 32, 0, std::move(doc)}; }

ArgDef PeerId() { return Int("peer_id", 8, Unit::PeerId, "peer id, as in getpeerinfo"); }
ArgDef Addr()
{
    return Str("addr", ADDRESS_BOUND, "peer address and port (IPv4, IPv6, Tor v3, I2P, CJDNS, or the host name it was added by)");
}
ArgDef ConnType() { return Str("conn_type", CONN_TYPE_BOUND, "connection type"); }
ArgDef NetworkOf() { return Uint("network", 4, Unit::NetworkId, "network the peer is connected through"); }
ArgDef ConnectedAt() { return Int("connected_at", 8, Unit::UnixSeconds, "when the connection was established"); }

std::vector<ArgDef> MessageArgs()
{
    return {PeerId(),
            Addr(),
            ConnType(),
            Str("msg_type", CT_MSG_TYPE_SIZE, "message type"),
            Uint("size", 8, Unit::Bytes, "size of the payload, without the transport's header"),
            ArgDef{"payload", ArgType::Bytes, Unit::None, 8, CT_MAX_PAYLOAD, message_arg::SIZE,
                   "the payload, as far as the capture policy asks for it"}};
}

std::vector<ArgDef> CoinArgs(const std::string& height_doc)
{
    return {Hash("txid", "transaction id of the coin"), Uint("index", 4, Unit::Index, "output index"),
            Uint("height", 4, Unit::Height, height_doc), Int("value", 8, Unit::Satoshi, "value of the coin"),
            Bool("is_coinbase", "whether the coin is of a coinbase transaction")};
}

std::vector<ArgDef> MoveToGoodTail()
{
    return {Uint("asn", 4, Unit::Asn, "mapped AS of the address"),
            Str("source", ADDRESS_BOUND, "address of the peer that told us, without a port"),
            Uint("source_asn", 4, Unit::Asn, "mapped AS of the source")};
}

std::vector<TracepointDef> BuiltIn()
{
    std::vector<TracepointDef> rows;
    const auto core = [&rows](std::uint16_t row_id, const char* provider, const char* name, const char* since, const char* doc,
                              std::vector<ArgDef> args) -> TracepointDef& {
        return rows.emplace_back(TracepointDef{row_id, provider, name, Origin::Core, Handler::Generic, true, since, doc, std::move(args)});
    };

    core(id::INBOUND_MESSAGE, "net", "inbound_message", "22.0", "a P2P message was taken from a peer's queue, before it is processed",
         MessageArgs())
        .handler = Handler::Message;
    core(id::OUTBOUND_MESSAGE, "net", "outbound_message", "22.0", "a P2P message is sent to a peer", MessageArgs()).handler =
        Handler::Message;
    core(id::INBOUND_CONNECTION, "net", "inbound_connection", "29.0", "a peer connected to us",
         {PeerId(), Addr(), ConnType(), NetworkOf(), Uint("connections", 8, Unit::Count, "inbound connections, this one included")});
    core(id::OUTBOUND_CONNECTION, "net", "outbound_connection", "29.0", "we connected to a peer",
         {PeerId(), Addr(), ConnType(), NetworkOf(), Uint("connections", 8, Unit::Count, "outbound connections, this one included")});
    core(id::EVICTED_INBOUND_CONNECTION, "net", "evicted_inbound_connection", "29.0", "an inbound connection was evicted to make room",
         {PeerId(), Addr(), ConnType(), NetworkOf(), ConnectedAt()});
    core(id::MISBEHAVING_CONNECTION, "net", "misbehaving_connection", "29.0", "a peer misbehaved and will be disconnected or discouraged",
         {PeerId(), Str("reason", REASON_BOUND, "what it did")});
    core(id::CLOSED_CONNECTION, "net", "closed_connection", "29.0", "a connection was closed",
         {PeerId(), Addr(), ConnType(), NetworkOf(), ConnectedAt()});

    core(id::BLOCK_CONNECTED, "validation", "block_connected", "29.0",
         "a block was connected to the chain (the duration was in microseconds before 29.0)",
         {Hash("block_hash", "hash of the block header"), Int("height", 4, Unit::Height, "height of the block"),
          Uint("transactions", 8, Unit::Count, "transactions in the block"),
          Int("inputs", 4, Unit::Count, "inputs of the block's transactions, the coinbase's own included"),
          Int("sigops", 8, Unit::Count, "cost of the block's signature operations, the coinbase's included (a legacy one counts four)"),
          Int("duration", 8, Unit::Nanoseconds, "time it took to connect the block")});

    core(id::MEMPOOL_ADDED, "mempool", "added", "25.0", "a transaction entered the mempool",
         {Hash("txid", "transaction id"), Int("vsize", 4, Unit::VBytes, "virtual size"), Int("fee", 8, Unit::Satoshi, "fee")});
    core(id::MEMPOOL_REMOVED, "mempool", "removed", "25.0", "a transaction left the mempool",
         {Hash("txid", "transaction id"), Str("reason", REASON_BOUND, "why: expiry, sizelimit, reorg, block, conflict, replaced"),
          Int("vsize", 4, Unit::VBytes, "virtual size"), Int("fee", 8, Unit::Satoshi, "fee"),
          Uint("entered_at", 8, Unit::UnixSeconds, "when it entered the mempool")});
    core(id::MEMPOOL_REPLACED, "mempool", "replaced", "29.0",
         "a transaction in the mempool is replaced by another (fires once for each replaced transaction)",
         {Hash("replaced_txid", "transaction id of the replaced"), Int("replaced_vsize", 4, Unit::VBytes, "its virtual size"),
          Int("replaced_fee", 8, Unit::Satoshi, "its fee"),
          Uint("replaced_entered_at", 8, Unit::UnixSeconds, "when it entered the mempool"),
          Hash("replacement_id", "transaction id of the replacement, or hash of the package"),
          Int("replacement_vsize", 4, Unit::VBytes, "virtual size of the replacement"),
          Int("replacement_fee", 8, Unit::Satoshi, "fee of the replacement"),
          Bool("replacement_is_tx", "whether replacement_id is a transaction id (else a package hash)")});
    core(id::MEMPOOL_REJECTED, "mempool", "rejected", "25.0", "a transaction was not let into the mempool",
         {Hash("txid", "transaction id"), Str("reason", REASON_BOUND, "why")});

    core(id::UTXOCACHE_FLUSH, "utxocache", "flush", "24.0", "the UTXO cache was flushed to disk",
         {Int("duration", 8, Unit::Microseconds, "time the flush took"), Uint("mode", 4, Unit::FlushMode, "flush mode"),
          Uint("coins", 8, Unit::Count, "coins in the cache before the flush"),
          Uint("memory", 8, Unit::Bytes, "memory the cache used before the flush"), Bool("for_prune", "whether pruning caused the flush")});
    auto& add = core(id::UTXOCACHE_ADD, "utxocache", "add", "24.0", "a coin was added to a UTXO cache, the main one or a temporary one",
                     CoinArgs("height of the block that made the coin"));
    add.handler = Handler::Coin;
    add.on_by_default = false;
    auto& spent =
        core(id::UTXOCACHE_SPENT, "utxocache", "spent", "24.0", "a coin was spent from a UTXO cache, the main one or a temporary one",
             CoinArgs("height of the block that made the coin"));
    spent.handler = Handler::Coin;
    spent.on_by_default = false;
    core(id::UTXOCACHE_UNCACHE, "utxocache", "uncache", "24.0",
         "a coin was unloaded from the UTXO cache, as when a transaction turns out invalid",
         CoinArgs("height of the block that made the coin"))
        .handler = Handler::Coin;

    core(id::SELECTED_COINS, "coin_selection", "selected_coins", "23.0", "the wallet selected coins for a transaction",
         {Str("wallet", WALLET_BOUND, "name of the wallet"), Str("algorithm", REASON_BOUND, "coin selection algorithm"),
          Int("target", 8, Unit::Satoshi, "value to reach"), Int("waste", 8, Unit::Satoshi, "waste metric of the solution"),
          Int("selected", 8, Unit::Satoshi, "value of the selected inputs")});
    core(id::NORMAL_CREATE_TX_INTERNAL, "coin_selection", "normal_create_tx_internal", "23.0", "the wallet built a transaction",
         {Str("wallet", WALLET_BOUND, "name of the wallet"), Bool("success", "whether it succeeded"),
          Int("fee", 8, Unit::Satoshi, "expected fee"),
          Int("change_position", 4, Unit::Index, "position of the change output, -1 if there is none")});
    core(id::ATTEMPTING_APS_CREATE_TX, "coin_selection", "attempting_aps_create_tx", "23.0",
         "the wallet tries again, avoiding partial spends", {Str("wallet", WALLET_BOUND, "name of the wallet")});
    core(id::APS_CREATE_TX_INTERNAL, "coin_selection", "aps_create_tx_internal", "23.0",
         "the wallet's second try, avoiding partial spends, is done",
         {Str("wallet", WALLET_BOUND, "name of the wallet"), Bool("used", "whether this solution will be used"),
          Bool("success", "whether it succeeded"), Int("fee", 8, Unit::Satoshi, "expected fee"),
          Int("change_position", 4, Unit::Index, "position of the change output, -1 if there is none")});

    const auto patched = [&rows](std::uint16_t row_id, const char* name, const char* doc, std::vector<ArgDef> args) {
        rows.emplace_back(
            TracepointDef{row_id, "addrman", name, Origin::Patched, Handler::Generic, true, "patched nodes", doc, std::move(args)});
    };
    patched(id::ADDRMAN_ATTEMPT_ADD, "attempt_add", "an address was offered to the new table",
            {Bool("inserted", "whether it was inserted"), Int("bucket", 4, Unit::Bucket, "bucket of the new table"),
             Int("position", 4, Unit::Bucket, "position in the bucket"), Str("addr", ADDRESS_BOUND, "address and port"),
             Uint("asn", 4, Unit::Asn, "mapped AS of the address"),
             Str("source", ADDRESS_BOUND, "address of the peer that told us, without a port"),
             Uint("source_asn", 4, Unit::Asn, "mapped AS of the source")});
    std::vector<ArgDef> good{Int("bucket", 4, Unit::Bucket, "bucket of the tried table"),
                             Int("position", 4, Unit::Bucket, "position in the bucket"), Str("addr", ADDRESS_BOUND, "address and port")};
    std::vector<ArgDef> good_2023{good[2], good[0], good[1]};
    for (const ArgDef& arg : MoveToGoodTail()) {
        good.push_back(arg);
        good_2023.push_back(arg);
    }
    patched(id::ADDRMAN_MOVE_TO_GOOD, "move_to_good", "an address moved to the tried table (layout since September 2023)", std::move(good));
    patched(id::ADDRMAN_MOVE_TO_GOOD_2023, "move_to_good", "an address moved to the tried table (layout until May 2023)",
            std::move(good_2023));

    const auto own = [&rows](std::uint16_t row_id, const char* name, const char* doc, std::vector<ArgDef> args) {
        rows.emplace_back(TracepointDef{row_id, "coretap", name, Origin::Coretap, Handler::Generic, true, "", doc, std::move(args)});
    };
    own(id::CORETAP_LOST, "lost", "events were lost between this and the previous report",
        {Str("tracepoint", REASON_BOUND, "which tracepoint's"), Str("reason", REASON_BOUND, "where they were lost"),
         Uint("count", 8, Unit::Count, "how many"),
         Uint("total", 8, Unit::Count, "how many since the start, for this tracepoint and reason")});
    own(id::CORETAP_NODE_FOUND, "node_found", "a node is being traced",
        {Str("label", REASON_BOUND, "short name of the node"),
         Str("executable", CT_MAX_STRING, "path of its executable, in its own mount namespace"),
         Str("build_id", REASON_BOUND, "build id of its executable, hex"), Str("datadir", CT_MAX_STRING, "its data directory"),
         Str("chain", REASON_BOUND, "its chain: main, test, testnet4, signet, regtest"),
         Uint("started_at", 8, Unit::UnixSeconds, "when the process started")});
    own(id::CORETAP_NODE_GONE, "node_gone", "a traced node ended", {Str("label", REASON_BOUND, "short name of the node")});
    return rows;
}

static_assert(wire::MESSAGE_TYPE_COUNT <= CT_MAX_MSG_TYPES);

constexpr std::string_view CONNECTION_TYPES[]{
    "other", "inbound", "manual", "feeler", "outbound-full-relay", "block-relay-only", "addr-fetch", "private-broadcast",
};
static_assert(std::size(CONNECTION_TYPES) <= CT_MAX_CONN_TYPES);

} // namespace

std::optional<std::size_t> TracepointDef::ArgIndex(std::string_view arg_name) const
{
    for (std::size_t i{0}; i < args.size(); ++i) {
        if (args[i].name == arg_name) return i;
    }
    return std::nullopt;
}

Catalogue::Catalogue()
{
    for (TracepointDef& row : BuiltIn()) {
        const std::size_t row_id{row.id};
        if (m_rows.size() <= row_id) m_rows.resize(row_id + 1);
        m_rows[row_id] = std::make_unique<TracepointDef>(std::move(row));
    }
}

std::vector<const TracepointDef*> Catalogue::FindAll(std::string_view provider, std::string_view name) const
{
    std::vector<const TracepointDef*> found;
    for (const auto& row : m_rows) {
        if (row && row->provider == provider && row->name == name) found.push_back(row.get());
    }
    return found;
}

std::vector<const TracepointDef*> Catalogue::Rows() const
{
    std::vector<const TracepointDef*> rows;
    for (const auto& row : m_rows) {
        if (row) rows.push_back(row.get());
    }
    return rows;
}

util::Result<const TracepointDef*> Catalogue::AddUser(TracepointDef def)
{
    if (!FindAll(def.provider, def.name).empty()) {
        return util::Error{util::Errc::Usage, "tracepoint " + def.FullName() +
                                                  " is already in the catalogue; a row of the configuration can only add new ones"};
    }
    if (const TracepointDef * row{Append(std::move(def))}) return row;
    return util::Error{util::Errc::Usage,
                       "too many user-defined tracepoints: at most " + std::to_string(CT_MAX_TRACEPOINTS - CT_USER_BASE)};
}

const TracepointDef* Catalogue::FindRecorded(const TracepointDef& def) const
{
    const auto same = [](const ArgDef& a, const ArgDef& b) { return a.name == b.name && a.type == b.type && a.unit == b.unit; };
    for (const TracepointDef* row : FindAll(def.provider, def.name)) {
        if (std::equal(row->args.begin(), row->args.end(), def.args.begin(), def.args.end(), same)) return row;
    }
    return nullptr;
}

util::Result<const TracepointDef*> Catalogue::AddRecorded(TracepointDef def)
{
    if (const TracepointDef * row{FindRecorded(def)}) return row;
    if (const TracepointDef * row{Append(std::move(def))}) return row;
    return util::Error{util::Errc::Unsupported,
                       "too many tracepoints beyond the built-in ones, in recordings and configuration together: at most " +
                           std::to_string(CT_MAX_TRACEPOINTS - CT_USER_BASE)};
}

const TracepointDef* Catalogue::Append(TracepointDef def)
{
    m_rows.resize(std::max<std::size_t>(m_rows.size(), CT_USER_BASE));
    if (m_rows.size() >= CT_MAX_TRACEPOINTS) return nullptr;
    def.id = static_cast<std::uint16_t>(m_rows.size());
    def.origin = Origin::User;
    def.handler = Handler::Generic;
    m_rows.push_back(std::make_unique<TracepointDef>(std::move(def)));
    return m_rows.back().get();
}

std::span<const std::string_view> MessageTypes() { return wire::MessageTypeNames(); }
std::span<const std::string_view> ConnectionTypes() { return CONNECTION_TYPES; }
std::uint8_t MessageTypeId(std::string_view name) { return static_cast<std::uint8_t>(wire::MessageTypeOf(name)); }
std::uint8_t ConnectionTypeId(std::string_view name)
{
    const auto* const it = std::find(std::begin(CONNECTION_TYPES) + 1, std::end(CONNECTION_TYPES), name);
    return it == std::end(CONNECTION_TYPES) ? std::uint8_t{0} : static_cast<std::uint8_t>(it - std::begin(CONNECTION_TYPES));
}

std::string_view NetworkName(std::uint64_t network)
{
    // enum Network: NET_UNROUTABLE = 0, then in this order; names as GetNetworkName() has them
    constexpr std::string_view NAMES[]{"not_publicly_routable", "ipv4", "ipv6", "onion", "i2p", "cjdns", "internal"};
    return network < std::size(NAMES) ? NAMES[network] : std::string_view{};
}

std::string_view FlushModeName(std::uint64_t mode)
{
    constexpr std::string_view NAMES[]{"NONE", "IF_NEEDED", "PERIODIC", "FORCE_FLUSH", "FORCE_SYNC"};
    return mode < std::size(NAMES) ? NAMES[mode] : std::string_view{};
}

std::string_view ToString(ArgType type)
{
    switch (type) {
    case ArgType::Int: return "int";
    case ArgType::Uint: return "uint";
    case ArgType::Bool: return "bool";
    case ArgType::String: return "string";
    case ArgType::Hash: return "hash";
    case ArgType::Bytes: return "bytes";
    }
    return "";
}

std::string_view ToString(Unit unit)
{
    switch (unit) {
    case Unit::None: return "";
    case Unit::PeerId: return "peer id";
    case Unit::Bytes: return "bytes";
    case Unit::VBytes: return "vbytes";
    case Unit::Satoshi: return "satoshi";
    case Unit::Height: return "height";
    case Unit::Count: return "count";
    case Unit::Index: return "index";
    case Unit::Nanoseconds: return "ns";
    case Unit::Microseconds: return "us";
    case Unit::UnixSeconds: return "unix s";
    case Unit::NetworkId: return "network";
    case Unit::FlushMode: return "flush mode";
    case Unit::Asn: return "asn";
    case Unit::Bucket: return "bucket";
    }
    return "";
}

std::string_view ToString(Origin origin)
{
    switch (origin) {
    case Origin::Core: return "core";
    case Origin::Patched: return "patched";
    case Origin::User: return "user";
    case Origin::Coretap: return "coretap";
    }
    return "";
}

} // namespace coretap::event
