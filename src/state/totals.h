// Sums over events that are no messages.
#pragma once

#include "event/event.h"
#include "state/snapshot.h"

namespace coretap::state {

/** What one node's events add up to, as NodeSnapshot has it. */
struct Totals {
    ConnectionTotals connections;
    MempoolTotals mempool;
    ChainTotals chain;
    UtxoTotals utxo;
    CoinSelectionTotals coins;
    AddrmanTotals addrman;

    /** Count the event; those that are not summed up here are passed over. */
    void Observe(const event::Event& event, std::int64_t utc_ns);

private:
    void OnConnection(const event::Event& event, std::int64_t utc_ns);
    void OnMempool(const event::Event& event, std::int64_t utc_ns);
    void OnBlockConnected(const event::Event& event, std::int64_t utc_ns);
    void OnFlush(const event::Event& event, std::int64_t utc_ns);
};

} // namespace coretap::state
