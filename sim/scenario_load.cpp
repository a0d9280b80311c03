// Scenarios that fire as fast as they can. All they send is made before; the loops do nothing but fire.
#include <array>

#include "sim/scenarios.h"
#include "sim/wire_samples.h"

namespace coretap::sim {
namespace {

struct Prebuilt {
    std::string type;
    Bytes payload;
};

/** Every thread has numbers of its own, and peers of its own. */
Rng RngOf(const Context& context) { return Rng{context.options.seed * 0x10001 + context.thread}; }
std::vector<Peer> PeersOf(const Context& context, Rng& rng)
{
    return MakePeers(rng, static_cast<std::int64_t>(context.thread * context.options.peers), context.options.peers, context.options.epoch);
}

/** A transaction of about this size, for the firehose. */
Bytes TxOf(Rng& rng)
{
    std::vector<OutPoint> spent;
    for (std::uint64_t i{0}; i <= rng.Below(3); ++i) spent.push_back({rng.Hash(), static_cast<std::uint32_t>(rng.Below(4))});
    std::vector<std::int64_t> values;
    for (std::uint64_t i{0}; i <= rng.Below(3); ++i) values.push_back(rng.Range(600, 50'000'000));
    return Serialize(RandomTx(rng, spent, values)).raw;
}

Bytes InvOf(Rng& rng)
{
    // mostly one to three entries, now and then a batch
    const std::uint64_t count{rng.Chance(0.9) ? 1 + rng.Below(3) : 4 + rng.Below(32)};
    std::vector<InvEntry> entries;
    while (entries.size() < count) entries.push_back({rng.Chance(0.95) ? inv_type::WTX : inv_type::TX, rng.Hash()});
    return EncodeInv(entries);
}

struct Firehose {
    std::vector<Prebuilt> pool;
    std::vector<std::uint32_t> order; //!< indexes into the pool; its highest bit: outbound
    static constexpr std::size_t LENGTH{1 << 16};
    static constexpr std::uint32_t OUTBOUND{1u << 31};

    explicit Firehose(Rng& rng)
    {
        struct Kind {
            const char* type;
            double share;
            double inbound;
            std::size_t samples;
            Bytes (*make)(Rng&, const SampleBlock&);
        };
        static constexpr auto NONCE = [](Rng& r, const SampleBlock&) { return EncodeNonce(r.Next()); };
        static constexpr auto INV = [](Rng& r, const SampleBlock&) { return InvOf(r); };
        static constexpr Kind KINDS[]{
            {"inv", 0.55, 0.6, 512, INV},
            {"tx", 0.25, 0.7, 512, [](Rng& r, const SampleBlock&) { return TxOf(r); }},
            {"ping", 0.05, 0.5, 32, NONCE},
            {"pong", 0.05, 0.5, 32, NONCE},
            {"getdata", 0.05, 0.4, 128, INV},
            {"headers", 0.015, 0.5, 32, [](Rng& r, const SampleBlock&) { return SamplePayload("headers", r); }},
            {"addrv2", 0.015, 0.7, 32, [](Rng& r, const SampleBlock&) { return SamplePayload("addrv2", r); }},
            {"notfound", 0.016, 0.5, 32, INV},
            {"cmpctblock", 0.004, 0.5, 4,
             [](Rng& r, const SampleBlock& block) { return EncodeCmpctBlock(block.header, r.Next(), block.TxPointers()); }},
        };
        const SampleBlock block{MakeSampleBlock(rng, 1'000'000)};
        std::vector<std::uint32_t> first;
        for (const Kind& kind : KINDS) {
            first.push_back(static_cast<std::uint32_t>(pool.size()));
            for (std::size_t i{0}; i < kind.samples; ++i) pool.push_back({kind.type, kind.make(rng, block)});
        }
        const auto whole_block = static_cast<std::uint32_t>(pool.size());
        pool.push_back({"block", EncodeBlock(block.header, block.TxPointers())});
        for (std::size_t i{0}; i < LENGTH; ++i) {
            double draw{rng.Fraction()};
            std::size_t kind{0};
            while (kind + 1 < std::size(KINDS) && draw >= KINDS[kind].share) draw -= KINDS[kind++].share;
            const auto sample = first[kind] + static_cast<std::uint32_t>(rng.Below(KINDS[kind].samples));
            order.push_back(sample | (rng.Chance(KINDS[kind].inbound) ? 0 : OUTBOUND));
        }
        // one block in about 20,000 messages
        for (std::size_t i{10'000}; i < LENGTH; i += 20'000) order[i] = whole_block;
    }
};

} // namespace

void RunFirehose(Context& context)
{
    Rng rng{RngOf(context)};
    const std::vector<Peer> peers{PeersOf(context, rng)};
    const Firehose firehose{rng};
    if (context.thread == 0) context.stopwatch.Start();
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
    Rng rng{RngOf(context)};
    const std::vector<Peer> peers{PeersOf(context, rng)};
    std::vector<Prebuilt> pool;
    for (const MessageSample& row : MessageSamples()) {
        for (unsigned i{0}; i < 4 * row.share; ++i) pool.push_back({std::string{row.type}, row.make ? row.make(rng) : Bytes{}});
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
