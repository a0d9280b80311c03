// What the values of options mean, wherever they come from: the command line, the environment, the configuration file. Errors say what is
// wrong with the value; who asked says which option it was for.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "util/result.h"

namespace coretap::app {

/** A whole number above zero; `what` is what there are so many of. */
util::Result<std::uint64_t> ParseCount(std::string_view text, std::string_view what);

/** How often: a duration, or 0 for never. */
util::Result<std::chrono::nanoseconds> ParseEvery(std::string_view text);

/** Where a part of recordings begins or ends: a time, or `+` and a duration from their start. Nothing if `text` is empty. */
util::Result<std::optional<std::int64_t>> ParseEdge(std::string_view text, std::int64_t start_utc_ns);

/** How fast recordings are replayed; 0 (`max`): as fast as it goes. */
util::Result<double> ParseSpeed(std::string_view text);

/** When a recording's next part begins: at a size, or at an age; the other is 0. */
struct Rotation {
    std::uint64_t bytes{0};
    std::chrono::nanoseconds age{0};
};
util::Result<Rotation> ParseRotation(std::string_view text);

/** Where to listen: `8338`, `127.0.0.1:8338`, `[::1]:8338`, `0.0.0.0`. What is left out is as by default. */
struct ListenOn {
    std::string address;
    std::uint16_t port{0};
};
util::Result<ListenOn> ParseListen(std::string_view text);

/** How to reach the RPC: not at all, as bitcoin-cli would, or at this address. */
struct RpcWhere {
    bool on{true};
    std::optional<std::string> host;
    std::optional<std::uint16_t> port;
};
util::Result<RpcWhere> ParseRpcWhere(std::string_view text);

/** The parts that are not empty. */
std::vector<std::string> Split(std::string_view text, char separator);

} // namespace coretap::app
