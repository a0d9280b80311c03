#include "util/time.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <span>

#include "util/text.h"

namespace coretap::util {
namespace {

constexpr std::int64_t NS_A_SECOND{1'000'000'000};
constexpr std::size_t DATE_SIZE{11}; // with the T
constexpr std::size_t TIME_SIZE{8};
constexpr int FRACTION_DIGITS{9};

/** `YYYY-MM-DDThh:mm:ss` of one second. */
struct SecondText {
    std::int64_t second{std::numeric_limits<std::int64_t>::min()};
    std::array<char, DATE_SIZE + TIME_SIZE> text;
};

void PutTwo(char* at, unsigned value)
{
    at[0] = static_cast<char>('0' + value / 10 % 10);
    at[1] = static_cast<char>('0' + value % 10);
}

void Fill(SecondText& cached, std::int64_t second)
{
    using namespace std::chrono;
    const sys_seconds at{seconds{second}};
    const auto day = floor<days>(at);
    const year_month_day date{day};
    const hh_mm_ss time{at - day};
    const auto year{static_cast<unsigned>(static_cast<int>(date.year()))}; // 1677 to 2262: 64 bits of ns reach no further
    char* text{cached.text.data()};
    PutTwo(text, year / 100);
    PutTwo(text + 2, year % 100);
    text[4] = '-';
    PutTwo(text + 5, static_cast<unsigned>(date.month()));
    text[7] = '-';
    PutTwo(text + 8, static_cast<unsigned>(date.day()));
    text[10] = 'T';
    PutTwo(text + 11, static_cast<unsigned>(time.hours().count()));
    text[13] = ':';
    PutTwo(text + 14, static_cast<unsigned>(time.minutes().count()));
    text[16] = ':';
    PutTwo(text + 17, static_cast<unsigned>(time.seconds().count()));
    cached.second = second;
}

/** Appends the second's text from `skip` on, and the fraction. */
void AppendTime(std::string& out, std::int64_t utc_ns, int digits, std::size_t skip)
{
    std::int64_t second{utc_ns / NS_A_SECOND};
    std::int64_t fraction{utc_ns % NS_A_SECOND};
    if (fraction < 0) {
        fraction += NS_A_SECOND;
        --second;
    }
    thread_local SecondText cached;
    if (cached.second != second) Fill(cached, second);
    std::array<char, DATE_SIZE + TIME_SIZE + 1 + FRACTION_DIGITS> text;
    std::size_t size{cached.text.size() - skip};
    std::copy(cached.text.begin() + static_cast<std::ptrdiff_t>(skip), cached.text.end(), text.begin());
    if (digits > 0) {
        text[size++] = '.';
        for (int i{FRACTION_DIGITS}; i-- > 0; fraction /= 10)
            text[size + static_cast<std::size_t>(i)] = static_cast<char>('0' + fraction % 10);
        size += static_cast<std::size_t>(std::min(digits, FRACTION_DIGITS));
    }
    out.append(text.data(), size);
}

struct UnitDef {
    std::string_view name;
    std::uint64_t factor;
};

/** Number times unit; nothing if either is not understood or the product does not fit. */
std::optional<std::uint64_t> ParseWithUnit(std::string_view text, std::span<const UnitDef> units, std::uint64_t most)
{
    std::uint64_t number{0};
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc{}) return std::nullopt;
    const std::string_view unit{text.substr(static_cast<std::size_t>(parsed.ptr - text.data()))};
    for (const UnitDef& def : units) {
        if (def.name == unit) return number > most / def.factor ? std::nullopt : std::optional{number * def.factor};
    }
    return std::nullopt;
}

bool IsDigits(std::string_view text) { return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos; }

} // namespace

void AppendUtc(std::string& out, std::int64_t utc_ns, int digits)
{
    AppendTime(out, utc_ns, digits, 0);
    out += 'Z';
}

void AppendUtcTimeOfDay(std::string& out, std::int64_t utc_ns, int digits) { AppendTime(out, utc_ns, digits, DATE_SIZE); }

Result<std::int64_t> ParseUtc(std::string_view text)
{
    const Error error{Errc::Usage, Quoted(text) + " is not a time in UTC, like 2026-11-22T09:15:04Z, 2026-11-22T09:15 or 2026-11-22"};
    std::string_view rest{text};
    bool ok{true};
    const auto digits = [&](std::size_t count) {
        std::uint32_t value{0};
        ok = ok && rest.size() >= count && IsDigits(rest.substr(0, count));
        if (!ok) return value;
        std::from_chars(rest.data(), rest.data() + count, value);
        rest.remove_prefix(count);
        return value;
    };
    const auto skip = [&](std::string_view any_of) {
        if (rest.empty() || any_of.find(rest.front()) == std::string_view::npos) return false;
        rest.remove_prefix(1);
        return true;
    };
    const std::uint32_t year{digits(4)};
    ok = skip("-") && ok;
    const std::uint32_t month{digits(2)};
    ok = skip("-") && ok;
    const std::uint32_t day{digits(2)};
    std::uint32_t hour{0}, minute{0}, second{0}, fraction_ns{0};
    if (ok && skip("Tt ")) {
        hour = digits(2);
        ok = skip(":") && ok;
        minute = digits(2);
        if (ok && skip(":")) {
            second = digits(2);
            if (ok && skip(".")) {
                std::uint32_t unit{100'000'000};
                ok = !rest.empty() && IsDigits(rest.substr(0, 1));
                for (; ok && unit != 0 && !rest.empty() && IsDigits(rest.substr(0, 1)); unit /= 10) fraction_ns += digits(1) * unit;
            }
        }
        skip("Zz");
    }
    const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(year)}, std::chrono::month{month}, std::chrono::day{day}};
    if (!ok || !rest.empty() || !date.ok() || year < 1970 || year > 2261 || hour > 23 || minute > 59 || second > 59) return error;
    const std::chrono::sys_seconds time{std::chrono::sys_days{date} + std::chrono::hours{hour} + std::chrono::minutes{minute} +
                                        std::chrono::seconds{second}};
    return std::int64_t{time.time_since_epoch().count()} * NS_A_SECOND + fraction_ns;
}

Result<std::chrono::nanoseconds> ParseDuration(std::string_view text)
{
    static constexpr UnitDef UNITS[]{{"ns", 1},
                                     {"us", 1'000},
                                     {"ms", 1'000'000},
                                     {"s", 1'000'000'000},
                                     {"m", 60'000'000'000},
                                     {"h", 3'600'000'000'000},
                                     {"d", 86'400'000'000'000}};
    if (IsDigits(text))
        return Error{Errc::Usage,
                     "duration " + Quoted(text) + " has no unit: " + std::string{text.substr(0, 20)} + "s for seconds, or ms, m, h"};
    const auto ns = ParseWithUnit(text, UNITS, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
    if (!ns) return Error{Errc::Usage, Quoted(text) + " is not a duration: a whole number and a unit, like 500ms, 30s, 2m, 1h"};
    return std::chrono::nanoseconds{static_cast<std::int64_t>(*ns)};
}

Result<std::uint64_t> ParseSize(std::string_view text)
{
    static constexpr UnitDef UNITS[]{{"", 1},       {"B", 1},      {"KiB", 1 << 10},  {"MiB", 1 << 20},     {"GiB", 1 << 30},
                                     {"kB", 1'000}, {"KB", 1'000}, {"MB", 1'000'000}, {"GB", 1'000'000'000}};
    const auto bytes = ParseWithUnit(text, UNITS, std::numeric_limits<std::uint64_t>::max());
    if (!bytes)
        return Error{Errc::Usage,
                     Quoted(text) + " is not a size: a whole number and a unit, like 64KiB, 16MiB, 1GiB, or a number of bytes"};
    return *bytes;
}

} // namespace coretap::util
