#include "web/stats.h"

namespace coretap::web {

std::string_view ToString(Reject reason)
{
    switch (reason) {
    case Reject::TooManyConnections: return "too_many_connections";
    case Reject::TooManyOfAddress: return "too_many_of_address";
    case Reject::RateLimited: return "rate_limited";
    case Reject::HeaderTimeout: return "header_timeout";
    case Reject::HeaderTooLarge: return "header_too_large";
    case Reject::BadRequest: return "bad_request";
    case Reject::BadMethod: return "bad_method";
    case Reject::BadHost: return "bad_host";
    case Reject::BadOrigin: return "bad_origin";
    case Reject::Unauthorized: return "unauthorized";
    case Reject::BodyTooLarge: return "body_too_large";
    case Reject::NotFound: return "not_found";
    case Reject::TooManyWebSockets: return "too_many_websockets";
    case Reject::BadFrame: return "bad_frame";
    case Reject::BadMessage: return "bad_message";
    case Reject::SlowReader: return "slow_reader";
    case Reject::PingTimeout: return "ping_timeout";
    case Reject::TlsHandshake: return "tls_handshake";
    }
    return {};
}

ServerStats Counters::Read() const noexcept
{
    const auto get = [](const Counter& counter) { return counter.load(std::memory_order_relaxed); };
    ServerStats stats;
    stats.connections = get(connections);
    stats.connections_total = get(connections_total);
    stats.websockets = get(websockets);
    stats.websockets_total = get(websockets_total);
    stats.requests_total = get(requests);
    stats.sent_bytes_total = get(sent_bytes);
    stats.snapshots_total = get(snapshots);
    stats.failures_total = get(failures);
    for (std::size_t i{0}; i < responses.size(); ++i) stats.responses_total[i] = get(responses[i]);
    for (std::size_t i{0}; i < REJECTS; ++i) stats.rejected_total[i] = get(rejected[i]);
    return stats;
}

} // namespace coretap::web
