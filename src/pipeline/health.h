// How a source that traces is doing, beside what it has counted.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace coretap::pipeline {

struct SourceHealth {
    /** An executable whose probes are attached. */
    struct Attachment {
        std::string path; //!< as it was found
        std::string build_id;
        std::vector<std::uint16_t> tracepoints; //!< by catalogue id
        std::vector<std::string> problems;      //!< a sentence for each probe that is there and not traced
        std::uint64_t processes{0};             //!< that run it now
    };
    std::vector<Attachment> attachments;
    std::uint64_t ring_bytes{0};
    std::uint64_t ring_used_bytes{0};
};

} // namespace coretap::pipeline
