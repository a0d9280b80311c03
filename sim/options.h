// Command line of coretap-sim.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "util/result.h"

namespace coretap::sim {

struct Options {
    std::string scenario{"mainnet"};
    bool list_scenarios{false};
    std::vector<std::string> replay; //!< recordings to fire instead of a scenario: paths, `fd:N`, `-`
    std::optional<double> speed;     //!< of the replay: times as fast as recorded, 0 = flat out; nothing: as recorded
    std::optional<double> rate;      //!< events per second, 0 = flat out; nothing: the scenario's own
    std::uint64_t seed{1};
    std::optional<std::chrono::nanoseconds> duration;
    std::optional<std::uint64_t> count;
    std::uint64_t peers{24};
    unsigned threads{1};
    std::uint64_t repeat{1};
    std::int64_t epoch{1'750'000'000};
    double block_interval_s{60};

    bool wait_attached{false};
    std::vector<std::string> wait_for; //!< `provider:name`, or `all`
    std::chrono::nanoseconds wait_timeout{std::chrono::seconds{30}};
    std::chrono::nanoseconds settle{std::chrono::milliseconds{100}};
    std::chrono::nanoseconds start_delay{0};
    std::chrono::nanoseconds helper{0}; //!< life of a forked child that fires nothing; 0: there is none

    std::string log_fired;
    bool force_active{false};

    // taken as bitcoind takes them, for tools that read them off the command line; nothing is done with them
    std::string datadir;
    std::string chain{"main"};
    std::uint16_t port{8333};
};

/** `500us`, `20ms`, `10s`, `1.5m`, `2h`; a bare number is seconds. Never negative. */
util::Result<std::chrono::nanoseconds> ParseDuration(std::string_view text);

/** What the command line came to: options to run with, or a text to show and a code to exit with. */
struct Parsed {
    std::optional<Options> options;
    std::string text;
    int exit_code{0};
};

/** `args` without the program's name. Arguments may start with one dash or two, as for bitcoind. */
Parsed ParseOptions(std::span<const std::string_view> args);

} // namespace coretap::sim
