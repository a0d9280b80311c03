// Scenarios that fire as fast as they can. All they send is made before; the loops do nothing but fire.
#include <array>

#include "sim/firehose.h"
#include "sim/scenarios.h"
#include "sim/wire_encode.h"

namespace coretap::sim {
namespace {

/** Every thread has numbers of its own, and peers of its own. */
Rng RngOf(const Context& context) { return Rng{context.options.seed * 0x10001 + context.thread}; }
std::vector<Peer> PeersOf(const Context& context, Rng& rng)
{
    return MakePeers(rng, static_cast<std::int64_t>(context.thread * context.options.peers), context.options.peers, context.options.epoch);
}

} // namespace

void RunFirehose(Context& context)
{
    Rng rng{RngOf(context)};
    const std::vector<Peer> peers{PeersOf(context, rng)};
    const Firehose firehose{rng};
    // flat out, look at the clock only now and then
    const std::size_t batch{context.options.rate.value_or(0) > 0 ? 1u : 64u};
    std::size_t next{0}, next_peer{0};
    do {
        for (std::size_t i{0}; i < batch; ++i) {
            const std::uint32_t pick{firehose.order[next++ % Firehose::LENGTH]};
            const Prebuilt& message{firehose.pool[pick & ~Firehose::OUTBOUND]};
            if (++next_peer == peers.size()) next_peer = 0;
            if (pick & Firehose::OUTBOUND) {
                context.probes.OutboundMessage(peers[next_peer], message.type, message.payload);
            } else {
                context.probes.InboundMessage(peers[next_peer], message.type, message.payload);
            }
        }
    } while (context.pacer.Step());
}

void RunMessages(Context& context)
{
    static constexpr const char* TYPES[]{
        "inv",        "inv",          "inv",        "inv",         "inv",         "inv",         "tx",         "tx",
        "tx",         "tx",           "getdata",    "getdata",     "ping",        "pong",        "headers",    "addrv2",
        "addr",       "version",      "verack",     "sendaddrv2",  "wtxidrelay",  "sendheaders", "sendcmpct",  "feefilter",
        "getheaders", "getblocks",    "getaddr",    "mempool",     "notfound",    "block",       "cmpctblock", "getblocktxn",
        "blocktxn",   "merkleblock",  "filterload", "filteradd",   "filterclear", "getcfilters", "cfilter",    "getcfheaders",
        "cfheaders",  "getcfcheckpt", "cfcheckpt",  "sendtxrcncl", "feature",     "reject",
    };
    Rng rng{RngOf(context)};
    const std::vector<Peer> peers{PeersOf(context, rng)};
    std::vector<Prebuilt> pool;
    for (const char* type : TYPES) {
        for (int i{0}; i < 4; ++i) pool.push_back({type, SamplePayload(type, rng)});
    }
    do {
        const Peer& peer{rng.Pick(peers)};
        const Prebuilt& message{rng.Pick(pool)};
        if (rng.Chance(0.6)) {
            context.probes.InboundMessage(peer, message.type, message.payload);
        } else {
            context.probes.OutboundMessage(peer, message.type, message.payload);
        }
    } while (context.pacer.Step());
}

void RunIbd(Context& context)
{
    Rng rng{RngOf(context)};
    // hashes are taken from a table: making them would cost more than firing
    std::vector<Hash256> hashes(1 << 12);
    for (Hash256& hash : hashes) hash = rng.Hash();
    const auto hash = [&hashes](std::uint64_t draw) { return hashes[draw % hashes.size()].data(); };
    std::uint64_t cached{0};
    for (std::int32_t height{400'000};; ++height) {
        const auto at = static_cast<std::uint32_t>(height);
        const std::uint64_t txs{1 + rng.Below(2'500)};
        std::int32_t inputs{1};
        context.probes.UtxocacheAdd(hash(rng.Next()), 0, at, 1'250'000'000, true);
        for (std::uint64_t i{1}; i < txs; ++i) {
            const std::uint64_t draw{rng.Next()};
            for (std::uint64_t in{0}; in <= draw % 3; ++in, ++inputs) {
                context.probes.UtxocacheSpent(hash(draw >> in), static_cast<std::uint32_t>(in),
                                              at - static_cast<std::uint32_t>((draw >> 40) % 100'000),
                                              static_cast<std::int64_t>(draw >> 33), false);
            }
            for (std::uint64_t out{0}; out <= (draw >> 8) % 3; ++out, ++cached) {
                context.probes.UtxocacheAdd(hash(draw >> 20), static_cast<std::uint32_t>(out), at, static_cast<std::int64_t>(draw >> 34),
                                            false);
            }
            if (i % 64 == 0 && !context.pacer.Step()) return;
        }
        context.probes.BlockConnected(hash(rng.Next()), height, txs, inputs, inputs, inputs * std::int64_t{9'000});
        if (cached > 500'000) {
            context.probes.UtxocacheFlush(1'500'000, 1, cached, cached * 190, false);
            cached = 0;
        }
        if (!context.pacer.Step()) return;
    }
}

void RunBurst(Context& context)
{
    static constexpr std::size_t SIZE{8'000};
    Rng rng{RngOf(context)};
    std::vector<Hash256> txids(SIZE);
    for (Hash256& txid : txids) txid = rng.Hash();
    const std::string reason{"block"};
    for (std::uint64_t round{0}; round < context.options.repeat; ++round) {
        for (std::size_t i{0}; i < SIZE; ++i) {
            const auto n = static_cast<std::int32_t>(i);
            context.probes.MempoolRemoved(txids[i].data(), reason.c_str(), 141 + n % 700, 282 + n * 3,
                                          static_cast<std::uint64_t>(context.options.epoch) + i);
        }
        if (!context.pacer.Step()) return;
    }
}

} // namespace coretap::sim
