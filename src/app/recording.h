// What a recording says about the session it is of.
#pragma once

#include <string>
#include <vector>

#include "archive/session_info.h"
#include "event/catalogue.h"
#include "tracer/image.h"

namespace coretap::app {

/**
 * A new session on this machine, now: its id, clocks and host, what is asked of each tracepoint, how much is captured of payloads.
 * `filter`: the words of the command line that chose events.
 */
archive::SessionInfo DescribeSession(const event::Catalogue& catalogue, const tracer::Modes& modes,
                                     const std::array<std::uint32_t, CT_MAX_MSG_TYPES>& snap, std::vector<std::string> filter);

} // namespace coretap::app
