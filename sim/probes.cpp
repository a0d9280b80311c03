#include "sim/probes.h"

#include "sim/fire_log.h"
#include "sim/trace.h"

// Every tracepoint once: C++ name, provider, name. Order as in enum Tp.
#define CORETAP_SIM_TRACEPOINTS(X)                                                    \
    X(NetInboundMessage, net, inbound_message)                                        \
    X(NetOutboundMessage, net, outbound_message)                                      \
    X(NetInboundConnection, net, inbound_connection)                                  \
    X(NetOutboundConnection, net, outbound_connection)                                \
    X(NetEvictedInboundConnection, net, evicted_inbound_connection)                   \
    X(NetMisbehavingConnection, net, misbehaving_connection)                          \
    X(NetClosedConnection, net, closed_connection)                                    \
    X(ValidationBlockConnected, validation, block_connected)                          \
    X(MempoolAdded, mempool, added)                                                   \
    X(MempoolRemoved, mempool, removed)                                               \
    X(MempoolReplaced, mempool, replaced)                                             \
    X(MempoolRejected, mempool, rejected)                                             \
    X(UtxocacheFlush, utxocache, flush)                                               \
    X(UtxocacheAdd, utxocache, add)                                                   \
    X(UtxocacheSpent, utxocache, spent)                                               \
    X(UtxocacheUncache, utxocache, uncache)                                           \
    X(CoinSelectionSelectedCoins, coin_selection, selected_coins)                     \
    X(CoinSelectionNormalCreateTxInternal, coin_selection, normal_create_tx_internal) \
    X(CoinSelectionAttemptingApsCreateTx, coin_selection, attempting_aps_create_tx)   \
    X(CoinSelectionApsCreateTxInternal, coin_selection, aps_create_tx_internal)       \
    X(AddrmanAttemptAdd, addrman, attempt_add)                                        \
    X(AddrmanMoveToGood, addrman, move_to_good)                                       \
    X(SimnodeDemo, simnode, demo)

#define CORETAP_SIM_DEFINE_SEMAPHORE(tp, context, event) TRACEPOINT_SEMAPHORE(context, event)
CORETAP_SIM_TRACEPOINTS(CORETAP_SIM_DEFINE_SEMAPHORE)

namespace coretap::sim {

#ifdef CORETAP_SIM_ADDRMAN_2023
const bool ADDRMAN_2023{true};
#else
const bool ADDRMAN_2023{false};
#endif

namespace {

struct Row {
    std::string_view name;
    volatile unsigned short* semaphore;
};

#define CORETAP_SIM_ROW(tp, context, event) Row{#context ":" #event, &context##_##event##_semaphore},
constexpr Row ROWS[]{CORETAP_SIM_TRACEPOINTS(CORETAP_SIM_ROW)};
static_assert(std::size(ROWS) == TP_COUNT);

#define CORETAP_SIM_CHECK_ORDER(tp, context, event) static_assert(ROWS[static_cast<std::size_t>(Tp::tp)].name == #context ":" #event);
CORETAP_SIM_TRACEPOINTS(CORETAP_SIM_CHECK_ORDER)

thread_local std::uint64_t g_thread_calls{0};

using LogStr = FireLog::Str;
using LogHash = FireLog::Hash;
using LogBytes = FireLog::Payload;

} // namespace

std::string_view TpName(Tp tp) { return ROWS[static_cast<std::size_t>(tp)].name; }
volatile unsigned short& Semaphore(Tp tp) { return *ROWS[static_cast<std::size_t>(tp)].semaphore; }

std::optional<Tp> TpByName(std::string_view full_name)
{
    for (std::size_t i{0}; i < TP_COUNT; ++i) {
        if (ROWS[i].name == full_name) return static_cast<Tp>(i);
    }
    return std::nullopt;
}

Probes::Probes() = default;
Probes::~Probes() = default;
void Probes::SetLog(std::unique_ptr<FireLog> log) { m_log = std::move(log); }
std::uint64_t Probes::ThreadCalls() noexcept { return g_thread_calls; }

void Probes::SetLimit(std::uint64_t calls)
{
    m_left = static_cast<std::int64_t>(calls);
    m_limited = true;
}

bool Probes::Enter(Tp tp) noexcept
{
    if (m_limited) {
        const std::int64_t left{m_left.fetch_sub(1, std::memory_order_relaxed)};
        if (left <= 1) m_exhausted.store(true, std::memory_order_relaxed);
        if (left <= 0) return false;
    }
    ++g_thread_calls;
    m_counters[static_cast<std::size_t>(tp)].calls.fetch_add(1, std::memory_order_relaxed);
    return true;
}

// The one shape of every site. The semaphore is read once: what is counted as fired is what was executed. The log
// line is written before the site runs, by the same thread: lines of a thread are in the order of its firings.
#define CORETAP_SIM_FIRE(tp, context, event, log_args, ...)                                     \
    do {                                                                                        \
        if (!Enter(tp) || !TRACEPOINT_ACTIVE(context, event)) return;                           \
        m_counters[static_cast<std::size_t>(tp)].fired.fetch_add(1, std::memory_order_relaxed); \
        if (m_log) m_log->Write log_args;                                                       \
        TRACEPOINT_SITE(context, event, __VA_ARGS__);                                           \
    } while (0)

CORETAP_SIM_ONE_SITE void Probes::InboundMessage(std::int64_t peer_id, const char* addr, const char* conn_type, const char* msg_type,
                                                 std::uint64_t size, const std::uint8_t* payload)
{
    CORETAP_SIM_FIRE(Tp::NetInboundMessage, net, inbound_message,
                     (Tp::NetInboundMessage, {peer_id, LogStr{addr}, LogStr{conn_type}, LogStr{msg_type}, size, LogBytes{payload, size}}),
                     peer_id, addr, conn_type, msg_type, size, payload);
}

CORETAP_SIM_ONE_SITE void Probes::OutboundMessage(std::int64_t peer_id, const char* addr, const char* conn_type, const char* msg_type,
                                                  std::uint64_t size, const std::uint8_t* payload)
{
    CORETAP_SIM_FIRE(Tp::NetOutboundMessage, net, outbound_message,
                     (Tp::NetOutboundMessage, {peer_id, LogStr{addr}, LogStr{conn_type}, LogStr{msg_type}, size, LogBytes{payload, size}}),
                     peer_id, addr, conn_type, msg_type, size, payload);
}

CORETAP_SIM_ONE_SITE void Probes::InboundConnection(std::int64_t peer_id, const char* addr, const char* conn_type, std::uint32_t network,
                                                    std::uint64_t connections)
{
    CORETAP_SIM_FIRE(Tp::NetInboundConnection, net, inbound_connection,
                     (Tp::NetInboundConnection, {peer_id, LogStr{addr}, LogStr{conn_type}, network, connections}), peer_id, addr, conn_type,
                     network, connections);
}

CORETAP_SIM_ONE_SITE void Probes::OutboundConnection(std::int64_t peer_id, const char* addr, const char* conn_type, std::uint32_t network,
                                                     std::uint64_t connections)
{
    CORETAP_SIM_FIRE(Tp::NetOutboundConnection, net, outbound_connection,
                     (Tp::NetOutboundConnection, {peer_id, LogStr{addr}, LogStr{conn_type}, network, connections}), peer_id, addr,
                     conn_type, network, connections);
}

CORETAP_SIM_ONE_SITE void Probes::EvictedInboundConnection(std::int64_t peer_id, const char* addr, const char* conn_type,
                                                           std::uint32_t network, std::int64_t connected_at)
{
    CORETAP_SIM_FIRE(Tp::NetEvictedInboundConnection, net, evicted_inbound_connection,
                     (Tp::NetEvictedInboundConnection, {peer_id, LogStr{addr}, LogStr{conn_type}, network, connected_at}), peer_id, addr,
                     conn_type, network, connected_at);
}

CORETAP_SIM_ONE_SITE void Probes::MisbehavingConnection(std::int64_t peer_id, const char* reason)
{
    CORETAP_SIM_FIRE(Tp::NetMisbehavingConnection, net, misbehaving_connection, (Tp::NetMisbehavingConnection, {peer_id, LogStr{reason}}),
                     peer_id, reason);
}

CORETAP_SIM_ONE_SITE void Probes::ClosedConnection(std::int64_t peer_id, const char* addr, const char* conn_type, std::uint32_t network,
                                                   std::int64_t connected_at)
{
    CORETAP_SIM_FIRE(Tp::NetClosedConnection, net, closed_connection,
                     (Tp::NetClosedConnection, {peer_id, LogStr{addr}, LogStr{conn_type}, network, connected_at}), peer_id, addr, conn_type,
                     network, connected_at);
}

CORETAP_SIM_ONE_SITE void Probes::BlockConnected(const std::uint8_t* block_hash, std::int32_t height, std::uint64_t transactions,
                                                 std::int32_t inputs, std::int64_t sigops, std::int64_t duration_ns)
{
    CORETAP_SIM_FIRE(Tp::ValidationBlockConnected, validation, block_connected,
                     (Tp::ValidationBlockConnected, {LogHash{block_hash}, height, transactions, inputs, sigops, duration_ns}), block_hash,
                     height, transactions, inputs, sigops, duration_ns);
}

CORETAP_SIM_ONE_SITE void Probes::MempoolAdded(const std::uint8_t* txid, std::int32_t vsize, std::int64_t fee)
{
    CORETAP_SIM_FIRE(Tp::MempoolAdded, mempool, added, (Tp::MempoolAdded, {LogHash{txid}, vsize, fee}), txid, vsize, fee);
}

CORETAP_SIM_ONE_SITE void Probes::MempoolRemoved(const std::uint8_t* txid, const char* reason, std::int32_t vsize, std::int64_t fee,
                                                 std::uint64_t entered_at)
{
    CORETAP_SIM_FIRE(Tp::MempoolRemoved, mempool, removed, (Tp::MempoolRemoved, {LogHash{txid}, LogStr{reason}, vsize, fee, entered_at}),
                     txid, reason, vsize, fee, entered_at);
}

CORETAP_SIM_ONE_SITE void Probes::MempoolReplaced(const std::uint8_t* replaced_txid, std::int32_t replaced_vsize, std::int64_t replaced_fee,
                                                  std::uint64_t replaced_entered_at, const std::uint8_t* replacement_id,
                                                  std::int32_t replacement_vsize, std::int64_t replacement_fee, bool replacement_is_tx)
{
    CORETAP_SIM_FIRE(Tp::MempoolReplaced, mempool, replaced,
                     (Tp::MempoolReplaced, {LogHash{replaced_txid}, replaced_vsize, replaced_fee, replaced_entered_at,
                                            LogHash{replacement_id}, replacement_vsize, replacement_fee, replacement_is_tx}),
                     replaced_txid, replaced_vsize, replaced_fee, replaced_entered_at, replacement_id, replacement_vsize, replacement_fee,
                     replacement_is_tx);
}

CORETAP_SIM_ONE_SITE void Probes::MempoolRejected(const std::uint8_t* txid, const char* reason)
{
    CORETAP_SIM_FIRE(Tp::MempoolRejected, mempool, rejected, (Tp::MempoolRejected, {LogHash{txid}, LogStr{reason}}), txid, reason);
}

CORETAP_SIM_ONE_SITE void Probes::UtxocacheFlush(std::int64_t duration_us, std::uint32_t mode, std::uint64_t coins, std::uint64_t memory,
                                                 bool for_prune)
{
    CORETAP_SIM_FIRE(Tp::UtxocacheFlush, utxocache, flush, (Tp::UtxocacheFlush, {duration_us, mode, coins, memory, for_prune}), duration_us,
                     mode, coins, memory, for_prune);
}

CORETAP_SIM_ONE_SITE void Probes::UtxocacheAdd(const std::uint8_t* txid, std::uint32_t index, std::uint32_t height, std::int64_t value,
                                               bool is_coinbase)
{
    CORETAP_SIM_FIRE(Tp::UtxocacheAdd, utxocache, add, (Tp::UtxocacheAdd, {LogHash{txid}, index, height, value, is_coinbase}), txid, index,
                     height, value, is_coinbase);
}

CORETAP_SIM_ONE_SITE void Probes::UtxocacheSpent(const std::uint8_t* txid, std::uint32_t index, std::uint32_t height, std::int64_t value,
                                                 bool is_coinbase)
{
    CORETAP_SIM_FIRE(Tp::UtxocacheSpent, utxocache, spent, (Tp::UtxocacheSpent, {LogHash{txid}, index, height, value, is_coinbase}), txid,
                     index, height, value, is_coinbase);
}

CORETAP_SIM_ONE_SITE void Probes::UtxocacheUncache(const std::uint8_t* txid, std::uint32_t index, std::uint32_t height, std::int64_t value,
                                                   bool is_coinbase)
{
    CORETAP_SIM_FIRE(Tp::UtxocacheUncache, utxocache, uncache, (Tp::UtxocacheUncache, {LogHash{txid}, index, height, value, is_coinbase}),
                     txid, index, height, value, is_coinbase);
}

CORETAP_SIM_ONE_SITE void Probes::SelectedCoins(const char* wallet, const char* algorithm, std::int64_t target, std::int64_t waste,
                                                std::int64_t selected)
{
    CORETAP_SIM_FIRE(Tp::CoinSelectionSelectedCoins, coin_selection, selected_coins,
                     (Tp::CoinSelectionSelectedCoins, {LogStr{wallet}, LogStr{algorithm}, target, waste, selected}), wallet, algorithm,
                     target, waste, selected);
}

CORETAP_SIM_ONE_SITE void Probes::NormalCreateTxInternal(const char* wallet, bool success, std::int64_t fee, std::int32_t change_position)
{
    CORETAP_SIM_FIRE(Tp::CoinSelectionNormalCreateTxInternal, coin_selection, normal_create_tx_internal,
                     (Tp::CoinSelectionNormalCreateTxInternal, {LogStr{wallet}, success, fee, change_position}), wallet, success, fee,
                     change_position);
}

CORETAP_SIM_ONE_SITE void Probes::AttemptingApsCreateTx(const char* wallet)
{
    CORETAP_SIM_FIRE(Tp::CoinSelectionAttemptingApsCreateTx, coin_selection, attempting_aps_create_tx,
                     (Tp::CoinSelectionAttemptingApsCreateTx, {LogStr{wallet}}), wallet);
}

CORETAP_SIM_ONE_SITE void Probes::ApsCreateTxInternal(const char* wallet, bool used, bool success, std::int64_t fee,
                                                      std::int32_t change_position)
{
    CORETAP_SIM_FIRE(Tp::CoinSelectionApsCreateTxInternal, coin_selection, aps_create_tx_internal,
                     (Tp::CoinSelectionApsCreateTxInternal, {LogStr{wallet}, used, success, fee, change_position}), wallet, used, success,
                     fee, change_position);
}

CORETAP_SIM_ONE_SITE void Probes::AttemptAdd(bool inserted, std::int32_t bucket, std::int32_t position, const char* addr, std::uint32_t asn,
                                             const char* source, std::uint32_t source_asn)
{
    CORETAP_SIM_FIRE(Tp::AddrmanAttemptAdd, addrman, attempt_add,
                     (Tp::AddrmanAttemptAdd, {inserted, bucket, position, LogStr{addr}, asn, LogStr{source}, source_asn}), inserted, bucket,
                     position, addr, asn, source, source_asn);
}

CORETAP_SIM_ONE_SITE void Probes::MoveToGood(std::int32_t bucket, std::int32_t position, const char* addr, std::uint32_t asn,
                                             const char* source, std::uint32_t source_asn)
{
#ifdef CORETAP_SIM_ADDRMAN_2023
    CORETAP_SIM_FIRE(Tp::AddrmanMoveToGood, addrman, move_to_good,
                     (Tp::AddrmanMoveToGood, {LogStr{addr}, bucket, position, asn, LogStr{source}, source_asn}), addr, bucket, position,
                     asn, source, source_asn);
#else
    CORETAP_SIM_FIRE(Tp::AddrmanMoveToGood, addrman, move_to_good,
                     (Tp::AddrmanMoveToGood, {bucket, position, LogStr{addr}, asn, LogStr{source}, source_asn}), bucket, position, addr,
                     asn, source, source_asn);
#endif
}

CORETAP_SIM_ONE_SITE void Probes::Demo(std::uint64_t counter, std::int32_t number, const char* text, const std::uint8_t* hash,
                                       std::uint64_t size, const std::uint8_t* bytes)
{
    CORETAP_SIM_FIRE(Tp::SimnodeDemo, simnode, demo,
                     (Tp::SimnodeDemo, {counter, number, LogStr{text}, LogHash{hash}, size, LogBytes{bytes, size}}), counter, number, text,
                     hash, size, bytes);
}

} // namespace coretap::sim
