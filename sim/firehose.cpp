#include "sim/firehose.h"

#include "sim/wire_encode.h"

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
    while (entries.size() < count) entries.push_back({inv_type::WTX, rng.Hash()});
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
        Bytes (*make)(Rng&);
    };
    static constexpr Kind KINDS[]{
        {"inv", 0.55, 0.6, 512, InvOf},
        {"tx", 0.25, 0.7, 512, TxOf},
        {"ping", 0.05, 0.5, 32, [](Rng& r) { return EncodeNonce(r.Next()); }},
        {"pong", 0.05, 0.5, 32, [](Rng& r) { return EncodeNonce(r.Next()); }},
        {"getdata", 0.05, 0.4, 128, InvOf},
        {"headers", 0.015, 0.5, 32, [](Rng& r) { return SamplePayload("headers", r); }},
        {"addrv2", 0.015, 0.7, 32, [](Rng& r) { return SamplePayload("addrv2", r); }},
        {"notfound", 0.016, 0.5, 32, InvOf},
        {"cmpctblock", 0.004, 0.5, 4,
         [](Rng& r) {
             // 10 to 20 kB: a header, some 2,500 short ids of 6 bytes, the coinbase
             const std::uint64_t ids{1'700 + r.Below(1'500)};
             Encoder out;
             out.Raw(r.Blob(80)).U64(r.Next()).Compact(ids).Raw(r.Blob(ids * 6)).Compact(1).Compact(0);
             return out.Raw(EncodeTx(CoinbaseTx(r, 900'000, 312'500'000, r.Hash()))).Take();
         }},
    };
    std::vector<std::uint32_t> first;
    for (const Kind& kind : KINDS) {
        first.push_back(static_cast<std::uint32_t>(pool.size()));
        for (std::size_t i{0}; i < kind.samples; ++i) pool.push_back({kind.type, kind.make(rng)});
    }
    const auto block = static_cast<std::uint32_t>(pool.size());
    pool.push_back({"block", rng.Blob(1'000'000)});
    for (std::size_t i{0}; i < LENGTH; ++i) {
        double draw{rng.Fraction()};
        std::size_t kind{0};
        while (kind + 1 < std::size(KINDS) && draw >= KINDS[kind].share) draw -= KINDS[kind++].share;
        const auto sample = first[kind] + static_cast<std::uint32_t>(rng.Below(KINDS[kind].samples));
        order.push_back(sample | (rng.Chance(KINDS[kind].inbound) ? 0 : OUTBOUND));
    }
    // one block in about 20,000 messages
    for (std::size_t i{10'000}; i < LENGTH; i += 20'000) order[i] = block;
}

} // namespace coretap::sim
