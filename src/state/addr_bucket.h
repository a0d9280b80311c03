// Bitcoin Core's rate limit of addresses, done again from outside.
#pragma once

#include <algorithm>
#include <cstdint>

namespace coretap::state {

/**
 * Peer::m_addr_token_bucket of src/net_processing.cpp, operation by operation, so that it comes to the same floating-point number:
 * 1 at the start, 0.1 more a second while it is below 1,000, 1,000 more (without a limit) when we send getaddr; an address takes 1.
 * The time is UTC, as there.
 */
class AddrBucket {
    static constexpr double PER_SECOND{0.1}; //!< MAX_ADDR_RATE_PER_SECOND
    static constexpr double FULL{1000};      //!< MAX_ADDR_PROCESSING_TOKEN_BUCKET, MAX_ADDR_TO_SEND
    double m_tokens{1.0};
    std::int64_t m_at_ns;

public:
    explicit AddrBucket(std::int64_t now_ns) : m_at_ns{now_ns} {}

    void GetAddrSent() noexcept { m_tokens += FULL; }
    /** A message with so many addresses comes. Returns how many of them pass; the rest is rate limited. */
    std::uint64_t Take(std::uint64_t entries, std::int64_t now_ns) noexcept
    {
        if (m_tokens < FULL) {
            const std::int64_t elapsed{std::max<std::int64_t>(now_ns - m_at_ns, 0)};
            m_tokens = std::min(m_tokens + static_cast<double>(elapsed) / 1e9 * PER_SECOND, FULL);
        }
        m_at_ns = now_ns;
        std::uint64_t passed{0};
        for (; passed < entries && m_tokens >= 1.0; ++passed) m_tokens -= 1.0;
        return passed;
    }
    double Tokens() const noexcept { return m_tokens; }
};

} // namespace coretap::state
