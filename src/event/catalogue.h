// The catalogue: the one place a tracepoint is described. From a row follow the capture plan, the event, its
// text and JSON, the conformance check of `coretap probes`, and the docs page.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "util/result.h"

namespace coretap::event {

/** What an argument is. The first four are integers in the record, the rest have bytes of their own. */
enum class ArgType : std::uint8_t {
    Int,    //!< signed
    Uint,   //!< unsigned
    Bool,   //!< 0 or 1
    String, //!< pointer to a C string
    Hash,   //!< pointer to 32 bytes, printed as Bitcoin Core prints hashes: reversed hex
    Bytes,  //!< pointer to as many bytes as another argument says
};

/** What the value counts or names; decides how it is shown. */
enum class Unit : std::uint8_t {
    None,
    PeerId,
    Bytes,
    VBytes,
    Satoshi,
    Height,
    Count,
    Index, //!< output index, position
    Nanoseconds,
    Microseconds,
    UnixSeconds,
    NetworkId, //!< Network enum, src/netaddress.h of Bitcoin Core
    FlushMode, //!< FlushStateMode enum, src/validation.h of Bitcoin Core
    Asn,       //!< autonomous system number, 0 = unmapped
    Bucket,    //!< addrman bucket or position in it
};

struct ArgDef {
    std::string name;
    ArgType type{ArgType::Int};
    Unit unit{Unit::None};
    std::uint8_t size{8};       //!< bytes of the USDT operand: 1, 2, 4 or 8 (pointers: 8)
    std::uint32_t bound{0};     //!< most bytes captured of a String or Bytes
    std::uint8_t length_arg{0}; //!< Bytes: index of the argument that holds the length
    std::string doc;

    bool operator==(const ArgDef&) const = default;
};

enum class Handler : std::uint8_t { Generic, Message, Coin };

/** Where a row comes from. */
enum class Origin : std::uint8_t {
    Core,    //!< in Bitcoin Core's releases
    Patched, //!< known from patched nodes (0xB10C's addrman tracepoints)
    User,    //!< from the user's configuration
    Coretap, //!< coretap's own: losses, nodes coming and going
};

struct TracepointDef {
    std::uint16_t id{0};
    std::string provider;
    std::string name;
    Origin origin{Origin::Core};
    Handler handler{Handler::Generic};
    bool on_by_default{true};
    std::string since; //!< first Bitcoin Core release that carries it in this form
    std::string doc;
    std::vector<ArgDef> args;

    bool operator==(const TracepointDef&) const = default;
    /** `provider:name`. Several layouts of one probe share it; the id tells them apart. */
    std::string FullName() const { return provider + ":" + name; }
    /** Index of the argument called `arg_name`, if there is one. */
    std::optional<std::size_t> ArgIndex(std::string_view arg_name) const;
};

/** Ids of the built-in rows, for code that means one tracepoint in particular. */
namespace id {
inline constexpr std::uint16_t INBOUND_MESSAGE = 0;
inline constexpr std::uint16_t OUTBOUND_MESSAGE = 1;
inline constexpr std::uint16_t INBOUND_CONNECTION = 2;
inline constexpr std::uint16_t OUTBOUND_CONNECTION = 3;
inline constexpr std::uint16_t EVICTED_INBOUND_CONNECTION = 4;
inline constexpr std::uint16_t MISBEHAVING_CONNECTION = 5;
inline constexpr std::uint16_t CLOSED_CONNECTION = 6;
inline constexpr std::uint16_t BLOCK_CONNECTED = 7;
inline constexpr std::uint16_t MEMPOOL_ADDED = 8;
inline constexpr std::uint16_t MEMPOOL_REMOVED = 9;
inline constexpr std::uint16_t MEMPOOL_REPLACED = 10;
inline constexpr std::uint16_t MEMPOOL_REJECTED = 11;
inline constexpr std::uint16_t UTXOCACHE_FLUSH = 12;
inline constexpr std::uint16_t UTXOCACHE_ADD = 13;
inline constexpr std::uint16_t UTXOCACHE_SPENT = 14;
inline constexpr std::uint16_t UTXOCACHE_UNCACHE = 15;
inline constexpr std::uint16_t SELECTED_COINS = 16;
inline constexpr std::uint16_t NORMAL_CREATE_TX_INTERNAL = 17;
inline constexpr std::uint16_t ATTEMPTING_APS_CREATE_TX = 18;
inline constexpr std::uint16_t APS_CREATE_TX_INTERNAL = 19;
inline constexpr std::uint16_t ADDRMAN_ATTEMPT_ADD = 20;
inline constexpr std::uint16_t ADDRMAN_MOVE_TO_GOOD = 21;
inline constexpr std::uint16_t ADDRMAN_MOVE_TO_GOOD_2023 = 22;
// coretap's own
inline constexpr std::uint16_t CORETAP_LOST = 56;
inline constexpr std::uint16_t CORETAP_NODE_FOUND = 57;
inline constexpr std::uint16_t CORETAP_NODE_GONE = 58;
} // namespace id

/** Arguments of the two message tracepoints, by index. */
namespace message_arg {
enum : std::size_t { PEER_ID, ADDR, CONN_TYPE, MSG_TYPE, SIZE, PAYLOAD };
}

/**
 * Rows by id. Built-in rows always; user-defined rows from the configuration. Immutable once the pipeline runs.
 */
class Catalogue {
    std::vector<std::unique_ptr<TracepointDef>> m_rows; //!< by id, gaps are null

    /** The row as it is kept, with the next id beyond the built-in ones; null if there is none left. */
    const TracepointDef* Append(TracepointDef def);

public:
    /** The built-in rows. */
    Catalogue();

    /** The row with this id, or null. */
    const TracepointDef* Find(std::uint16_t tracepoint_id) const noexcept
    {
        return tracepoint_id < m_rows.size() ? m_rows[tracepoint_id].get() : nullptr;
    }
    /** Every row of this probe: none, one, or several layouts. */
    std::vector<const TracepointDef*> FindAll(std::string_view provider, std::string_view name) const;
    /** All rows in order of id. */
    std::vector<const TracepointDef*> Rows() const;
    /** Add a user-defined row; its id is chosen here. Fails if the probe is built in or named twice. */
    util::Result<const TracepointDef*> AddUser(TracepointDef def);
    /** The row that has the same provider, name and arguments (names, types, units); null if there is none. */
    const TracepointDef* FindRecorded(const TracepointDef& def) const;
    /**
     * The row for what a recording describes: FindRecorded()'s, else a new one of origin User, with an id chosen here. So one probe may come to have several layouts. Fails with
     * Unsupported when there are no ids left.
     */
    util::Result<const TracepointDef*> AddRecorded(TracepointDef def);
};

/** Names of Bitcoin Core's message types by id; index 0 is "other". The table is wire::MessageTypeNames(). */
std::span<const std::string_view> MessageTypes();
/** Names of Bitcoin Core's connection types by id; index 0 is "other". Source: ConnectionTypeAsString(), src/node/connection_types.cpp. */
std::span<const std::string_view> ConnectionTypes();
/** Id of a message type, 0 if unknown. */
std::uint8_t MessageTypeId(std::string_view name);
/** Id of a connection type, 0 if unknown. */
std::uint8_t ConnectionTypeId(std::string_view name);

/** Name of a Network value (src/netaddress.h, GetNetworkName()); empty if unknown. */
std::string_view NetworkName(std::uint64_t network);
/** Name of a FlushStateMode value (src/validation.h); empty if unknown. */
std::string_view FlushModeName(std::uint64_t mode);

std::string_view ToString(ArgType type);
std::string_view ToString(Unit unit);
std::string_view ToString(Origin origin);

} // namespace coretap::event
