#include "web/replay_command.h"

#include <cmath>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "util/text.h"

namespace coretap::web {
namespace {

namespace json = boost::json;
using util::Errc;
using util::Error;

constexpr double LEAST_SPEED{0.01};
constexpr double MOST_SPEED{1e6};
/** Far enough on both sides, and nanoseconds hold it. */
constexpr double FARTHEST_MS{9.2e12};

std::optional<double> Number(const json::value& value)
{
    boost::system::error_code error;
    const double number{value.to_number<double>(error)};
    return error || !std::isfinite(number) ? std::nullopt : std::optional{number};
}

} // namespace

util::Result<ReplayCommand> ParseReplayCommand(std::string_view text)
{
    boost::system::error_code error;
    json::parse_options options;
    options.max_depth = 2;
    const json::value value(json::parse({text.data(), text.size()}, error, {}, options));
    if (error) return Error{Errc::Malformed, fmt::format("this is no JSON: {}", error.message())};
    const json::object* const object{value.if_object()};
    if (!object || object->empty()) return Error{Errc::Malformed, "the body is a JSON object with some of paused, speed and at_utc_ms"};
    ReplayCommand command;
    for (const auto& [name, member] : *object) {
        if (name == "paused") {
            if (!member.is_bool()) return Error{Errc::Malformed, "paused must be true or false"};
            command.paused = member.get_bool();
        } else if (name == "speed") {
            const auto speed = Number(member);
            if (!speed || (*speed != 0 && !(*speed >= LEAST_SPEED && *speed <= MOST_SPEED)))
                return Error{Errc::Malformed, "speed must be a number from 0.01 to 1000000, or 0: as fast as it goes"};
            command.speed = speed;
        } else if (name == "at_utc_ms") {
            const auto at_ms = Number(member);
            if (!at_ms || std::abs(*at_ms) > FARTHEST_MS) return Error{Errc::Malformed, "at_utc_ms must be milliseconds since 1970"};
            // to the microsecond, as times are given out: a double holds no more
            const double whole_ms{std::floor(*at_ms)};
            const double us{std::round((*at_ms - whole_ms) * 1000)};
            command.at_utc_ns = static_cast<std::int64_t>(whole_ms) * 1'000'000 + static_cast<std::int64_t>(us) * 1000;
        } else {
            return Error{Errc::Usage,
                         fmt::format("there is no {}; there are paused, speed and at_utc_ms", util::Quoted({name.data(), name.size()}))};
        }
    }
    return command;
}

} // namespace coretap::web
