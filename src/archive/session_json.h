// What Session blocks hold: SessionInfo as JSON.
#pragma once

#include <string>
#include <string_view>

#include "archive/session_info.h"
#include "util/result.h"

namespace coretap::archive {

std::string ToJson(const SessionInfo& info);

/**
 * Fails with Unsupported if a newer coretap recorded it, else with Malformed, also on names that could not be a tracepoint's: they go into terminals, JSON and file names as they are.
 * Members that are not known are passed over; those that are missing keep their defaults. Texts for people come out
 * printable.
 */
util::Result<SessionInfo> SessionFromJson(std::string_view text);

} // namespace coretap::archive
