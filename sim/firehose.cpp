#include "sim/firehose.h"

#include "sim/wire_samples.h"

namespace coretap::sim {
namespace {

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

} // namespace

Firehose::Firehose(Rng& rng)
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

} // namespace coretap::sim
