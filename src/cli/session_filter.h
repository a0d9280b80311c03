// Which events: from the options to a filter, and back to words.
#pragma once

#include <string>
#include <vector>

#include "app/config.h"
#include "cli/session.h"
#include "pipeline/filter.h"

namespace coretap::cli {

/** The options, and what the configuration says where they say nothing. */
util::Result<pipeline::FilterSpec> ParseFilter(const SessionOptions& options, const app::Config& config);
/** The words that chose events, as they may be said again. */
std::vector<std::string> FilterWords(const SessionOptions& options);
/** Each may be several, with commas. */
std::vector<std::string> SplitNames(const std::vector<std::string>& lists);

} // namespace coretap::cli
