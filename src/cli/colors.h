// The terminal's colours that reports use. They are for terminals: the callers ask first.
#pragma once

#include <string_view>

namespace coretap::cli {

inline constexpr std::string_view GREEN{"\033[32m"};
inline constexpr std::string_view YELLOW{"\033[33m"};
inline constexpr std::string_view RED{"\033[31m"};
inline constexpr std::string_view BOLD{"\033[1m"};
inline constexpr std::string_view DIM{"\033[2m"};
inline constexpr std::string_view PLAIN{"\033[0m"}; //!< ends each of them

} // namespace coretap::cli
