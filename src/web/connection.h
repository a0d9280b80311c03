// What the server's connections share, and a connection. The server's thread only.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "web/byte_stream.h"
#include "web/guard.h"
#include "web/http.h"
#include "web/server.h"
#include "web/site.h"
#include "web/stats.h"
#include "web/streams.h"

namespace coretap::web {

class Connection;
class WebSocketSession;

struct Context {
    const ServerOptions options;
    Counters counters;
    Published published;
    Streams& streams;
    Site site;
    std::array<RateLimiter, BUDGETS> requests; //!< by Budget
    RateLimiter newcomers;
    RateLimiter handshakes;
    std::unordered_map<std::string, std::size_t> per_address; //!< connections, by LimitKey()
    std::set<Connection*> connections;
    std::set<WebSocketSession*> sessions;
    bool stopping{false};
    asio::io_context io{1}; //!< last: what still waits when it ends uses the rest

    Context(ServerOptions opts, Streams& events)
        : options{std::move(opts)},
          streams{events},
          site{options, events.Catalogue(), published, counters},
          requests{OfRequests(), OfRequests(), OfRequests()},
          newcomers{options.limits.connections_per_s, options.limits.connections_burst},
          handshakes{options.limits.handshakes_per_s, options.limits.handshakes_burst}
    {}

private:
    RateLimiter OfRequests() const { return {options.limits.requests_per_s, options.limits.requests_burst}; }
};

/** A connection is in the context's tables while this lives. */
class Connection {
    Context& m_context;
    const std::string m_limit_key;

public:
    ByteStream stream;
    std::string client_address;
    std::string local_address;
    bool idle{true}; //!< no request is being answered

    Connection(Context& context, asio::ip::tcp::socket socket, asio::ssl::context* tls, std::string address);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    const std::string& LimitKeyOf() const noexcept { return m_limit_key; }
};

/** The connection's life: TLS, requests one after the other, or a WebSocket. */
asio::awaitable<void> Serve(Context& context, std::shared_ptr<Connection> connection);

} // namespace coretap::web
