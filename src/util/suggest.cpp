#include "util/suggest.h"

#include <algorithm>
#include <vector>

namespace coretap::util {
namespace {

// Nobody mistypes a name this long, and the distance takes the product of the lengths.
constexpr std::size_t LONGEST{64};

/** Insertions, deletions, substitutions and swaps of neighbours from one to the other (optimal string alignment). */
std::size_t Distance(std::string_view from, std::string_view to)
{
    std::vector<std::size_t> before(to.size() + 1);
    std::vector<std::size_t> row(to.size() + 1);
    std::vector<std::size_t> next(to.size() + 1);
    for (std::size_t j{0}; j <= to.size(); ++j) row[j] = j;
    for (std::size_t i{1}; i <= from.size(); ++i) {
        next[0] = i;
        for (std::size_t j{1}; j <= to.size(); ++j) {
            const std::size_t cost{from[i - 1] == to[j - 1] ? 0u : 1u};
            next[j] = std::min({row[j] + 1, next[j - 1] + 1, row[j - 1] + cost});
            if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1]) next[j] = std::min(next[j], before[j - 2] + 1);
        }
        before.swap(row);
        row.swap(next);
    }
    return row[to.size()];
}

} // namespace

std::string_view Nearest(std::string_view name, std::span<const std::string_view> names)
{
    if (name.empty() || name.size() > LONGEST) return {};
    std::string_view nearest;
    std::size_t least{std::max<std::size_t>(1, name.size() / 3) + 1};
    for (const std::string_view candidate : names) {
        const std::size_t distance{Distance(name, candidate)};
        if (distance < least) {
            least = distance;
            nearest = candidate;
        }
    }
    if (!nearest.empty() || name.size() < 3) return nearest;
    const auto begins = std::ranges::find_if(names, [name](std::string_view candidate) { return candidate.starts_with(name); });
    return begins == names.end() ? std::string_view{} : *begins;
}

std::string Suggestion(std::string_view name, std::span<const std::string_view> names)
{
    if (const std::string_view nearest{Nearest(name, names)}; !nearest.empty()) return " did you mean '" + std::string{nearest} + "'?";
    std::string text{" one of:"};
    for (const std::string_view candidate : names) {
        text += text.ends_with(':') ? " " : ", ";
        text += candidate;
    }
    return text;
}

} // namespace coretap::util
