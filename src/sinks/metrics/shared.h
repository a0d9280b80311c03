// What several groups of families need: names, and sums over a node's peers.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "event/message_names.h"
#include "sinks/metrics/samples.h"
#include "state/snapshot.h"

namespace coretap::sinks::metrics {

/** By state::Direction. */
inline constexpr std::array<std::string_view, state::DIRECTIONS> DIRECTION_NAMES{"in", "out"};

/** Networks a peer may be of; seeds. */
inline constexpr std::array<std::string_view, 6> NETWORKS{"ipv4", "ipv6", "onion", "i2p", "cjdns", "not_publicly_routable"};

/** Without `other`, which appears where it occurs. */
std::span<const std::string_view> ConnectionTypeSeeds();

/** Bits of `services` by name: those Bitcoin Core names are seeds, the rest are `other`. */
Counts ServiceCounts(const std::array<std::uint64_t, 64>& bits);

/** The member `member` of each of `counts`. */
template <class Map, class Member>
Counts Project(const Map& counts, Member member)
{
    Counts out;
    for (const auto& [key, value] : counts) out.emplace(key, value.*member < 0 ? 0 : static_cast<std::uint64_t>(value.*member));
    return out;
}

/** The lower median; empty if there are none. */
template <class T>
std::optional<T> Median(std::vector<T> values)
{
    if (values.empty()) return {};
    const auto middle{values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2)};
    std::ranges::nth_element(values, middle);
    return *middle;
}

inline double Seconds(std::int64_t ns) { return static_cast<double>(ns) / 1e9; }
inline std::optional<double> Seconds(const std::optional<std::int64_t>& ns) { return ns ? std::optional{Seconds(*ns)} : std::nullopt; }

/** A time, to the millisecond: a double has no room for all of it. */
inline double UtcSeconds(std::int64_t utc_ns)
{
    const std::int64_t ms{utc_ns / 1'000'000};
    return static_cast<double>(ms) / 1e3;
}
inline std::optional<double> UtcSeconds(const std::optional<std::int64_t>& utc_ns)
{
    return utc_ns ? std::optional{UtcSeconds(*utc_ns)} : std::nullopt;
}

/** What Bitcoin Core counts in satoshi a thousand virtual bytes, in satoshi a virtual byte. */
inline std::optional<double> SatPerVb(const std::optional<std::int64_t>& sat_per_kvb)
{
    return sat_per_kvb ? std::optional{static_cast<double>(*sat_per_kvb) / 1000} : std::nullopt;
}

/** `behind`, `close`, `ahead` of ours by more than ten seconds. */
inline std::string_view ClockName(std::int64_t offset_s) { return offset_s < -10 ? "behind" : offset_s > 10 ? "ahead" : "close"; }
inline constexpr std::array<std::string_view, 3> CLOCKS{"behind", "close", "ahead"};

} // namespace coretap::sinks::metrics
