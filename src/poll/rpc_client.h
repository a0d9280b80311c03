// JSON-RPC to a Bitcoin Core node, with every way it can fail told apart.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "poll/http_connection.h"

namespace coretap::poll {

/** Most memory that the values of one answer may take: twice what 4,096 peers need. */
inline constexpr std::size_t MAX_ANSWER_VALUES_BYTES{48 << 20};

/** Port of the RPC server where neither configuration nor command line name one; `chain` as in getblockchaininfo. */
std::uint16_t DefaultRpcPort(std::string_view chain);

enum class RpcFailure : std::uint8_t {
    None,
    Refused,     //!< nobody listens: not running, another port, or -server=0
    Unreachable, //!< no such host, no route
    Timeout,
    Broken,       //!< the connection ended before the answer did: the node is stopping, or crashed
    Unauthorized, //!< 401: wrong password, or an old cookie
    Forbidden,    //!< 403: -rpcallowip or -rpcwhitelist
    WarmingUp,    //!< JSON-RPC -28: still starting
    Overloaded,   //!< 503: the node's work queue is full, or it is stopping
    NoSuchMethod, //!< JSON-RPC -32601
    Rpc,          //!< any other JSON-RPC error
    Http,         //!< any other HTTP status
    Malformed,    //!< no JSON-RPC answer
    TooLarge,
    Cancelled,
};

struct RpcAnswer {
    RpcFailure failure{RpcFailure::Cancelled};
    int code{0};               //!< JSON-RPC's error code, or the HTTP status of Http
    std::string what;          //!< of a failure: what happened and what to do, printable; at most some hundred bytes
    boost::json::value result; //!< of a success

    explicit operator bool() const noexcept { return failure == RpcFailure::None; }
};

struct RpcRequest {
    std::string method;
    boost::json::array params;
};

/** Blocking, one thread; only Cancel() may be called from another. */
class RpcClient {
    std::string m_where; //!< host:port, for messages
    HttpConnection m_http;
    std::string m_authorization;

public:
    RpcClient(const std::string& host, std::uint16_t port, HttpOptions options = {});

    /** Sent with every request from now on (Basic authentication). */
    void SetCredentials(std::string_view user, std::string_view password);

    RpcAnswer Call(const RpcRequest& request);
    /** All in one HTTP request. One answer each, in order; a failure of the whole is each one's. */
    std::vector<RpcAnswer> CallBatch(std::span<const RpcRequest> requests);
    /**
     * The text of a good answer, JSON-RPC's frame (`{"result":...,"error":null,"id":0}`) included, goes to `sink` piece by
     * piece: for answers too large to be held. The result is null.
     */
    RpcAnswer CallStreamed(const RpcRequest& request, const BodySink& sink);
    /** Let the call that is under way, and every later one, end at once as Cancelled. From any thread. */
    void Cancel() { m_http.Cancel(); }

private:
    RpcAnswer Failed(const HttpAnswer& answer, std::string_view method) const;
};

/** Take a JSON-RPC object apart: the result, or the error told apart. Public for the fuzzer and tests. */
RpcAnswer ReadRpcObject(boost::json::value&& value, std::string_view method);
/** The same of an answer's text. Its nesting is limited as boost::json limits it, to 32. */
RpcAnswer ReadRpcText(std::string_view text, std::string_view method);

} // namespace coretap::poll
