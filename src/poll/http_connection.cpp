#include "poll/http_connection.h"

#include <array>
#include <atomic>
#include <optional>
#include <utility>
#include <vector>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/system/system_error.hpp>

namespace coretap::poll {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr std::size_t PIECE{64 << 10};
constexpr std::uint64_t MAX_ERROR_BODY{1 << 20}; //!< of an answer that is not 200

HttpOutcome OutcomeOf(const error_code& error)
{
    if (error == beast::error::timeout) return HttpOutcome::Timeout;
    if (error == asio::error::connection_refused) return HttpOutcome::Refused;
    if (error == http::error::body_limit) return HttpOutcome::TooLarge;
    if (error == http::error::end_of_stream || error == http::error::partial_message || error == asio::error::eof ||
        error == asio::error::connection_reset || error == asio::error::broken_pipe) {
        return HttpOutcome::Broken;
    }
    if (error.category() == http::make_error_code(http::error::bad_version).category()) return HttpOutcome::NotHttp;
    return HttpOutcome::Unreachable;
}

} // namespace

struct HttpConnection::Impl {
    const std::string host;
    const std::uint16_t port;
    const HttpOptions options;
    asio::io_context context{1};
    std::optional<beast::tcp_stream> stream;
    beast::flat_buffer buffer;
    std::atomic<bool> cancelled{false};
    bool answer_began{false}; //!< a byte of the answer has come

    Impl(std::string to_host, std::uint16_t to_port, HttpOptions with) : host{std::move(to_host)}, port{to_port}, options{with}
    {
        buffer.reserve(PIECE); // Beast reads as much at once as there is room for
    }

    /** Start an operation and block until it has ended. Nobody else runs the context. */
    template <class Start>
    error_code Run(Start&& start)
    {
        if (cancelled) return asio::error::operation_aborted;
        error_code result{asio::error::would_block};
        start([&result](const error_code& error, auto&&...) { result = error; });
        context.restart();
        while (result == asio::error::would_block && context.run_one() != 0) {
        }
        return result;
    }

    void Close()
    {
        stream.reset();
        buffer.clear();
        context.restart();
        context.poll(); // what was aborted by it
    }

    error_code Connect()
    {
        Close();
        error_code error;
        std::vector<asio::ip::tcp::endpoint> endpoints;
        const auto address{asio::ip::make_address(host, error)};
        if (!error) {
            endpoints.emplace_back(address, port);
        } else {
            asio::ip::tcp::resolver resolver{context};
            const auto found{resolver.resolve(host, std::to_string(port), asio::ip::resolver_base::numeric_service, error)};
            if (error) return error;
            for (const auto& entry : found) endpoints.push_back(entry.endpoint());
        }
        stream.emplace(context);
        stream->expires_after(options.connect_timeout);
        return Run([&](auto done) { stream->async_connect(endpoints, std::move(done)); });
    }

    error_code Exchange(const http::request<http::string_body>& request, const BodySink& sink, HttpAnswer& answer)
    {
        answer_began = false;
        stream->expires_after(options.answer_timeout);
        if (const error_code error{Run([&](auto done) { http::async_write(*stream, request, std::move(done)); })}) return error;

        http::response_parser<http::buffer_body> parser;
        parser.body_limit(sink ? options.max_streamed_bytes : options.max_answer_bytes);
        parser.header_limit(16 << 10);
        const error_code headers{Run([&](auto done) { http::async_read_header(*stream, buffer, parser, std::move(done)); })};
        answer_began = parser.got_some() || buffer.size() != 0;
        if (headers) return headers;
        answer.status = parser.get().result_int();
        const bool to_sink{sink && answer.status == 200};

        std::array<char, PIECE> piece;
        while (!parser.is_done()) {
            parser.get().body().data = piece.data();
            parser.get().body().size = piece.size();
            error_code error{Run([&](auto done) { http::async_read_some(*stream, buffer, parser, std::move(done)); })};
            if (error == http::error::need_buffer) error = {};
            if (error) return error;
            const std::string_view text{piece.data(), piece.size() - parser.get().body().size};
            if (to_sink) {
                if (!sink(text)) {
                    Close();
                    return {};
                }
                continue;
            }
            answer.body += text;
            if (answer.status != 200 && answer.body.size() > MAX_ERROR_BODY) return http::error::body_limit;
        }
        if (!parser.get().keep_alive()) Close();
        return {};
    }
};

HttpConnection::HttpConnection(std::string host, std::uint16_t port, HttpOptions options)
    : m_impl{std::make_unique<Impl>(std::move(host), port, options)}
{}

HttpConnection::~HttpConnection() = default;

HttpAnswer HttpConnection::Post(const std::string& body, const std::string& authorization, const BodySink& sink)
{
    http::request<http::string_body> request{http::verb::post, "/", 11};
    request.set(http::field::host, m_impl->host);
    request.set(http::field::user_agent, "coretap");
    request.set(http::field::content_type, "application/json");
    request.set(http::field::connection, "keep-alive");
    if (!authorization.empty()) request.set(http::field::authorization, authorization);
    request.body() = body;
    request.prepare_payload();

    HttpAnswer answer;
    error_code error;
    for (;;) {
        const bool kept{m_impl->stream.has_value()};
        error = kept ? error_code{} : m_impl->Connect();
        answer.status = 0;
        answer.body.clear();
        if (!error) error = m_impl->Exchange(request, sink, answer);
        // The node closes a connection that was idle for its -rpcservertimeout, which shows only when it is used again
        const bool was_closed{error && kept && !m_impl->answer_began && OutcomeOf(error) == HttpOutcome::Broken};
        if (error) m_impl->Close();
        if (!was_closed || m_impl->cancelled) break;
    }
    if (m_impl->cancelled) {
        answer.outcome = HttpOutcome::Cancelled;
        answer.what = "cancelled";
    } else if (error) {
        answer.outcome = OutcomeOf(error);
        answer.what = error.message();
    } else {
        answer.outcome = HttpOutcome::Answered;
    }
    return answer;
}

void HttpConnection::Cancel()
{
    m_impl->cancelled = true;
    // The thread that runs the context closes the stream, whatever it is in the middle of; nothing waits if nobody runs it
    asio::post(m_impl->context, [impl = m_impl.get()] {
        if (impl->stream) impl->stream->cancel();
    });
}

} // namespace coretap::poll
