// The traffic of scenario `firehose`, made before it is sent: a busy node's mix of messages, in an order.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/hash.h"
#include "sim/peer.h"

namespace coretap::sim {

struct Prebuilt {
    std::string type;
    Bytes payload;
};

struct Firehose {
    std::vector<Prebuilt> pool;
    std::vector<std::uint32_t> order; //!< indexes into the pool; its highest bit: outbound
    static constexpr std::size_t LENGTH{1 << 16};
    static constexpr std::uint32_t OUTBOUND{1u << 31};

    explicit Firehose(Rng& rng);
};

} // namespace coretap::sim
