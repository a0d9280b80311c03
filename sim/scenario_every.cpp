// Scenario `every`: each tracepoint at least once, with arguments a test can know by heart and with extreme ones.
#include <limits>
#include <numeric>

#include "sim/scenarios.h"
#include "sim/wire_samples.h"

namespace coretap::sim {
namespace {

template <class T>
constexpr T MIN{std::numeric_limits<T>::min()};
template <class T>
constexpr T MAX{std::numeric_limits<T>::max()};

constexpr std::size_t PAYLOAD_SIZES[]{0, 1, 255, 256, 257, 4'095, 4'096, 65'536, 1'000'000, 4'000'000};

/** The bytes n, n+1, n+2 …: every hash is recognizable. */
Hash256 Counting(std::uint8_t n)
{
    Hash256 hash;
    std::iota(hash.begin(), hash.end(), n);
    return hash;
}

Peer PeerOf(std::int64_t id, ConnectionType type, Network network, std::string addr)
{
    Peer peer;
    peer.id = id;
    peer.type = type;
    peer.address = NetAddress{network, {1, 2, 3, 4}, 8333, 0};
    peer.addr_name = std::move(addr);
    peer.connected_at = 1'700'000'000 + id % 1'000;
    return peer;
}

std::vector<Peer> SpecialPeers()
{
    // 62 characters of onion address and a port: the 68 that doc/tracing.md names
    const std::string onion{"pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:65535"};
    std::vector<Peer> peers;
    peers.push_back(PeerOf(0, ConnectionType::Inbound, Network::Ipv4, "1.2.3.4:8333"));
    peers.push_back(PeerOf(1, ConnectionType::OutboundFullRelay, Network::Onion, onion));
    peers.push_back(PeerOf(2, ConnectionType::BlockRelay, Network::Ipv6, "[2001:db8:1234:5678:9abc:def0:1234:5678]:65535"));
    peers.push_back(PeerOf(3, ConnectionType::Manual, Network::Ipv4, std::string(294, 'h') + ":18333"));
    peers.push_back(PeerOf(4, ConnectionType::Feeler, Network::I2p, std::string(52, 'i') + ".b32.i2p:0"));
    peers.push_back(PeerOf(5, ConnectionType::AddrFetch, Network::Cjdns, "[fc00:1:2:3:4:5:6:7]:8333"));
    peers.push_back(PeerOf(6, ConnectionType::PrivateBroadcast, Network::Onion, onion));
    peers.push_back(PeerOf(MAX<std::int64_t>, ConnectionType::Inbound, Network::Internal, ""));
    peers.push_back(PeerOf(MIN<std::int64_t>, ConnectionType::Inbound, Network::Unroutable, "x"));
    return peers;
}

void Connections(Probes& probes, const std::vector<Peer>& peers)
{
    for (std::size_t i{0}; i < peers.size(); ++i) {
        probes.InboundConnection(peers[i], i);
        probes.OutboundConnection(peers[i], i + 100);
        probes.EvictedInboundConnection(peers[i]);
        probes.ClosedConnection(peers[i]);
    }
    probes.InboundConnection(7, "9.9.9.9:9", "inbound", MAX<std::uint32_t>, MAX<std::uint64_t>);
    probes.ClosedConnection(7, "9.9.9.9:9", std::string(40, 'c').c_str(), 1, MIN<std::int64_t>);
    probes.ClosedConnection(7, "9.9.9.9:9", "", 1, MAX<std::int64_t>);
}

void Messages(Probes& probes, const std::vector<Peer>& peers, Rng& rng)
{
    for (const MessageSample& row : MessageSamples()) {
        const std::string type{row.type};
        const Bytes payload{row.make ? row.make(rng) : Bytes{}};
        probes.InboundMessage(peers[0], type, payload);
        probes.OutboundMessage(peers[1], type, payload);
    }
    probes.InboundMessage(peers[0], "", Bytes{});
    probes.OutboundMessage(peers[1], "", Bytes{});
    for (const Peer& peer : peers) {
        probes.InboundMessage(peer, "ping", EncodeNonce(0x0102030405060708));
        probes.OutboundMessage(peer, "pong", EncodeNonce(0x0102030405060708));
    }
    for (const std::size_t size : PAYLOAD_SIZES) {
        Bytes payload(size);
        // i mod 251 is at odds with every power of two: a shifted or repeated chunk shows
        for (std::size_t i{0}; i < size; ++i) payload[i] = static_cast<std::uint8_t>(i % 251);
        probes.InboundMessage(peers[0], "block", payload);
        probes.OutboundMessage(peers[0], "block", payload);
    }
    // twelve characters are the longest type the wire can carry; Core's own temporaries could be longer
    probes.InboundMessage(peers[0], "twelve-bytes", Bytes{1, 2, 3});
    probes.InboundMessage(peers[0], std::string(60, 't'), Bytes{1, 2, 3});
}

void ChainAndMempool(Probes& probes)
{
    const Hash256 a{Counting(0x01)}, b{Counting(0x40)}, ones{[] {
        Hash256 h;
        h.fill(0xff);
        return h;
    }()},
        zero{};
    probes.BlockConnected(a.data(), 900'001, 3'456, 7'890, 12'345, 123'456'789);
    probes.BlockConnected(zero.data(), MIN<std::int32_t>, 0, MIN<std::int32_t>, MIN<std::int64_t>, MIN<std::int64_t>);
    probes.BlockConnected(ones.data(), MAX<std::int32_t>, MAX<std::uint64_t>, MAX<std::int32_t>, MAX<std::int64_t>, MAX<std::int64_t>);

    probes.MempoolAdded(a.data(), 141, 1'410);
    probes.MempoolAdded(zero.data(), MIN<std::int32_t>, MIN<std::int64_t>);
    probes.MempoolAdded(ones.data(), MAX<std::int32_t>, MAX<std::int64_t>);
    for (const std::string reason : {"expiry", "sizelimit", "reorg", "block", "conflict", "replaced", ""})
        probes.MempoolRemoved(b.data(), reason.c_str(), 222, 4'440, 1'700'000'123);
    probes.MempoolRemoved(ones.data(), "block", MIN<std::int32_t>, MIN<std::int64_t>, MAX<std::uint64_t>);
    probes.MempoolReplaced(a.data(), 100, 1'000, 1'700'000'001, b.data(), 101, 2'000, true);
    probes.MempoolReplaced(b.data(), MIN<std::int32_t>, MIN<std::int64_t>, 0, a.data(), MAX<std::int32_t>, MAX<std::int64_t>, false);
    probes.MempoolRejected(a.data(), "min relay fee not met");
    probes.MempoolRejected(a.data(), std::string(118, 'r').c_str());
    probes.MempoolRejected(b.data(), std::string(400, 'R').c_str());
    probes.MempoolRejected(zero.data(), "");

    for (std::uint32_t mode{0}; mode <= 4; ++mode) probes.UtxocacheFlush(1'000 + mode, mode, 2'000 + mode, 3'000 + mode, mode % 2 == 1);
    probes.UtxocacheFlush(MIN<std::int64_t>, MAX<std::uint32_t>, MAX<std::uint64_t>, MAX<std::uint64_t>, true);
    using CoinProbe = void (Probes::*)(const std::uint8_t*, std::uint32_t, std::uint32_t, std::int64_t, bool);
    for (const CoinProbe coin : {&Probes::UtxocacheAdd, &Probes::UtxocacheSpent, &Probes::UtxocacheUncache}) {
        (probes.*coin)(a.data(), 7, 899'999, 5'000'000'000, true);
        (probes.*coin)(b.data(), 0, 0, 0, false);
        (probes.*coin)(ones.data(), MAX<std::uint32_t>, MAX<std::uint32_t>, MAX<std::int64_t>, false);
        (probes.*coin)(zero.data(), MAX<std::uint32_t>, 1, MIN<std::int64_t>, true);
    }
}

void Wallet(Probes& probes)
{
    for (const std::string& wallet :
         {std::string{}, std::string{"savings"}, std::string(300, 'w'), std::string{"Spaßkasse \"quoted\\\""}}) {
        probes.SelectedCoins(wallet.c_str(), "bnb", 100'000, -250, 100'000);
        probes.SelectedCoins(wallet.c_str(), "srd", MAX<std::int64_t>, MIN<std::int64_t>, MAX<std::int64_t>);
        probes.NormalCreateTxInternal(wallet.c_str(), true, 1'234, 1);
        probes.NormalCreateTxInternal(wallet.c_str(), false, 0, -1);
        probes.AttemptingApsCreateTx(wallet.c_str());
        probes.ApsCreateTxInternal(wallet.c_str(), true, true, 1'300, 0);
        probes.ApsCreateTxInternal(wallet.c_str(), false, false, MIN<std::int64_t>, MIN<std::int32_t>);
    }
}

void Others(Probes& probes, const std::vector<Peer>& peers)
{
    for (const std::string& reason : {std::string{"mutated block"}, std::string{}, std::string(128, 'm'), std::string(300, 'M'),
                                      std::string{"caf\xc3\xa9 \xff\xfe \x01\x1b[31m\n\t\"\\ \xe2\x82\xac \xed\xa0\x80 end"}}) {
        probes.MisbehavingConnection(4, reason.c_str());
    }
    for (const Peer& peer : peers) {
        probes.AttemptAdd(true, 1'023, 63, peer.addr_name.c_str(), 24'940, "5.6.7.8", 3'320);
        probes.MoveToGood(255, 63, peer.addr_name.c_str(), 24'940, "5.6.7.8", 3'320);
    }
    probes.AttemptAdd(false, MIN<std::int32_t>, -1, "", 0, "", MAX<std::uint32_t>);
    probes.MoveToGood(-1, MIN<std::int32_t>, "", MAX<std::uint32_t>, "", 0);

    const Hash256 hash{Counting(0x80)};
    Bytes bytes(1'000);
    std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
    probes.Demo(1, -1, "demo", hash.data(), 10, bytes.data());
    probes.Demo(MAX<std::uint64_t>, MIN<std::int32_t>, "", hash.data(), 0, nullptr);
    probes.Demo(0, MAX<std::int32_t>, std::string(600, 'd').c_str(), hash.data(), bytes.size(), bytes.data());
}

} // namespace

void RunEvery(Context& context)
{
    const std::vector<Peer> peers{SpecialPeers()};
    for (std::uint64_t round{0}; round < context.options.repeat; ++round) {
        Rng rng{context.options.seed};
        Connections(context.probes, peers);
        Messages(context.probes, peers, rng);
        ChainAndMempool(context.probes);
        Wallet(context.probes);
        Others(context.probes, peers);
        if (!context.pacer.Step()) return;
    }
}

} // namespace coretap::sim
