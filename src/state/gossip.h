// What the messages of a node's peers say, summed up.
#pragma once

#include <array>
#include <cstdint>

#include "state/labels.h"
#include "state/peers.h"
#include "state/snapshot.h"
#include "wire/message.h"

namespace coretap::state {

/** Inventory types as they are counted: those of wire::InvTypeName() and what is unknown. */
inline constexpr std::array<std::uint32_t, 8> INV_TYPES{1, 2, 3, 4, 5, 1U << 30 | 1, 1U << 30 | 2, 1U << 30 | 3};
inline constexpr std::size_t INV_UNKNOWN{INV_TYPES.size()};
/** Entries of an inv, getdata or notfound by inventory type. */
struct InvCounts {
    std::array<std::uint32_t, INV_TYPES.size() + 1> entries{};
    std::uint32_t Transactions() const noexcept { return entries[0] + entries[4] + entries[5]; }
    bool AnyBlock() const noexcept { return entries[1] + entries[2] + entries[3] + entries[6] + entries[7] != 0; }
};
InvCounts CountInv(const wire::InvEntries& entries);

class Gossip {
    GossipTotals m_totals;
    FrequentLabels m_user_agents;
    using ByNetwork = std::array<std::array<std::uint64_t, 8>, DIRECTIONS>; //!< by wire::Network
    std::array<ByNetwork, 2> m_networks{};                                  //!< [0 addr, 1 addrv2]
    ByNetwork m_self{};
    ByNetwork m_subnet{};
    std::array<std::array<std::uint64_t, INV_TYPES.size() + 1>, DIRECTIONS> m_inv{}; //!< by INV_TYPES

public:
    /** Entries of an addr or addrv2 from or to the peer, `entries` of them: wire::AddrMsg::entries, wire::AddrV2Msg::entries. */
    template <class Entries>
    void OnAddr(const Entries& entries, bool v2, Direction direction, const PeerState& peer, std::int64_t utc_ns);
    /** What became of a message's addresses at the rate limit. */
    void OnAddrLimit(std::uint64_t processed, std::uint64_t rate_limited);
    void OnInv(const InvCounts& counts, Direction direction);
    /** The first of a peer; others Bitcoin Core passes over. */
    void OnVersion(const wire::VersionMsg& version, const PeerAddress& from, std::int64_t utc_ns);
    void OnPong(std::int64_t round_trip_ns) { m_totals.ping_seconds.Observe(static_cast<double>(round_trip_ns) / 1e9); }
    /** From a peer. */
    void OnPing(const wire::PingMsg& ping);
    void OnNotFound(std::uint64_t entries, Direction direction)
    {
        m_totals.notfound_entries[static_cast<std::size_t>(direction)] += entries;
    }
    void OnFeeFilter(std::int64_t sat_per_kvb, Direction direction)
    {
        m_totals.fee_filter_sat_per_vb[static_cast<std::size_t>(direction)].Observe(static_cast<double>(sat_per_kvb) / 1000);
    }
    void OnReject(const wire::RejectMsg& reject);
    /** If anything is wrong with a message from a peer. Returns whether. */
    bool OnFindings(const wire::Decoded& decoded);

    GossipTotals Totals() const;

private:
    void OnAddress(const wire::AddressEntry& entry, bool v2, Direction direction, const PeerState& peer, std::int64_t now_s);
};

} // namespace coretap::state
