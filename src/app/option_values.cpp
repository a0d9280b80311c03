#include "app/option_values.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "poll/bitcoin_conf.h"
#include "util/text.h"
#include "util/time.h"
#include "web/server.h"

namespace coretap::app {
namespace {

constexpr std::uint64_t LEAST_PART_BYTES{1 << 20};
constexpr std::chrono::seconds LEAST_PART_AGE{1};

util::Error Wrong(std::string what) { return {util::Errc::Usage, std::move(what)}; }

template <class Number>
std::optional<Number> WholeNumber(std::string_view text)
{
    Number number{};
    const auto [end, error]{std::from_chars(text.data(), text.data() + text.size(), number)};
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

/** A literal, of IPv6 perhaps with the interface it is for. */
bool IsAddress(const std::string& text)
{
    in6_addr bytes{};
    return text == "localhost" || ::inet_pton(AF_INET, text.c_str(), &bytes) == 1 ||
           ::inet_pton(AF_INET6, text.substr(0, text.find('%')).c_str(), &bytes) == 1;
}

} // namespace

util::Result<std::uint64_t> ParseCount(std::string_view text, std::string_view what)
{
    const auto count{WholeNumber<std::uint64_t>(text)};
    if (!count || *count == 0) return Wrong(fmt::format("{} is not a number of {}", util::Quoted(text), what));
    return *count;
}

util::Result<std::chrono::nanoseconds> ParseEvery(std::string_view text)
{
    if (text == "0") return std::chrono::nanoseconds{0};
    return util::ParseDuration(text);
}

util::Result<std::optional<std::int64_t>> ParseEdge(std::string_view text, std::int64_t start_utc_ns)
{
    if (text.empty()) return std::optional<std::int64_t>{};
    if (text.front() == '+') {
        const auto after{util::ParseDuration(text.substr(1))};
        if (!after) return after.GetError();
        return std::optional{start_utc_ns + std::min<std::int64_t>(after->count(), INT64_MAX / 2)};
    }
    const auto time{util::ParseUtc(text)};
    if (!time) return Wrong(time.GetError().what + "; or +10m from the start");
    return std::optional{*time};
}

util::Result<double> ParseSpeed(std::string_view text)
{
    if (text == "max") return 0.0;
    const auto speed{WholeNumber<double>(text)};
    if (!speed || !std::isfinite(*speed) || *speed <= 0) {
        return Wrong(fmt::format("{} is not a speed: 1 is as recorded, 0.5 half as fast, 10 ten times as fast, max as fast as it goes",
                                 util::Quoted(text)));
    }
    return *speed;
}

util::Result<Rotation> ParseRotation(std::string_view text)
{
    const auto size{util::ParseSize(text)};
    const auto age{util::ParseDuration(text)};
    if (!size && !age) return Wrong(fmt::format("{} is neither a size, like 1GiB, nor a time, like 1h", util::Quoted(text)));
    if (size ? *size < LEAST_PART_BYTES : *age < LEAST_PART_AGE) return Wrong("a part has at least 1MiB, or 1s");
    return size ? Rotation{.bytes = *size} : Rotation{.age = *age};
}

util::Result<ListenOn> ParseListen(std::string_view text)
{
    ListenOn where{web::ServerOptions{}.address, web::DEFAULT_PORT};
    const auto refuse = [text] {
        return Wrong(fmt::format("{} is not an address and port, like 127.0.0.1:{} or [::1]:{}", util::Quoted(text), web::DEFAULT_PORT,
                                 web::DEFAULT_PORT));
    };
    std::optional<std::string_view> port;
    if (text.empty()) return refuse();
    if (text.starts_with('[')) {
        const std::size_t end{text.find(']')};
        if (end == std::string_view::npos || (end + 1 < text.size() && text[end + 1] != ':')) return refuse();
        where.address = text.substr(1, end - 1);
        if (end + 1 < text.size()) port = text.substr(end + 2);
    } else if (text.find_first_not_of("0123456789") == std::string_view::npos) {
        port = text;
    } else if (const std::size_t colon{text.find(':')}; colon == text.rfind(':')) {
        where.address = text.substr(0, colon);
        if (colon != std::string_view::npos) port = text.substr(colon + 1);
    } else {
        where.address = text; // IPv6 without a port
    }
    if (!IsAddress(where.address)) return refuse();
    if (!port) return where;
    const auto number{WholeNumber<std::uint16_t>(*port)};
    if (!number) return refuse();
    where.port = *number;
    return where;
}

util::Result<RpcWhere> ParseRpcWhere(std::string_view text)
{
    if (text == "auto") return RpcWhere{};
    if (text == "off") return RpcWhere{.on = false, .host = {}, .port = {}};
    const auto where{poll::SplitHostPort(text)};
    if (!where || !where->port)
        return Wrong(fmt::format("{} is neither auto nor off nor an address and port, like 127.0.0.1:8332", util::Quoted(text)));
    return RpcWhere{.on = true, .host = where->host, .port = where->port};
}

std::vector<std::string> Split(std::string_view text, char separator)
{
    std::vector<std::string> parts;
    for (std::size_t from{0}; from <= text.size();) {
        const std::size_t to{std::min(text.find(separator, from), text.size())};
        if (to > from) parts.emplace_back(text.substr(from, to - from));
        from = to + 1;
    }
    return parts;
}

} // namespace coretap::app
