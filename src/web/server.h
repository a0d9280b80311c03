// coretap's web server: the page, the API, metrics, live events. HTTP and WebSocket, optionally over TLS, on one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "state/snapshot.h"
#include "util/result.h"
#include "web/replay_command.h"
#include "web/stats.h"
#include "web/streams.h"

namespace coretap::web {

/**
 * Bitcoin Core has 8332 to 8334, Litecoin's RPC and the usual bitcoind exporter for Prometheus have 9332, which a machine with a node
 * may well run. 8338 is near, and free.
 */
inline constexpr std::uint16_t DEFAULT_PORT{8338};
inline constexpr std::size_t MIN_TOKEN_LENGTH{16};

struct Limits {
    std::size_t connections{256};
    std::size_t connections_per_address{64}; //!< IPv6: per /64
    std::size_t websockets{128};
    std::size_t header_bytes{8192};
    std::chrono::milliseconds header_timeout{5'000}; //!< for the whole header, and the TLS handshake
    std::chrono::milliseconds idle_timeout{30'000};  //!< between requests; of a WebSocket: without an answer to pings
    std::chrono::milliseconds write_timeout{10'000}; //!< for a response, and for each WebSocket message
    // New ones of one address. Many are needed to cost much, and who shares the address (this machine's users) should still get through.
    double connections_per_s{500};
    double connections_burst{1000};
    double handshakes_per_s{20}; //!< of TLS, which cost milliseconds
    double handshakes_burst{100};
    double requests_per_s{50}; //!< of one address, for each Budget
    double requests_burst{200};
    std::size_t message_bytes{16384}; //!< of a WebSocket message from a client
    double messages_per_s{5};         //!< from one WebSocket client; pings and pongs likewise
    double messages_burst{20};
    std::size_t body_bytes{1024}; //!< of the one request that has a body
    double controls_per_s{5};     //!< changes of a replay, by all clients together
    double controls_burst{20};
    std::size_t websocket_bytes_per_s{32768}; //!< read from one WebSocket client; who sends more waits
};

/** Who may connect, and how. It can be changed while the server runs. */
struct Access {
    /** Asked of every request but /healthz and /readyz. Must be set for an address that is not loopback, unless `insecure`. */
    std::string token{};
    bool insecure{false};
    std::vector<std::string> hosts{}; //!< names in Host headers that mean us, besides localhost and the address that was connected to
    std::string tls_certificate{};    //!< PEM text with the chain; empty: no TLS
    std::string tls_key{};            //!< PEM text
};

/** Callbacks are called on the server's thread and must be quick. */
struct ServerOptions : Access {
    std::string address{"127.0.0.1"}; //!< a literal, or `localhost`
    std::uint16_t port{DEFAULT_PORT}; //!< 0: any that is free
    Limits limits{};
    std::string version{};                        //!< coretap's
    std::string config_json{"{}"};                //!< for /api/v1/config, without secrets
    std::function<std::string()> why_not_ready{}; //!< empty string: ready. Not set: always ready
    /** /metrics: returns the body, sets the content type. Not set: 404. */
    std::function<std::string(const state::Snapshot&, std::string_view accept, std::string& content_type)> metrics{};
    /** POST /api/v1/replay: the section `replay` as it will be, or why it cannot (409). Not set, as live: 404; nothing can be changed. */
    std::function<util::Result<std::string>(const ReplayCommand&)> control_replay{};
};

/**
 * Serves until it is destroyed. What a client does ends here: it reaches nothing but what was published, Streams, which is made
 * for it, and control_replay, where a recording is shown. Docs: docs/api.md.
 */
class Server {
    class Impl;
    std::unique_ptr<Impl> m_impl;

    explicit Server(std::unique_ptr<Impl> impl);

public:
    /**
     * Listens, for which a program may have rights that it gives up before it serves. Clients wait. `streams` must outlive the server. Fails
     * with Usage, Io (port in use) or Permission.
     */
    static util::Result<std::unique_ptr<Server>> Listen(ServerOptions options, Streams& streams);
    /** Starts the thread. Once. */
    void Serve();
    /** Both. */
    static util::Result<std::unique_ptr<Server>> Start(ServerOptions options, Streams& streams);
    /** Says goodbye to the clients, waits for them for at most half a second, ends the thread. */
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    std::uint16_t Port() const;
    /** For people: `http://127.0.0.1:8338/`. */
    std::string Url() const;

    /** Whether all of it makes sense, the TLS texts included. Listens nowhere. */
    static util::Result<> Check(const ServerOptions& options);

    // Any thread.
    /**
     * Asks this of requests and connections from now on; connections that are open stay so. Fails with Usage, and then nothing has changed.
     * After Serve().
     */
    util::Result<> Change(Access access);
    /**
     * What is shown from now on; clients that want snapshots get it. Once a second. The thread that writes to Streams, when the snapshot has
     * just what was written.
     */
    void Publish(std::shared_ptr<const state::Snapshot> snapshot);

    // Any thread.
    /** More for the API: valid JSON, shown as /api/v1/NAME and as a member of snapshots. Names are words of a-z, 0-9, - and _. */
    void PublishSection(const std::string& name, std::string json);
    /** Instead of ServerOptions::config_json, after a reload. */
    void SetConfig(std::string json);
    ServerStats Stats() const;
    /** For how long the server's thread has shown no sign of life: a second or so, or it hangs. Zero before Serve(). */
    std::chrono::nanoseconds SilentFor() const;
    /** What failed that should not (there is no memory) since the last call; empty: nothing. It ended what it hit, and nothing else. */
    std::string TakeFailure();
};

} // namespace coretap::web
