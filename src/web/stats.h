// What the web server counts of itself, for coretap's own metrics.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace coretap::web {

/** Why a client was turned away or cut off. */
enum class Reject : std::uint8_t {
    TooManyConnections, //!< in all
    TooManyOfAddress,   //!< connections of one address, at a time or a second
    RateLimited,        //!< requests or messages a second
    HeaderTimeout,      //!< the request's header did not come in time
    HeaderTooLarge,
    BadRequest, //!< not HTTP, or not as we speak it
    BadMethod,
    BadHost,      //!< the Host header names somebody else: DNS rebinding, or a name that is not configured
    BadOrigin,    //!< a WebSocket, or a change of a replay, from another site's page
    Unauthorized, //!< no token, or a wrong one
    BodyTooLarge, //!< a request with a body
    NotFound,
    TooManyWebSockets,
    BadFrame,     //!< WebSocket protocol violated, or a message too large or not text
    BadMessage,   //!< a text message that is no subscription
    SlowReader,   //!< did not take what was sent for it in time
    PingTimeout,  //!< a WebSocket that did not answer
    TlsHandshake, //!< failed or timed out
};
inline constexpr std::size_t REJECTS{18};
std::string_view ToString(Reject reason);

/** As of one moment. `_total`s only grow. */
struct ServerStats {
    std::uint64_t connections{0};
    std::uint64_t connections_total{0};
    std::uint64_t websockets{0};
    std::uint64_t websockets_total{0};
    std::uint64_t requests_total{0};
    std::array<std::uint64_t, 6> responses_total{}; //!< by the status' first digit
    std::uint64_t sent_bytes_total{0};              //!< responses with their heads, and WebSocket payloads
    std::uint64_t snapshots_total{0};               //!< serialized for WebSocket clients
    std::array<std::uint64_t, REJECTS> rejected_total{};
    std::uint64_t failures_total{0}; //!< what should not happen: Server::TakeFailure()
};

/** What Streams counts. */
struct StreamStats {
    std::uint64_t channels{0};             //!< distinct subscriptions, those that linger included
    std::uint64_t clients{0};              //!< that follow one
    std::uint64_t held_bytes{0};           //!< formatted events in all channels
    std::uint64_t formatted_total{0};      //!< events, once a channel
    std::uint64_t sampled_out_total{0};    //!< left out by max_events_per_s
    std::uint64_t shed_total{0};           //!< of those, because formatting took too much of the pipeline's time
    std::uint64_t client_dropped_total{0}; //!< events that a client was too slow for
};

/** The server's side of ServerStats: written by its thread, read by any. */
class Counters {
public:
    using Counter = std::atomic<std::uint64_t>;
    Counter connections{0}, connections_total{0}, websockets{0}, websockets_total{0}, requests{0}, sent_bytes{0}, snapshots{0}, failures{0};
    std::array<Counter, 6> responses{};
    std::array<Counter, REJECTS> rejected{};

    static void Add(Counter& counter, std::uint64_t n = 1) noexcept { counter.fetch_add(n, std::memory_order_relaxed); }
    static void Sub(Counter& counter) noexcept { counter.fetch_sub(1, std::memory_order_relaxed); }
    void Count(Reject reason) noexcept { Add(rejected[static_cast<std::size_t>(reason)]); }
    ServerStats Read() const noexcept;
};

} // namespace coretap::web
