#include "state/peers.h"

#include <algorithm>

#include "event/catalogue.h"

namespace coretap::state {

PeerState& Peers::Of(const event::Event& event)
{
    const std::int64_t id{event.Int(0)};
    if (const auto known{m_by_id.find(id)}; known != m_by_id.end()) {
        Peer& peer{known->second->peer};
        // The last messages may come behind the closing, which another thread does.
        if (peer.closed_utc_ns && !peer.close_inferred) return *known->second;
        if (peer.close_inferred) { // it was only silent
            peer.closed_utc_ns.reset();
            peer.close_inferred = false;
            m_open.splice(m_open.begin(), m_closed, known->second);
            if (m_open.size() > NodeSnapshot::MAX_PEERS) CloseLast();
        } else {
            m_open.splice(m_open.begin(), m_open, known->second);
        }
        m_open.front().last_mono_ns = event.MonotonicNs();
        return m_open.front();
    }
    PeerState& added{Add(id, SoundUtc(event))};
    added.last_mono_ns = event.MonotonicNs();
    return added;
}

PeerState* Peers::Find(std::int64_t id)
{
    const auto known{m_by_id.find(id)};
    return known == m_by_id.end() ? nullptr : &*known->second;
}

PeerState& Peers::Add(std::int64_t id, std::int64_t utc_ns)
{
    if (m_open.size() >= NodeSnapshot::MAX_PEERS) CloseLast();
    PeerState& added{m_open.emplace_front(id, utc_ns)};
    m_by_id.emplace(id, m_open.begin());
    return added;
}

void Peers::Describe(PeerState& state, std::string_view address, std::string_view conn_type)
{
    if (state.peer.address.empty() && !address.empty()) {
        state.peer.address = address;
        state.own = ParsePeerAddress(address);
        if (state.peer.network.empty()) state.peer.network = NetworkOf(state.own);
    }
    if (state.peer.conn_type.empty() && !conn_type.empty()) {
        state.peer.conn_type = conn_type;
        state.peer.inbound = conn_type == "inbound";
    }
}

void Peers::Close(std::list<PeerState>::iterator at, std::int64_t utc_ns, bool inferred)
{
    at->peer.closed_utc_ns = utc_ns != 0 ? utc_ns : at->peer.first_seen_utc_ns;
    at->peer.close_inferred = inferred;
    at->peer.ping.waiting_since_utc_ns.reset();
    m_closed.splice(m_closed.begin(), m_open, at);
    if (m_closed.size() <= NodeSnapshot::MAX_CLOSED_PEERS) return;
    const auto oldest{m_by_id.find(m_closed.back().peer.id)};
    if (oldest != m_by_id.end() && oldest->second == std::prev(m_closed.end())) m_by_id.erase(oldest);
    m_closed.pop_back();
}

void Peers::Close(std::int64_t id, std::int64_t utc_ns)
{
    const auto known{m_by_id.find(id)};
    if (known != m_by_id.end() && !known->second->peer.closed_utc_ns) Close(known->second, utc_ns, false);
}

void Peers::CloseAll(std::int64_t utc_ns)
{
    while (!m_open.empty()) Close(std::prev(m_open.end()), utc_ns, true);
}

void Peers::CloseLast()
{
    const Peer& peer{m_open.back().peer};
    Close(std::prev(m_open.end()), std::max(peer.last_in_utc_ns, peer.last_out_utc_ns), true);
}

void Peers::CloseSilent(std::uint64_t before_mono_ns)
{
    while (!m_open.empty() && m_open.back().last_mono_ns < before_mono_ns) {
        CloseLast();
    }
}

void Peers::Doubt()
{
    for (PeerState& state : m_open) state.addr_certain = false;
}

void Peers::SetLists(const AddressLists& lists)
{
    for (auto* const peers : {&m_open, &m_closed}) {
        for (PeerState& state : *peers) state.peer.lists = lists.Find(state.own);
    }
}

std::size_t Peers::Count(bool inbound) const
{
    return static_cast<std::size_t>(
        std::ranges::count_if(m_open, [inbound](const PeerState& state) { return state.peer.inbound == inbound; }));
}

Peer Peers::Show(const PeerState& state)
{
    Peer peer{state.peer};
    peer.addr.bucket = state.bucket.Tokens();
    peer.addr.exact = state.from_start && state.addr_certain;
    return peer;
}

std::vector<Peer> Peers::Open() const
{
    std::vector<const PeerState*> by_id;
    by_id.reserve(m_open.size());
    for (const PeerState& state : m_open) by_id.push_back(&state);
    std::ranges::sort(by_id, {}, [](const PeerState* state) { return state->peer.id; });
    std::vector<Peer> peers;
    peers.reserve(by_id.size());
    for (const PeerState* state : by_id) peers.push_back(Show(*state));
    return peers;
}

std::vector<Peer> Peers::Closed() const
{
    std::vector<Peer> peers;
    peers.reserve(m_closed.size());
    for (const PeerState& state : m_closed) peers.push_back(Show(state));
    return peers;
}

} // namespace coretap::state
