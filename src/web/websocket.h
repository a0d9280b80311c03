// A WebSocket client: one subscription at a time, snapshots and events.
#pragma once

#include <chrono>
#include <memory>

#include <boost/asio/awaitable.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>

#include "web/connection.h"

namespace coretap::web {

/** What the server does with a client from outside. The server's thread. */
class WebSocketSession {
public:
    virtual ~WebSocketSession() = default;
    /** Send what is there, if nothing is being sent. */
    virtual void Pump() = 0;
    /** Something new was published. */
    virtual void OnPublished() = 0;
    /** Cut off a client that does not take what was sent for it. */
    virtual void Sweep(std::chrono::steady_clock::time_point now) = 0;
    /** The server ends. */
    virtual void GoAway() = 0;
};

/** From the upgrade to the end. The request was checked. */
asio::awaitable<void> ServeWebSocket(Context& context, std::shared_ptr<Connection> connection,
                                     const beast::http::request<beast::http::empty_body>& request);

} // namespace coretap::web
