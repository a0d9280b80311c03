#include "sim/scenarios.h"

#include <algorithm>

#include "sim/chain.h"
#include "sim/world.h"

namespace coretap::sim {
namespace {

WorldOptions WorldOf(const Options& options)
{
    WorldOptions world;
    world.seed = options.seed;
    world.peers = options.peers;
    world.epoch = options.epoch;
    world.block_interval_s = options.block_interval_s;
    return world;
}

void RunMainnet(Context& context)
{
    World world{context.probes, WorldOf(context.options)};
    while (world.Step() ? context.pacer.StepBurst() : context.pacer.Step()) {
    }
    world.Shutdown();
}

void RunBlocks(Context& context)
{
    Rng rng{context.options.seed};
    Chain chain{rng, 900'000};
    std::int64_t time{context.options.epoch};
    do {
        std::vector<TxRef> txs;
        for (std::uint64_t left{rng.Below(60)}; left > 0; --left) txs.push_back(chain.MakeTx());
        time += static_cast<std::int64_t>(rng.Exponential(600));
        chain.Connect(context.probes, chain.MakeBlock(std::move(txs), time));
        if (rng.Chance(0.05)) context.probes.UtxocacheFlush(rng.Range(500, 90'000), 1, 80'000, 15'200'000, false);
    } while (context.pacer.Step());
}

void RunIdle(Context& context)
{
    WorldOptions options{WorldOf(context.options)};
    options.traffic = false;
    options.ping_interval_s = 3.0 * static_cast<double>(options.peers);
    World world{context.probes, options};
    // by the model's clock, whatever the rate
    const auto start = Pacer::Clock::now();
    while (context.pacer.Sleep(start + std::chrono::nanoseconds{static_cast<std::int64_t>(world.NextAt() * 1e9)} - Pacer::Clock::now()))
        world.Step();
}

void RunRestartHello(Context& context)
{
    WorldOptions options{WorldOf(context.options)};
    options.traffic = false;
    options.peers = 2;
    for (std::uint64_t round{0}; round < context.options.repeat; ++round) {
        World world{context.probes, options};
        while (world.ReadyPeers() < options.peers && context.pacer.Step()) world.Step();
    }
}

constexpr Scenario SCENARIOS[]{
    {"mainnet", "a node among peers: handshakes, transactions, blocks, gossip, a wallet", 100, false, RunMainnet},
    {"every", "every tracepoint with known, extreme arguments; then exits", 0, false, RunEvery},
    {"firehose", "the mix of P2P messages of a busy node, prebuilt, flat out", 0, true, RunFirehose},
    {"messages", "P2P messages of all types, nothing else", 100, true, RunMessages},
    {"blocks", "blocks and the UTXO changes they make, nothing else", 100, false, RunBlocks},
    {"ibd", "initial block download: UTXO changes and blocks, flat out", 0, true, RunIbd},
    {"faults", "pointers nobody can read, strings and payloads that run off a page; then exits", 0, false, RunFaults},
    {"burst", "8,000 mempool:removed in a row, as when a block empties a mempool; then exits", 0, true, RunBurst},
    {"idle", "handshakes, then a ping every few seconds", 0, false, RunIdle},
    {"restart-hello", "handshakes with two peers; then exits", 0, false, RunRestartHello},
};

} // namespace

std::span<const Scenario> Scenarios() { return SCENARIOS; }

const Scenario* FindScenario(std::string_view name)
{
    const auto it = std::ranges::find(SCENARIOS, name, &Scenario::name);
    return it == std::end(SCENARIOS) ? nullptr : it;
}

std::vector<Peer> MakePeers(Rng& rng, std::int64_t first_id, std::uint64_t count, std::int64_t connected_at)
{
    std::vector<Peer> peers(count);
    for (std::uint64_t i{0}; i < count; ++i) {
        Peer& peer{peers[i]};
        peer.id = first_id + static_cast<std::int64_t>(i);
        peer.type = i < 8 ? ConnectionType::OutboundFullRelay : i < 10 ? ConnectionType::BlockRelay : ConnectionType::Inbound;
        peer.address = RandomAddress(rng);
        peer.addr_name = peer.address.ToStringAddrPort();
        peer.connected_at = connected_at;
    }
    return peers;
}

} // namespace coretap::sim
