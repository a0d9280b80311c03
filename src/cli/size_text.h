// Numbers for people.
#pragma once

#include <cstdint>
#include <string>

namespace coretap::cli {

/** `1,234 B`, `3.4 MiB`. */
std::string SizeText(std::uint64_t bytes);
/** `1,234,567`. */
std::string Grouped(std::uint64_t value);

} // namespace coretap::cli
