#include "state/totals.h"

#include <algorithm>
#include <cstring>

#include "event/catalogue.h"
#include "state/labels.h"

namespace coretap::state {
namespace {

namespace id = event::id;

std::string_view OrOther(std::string_view name) { return name.empty() ? OTHER : name; }

/** Of a connection event. */
std::string_view NetworkOf(const event::Event& event) { return event.Faulted(3) ? OTHER : OrOther(event::NetworkName(event.Uint(3))); }

void Add(ReasonCount& count, std::int64_t vsize, std::int64_t fee)
{
    ++count.count;
    count.vsize += static_cast<std::uint64_t>(vsize);
    count.fee = static_cast<std::int64_t>(static_cast<std::uint64_t>(count.fee) +
                                          static_cast<std::uint64_t>(fee)); // wraps: a record may say anything
}

/** Seconds from `since_s` to now; what a record makes up does not overflow. */
double AgeSeconds(std::int64_t utc_ns, std::int64_t since_s) { return static_cast<double>(utc_ns) / 1e9 - static_cast<double>(since_s); }

/** A duration: Bitcoin Core measures some with the system's clock, which may be set back meanwhile. */
std::int64_t NotNegative(std::int64_t duration) { return std::max<std::int64_t>(duration, 0); }

/** `text` before the first `mark`, where there is one. */
std::string_view Before(std::string_view text, std::string_view mark) { return text.substr(0, text.find(mark)); }

constexpr std::size_t MAX_TYPES{16}; //!< connection types and networks: Bitcoin Core has fewer

} // namespace

void Totals::Observe(const event::Event& event, std::int64_t utc_ns)
{
    switch (event.Id()) {
    case id::INBOUND_CONNECTION:
    case id::OUTBOUND_CONNECTION:
    case id::EVICTED_INBOUND_CONNECTION:
    case id::MISBEHAVING_CONNECTION:
    case id::CLOSED_CONNECTION: return OnConnection(event, utc_ns);
    case id::MEMPOOL_ADDED:
    case id::MEMPOOL_REMOVED:
    case id::MEMPOOL_REPLACED:
    case id::MEMPOOL_REJECTED: return OnMempool(event, utc_ns);
    case id::BLOCK_CONNECTED: return OnBlockConnected(event, utc_ns);
    case id::UTXOCACHE_FLUSH: return OnFlush(event, utc_ns);
    case id::UTXOCACHE_ADD: ++utxo.added; return;
    case id::UTXOCACHE_SPENT: ++utxo.spent; return;
    case id::UTXOCACHE_UNCACHE: ++utxo.uncached; return;
    case id::SELECTED_COINS: ++Labelled(coins.selected, OrOther(event.Str(1)), MempoolTotals::MAX_REASONS); return;
    case id::NORMAL_CREATE_TX_INTERNAL: ++(event.Uint(1) != 0 ? coins.created : coins.failed); return;
    case id::ATTEMPTING_APS_CREATE_TX: ++coins.aps_attempts; return;
    case id::APS_CREATE_TX_INTERNAL: coins.aps_used += event.Uint(1) != 0 ? 1 : 0; return;
    case id::ADDRMAN_ATTEMPT_ADD: ++(event.Uint(0) != 0 ? addrman.new_inserted : addrman.new_refused); return;
    case id::ADDRMAN_MOVE_TO_GOOD:
    case id::ADDRMAN_MOVE_TO_GOOD_2023: ++addrman.tried; return;
    default: return;
    }
}

void Totals::OnConnection(const event::Event& event, std::int64_t utc_ns)
{
    switch (event.Id()) {
    case id::INBOUND_CONNECTION:
        ++Labelled(connections.inbound, NetworkOf(event), MAX_TYPES);
        if (!event.Faulted(4)) connections.inbound_now = event.Uint(4);
        return;
    case id::OUTBOUND_CONNECTION:
        ++Labelled(connections.outbound, OrOther(event.Str(2)), MAX_TYPES);
        ++Labelled(connections.outbound_networks, NetworkOf(event), MAX_TYPES);
        if (!event.Faulted(4)) connections.outbound_now = event.Uint(4);
        return;
    case id::EVICTED_INBOUND_CONNECTION: ++connections.evicted; return;
    case id::MISBEHAVING_CONNECTION:
        // `headers message size = 2001`: the number is the peer's choice
        ++Labelled(connections.misbehaving, OrOther(Before(event.Str(1), " = ")), ConnectionTotals::MAX_MISBEHAVIOURS);
        return;
    default:
        ++Labelled(connections.closed, OrOther(event.Str(2)), MAX_TYPES);
        ++Labelled(connections.closed_networks, NetworkOf(event), MAX_TYPES);
        if (!event.Faulted(4)) connections.closed_age_seconds.Observe(std::max(0.0, AgeSeconds(utc_ns, event.Int(4))));
        if (auto& open{event.Str(2) == "inbound" ? connections.inbound_now : connections.outbound_now}; open && *open != 0) --*open;
    }
}

void Totals::OnMempool(const event::Event& event, std::int64_t utc_ns)
{
    switch (event.Id()) {
    case id::MEMPOOL_ADDED:
        Add(mempool.added, event.Int(1), event.Int(2));
        if (event.Int(1) > 0) {
            mempool.added_feerate_sat_per_vb.Observe(static_cast<double>(event.Int(2)) / static_cast<double>(event.Int(1)));
        }
        return;
    case id::MEMPOOL_REMOVED:
        Add(Labelled(mempool.removed, OrOther(event.Str(1)), MempoolTotals::MAX_REASONS), event.Int(2), event.Int(3));
        if (event.Str(1) == "block") {
            mempool.block_removal_age_seconds.Observe(std::max(0.0, AgeSeconds(utc_ns, static_cast<std::int64_t>(event.Uint(4)))));
        }
        return;
    case id::MEMPOOL_REPLACED:
        Add(mempool.replaced, event.Int(1), event.Int(2));
        if (event.Uint(7) == 0) ++mempool.replacements_by_package;
        return;
    default: ++Labelled(mempool.rejected, OrOther(Before(event.Str(1), " (")), MempoolTotals::MAX_REASONS);
    }
}

void Totals::OnBlockConnected(const event::Event& event, std::int64_t utc_ns)
{
    if (!event.Faulted(0)) std::memcpy(chain.tip.data(), event.Bytes(0).data(), chain.tip.size());
    if (!event.Faulted(1)) chain.height = static_cast<std::int32_t>(event.Int(1));
    chain.tip_utc_ns = utc_ns;
    ++chain.blocks;
    chain.transactions += event.Uint(2);
    chain.inputs += event.Uint(3);
    chain.sigops += event.Uint(4);
    if (!event.Faulted(5)) chain.connect_seconds.Observe(static_cast<double>(NotNegative(event.Int(5))) / 1e9);
}

void Totals::OnFlush(const event::Event& event, std::int64_t utc_ns)
{
    const std::string_view mode{event::FlushModeName(event.Uint(1))};
    FlushTotals& flush{utxo.flushes[{std::string{OrOther(mode)}, event.Uint(4) != 0}]};
    ++flush.count;
    flush.coins += event.Uint(2);
    flush.seconds.Observe(static_cast<double>(NotNegative(event.Int(0))) / 1e6);
    flush.last_memory_bytes = event.Uint(3);
    flush.last_coins = event.Uint(2);
    flush.last_utc_ns = utc_ns;
}

} // namespace coretap::state
