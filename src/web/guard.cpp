#include "web/guard.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "util/text.h"

namespace coretap::web {
namespace {

std::array<unsigned char, 32> Hmac(std::string_view key, std::string_view text)
{
    std::array<unsigned char, 32> out{};
    unsigned size{0};
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         out.data(), &size);
    return out;
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool IsLoopbackName(std::string_view host) { return host == "localhost" || host == "127.0.0.1" || host == "::1"; }

} // namespace

double TokenBucket::Level(double per_second, double burst, Clock::time_point now) const
{
    if (now <= m_last) return m_tokens;
    return std::min(burst, m_tokens + per_second * std::chrono::duration<double>(now - m_last).count());
}

double TokenBucket::Refill(double per_second, double burst, Clock::time_point now)
{
    m_tokens = Level(per_second, burst, now);
    m_last = now;
    return m_tokens;
}

bool TokenBucket::Take(double per_second, double burst, Clock::time_point now)
{
    if (Refill(per_second, burst, now) < 1.0) return false;
    m_tokens -= 1.0;
    return true;
}

bool RateLimiter::Allow(const std::string& address, TokenBucket::Clock::time_point now)
{
    auto bucket = m_buckets.find(address);
    if (bucket == m_buckets.end()) {
        // a full bucket knows nothing that a new one would not
        if (m_buckets.size() >= MAX_ADDRESSES)
            std::erase_if(m_buckets, [&](const auto& item) { return item.second.Level(m_per_second, m_burst, now) >= m_burst; });
        static const std::string OTHERS{};
        bucket = m_buckets.try_emplace(m_buckets.size() < MAX_ADDRESSES ? address : OTHERS, m_burst, now).first;
    }
    return bucket->second.Take(m_per_second, m_burst, now);
}

std::string LimitKey(std::string_view address)
{
    in6_addr bytes{};
    if (inet_pton(AF_INET6, std::string{address}.c_str(), &bytes) != 1 || IN6_IS_ADDR_V4MAPPED(&bytes)) return std::string{address};
    std::string key;
    util::AppendHex(key, std::as_bytes(std::span{bytes.s6_addr}.first(8)));
    return key;
}

bool SameSecret(std::string_view a, std::string_view b)
{
    // of one length, whatever they are
    const auto digest_a = Hmac("coretap", a);
    const auto digest_b = Hmac("coretap", b);
    return CRYPTO_memcmp(digest_a.data(), digest_b.data(), digest_a.size()) == 0;
}

Guard::Guard(std::string token, const std::vector<std::string>& hosts) : m_token{std::move(token)}
{
    for (const std::string& host : hosts) {
        if (auto name = HostOf(host)) m_hosts.push_back(std::move(*name));
    }
    if (m_token.empty()) return;
    const auto digest = Hmac(m_token, "coretap session cookie");
    util::AppendHex(m_cookie_value, std::as_bytes(std::span{digest}));
}

bool Guard::HostAllowed(const Request& request) const
{
    const auto host = HostOf(request.host);
    if (!host) return false;
    if (IsLoopbackName(*host) || *host == request.local_address.substr(0, request.local_address.find('%')))
        return true; // %eth0 is ours alone
    return std::ranges::find(m_hosts, *host) != m_hosts.end();
}

bool Guard::OriginAllowed(const Request& request)
{
    if (request.origin.empty()) return true;
    std::string_view origin{request.origin};
    const std::size_t scheme{origin.find("://")};
    if (scheme == std::string_view::npos) return false;
    // https in front of a proxy that speaks plain HTTP to us is the same site: its Host was checked
    if (origin.substr(0, scheme) != "http" && origin.substr(0, scheme) != "https") return false;
    origin.remove_prefix(scheme + 3);
    return std::ranges::equal(origin, request.host, {}, Lower, Lower);
}

bool Guard::IsOfAnotherSite(const Request& request) { return request.fetch_site == "cross-site" && request.fetch_mode != "navigate"; }

bool Guard::Authorized(const Request& request) const
{
    if (m_token.empty()) return true;
    constexpr std::string_view BEARER{"bearer "}; // in any case
    const std::string_view value{request.authorization};
    if (std::ranges::equal(value.substr(0, BEARER.size()), BEARER, {}, Lower)) return TokenIs(value.substr(BEARER.size()));
    return SameSecret(CookieValue(request.cookie, COOKIE), m_cookie_value);
}

std::string Guard::SetCookie(bool tls) const
{
    std::string out{COOKIE};
    out += '=';
    out += m_cookie_value;
    out += "; Path=/; HttpOnly; SameSite=Strict; Max-Age=2592000";
    if (tls) out += "; Secure";
    return out;
}

} // namespace coretap::web
