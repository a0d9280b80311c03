// The configuration file (TOML). docs/config.md describes the keys; this header what becomes of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/own_file.h"
#include "app/payload_policy.h"
#include "app/settings.h"
#include "event/catalogue.h"
#include "util/result.h"

namespace coretap::app {

/** What the file says; empty where it says nothing. The command line goes before it. */
struct Config {
    // [trace]
    std::optional<std::uint64_t> ring_bytes;
    std::vector<std::string> only;   //!< as --only
    std::vector<std::string> enable; //!< as --enable: besides those on by default
    std::optional<PayloadPolicy> payload;
    std::optional<std::string> user;     //!< account to drop to
    std::vector<std::string> count_only; //!< as --count-only
    bool measure_cost{false};
    bool perf_uprobes{false};
    /** All that [trace] and [serve] say, as text. Relative paths have become such that begin where the file is. */
    Settings settings;
    // [[tracepoint]], checked, ready for AddUserTracepoints(); ids are not set
    std::vector<event::TracepointDef> tracepoints;
};

/**
 * Read and check a file. Everything in it is checked: TOML, keys, types, ranges, tracepoint names (against the
 * built-in catalogue and the file's own rows). Fails with Usage and `file:line:column: what is wrong, what is allowed`,
 * with NotFound, Permission or Io if there is no reading it.
 */
util::Result<Config> LoadConfig(const std::string& path, const OpenOwn& open = OpenOwnFile);
/** The same for a text. `source_name` stands where the file's name would. */
util::Result<Config> ParseConfig(std::string_view text, std::string_view source_name);

/** Add the file's tracepoints to the catalogue. Fails with Usage if there are too many or one is there already. */
util::Result<> AddUserTracepoints(const Config& config, event::Catalogue& catalogue);

} // namespace coretap::app
