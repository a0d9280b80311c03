// coretap-sim from its command line to its exit code.
#pragma once

#include <ostream>
#include <span>
#include <string_view>

namespace coretap::sim {

/** `args` without the program's name. Data goes to `out`, everything else to `err`. Takes over SIGINT and SIGTERM. */
[[nodiscard]] int Main(std::span<const std::string_view> args, std::ostream& out, std::ostream& err);

} // namespace coretap::sim
