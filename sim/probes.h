// The tracepoints of the stand-in: those of Bitcoin Core, those of patched nodes, and one nobody knows. Each has
// exactly one site in the binary, gated by its semaphore, with the argument types of Bitcoin Core.
//
// The methods named after a tracepoint take what the tracepoint takes, raw, so that scenarios can also pass
// pointers nobody can read. The overloads that take a Peer build the arguments as the node does: the peer's
// address lives as long as the peer, the connection type is a temporary std::string.
//
// All methods may be called from many threads. Every call is counted; a call that found its semaphore raised
// executed the site and is counted as fired too: exactly what a tracer that kept up has seen.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sim/hash.h"
#include "sim/peer.h"

namespace coretap::sim {

class FireLog;

enum class Tp : std::uint8_t {
    NetInboundMessage,
    NetOutboundMessage,
    NetInboundConnection,
    NetOutboundConnection,
    NetEvictedInboundConnection,
    NetMisbehavingConnection,
    NetClosedConnection,
    ValidationBlockConnected,
    MempoolAdded,
    MempoolRemoved,
    MempoolReplaced,
    MempoolRejected,
    UtxocacheFlush,
    UtxocacheAdd,
    UtxocacheSpent,
    UtxocacheUncache,
    CoinSelectionSelectedCoins,
    CoinSelectionNormalCreateTxInternal,
    CoinSelectionAttemptingApsCreateTx,
    CoinSelectionApsCreateTxInternal,
    AddrmanAttemptAdd,
    AddrmanMoveToGood,
    SimnodeDemo,
};
inline constexpr std::size_t TP_COUNT{23};

/** True in coretap-sim-addrman2023: addrman:move_to_good has the layout of before September 2023. */
extern const bool ADDRMAN_2023;

/** `net:inbound_message` and so on, by Tp. */
std::string_view TpName(Tp tp);
/** The tracepoint of that full name, if there is one. */
std::optional<Tp> TpByName(std::string_view full_name);
/** The semaphore in the `.probes` section; raised by the kernel, or by us for `--force-active` and tests. */
volatile unsigned short& Semaphore(Tp tp);

class Probes {
    struct alignas(64) Counter {
        std::atomic<std::uint64_t> calls{0};
        std::atomic<std::uint64_t> fired{0};
    };
    std::array<Counter, TP_COUNT> m_counters;
    std::unique_ptr<FireLog> m_log;
    std::atomic<std::int64_t> m_left{0};
    bool m_limited{false};
    std::atomic<bool> m_exhausted{false};

    /** Count a call; false if the limit is reached and nothing must happen any more. */
    bool Enter(Tp tp) noexcept;

public:
    Probes();
    ~Probes();
    Probes(const Probes&) = delete;
    Probes& operator=(const Probes&) = delete;

    /** Write a line for every executed firing. Before the first firing. */
    void SetLog(std::unique_ptr<FireLog> log);
    /** Let that many calls through and ignore all that follow. Before the first firing. */
    void SetLimit(std::uint64_t calls);
    bool Exhausted() const noexcept { return m_exhausted.load(std::memory_order_relaxed); }

    std::uint64_t Calls(Tp tp) const noexcept { return m_counters[static_cast<std::size_t>(tp)].calls.load(std::memory_order_relaxed); }
    std::uint64_t Fired(Tp tp) const noexcept { return m_counters[static_cast<std::size_t>(tp)].fired.load(std::memory_order_relaxed); }
    /** Calls made by the calling thread so far, to pace it. */
    static std::uint64_t ThreadCalls() noexcept;

    // net
    void InboundMessage(std::int64_t peer_id, const char* addr, const char* conn_type, const char* msg_type, std::uint64_t size,
                        const std::uint8_t* payload);
    void OutboundMessage(std::int64_t peer_id, const char* addr, const char* conn_type, const char* msg_type, std::uint64_t size,
                         const std::uint8_t* payload);
    void InboundConnection(std::int64_t peer_id, const char* addr, const char* conn_type, std::uint32_t network, std::uint64_t connections);
    void OutboundConnection(std::int64_t peer_id, const char* addr, const char* conn_type, std::uint32_t network,
                            std::uint64_t connections);
    void EvictedInboundConnection(std::int64_t peer_id, const char* addr, const char* conn_type, std::uint32_t network,
                                  std::int64_t connected_at);
    void MisbehavingConnection(std::int64_t peer_id, const char* reason);
    void ClosedConnection(std::int64_t peer_id, const char* addr, const char* conn_type, std::uint32_t network, std::int64_t connected_at);

    // validation, mempool, utxocache; hashes are pointers to 32 bytes
    void BlockConnected(const std::uint8_t* block_hash, std::int32_t height, std::uint64_t transactions, std::int32_t inputs,
                        std::int64_t sigops, std::int64_t duration_ns);
    void MempoolAdded(const std::uint8_t* txid, std::int32_t vsize, std::int64_t fee);
    void MempoolRemoved(const std::uint8_t* txid, const char* reason, std::int32_t vsize, std::int64_t fee, std::uint64_t entered_at);
    void MempoolReplaced(const std::uint8_t* replaced_txid, std::int32_t replaced_vsize, std::int64_t replaced_fee,
                         std::uint64_t replaced_entered_at, const std::uint8_t* replacement_id, std::int32_t replacement_vsize,
                         std::int64_t replacement_fee, bool replacement_is_tx);
    void MempoolRejected(const std::uint8_t* txid, const char* reason);
    void UtxocacheFlush(std::int64_t duration_us, std::uint32_t mode, std::uint64_t coins, std::uint64_t memory, bool for_prune);
    void UtxocacheAdd(const std::uint8_t* txid, std::uint32_t index, std::uint32_t height, std::int64_t value, bool is_coinbase);
    void UtxocacheSpent(const std::uint8_t* txid, std::uint32_t index, std::uint32_t height, std::int64_t value, bool is_coinbase);
    void UtxocacheUncache(const std::uint8_t* txid, std::uint32_t index, std::uint32_t height, std::int64_t value, bool is_coinbase);

    // coin_selection
    void SelectedCoins(const char* wallet, const char* algorithm, std::int64_t target, std::int64_t waste, std::int64_t selected);
    void NormalCreateTxInternal(const char* wallet, bool success, std::int64_t fee, std::int32_t change_position);
    void AttemptingApsCreateTx(const char* wallet);
    void ApsCreateTxInternal(const char* wallet, bool used, bool success, std::int64_t fee, std::int32_t change_position);

    // addrman, of patched nodes; move_to_good in the layout of this binary
    void AttemptAdd(bool inserted, std::int32_t bucket, std::int32_t position, const char* addr, std::uint32_t asn, const char* source,
                    std::uint32_t source_asn);
    void MoveToGood(std::int32_t bucket, std::int32_t position, const char* addr, std::uint32_t asn, const char* source,
                    std::uint32_t source_asn);

    /** A tracepoint no catalogue knows: what a user of `[[tracepoint]]` rows traces. */
    void Demo(std::uint64_t counter, std::int32_t number, const char* text, const std::uint8_t* hash, std::uint64_t size,
              const std::uint8_t* bytes);

    // as the node calls them
    void InboundMessage(const Peer& peer, const std::string& msg_type, const Bytes& payload)
    {
        InboundMessage(peer.id, peer.addr_name.c_str(), peer.ConnectionTypeAsString().c_str(), msg_type.c_str(), payload.size(),
                       payload.data());
    }
    void OutboundMessage(const Peer& peer, const std::string& msg_type, const Bytes& payload)
    {
        OutboundMessage(peer.id, peer.addr_name.c_str(), peer.ConnectionTypeAsString().c_str(), msg_type.c_str(), payload.size(),
                        payload.data());
    }
    void InboundConnection(const Peer& peer, std::uint64_t connections)
    {
        InboundConnection(peer.id, peer.addr_name.c_str(), peer.ConnectionTypeAsString().c_str(),
                          static_cast<std::uint32_t>(peer.address.network), connections);
    }
    void OutboundConnection(const Peer& peer, std::uint64_t connections)
    {
        OutboundConnection(peer.id, peer.addr_name.c_str(), peer.ConnectionTypeAsString().c_str(),
                           static_cast<std::uint32_t>(peer.address.network), connections);
    }
    void EvictedInboundConnection(const Peer& peer)
    {
        EvictedInboundConnection(peer.id, peer.addr_name.c_str(), peer.ConnectionTypeAsString().c_str(),
                                 static_cast<std::uint32_t>(peer.address.network), peer.connected_at);
    }
    void ClosedConnection(const Peer& peer)
    {
        ClosedConnection(peer.id, peer.addr_name.c_str(), peer.ConnectionTypeAsString().c_str(),
                         static_cast<std::uint32_t>(peer.address.network), peer.connected_at);
    }
};

} // namespace coretap::sim
