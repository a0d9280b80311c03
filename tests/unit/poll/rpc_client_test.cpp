#include "poll/rpc_client.h"

#include <future>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/poll/fake_rpc.h"

namespace coretap::poll_test {
namespace {

using namespace std::chrono_literals;
using poll::HttpOptions;
using poll::RpcAnswer;
using poll::RpcClient;
using poll::RpcFailure;
using poll::RpcRequest;
using testing::HasSubstr;

const HttpOptions QUICK{.connect_timeout = 1000ms, .answer_timeout = 200ms, .max_answer_bytes = 1 << 20};

RpcAnswer AskOnce(const std::function<Reply(const Request&)>& handler, const std::string& method = "uptime")
{
    FakeRpc server{handler};
    RpcClient client{"127.0.0.1", server.Port(), QUICK};
    return client.Call({method, {}});
}

TEST(RpcClient, AsksAsBitcoinCoreWantsItAndKeepsTheConnection)
{
    FakeRpc server{[](const Request& request) { return Answer(request, {{"uptime", "17"}}); }};
    RpcClient client{"127.0.0.1", server.Port(), QUICK};
    client.SetCredentials("__cookie__", "secret");
    for (int i{0}; i < 3; ++i) {
        const RpcAnswer answer{client.Call({"uptime", {}})};
        ASSERT_TRUE(answer) << answer.what;
        EXPECT_EQ(17, answer.result.as_int64());
    }
    EXPECT_EQ(1, server.Connections());
    const auto requests{server.Requests()};
    ASSERT_EQ(3u, requests.size());
    EXPECT_THAT(requests[0].head, HasSubstr("POST / HTTP/1.1\r\n"));
    EXPECT_THAT(requests[0].head, HasSubstr("Authorization: Basic X19jb29raWVfXzpzZWNyZXQ=")); // by base64(1)
    EXPECT_EQ(R"({"id":0,"method":"uptime","params":[]})", requests[0].body);
}

TEST(RpcClient, Base64OfEveryLength)
{
    for (const auto& [password, expected] :
         std::map<std::string, std::string>{{"", "Og=="}, {"a", "OmE="}, {"ab", "OmFi"}, {"abc", "OmFiYw=="}, {"\xff\xfe?", "Ov/+Pw=="}}) {
        FakeRpc server{[](const Request& request) { return Answer(request, {{"uptime", "1"}}); }};
        RpcClient client{"127.0.0.1", server.Port(), QUICK};
        client.SetCredentials("", password);
        ASSERT_TRUE(client.Call({"uptime", {}}));
        EXPECT_TRUE((server.Requests().at(0).head + "\r\n").find("Basic " + expected + "\r\n") != std::string::npos) << expected;
    }
}

TEST(RpcClient, ABatchIsAnsweredInAnyOrder)
{
    FakeRpc server{[](const Request&) {
        return Http(200, R"([{"result":2,"error":null,"id":1},{"result":null,"error":{"code":-32601,"message":"Method not found"},"id":2},
                             {"result":1,"error":null,"id":0},{"result":9,"error":null,"id":77},{"id":"0"},5,null])");
    }};
    RpcClient client{"127.0.0.1", server.Port(), QUICK};
    const std::vector<RpcRequest> requests{{"a", {}}, {"b", {}}, {"c", {}}, {"d", {}}};
    const auto answers{client.CallBatch(requests)};
    ASSERT_EQ(4u, answers.size());
    EXPECT_EQ(1, answers[0].result.as_int64());
    EXPECT_EQ(2, answers[1].result.as_int64());
    EXPECT_EQ(RpcFailure::NoSuchMethod, answers[2].failure);
    EXPECT_EQ(RpcFailure::Malformed, answers[3].failure);
    EXPECT_TRUE(client.CallBatch({}).empty());
    EXPECT_EQ(1u, server.Requests().size());
}

TEST(RpcClient, FailuresAreToldApart)
{
    const auto error = [](int code, const std::string& message) {
        return R"({"result":null,"error":{"code":)" + std::to_string(code) + R"(,"message":")" + message + R"("},"id":0})";
    };
    const struct {
        Reply reply;
        RpcFailure failure;
        std::string words;
    } cases[]{
        {Http(401, ""), RpcFailure::Unauthorized, "password"},
        {Http(403, ""), RpcFailure::Forbidden, "-rpcwhitelist"},
        {Http(503, "Work queue depth exceeded"), RpcFailure::Overloaded, "Work queue depth exceeded"},
        {Http(500, error(-28, "Verifying blocks…")), RpcFailure::WarmingUp, "still starting"},
        {Http(200, error(-28, "Verifying blocks…")), RpcFailure::WarmingUp, "still starting"},
        {Http(404, error(-32601, "Method not found")), RpcFailure::NoSuchMethod, "no RPC uptime"},
        {Http(500, error(-1, "bad\\u001b[2J")), RpcFailure::Rpc, "bad\\x1b[2J"},
        {Http(500, "<html>"), RpcFailure::Http, "500"},
        {Http(404, ""), RpcFailure::Http, "404"},
        {Http(302, "", "Location: http://example.org/\r\n"), RpcFailure::Http, "302"},
        {Http(200, ""), RpcFailure::Malformed, "not JSON-RPC"},
        {Http(200, "{\"result\":"), RpcFailure::Malformed, "not JSON-RPC"},
        {Http(200, "[]"), RpcFailure::Malformed, "no object"},
        {Http(200, "{}"), RpcFailure::Malformed, "neither"},
        {Http(200, R"({"error":"x"})"), RpcFailure::Malformed, "error"},
        {Http(200, R"({"error":{"code":1e300}})"), RpcFailure::Malformed, "code"},
        {Http(200, std::string(5000, '[')), RpcFailure::Malformed, "not JSON-RPC"},
        {{"SSH-2.0-OpenSSH_9.2\r\n\r\n", true}, RpcFailure::Malformed, "HTTP"},
        {{std::string("\0\1\2\3\r\n\r\n", 8), true}, RpcFailure::Malformed, "HTTP"},
        {{"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"resu", true}, RpcFailure::Broken, "ended the connection"},
        {{"HTTP/1.1 200 OK\r\nContent-", true}, RpcFailure::Broken, "ended the connection"},
        {{"", true}, RpcFailure::Broken, "ended the connection"},
        {{"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", false}, RpcFailure::TooLarge, "larger"},
        {{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n" + std::string(0xfffff, ' ') + "\r\nfffff\r\n" +
              std::string(0xfffff, ' '),
          false},
         RpcFailure::TooLarge,
         "larger"},
        {{"HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x'), false}, RpcFailure::Malformed, "HTTP"},
        {{"HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n", false}, RpcFailure::Timeout, "in time"},
        {{"", false, 5s}, RpcFailure::Timeout, "in time"},
        {{"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"resu", false}, RpcFailure::Timeout, "in time"},
    };
    for (const auto& each : cases) {
        const auto began{std::chrono::steady_clock::now()};
        const RpcAnswer answer{AskOnce([&](const Request&) { return each.reply; })};
        EXPECT_EQ(each.failure, answer.failure) << each.reply.bytes.substr(0, 200) << "\n" << answer.what;
        EXPECT_THAT(answer.what, HasSubstr(each.words));
        EXPECT_LT(answer.what.size(), 600u);
        for (const char c : answer.what) EXPECT_TRUE(static_cast<unsigned char>(c) >= ' ' && c != 0x7f) << answer.what;
        EXPECT_LT(std::chrono::steady_clock::now() - began, 3s);
    }
}

TEST(RpcClient, AnEndlessBodyEndsAtTheLimit)
{
    // without a length, to the end of the connection
    const RpcAnswer answer{AskOnce([](const Request&) {
        return Reply{"HTTP/1.1 200 OK\r\n\r\n" + std::string(1 << 16, ' '), false, {}, true};
    })};
    EXPECT_EQ(RpcFailure::TooLarge, answer.failure) << answer.what;
}

/** So many bytes at most that begin with `first`, go on with `piece`, and end with `last`. */
std::string Filled(std::string_view first, std::string_view piece, std::string_view last, std::size_t size = HttpOptions{}.max_answer_bytes)
{
    std::string text{first};
    while (text.size() + piece.size() + last.size() <= size) text += piece;
    return text.append(last);
}

TEST(RpcClient, FewBytesCannotTakeMuchMemory)
{
    for (const std::string& body :
         {Filled(R"({"result":[)", "[],", "0]}"), Filled(R"({"result":{)", R"("":0,)", R"("":0}})"), Filled("[", R"({"id":0},)", "0]")}) {
        const RpcAnswer answer{poll::ReadRpcText(body, "getpeerinfo")};
        EXPECT_EQ(RpcFailure::TooLarge, answer.failure) << body.substr(0, 20);
        EXPECT_THAT(answer.what, HasSubstr("getpeerinfo"));
    }
    // and in a batch, where each of two answers is given both
    FakeRpc server{[&](const Request&) { return Http(200, Filled("[", "[],", "0]")); }};
    RpcClient client{"127.0.0.1", server.Port()};
    const std::vector<RpcRequest> requests{{"uptime", {}}, {"getmempoolinfo", {}}};
    const auto answers{client.CallBatch(requests)};
    ASSERT_EQ(2U, answers.size());
    EXPECT_EQ(RpcFailure::TooLarge, answers[0].failure) << answers[0].what;
    EXPECT_EQ(RpcFailure::TooLarge, answers[1].failure);
}

TEST(RpcClient, ThereIsRoomForAsManyPeersAsAreKept)
{
    std::string peer{
        R"({"addr":"[2001:db8:1234:5678:9abc:def0:1234:5678]:8333","addrbind":"[2001:db8::1]:8333","subver":"/Satoshi:31.0.0/")"};
    for (int i{0}; i < 40; ++i) peer += fmt::format(R"(,"member_{}":{})", i, 1795338904 + i);
    for (const char* const name : {"bytessent_per_msg", "bytesrecv_per_msg"}) {
        peer += fmt::format(R"(,"{}":{{"addrv2":1)", name);
        for (int i{0}; i < 20; ++i) peer += fmt::format(R"(,"message{}":{})", i, 123456 + i);
        peer += '}';
    }
    peer += R"(,"servicesnames":["NETWORK","WITNESS","NETWORK_LIMITED","P2P_V2"],"permissions":[]})";
    std::string body{R"({"result":[)"};
    for (int i{0}; i < 4096; ++i) body += (i == 0 ? "" : ",") + peer;
    body += "]}";
    ASSERT_GT(body.size(), 7U << 20);
    ASSERT_LT(body.size(), HttpOptions{}.max_answer_bytes);
    const RpcAnswer answer{poll::ReadRpcText(body, "getpeerinfo")};
    ASSERT_TRUE(answer) << answer.what;
    EXPECT_EQ(4096U, answer.result.as_array().size());
}

TEST(RpcClient, NobodyListens)
{
    std::uint16_t port{0};
    {
        const FakeRpc server{[](const Request&) { return Http(200, ""); }};
        port = server.Port();
    }
    RpcClient client{"127.0.0.1", port, QUICK};
    EXPECT_EQ(RpcFailure::Refused, client.Call({"uptime", {}}).failure);
    RpcClient nowhere{"host.invalid", port, QUICK};
    EXPECT_EQ(RpcFailure::Unreachable, nowhere.Call({"uptime", {}}).failure);
}

TEST(RpcClient, AConnectionThatWasClosedWhileIdleIsMadeAgain)
{
    FakeRpc server{[](const Request& request) {
        Reply reply{Answer(request, {{"uptime", "1"}})};
        reply.close = true; // without saying so before
        return reply;
    }};
    RpcClient client{"127.0.0.1", server.Port(), QUICK};
    for (int i{0}; i < 3; ++i) {
        const RpcAnswer answer{client.Call({"uptime", {}})};
        EXPECT_TRUE(answer) << answer.what;
        std::this_thread::sleep_for(20ms);
    }
    EXPECT_EQ(3, server.Connections());
}

TEST(RpcClient, AfterATimeoutTheNextAnswerIsTheRightOne)
{
    std::atomic<int> calls{0};
    FakeRpc server{[&](const Request& request) {
        Reply reply{Answer(request, {{"slow", "1"}, {"quick", "2"}})};
        if (calls++ == 0) reply.wait = 400ms;
        return reply;
    }};
    RpcClient client{"127.0.0.1", server.Port(), QUICK};
    EXPECT_EQ(RpcFailure::Timeout, client.Call({"slow", {}}).failure);
    std::this_thread::sleep_for(300ms);
    const RpcAnswer answer{client.Call({"quick", {}})};
    ASSERT_TRUE(answer) << answer.what;
    EXPECT_EQ(2, answer.result.as_int64());
}

TEST(RpcClient, ACallIsCancelledFromAnotherThread)
{
    FakeRpc server{[](const Request&) { return Reply{"", false, 60s}; }};
    RpcClient client{"127.0.0.1", server.Port(), {.answer_timeout = 60s}};
    auto call{std::async(std::launch::async, [&] { return client.Call({"uptime", {}}); })};
    ASSERT_TRUE(Eventually([&] { return !server.Requests().empty(); }));
    client.Cancel();
    ASSERT_EQ(std::future_status::ready, call.wait_for(5s));
    EXPECT_EQ(RpcFailure::Cancelled, call.get().failure);
    EXPECT_EQ(RpcFailure::Cancelled, client.Call({"uptime", {}}).failure); // and every later one
}

TEST(RpcClient, StreamedAnswersGoToTheSinkInPieces)
{
    const std::string body{R"({"result":")" + std::string(900'000, 'x') + R"(","error":null,"id":0})"};
    FakeRpc server{
        [&](const Request& request) { return request.body.find("big") != std::string::npos ? Http(200, body) : Http(401, "no"); }};
    RpcClient client{"127.0.0.1", server.Port(), QUICK};
    std::string got;
    std::size_t pieces{0};
    const auto sink = [&](std::string_view piece) {
        got += piece;
        ++pieces;
        return true;
    };
    ASSERT_TRUE(client.CallStreamed({"big", {}}, sink));
    EXPECT_EQ(body, got);
    EXPECT_GT(pieces, 5u);
    got.clear();
    EXPECT_EQ(RpcFailure::Unauthorized, client.CallStreamed({"other", {}}, sink).failure);
    EXPECT_EQ("", got); // an error's body is not for it
    // One that has had enough ends it; the connection is not used further
    EXPECT_TRUE(client.CallStreamed({"big", {}}, [](std::string_view) { return false; }));
    EXPECT_TRUE(client.CallStreamed({"big", {}}, sink));
    EXPECT_EQ(body, got);
}

TEST(RpcClient, WhatPassesThroughMayBeLarger)
{
    FakeRpc server{[](const Request&) { return Http(200, R"({"result":")" + std::string(900'000, 'x') + R"("})"); }};
    RpcClient client{"127.0.0.1", server.Port(), {.max_answer_bytes = 1000, .max_streamed_bytes = 1 << 20}};
    EXPECT_TRUE(client.CallStreamed({"big", {}}, [](std::string_view) { return true; }));
    EXPECT_EQ(RpcFailure::TooLarge, client.Call({"big", {}}).failure);
}

TEST(RpcClient, DefaultPorts)
{
    EXPECT_EQ(8332, poll::DefaultRpcPort("main"));
    EXPECT_EQ(18332, poll::DefaultRpcPort("test"));
    EXPECT_EQ(48332, poll::DefaultRpcPort("testnet4"));
    EXPECT_EQ(38332, poll::DefaultRpcPort("signet"));
    EXPECT_EQ(18443, poll::DefaultRpcPort("regtest"));
}

} // namespace
} // namespace coretap::poll_test
