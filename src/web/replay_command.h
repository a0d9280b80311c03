// What a client may ask of a recording that is shown: POST /api/v1/replay.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "util/result.h"

namespace coretap::web {

struct ReplayCommand {
    std::optional<bool> paused;
    std::optional<double> speed;           //!< 0: as fast as it goes
    std::optional<std::int64_t> at_utc_ns; //!< go there
};

/**
 * Reads `{"paused":true,"speed":10,"at_utc_ms":1795338904123.5}`, of which something must be there. Strict, as ParseSubscription(). Fails
 * with Usage or Malformed.
 */
util::Result<ReplayCommand> ParseReplayCommand(std::string_view json);

} // namespace coretap::web
