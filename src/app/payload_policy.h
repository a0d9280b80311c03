// How much of a P2P message's payload is captured, by message type.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "abi/coretap_abi.h"
#include "util/result.h"

namespace coretap::app {

/** Most payload bytes captured, by message type id (event::MessageTypeId); row 0 is for types we do not know. */
struct PayloadPolicy {
    std::array<std::uint32_t, CT_MAX_MSG_TYPES> snap{};

    /** Whether any payload is captured. */
    bool Any() const
    {
        for (const std::uint32_t bytes : snap) {
            if (bytes != 0) return true;
        }
        return false;
    }
};

/**
 * `none`, `all`, a size (`80`, `4KiB`: the first so many bytes of every payload), or a list of `type=size`, as in
 * `inv=all,tx=80,*=16`: `*` is for the types the list does not name (`none` without it), `other` for those that are not
 * Bitcoin Core's. Fails with Usage on a type or size that makes no sense.
 */
util::Result<PayloadPolicy> ParsePayloadPolicy(std::string_view text);

/** The policy as ParsePayloadPolicy() takes it. Types that were not sent at all (CT_SNAP_WITHHOLD) leave `; only inv,tx` behind it. */
std::string ToString(const PayloadPolicy& policy);

} // namespace coretap::app
