// What the user may have meant.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace coretap::util {

/** The name most like `name`, if one is near enough to be a typing error or the beginning of it; else empty. */
std::string_view Nearest(std::string_view name, std::span<const std::string_view> names);

/** ` did you mean 'x'?` with the nearest name, or ` one of: a, b, c` where nothing is near. For the end of a message. */
std::string Suggestion(std::string_view name, std::span<const std::string_view> names);

} // namespace coretap::util
