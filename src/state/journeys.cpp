#include "state/journeys.h"

#include <algorithm>
#include <cstring>

namespace coretap::state {
namespace {

using wire::Hash256;
using wire::MessageType;

/** What is announced in one message at most (MAX_BLOCKS_TO_ANNOUNCE, src/net_processing.cpp); more is an answer, or nonsense. */
constexpr std::uint64_t MAX_ANNOUNCED{8};
/** How long an answer to getheaders may take (HEADERS_RESPONSE_TIME, src/net_processing.cpp). */
constexpr std::uint64_t HEADERS_PATIENCE_NS{120'000'000'000};
/** Losses concern blocks that were connected so shortly before: relaying them goes on. */
constexpr std::int64_t RELAY_TIME_NS{10'000'000'000};
constexpr std::uint32_t WITNESS_FLAG{1U << 30};
enum : std::uint32_t { MSG_BLOCK = 2, MSG_FILTERED_BLOCK = 3, MSG_CMPCT_BLOCK = 4 };

bool IsBlock(std::uint32_t type)
{
    const std::uint32_t plain{type & ~WITNESS_FLAG};
    return plain >= MSG_BLOCK && plain <= MSG_CMPCT_BLOCK;
}

Hash256 Copy(wire::ByteView view)
{
    Hash256 hash{};
    std::memcpy(hash.data(), view.data(), std::min(view.size(), hash.size()));
    return hash;
}

std::uint64_t Key(const Hash256& hash)
{
    std::uint64_t key;
    std::memcpy(&key, hash.data(), sizeof(key));
    return key;
}

double Seconds(std::int64_t from_ns, std::int64_t to_ns) { return static_cast<double>(std::max<std::int64_t>(to_ns - from_ns, 0)) / 1e9; }

/** The peer's latest compact block of it that has not failed, or null. */
CompactReconstruction* CompactOf(BlockJourney& journey, std::int64_t peer_id)
{
    for (auto at{journey.compact.rbegin()}; at != journey.compact.rend(); ++at) {
        if (at->peer_id == peer_id && !at->failed) return &*at;
    }
    return nullptr;
}

} // namespace

Journeys::State* Journeys::Find(const Hash256& hash) noexcept
{
    const std::uint64_t key{Key(hash)};
    for (std::size_t i{m_keys.size()}; i-- > 0;) {
        if (m_keys[i] == key && m_states[i]->journey.hash == hash) return m_states[i].get();
    }
    return nullptr;
}

void Journeys::MakeRoom()
{
    if (m_states.size() < NodeSnapshot::MAX_BLOCKS) return;
    // Made-up blocks must not push out real ones: they have half of the room.
    const auto rumour = [](const auto& state) { return state->Rumour(); };
    const auto rumours = static_cast<std::size_t>(std::ranges::count_if(m_states, rumour));
    auto at{m_states.begin()};
    if (rumours > NodeSnapshot::MAX_BLOCKS / 2) {
        at = std::ranges::find_if(m_states, rumour);
    } else if (rumours != 0) {
        at = std::ranges::find_if_not(m_states, rumour);
    }
    m_keys.erase(m_keys.begin() + (at - m_states.begin()));
    m_states.erase(at);
}

Journeys::State& Journeys::At(const Hash256& hash, const Moment& now)
{
    if (State* const known{Find(hash)}) return *known;
    MakeRoom();
    m_keys.push_back(Key(hash));
    State& state{*m_states.emplace_back(std::make_unique<State>())};
    state.journey.hash = hash;
    state.clock_ns = now.utc_ns - static_cast<std::int64_t>(now.mono_ns);
    state.journey.first_utc_ns = state.Time(now);
    return state;
}

const Hash256& Journeys::HashOf(const wire::BlockHeader& header)
{
    // The same header goes to and comes from every peer.
    if (std::memcmp(m_hashed.data(), header.raw.data(), m_hashed.size()) != 0 || m_hash == Hash256{}) {
        std::memcpy(m_hashed.data(), header.raw.data(), m_hashed.size());
        m_hash = wire::HashOf(header);
    }
    return m_hash;
}

void Journeys::InferHeight(State& state, const wire::BlockHeader& header)
{
    if (state.journey.height) return;
    if (const State* const previous{Find(Copy(header.previous))}; previous != nullptr && previous->journey.height) {
        if (*previous->journey.height < INT32_MAX) state.journey.height = *previous->journey.height + 1;
    }
}

void Journeys::RaiseHeight(const State& state, PeerState& peer)
{
    if (state.journey.height) peer.peer.height = std::max(peer.peer.height.value_or(-1), *state.journey.height);
}

void Journeys::Announce(State& state, PeerState& peer, BlockVia via, const Moment& now)
{
    BlockJourney& journey{state.journey};
    RaiseHeight(state, peer);
    if (journey.earlier_run) return;
    for (const BlockAnnouncement& known : journey.announcements) {
        if (known.peer_id == peer.peer.id && known.via == via) return;
    }
    const std::int64_t time{state.Time(now)};
    ++journey.announcements_total;
    journey.first_utc_ns = std::min(journey.first_utc_ns, time);
    if (journey.announcements.size() >= BlockJourney::MAX_ANNOUNCEMENTS) return;
    const auto place{std::ranges::upper_bound(journey.announcements, time, {}, &BlockAnnouncement::utc_ns)};
    journey.announcements.insert(place, {peer.peer.id, via, time});
}

void Journeys::Deliver(State& state, const State::Brought& brought)
{
    BlockJourney& journey{state.journey};
    journey.delivered_peer = brought.peer_id;
    journey.delivered_via = brought.via;
    journey.delivered_utc_ns = state.Time(brought.at);
    journey.delivered_bytes = brought.bytes;
}

void Journeys::NotDelivered(State& state)
{
    if (state.journey.connected_utc_ns) return;
    state.journey.delivered_peer.reset();
    state.journey.delivered_utc_ns.reset();
    state.journey.delivered_bytes = 0;
}

void Journeys::Relay(State& state, const PeerState& peer, const Moment& now)
{
    BlockJourney& journey{state.journey};
    if (journey.earlier_run) return;
    if (!journey.first_relay_utc_ns) journey.first_relay_utc_ns = state.Time(now);
    if (state.relayed.size() < NodeSnapshot::MAX_PEERS && std::ranges::find(state.relayed, peer.peer.id) == state.relayed.end()) {
        state.relayed.push_back(peer.peer.id);
    }
    if (journey.connected_utc_ns) Conclude(state);
}

void Journeys::Conclude(State& state)
{
    const BlockJourney& journey{state.journey};
    if (state.relay_counted || journey.announcements.empty() || !journey.first_relay_utc_ns) return;
    state.relay_counted = true;
    m_totals.announce_to_relay_seconds.Observe(Seconds(journey.announcements.front().utc_ns, *journey.first_relay_utc_ns));
}

// ---- messages -------------------------------------------------------------------------------------------------------

void Journeys::OnInv(const wire::InvMsg& inv, Direction direction, PeerState& peer, const Moment& now)
{
    std::uint64_t left{MAX_ANNOUNCED};
    for (const wire::InvEntry entry : inv.entries) {
        if (!IsBlock(entry.type)) continue;
        if (left-- == 0) break; // an answer to getblocks, of history
        const Hash256 hash{Copy(entry.hash)};
        if (direction == Direction::In) {
            Announce(At(hash, now), peer, BlockVia::Inv, now);
        } else if (State* const state{Find(hash)}) {
            Relay(*state, peer, now);
        }
    }
}

void Journeys::Request(State& state, PeerState& peer, BlockVia via, const Moment& now)
{
    BlockJourney& journey{state.journey};
    if (journey.earlier_run) return;
    // headers that came as an answer begin no journey: this one does, and they were its announcement
    if (peer.last_header && peer.last_header->hash == journey.hash) Announce(state, peer, BlockVia::Headers, peer.last_header->at);
    if (journey.requests.size() < BlockJourney::MAX_REQUESTS) journey.requests.push_back({peer.peer.id, via, state.Time(now)});
    NotDelivered(state); // what came was no good
    if (via == BlockVia::CmpctBlock || journey.connected_utc_ns) return;
    if (CompactReconstruction* const compact{CompactOf(journey, peer.peer.id)}) compact->failed = true;
}

void Journeys::OnGetData(const wire::InvMsg& inv, Direction direction, PeerState& peer, const Moment& now)
{
    std::size_t left{BlockJourney::MAX_REQUESTS * MAX_ANNOUNCED}; // we ask for 16 at a time (MAX_BLOCKS_IN_TRANSIT_PER_PEER)
    for (const wire::InvEntry entry : inv.entries) {
        if (!IsBlock(entry.type)) continue;
        if (left-- == 0) break;
        const Hash256 hash{Copy(entry.hash)};
        if (direction == Direction::In) {
            peer.asked_block = hash;
        } else {
            const bool compact{(entry.type & ~WITNESS_FLAG) == MSG_CMPCT_BLOCK};
            Request(At(hash, now), peer, compact ? BlockVia::CmpctBlock : BlockVia::Block, now);
        }
    }
}

void Journeys::OnHeadersIn(const wire::HeadersMsg& headers, PeerState& peer, const Moment& now)
{
    const bool answer{(peer.getheaders_out_mono_ns != 0 && now.mono_ns - peer.getheaders_out_mono_ns < HEADERS_PATIENCE_NS) ||
                      headers.claimed > MAX_ANNOUNCED};
    peer.getheaders_out_mono_ns = 0;
    const std::uint64_t count{headers.entries.size()};
    std::uint64_t at{0};
    for (const wire::HeaderEntry entry : headers.entries) {
        if (++at + MAX_ANNOUNCED <= count) continue; // of many, the last few
        const Hash256 hash{HashOf(entry.header)};
        State* state{answer ? Find(hash) : &At(hash, now)};
        if (state != nullptr) {
            InferHeight(*state, entry.header);
            // That it has what we have had for long is no news.
            if (!answer || !state->journey.connected_utc_ns) Announce(*state, peer, BlockVia::Headers, now);
            RaiseHeight(*state, peer);
        }
        if (answer && at == count) peer.last_header = PeerState::Header{hash, now};
    }
}

void Journeys::OnHeadersOut(const wire::HeadersMsg& headers, PeerState& peer, const Moment& now)
{
    const bool answer{peer.getheaders_in || headers.claimed > MAX_ANNOUNCED};
    peer.getheaders_in = false;
    if (answer) return;
    for (const wire::HeaderEntry entry : headers.entries) {
        if (State* const state{Find(HashOf(entry.header))}) Relay(*state, peer, now);
    }
}

void Journeys::OnCmpctBlockIn(const wire::CmpctBlockMsg& compact, std::uint64_t size, PeerState& peer, const Moment& now)
{
    State& state{At(HashOf(compact.header), now)};
    InferHeight(state, compact.header);
    BlockJourney& journey{state.journey};
    const bool asked{std::ranges::any_of(journey.requests, [&peer](const BlockRequest& request) {
        return request.peer_id == peer.peer.id && request.via == BlockVia::CmpctBlock;
    })};
    if (!asked) Announce(state, peer, BlockVia::CmpctBlock, now);
    if (journey.earlier_run) return;
    state.brought = State::Brought{peer.peer.id, BlockVia::CmpctBlock, now, size};
    if (CompactOf(journey, peer.peer.id) != nullptr) return; // once more
    if (journey.compact.size() >= BlockJourney::MAX_COMPACT) {
        // of many, those from which something was asked for are the ones that matter
        const auto idle = [](const CompactReconstruction& entry) { return !entry.requested; };
        const auto at{std::ranges::find_if(journey.compact, idle)};
        if (at == journey.compact.end() || journey.connected_utc_ns) return;
        journey.compact.erase(at);
    }
    journey.compact.push_back({.peer_id = peer.peer.id,
                               .utc_ns = state.Time(now),
                               .bytes = size,
                               .short_ids = compact.short_ids_claimed,
                               .prefilled = compact.prefilled_claimed});
}

void Journeys::OnGetBlockTxnOut(const wire::GetBlockTxnMsg& request, const PeerState& peer)
{
    State* const state{Find(Copy(request.block_hash))};
    if (state == nullptr || state->journey.earlier_run) return;
    NotDelivered(*state);
    CompactReconstruction* const compact{CompactOf(state->journey, peer.peer.id)};
    if (compact != nullptr && !compact->requested) compact->requested = request.claimed;
}

void Journeys::OnBlockTxnIn(const wire::BlockTxnMsg& block, std::uint64_t size, const PeerState& peer, const Moment& now)
{
    State* const state{Find(Copy(block.block_hash))};
    if (state == nullptr || state->journey.earlier_run) return;
    CompactReconstruction* const compact{CompactOf(state->journey, peer.peer.id)};
    if (compact == nullptr || compact->received_bytes) return;
    const State::Brought brought{peer.peer.id, BlockVia::CmpctBlock, now, compact->bytes + size};
    state->brought = brought;
    if (compact->requested.value_or(0) == 0) return; // nobody asked for it
    compact->received_bytes = size;
    compact->blocktxn_utc_ns = state->Time(now);
    if (!state->journey.delivered_utc_ns && !state->journey.connected_utc_ns) Deliver(*state, brought);
}

void Journeys::OnBlockIn(const wire::BlockMsg& block, std::uint64_t size, PeerState& peer, const Moment& now)
{
    State& state{At(HashOf(block.header), now)};
    InferHeight(state, block.header);
    const BlockJourney& journey{state.journey};
    const auto of_peer = [&peer](const auto& entry) { return entry.peer_id == peer.peer.id; };
    if (std::ranges::none_of(journey.announcements, of_peer) && std::ranges::none_of(journey.requests, of_peer)) {
        Announce(state, peer, BlockVia::Block, now);
    }
    RaiseHeight(state, peer);
    if (journey.earlier_run) return;
    const State::Brought brought{peer.peer.id, BlockVia::Block, now, size};
    state.brought = brought;
    if (!journey.delivered_utc_ns && !journey.connected_utc_ns) Deliver(state, brought);
}

void Journeys::OnMessage(const wire::Decoded& decoded, Direction direction, std::uint64_t size, PeerState& peer, const Moment& now)
{
    const bool in{direction == Direction::In};
    const auto* const inv{std::get_if<wire::InvMsg>(&decoded.message)};
    if (inv != nullptr) {
        if (decoded.type == MessageType::Inv) OnInv(*inv, direction, peer, now);
        if (decoded.type == MessageType::GetData) OnGetData(*inv, direction, peer, now);
    } else if (const auto* headers{std::get_if<wire::HeadersMsg>(&decoded.message)}) {
        in ? OnHeadersIn(*headers, peer, now) : OnHeadersOut(*headers, peer, now);
    } else if (decoded.type == MessageType::GetHeaders) {
        if (in) {
            peer.getheaders_in = true;
        } else {
            peer.getheaders_out_mono_ns = now.mono_ns;
        }
    } else if (const auto* compact{std::get_if<wire::CmpctBlockMsg>(&decoded.message)}) {
        if (compact->header.raw.size() != wire::BlockHeader::SIZE) return;
        if (in) return OnCmpctBlockIn(*compact, size, peer, now);
        // Unasked it may be the first of a block of our own, before it is connected.
        const Hash256& hash{HashOf(compact->header)};
        State* const state{peer.asked_block == hash ? Find(hash) : &At(hash, now)};
        if (state == nullptr) return;
        InferHeight(*state, compact->header);
        Relay(*state, peer, now);
    } else if (const auto* request{std::get_if<wire::GetBlockTxnMsg>(&decoded.message)}) {
        if (!in && request->block_hash.size() == 32) OnGetBlockTxnOut(*request, peer);
    } else if (const auto* answer{std::get_if<wire::BlockTxnMsg>(&decoded.message)}) {
        if (in && answer->block_hash.size() == 32) OnBlockTxnIn(*answer, size, peer, now);
    } else if (const auto* block{std::get_if<wire::BlockMsg>(&decoded.message)}) {
        if (block->header.raw.size() != wire::BlockHeader::SIZE) return;
        if (in) return OnBlockIn(*block, size, peer, now);
        if (State* const state{Find(HashOf(block->header))}) Relay(*state, peer, now);
    } else if (const auto* merkle{std::get_if<wire::MerkleBlockMsg>(&decoded.message)}) {
        if (merkle->header.raw.size() != wire::BlockHeader::SIZE) return;
        State* const state{Find(HashOf(merkle->header))};
        if (state == nullptr) return;
        in ? Announce(*state, peer, BlockVia::MerkleBlock, now) : Relay(*state, peer, now);
    }
}

// ---- the end ----------------------------------------------------------------------------------------------------------

void Journeys::InferDelivery(State& state, const MessageSpans::Span* current)
{
    BlockJourney& journey{state.journey};
    // If the message under way on the thread is one that may have completed it, there is no doubt, whoever sent what before: only a
    // block that is good is connected.
    const auto& brought{state.brought};
    const bool certain{brought && current != nullptr && current->peer_id == brought->peer_id && current->start_ns == brought->at.mono_ns};
    if (certain) Deliver(state, *brought);
    if (journey.delivered_utc_ns && journey.delivered_via == BlockVia::Block) return;
    // A compact block that lacks nothing is followed by no message: that it is connected tells. Without a message under way that
    // brought it (a reorganisation, say) it is the latest.
    CompactReconstruction* complete{nullptr};
    for (CompactReconstruction& compact : journey.compact) {
        if (compact.failed || compact.requested) continue;
        if (!journey.delivered_utc_ns || journey.delivered_peer == compact.peer_id) complete = &compact;
    }
    if (complete == nullptr) return;
    complete->requested = 0;
    if (journey.delivered_utc_ns) return;
    journey.delivered_peer = complete->peer_id;
    journey.delivered_via = BlockVia::CmpctBlock;
    journey.delivered_utc_ns = complete->utc_ns;
    journey.delivered_bytes = complete->bytes;
}

void Journeys::OnConnected(const event::Event& event, const MessageSpans::Span* current, Peers& peers)
{
    if (event.Faulted(0)) return;
    const Moment now{event};
    State& state{At(Copy(event.Bytes(0)), now)};
    BlockJourney& journey{state.journey};
    if (journey.connected_utc_ns) return; // again, after a reorganisation: its way is known
    if (!event.Faulted(1)) journey.height = static_cast<std::int32_t>(event.Int(1));
    journey.transactions = event.Uint(2);
    journey.inputs = event.Int(3);
    journey.sigops = event.Int(4);
    if (!event.Faulted(5)) journey.connect_ns = std::max<std::int64_t>(event.Int(5), 0);
    InferDelivery(state, current);
    journey.connected_utc_ns = state.Time(now);
    for (const BlockAnnouncement& announcement : journey.announcements) {
        if (PeerState* const peer{peers.Find(announcement.peer_id)}) RaiseHeight(state, *peer);
    }
    Conclude(state);
    Count(state);
}

void Journeys::Count(const State& state)
{
    const BlockJourney& journey{state.journey};
    if (journey.announcements.empty()) {
        ++m_totals.not_announced;
    } else {
        ++m_totals.first_announced_via[static_cast<std::size_t>(journey.announcements.front().via)];
    }
    if (!journey.delivered_utc_ns) {
        ++m_totals.delivered_unknown;
        return;
    }
    if (!journey.announcements.empty()) {
        m_totals.announce_to_deliver_seconds.Observe(Seconds(journey.announcements.front().utc_ns, *journey.delivered_utc_ns));
        m_totals.deliver_to_connect_seconds.Observe(Seconds(*journey.delivered_utc_ns, *journey.connected_utc_ns));
    }
    if (journey.delivered_via == BlockVia::Block) {
        ++m_totals.delivered_block;
        return;
    }
    const auto compact{std::ranges::find_if(journey.compact, [&journey](const CompactReconstruction& entry) {
        return entry.peer_id == journey.delivered_peer && !entry.failed;
    })};
    const std::uint64_t missing{compact != journey.compact.end() ? compact->requested.value_or(0) : 0};
    ++(missing == 0 ? m_totals.delivered_compact_full : m_totals.delivered_compact_partial);
    m_totals.missing_transactions.Observe(static_cast<double>(missing));
}

void Journeys::OnMisbehaving(std::int64_t peer_id)
{
    for (const auto& state : m_states) {
        if (state->journey.delivered_peer == peer_id) NotDelivered(*state);
    }
}

void Journeys::NewRun()
{
    for (std::size_t i{m_states.size()}; i-- > 0;) {
        State& state{*m_states[i]};
        state.journey.earlier_run = true;
        if (state.journey.connected_utc_ns) continue;
        m_states.erase(m_states.begin() + static_cast<std::ptrdiff_t>(i));
        m_keys.erase(m_keys.begin() + static_cast<std::ptrdiff_t>(i));
    }
}

void Journeys::OnGap(std::int64_t utc_ns)
{
    for (const auto& state : m_states) {
        BlockJourney& journey{state->journey};
        if (!journey.connected_utc_ns || utc_ns - *journey.connected_utc_ns < RELAY_TIME_NS) journey.gap = true;
    }
}

std::vector<BlockJourney> Journeys::Newest() const
{
    std::vector<BlockJourney> journeys;
    journeys.reserve(m_states.size());
    for (auto at{m_states.rbegin()}; at != m_states.rend(); ++at) {
        journeys.push_back((*at)->journey);
        journeys.back().relayed_peers = (*at)->relayed.size();
    }
    return journeys;
}

} // namespace coretap::state
