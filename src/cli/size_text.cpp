#include "cli/size_text.h"

#include <iterator>

#include <fmt/format.h>

#include "util/text.h"

namespace coretap::cli {

std::string Grouped(std::uint64_t value)
{
    std::string text;
    util::AppendGrouped(text, value);
    return text;
}

std::string SizeText(std::uint64_t bytes)
{
    constexpr const char* UNITS[]{"B", "KiB", "MiB", "GiB", "TiB"};
    double value{static_cast<double>(bytes)};
    std::size_t unit{0};
    for (; value >= 1024 && unit + 1 < std::size(UNITS); ++unit) value /= 1024;
    return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, UNITS[unit]);
}

} // namespace coretap::cli
