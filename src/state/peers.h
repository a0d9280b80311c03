// The peers of one node: who is connected, who was.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "event/event.h"
#include "state/addr_bucket.h"
#include "state/address_lists.h"
#include "state/peer_address.h"
#include "state/snapshot.h"

namespace coretap::state {

/** An event's UTC within what can be calculated with: 1970 to 2096. A record may say anything. */
inline std::int64_t SoundUtc(std::uint64_t mono_ns, std::int64_t utc_offset_ns) noexcept
{
    constexpr std::uint64_t LIMIT{4'000'000'000'000'000'000};
    const std::uint64_t utc{mono_ns + static_cast<std::uint64_t>(utc_offset_ns)};
    return utc == 0 || utc > LIMIT ? std::int64_t{1} : static_cast<std::int64_t>(utc);
}
inline std::int64_t SoundUtc(const event::Event& event) noexcept { return SoundUtc(event.MonotonicNs(), event.UtcOffsetNs()); }

/** When an event fired, by both clocks. UTC is for people; order and durations are by the other, which nobody sets. */
struct Moment {
    std::int64_t utc_ns{0};
    std::uint64_t mono_ns{0};

    Moment() = default;
    explicit Moment(const event::Event& event) noexcept : utc_ns{SoundUtc(event)}, mono_ns{event.MonotonicNs()} {}
};

/** A peer, and what must be remembered of it besides what is shown. */
struct PeerState {
    Peer peer;
    PeerAddress own; //!< its address
    AddrBucket bucket;
    std::uint64_t last_mono_ns{0}; //!< last message of either direction, or connection event
    bool from_start{false};        //!< its connection was seen from the start
    bool addr_certain{true};       //!< no message was lost or cut that the bucket needs

    // ping of ours that waits
    std::uint64_t ping_nonce{0};
    std::uint64_t ping_mono_ns{0};

    // blocks
    std::uint64_t getheaders_out_mono_ns{0}; //!< ours that waits for its headers; 0: none
    bool getheaders_in{false};               //!< it waits for headers of ours
    struct Header {
        wire::Hash256 hash{};
        Moment at;
    };
    std::optional<Header> last_header;        //!< the last of those it sent as an answer
    std::optional<wire::Hash256> asked_block; //!< the last block it asked for

    PeerState(std::int64_t id, std::int64_t utc_ns) : bucket{utc_ns}
    {
        peer.id = id;
        peer.first_seen_utc_ns = utc_ns;
    }
};

class Peers {
    std::list<PeerState> m_open;                                              //!< by last_mono_ns, the latest first
    std::list<PeerState> m_closed;                                            //!< the last closed first
    std::unordered_map<std::int64_t, std::list<PeerState>::iterator> m_by_id; //!< of both, of the process that runs

public:
    /** The peer of a message or a connection event, whose argument 0 is its id: made if it is not known, or one closed just now. */
    PeerState& Of(const event::Event& event);
    /** Connected, or closed lately; null if it is neither. */
    PeerState* Find(std::int64_t id);
    /** Fill in what a connection event or a message says of its address and kind. */
    static void Describe(PeerState& state, std::string_view address, std::string_view conn_type);

    void Close(std::int64_t id, std::int64_t utc_ns);
    /** The node ended, at the time that is given. */
    void CloseAll(std::int64_t utc_ns);
    /** Another process of the node begins, all have been closed: its peers' ids are others'. */
    void NewRun() { m_by_id.clear(); }
    void CloseSilent(std::uint64_t before_mono_ns);
    /** Messages were lost, nobody knows whose. */
    void Doubt();

    /** Look all peers up again, those that were closed too. */
    void SetLists(const AddressLists& lists);

    std::size_t Count(bool inbound) const;
    /** By id. */
    std::vector<Peer> Open() const;
    std::vector<Peer> Closed() const;

private:
    PeerState& Add(std::int64_t id, std::int64_t utc_ns);
    void Close(std::list<PeerState>::iterator at, std::int64_t utc_ns, bool inferred);
    /** Take the longest silent for closed. */
    void CloseLast();
    static Peer Show(const PeerState& state);
};

} // namespace coretap::state
