// Requests and how they are turned away, over real sockets.
#include <future>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <zlib.h>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/web/snapshot_fixture.h"
#include "unit/web/web_fixture.h"

namespace coretap {
namespace {

using namespace std::chrono_literals;
using test::Client;
using test::Eventually;
using test::Reply;
using test::WebFixture;
using testing::HasSubstr;
using testing::Not;
using web::Reject;

constexpr std::string_view SECRET{"0123456789abcdef-secret"};

web::ServerOptions WithMetrics(std::size_t size)
{
    web::ServerOptions options;
    options.metrics = [size](const state::Snapshot&, std::string_view accept, std::string& content_type) {
        if (accept.find("openmetrics") != std::string_view::npos) content_type = "application/openmetrics-text; version=1.0.0";
        return std::string(size, 'm');
    };
    return options;
}

web::ServerOptions WithToken()
{
    web::ServerOptions options;
    options.token = SECRET;
    return options;
}

std::string Gunzip(const std::string& bytes)
{
    std::string out(1 << 20, '\0');
    z_stream stream{};
    inflateInit2(&stream, 16 + MAX_WBITS);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
    out.resize(stream.total_out);
    inflateEnd(&stream);
    return out;
}

TEST(Server, AnswersOnOneConnectionOneAfterTheOther)
{
    WebFixture f{WithMetrics(10)};
    f.server->Publish(test::FullSnapshot());
    Client client{f.Port()};
    for (const std::string_view path : {"/",
                                        "/healthz",
                                        "/readyz",
                                        "/metrics",
                                        "/api/v1/snapshot",
                                        "/api/v1/nodes",
                                        "/api/v1/peers",
                                        "/api/v1/peers?closed=1",
                                        "/api/v1/peers/12",
                                        "/api/v1/peers/7",
                                        "/api/v1/blocks?limit=3",
                                        "/api/v1/mempool",
                                        "/api/v1/utxo",
                                        "/api/v1/messages?node=main",
                                        "/api/v1/addr",
                                        "/api/v1/history?node=99",
                                        "/api/v1/losses",
                                        "/api/v1/config",
                                        "/api/v1/openapi.json",
                                        "/plain.css"}) {
        const Reply reply{client.Get(path)};
        EXPECT_EQ(reply.status, 200) << path;
        EXPECT_FALSE(reply.body.empty()) << path;
        if (path.starts_with("/api/")) {
            EXPECT_EQ(reply.headers.at("Content-Type"), "application/json") << path;
            boost::system::error_code error;
            boost::json::parse(reply.body, error);
            EXPECT_FALSE(error) << path;
        }
    }
    EXPECT_EQ(f.server->Stats().connections_total, 1u);
    EXPECT_EQ(f.server->Stats().responses_total[2], 20u);
}

TEST(Server, ServesWhatOpenApiListsAndNothingElse)
{
    WebFixture f{WithMetrics(10)};
    f.server->Publish(test::FullSnapshot());
    f.server->PublishSection("replay", "{}"); // as where a recording is shown
    Client client{f.Port()};
    const auto document = boost::json::parse(client.Get("/api/v1/openapi.json").body);
    const auto& paths = document.at("paths").as_object();
    for (const auto& [path, what] : paths) {
        std::string real{path};
        if (const std::size_t id{real.find("{id}")}; id != std::string::npos) real.replace(id, 4, "12");
        EXPECT_EQ(client.Get(real).status, real == "/ws" ? 426 : 200) << real;
    }
    // what the server says there is
    std::string text{boost::json::parse(client.Get("/api/v1/nothing").body).at("error").at("message").as_string()};
    text = text.substr(text.find("there are ") + 10) + ", ";
    for (std::size_t at{0}, end; (end = text.find(", ", at)) != std::string::npos; at = end + 2) {
        const std::string name{text.substr(at, end - at)};
        EXPECT_TRUE(paths.contains("/api/v1/" + (name == "peers/ID" ? "peers/{id}" : name))) << name;
    }
}

TEST(Server, EveryResponseHasTheStrictHeaders)
{
    WebFixture f;
    Client client{f.Port()};
    for (const std::string_view path : {"/", "/nothing", "/healthz", "/api/v1/config"}) {
        const Reply reply{client.Get(path)};
        const std::string& policy{reply.headers.at("Content-Security-Policy")};
        for (const std::string_view part : {"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'",
                                            "img-src 'self' data:", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"})
            EXPECT_THAT(policy, HasSubstr(std::string{part}));
        EXPECT_EQ(reply.headers.at("X-Content-Type-Options"), "nosniff");
        EXPECT_EQ(reply.headers.at("Referrer-Policy"), "no-referrer");
        EXPECT_EQ(reply.headers.at("Cache-Control"), path == "/" ? "no-cache" : "no-store");
        EXPECT_EQ(reply.headers.count("Server"), 0u);
    }
}

TEST(Server, WhatIsNotThereIs404)
{
    WebFixture f;
    f.server->Publish(test::FullSnapshot());
    Client client{f.Port()};
    for (const std::string_view path :
         {"/nothing", "/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd", "/static/plain.css", "//plain.css",
          "/api/v1/", "/api/v1/nothing", "/api/v1/peers/99", "/api/v1/peers?node=nobody", "/metrics", "/api/v2/snapshot"}) {
        const Reply reply{client.Get(path)};
        EXPECT_EQ(reply.status, 404) << path;
        EXPECT_THAT(reply.body, HasSubstr(R"({"error":{"code":")")) << path;
        EXPECT_THAT(reply.body, Not(HasSubstr("root:"))) << path;
    }
}

TEST(Server, BadQueriesAre400)
{
    WebFixture f;
    f.server->Publish(test::FullSnapshot());
    Client client{f.Port()};
    for (const std::string_view path :
         {"/api/v1/blocks?limit=0", "/api/v1/history?since_utc_ms=-1", "/api/v1/history?since_utc_ms=9223372036855",
          "/api/v1/mempool?since_utc_ms=1", "/api/v1/blocks?limit=x", "/api/v1/blocks?limit=145", "/api/v1/peers?closed=2",
          "/api/v1/peers/x", "/api/v1/peers/99999999999999999999", "/api/v1/peers?nodes=1", "/api/v1/snapshot?node=1"})
        EXPECT_EQ(client.Get(path).status, 400) << path;
    for (const std::string_view path : {"/%zz", "/?a=%00"}) EXPECT_EQ(Client{f.Port()}.Get(path).status, 400) << path;
}

TEST(Server, SaysThatNothingWasSeenYet)
{
    web::ServerOptions options{WithMetrics(1)};
    options.why_not_ready = [] { return std::string{"no node was found"}; };
    WebFixture f{options};
    Client client{f.Port()};
    EXPECT_EQ(client.Get("/api/v1/snapshot").status, 503);
    EXPECT_EQ(client.Get("/metrics").status, 503);
    EXPECT_EQ(client.Get("/healthz").status, 200);
    const Reply ready{client.Get("/readyz")};
    EXPECT_EQ(ready.status, 503);
    EXPECT_EQ(ready.body, "no node was found\n");
}

TEST(Server, OnlyGetAndHead)
{
    WebFixture f{WithMetrics(100)};
    f.server->Publish(test::FullSnapshot());
    for (const std::string_view method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT"}) {
        const Reply reply{Client{f.Port()}.Get("/", {}, method)};
        EXPECT_EQ(reply.status, 405) << method;
        EXPECT_EQ(reply.headers.at("Allow"), "GET, HEAD") << method;
    }
    EXPECT_EQ(f.Rejected(Reject::BadMethod), 7u);
    Client client{f.Port()};
    const Reply head{client.Get("/metrics", {}, "HEAD")};
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.headers.at("Content-Length"), "100");
    EXPECT_EQ(client.Get("/metrics").body, std::string(100, 'm')) << "and nothing of a body came before";
}

TEST(Server, MetricsByContentNegotiationAndCompressed)
{
    WebFixture f{WithMetrics(5000)};
    f.server->Publish(test::FullSnapshot());
    Client client{f.Port()};
    EXPECT_EQ(client.Get("/metrics").headers.at("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
    const Reply open{client.Get("/metrics", "Accept: application/openmetrics-text; version=1.0.0\r\nAccept-Encoding: gzip\r\n")};
    EXPECT_EQ(open.headers.at("Content-Type"), "application/openmetrics-text; version=1.0.0");
    EXPECT_EQ(open.headers.at("Content-Encoding"), "gzip");
    EXPECT_EQ(open.headers.at("Vary"), "Accept-Encoding");
    EXPECT_LT(open.body.size(), 200u);
    EXPECT_EQ(Gunzip(open.body), std::string(5000, 'm'));
    EXPECT_EQ(client.Get("/api/v1/nodes", "Accept-Encoding: gzip\r\n").headers.count("Content-Encoding"), 0u) << "too short to pay";
}

TEST(Server, AssetsHaveTags)
{
    WebFixture f;
    Client client{f.Port()};
    const Reply first{client.Get("/")};
    EXPECT_EQ(first.headers.at("Content-Type"), "text/html; charset=utf-8");
    const std::string tag{first.headers.at("ETag")};
    const Reply second{client.Get("/", "If-None-Match: " + tag + "\r\n")};
    EXPECT_EQ(second.status, 304);
    EXPECT_EQ(second.headers.at("ETag"), tag);
    EXPECT_EQ(second.headers.count("Content-Length"), 0u);
    EXPECT_EQ(client.Get("/", "If-None-Match: \"other\"\r\n").status, 200);
    const Reply packed{client.Get("/", "Accept-Encoding: gzip\r\n")};
    EXPECT_EQ(Gunzip(packed.body), first.body);
    const std::string packed_tag{packed.headers.at("ETag")};
    EXPECT_NE(packed_tag, tag) << "other bytes";
    EXPECT_EQ(client.Get("/", "Accept-Encoding: gzip\r\nIf-None-Match: " + packed_tag + "\r\n").status, 304);
}

TEST(Server, MalformedRequestsAreTurnedAway)
{
    WebFixture f;
    for (const std::string_view bad :
         {"hello\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET / HTTP/1.1\r\nHost localhost\r\n\r\n",
          "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
          "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n",
          "GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nOrigin: http://evil\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
          "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"}) {
        Client client{f.Port()};
        client.Write(bad);
        EXPECT_EQ(client.Read().status, 400) << bad;
    }
    EXPECT_EQ(f.Rejected(Reject::BadRequest), 10u);
    EXPECT_EQ(Client{f.Port()}.Get("/healthz").status, 200);
}

TEST(Server, BodiesAndLongHeadersAreRefused)
{
    WebFixture f;
    Client body{f.Port()};
    EXPECT_EQ(body.Get("/", "Content-Length: 1000000\r\n").status, 413);
    EXPECT_TRUE(body.Ends(3s));
    EXPECT_EQ(Client{f.Port()}.Get("/", "Transfer-Encoding: chunked\r\n").status, 413);
    EXPECT_EQ(Client{f.Port()}.Get("/ws", "Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 5\r\n").status, 413);
    for (const std::string_view encoding : {"identity", "xchunked"}) { // what follows is not taken for a request
        Client client{f.Port()};
        EXPECT_EQ(client.Get("/healthz", fmt::format("Transfer-Encoding: {}\r\n", encoding)).status, 413) << encoding;
        EXPECT_TRUE(client.Ends(3s)) << encoding;
    }
    EXPECT_EQ(f.Rejected(Reject::BodyTooLarge), 5u);
    Client longer{f.Port()};
    EXPECT_EQ(longer.Get("/", "X: " + std::string(9000, 'x') + "\r\n").status, 431);
    Client target{f.Port()};
    EXPECT_EQ(target.Get("/" + std::string(100'000, 'x')).status, 431);
    EXPECT_EQ(f.Rejected(Reject::HeaderTooLarge), 2u);
}

TEST(Server, WhoDoesNotCloseAfterTheLastResponseIsCutOff)
{
    WebFixture f;
    Client stubborn{f.Port()};
    EXPECT_EQ(stubborn.Get("/", "Content-Length: 1000000\r\n", "POST").status, 405);
    Client slow{f.Port()};
    EXPECT_EQ(slow.Get("/", "Connection: close\r\n").status, 200);
    const auto start = std::chrono::steady_clock::now();
    const bool gone{Eventually([&] {
        slow.Write("x"); // a byte now and then does not help
        return f.server->Stats().connections == 0;
    })};
    EXPECT_TRUE(gone);
    EXPECT_LT(std::chrono::steady_clock::now() - start, 3s);
}

TEST(Server, SlowHeadersAreCutOff)
{
    web::ServerOptions options;
    options.limits.header_timeout = 300ms;
    options.limits.idle_timeout = 600ms;
    WebFixture f{options};
    Client slow{f.Port()};
    const auto start = std::chrono::steady_clock::now();
    bool alive{true};
    for (int i{0}; alive && std::chrono::steady_clock::now() - start < 3s; ++i) { // a byte now and then does not help
        alive = slow.Write(i == 0 ? "G" : "E");
        std::this_thread::sleep_for(50ms);
    }
    EXPECT_FALSE(alive);
    Client silent{f.Port()};
    EXPECT_TRUE(silent.Ends(2s));
    EXPECT_TRUE(Eventually([&] { return f.Rejected(Reject::HeaderTimeout) == 2; }));
    Client idle{f.Port()};
    EXPECT_EQ(idle.Get("/healthz").status, 200);
    EXPECT_FALSE(idle.Ends(400ms));
    EXPECT_TRUE(idle.Ends(2s));
    EXPECT_TRUE(Eventually([&] { return f.server->Stats().connections == 0; }));
}

TEST(Server, TooManyRequestsAre429)
{
    web::ServerOptions options;
    options.limits.requests_per_s = 0.001;
    options.limits.requests_burst = 3;
    WebFixture f{options};
    Client client{f.Port()};
    for (int i{0}; i < 3; ++i) EXPECT_EQ(client.Get("/healthz").status, 200);
    const Reply reply{Client{f.Port()}.Get("/healthz")};
    EXPECT_EQ(reply.status, 429);
    EXPECT_EQ(reply.headers.at("Retry-After"), "1");
    EXPECT_EQ(f.Rejected(Reject::RateLimited), 1u);
}

TEST(Server, EachKindOfRequestHasABudgetOfItsOwn)
{
    web::ServerOptions options{WithMetrics(10)};
    options.limits.requests_per_s = 0.001;
    options.limits.requests_burst = 3;
    options.hosts = {"node.example.org"};
    WebFixture f{options};
    f.server->Publish(test::FullSnapshot());
    const auto status = [&](std::string_view target, std::string_view host, std::string_view more = {}) {
        Client client{f.Port()};
        client.Write(fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n{}\r\n", target, host, more));
        return client.Read().status;
    };
    for (int i{0}; i < 2; ++i) EXPECT_EQ(status("/api/v1/nodes", "evil.example"), 421);
    EXPECT_EQ(status("/metrics", "localhost", "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n"), 403);
    EXPECT_EQ(status("/api/v1/nodes", "evil.example"), 429) << "who is refused uses up nothing but that";
    for (int i{0}; i < 3; ++i) EXPECT_EQ(status("/api/v1/nodes", "localhost"), 200);
    EXPECT_EQ(status("/api/v1/nodes", "localhost"), 429);
    for (int i{0}; i < 3; ++i) EXPECT_EQ(status("/metrics", "localhost"), 200) << "Prometheus is not kept away";
    EXPECT_EQ(status("/metrics", "localhost"), 429);
}

TEST(Server, WhoIsRefusedDoesNotKeepAConnection)
{
    web::ServerOptions options{WithToken()};
    options.limits.requests_per_s = 0.001;
    options.limits.requests_burst = 4;
    WebFixture f{options};
    const auto ends = [&](std::string_view request, int status) {
        Client client{f.Port()};
        client.Write(request);
        EXPECT_EQ(client.Read().status, status) << request;
        return client.Ends(3s);
    };
    EXPECT_TRUE(ends("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", 401));
    EXPECT_TRUE(ends("GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", 400));
    EXPECT_TRUE(ends("GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421));
    EXPECT_TRUE(ends("GET /ws HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\r\n", 403));
    EXPECT_TRUE(ends("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", 429));
}

TEST(Server, NewConnectionsOfAnAddressAreLimited)
{
    web::ServerOptions options;
    options.limits.connections_per_s = 0.001;
    options.limits.connections_burst = 3;
    WebFixture f{options};
    for (int i{0}; i < 3; ++i) EXPECT_EQ(Client{f.Port()}.Get("/healthz").status, 200);
    EXPECT_EQ(Client{f.Port()}.Get("/healthz").status, 0);
    EXPECT_EQ(f.Rejected(Reject::TooManyOfAddress), 1u);
}

TEST(Server, AFailureEndsWhatItHitAndIsTold)
{
    web::ServerOptions options;
    options.metrics = [](const state::Snapshot&, std::string_view, std::string&) -> std::string { throw std::runtime_error{"no memory"}; };
    WebFixture f{options};
    f.server->Publish(test::FullSnapshot());
    EXPECT_EQ(f.server->TakeFailure(), "");
    EXPECT_EQ(Client{f.Port()}.Get("/metrics").status, 0);
    std::string failure;
    EXPECT_TRUE(Eventually([&] { return !(failure = f.server->TakeFailure()).empty(); }));
    EXPECT_EQ(failure, "no memory");
    EXPECT_EQ(f.server->TakeFailure(), "");
    EXPECT_EQ(f.server->Stats().failures_total, 1u);
    EXPECT_EQ(Client{f.Port()}.Get("/healthz").status, 200);
}

TEST(Server, TellsWhetherItsThreadLives)
{
    std::promise<void> stuck, release;
    web::ServerOptions options;
    options.why_not_ready = [&] {
        stuck.set_value();
        release.get_future().wait();
        return std::string{};
    };
    WebFixture f{options};
    Client client{f.Port()};
    std::this_thread::sleep_for(2500ms);
    EXPECT_LT(f.server->SilentFor(), 2s);
    client.Write("GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stuck.get_future().wait();
    std::this_thread::sleep_for(2500ms);
    EXPECT_GT(f.server->SilentFor(), 2s);
    release.set_value();
    EXPECT_EQ(client.Read().status, 200);
    EXPECT_TRUE(Eventually([&] { return f.server->SilentFor() < 2s; }));
}

TEST(Server, ConnectionsAreBounded)
{
    web::ServerOptions options;
    options.limits.connections_per_address = 5;
    WebFixture f{options};
    std::vector<Client> clients;
    for (int i{0}; i < 5; ++i) {
        clients.emplace_back(f.Port());
        EXPECT_EQ(clients.back().Get("/healthz").status, 200);
    }
    EXPECT_EQ(Client{f.Port()}.Get("/healthz").status, 0);
    EXPECT_TRUE(Eventually([&] { return f.Rejected(Reject::TooManyOfAddress) == 1; }));
    clients.pop_back();
    EXPECT_TRUE(Eventually([&] { return Client{f.Port()}.Get("/healthz").status == 200; }));

    options.limits.connections = 2;
    WebFixture small{options};
    Client a{small.Port()};
    Client b{small.Port()};
    EXPECT_EQ(a.Get("/healthz").status, 200);
    EXPECT_EQ(b.Get("/healthz").status, 200);
    EXPECT_EQ(Client{small.Port()}.Get("/healthz").status, 0);
    EXPECT_TRUE(Eventually([&] { return small.Rejected(Reject::TooManyConnections) == 1; }));
}

TEST(Server, HostsThatAreNotOursAreTurnedAway)
{
    web::ServerOptions options;
    options.hosts = {"node.example.org"};
    WebFixture f{options};
    const auto status = [&](std::string_view host) {
        Client client{f.Port()};
        client.Write(fmt::format("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", host));
        return client.Read().status;
    };
    EXPECT_EQ(status("localhost:1234"), 200);
    EXPECT_EQ(status("127.0.0.1"), 200);
    EXPECT_EQ(status("[::1]:8338"), 200);
    EXPECT_EQ(status("NODE.example.org:443"), 200);
    EXPECT_EQ(status("evil.example"), 421);
    EXPECT_EQ(status("192.0.2.1"), 421);
    EXPECT_EQ(f.Rejected(Reject::BadHost), 2u);
}

TEST(Server, NothingWithoutTheToken)
{
    WebFixture f{WithToken()};
    f.server->Publish(test::FullSnapshot());
    Client client{f.Port()};
    const auto get = [&](std::string_view path, std::string_view headers = {}) { return Client{f.Port()}.Get(path, headers); };
    for (const std::string_view path :
         {"/", "/metrics", "/api/v1/peers", "/api/v1/openapi.json", "/nothing", "/?token=wrong", "/api/v1/peers?token=x"}) {
        const Reply reply{get(path)};
        EXPECT_EQ(reply.status, 401) << path;
        EXPECT_THAT(reply.headers.at("WWW-Authenticate"), HasSubstr("Bearer")) << path;
    }
    EXPECT_EQ(get("/", "Authorization: Bearer 0123456789abcdef-secreT\r\n").status, 401);
    EXPECT_EQ(get("/", fmt::format("Authorization: Basic {}\r\n", SECRET)).status, 401);
    EXPECT_EQ(get("/", "Cookie: coretap_session=\r\n").status, 401);
    EXPECT_EQ(f.Rejected(Reject::Unauthorized), 10u);
    EXPECT_EQ(client.Get("/healthz").status, 200);
    EXPECT_EQ(client.Get("/readyz").status, 200);
    EXPECT_EQ(client.Get("/api/v1/peers", fmt::format("Authorization: Bearer {}\r\n", SECRET)).status, 200);
    const Reply page{client.Get("/", "Accept: text/html,*/*\r\n")};
    EXPECT_EQ(page.status, 401);
    EXPECT_EQ(page.headers.at("Content-Type"), "text/html; charset=utf-8");
}

TEST(Server, TheTokenIsExchangedForACookie)
{
    WebFixture f{WithToken()};
    Client client{f.Port()};
    const Reply reply{client.Get(fmt::format("/?token={}", SECRET))};
    EXPECT_EQ(reply.status, 303);
    EXPECT_EQ(reply.headers.at("Location"), "/");
    const std::string cookie{reply.headers.at("Set-Cookie")};
    EXPECT_THAT(cookie, HasSubstr("HttpOnly"));
    EXPECT_THAT(cookie, HasSubstr("SameSite=Strict"));
    EXPECT_THAT(cookie, Not(HasSubstr(std::string{SECRET})));
    const std::string pair{cookie.substr(0, cookie.find(';'))};
    EXPECT_EQ(client.Get("/", "Cookie: other=1; " + pair + "\r\n").status, 200);
    EXPECT_EQ(client.Get("/", "Cookie: " + pair + "0\r\n").status, 401);
}

TEST(Server, SectionsAndConfigCanBePublished)
{
    WebFixture f;
    f.server->Publish(test::FullSnapshot());
    Client client{f.Port()};
    EXPECT_EQ(client.Get("/api/v1/config").body, "{}\n");
    f.server->SetConfig(R"({"a":1})");
    EXPECT_EQ(client.Get("/api/v1/config").body, "{\"a\":1}\n");
    EXPECT_EQ(client.Get("/api/v1/rpc").status, 404);
    f.server->PublishSection("rpc", R"({"uptime":5})");
    EXPECT_EQ(client.Get("/api/v1/rpc").body, "{\"uptime\":5}\n");
    const auto snapshot = boost::json::parse(client.Get("/api/v1/snapshot").body);
    EXPECT_EQ(snapshot.at("rpc").at("uptime").as_int64(), 5);
}

TEST(ServerStart, SaysWhatIsWrong)
{
    const event::Catalogue catalogue;
    web::Streams streams{catalogue};
    const auto error = [&](web::ServerOptions options) {
        auto started = web::Server::Start(std::move(options), streams);
        EXPECT_FALSE(started);
        return started ? std::string{} : started.GetError().what;
    };
    WebFixture f;
    web::ServerOptions options;
    options.port = f.Port();
    EXPECT_THAT(error(options), HasSubstr(fmt::format("port {} of 127.0.0.1 is in use", f.Port())));
    options = {};
    options.address = "nowhere";
    EXPECT_THAT(error(options), HasSubstr("no address"));
    options = {};
    options.hosts = {"https://node.example.org"};
    EXPECT_THAT(error(options), HasSubstr("'https://node.example.org' is not a name"));
    options = {};
    options.port = 0;
    options.address = "0.0.0.0";
    EXPECT_THAT(error(options), HasSubstr("set a token"));
    options.token = "short";
    EXPECT_THAT(error(options), HasSubstr("shorter than 16"));
    options = {};
    options.tls_certificate = "no PEM";
    EXPECT_THAT(error(options), HasSubstr("both"));
    options.tls_key = "no PEM";
    EXPECT_THAT(error(options), HasSubstr("the TLS certificate is of no use"));
}

TEST(Server, AnotherTokenAndOtherNamesWhileItRuns)
{
    WebFixture f{WithToken()};
    const auto status = [&](std::string_view token, std::string_view host = "localhost") {
        Client client{f.Port()}; // who is refused is let go
        client.Write(fmt::format("GET /api/v1/config HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\r\n", host, token));
        return client.Read().status;
    };
    EXPECT_EQ(status(SECRET), 200);
    web::Access access;
    access.token = "short";
    EXPECT_FALSE(f.server->Change(access));
    EXPECT_EQ(status(SECRET), 200);
    access.token = "another token that is long";
    access.hosts = {"node.example.org"};
    ASSERT_TRUE(f.server->Change(access));
    EXPECT_TRUE(Eventually([&] { return status(access.token) == 200; }));
    EXPECT_EQ(status(SECRET), 401);
    EXPECT_EQ(status(access.token, "node.example.org"), 200);
}

TEST(ServerStart, OpenToAllIfAskedFor)
{
    web::ServerOptions options;
    options.address = "0.0.0.0";
    options.insecure = true;
    WebFixture f{options};
    EXPECT_EQ(Client{f.Port()}.Get("/").status, 200);
    EXPECT_EQ(f.server->Url(), fmt::format("http://localhost:{}/", f.Port()));
}

TEST(ServerStop, DoesNotWaitForClients)
{
    WebFixture f;
    Client idle{f.Port()};
    EXPECT_EQ(idle.Get("/healthz").status, 200);
    Client halfway{f.Port()};
    halfway.Write("GET / HT");
    test::WsClient socket{f.Port()};
    socket.Send(R"({"type":"subscribe"})");
    ASSERT_EQ(socket.Read().at("type").as_string(), "hello");
    const auto start = std::chrono::steady_clock::now();
    f.server.reset();
    EXPECT_LT(std::chrono::steady_clock::now() - start, 2s);
    EXPECT_EQ(socket.CloseCode(), 1001);
    EXPECT_TRUE(idle.Ends(1s));
    EXPECT_TRUE(halfway.Ends(1s));
}

} // namespace
} // namespace coretap
