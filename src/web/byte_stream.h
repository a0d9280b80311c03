// A client's connection, with or without TLS: one type for both, so that Beast's templates are compiled once.
#pragma once

#include <chrono>
#include <optional>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/websocket/teardown.hpp>

namespace coretap::web {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;

/** An AsyncStream in Asio's sense. One thread. */
class ByteStream {
    beast::tcp_stream m_tcp;
    std::optional<asio::ssl::stream<beast::tcp_stream&>> m_tls;

public:
    using executor_type = beast::tcp_stream::executor_type;

    ByteStream(asio::ip::tcp::socket socket, asio::ssl::context* tls) : m_tcp{std::move(socket)}
    {
        if (tls) m_tls.emplace(m_tcp, *tls);
    }
    ByteStream(const ByteStream&) = delete;
    ByteStream& operator=(const ByteStream&) = delete;

    executor_type get_executor() { return m_tcp.get_executor(); }
    bool Tls() const noexcept { return m_tls.has_value(); }
    asio::ssl::stream<beast::tcp_stream&>& TlsLayer() { return *m_tls; }
    asio::ip::tcp::socket& Socket() { return m_tcp.socket(); }
    /** What is below TLS, with the deadline of ExpiresAfter(). */
    beast::tcp_stream& Tcp() { return m_tcp; }
    /** From now on, what is not done in that time fails with beast::error::timeout and closes the connection. */
    void ExpiresAfter(std::chrono::milliseconds time) { m_tcp.expires_after(time); }
    void ExpiresNever() { m_tcp.expires_never(); }
    /** At once, without goodbye. */
    void Close() { m_tcp.close(); }

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token)
    {
        return asio::async_initiate<Token, void(error_code, std::size_t)>(
            [this](auto&& handler, const Buffers& to) {
                if (m_tls) {
                    m_tls->async_read_some(to, std::forward<decltype(handler)>(handler));
                } else {
                    m_tcp.async_read_some(to, std::forward<decltype(handler)>(handler));
                }
            },
            token, buffers);
    }
    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token)
    {
        return asio::async_initiate<Token, void(error_code, std::size_t)>(
            [this](auto&& handler, const Buffers& from) {
                if (m_tls) {
                    m_tls->async_write_some(from, std::forward<decltype(handler)>(handler));
                } else {
                    m_tcp.async_write_some(from, std::forward<decltype(handler)>(handler));
                }
            },
            token, buffers);
    }

    // What Beast's WebSocket asks for, found by name: how to end a connection.
    friend void beast_close_socket(ByteStream& stream) { stream.Close(); }
    template <class Handler>
    friend void async_teardown(beast::role_type role, ByteStream& stream, Handler&& handler)
    {
        // The goodbye was said in close frames: TLS's own would tell nothing more
        beast::websocket::async_teardown(role, stream.m_tcp.socket(), std::forward<Handler>(handler));
    }
};

} // namespace coretap::web
