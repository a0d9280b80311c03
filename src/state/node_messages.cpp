// What a P2P message changes.
#include <algorithm>

#include "event/catalogue.h"
#include "event/decode.h"
#include "state/node.h"

namespace coretap::state {

using wire::MessageType;

namespace {

/** MoneyRange(), src/consensus/amount.h. */
constexpr std::int64_t MAX_MONEY{2'100'000'000'000'000};
/** CMPCTBLOCKS_VERSION, src/net_processing.cpp: others are passed over there. */
constexpr std::uint64_t COMPACT_BLOCKS_VERSION{2};

/** Whether no other message has gone or come. */
bool OnlyVersions(const Peer& peer)
{
    for (const MessageCounts& counts : peer.messages) {
        for (std::size_t type{0}; type < counts.size(); ++type) {
            if (counts[type].count != 0 && type != static_cast<std::size_t>(MessageType::Version)) return false;
        }
    }
    return true;
}

/** Whether Bitcoin Core takes no addresses from such a connection: SetupAddressRelay(), and ProcessMessage() for private broadcast. */
bool WantsNoAddresses(const Peer& peer) { return peer.conn_type == "block-relay-only" || peer.conn_type == "private-broadcast"; }

} // namespace

void Node::OnMessage(const event::Event& event, std::int64_t utc_ns)
{
    namespace arg = event::message_arg;
    const Direction direction{event::IsInbound(event) ? Direction::In : Direction::Out};
    const auto at = static_cast<std::size_t>(direction);
    const bool readable{event::HasPayload(event)};
    wire::Decoded decoded;
    if (readable) {
        decoded = event::DecodeMessage(event);
    } else {
        decoded.type = wire::MessageTypeOf(event.Str(arg::MSG_TYPE));
    }
    const auto type = static_cast<std::uint8_t>(decoded.type);
    const std::uint64_t size{event.Faulted(arg::SIZE) ? event.Bytes(arg::PAYLOAD).size() : event.Uint(arg::SIZE)};
    const MessageCount one{1, size};
    const std::string_view conn_type{event.Str(arg::CONN_TYPE)};

    m_processes.back()->own[at][event::ConnectionTypeId(conn_type)][type] += one;
    const std::size_t kind{static_cast<std::size_t>(KindOf(type))};
    m_history.Count([&](HistoryPoint& point) {
        point.messages[at] += one;
        if (direction == Direction::In) ++point.messages_in_by_kind[kind];
    });

    const std::int64_t peer_id{event.Faulted(arg::PEER_ID) ? -1 : event.Int(arg::PEER_ID)};
    AddTime(direction == Direction::In ? m_spans.OnInbound(event.Tid(), event.MonotonicNs(), peer_id, type) :
                                         m_spans.OnOutbound(event.Tid(), event.MonotonicNs(), peer_id, type));
    const bool finding{readable && direction == Direction::In && m_gossip.OnFindings(decoded)};
    if (event.Faulted(arg::PEER_ID)) return m_peers.Doubt();

    PeerState& state{m_peers.Of(event)};
    Peer& peer{state.peer};
    Describe(state, event.Str(arg::ADDR), conn_type);
    peer.messages[at][type] += one;
    OfLists(peer, [&](ListTotals& list) { list.messages[at][type] += one; });
    (direction == Direction::In ? peer.last_in_utc_ns : peer.last_out_utc_ns) = utc_ns;
    if (finding) ++peer.undecodable;
    OnSimple(decoded.type, direction, state);
    if (readable) {
        OnPayload(decoded, direction, state, size, Moment{event});
    } else if (decoded.type == MessageType::Addr || decoded.type == MessageType::AddrV2) {
        state.addr_certain = false;
    }
}

void Node::OnSimple(MessageType type, Direction direction, PeerState& state)
{
    Peer& peer{state.peer};
    const bool in{direction == Direction::In};
    switch (type) {
    case MessageType::Version: // we say it once, at the start; what it says may be a second one
        if (!in && OnlyVersions(peer)) state.from_start = true;
        return;
    case MessageType::Verack: peer.handshake_done |= in; return;
    case MessageType::SendAddrV2: peer.addrv2 |= in; return;
    case MessageType::WtxidRelay: peer.wtxid_relay |= in; return;
    case MessageType::SendHeaders: peer.prefers_headers |= in; return;
    case MessageType::GetAddr:
        if (!in) state.bucket.GetAddrSent();
        return;
    case MessageType::Tx: ++(in ? peer.tx_in : peer.tx_out); return;
    default: return;
    }
}

void Node::OnPing(const wire::PingMsg& ping, MessageType type, Direction direction, PeerState& state, const Moment& now)
{
    const bool in{direction == Direction::In};
    if (type == MessageType::Ping) {
        if (in) m_gossip.OnPing(ping);
        if (in || !ping.nonce) return;
        state.ping_nonce = *ping.nonce;
        state.ping_mono_ns = now.mono_ns;
        state.peer.ping.waiting_since_utc_ns = now.utc_ns;
        return;
    }
    PingFacts& facts{state.peer.ping};
    if (!in || !facts.waiting_since_utc_ns) return;
    if (ping.nonce.value_or(0) == 0)
        return facts.waiting_since_utc_ns.reset(); // it is no answer, and there will be none, thinks Bitcoin Core
    if (ping.nonce != state.ping_nonce) return;
    const auto round_trip = static_cast<std::int64_t>(now.mono_ns - state.ping_mono_ns);
    if (round_trip < 0) return; // out of order, or made up
    ++facts.answered;
    facts.last_ns = round_trip;
    facts.min_ns = std::min(facts.min_ns.value_or(round_trip), round_trip);
    facts.waiting_since_utc_ns.reset();
    m_gossip.OnPong(round_trip);
}

void Node::OnInventory(const wire::InvMsg& inv, MessageType type, Direction direction, PeerState& state)
{
    const InvCounts counts{CountInv(inv.entries)};
    Peer& peer{state.peer};
    const bool in{direction == Direction::In};
    if (type == MessageType::Inv) {
        m_gossip.OnInv(counts, direction);
        (in ? peer.tx_inv_in : peer.tx_inv_out) += counts.Transactions();
    } else if (type == MessageType::GetData) {
        (in ? peer.tx_requested_in : peer.tx_requested_out) += counts.Transactions();
    } else {
        if (in) peer.notfound_in += inv.entries.size();
        m_gossip.OnNotFound(inv.entries.size(), direction);
    }
}

template <class AddrMessage>
void Node::OnAddr(const AddrMessage& addr, const wire::Decoded& decoded, Direction direction, PeerState& state, std::int64_t utc_ns)
{
    m_gossip.OnAddr(addr.entries, decoded.type == MessageType::AddrV2, direction, state, utc_ns);
    AddrFacts& facts{state.peer.addr};
    // How many there are is told at the start, so that a message that we cut counts in full.
    const std::uint64_t entries{decoded.status == wire::Status::Malformed ? addr.entries.size() : addr.claimed};
    if (direction == Direction::Out) {
        facts.entries_out += entries;
        return;
    }
    facts.entries_in += entries;
    if (decoded.status == wire::Status::Cut) state.addr_certain = false;
    // As ProcessMessage() goes: before verack nothing counts, what cannot be read neither, nor too many, nor from where none are wanted.
    const bool early{state.from_start && !state.peer.handshake_done};
    if (early || decoded.status == wire::Status::Malformed || decoded.limit_exceeded != 0 || WantsNoAddresses(state.peer)) return;
    const std::uint64_t processed{state.bucket.Take(entries, utc_ns)};
    facts.processed += processed;
    facts.rate_limited += entries - processed;
    m_gossip.OnAddrLimit(processed, entries - processed);
}

void Node::OnPayload(const wire::Decoded& decoded, Direction direction, PeerState& state, std::uint64_t size, const Moment& now)
{
    Peer& peer{state.peer};
    const bool in{direction == Direction::In};
    switch (decoded.type) {
    case MessageType::Inv:
    case MessageType::GetData:
    case MessageType::NotFound: {
        const auto& inv{std::get<wire::InvMsg>(decoded.message)};
        OnInventory(inv, decoded.type, direction, state);
        return m_journeys.OnMessage(decoded, direction, size, state, now);
    }
    case MessageType::Headers:
    case MessageType::GetHeaders:
    case MessageType::CmpctBlock:
    case MessageType::GetBlockTxn:
    case MessageType::BlockTxn:
    case MessageType::Block:
    case MessageType::MerkleBlock: return m_journeys.OnMessage(decoded, direction, size, state, now);
    case MessageType::Addr: return OnAddr(std::get<wire::AddrMsg>(decoded.message), decoded, direction, state, now.utc_ns);
    case MessageType::AddrV2: return OnAddr(std::get<wire::AddrV2Msg>(decoded.message), decoded, direction, state, now.utc_ns);
    case MessageType::Ping:
    case MessageType::Pong:
        if (decoded.status == wire::Status::Whole) {
            OnPing(std::get<wire::PingMsg>(decoded.message), decoded.type, direction, state, now);
        } else if (in && decoded.type == MessageType::Pong && decoded.status == wire::Status::Malformed) {
            OnPing({}, decoded.type, direction, state, now); // too short
        }
        return;
    case MessageType::SendCmpct:
        if (decoded.status == wire::Status::Whole) {
            const auto& sendcmpct{std::get<wire::SendCmpctMsg>(decoded.message)};
            if (sendcmpct.version != COMPACT_BLOCKS_VERSION) return;
            (in ? peer.compact_hb_from : peer.compact_hb_to) = sendcmpct.high_bandwidth;
        }
        return;
    case MessageType::FeeFilter:
        if (decoded.status == wire::Status::Whole) {
            const std::int64_t feerate{std::get<wire::FeeFilterMsg>(decoded.message).feerate};
            if (feerate < 0 || feerate > MAX_MONEY) return; // as Bitcoin Core does
            if (in) peer.fee_filter_sat_per_kvb = feerate;
            m_gossip.OnFeeFilter(feerate, direction);
        }
        return;
    case MessageType::Reject:
        if (in && decoded.status == wire::Status::Whole) m_gossip.OnReject(std::get<wire::RejectMsg>(decoded.message));
        return;
    case MessageType::Version: {
        if (!in || decoded.status != wire::Status::Whole) return;
        const auto& version{std::get<wire::VersionMsg>(decoded.message)};
        if (peer.version) return; // Bitcoin Core passes over a second one
        m_gossip.OnVersion(version, state.own, now.utc_ns);
        const wire::ByteView agent{version.user_agent.value_or(wire::ByteView{})};
        constexpr std::int64_t SOUND_S{1LL << 40};
        peer.version = VersionFacts{.version = version.version,
                                    .services = version.services,
                                    .user_agent = {reinterpret_cast<const char*>(agent.data()), agent.size()},
                                    .start_height = version.start_height.value_or(-1),
                                    .relay = version.relay.value_or(true)};
        if (version.time > -SOUND_S && version.time < SOUND_S) peer.version->time_offset_s = version.time - now.utc_ns / 1'000'000'000;
        if (peer.version->start_height >= 0) peer.height = std::max(peer.height.value_or(-1), peer.version->start_height);
        return;
    }
    default: return;
    }
}

} // namespace coretap::state
