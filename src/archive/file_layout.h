// Which sessions and parts a file holds, and where: from the indexes at their ends, or from a walk over the headers.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "archive/file_reader.h"

namespace coretap::archive {

/** A part of a session, or what there is of it, within a file. */
struct Segment {
    SessionInfo info;
    std::uint64_t tag{0};
    std::uint32_t first_number{0};
    std::uint64_t begin{0};
    std::uint64_t end{0};
    bool at_file_begin{false};      //!< nothing that could be read comes before it
    bool at_file_end{false};        //!< nothing comes after it: it may grow
    bool closed{false};             //!< in order
    bool last{false};               //!< of the recording, as it says itself
    std::optional<PartEnd> summary; //!< as its end has it, without the index; only if the index was found from the end
    std::vector<IndexEntry> index;  //!< offsets from `begin`; of blocks that are sound by their headers
};

/** The segments of a file that can be sought in, in order. Errors as FileReader::Next. */
util::Result<std::vector<Segment>> Segments(FileReader& file);

} // namespace coretap::archive
