// What a node says of itself over RPC: plain values that nobody changes any more, named as Bitcoin Core names them.
//
// An empty optional is "not known": not asked yet, not said by this version, or too old to be shown. Strings are cut at the lengths of
// MAX_*; those of peers are a stranger's bytes: escape them where they are shown. Times: `*_utc_s` is seconds since 1970, as Bitcoin
// Core has them; durations have their unit in the name; amounts are satoshi.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace coretap::poll {

inline constexpr std::size_t MAX_PEERS{4096};
inline constexpr std::size_t MAX_STRING{260}; //!< an address, a user agent
inline constexpr std::size_t MAX_WORDS{64};   //!< entries of a list of words, or of a map by message type or network
inline constexpr std::size_t MAX_CHAIN_TIPS{256};
inline constexpr std::size_t MAX_IN_FLIGHT{4096}; //!< distinct heights of blocks that were asked for
inline constexpr std::size_t MAX_ORPHAN_PEERS{256};

/** An entry of getpeerinfo. */
struct PeerFacts {
    std::int64_t id{0};
    std::string addr;
    std::string addrbind, addrlocal;
    std::string network;
    std::optional<std::uint32_t> mapped_as{};
    std::optional<std::uint64_t> services{};
    std::vector<std::string> servicesnames;
    std::optional<bool> relaytxes{};
    std::optional<std::uint64_t> last_inv_sequence{}; //!< since v31
    std::optional<std::uint64_t> inv_to_send{};       //!< since v31: transactions waiting to be announced to it
    std::optional<std::int64_t> lastsend_utc_s{}, lastrecv_utc_s{}, last_transaction_utc_s{}, last_block_utc_s{}, conntime_utc_s{};
    std::optional<std::uint64_t> bytessent{}, bytesrecv{}; //!< with the transport's headers
    std::optional<std::int64_t> timeoffset_s{};
    std::optional<double> pingtime_s{}, minping_s{}, pingwait_s{};
    std::optional<std::int32_t> version{};
    std::string subver;
    std::optional<bool> inbound{};
    std::optional<bool> bip152_hb_to{}, bip152_hb_from{};
    std::optional<std::int64_t> presynced_headers{}, synced_headers{}, synced_blocks{};
    std::uint32_t inflight{0}; //!< blocks asked of it, not come
    std::optional<bool> addr_relay_enabled{};
    std::optional<std::uint64_t> addr_processed{}, addr_rate_limited{};
    std::vector<std::string> permissions;
    std::optional<std::int64_t> minfeefilter_sat_per_kvb{};
    std::map<std::string, std::uint64_t> bytessent_per_msg, bytesrecv_per_msg; //!< with the transport's headers
    std::string connection_type;                                               //!< since v21
    std::string transport_protocol_type;                                       //!< detecting, v1, v2; since v26
    std::string session_id;
};
struct PeersFacts {
    std::vector<PeerFacts> peers;      //!< at most MAX_PEERS
    std::uint64_t left_out{0};         //!< beyond that, or without a usable id
    std::uint64_t blocks_in_flight{0}; //!< distinct heights in all `inflight`, of the first MAX_IN_FLIGHT
};

struct MempoolFacts {
    std::optional<bool> loaded{};
    std::optional<std::uint64_t> size{};  //!< transactions
    std::optional<std::uint64_t> bytes{}; //!< virtual bytes
    std::optional<std::uint64_t> usage_bytes{}, maxmempool_bytes{};
    std::optional<std::int64_t> total_fee_sat{};
    std::optional<std::int64_t> mempoolminfee_sat_per_kvb{}, minrelaytxfee_sat_per_kvb{}, incrementalrelayfee_sat_per_kvb{};
    std::optional<std::uint64_t> unbroadcastcount{};
};

struct BlockchainFacts {
    std::string chain;
    std::optional<std::int64_t> blocks{}, headers{};
    std::string bestblockhash;
    std::optional<double> difficulty{};
    std::optional<std::int64_t> time_utc_s{}, mediantime_utc_s{};
    std::optional<double> verificationprogress{};
    std::optional<bool> initialblockdownload{};
    std::optional<std::uint64_t> size_on_disk_bytes{};
    std::optional<bool> pruned{};
    std::optional<std::int64_t> pruneheight{};
    std::optional<std::uint64_t> prune_target_size_bytes{};
    std::vector<std::string> warnings;
};

struct NetworkFacts {
    struct Reachability {
        std::optional<bool> limited{}, reachable{};
        std::string proxy;
    };
    std::optional<std::int64_t> version{};
    std::string subversion;
    std::optional<std::int64_t> protocolversion{};
    std::optional<std::uint64_t> localservices{};
    std::vector<std::string> localservicesnames;
    std::optional<bool> localrelay{}, networkactive{};
    std::optional<std::int64_t> timeoffset_s{};
    std::optional<std::uint64_t> connections{}, connections_in{}, connections_out{};
    std::optional<std::int64_t> relayfee_sat_per_kvb{}, incrementalfee_sat_per_kvb{};
    std::optional<std::uint64_t> localaddresses{}; //!< how many
    std::map<std::string, Reachability> networks;
    std::vector<std::string> warnings;
};

struct NetTotalsFacts {
    std::optional<std::uint64_t> totalbytesrecv{}, totalbytessent{};
    std::optional<std::int64_t> timemillis{};
    std::optional<std::uint64_t> uploadtarget_bytes{}; //!< 0: none
    std::optional<bool> uploadtarget_reached{};
    std::optional<std::uint64_t> uploadtarget_bytes_left{};
};

struct MemoryFacts { // getmemoryinfo: locked memory
    std::optional<std::uint64_t> used_bytes{}, free_bytes{}, total_bytes{}, locked_bytes{}, chunks_used{}, chunks_free{};
};

struct AddrmanFacts {
    struct Counts {
        std::optional<std::uint64_t> in_new{}, tried{}, total{};
    };
    std::map<std::string, Counts> networks; //!< by network, and `all_networks`
};

struct ChainTipFacts {
    std::int64_t height{0};
    std::string hash;
    std::int64_t branchlen{0};
    std::string status; //!< active, valid-fork, valid-headers, headers-only, invalid
};
struct ChainTipsFacts {
    std::vector<ChainTipFacts> tips;             //!< the MAX_CHAIN_TIPS highest
    std::map<std::string, std::uint64_t> status; //!< how many by status, of all
    std::uint64_t left_out{0};
};

struct OrphanFacts { // getorphantxs, since v29
    std::uint64_t count{0};
    std::uint64_t bytes{0}, vsize{0}, weight{0};
    std::map<std::int64_t, std::uint64_t> announced_by; //!< by peer id; the first MAX_ORPHAN_PEERS
    std::uint64_t announcements{0};                     //!< by all peers
};

/** getrawaddrman, summed up while it comes in. Counts places of the tables: an address may have up to eight in `new`. */
struct RawAddrmanFacts {
    static constexpr std::array<std::int64_t, 7> AGE_BOUNDS_S{3'600,   21'600,    86'400,   259'200, // 1 h, 6 h, 1 d, 3 d,
                                                              604'800, 1'209'600, 2'592'000};        // 7 d, 14 d, 30 d
    struct Group {
        std::uint64_t entries{0};
        std::uint64_t future{0};  //!< time more than 10 minutes ahead of ours
        std::uint64_t too_old{0}; //!< time more than 30 days ago; this and `future` are what shows of Bitcoin Core's IsTerrible()
        std::array<std::uint64_t, AGE_BOUNDS_S.size() + 1> age_s{}; //!< by AGE_BOUNDS_S; the last: older. Without `future`
    };
    struct Table {
        Group all;
        std::map<std::string, Group> by_network;                //!< at most MAX_WORDS
        std::map<std::string, std::uint64_t> by_source_network; //!< at most MAX_WORDS
        std::uint64_t mapped_as{0};                             //!< entries with an AS
    };
    Table in_new, tried;
    std::uint64_t unreadable{0}; //!< entries that lack what is counted
};

/** How the connection to the RPC server is. */
enum class RpcState : std::uint8_t {
    NotTried,
    Ok,
    NoPassword,   //!< neither cookie nor password could be had
    Unauthorized, //!< they were refused
    Forbidden,    //!< everything asked is forbidden (403)
    Unreachable,  //!< nobody listens, or no way there
    WarmingUp,
    Overloaded,
    Failing, //!< answers do not come, or make no sense
};

enum class RpcMethod : std::uint8_t {
    PeerInfo,
    NetTotals,
    MempoolInfo,
    BlockchainInfo,
    NetworkInfo,
    Uptime,
    MemoryInfo,
    AddrmanInfo,
    OrphanTxs,
    ChainTips,
    RawAddrman,
};
inline constexpr std::size_t RPC_METHODS{11};

struct MethodFacts {
    enum class Availability : std::uint8_t { Unknown, Yes, Missing, Forbidden, Off };
    Availability availability{Availability::Unknown}; //!< Missing, Forbidden: not asked again until the node restarts; Off: not wanted
    std::uint64_t successes{0}, failures{0};
    std::uint64_t odd_values{0};                       //!< members of answers that were not of the type they should be; they were left out
    std::optional<std::int64_t> last_success_utc_ns{}; //!< when the answer had come
    std::optional<std::int64_t> last_failure_utc_ns{};
    std::string last_error;      //!< of the last failure; stays
    std::string last_odd;        //!< the first odd value of the last answer that had any
    std::int64_t duration_ns{0}; //!< of the last call; that of the whole batch for methods asked together
    std::int64_t duration_total_ns{0};
};

struct NodeFacts {
    std::int64_t utc_ns{0}; //!< when this was put together
    RpcState state{RpcState::NotTried};
    std::string state_text; //!< what is wrong and what to do; empty if Ok
    std::int64_t state_since_utc_ns{0};
    std::string rpc_address;                        //!< host:port
    std::uint64_t reconnects{0};                    //!< times the state came back to Ok
    std::array<MethodFacts, RPC_METHODS> methods{}; //!< by RpcMethod

    // Each as of methods[...].last_success_utc_ns; dropped when three intervals (at least a minute) have passed without a new one
    std::optional<PeersFacts> peers{};
    std::optional<NetTotalsFacts> net_totals{};
    std::optional<MempoolFacts> mempool{};
    std::optional<BlockchainFacts> blockchain{};
    std::optional<NetworkFacts> network{};
    std::optional<std::int64_t> uptime_s{};
    std::optional<MemoryFacts> memory{};
    std::optional<AddrmanFacts> addrman{};
    std::optional<OrphanFacts> orphans{};
    std::optional<ChainTipsFacts> chain_tips{};
    std::optional<RawAddrmanFacts> raw_addrman{};
};

/** Only what is counted, which goes on when the node restarts. */
NodeFacts CountersOf(const NodeFacts& facts);

} // namespace coretap::poll
