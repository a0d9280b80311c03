// What is in a recording, and whether it is sound.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "archive/damage.h"
#include "archive/open_file.h"
#include "archive/session_info.h"
#include "pipeline/ledger.h"
#include "util/result.h"

namespace coretap::archive {

/** Events and sizes of a kind. */
struct Amount {
    std::uint64_t events{0};
    std::uint64_t bytes{0}; //!< of records; of messages: payload bytes the node had (not: captured)
};

struct RecordedNode {
    std::string label;
    std::uint32_t pid{0};
    std::string executable;
    std::string build_id;
    std::string datadir;
    std::string chain;
    std::int64_t started_at{0};
};

/** One recording, or part of one. */
struct FileSummary {
    std::string path;
    std::uint64_t file_bytes{0};
    std::uint64_t blocks{0};
    std::uint64_t record_bytes{0}; //!< before compression
    std::uint64_t events{0};
    std::int64_t first_utc_ns{0};
    std::int64_t last_utc_ns{0};
    std::vector<SessionInfo> sessions; //!< one, unless files were joined
    std::vector<RecordedNode> nodes;
    std::map<std::string, Amount> by_tracepoint; //!< `provider:name`
    std::map<std::string, Amount> messages_in;   //!< by message type
    std::map<std::string, Amount> messages_out;
    std::map<std::string, std::map<std::string, std::uint64_t>> lost; //!< by tracepoint and reason, as coretap:lost said
    std::optional<pipeline::Ledger> ledger; //!< as the end of the recording says it (ids as in its session); empty after a crash
    bool ended_well{false};                 //!< closed in order: not torn, not still being written
    std::vector<Damage> damage;             //!< found on the way: verify looks at every byte, info at what it needs
};

/**
 * `thorough` reads, decompresses, checks and parses everything (coretap verify); otherwise totals come from the index where the recording has one
 * (coretap info). Errors as ReplaySource::Open.
 */
util::Result<FileSummary> Inspect(OpenFile file, bool thorough);
/** Opens the file besides. */
util::Result<FileSummary> Inspect(const std::filesystem::path& path, bool thorough);

} // namespace coretap::archive
