// Everything that is kept of one node. A restart goes on with the same Node.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "event/event.h"
#include "pipeline/counters.h"
#include "state/address_lists.h"
#include "state/gossip.h"
#include "state/history.h"
#include "state/journeys.h"
#include "state/message_times.h"
#include "state/peers.h"
#include "state/snapshot.h"
#include "state/totals.h"
#include "wire/message.h"

namespace coretap::state {

/** Messages by direction, connection type, message type. */
using MessageMatrix = std::array<std::array<MessageCounts, CT_MAX_CONN_TYPES>, DIRECTIONS>;

class Node {
    /** What one process of the node has sent and received. */
    struct Process {
        std::uint32_t pid{0};
        std::int64_t started_at_s{0};
        MessageMatrix own{};                             //!< of its events
        std::array<std::uint64_t, CT_USER_BASE> fired{}; //!< its events by tracepoint, of the built-in ones
        std::uint64_t added{0}, spent{0}, uncached{0};   //!< utxocache, of its events
        std::optional<pipeline::ProcessCounters> exact{};
    };
    static constexpr std::size_t MAX_PROCESSES{3}; //!< of which both counts are kept: the kernel's may come late

    NodeIdentity m_identity;
    std::int64_t m_gone_utc_ns{0};                     //!< of coretap:node_gone
    std::vector<std::unique_ptr<Process>> m_processes; //!< the running one is the last
    Process m_earlier;                                 //!< sums of those before
    bool m_earlier_exact{true};
    std::int64_t m_last_utc_ns{0};
    std::uint64_t m_last_mono_ns{0};
    /** Most of utxocache's counts that was ever shown: they may be a whole recording's, until another node appears in it. */
    std::uint64_t m_shown_added{0}, m_shown_spent{0}, m_shown_uncached{0};

    Peers m_peers;
    std::shared_ptr<const AddressLists> m_lists;
    std::vector<ListTotals> m_list_totals;
    Totals m_totals;
    Gossip m_gossip;
    Journeys m_journeys;
    MessageSpans m_spans;
    History m_history;

public:
    /** `number`: how many nodes were there before. */
    Node(std::uint32_t origin, std::uint32_t pid, std::uint32_t number, std::shared_ptr<const AddressLists> lists);

    const NodeIdentity& Identity() const noexcept { return m_identity; }
    std::uint64_t LastMonoNs() const noexcept { return m_last_mono_ns; }
    /** When its last process ended; nothing while one runs. */
    std::optional<std::int64_t> GoneUtcNs() const { return m_identity.running ? std::nullopt : std::optional{m_gone_utc_ns}; }
    /** Whether a coretap:node_found tells of the process that is known here, again or at last. */
    bool IsSameProcess(const event::Event& found) const;
    /** Whether it tells of a process that is this node, started anew. */
    bool IsRestart(const event::Event& found) const;
    void OnFound(const event::Event& found);
    void OnGone(const event::Event& gone);
    /** Its process id is another node's from now on. */
    void OnReplaced(const event::Event& found);
    /** An event of the node's own process. */
    void OnEvent(const event::Event& event);
    /** coretap:lost: so many of a tracepoint, of this node or of another. */
    void OnLost(std::int64_t utc_ns, std::string_view tracepoint, std::uint64_t count);
    /** Other lists; a list that was there by that name goes on. */
    void SetLists(std::shared_ptr<const AddressLists> lists);
    /** True if the process is this node's. */
    bool SetExact(const pipeline::ProcessCounters& counters);

    /** As of now, which ends what is silent; see Tracker::Take(). `fallback` are counts that are this node's alone, or null. */
    std::shared_ptr<const NodeSnapshot> Take(std::int64_t utc_ns, std::int64_t peer_silence_ns, const pipeline::Ledger* fallback);

private:
    void Begin(std::uint32_t pid, std::int64_t started_at_s);
    /** Its process has ended, or another has taken its place. */
    void EndRun();
    void Advance(std::int64_t utc_ns, std::uint64_t mono_ns);
    void OnConnection(const event::Event& event, std::int64_t utc_ns);
    /** As Peers::Describe(), and look the address up if it was not known. */
    void Describe(PeerState& state, std::string_view address, std::string_view conn_type) const;
    /** Change the totals of each list that the peer is on. */
    template <class Change>
    void OfLists(const Peer& peer, Change change)
    {
        for (std::size_t i{0}; peer.lists >> i != 0; ++i) {
            if ((peer.lists >> i & 1) != 0) change(m_list_totals[i]);
        }
    }
    void OnMempool(const event::Event& event);
    void AddTime(const std::optional<MessageSpans::Ended>& ended);
    void SumUp(const Process& process, NodeSnapshot& into) const;

    // node_messages.cpp
    void OnMessage(const event::Event& event, std::int64_t utc_ns);
    void OnPayload(const wire::Decoded& decoded, Direction direction, PeerState& peer, std::uint64_t size, const Moment& now);
    void OnSimple(wire::MessageType type, Direction direction, PeerState& peer);
    void OnPing(const wire::PingMsg& ping, wire::MessageType type, Direction direction, PeerState& peer, const Moment& now);
    void OnInventory(const wire::InvMsg& inv, wire::MessageType type, Direction direction, PeerState& peer);
    template <class AddrMessage>
    void OnAddr(const AddrMessage& addr, const wire::Decoded& decoded, Direction direction, PeerState& peer, std::int64_t utc_ns);
};

} // namespace coretap::state
