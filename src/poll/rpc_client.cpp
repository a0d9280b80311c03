#include "poll/rpc_client.h"

#include <algorithm>
#include <new>
#include <optional>
#include <utility>

#include <boost/json/memory_resource.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/storage_ptr.hpp>
#include <fmt/format.h>

#include "util/text.h"

namespace coretap::poll {
namespace {

namespace json = boost::json;

constexpr int RPC_IN_WARMUP{-28}; // src/rpc/protocol.h of Bitcoin Core
constexpr int RPC_METHOD_NOT_FOUND{-32601};

std::string Base64(std::string_view text)
{
    constexpr std::string_view DIGITS{"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"};
    std::string out;
    for (std::size_t i{0}; i < text.size(); i += 3) {
        std::uint32_t bits{0};
        for (std::size_t j{0}; j < 3; ++j) bits = bits << 8 | (i + j < text.size() ? static_cast<unsigned char>(text[i + j]) : 0U);
        for (std::size_t j{0}; j < 4; ++j) out += i + j <= text.size() ? DIGITS[bits >> (18 - 6 * j) & 63] : '=';
    }
    return out;
}

json::object RequestObject(const RpcRequest& request, std::uint64_t id)
{
    // Without "jsonrpc": the form that every version answers the same way, errors as HTTP statuses
    return {{"id", id}, {"method", request.method}, {"params", request.params}};
}

RpcAnswer Failure(RpcFailure failure, std::string what, int code = 0) { return {failure, code, std::move(what), nullptr}; }

RpcAnswer Malformed(std::string_view method, std::string_view why)
{
    return Failure(RpcFailure::Malformed,
                   fmt::format("the answer to {} is not JSON-RPC ({}); is that port a Bitcoin Core node's RPC port?", method, why));
}

/** The words of a plain-text body, for a message. */
std::string Words(std::string_view body)
{
    while (!body.empty() && (body.back() == '\n' || body.back() == '\r')) body.remove_suffix(1);
    return body.empty() ? std::string{} : fmt::format(": {}", util::Quoted(body.substr(0, 200)));
}

/** Memory for one answer's values, and no more than its share: `[[],[],` of a few megabytes would take hundreds. */
class Budget final : public json::memory_resource {
    std::size_t m_left{MAX_ANSWER_VALUES_BYTES};

    // No value of JSON asks for more than new aligns to by itself.
    void* do_allocate(std::size_t size, std::size_t) override
    {
        if (size > m_left) throw std::bad_alloc{};
        void* const memory{::operator new(size)};
        m_left -= size;
        return memory;
    }
    void do_deallocate(void* memory, std::size_t size, std::size_t) override
    {
        ::operator delete(memory);
        m_left += size;
    }
    bool do_is_equal(const json::memory_resource& other) const noexcept override { return this == &other; }
};

/** The values of a text, or why there are none. */
struct Parsed {
    json::value value;
    std::optional<RpcAnswer> failed;
};
Parsed Parse(std::string_view text, std::string_view methods)
{
    const auto budget{json::make_shared_resource<Budget>()};
    try {
        json::parser parser{budget};
        parser.reset(budget);
        json::error_code error;
        parser.write(text.data(), text.size(), error);
        if (error) return {nullptr, Malformed(methods, error.message())};
        return {parser.release(), std::nullopt};
    } catch (const std::bad_alloc&) {
        return {nullptr,
                Failure(RpcFailure::TooLarge, fmt::format("the answer to {} has more values than allowed and was dropped", methods))};
    }
}

} // namespace

std::uint16_t DefaultRpcPort(std::string_view chain)
{
    if (chain == "test") return 18332;
    if (chain == "testnet4") return 48332;
    if (chain == "signet") return 38332;
    if (chain == "regtest") return 18443;
    return 8332;
}

RpcAnswer ReadRpcObject(json::value&& value, std::string_view method)
{
    json::object* object{value.if_object()};
    if (object == nullptr) return Malformed(method, "no object");
    if (const json::value * error{object->if_contains("error")}; error != nullptr && !error->is_null()) {
        const json::object* details{error->if_object()};
        if (details == nullptr) return Malformed(method, "its error is no object");
        const json::value* code_value{details->if_contains("code")};
        const json::value* message{details->if_contains("message")};
        const std::int64_t* code{code_value == nullptr ? nullptr : code_value->if_int64()};
        const json::string* text{message == nullptr ? nullptr : message->if_string()};
        if (code == nullptr || *code < -1'000'000 || *code > 1'000'000) return Malformed(method, "its error has no code");
        const std::string words{text == nullptr ? std::string{"no message"} :
                                                  util::Quoted({text->data(), std::min<std::size_t>(text->size(), 200)})};
        const int number{static_cast<int>(*code)};
        if (number == RPC_IN_WARMUP) return Failure(RpcFailure::WarmingUp, fmt::format("the node is still starting: {}", words), number);
        if (number == RPC_METHOD_NOT_FOUND) {
            return Failure(RpcFailure::NoSuchMethod, fmt::format("this node has no RPC {}; a newer Bitcoin Core may", method), number);
        }
        return Failure(RpcFailure::Rpc, fmt::format("{} failed: {} ({})", method, words, number), number);
    }
    json::value* result{object->if_contains("result")};
    if (result == nullptr) return Malformed(method, "neither result nor error");
    return {RpcFailure::None, 0, {}, std::move(*result)};
}

RpcAnswer ReadRpcText(std::string_view text, std::string_view method)
{
    Parsed parsed{Parse(text, method)};
    return parsed.failed ? std::move(*parsed.failed) : ReadRpcObject(std::move(parsed.value), method);
}

RpcClient::RpcClient(const std::string& host, std::uint16_t port, HttpOptions options)
    : m_where{fmt::format("{}:{}", host, port)}, m_http{host, port, options}
{}

void RpcClient::SetCredentials(std::string_view user, std::string_view password)
{
    m_authorization = "Basic " + Base64(fmt::format("{}:{}", user, password));
}

RpcAnswer RpcClient::Failed(const HttpAnswer& answer, std::string_view method) const
{
    switch (answer.outcome) {
    case HttpOutcome::Refused:
        return Failure(RpcFailure::Refused,
                       fmt::format("nobody listens at {}: the node is not running, uses another -rpcport, or has -server=0", m_where));
    case HttpOutcome::Unreachable:
        return Failure(RpcFailure::Unreachable, fmt::format("cannot reach {}: {}; check the RPC host", m_where, answer.what));
    case HttpOutcome::Timeout:
        return Failure(RpcFailure::Timeout, fmt::format("{} did not answer {} in time; the node is busy, or stuck", m_where, method));
    case HttpOutcome::Broken:
        return Failure(RpcFailure::Broken,
                       fmt::format("{} ended the connection within {}; the node is stopping, or crashed", m_where, method));
    case HttpOutcome::NotHttp:
        return Failure(RpcFailure::Malformed, fmt::format("{} does not speak HTTP ({}); is it the node's RPC port?", m_where, answer.what));
    case HttpOutcome::TooLarge:
        return Failure(RpcFailure::TooLarge, fmt::format("the answer to {} is larger than allowed and was dropped", method));
    case HttpOutcome::Cancelled: return Failure(RpcFailure::Cancelled, "cancelled");
    case HttpOutcome::Answered: break;
    }
    switch (answer.status) {
    case 401:
        return Failure(
            RpcFailure::Unauthorized,
            fmt::format("{} refuses the password (401): check user and password, or whether the cookie is that node's", m_where));
    case 403:
        return Failure(RpcFailure::Forbidden,
                       fmt::format("{} forbids {} (403): see -rpcallowip and -rpcwhitelist of the node", m_where, method));
    case 503:
        return Failure(RpcFailure::Overloaded,
                       fmt::format("{} is too busy for {} (503{}); a larger -rpcworkqueue helps", m_where, method, Words(answer.body)));
    default: break;
    }
    // 404 (no such method) and 500 carry a JSON-RPC error
    if (RpcAnswer read{ReadRpcText(answer.body, method)}; !read && read.failure != RpcFailure::Malformed) return read;
    return Failure(RpcFailure::Http, fmt::format("{} answers {} with HTTP status {}{}", m_where, method, answer.status, Words(answer.body)),
                   static_cast<int>(answer.status));
}

RpcAnswer RpcClient::Call(const RpcRequest& request)
{
    const HttpAnswer answer{m_http.Post(json::serialize(RequestObject(request, 0)), m_authorization)};
    if (answer.outcome != HttpOutcome::Answered || answer.status != 200) return Failed(answer, request.method);
    return ReadRpcText(answer.body, request.method);
}

RpcAnswer RpcClient::CallStreamed(const RpcRequest& request, const BodySink& sink)
{
    const HttpAnswer answer{m_http.Post(json::serialize(RequestObject(request, 0)), m_authorization, sink)};
    if (answer.outcome != HttpOutcome::Answered || answer.status != 200) return Failed(answer, request.method);
    return {RpcFailure::None, 0, {}, nullptr};
}

std::vector<RpcAnswer> RpcClient::CallBatch(std::span<const RpcRequest> requests)
{
    std::vector<RpcAnswer> answers;
    if (requests.empty()) return answers;
    json::array batch;
    std::string methods;
    for (std::size_t i{0}; i < requests.size(); ++i) {
        batch.emplace_back(RequestObject(requests[i], i));
        methods += (i == 0 ? "" : ", ") + requests[i].method;
    }
    const auto all_failed = [&](const RpcAnswer& why) {
        answers.clear();
        for (std::size_t i{0}; i < requests.size(); ++i) answers.push_back(Failure(why.failure, why.what, why.code));
        return std::move(answers);
    };
    const HttpAnswer answer{m_http.Post(json::serialize(batch), m_authorization)};
    if (answer.outcome != HttpOutcome::Answered || answer.status != 200) return all_failed(Failed(answer, methods));

    Parsed parsed{Parse(answer.body, methods)};
    if (parsed.failed) return all_failed(*parsed.failed);
    json::array* array{parsed.value.if_array()};
    if (array == nullptr) {
        RpcAnswer whole{ReadRpcObject(std::move(parsed.value), methods)}; // an error of the whole
        return all_failed(whole ? Malformed(methods, "no array") : whole);
    }
    std::vector<std::optional<RpcAnswer>> found(requests.size());
    for (json::value& entry : *array) {
        const json::object* object{entry.if_object()};
        const json::value* id{object == nullptr ? nullptr : object->if_contains("id")};
        const std::int64_t* index{id == nullptr ? nullptr : id->if_int64()};
        if (index == nullptr || *index < 0 || static_cast<std::size_t>(*index) >= requests.size()) continue;
        const auto at{static_cast<std::size_t>(*index)};
        found[at].emplace(ReadRpcObject(std::move(entry), requests[at].method));
    }
    for (std::size_t i{0}; i < requests.size(); ++i) {
        answers.push_back(found[i] ? std::move(*found[i]) : Malformed(requests[i].method, "not in the answer to a batch"));
    }
    return answers;
}

} // namespace coretap::poll
