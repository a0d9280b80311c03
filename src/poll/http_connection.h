// One HTTP/1.1 connection to a node, kept alive between requests. The only part of coretap's RPC that knows Boost.Beast.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace coretap::poll {

struct HttpOptions {
    std::chrono::milliseconds connect_timeout{2'000};
    std::chrono::milliseconds answer_timeout{30'000}; //!< from the request to the last byte of the answer
    std::uint64_t max_answer_bytes{16ULL << 20};
    std::uint64_t max_streamed_bytes{64ULL << 20}; //!< of an answer that goes to a sink
};

enum class HttpOutcome : std::uint8_t {
    Answered,    //!< `status` and body are there, whatever the status says
    Refused,     //!< nobody listens there
    Unreachable, //!< no such host, no way to it
    Timeout,
    Broken,  //!< the connection ended in the middle of the answer
    NotHttp, //!< what came is no HTTP answer
    TooLarge,
    Cancelled,
};

struct HttpAnswer {
    HttpOutcome outcome{HttpOutcome::Cancelled};
    unsigned status{0};
    std::string body; //!< empty if a sink took it
    std::string what; //!< of a failure: the system's words
};

/** Takes a piece of an answer's body as it comes; false: enough, no more is wanted. */
using BodySink = std::function<bool(std::string_view piece)>;

/** Blocking, one thread; only Cancel() may be called from another. */
class HttpConnection {
    struct Impl;
    std::unique_ptr<Impl> m_impl;

public:
    HttpConnection(std::string host, std::uint16_t port, HttpOptions options);
    ~HttpConnection();
    HttpConnection(const HttpConnection&) = delete;
    HttpConnection& operator=(const HttpConnection&) = delete;

    /**
     * POST `body` to `/`, connecting first where need be. A kept connection that the node has closed meanwhile is made
     * again, once. The body of a 200 goes to `sink` if there is one; any other into the answer.
     */
    HttpAnswer Post(const std::string& body, const std::string& authorization, const BodySink& sink = {});
    /** Let the request that is under way, and every later one, end at once as Cancelled. From any thread. */
    void Cancel();
};

} // namespace coretap::poll
