#include "sim/world.h"

#include <algorithm>

#include "sim/wire_samples.h"

namespace coretap::sim {
namespace {

constexpr std::uint64_t OUR_SERVICES{0x0c09}; // NETWORK, WITNESS, NETWORK_LIMITED, P2P_V2
constexpr std::string_view OUR_USER_AGENT{"/Satoshi:29.99.0(coretap-sim)/"};
constexpr std::string_view USER_AGENTS[]{
    "/Satoshi:29.0.0/",
    "/Satoshi:28.1.0/",
    "/Satoshi:27.0.0/",
    "/Satoshi:25.0.0/",
    "/Satoshi:29.1.0/Knots:20250903/",
    "/btcwire:0.5.0/btcd:0.24.2/",
    "/Satoshi:0.21.2/",
    "/bitnodes.io:0.3/",
    "/bcoin:2.2.0/",
    "/LavaNode:0.1/",
};
constexpr std::string_view LIGHT_USER_AGENTS[]{"/bitcoinj:0.16.2/Bitcoin Wallet:9.26/", "/breadwallet:2.1.3/"};

} // namespace

World::World(Probes& probes, const WorldOptions& options)
    : m_probes{probes}, m_options{options}, m_rng{options.seed}, m_chain{m_rng, 900'000}
{
    // about as a node that has been listening for a while: 8 + 2 + 1 that we chose, the rest came by themselves
    for (std::uint64_t i{0}; i < m_options.peers; ++i) {
        const ConnectionType type{i < 8   ? ConnectionType::OutboundFullRelay :
                                  i < 10  ? ConnectionType::BlockRelay :
                                  i == 10 ? ConnectionType::Manual :
                                            ConnectionType::Inbound};
        In(0.02 * static_cast<double>(i), [this, type] { Connect(type); });
    }
    if (!m_options.traffic) return;

    FillMempool();
    Every(0.12, [this] { NewTransaction(); });
    Every(20, [this] { InboundAttempt(); });
    Every(45, [this] { Feeler(); });
    Every(90, [this] { Misbehave(); });
    Every(30, [this] { WalletSpend(); });
    Every(40, [this] { TrimMempool(); });
    Every(15, [this] { RareMessage(); });
    Every(120, [this] { Flush(2); });
    // the first one soon, so that a short run has one
    In(4, [this] { NewBlock(); });
    In(4, [this] { Every(m_options.block_interval_s, [this] { NewBlock(); }); });
}

World::~World() = default;

bool World::Step()
{
    if (m_events.empty()) {
        m_now_us += 1'000'000;
        return false;
    }
    // const_cast: priority_queue hands out const only, and the action is about to be popped
    Event event{std::move(const_cast<Event&>(m_events.top()))};
    m_events.pop();
    m_now_us = event.at_us;
    m_burst = false;
    event.action();
    return m_burst;
}

std::size_t World::ReadyPeers() const
{
    return static_cast<std::size_t>(std::ranges::count_if(m_peers, [](const auto& entry) { return entry.second->ready; }));
}

void World::Shutdown()
{
    while (!m_peers.empty()) Close(m_peers.begin()->first);
    if (m_options.traffic) Flush(3);
}

// ---- scheduling -----------------------------------------------------------------------------------------------

void World::In(double seconds, Action action)
{
    m_events.push({m_now_us + static_cast<std::int64_t>(seconds * 1e6), m_order++, std::move(action)});
}

void World::InPeer(double seconds, std::int64_t id, std::function<void(WorldPeer&)> action)
{
    In(seconds, [this, id, action = std::move(action)] {
        const auto it = m_peers.find(id);
        if (it != m_peers.end()) action(*it->second);
    });
}

void World::Every(double mean_seconds, Action action)
{
    In(m_rng.Exponential(mean_seconds), [this, mean_seconds, action = std::move(action)] {
        action();
        Every(mean_seconds, action);
    });
}

void World::EveryPeer(double mean_seconds, std::int64_t id, std::function<void(WorldPeer&)> action)
{
    InPeer(m_rng.Exponential(mean_seconds), id, [this, mean_seconds, id, action = std::move(action)](WorldPeer& peer) {
        action(peer);
        EveryPeer(mean_seconds, id, action);
    });
}

// ---- connections ----------------------------------------------------------------------------------------------

World::WorldPeer& World::Connect(ConnectionType type)
{
    auto owned = std::make_unique<WorldPeer>();
    WorldPeer& peer{*owned};
    peer.id = m_next_peer_id++;
    peer.type = type;
    peer.address = RandomAddress(m_rng);
    if (peer.IsInbound() && peer.address.network != Network::I2p)
        peer.address.port = static_cast<std::uint16_t>(32'768 + m_rng.Below(28'000));
    // a peer added by name keeps the name
    peer.addr_name = type == ConnectionType::Manual ? "node.example.org:8333" : peer.address.ToStringAddrPort();
    peer.connected_at = Now();
    peer.user_agent = m_rng.Pick(USER_AGENTS);
    peer.version = m_rng.Chance(0.97) ? 70016 : 70015;
    peer.wtxid_relay = peer.wants_addrv2 = peer.version >= 70016;
    peer.services = m_rng.Chance(0.85) ? 0x0c09 : 0x0408;
    if (peer.IsInbound() && m_rng.Chance(0.08)) {
        peer.light = true;
        peer.user_agent = m_rng.Pick(LIGHT_USER_AGENTS);
        peer.version = 70012;
        peer.wtxid_relay = peer.wants_addrv2 = false;
        peer.services = 0;
    }
    m_peers[peer.id] = std::move(owned);
    const bool inbound{peer.IsInbound()};
    const auto same_direction = static_cast<std::uint64_t>(
        std::ranges::count_if(m_peers, [inbound](const auto& entry) { return entry.second->IsInbound() == inbound; }));
    if (inbound) {
        m_probes.InboundConnection(peer, same_direction);
        InPeer(m_rng.Exponential(0.15), peer.id, [this](WorldPeer& p) { HandshakeInbound(p); });
    } else {
        m_probes.OutboundConnection(peer, same_direction);
        SendVersion(peer);
        InPeer(0.05 + m_rng.Exponential(0.15), peer.id, [this](WorldPeer& p) { HandshakeOutbound(p); });
    }
    return peer;
}

void World::Close(std::int64_t id)
{
    const auto it = m_peers.find(id);
    if (it == m_peers.end()) return;
    m_probes.ClosedConnection(*it->second);
    m_peers.erase(it);
}

void World::SendVersion(WorldPeer& peer)
{
    Send(peer, "version",
         EncodeVersion({70016, OUR_SERVICES, Now(), peer.address, m_rng.Next(), OUR_USER_AGENT, m_chain.Height(),
                        peer.type != ConnectionType::BlockRelay && peer.type != ConnectionType::Feeler}));
}

void World::ReceiveVersion(WorldPeer& peer)
{
    const NetAddress us{Network::Ipv4, {203, 0, 113, 7}, 8333, 0};
    Receive(peer, "version",
            EncodeVersion({peer.version, peer.services, Now() + m_rng.Range(-3, 3), us, m_rng.Next(), peer.user_agent,
                           m_chain.Height() - (m_rng.Chance(0.1) ? 1 : 0), true}));
}

void World::HandshakeInbound(WorldPeer& peer)
{
    ReceiveVersion(peer);
    SendVersion(peer);
    if (peer.wtxid_relay) Send(peer, "wtxidrelay", {});
    if (peer.wants_addrv2) Send(peer, "sendaddrv2", {});
    Send(peer, "verack", {});
    InPeer(0.03 + m_rng.Exponential(0.15), peer.id, [this](WorldPeer& p) { HandshakeDone(p); });
}

void World::HandshakeOutbound(WorldPeer& peer)
{
    ReceiveVersion(peer);
    if (peer.wtxid_relay) Send(peer, "wtxidrelay", {});
    if (peer.wants_addrv2) Send(peer, "sendaddrv2", {});
    Send(peer, "verack", {});
    if (peer.type == ConnectionType::OutboundFullRelay || peer.type == ConnectionType::Manual) {
        Send(peer, "getaddr", {});
        InPeer(1.0 + m_rng.Exponential(3), peer.id, [this](WorldPeer& p) {
            if (m_options.traffic) Gossip(p, 200 + m_rng.Below(800));
        });
    }
    MoveToGood(peer.address, RandomAddress(m_rng).ToStringAddr());
    if (peer.type == ConnectionType::Feeler) {
        // it answered: that is all we wanted to know
        In(0.01, [this, id = peer.id] { Close(id); });
        return;
    }
    InPeer(0.03 + m_rng.Exponential(0.15), peer.id, [this](WorldPeer& p) { HandshakeDone(p); });
}

void World::HandshakeDone(WorldPeer& peer)
{
    if (peer.wtxid_relay) Receive(peer, "wtxidrelay", {});
    if (peer.wants_addrv2) Receive(peer, "sendaddrv2", {});
    if (m_rng.Chance(0.05)) Receive(peer, "sendtxrcncl", EncodeSendTxRcncl(1, m_rng.Next()));
    Receive(peer, "verack", {});
    Send(peer, "sendcmpct", EncodeSendCmpct(false));
    peer.ping_nonce = m_rng.Next();
    Send(peer, "ping", EncodeNonce(peer.ping_nonce));
    Send(peer, "sendheaders", {});
    std::vector<Hash256> locator{m_chain.TipHash(), m_chain.Tip().previous};
    while (locator.size() < 31) locator.push_back(m_rng.Hash());
    if (!peer.IsInbound()) Send(peer, "getheaders", EncodeLocator(70016, locator));
    if (peer.RelaysTransactions()) Send(peer, "feefilter", EncodeFeeFilter(100));

    InPeer(0.02 + m_rng.Exponential(0.1), peer.id, [this, locator](WorldPeer& p) {
        if (!p.light) Receive(p, "sendcmpct", EncodeSendCmpct(false));
        const std::uint64_t nonce{m_rng.Next()};
        Receive(p, "ping", EncodeNonce(nonce));
        Send(p, "pong", EncodeNonce(nonce));
        if (m_rng.Chance(0.8) && !p.light) Receive(p, "sendheaders", {});
        if (p.IsInbound()) {
            Receive(p, "getheaders", EncodeLocator(70016, locator));
            Send(p, "headers", EncodeHeaders({}));
            if (m_rng.Chance(0.5)) {
                Receive(p, "getaddr", {});
                std::vector<GossipAddress> addresses;
                for (std::uint64_t i{0}; i < 23; ++i)
                    addresses.push_back({static_cast<std::uint32_t>(Now() - m_rng.Range(600, 600'000)), 0x0c09, RandomAddress(m_rng)});
                Send(p, p.wants_addrv2 ? "addrv2" : "addr", p.wants_addrv2 ? EncodeAddrV2(addresses) : EncodeAddr(addresses));
            }
        } else {
            Receive(p, "headers", EncodeHeaders({m_chain.Tip()}));
        }
        Receive(p, "feefilter", EncodeFeeFilter(m_rng.Chance(0.8) ? 1'000 : m_rng.Range(100, 5'000)));
        Receive(p, "pong", EncodeNonce(p.ping_nonce));
        p.ready = true;
        // as in Core: at most three peers announce blocks to us in high-bandwidth mode, outbound ones first
        if (!p.IsInbound() && ReadyWhere([](const Peer& other) { return other.high_bandwidth_from; }).size() < 3) {
            p.high_bandwidth_from = true;
            Send(p, "sendcmpct", EncodeSendCmpct(true));
        }
        if (p.light) Receive(p, "filterload", SamplePayload("filterload", m_rng));
        if (p.IsInbound() && !p.light && m_rng.Chance(0.2)) {
            p.high_bandwidth_to = true;
            Receive(p, "sendcmpct", EncodeSendCmpct(true));
        }
        StartPings(p);
        if (!m_options.traffic) return;
        if (p.RelaysTransactions()) {
            EveryPeer(p.IsInbound() ? 4.0 : 3.0, p.id, [this](WorldPeer& q) { TheirInv(q); });
            EveryPeer(p.IsInbound() ? 5.0 : 2.0, p.id, [this](WorldPeer& q) { OurInv(q); });
        }
        if (p.type != ConnectionType::BlockRelay) EveryPeer(40, p.id, [this](WorldPeer& q) { Gossip(q, 1 + m_rng.Below(10)); });
        if (p.IsInbound()) InPeer(30 + m_rng.Exponential(600), p.id, [this](WorldPeer& q) { Close(q.id); });
    });
}

void World::StartPings(WorldPeer& peer)
{
    // both sides ping about every two minutes; neither knows of the other's clock
    InPeer(m_options.ping_interval_s * (0.9 + 0.2 * m_rng.Fraction()), peer.id, [this](WorldPeer& p) {
        p.ping_nonce = m_rng.Next();
        Send(p, "ping", EncodeNonce(p.ping_nonce));
        InPeer(0.02 + m_rng.Exponential(0.12), p.id,
               [this, nonce = p.ping_nonce](WorldPeer& q) { Receive(q, "pong", EncodeNonce(nonce)); });
        InPeer(m_options.ping_interval_s * 0.5 * m_rng.Fraction(), p.id, [this](WorldPeer& q) {
            const std::uint64_t nonce{m_rng.Next()};
            Receive(q, "ping", EncodeNonce(nonce));
            Send(q, "pong", EncodeNonce(nonce));
        });
        StartPings(p);
    });
}

void World::MoveToGood(const NetAddress& address, const std::string& source)
{
    const std::string addr{address.ToStringAddrPort()};
    m_probes.MoveToGood(static_cast<std::int32_t>(m_rng.Below(256)), static_cast<std::int32_t>(m_rng.Below(64)), addr.c_str(), address.asn,
                        source.c_str(), static_cast<std::uint32_t>(m_rng.Below(2) ? 24940 : 0));
}

void World::InboundAttempt()
{
    const std::vector<WorldPeer*> inbound{ReadyWhere([](const Peer& peer) { return peer.IsInbound(); })};
    if (m_peers.size() >= m_options.peers && !inbound.empty()) {
        const WorldPeer& victim{*m_rng.Pick(inbound)};
        m_probes.EvictedInboundConnection(victim);
        In(0.05, [this, id = victim.id] { Close(id); });
    }
    if (m_peers.size() <= m_options.peers) Connect(ConnectionType::Inbound);
    // and keep up the connections we want ourselves
    const auto ours = static_cast<std::uint64_t>(
        std::ranges::count_if(m_peers, [](const auto& entry) { return entry.second->type == ConnectionType::OutboundFullRelay; }));
    if (ours < std::min<std::uint64_t>(8, m_options.peers)) Connect(ConnectionType::OutboundFullRelay);
}

void World::Feeler()
{
    Connect(m_rng.Chance(0.9) ? ConnectionType::Feeler : ConnectionType::AddrFetch);
    // an addr-fetch connection is closed once it has answered; a feeler closes itself
    const std::int64_t id{m_next_peer_id - 1};
    InPeer(4, id, [this](WorldPeer& peer) {
        if (peer.type == ConnectionType::AddrFetch) {
            Gossip(peer, 300);
            Close(peer.id);
        }
    });
}

void World::Misbehave()
{
    const std::vector<WorldPeer*> candidates{ReadyWhere([](const Peer& peer) { return peer.IsInbound(); })};
    if (candidates.empty()) return;
    const WorldPeer& peer{*m_rng.Pick(candidates)};
    // what cannot be read is dropped and forgiven
    if (m_rng.Chance(0.4)) {
        const MalformedMessage& malformed{m_rng.Pick(MalformedMessages())};
        Receive(peer, std::string{malformed.type}, malformed.payload);
    }
    const Misdeed& misdeed{m_rng.Pick(Misdeeds())};
    Receive(peer, std::string{misdeed.type}, misdeed.make(m_rng));
    const std::string reason{misdeed.reason};
    m_probes.MisbehavingConnection(peer.id, reason.c_str());
    In(0.02, [this, id = peer.id] { Close(id); });
}

} // namespace coretap::sim
