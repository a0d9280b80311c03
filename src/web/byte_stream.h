// A client's connection, with or without TLS: one type for both, and for every handler, so that Asio's and Beast's templates are
// compiled once, in byte_stream.cpp.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/rate_policy.hpp>
#include <boost/beast/websocket/teardown.hpp>
#include <boost/container/static_vector.hpp>

namespace coretap::web {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;

/** What is called when bytes were read or written, whatever it is. Once. */
class ByteHandler {
    struct Base {
        virtual ~Base() = default;
        virtual void Call(error_code error, std::size_t size) = 0;
    };
    template <class Handler>
    struct Holder final : Base {
        Handler handler;
        explicit Holder(Handler&& h) : handler{std::move(h)} {}
        void Call(error_code error, std::size_t size) override { std::move(handler)(error, size); }
    };
    std::unique_ptr<Base> m_held;

public:
    template <class Handler>
    explicit ByteHandler(Handler handler) : m_held{std::make_unique<Holder<Handler>>(std::move(handler))}
    {}
    void operator()(error_code error, std::size_t size) { std::exchange(m_held, nullptr)->Call(error, size); }
};

/** An AsyncStream in Asio's sense. One thread. */
class ByteStream {
public:
    using Tcp = beast::basic_stream<asio::ip::tcp, asio::any_io_executor, beast::simple_rate_policy>;
    using executor_type = Tcp::executor_type; // NOLINT(readability-identifier-naming) Asio looks for it

private:
    /** More of a sequence than these wait for the next call. */
    static constexpr std::size_t MAX_BUFFERS{16};
    Tcp m_tcp;
    std::optional<asio::ssl::stream<Tcp&>> m_tls;

    template <class Buffer>
    using Some = boost::container::static_vector<Buffer, MAX_BUFFERS>; // a buffer sequence itself
    template <class Buffer, class Buffers>
    static Some<Buffer> First(const Buffers& sequence)
    {
        Some<Buffer> some;
        const auto end = asio::buffer_sequence_end(sequence);
        for (auto at = asio::buffer_sequence_begin(sequence); at != end && some.size() < MAX_BUFFERS; ++at) some.push_back(*at);
        return some;
    }
    void ReadSome(const Some<asio::mutable_buffer>& to, ByteHandler handler);
    void WriteSome(const Some<asio::const_buffer>& from, ByteHandler handler);

public:
    ByteStream(asio::ip::tcp::socket socket, asio::ssl::context* tls);
    ~ByteStream();
    ByteStream(const ByteStream&) = delete;
    ByteStream& operator=(const ByteStream&) = delete;

    executor_type get_executor() { return m_tcp.get_executor(); }
    bool IsTls() const noexcept { return m_tls.has_value(); }
    asio::ip::tcp::socket& Socket() { return m_tcp.socket(); }
    /** From now on, what is not done in that time fails with beast::error::timeout and closes the connection. */
    void ExpiresAfter(std::chrono::milliseconds time) { m_tcp.expires_after(time); }
    void ExpiresNever() { m_tcp.expires_never(); }
    /** No more bytes a second are read: who sends more has to wait. */
    void LimitReading(std::size_t bytes_per_s) { m_tcp.rate_policy().read_limit(bytes_per_s); }
    /** At once, without goodbye. */
    void Close() { m_tcp.close(); }

    // NOLINTBEGIN(readability-identifier-naming): Asio and Beast find them by name
    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token)
    {
        return asio::async_initiate<Token, void(error_code, std::size_t)>(
            [this](auto&& handler, const Buffers& to) {
                ReadSome(First<asio::mutable_buffer>(to), ByteHandler{std::forward<decltype(handler)>(handler)});
            },
            token, buffers);
    }
    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token)
    {
        return asio::async_initiate<Token, void(error_code, std::size_t)>(
            [this](auto&& handler, const Buffers& from) {
                WriteSome(First<asio::const_buffer>(from), ByteHandler{std::forward<decltype(handler)>(handler)});
            },
            token, buffers);
    }
    /** TLS's; only if it is TLS. */
    template <class Token>
    auto async_handshake(Token&& token)
    {
        return asio::async_initiate<Token, void(error_code, std::size_t)>(
            [this](auto&& handler) { Handshake(ByteHandler{std::forward<decltype(handler)>(handler)}); }, token);
    }
    /** What is below TLS, with the deadline of ExpiresAfter(). */
    template <class Token>
    auto async_read_below(asio::mutable_buffer buffer, Token&& token)
    {
        return asio::async_initiate<Token, void(error_code, std::size_t)>(
            [this](auto&& handler, asio::mutable_buffer to) { ReadBelow(to, ByteHandler{std::forward<decltype(handler)>(handler)}); },
            token, buffer);
    }

    // What Beast's WebSocket asks for, found by name: how to end a connection.
    friend void beast_close_socket(ByteStream& stream) { stream.Close(); }
    template <class Handler>
    friend void async_teardown(beast::role_type role, ByteStream& stream, Handler&& handler)
    {
        // The goodbye was said in close frames: TLS's own would tell nothing more
        beast::websocket::async_teardown(role, stream.m_tcp.socket(), std::forward<Handler>(handler));
    }
    // NOLINTEND(readability-identifier-naming)

private:
    void Handshake(ByteHandler handler);
    void ReadBelow(asio::mutable_buffer to, ByteHandler handler);
};

} // namespace coretap::web
