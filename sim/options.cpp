#include "sim/options.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <ctime>
#include <sstream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace coretap::sim {
namespace {

constexpr const char* FOOTER{R"(
stdout carries one JSON object, printed on exit (also after SIGINT, SIGTERM):
  {"pid":N,"scenario":"S","seed":N,"elapsed_s":X,
   "fired":{"net:inbound_message":N,...},"calls":{...},
   "ns_per_fire":X,"cpu_ns_per_fire":X}
With --replay it also says how many events were recorded, which of them
were not fired, and which were fired with less than the node had.
A call counts as fired if a tracer was attached to its tracepoint.
stderr says "ready pid=N" once there is something to attach to.

Exit codes: 0 done, 1 failed or nobody attached in time, 2 usage,
3 replayed, but for what is damaged in the recording.

Examples:
  coretap-sim
  coretap-sim --scenario firehose --duration 10s --threads 2
  coretap-sim --scenario every --wait-attached --wait-for all
  coretap-sim --replay node.ctap --speed 10
  coretap-sim --list-scenarios)"};

/** bitcoind takes -name=value as well as --name=value; CLI11 would read -name as single letters. */
std::string WithTwoDashes(std::string_view arg)
{
    const bool one_dash{arg.size() > 2 && arg[0] == '-' && arg[1] != '-' && std::isalpha(static_cast<unsigned char>(arg[1]))};
    return (one_dash ? "-" : "") + std::string{arg};
}

/** As CLI::Range, with a message and a help text for people. */
CLI::Validator Between(double low, double high)
{
    return {[low, high](std::string& text) -> std::string {
                double value{0};
                if (CLI::detail::lexical_cast(text, value) && value >= low && value <= high) return {};
                return high < 1e15 ? fmt::format("'{}' is not between {} and {}", text, low, high) :
                                     fmt::format("'{}' is less than {}", text, low);
            },
            ""};
}
constexpr double NO_LIMIT{1e18};

} // namespace

util::Result<std::chrono::nanoseconds> ParseDuration(std::string_view text)
{
    struct UnitName {
        std::string_view name;
        double ns;
    };
    static constexpr UnitName UNITS[]{{"", 1e9},  {"ns", 1},   {"us", 1e3},   {"ms", 1e6},
                                      {"s", 1e9}, {"m", 60e9}, {"min", 60e9}, {"h", 3600e9}};
    const util::Error wrong{util::Errc::Usage, fmt::format("'{}' is no duration: write 500ms, 10s, 2m or 1h", text)};
    double value{0};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || !std::isfinite(value) || value < 0) return wrong;
    const std::string_view unit{end, static_cast<std::size_t>(text.data() + text.size() - end)};
    const auto known = std::ranges::find(UNITS, unit, &UnitName::name);
    if (known == std::end(UNITS) || value * known->ns > 9e18) return wrong;
    return std::chrono::nanoseconds{static_cast<std::int64_t>(value * known->ns)};
}

Parsed ParseOptions(std::span<const std::string_view> args)
{
    Options options;
    CLI::App app{"A stand-in for a Bitcoin Core node: real tracepoints, made-up traffic.", "coretap-sim"};
    app.footer(FOOTER);
    app.get_formatter()->column_width(28);
    app.set_version_flag("--version", "coretap-sim 0.1.0");

    const auto duration = [&app](const std::string& name, std::chrono::nanoseconds& target, const std::string& help) {
        app.add_option_function<std::string>(
               name,
               [&target, name](const std::string& text) {
                   const auto parsed = ParseDuration(text);
                   if (!parsed) throw CLI::ValidationError{name, parsed.GetError().what};
                   target = *parsed;
               },
               help)
            ->type_name("DURATION");
    };

    std::chrono::nanoseconds run_for{-1};
    double rate{-1};
    std::int64_t count{-1};
    std::string epoch;
    std::string speed;
    auto* const scenario = app.add_option("--scenario", options.scenario, "What to do; see --list-scenarios (default: mainnet)");
    auto* const replay =
        app.add_option("--replay", options.replay, "Fire what a recording of coretap's has;\nfd:N: an open descriptor; repeatable")
            ->type_name("FILE")
            ->allow_extra_args(false)
            ->excludes(scenario);
    auto* const speed_option = app.add_option("--speed", speed, "Times as fast as recorded, or max (default: 1)")->needs(replay);
    app.add_flag("--list-scenarios", options.list_scenarios, "List the scenarios and exit");
    app.add_option("--rate", rate, "Events per second, 0: flat out (default: scenario's)")
        ->check(Between(0, NO_LIMIT))
        ->excludes(speed_option);
    app.add_option("--seed", options.seed, "Same seed, same firings (default: 1)");
    duration("--duration", run_for, "Stop after that time (default: run until stopped)");
    app.add_option("--count", count, "Stop after exactly N tracepoint calls")->check(Between(1, NO_LIMIT));
    app.add_option("--peers", options.peers, "Number of peers (default: 24)")->check(Between(1, 100'000));
    app.add_option("--threads", options.threads, "Firing threads; not for all scenarios (default: 1)")->check(Between(1, 256));
    app.add_option("--repeat", options.repeat, "Rounds, for scenarios that end (default: 1)")->check(Between(1, NO_LIMIT));
    app.add_option("--epoch", epoch, "Unix time at the start, or now (default: 1750000000)");
    app.add_option("--block-interval", options.block_interval_s, "Mean model seconds between blocks (default: 60)")
        ->check(Between(0.001, NO_LIMIT));

    app.add_flag("--wait-attached", options.wait_attached, "Do not fire before a tracer is attached");
    app.add_option("--wait-for", options.wait_for, "Tracepoint to wait for, or 'all'; repeatable\n(default: net:inbound_message)")
        ->type_name("PROVIDER:NAME")
        ->allow_extra_args(false);
    duration("--wait-timeout", options.wait_timeout, "Give up waiting after that time (default: 30s)");
    duration("--settle", options.settle, "Once attached, wait on for the rest (default: 100ms)");
    duration("--start-delay", options.start_delay, "Wait that long before firing");
    duration("--helper", options.helper, "Have a child that does nothing, for that long");

    app.add_option("--log-fired", options.log_fired, "Write a JSON line for each executed firing")->type_name("FILE");
    app.add_flag("--force-active", options.force_active, "Fire as if a tracer were attached to everything");

    app.add_option("--datadir", options.datadir, "As bitcoind's; for tools that read command lines")->type_name("PATH");
    app.add_option("--chain", options.chain, "As bitcoind's: main, test, testnet4, signet");
    app.add_option("--port", options.port, "As bitcoind's; nothing listens");
    for (const auto& [flag, chain] :
         {std::pair{"--regtest", "regtest"}, {"--signet", "signet"}, {"--testnet", "test"}, {"--testnet4", "testnet4"}}) {
        app.add_flag_callback(
               flag, [&options, chain = chain] { options.chain = chain; }, "")
            ->group("");
    }

    // CLI11 takes a vector of arguments from back to front
    std::vector<std::string> reversed;
    for (const std::string_view arg : args) reversed.push_back(WithTwoDashes(arg));
    std::ranges::reverse(reversed);
    try {
        app.parse(std::move(reversed));
    } catch (const CLI::ParseError& error) {
        std::ostringstream out;
        const int code{app.exit(error, out, out)};
        return {std::nullopt, out.str(), code == 0 ? 0 : 2};
    }
    if (speed == "max") {
        options.speed = 0;
    } else if (!speed.empty()) {
        double value{0};
        const auto [end, error] = std::from_chars(speed.data(), speed.data() + speed.size(), value);
        if (error != std::errc{} || end != speed.data() + speed.size() || !std::isfinite(value) || value <= 0)
            return {std::nullopt, fmt::format("--speed: '{}' is neither a number above 0 nor 'max'\n", speed), 2};
        options.speed = value;
    }
    if (run_for.count() >= 0) options.duration = run_for;
    if (rate >= 0) options.rate = rate;
    if (count >= 0) options.count = static_cast<std::uint64_t>(count);
    if (epoch == "now") {
        options.epoch = static_cast<std::int64_t>(std::time(nullptr));
    } else if (!epoch.empty()) {
        const auto [end, error] = std::from_chars(epoch.data(), epoch.data() + epoch.size(), options.epoch);
        if (error != std::errc{} || end != epoch.data() + epoch.size())
            return {std::nullopt, fmt::format("--epoch: '{}' is neither a unix time nor 'now'\n", epoch), 2};
    }
    return {std::move(options), {}, 0};
}

} // namespace coretap::sim
