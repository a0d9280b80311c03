// Address gossip, the wallet, and the messages one sees now and then.
#include "sim/wire_samples.h"
#include "sim/world.h"

namespace coretap::sim {

void World::Gossip(WorldPeer& peer, std::size_t count)
{
    std::vector<GossipAddress> addresses;
    while (addresses.size() < count) {
        // the old form has no room for the new networks
        NetAddress address{!peer.wants_addrv2  ? RandomAddress(m_rng, m_rng.Chance(0.7) ? Network::Ipv4 : Network::Ipv6) :
                           m_rng.Chance(0.003) ? UnknownAddress(m_rng) :
                                                 RandomAddress(m_rng)};
        addresses.push_back(
            {static_cast<std::uint32_t>(Now() - m_rng.Range(600, 600'000)), m_rng.Chance(0.8) ? 0x0c09u : 0x0408u, std::move(address)});
    }
    if (peer.wants_addrv2) {
        Receive(peer, "addrv2", EncodeAddrV2(addresses));
    } else {
        Receive(peer, "addr", EncodeAddr(addresses));
    }
    const std::string source{peer.address.ToStringAddr()};
    // read, and passed over
    std::erase_if(addresses, [](const GossipAddress& entry) { return entry.address.unknown_id != 0; });
    for (const GossipAddress& entry : addresses) {
        const std::string addr{entry.address.ToStringAddrPort()};
        m_probes.AttemptAdd(m_rng.Chance(0.3), static_cast<std::int32_t>(m_rng.Below(1024)), static_cast<std::int32_t>(m_rng.Below(64)),
                            addr.c_str(), entry.address.asn, source.c_str(), peer.address.asn);
    }
    m_burst = count > 100;
    if (count > 10 || addresses.empty()) return;
    // a few fresh addresses are passed on to one or two peers
    const std::vector<WorldPeer*> others{
        ReadyWhere([&peer](const Peer& other) { return other.id != peer.id && other.type != ConnectionType::BlockRelay; })};
    for (int i{0}; i < 2 && !others.empty(); ++i) {
        const WorldPeer& other{*m_rng.Pick(others)};
        InPeer(m_rng.Exponential(15), other.id, [this, addresses](WorldPeer& to) {
            if (to.wants_addrv2) {
                Send(to, "addrv2", EncodeAddrV2(addresses));
            } else {
                Send(to, "addr", EncodeAddr(addresses));
            }
        });
    }
}

void World::WalletSpend()
{
    static constexpr std::string_view WALLETS[]{"", "savings", "hot-wallet"};
    static constexpr std::string_view ALGORITHMS[]{"bnb", "knapsack", "srd", "cg", "manual"};
    const std::string wallet{m_rng.Pick(WALLETS)};
    // GetAlgorithmName() returns a std::string too
    const std::string algorithm{m_rng.Pick(ALGORITHMS)};
    const std::int64_t target{m_rng.Range(10'000, 500'000'000)};
    const bool success{m_rng.Chance(0.9)};
    const std::int64_t fee{success ? m_rng.Range(150, 40'000) : 0};
    const std::int32_t change{!success || algorithm == "bnb" ? -1 : static_cast<std::int32_t>(m_rng.Below(2))};
    if (success)
        m_probes.SelectedCoins(wallet.c_str(), algorithm.c_str(), target, m_rng.Range(-2'000, 9'000),
                               target + (algorithm == "bnb" ? 0 : m_rng.Range(0, 90'000'000)));
    m_probes.NormalCreateTxInternal(wallet.c_str(), success, fee, change);
    if (!success) return;
    m_probes.AttemptingApsCreateTx(wallet.c_str());
    const std::int64_t aps_fee{fee + m_rng.Range(0, 900)};
    m_probes.SelectedCoins(wallet.c_str(), "knapsack", target, m_rng.Range(-2'000, 9'000), target + m_rng.Range(0, 90'000'000));
    m_probes.ApsCreateTxInternal(wallet.c_str(), aps_fee <= fee, true, aps_fee, static_cast<std::int32_t>(m_rng.Below(2)));
}

void World::RareMessage()
{
    struct Rare {
        const char* request;
        const char* reply; //!< null: none
    };
    static constexpr Rare RARE[]{
        {"getcfilters", "cfilter"}, {"getcfheaders", "cfheaders"}, {"getcfcheckpt", "cfcheckpt"}, {"filterload", nullptr},
        {"filteradd", nullptr},     {"filterclear", nullptr},      {"mempool", nullptr},          {"getblocks", nullptr},
        {"reject", nullptr},        {"feature", nullptr},          {"getdata", "merkleblock"},    {"getdata", "notfound"},
    };
    const std::vector<WorldPeer*> peers{ReadyWhere([](const Peer& peer) { return peer.IsInbound(); })};
    if (peers.empty()) return;
    const WorldPeer& peer{*m_rng.Pick(peers)};
    if (m_rng.Chance(0.05)) {
        Receive(peer, "ping", {}); // as before BIP 31: without a nonce, and so without an answer
        return;
    }
    const Rare rare{m_rng.Pick(RARE)};
    Receive(peer, rare.request, SamplePayload(rare.request, m_rng));
    if (rare.reply) Send(peer, rare.reply, SamplePayload(rare.reply, m_rng));
}

} // namespace coretap::sim
