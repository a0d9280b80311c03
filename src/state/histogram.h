// Counts of values by size, with bounds that never change: what a Prometheus histogram is made of.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace coretap::state {

/** `N` upper bounds, ascending, inclusive; what is above the last counts in one place more. */
template <std::size_t N>
class Histogram {
    const std::array<double, N>* m_bounds; //!< one of the tables below

public:
    std::array<std::uint64_t, N + 1> counts{}; //!< not cumulative
    double sum{0};
    std::uint64_t count{0};

    explicit Histogram(const std::array<double, N>& bounds) noexcept : m_bounds{&bounds} {}
    explicit Histogram(const std::array<double, N>&&) = delete;

    std::span<const double, N> Bounds() const noexcept { return *m_bounds; }
    void Observe(double value, std::uint64_t times = 1) noexcept
    {
        std::size_t at{0};
        while (at < N && value > (*m_bounds)[at]) ++at; // few bounds, and small values are the many
        counts[at] += times;
        sum += value * static_cast<double>(times);
        count += times;
    }
    bool operator==(const Histogram&) const = default;
};

/** Seconds from 1 ms to a minute: a block's way. */
inline constexpr std::array<double, 12> BLOCK_SECONDS{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30};
/** Seconds from 10 us to 10 s: the time a message takes. */
inline constexpr std::array<double, 14> MESSAGE_SECONDS{0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001,
                                                        0.0025,  0.005,    0.01,    0.05,   0.1,     1,      10};
inline constexpr std::array<double, 10> PING_SECONDS{0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 10};
inline constexpr std::array<double, 10> FLUSH_SECONDS{0.001, 0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 300};
/** Transactions of a compact block that were asked for. */
inline constexpr std::array<double, 10> MISSING_TRANSACTIONS{0, 1, 2, 5, 10, 25, 50, 100, 500, 1000};
/** Satoshi a virtual byte. */
inline constexpr std::array<double, 12> FEERATES{0.1, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000};
inline constexpr std::array<double, 10> FEERATES10{0.1, 0.5, 1, 2, 5, 10, 20, 50, 100, 1000};
/** Seconds from ten seconds to two weeks, which is when Bitcoin Core gives a transaction up. */
inline constexpr std::array<double, 8> MEMPOOL_AGES{10, 60, 600, 1800, 3600, 21'600, 86'400, 1'209'600};
/** Seconds from one to 30 days. */
inline constexpr std::array<double, 10> CONNECTION_AGES{1, 10, 60, 600, 3600, 21'600, 86'400, 259'200, 604'800, 2'592'000};
/** Addresses of an addr or addrv2; Bitcoin Core takes 1,000. */
inline constexpr std::array<double, 10> ADDR_ENTRIES{0, 1, 2, 5, 10, 25, 50, 100, 500, 1000};
/** Entries of an inv: 35 and 70 are what Bitcoin Core sends at a time at the least; 50,000 are allowed. */
inline constexpr std::array<double, 10> INV_ENTRIES{1, 2, 5, 10, 35, 70, 250, 1000, 10'000, 50'000};
/** An address's time less now, seconds: mostly it lies in the past. */
inline constexpr std::array<double, 12> ADDR_TIME_OFFSETS{-2'592'000, -604'800, -86'400, -43'200, -10'800, -3600,
                                                          -600,       0,        600,     3600,    86'400,  604'800};

} // namespace coretap::state
