// A place in a recording that cannot be read.
#pragma once

#include <cstdint>
#include <string>

namespace coretap::archive {

struct Damage {
    std::uint64_t at{0};      //!< offset in the file
    std::uint64_t bytes{0};   //!< skipped; 0: nothing is wrong but that something is missing here
    std::uint64_t blocks{0};  //!< lost in it, by the numbers of those around it
    std::uint64_t records{0}; //!< lost in it, as far as that can be told
    std::string reason;
};

} // namespace coretap::archive
