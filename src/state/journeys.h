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
        std::int64_t clock_ns{0};            //!< UTC less kernel time when it began
        std::vector<std::int64_t> relayed{}; //!< whom we told, at most MAX_PEERS
        bool relay_counted{false};
        /** The last message that may have completed it. */
        struct Brought {
            std::int64_t peer_id{0};
            BlockVia via{BlockVia::Block};
            Moment at;
            std::uint64_t bytes{0};
        };
        std::optional<Brought> brought{};

        /** Talk of it, so far: anybody can make any number of blocks up. */
        bool Rumour() const noexcept { return !journey.connected_utc_ns && journey.requests.empty(); }
        /** A moment as the times of the journey: by one clock from beginning to end, whatever the system's is set to meanwhile. */
        std::int64_t Time(const Moment& moment) const noexcept { return SoundUtc(moment.mono_ns, clock_ns); }
    };
    std::vector<std::unique_ptr<State>> m_states; //!< by age, oldest first
    std::vector<std::uint64_t> m_keys;            //!< of each, eight bytes of its hash: to find it
    BlockTotals m_totals;
    std::array<std::byte, wire::BlockHeader::SIZE> m_hashed{}; //!< the header whose hash is:
    wire::Hash256 m_hash{};

public:
    /** A message of the peer that is about blocks: inv, getdata, headers, getheaders, cmpctblock, getblocktxn, blocktxn, block, merkleblock. */
    void OnMessage(const wire::Decoded& decoded, Direction direction, std::uint64_t size, PeerState& peer, const Moment& now);
    /** validation:block_connected, in the course of the message that is given. */
    void OnConnected(const event::Event& event, const MessageSpans::Span* current, Peers& peers);
    /** The peer misbehaved: what it brought last is not what will be connected. */
    void OnMisbehaving(std::int64_t peer_id);
    /** Another process of the node begins: peers' ids are others' now, and what was under way has come to nothing. */
    void NewRun();
    /** Events were lost. */
    void OnGap(std::int64_t utc_ns);

    /** Newest first. */
    std::vector<BlockJourney> Newest() const;
    const BlockTotals& Totals() const noexcept { return m_totals; }

private:
    State* Find(const wire::Hash256& hash) noexcept;
    /** Found or begun. */
    State& At(const wire::Hash256& hash, const Moment& now);
    void MakeRoom();
    const wire::Hash256& HashOf(const wire::BlockHeader& header);
    /** Its height follows from the block before, if that is known. */
    void InferHeight(State& state, const wire::BlockHeader& header);
    static void RaiseHeight(const State& state, PeerState& peer);

    void OnInv(const wire::InvMsg& inv, Direction direction, PeerState& peer, const Moment& now);
    void OnGetData(const wire::InvMsg& inv, Direction direction, PeerState& peer, const Moment& now);
    void OnHeadersIn(const wire::HeadersMsg& headers, PeerState& peer, const Moment& now);
    void OnHeadersOut(const wire::HeadersMsg& headers, PeerState& peer, const Moment& now);
    void OnCmpctBlockIn(const wire::CmpctBlockMsg& compact, std::uint64_t size, PeerState& peer, const Moment& now);
    void OnBlockTxnIn(const wire::BlockTxnMsg& block, std::uint64_t size, const PeerState& peer, const Moment& now);
    void OnBlockIn(const wire::BlockMsg& block, std::uint64_t size, PeerState& peer, const Moment& now);
    void OnGetBlockTxnOut(const wire::GetBlockTxnMsg& request, const PeerState& peer);

    static void Announce(State& state, PeerState& peer, BlockVia via, const Moment& now);
    void Request(State& state, PeerState& peer, BlockVia via, const Moment& now);
    static void Deliver(State& state, const State::Brought& brought);
    static void NotDelivered(State& state);
    /** It is connected in the course of the message that is given: who brought it? */
    static void InferDelivery(State& state, const MessageSpans::Span* current);
    void Relay(State& state, const PeerState& peer, const Moment& now);
    void Conclude(State& state);
    void Count(const State& state);
};

} // namespace coretap::state
