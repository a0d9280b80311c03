// Points in time as people and programs read them; durations and sizes as people write them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "util/result.h"

namespace coretap::util {

/**
 * Append UTC in RFC 3339: `2026-11-22T09:15:04.123456Z`. `utc_ns` counts from 1970; `digits` is the length of the
 * fraction, 0 to 9 (cut, not rounded: a time never moves into the next second). Remembers the last second it
 * was asked for (one a thread), which makes a stream of events cheap.
 */
void AppendUtc(std::string& out, std::int64_t utc_ns, int digits);
/** The same without date and zone: `09:15:04.123456`. */
void AppendUtcTimeOfDay(std::string& out, std::int64_t utc_ns, int digits);

/**
 * A point in time, UTC, as nanoseconds since 1970: `2026-11-22T09:15:04.123Z` as AppendUtc() writes it, with up to nine digits of a
 * fraction or none; the seconds, the `Z` and the time of day may be left out, and the `T` may be a space.
 */
Result<std::int64_t> ParseUtc(std::string_view text);

/** A whole number and a unit: `500ms`, `30s`, `2m`, `1h`; also `ns`, `us`, `d`. A number without a unit is an error. */
Result<std::chrono::nanoseconds> ParseDuration(std::string_view text);
/** A whole number of bytes: `4096`, `64KiB`, `16MiB`, `1GiB`, `100kB`, `4MB`, `1GB`. */
Result<std::uint64_t> ParseSize(std::string_view text);

} // namespace coretap::util
