// What the events of a session add up to, as of one moment: plain values that nobody changes any more. Metrics, the API, the
// page and the terminal show this and nothing else. state/tracker.h makes it.
//
// Times: `*_utc_ns` is nanoseconds since 1970, UTC; durations are nanoseconds with `_ns`. An empty optional is "not known",
// never zero. Everything is bounded: what is dropped, and when, stands at each container.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "abi/coretap_abi.h"
#include "pipeline/counters.h"
#include "pipeline/ledger.h"
#include "state/histogram.h"
#include "wire/transaction.h"

namespace coretap::state {

using pipeline::MessageCount;
/** By wire::MessageType; all unknown types are 0, `other`. */
using MessageCounts = std::array<MessageCount, CT_MAX_MSG_TYPES>;

enum class Direction : std::uint8_t { In, Out }; //!< of a message: from the peer, to the peer
inline constexpr std::size_t DIRECTIONS{2};

// ---- peers ----------------------------------------------------------------------------------------------------------

/** What a peer's `version` said of it. The user agent is a stranger's bytes: escape it where it is shown. */
struct VersionFacts {
    std::int32_t version{0};
    std::uint64_t services{0};
    std::string user_agent; //!< at most 256 bytes
    std::int32_t start_height{-1};
    bool relay{true};                            //!< BIP 37: whether it wants transactions from the start
    std::optional<std::int64_t> time_offset_s{}; //!< its clock less ours, seconds
};

/** Round trips of our pings, from ping and pong with the same nonce. */
struct PingFacts {
    std::uint64_t answered{0};
    std::optional<std::int64_t> last_ns{};
    std::optional<std::int64_t> min_ns{};
    std::optional<std::int64_t> waiting_since_utc_ns{}; //!< of the last ping, while it is not answered
};

/** Bitcoin Core's rate limit of addresses (MAX_ADDR_RATE_PER_SECOND and others in src/net_processing.cpp), done again from outside. */
struct AddrFacts {
    std::uint64_t entries_in{0};  //!< addresses in its addr and addrv2
    std::uint64_t entries_out{0}; //!< addresses we sent it
    std::uint64_t processed{0};   //!< of entries_in: passed the rate limit; getpeerinfo's addr_processed is less (docs/state.md)
    std::uint64_t rate_limited{0};
    double bucket{1.0}; //!< tokens left
    /** Whether the bucket is exact: the connection was seen from its start, and no message of it was lost or cut. */
    bool exact{false};
};

struct Peer {
    std::int64_t id{0};    //!< as in getpeerinfo
    std::string address;   //!< with port, as Bitcoin Core prints it
    std::string network;   //!< ipv4, ipv6, onion, i2p, cjdns, not_publicly_routable; from its address where no connection event told
    std::uint8_t lists{0}; //!< bit i: its address is on NodeSnapshot::lists[i]
    std::string conn_type; //!< as in getpeerinfo's connection_type
    bool inbound{false};
    std::optional<std::int64_t> connected_utc_ns{}; //!< empty: was connected before we looked
    std::int64_t first_seen_utc_ns{0};
    std::int64_t last_in_utc_ns{0};  //!< last message from it; 0: none
    std::int64_t last_out_utc_ns{0}; //!< last message to it; 0: none
    std::array<MessageCounts, DIRECTIONS> messages{};

    std::optional<VersionFacts> version{}; //!< what it said of itself
    bool handshake_done{false};            //!< verack came from it
    bool addrv2{false};                    //!< sendaddrv2 (BIP 155)
    bool wtxid_relay{false};               //!< wtxidrelay (BIP 339)
    bool prefers_headers{false};           //!< sendheaders (BIP 130)
    // High-bandwidth compact blocks (BIP 152), by the names of getpeerinfo, which are of who was asked, not of where the blocks go
    bool compact_hb_to{false};   //!< bip152_hb_to: we asked it, and it sends us blocks unasked
    bool compact_hb_from{false}; //!< bip152_hb_from: it asked us
    PingFacts ping;
    std::optional<std::int64_t> fee_filter_sat_per_kvb{}; //!< the last it sent
    AddrFacts addr;
    std::optional<std::int32_t> height{}; //!< best height it is known to have: start height, headers, announced blocks we know

    // transactions: entries, not messages
    std::uint64_t tx_inv_in{0};       //!< it announced to us
    std::uint64_t tx_inv_out{0};      //!< we announced to it
    std::uint64_t tx_requested_in{0}; //!< it asked us for (getdata)
    std::uint64_t tx_requested_out{0};
    std::uint64_t tx_in{0}; //!< it sent us
    std::uint64_t tx_out{0};
    std::uint64_t notfound_in{0}; //!< entries
    std::uint64_t tx_accepted{0}; //!< mempool:added while the node was at its `tx` (docs/state.md: what that misses)
    std::uint64_t tx_rejected{0}; //!< mempool:rejected, likewise

    std::uint64_t misbehaving{0};
    std::string last_misbehaviour; //!< a stranger's doing in Bitcoin Core's words; at most 128 bytes
    std::uint64_t undecodable{0};  //!< messages of it that are malformed, exceed a limit or have trailing bytes
    // time the node spent on its messages (see MessageTimes)
    std::int64_t message_time_ns{0};          //!< at most
    std::int64_t message_time_at_least_ns{0}; //!< at least

    std::optional<std::int64_t> closed_utc_ns{};
    bool evicted{false};
    /** Nobody saw it close: the node ended, or nothing came or went for longer than Bitcoin Core bears. closed_utc_ns is when it was last heard of. */
    bool close_inferred{false};
};

// ---- blocks ---------------------------------------------------------------------------------------------------------

/** How a block became known, or was asked for, or came. */
enum class BlockVia : std::uint8_t { Inv, Headers, CmpctBlock, Block, MerkleBlock };

struct BlockAnnouncement {
    std::int64_t peer_id{0};
    BlockVia via{BlockVia::Inv};
    std::int64_t utc_ns{0};
};
struct BlockRequest {
    std::int64_t peer_id{0};
    BlockVia via{BlockVia::Block}; //!< what was asked for: Block or CmpctBlock
    std::int64_t utc_ns{0};
};
/** One compact block of it (BIP 152) and what became of it. */
struct CompactReconstruction {
    std::int64_t peer_id{0};
    std::int64_t utc_ns{0};
    std::uint64_t bytes{0}; //!< of the cmpctblock
    std::uint64_t short_ids{0};
    std::uint64_t prefilled{0};
    std::optional<std::uint64_t> requested{};      //!< transactions asked for by getblocktxn; 0: none were missing (inferred)
    std::optional<std::uint64_t> received_bytes{}; //!< of the blocktxn
    std::optional<std::int64_t> blocktxn_utc_ns{};
    bool failed{false}; //!< it could not be put together: the whole block was asked of the same peer afterwards
};

/**
 * One block's way through the node. Only what was seen: a field is empty if it did not happen or we were not there. Times are by one
 * clock: UTC of its first event, and what the kernel's clock says since.
 */
struct BlockJourney {
    wire::Hash256 hash{}; //!< wire order
    std::optional<std::int32_t> height{};
    std::int64_t first_utc_ns{0}; //!< first event of any kind about it
    /** From peers, by time; the first MAX_ANNOUNCEMENTS, one a peer and way. */
    std::vector<BlockAnnouncement> announcements;
    std::uint64_t announcements_total{0};
    std::vector<BlockRequest> requests;           //!< ours; at most MAX_REQUESTS
    std::vector<CompactReconstruction> compact;   //!< at most MAX_COMPACT
    std::optional<std::int64_t> delivered_peer{}; //!< who brought what completed it
    BlockVia delivered_via{BlockVia::Block};      //!< Block, or CmpctBlock (with or without blocktxn)
    std::optional<std::int64_t> delivered_utc_ns{};
    std::uint64_t delivered_bytes{0};               //!< bytes received for it from delivered_peer
    std::optional<std::int64_t> connected_utc_ns{}; //!< validation:block_connected fired
    std::optional<std::int64_t> connect_ns{};       //!< its duration
    std::uint64_t transactions{0};                  //!< as block_connected says
    std::int64_t inputs{0};
    std::int64_t sigops{0};
    std::optional<std::int64_t> first_relay_utc_ns{}; //!< we announced or sent it to somebody first
    std::uint64_t relayed_peers{0};                   //!< to how many
    bool gap{false};                                  //!< events were lost while it was under way: the journey may lack something
    bool earlier_run{false};                          //!< of an earlier process of the node: its peers' ids are others' now

    static constexpr std::size_t MAX_ANNOUNCEMENTS{64};
    static constexpr std::size_t MAX_REQUESTS{16};
    static constexpr std::size_t MAX_COMPACT{8};
};

/** Totals over all journeys that ended in block_connected; the times are of those whose announcement was seen. */
struct BlockTotals {
    Histogram<12> announce_to_deliver_seconds{BLOCK_SECONDS}; //!< first announcement to delivery
    Histogram<12> deliver_to_connect_seconds{BLOCK_SECONDS};
    Histogram<12> announce_to_relay_seconds{BLOCK_SECONDS};   //!< first announcement to our first relay
    std::array<std::uint64_t, 5> first_announced_via{};       //!< by BlockVia
    std::uint64_t not_announced{0};                           //!< no announcement was seen: initial download, a block of our own
    std::uint64_t delivered_compact_full{0};                  //!< reconstructed without asking
    std::uint64_t delivered_compact_partial{0};               //!< after getblocktxn
    std::uint64_t delivered_block{0};                         //!< as a whole block
    std::uint64_t delivered_unknown{0};                       //!< nobody was seen to bring it
    Histogram<10> missing_transactions{MISSING_TRANSACTIONS}; //!< by reconstruction
};

// ---- the rest -------------------------------------------------------------------------------------------------------

struct ReasonCount {
    std::uint64_t count{0};
    std::uint64_t vsize{0}; //!< vbytes
    std::int64_t fee{0};    //!< satoshi
};

/** At most MAX_REASONS distinct reasons are counted apart; what comes later is `other`. */
struct MempoolTotals {
    static constexpr std::size_t MAX_REASONS{64};
    ReasonCount added;
    std::map<std::string, ReasonCount> removed;    //!< by reason
    std::map<std::string, std::uint64_t> rejected; //!< by reason, without its details in parentheses
    ReasonCount replaced;                          //!< the replaced transactions
    std::uint64_t replacements_by_package{0};
    Histogram<12> added_feerate_sat_per_vb{FEERATES};     //!< of added transactions
    Histogram<8> block_removal_age_seconds{MEMPOOL_AGES}; //!< time in the mempool of what a block took
};

struct ConnectionTotals {
    static constexpr std::size_t MAX_MISBEHAVIOURS{40};                      //!< Bitcoin Core has some 20, and those of blocks
    std::map<std::string, std::uint64_t> inbound;                            //!< by network
    std::map<std::string, std::uint64_t> outbound;                           //!< by connection type
    std::map<std::string, std::uint64_t> closed;                             //!< by connection type
    std::map<std::string, std::uint64_t> outbound_networks, closed_networks; //!< by network
    std::uint64_t evicted{0};
    std::map<std::string, std::uint64_t> misbehaving; //!< by reason; at most MAX_MISBEHAVIOURS, then `other`
    Histogram<10> closed_age_seconds{CONNECTION_AGES};
    /** Open ones: as the last event of a new one said, less those that closed since. Empty before that, and when the node has ended. */
    std::optional<std::uint64_t> inbound_now{}, outbound_now{};
};

/** Of one list of addresses (state/address_lists.h), since it has been there. Numbered as the lists are. */
struct ListTotals {
    std::string name;
    std::array<std::uint64_t, DIRECTIONS> connections{}; //!< In: peers opened them
    std::array<MessageCounts, DIRECTIONS> messages{};
};

struct ChainTotals {
    std::optional<std::int32_t> height{};
    wire::Hash256 tip{};
    std::optional<std::int64_t> tip_utc_ns{}; //!< when it was connected
    std::uint64_t blocks{0};
    std::uint64_t transactions{0};
    std::uint64_t inputs{0};
    std::uint64_t sigops{0};
    Histogram<12> connect_seconds{BLOCK_SECONDS};
};

/** At most 5 modes and pruning or not. */
struct FlushTotals {
    std::uint64_t count{0};
    std::uint64_t coins{0};
    Histogram<10> seconds{FLUSH_SECONDS};
    std::uint64_t last_memory_bytes{0};
    std::uint64_t last_coins{0};
    std::int64_t last_utc_ns{0};
};
struct UtxoTotals {
    // Counted in the kernel unless delivered (--enable): exact either way
    std::uint64_t added{0};
    std::uint64_t spent{0};
    std::uint64_t uncached{0};
    std::map<std::pair<std::string, bool>, FlushTotals> flushes; //!< by mode and for_prune
};

struct CoinSelectionTotals {
    std::map<std::string, std::uint64_t> selected; //!< by algorithm
    std::uint64_t created{0}, failed{0};           //!< normal_create_tx_internal
    std::uint64_t aps_attempts{0}, aps_used{0};
};

struct AddrmanTotals { // patched nodes
    std::uint64_t new_inserted{0}, new_refused{0}, tried{0};
};

/** What addr and addrv2 bring and take. By Direction; of a message at most the 1,000 entries that are allowed. */
struct AddrRelayTotals {
    using Sizes = std::array<Histogram<10>, DIRECTIONS>;
    using Offsets = std::array<Histogram<12>, DIRECTIONS>;
    std::array<Sizes, 2> entries{
        Sizes{Histogram{ADDR_ENTRIES}, Histogram{ADDR_ENTRIES}},
        Sizes{Histogram{ADDR_ENTRIES}, Histogram{ADDR_ENTRIES}}}; //!< [0 addr, 1 addrv2][direction]: addresses a message
    std::array<Offsets, 2> time_offset_seconds{
        Offsets{Histogram{ADDR_TIME_OFFSETS}, Histogram{ADDR_TIME_OFFSETS}},
        Offsets{Histogram{ADDR_TIME_OFFSETS}, Histogram{ADDR_TIME_OFFSETS}}}; //!< entry's time less now
    using Networks = std::array<std::map<std::string, std::uint64_t>, DIRECTIONS>;
    std::array<Networks, 2> networks{};                                                  //!< entries by network; [0 addr, 1 addrv2]
    std::array<std::array<std::array<std::uint64_t, 64>, DIRECTIONS>, 2> service_bits{}; //!< entries with the bit set, likewise
    std::array<std::map<std::uint64_t, std::uint64_t>, DIRECTIONS> service_sets{};       //!< entries by their bits out of KNOWN_SERVICES
    Networks self_announcements{};   //!< entry is the peer's own address (its port counts where we connected to it)
    Networks subnet_announcements{}; //!< entry is another one in the peer's network (PeerAddress::Group())
    std::uint64_t rate_limited{0}, processed{0};
    std::array<std::array<std::uint64_t, DIRECTIONS>, 2> empty{};

    /** NODE_NETWORK, _WITNESS, _COMPACT_FILTERS, _NETWORK_LIMITED, _P2P_V2 of src/protocol.h: 32 sets. */
    static constexpr std::uint64_t KNOWN_SERVICES{1 | 1 << 3 | 1 << 6 | 1 << 10 | 1 << 11};
};

struct InvTotals {
    std::array<std::map<std::string, std::uint64_t>, DIRECTIONS> entries{}; //!< by inventory type (wire::InvTypeName, or `unknown`)
    std::array<Histogram<10>, DIRECTIONS> size{Histogram{INV_ENTRIES}, Histogram{INV_ENTRIES}}; //!< entries a message
    std::array<std::uint64_t, DIRECTIONS> mixed{};                                              //!< messages with more than one type
};

/** What peers' messages say, beyond counts. Maps are bounded by what Bitcoin Core knows, plus `other`. */
struct GossipTotals {
    static constexpr std::int32_t FIRST_PROTOCOL{70'001}; //!< BIP 37
    static constexpr std::int32_t LAST_PROTOCOL{70'017};  //!< one more than Bitcoin Core's PROTOCOL_VERSION, src/node/protocol_version.h

    AddrRelayTotals addr;
    InvTotals inv;
    Histogram<10> ping_seconds{PING_SECONDS};   //!< round trips of our pings
    std::uint64_t old_pings{0};                 //!< without nonce
    std::array<std::uint64_t, 5> ping_nonces{}; //!< pings from peers by how large their number is: 0, up to 8, 16, 32, 64 bits
    std::array<std::uint64_t, DIRECTIONS> notfound_entries{};
    std::array<Histogram<10>, DIRECTIONS> fee_filter_sat_per_vb{Histogram{FEERATES10}, Histogram{FEERATES10}}; //!< of feefilter messages
    /** First version messages of peers, by user agent: the most frequent, and `other`. */
    std::map<std::string, std::uint64_t> user_agents;
    std::map<std::int32_t, std::uint64_t> protocol_versions;               //!< FIRST_PROTOCOL to LAST_PROTOCOL, the rest under -1
    std::array<std::uint64_t, 64> version_services{};                      //!< version messages with the bit set
    std::map<std::string, std::uint64_t> rejects;                          //!< BIP 61, by code, or `other`
    std::array<std::uint64_t, CT_MAX_MSG_TYPES> reject_types{};            //!< likewise, by the type of the message that is rejected
    std::map<std::pair<std::string, std::string>, std::uint64_t> findings; //!< undecodable messages by type and problem
};

/**
 * Between what two bounds the time lies that the node's message-handler thread spent on a message: at least to the last firing that is
 * known to be of it; at most to the first firing on that thread that comes after it. Between the two lies what the thread did in between
 * (sending to peers), and its wait for the next message, which any message ends: on a node with many messages nearly all of it. A wait
 * of 100 ms or more is seen as one: the time then ends at the last firing before it (docs/state.md). By type, of inbound messages.
 */
struct MessageTimes {
    struct PerType {
        std::uint64_t count{0};
        std::int64_t total_ns{0}; //!< at most
        std::int64_t max_ns{0};
        Histogram<14> seconds{MESSAGE_SECONDS};
        std::uint64_t ended_in_wait{0}; //!< of count: ended at the last firing before a wait, so no upper bound
        std::uint64_t idle{0};          //!< not in count: nothing fired before a wait
        std::int64_t total_at_least_ns{0};
        Histogram<14> at_least_seconds{MESSAGE_SECONDS}; //!< of count and idle
    };
    std::array<PerType, CT_MAX_MSG_TYPES> types{};
};

/** What the history tells apart. */
enum class HistoryKind : std::uint8_t {
    Inventory,    //!< inv, getdata, notfound
    Transactions, //!< tx, feefilter, mempool, ...
    Blocks,       //!< block, cmpctblock, blocktxn, getblocktxn, merkleblock, ...
    Headers,      //!< headers, getheaders, sendheaders, sendcmpct, ...
    Addresses,    //!< addr, addrv2, getaddr, sendaddrv2
    Pings,        //!< ping, pong
    Filters,      //!< BIPs 37, 157
    Other,        //!< handshake, unknown
};
inline constexpr std::size_t HISTORY_KINDS{8};
/** inventory, transactions, blocks, headers, addresses, pings, filters, other. */
std::string_view ToString(HistoryKind kind);
/** The kind of a message type (wire::MessageType). */
HistoryKind KindOf(std::uint8_t message_type);

/** One step of the history the page draws: totals in one interval. */
struct HistoryPoint {
    std::int64_t utc_ns{0}; //!< its start
    std::array<MessageCount, DIRECTIONS> messages{};
    std::array<std::uint64_t, HISTORY_KINDS> messages_in_by_kind{}; //!< by HistoryKind
    std::uint32_t peers_in{0}, peers_out{0};
    std::uint32_t mempool_added{0}, mempool_removed{0}, mempool_rejected{0}, mempool_replaced{0};
    std::uint32_t blocks{0};
    std::uint64_t lost{0};
};

// ---- a node, and everything ------------------------------------------------------------------------------------------

struct NodeIdentity {
    std::uint32_t origin{0}; //!< of recordings replayed together
    std::uint32_t pid{0};
    std::uint32_t number{0};                                 //!< nodes that appeared before it
    std::string label, executable, build_id, datadir, chain; //!< empty while not known
    std::int64_t started_at_s{0};                            //!< UTC seconds; 0 not known
    std::uint64_t starts{0};                                 //!< processes seen of this node: 1 + restarts
    bool running{false};
};

struct NodeSnapshot {
    NodeIdentity identity;
    std::int64_t utc_ns{0};         //!< now, or of its last event: Snapshot::utc_ns
    std::vector<Peer> peers;        //!< connected, by id
    std::vector<Peer> closed_peers; //!< the last MAX_CLOSED_PEERS, newest first
    /** By direction, connection type (event::ConnectionTypes(), 0 = other), message type. Exact: from the kernel's counters when live. */
    std::array<std::array<MessageCounts, CT_MAX_CONN_TYPES>, DIRECTIONS> messages{};
    /** Firings by tracepoint, of the built-in ones. Exact as `messages` are. */
    std::map<std::uint16_t, std::uint64_t> fired;
    bool messages_exact{false}; //!< `messages`, `fired` and the counts of `utxo` are the kernel's: lost and withheld events are in them
    ConnectionTotals connections;
    std::vector<ListTotals> lists; //!< at most AddressLists::MAX_LISTS
    MempoolTotals mempool;
    ChainTotals chain;
    std::vector<BlockJourney> blocks; //!< the last MAX_BLOCKS, newest first
    BlockTotals block_totals;
    UtxoTotals utxo;
    CoinSelectionTotals coins;
    AddrmanTotals addrman;
    GossipTotals gossip;
    MessageTimes message_times;
    std::vector<HistoryPoint> seconds; //!< the last MAX_SECONDS whole seconds, oldest first
    std::vector<HistoryPoint> minutes; //!< the last MAX_MINUTES whole minutes, oldest first

    static constexpr std::size_t MAX_PEERS{4096}; //!< beyond, the longest silent one is forgotten
    static constexpr std::size_t MAX_CLOSED_PEERS{256};
    static constexpr std::size_t MAX_BLOCKS{144};
    static constexpr std::size_t MAX_SECONDS{120};
    static constexpr std::size_t MAX_MINUTES{60 * 24};
};

struct Snapshot {
    std::int64_t utc_ns{0};                                 //!< of the last event, or now in a live session
    std::uint64_t events{0};                                //!< seen so far
    std::vector<std::shared_ptr<const NodeSnapshot>> nodes; //!< by label
    pipeline::Ledger ledger;                                //!< of the session: what was fired, delivered, lost
    bool lost_since_start{false};
};

} // namespace coretap::state
