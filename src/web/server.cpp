#include "web/server.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "util/text.h"
#include "web/connection.h"
#include "web/websocket.h"

namespace coretap::web {
namespace {

using asio::ip::tcp;
using util::Errc;
using util::Error;
using util::Result;

constexpr auto TOKEN = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds TICK{1};
constexpr std::chrono::milliseconds GOODBYE{500};
constexpr std::chrono::milliseconds ACCEPT_AGAIN{100};

/** IPv4 addresses as such, also on a socket of both kinds. */
std::string AddressText(const tcp::endpoint& endpoint)
{
    asio::ip::address address{endpoint.address()};
    if (address.is_v6() && address.to_v6().is_v4_mapped()) address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
    return address.to_string();
}

Result<asio::ip::address> ParseAddress(const ServerOptions& options)
{
    error_code error;
    const auto address = asio::ip::make_address(options.address == "localhost" ? "127.0.0.1" : options.address, error);
    if (error) {
        return Error{Errc::Usage,
                     fmt::format("{} is no address to listen on: give a literal, like 127.0.0.1, 0.0.0.0 or [::1] without brackets",
                                 util::Quoted(options.address))};
    }
    return address;
}

Result<> CheckToken(const Access& options, const asio::ip::address& address)
{
    if (!options.token.empty() && options.token.size() < MIN_TOKEN_LENGTH)
        return Error{Errc::Usage, fmt::format("the token is shorter than {} characters: it could be guessed", MIN_TOKEN_LENGTH)};
    if (address.is_loopback() || !options.token.empty() || options.insecure) return {};
    return Error{Errc::Usage, fmt::format("{} can be reached from outside this machine: set a token, or say that it shall be open to all "
                                          "(insecure)",
                                          address.to_string())};
}

Result<std::unique_ptr<asio::ssl::context>> MakeTls(const Access& options)
{
    if (options.tls_certificate.empty() && options.tls_key.empty()) return std::unique_ptr<asio::ssl::context>{};
    if (options.tls_certificate.empty() || options.tls_key.empty()) return Error{Errc::Usage, "TLS needs both, a certificate and its key"};
    auto context = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
    const auto fail = [](std::string_view what, const error_code& error) {
        return Error{Errc::Usage, fmt::format("the TLS {} is of no use: {}", what, error.message())};
    };
    error_code error;
    context->use_certificate_chain(asio::buffer(options.tls_certificate), error);
    if (error) return fail("certificate", error);
    // nobody is there to type it in
    context->set_password_callback([](std::size_t, asio::ssl::context::password_purpose) { return std::string{}; }, error);
    // a key that is not the certificate's is refused here, in words that nobody understands
    ERR_clear_error();
    context->use_private_key(asio::buffer(options.tls_key), asio::ssl::context::pem, error);
    if (ERR_GET_REASON(static_cast<unsigned long>(error.value())) == X509_R_KEY_VALUES_MISMATCH ||
        (!error && SSL_CTX_check_private_key(context->native_handle()) != 1))
        return Error{Errc::Usage, "the TLS key is not that of the certificate"};
    if (error) return fail("key", error);
    SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
    SSL_CTX_set_options(context->native_handle(), SSL_OP_NO_RENEGOTIATION);
    return context;
}

Result<> BindAndListen(tcp::acceptor& acceptor, const tcp::endpoint& endpoint)
{
    error_code error;
    acceptor.open(endpoint.protocol(), error);
    if (!error) ::fcntl(acceptor.native_handle(), F_SETFD, FD_CLOEXEC);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address{true}, error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (!error) return {};
    const std::string where{fmt::format("port {} of {}", endpoint.port(), endpoint.address().to_string())};
    if (error == asio::error::address_in_use)
        return Error{Errc::Io, fmt::format("{} is in use: another program, or another coretap, listens there; choose another port", where),
                     error.value()};
    if (error == asio::error::access_denied)
        return Error{Errc::Permission, fmt::format("no permission to listen on {}: ports below 1024 are the system's", where),
                     error.value()};
    return Error{Errc::Io, fmt::format("cannot listen on {}: {}", where, error.message()), error.value()};
}

} // namespace

class Server::Impl {
    Context m_context;
    std::unique_ptr<asio::ssl::context> m_tls; //!< for connections to come; those that are there keep what they need of it
    std::atomic<bool> m_speaks_tls;
    tcp::acceptor m_acceptor;
    asio::steady_timer m_tick;
    std::atomic<std::chrono::steady_clock::rep> m_sign_of_life{0}; //!< the thread's, each second
    std::mutex m_failure_mutex;
    std::string m_failure;
    std::thread m_thread;

public:
    Impl(ServerOptions options, Streams& streams, std::unique_ptr<asio::ssl::context> tls)
        : m_context{std::move(options), streams},
          m_tls{std::move(tls)},
          m_speaks_tls{m_tls != nullptr},
          m_acceptor{m_context.io},
          m_tick{m_context.io}
    {}
    ~Impl() { Stop(); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    Result<> ListenOn(const tcp::endpoint& endpoint) { return BindAndListen(m_acceptor, endpoint); }
    void Serve()
    {
        m_context.streams.SetWake([this] {
            asio::post(m_context.io, [this] {
                m_context.streams.Awake();
                for (WebSocketSession* const session : m_context.sessions) session->Pump();
            });
        });
        Spawn(Accept());
        Spawn(Tick());
        // Signals are the main thread's
        sigset_t all, old;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &old);
        SignOfLife();
        m_thread = std::thread{[this] { Run(); }};
        pthread_sigmask(SIG_SETMASK, &old, nullptr);
    }

    const ServerOptions& Options() const { return m_context.options; }
    tcp::endpoint Endpoint() const
    {
        error_code ignored;
        return m_acceptor.local_endpoint(ignored);
    }
    bool Tls() const { return m_speaks_tls; }
    void Change(Access access, std::unique_ptr<asio::ssl::context> tls)
    {
        m_speaks_tls = tls != nullptr;
        asio::post(m_context.io, [this, guard = Guard{std::move(access.token), access.hosts}, tls = std::move(tls)]() mutable {
            m_context.site.SetGuard(std::move(guard));
            m_tls = std::move(tls);
        });
    }
    ServerStats Stats() const { return m_context.counters.Read(); }
    std::chrono::nanoseconds SilentFor() const
    {
        const std::chrono::steady_clock::duration sign{m_sign_of_life.load()};
        return sign.count() == 0 ? std::chrono::nanoseconds{0} : std::chrono::steady_clock::now().time_since_epoch() - sign;
    }
    std::string TakeFailure()
    {
        const std::lock_guard lock{m_failure_mutex};
        return std::exchange(m_failure, {});
    }
    Published& Shown() { return m_context.published; }
    void Publish(std::shared_ptr<const state::Snapshot> snapshot)
    {
        m_context.published.SetSnapshot(std::move(snapshot), m_context.streams.Positions());
        asio::post(m_context.io, [this] {
            for (WebSocketSession* const session : m_context.sessions) session->OnPublished();
        });
    }

private:
    // A failure (there is no memory) ends what it hit, and nothing else; it is said.
    void Failed(const std::exception_ptr& failure)
    {
        std::string what{"something unknown"};
        try {
            std::rethrow_exception(failure);
        } catch (const std::exception& exception) {
            what = exception.what();
        } catch (...) {
        }
        Counters::Add(m_context.counters.failures);
        const std::lock_guard lock{m_failure_mutex};
        m_failure = std::move(what);
    }

    void Run()
    {
        for (;;) {
            try {
                m_context.io.run();
                return;
            } catch (...) { // of a handler
                Failed(std::current_exception());
            }
        }
    }

    void Spawn(asio::awaitable<void> work)
    {
        asio::co_spawn(m_context.io, std::move(work), [this](const std::exception_ptr& failure) {
            if (failure) Failed(failure);
        });
    }

    void SignOfLife() { m_sign_of_life = std::chrono::steady_clock::now().time_since_epoch().count(); }

    asio::awaitable<void> Accept()
    {
        while (m_acceptor.is_open()) {
            auto [error, socket] = co_await m_acceptor.async_accept(TOKEN);
            if (error) { // no descriptors, most likely: they come back
                asio::steady_timer pause{m_context.io, ACCEPT_AGAIN};
                co_await pause.async_wait(TOKEN);
                continue;
            }
            try {
                Admit(std::move(socket));
            } catch (...) {
                Failed(std::current_exception());
            }
        }
    }

    void Admit(tcp::socket socket)
    {
        const Limits& limits{m_context.options.limits};
        error_code gone;
        const std::string address{AddressText(socket.remote_endpoint(gone))};
        const std::string local{AddressText(socket.local_endpoint(gone))};
        if (gone) return;
        if (m_context.connections.size() >= limits.connections) return m_context.counters.Count(Reject::TooManyConnections);
        const std::string key{LimitKey(address)};
        const auto now = TokenBucket::Clock::now();
        const auto count = m_context.per_address.find(key);
        if ((count != m_context.per_address.end() && count->second >= limits.connections_per_address) ||
            !m_context.newcomers.Allow(key, now) || (m_tls && !m_context.handshakes.Allow(key, now)))
            return m_context.counters.Count(Reject::TooManyOfAddress);
        socket.set_option(tcp::no_delay{true}, gone);
        auto connection = std::make_shared<Connection>(m_context, std::move(socket), m_tls.get(), address);
        connection->local_address = local;
        Spawn(web::Serve(m_context, std::move(connection)));
    }

    asio::awaitable<void> Tick()
    {
        while (!m_context.stopping) {
            m_tick.expires_after(TICK);
            co_await m_tick.async_wait(TOKEN);
            SignOfLife();
            try {
                const auto now = std::chrono::steady_clock::now();
                for (WebSocketSession* const session : m_context.sessions) session->Sweep(now);
                m_context.streams.Expire(now);
            } catch (...) {
                Failed(std::current_exception());
            }
        }
    }

    /** Waits until all clients have gone, but not for long. */
    asio::awaitable<void> SayGoodbye()
    {
        const auto until = std::chrono::steady_clock::now() + GOODBYE;
        asio::steady_timer pause{m_context.io};
        while (!m_context.connections.empty() && std::chrono::steady_clock::now() < until) {
            pause.expires_after(GOODBYE / 50);
            co_await pause.async_wait(TOKEN);
        }
        m_context.io.stop();
    }

    void Stop()
    {
        if (!m_thread.joinable()) return;
        m_context.streams.SetWake({});
        asio::post(m_context.io, [this] {
            m_context.stopping = true;
            error_code ignored;
            m_acceptor.close(ignored);
            m_tick.cancel();
            for (WebSocketSession* const session : m_context.sessions) session->GoAway();
            for (Connection* const connection : m_context.connections) {
                if (connection->idle) connection->stream.Close();
            }
            Spawn(SayGoodbye());
        });
        m_thread.join();
    }
};

Server::Server(std::unique_ptr<Impl> impl) : m_impl{std::move(impl)} {}
Server::~Server() = default;

Result<> Server::Check(const ServerOptions& options)
{
    const auto address = ParseAddress(options);
    if (!address) return address.GetError();
    if (auto checked = CheckToken(options, *address); !checked) return checked;
    const auto tls = MakeTls(options);
    return tls ? Result<>{} : tls.GetError();
}

Result<> Server::Change(Access access)
{
    if (auto checked = CheckToken(access, m_impl->Endpoint().address()); !checked) return checked;
    auto tls = MakeTls(access);
    if (!tls) return tls.GetError();
    m_impl->Change(std::move(access), std::move(*tls));
    return {};
}

Result<std::unique_ptr<Server>> Server::Listen(ServerOptions options, Streams& streams)
{
    const auto address = ParseAddress(options);
    if (!address) return address.GetError();
    if (auto checked = CheckToken(options, *address); !checked) return checked.GetError();
    for (const std::string& host : options.hosts) {
        if (!HostOf(host))
            return Error{Errc::Usage,
                         fmt::format("{} is not a name that a Host header can have, like node.example.org", util::Quoted(host))};
    }
    auto tls = MakeTls(options);
    if (!tls) return tls.GetError();
    const tcp::endpoint endpoint{*address, options.port};
    auto impl = std::make_unique<Impl>(std::move(options), streams, std::move(*tls));
    if (auto listening = impl->ListenOn(endpoint); !listening) return listening.GetError();
    return std::unique_ptr<Server>{new Server{std::move(impl)}};
}

void Server::Serve() { m_impl->Serve(); }

Result<std::unique_ptr<Server>> Server::Start(ServerOptions options, Streams& streams)
{
    auto server = Listen(std::move(options), streams);
    if (server) (*server)->Serve();
    return server;
}

std::uint16_t Server::Port() const { return m_impl->Endpoint().port(); }

std::string Server::Url() const
{
    const tcp::endpoint endpoint{m_impl->Endpoint()};
    std::string host{endpoint.address().to_string()};
    if (endpoint.address().is_unspecified()) host = "localhost";
    if (host.find(':') != std::string::npos) host = "[" + host + "]";
    return fmt::format("{}://{}:{}/", m_impl->Tls() ? "https" : "http", host, endpoint.port());
}

void Server::Publish(std::shared_ptr<const state::Snapshot> snapshot) { m_impl->Publish(std::move(snapshot)); }

void Server::PublishSection(const std::string& name, std::string json) { m_impl->Shown().SetSection(name, std::move(json)); }
void Server::SetConfig(std::string json) { m_impl->Shown().SetConfig(std::move(json)); }
ServerStats Server::Stats() const { return m_impl->Stats(); }
std::chrono::nanoseconds Server::SilentFor() const { return m_impl->SilentFor(); }
std::string Server::TakeFailure() { return m_impl->TakeFailure(); }

} // namespace coretap::web
