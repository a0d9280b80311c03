// Who may ask: hosts, origins, tokens, how often. One thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "web/http.h"

namespace coretap::web {

/** So many a second on average, so many at once. */
class TokenBucket {
    double m_tokens{0};
    std::chrono::steady_clock::time_point m_last{};

public:
    using Clock = std::chrono::steady_clock;

    TokenBucket(double burst, Clock::time_point now) : m_tokens{burst}, m_last{now} {}
    /** What there will be if nothing is taken until then. */
    double Level(double per_second, double burst, Clock::time_point now) const;
    /** What there is now. */
    double Refill(double per_second, double burst, Clock::time_point now);
    /** Take one, if there is one. */
    bool Take(double per_second, double burst, Clock::time_point now);
    /** Take as many as that, even if there are fewer: what is owed has to be earned first. */
    void Charge(double tokens) noexcept { m_tokens -= tokens; }
};

/** A bucket for each address, for a bounded number of them; those beyond share one. */
class RateLimiter {
    static constexpr std::size_t MAX_ADDRESSES{1024};

    double m_per_second;
    double m_burst;
    std::unordered_map<std::string, TokenBucket> m_buckets;

public:
    RateLimiter(double per_second, double burst) : m_per_second{per_second}, m_burst{burst} {}
    bool Allow(const std::string& address, TokenBucket::Clock::time_point now);
    std::size_t Addresses() const noexcept { return m_buckets.size(); }
};

/** What an address counts as for limits: an IPv4 address as a whole, of IPv6 the network (/64), since everybody has 2^64 of those. */
std::string LimitKey(std::string_view address);

/** Whether both are the same, in time that does not depend on where they differ. */
bool SameSecret(std::string_view a, std::string_view b);

/** Checks a request against the configuration. */
class Guard {
    std::string m_token;
    std::string m_cookie_value;
    std::vector<std::string> m_hosts;

public:
    static constexpr std::string_view COOKIE{"coretap_session"};

    /** `token` empty: none is asked for. `hosts`: names that requests may be for, besides those of loopback. */
    Guard(std::string token, const std::vector<std::string>& hosts);

    /** The Host header names us: localhost, a loopback address, the address that was connected to, or a configured name. */
    bool HostAllowed(const Request& request) const;
    /** No Origin (not a browser), or that of our own page. Presumes that the Host header was checked. */
    static bool OriginAllowed(const Request& request);
    /** Another site's page fetched this, or shows it inside of itself; not one who followed a link. Browsers say so; others say nothing. */
    static bool IsOfAnotherSite(const Request& request);
    /** The token came as `Authorization: Bearer`, or its cookie did. */
    bool Authorized(const Request& request) const;
    bool NeedsToken() const noexcept { return !m_token.empty(); }
    bool TokenIs(std::string_view token) const { return SameSecret(token, m_token); }
    /** Value of Set-Cookie for one who showed the token. The cookie is derived from the token and does not tell it. */
    std::string SetCookie(bool tls) const;
};

} // namespace coretap::web
