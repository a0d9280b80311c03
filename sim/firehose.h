// The mix of P2P messages of a busy node, made before it is fired: mostly inv and tx, rarely a compact block, one whole block in 20,000
// messages. Benchmarks decode and record the same.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/hash.h"

namespace coretap::sim {

struct Prebuilt {
    std::string type;
    Bytes payload;
};

struct Firehose {
    static constexpr std::size_t LENGTH{1 << 16};
    static constexpr std::uint32_t OUTBOUND{1u << 31};
    std::vector<Prebuilt> pool;
    std::vector<std::uint32_t> order; //!< LENGTH indexes into the pool; the highest bit: outbound

    explicit Firehose(Rng& rng);

    const Prebuilt& At(std::size_t i) const { return pool[order[i % LENGTH] & ~OUTBOUND]; }
    bool Outbound(std::size_t i) const { return (order[i % LENGTH] & OUTBOUND) != 0; }
};

} // namespace coretap::sim
