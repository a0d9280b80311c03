// HTTP on a connection. Beast reads the requests; the responses are ours.
#include "web/connection.h"

#include <array>
#include <optional>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include "web/websocket.h"

namespace coretap::web {
namespace {

namespace http = beast::http;
constexpr auto TOKEN = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds LINGER{1000};
constexpr std::size_t LINGER_BYTES{256 << 10};

using HttpRequest = http::request<http::empty_body>;

Request ToRequest(const HttpRequest& request, const Connection& connection)
{
    const auto header = [&request](http::field field) { return std::string{request[field]}; };
    Request out;
    out.method = request.method_string();
    out.target = request.target();
    out.host = header(http::field::host);
    out.origin = header(http::field::origin);
    out.content_type = header(http::field::content_type);
    out.authorization = header(http::field::authorization);
    out.cookie = header(http::field::cookie);
    out.if_none_match = header(http::field::if_none_match);
    out.accept = header(http::field::accept);
    out.accept_encoding = header(http::field::accept_encoding);
    out.fetch_site = request["Sec-Fetch-Site"];
    out.fetch_mode = request["Sec-Fetch-Mode"];
    out.ambiguous = request.count(http::field::host) > 1 || request.count(http::field::origin) > 1;
    out.client_address = connection.client_address;
    out.local_address = connection.local_address;
    out.tls = connection.stream.IsTls();
    return out;
}

/** False: the connection is of no use any more. */
asio::awaitable<bool> Send(Context& context, Connection& connection, const Response& response, bool keep_alive, bool head_only)
{
    const std::string head{Head(response, keep_alive)};
    const std::string_view body{head_only || response.status == 304 ? std::string_view{} : response.Body()};
    const std::array<asio::const_buffer, 2> buffers{asio::buffer(head), asio::buffer(body.data(), body.size())};
    Counters::Add(context.counters.responses[response.status / 100]);
    connection.stream.ExpiresAfter(context.options.limits.write_timeout);
    const auto [error, sent] = co_await asio::async_write(connection.stream, buffers, TOKEN);
    if (error == beast::error::timeout) context.counters.Count(Reject::SlowReader);
    Counters::Add(context.counters.sent_bytes, sent);
    co_return !error && keep_alive;
}

/** What a client still sends is read for a moment: closing over it would reset the connection, and the response with it. */
asio::awaitable<void> Linger(Connection& connection)
{
    error_code ignored;
    connection.stream.Socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    connection.stream.ExpiresAfter(LINGER);
    std::array<char, 4096> rest;
    for (std::size_t total{0}; total < LINGER_BYTES;) {
        const auto [error, size] = co_await connection.stream.async_read_below(asio::buffer(rest), TOKEN);
        if (error) break;
        total += size;
    }
}

Response Refusal(Context& context, error_code error)
{
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
        context.counters.Count(Reject::HeaderTooLarge);
        return ErrorResponse(431, "header_too_large", "the request's header is too large");
    }
    context.counters.Count(Reject::BadRequest);
    return ErrorResponse(400, "bad_request", "this is not a request of HTTP/1");
}

asio::awaitable<bool> HandshakeTls(Context& context, Connection& connection)
{
    if (!connection.stream.IsTls()) co_return true;
    connection.stream.ExpiresAfter(context.options.limits.header_timeout);
    const auto [error, nothing] = co_await connection.stream.async_handshake(TOKEN);
    if (error) context.counters.Count(Reject::TlsHandshake);
    co_return !error;
}

bool HasBody(const http::request_parser<http::empty_body>& parser)
{
    const auto length = parser.content_length();
    // whatever encoding: what follows is no request of its own
    return parser.get().count(http::field::transfer_encoding) != 0 || (length && *length != 0);
}

/** Nothing: not said beforehand. */
std::optional<std::uint64_t> BodyLength(const http::request_parser<http::empty_body>& parser)
{
    const auto length = parser.content_length();
    return length ? std::optional<std::uint64_t>{*length} : std::nullopt;
}

/** A body that is wanted: at most Limits::body_bytes, within the time for a header. Nothing: the connection broke. */
asio::awaitable<std::optional<Response>> TakeControl(Context& context, ByteStream& stream, beast::flat_buffer& buffer,
                                                     const Request& request, std::optional<std::uint64_t> length)
{
    const auto refuse = [](Response response) { // its body is not read, so nothing can follow
        response.close = true;
        return response;
    };
    if (auto refused = context.site.RefuseControl(request)) co_return refuse(std::move(*refused));
    if (!length) {
        context.counters.Count(Reject::BadRequest);
        co_return refuse(ErrorResponse(411, "length_required", "the body needs a Content-Length"));
    }
    if (*length > context.options.limits.body_bytes) {
        context.counters.Count(Reject::BodyTooLarge);
        co_return refuse(ErrorResponse(413, "body_too_large", "the body is too large"));
    }
    const auto size = static_cast<std::size_t>(*length);
    while (buffer.size() < size) {
        const auto [error, read] = co_await stream.async_read_some(buffer.prepare(size - buffer.size()), TOKEN);
        if (error == beast::error::timeout) context.counters.Count(Reject::HeaderTimeout);
        if (error) co_return std::nullopt;
        buffer.commit(read);
    }
    const std::string body{static_cast<const char*>(buffer.data().data()), size};
    buffer.consume(size);
    co_return context.site.Control(body);
}

} // namespace

Connection::Connection(Context& context, asio::ip::tcp::socket socket, asio::ssl::context* tls, std::string address)
    : m_context{context}, m_limit_key{LimitKey(address)}, stream{std::move(socket), tls}, client_address{std::move(address)}
{
    ++m_context.per_address[m_limit_key];
    m_context.connections.insert(this);
    Counters::Add(m_context.counters.connections);
    Counters::Add(m_context.counters.connections_total);
}

Connection::~Connection()
{
    m_context.connections.erase(this);
    const auto count = m_context.per_address.find(m_limit_key);
    if (--count->second == 0) m_context.per_address.erase(count);
    Counters::Sub(m_context.counters.connections);
}

asio::awaitable<void> Serve(Context& context, std::shared_ptr<Connection> connection)
{
    const Limits& limits{context.options.limits};
    ByteStream& stream{connection->stream};
    if (!co_await HandshakeTls(context, *connection)) co_return;

    beast::flat_buffer buffer{2 * limits.header_bytes};
    for (bool first{true}; !context.stopping; first = false) {
        connection->idle = true;
        if (buffer.size() == 0) {
            stream.ExpiresAfter(first ? limits.header_timeout : limits.idle_timeout);
            const auto [error, size] = co_await stream.async_read_some(buffer.prepare(1024), TOKEN);
            if (first && error == beast::error::timeout) context.counters.Count(Reject::HeaderTimeout);
            if (error) co_return;
            buffer.commit(size);
        }
        connection->idle = false;
        http::request_parser<http::empty_body> parser;
        parser.header_limit(static_cast<std::uint32_t>(limits.header_bytes));
        parser.body_limit(boost::none); // a body is refused below, in words
        stream.ExpiresAfter(limits.header_timeout);
        const auto [error, size] = co_await http::async_read_header(stream, buffer, parser, TOKEN);
        if (error == beast::error::timeout) {
            context.counters.Count(Reject::HeaderTimeout);
            co_return;
        }
        if (error && error.category() != http::make_error_code(http::error::header_limit).category()) co_return; // the connection broke
        if (error == http::error::end_of_stream || error == http::error::partial_message) co_return;

        Counters::Add(context.counters.requests);
        Response response;
        bool keep_alive{false};
        bool head_only{false};
        if (error) {
            response = Refusal(context, error);
            response.close = true;
        } else {
            const Request request{ToRequest(parser.get(), *connection)};
            keep_alive = parser.get().keep_alive();
            head_only = request.method == "HEAD";
            const auto budget = static_cast<std::size_t>(context.site.BudgetOf(request));
            if (!context.requests[budget].Allow(connection->LimitKeyOf(), TokenBucket::Clock::now())) {
                context.counters.Count(Reject::RateLimited);
                response = ErrorResponse(429, "too_many_requests", "too many requests from this address");
                response.headers.emplace_back("Retry-After", "1");
                response.close = true;
            } else if (HasBody(parser) && (request.method == "GET" || request.method == "HEAD")) {
                context.counters.Count(Reject::BodyTooLarge);
                response = ErrorResponse(413, "body_too_large", "a request has no body here");
            } else if (Site::IsWebSocket(request)) {
                auto refused = context.site.RefuseWebSocket(request);
                if (!refused && !beast::websocket::is_upgrade(parser.get())) {
                    refused = ErrorResponse(426, "upgrade_required", "this is for WebSockets");
                    refused->headers.emplace_back("Upgrade", "websocket");
                } else if (!refused && buffer.size() != 0) {
                    context.counters.Count(Reject::BadRequest);
                    refused = ErrorResponse(400, "bad_request", "nothing may follow before the connection is upgraded");
                } else if (!refused && context.sessions.size() >= limits.websockets) {
                    context.counters.Count(Reject::TooManyWebSockets);
                    refused = ErrorResponse(503, "too_many_websockets", "too many clients listen already");
                }
                if (!refused) {
                    Counters::Add(context.counters.responses[1]);
                    co_await ServeWebSocket(context, connection, parser.get());
                    co_return;
                }
                response = std::move(*refused);
            } else if (Site::IsControl(request)) {
                auto taken = co_await TakeControl(context, stream, buffer, request, BodyLength(parser));
                if (!taken) co_return;
                response = std::move(*taken);
            } else {
                response = context.site.Answer(request);
            }
            response.close |= HasBody(parser) && !Site::IsControl(request); // which nobody reads
        }
        keep_alive = keep_alive && !response.close && !context.stopping;
        if (co_await Send(context, *connection, response, keep_alive, head_only)) continue;
        co_await Linger(*connection);
        co_return;
    }
}

} // namespace coretap::web
