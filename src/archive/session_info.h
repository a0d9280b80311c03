// What a recording says about itself, in the first block of each file (and again where files were joined).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "abi/coretap_abi.h"
#include "event/catalogue.h"

namespace coretap::archive {

/** A tracepoint of the session: its row as it was when recording, so that later versions and other configurations can read it. */
struct RecordedTracepoint {
    event::TracepointDef def;
    std::uint8_t mode{CT_MODE_OFF}; //!< CT_MODE_COUNT or CT_MODE_DELIVER
};

struct SessionInfo {
    std::string session_id;      //!< 32 hex digits, random: the parts of one rotated recording share it
    std::uint32_t part{1};       //!< 1, 2, … of a rotated recording
    std::string coretap_version; //!< who wrote it
    std::uint32_t abi_version{CT_ABI_VERSION};
    std::string host;    //!< host name, for people
    std::string boot_id; //!< /proc/sys/kernel/random/boot_id: monotonic clocks of one boot compare
    std::int64_t started_at_utc_ns{0};
    std::int64_t utc_offset_ns{0};                      //!< kernel time + this = UTC, when the file was begun; each block has its own
    std::vector<std::string> filter;                    //!< the words of the command line that chose events, for people
    std::array<std::uint32_t, CT_MAX_MSG_TYPES> snap{}; //!< payload bytes captured, by message type id (CT_SNAP_WITHHOLD: not sent at all)
    std::vector<RecordedTracepoint> tracepoints;        //!< those that were delivered or counted, and coretap's own
};

} // namespace coretap::archive
