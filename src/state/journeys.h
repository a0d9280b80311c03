// The ways of blocks through one node, from what peers and we send about them.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "event/event.h"
#include "state/message_times.h"
#include "state/peers.h"
#include "state/snapshot.h"
#include "wire/message.h"

namespace coretap::state {

/** docs/state.md says what is inferred. A journey begins with what a peer says unasked, what we ask for, or what is connected. */
class Journeys {
    struct State {
        BlockJourney journey;
        std::vector<std::int64_t> relayed{}; //!< whom we told, at most MAX_PEERS
        bool relay_counted{false};

        /** Talk of it, so far: anybody can make any number of blocks up. */
        bool Rumour() const noexcept { return !journey.connected_utc_ns && journey.requests.empty(); }
    };
    std::vector<std::unique_ptr<State>> m_states; //!< by age, oldest first
    std::vector<std::uint64_t> m_keys;            //!< of each, eight bytes of its hash: to find it
    BlockTotals m_totals;
    std::array<std::byte, wire::BlockHeader::SIZE> m_hashed{}; //!< the header whose hash is:
    wire::Hash256 m_hash{};

public:
    /** A message of the peer that is about blocks: inv, getdata, headers, getheaders, cmpctblock, getblocktxn, blocktxn, block, merkleblock. */
    void OnMessage(const wire::Decoded& decoded, Direction direction, std::uint64_t size, PeerState& peer, std::int64_t utc_ns,
                   std::uint64_t mono_ns);
    /** validation:block_connected, in the course of the message that is given. */
    void OnConnected(const event::Event& event, std::int64_t utc_ns, const MessageSpans::Span* current, Peers& peers);
    /** Events were lost. */
    void OnGap(std::int64_t utc_ns);

    /** Newest first. */
    std::vector<BlockJourney> Newest() const;
    const BlockTotals& Totals() const noexcept { return m_totals; }

private:
    State* Find(const wire::Hash256& hash) noexcept;
    /** Found or begun. */
    State& At(const wire::Hash256& hash, std::int64_t utc_ns);
    void MakeRoom();
    const wire::Hash256& HashOf(const wire::BlockHeader& header);
    /** Its height follows from the block before, if that is known. */
    void InferHeight(State& state, const wire::BlockHeader& header);
    static void RaiseHeight(const State& state, PeerState& peer);

    void OnInv(const wire::InvMsg& inv, Direction direction, PeerState& peer, std::int64_t utc_ns);
    void OnGetData(const wire::InvMsg& inv, Direction direction, PeerState& peer, std::int64_t utc_ns);
    void OnHeadersIn(const wire::HeadersMsg& headers, PeerState& peer, std::int64_t utc_ns, std::uint64_t mono_ns);
    void OnHeadersOut(const wire::HeadersMsg& headers, PeerState& peer, std::int64_t utc_ns);
    void OnCmpctBlockIn(const wire::CmpctBlockMsg& compact, std::uint64_t size, PeerState& peer, std::int64_t utc_ns);
    void OnBlockTxnIn(const wire::BlockTxnMsg& block, std::uint64_t size, const PeerState& peer, std::int64_t utc_ns);
    void OnBlockIn(const wire::BlockMsg& block, std::uint64_t size, PeerState& peer, std::int64_t utc_ns);
    void OnGetBlockTxnOut(const wire::GetBlockTxnMsg& request, const PeerState& peer);

    static void Announce(State& state, PeerState& peer, BlockVia via, std::int64_t utc_ns);
    void Request(State& state, PeerState& peer, BlockVia via, std::int64_t utc_ns);
    static void Deliver(State& state, std::int64_t peer_id, BlockVia via, std::int64_t utc_ns, std::uint64_t bytes);
    void Relay(State& state, const PeerState& peer, std::int64_t utc_ns);
    void Conclude(State& state);
};

} // namespace coretap::state
