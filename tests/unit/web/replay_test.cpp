// Changing a replay: what is read of a request, who may, and what the streams say of it.
#include <atomic>
#include <string>
#include <string_view>

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
using test::WsClient;
using testing::HasSubstr;
using web::Reject;

TEST(ReplayCommand, Reads)
{
    const auto all = web::ParseReplayCommand(R"({"paused":true,"speed":10,"at_utc_ms":1795338904123.456})");
    ASSERT_TRUE(all) << all.GetError().what;
    EXPECT_EQ(all->paused, true);
    EXPECT_EQ(all->speed, 10);
    EXPECT_EQ(all->at_utc_ns, 1'795'338'904'123'456'000) << "to the microsecond";
    const auto one = web::ParseReplayCommand(R"( {"speed":0} )");
    ASSERT_TRUE(one);
    EXPECT_EQ(one->speed, 0);
    EXPECT_FALSE(one->paused || one->at_utc_ns);
    EXPECT_EQ(web::ParseReplayCommand(R"({"at_utc_ms":-1.5})")->at_utc_ns, -1'500'000);
    EXPECT_EQ(web::ParseReplayCommand(R"({"at_utc_ms":1795338904123})")->at_utc_ns, 1'795'338'904'123'000'000);
}

TEST(ReplayCommand, SaysWhatIsWrong)
{
    const std::pair<std::string_view, std::string_view> cases[]{
        {"", "no JSON"},
        {"{", "no JSON"},
        {"[[[[[]]]]]", "no JSON"},
        {"[]", "JSON object"},
        {"{}", "JSON object"},
        {"true", "JSON object"},
        {R"({"pause":true})", "no 'pause'"},
        {R"({"paused":1})", "true or false"},
        {R"({"paused":null})", "true or false"},
        {R"({"speed":"10"})", "0.01 to 1000000"},
        {R"({"speed":-1})", "0.01 to 1000000"},
        {R"({"speed":0.001})", "0.01 to 1000000"},
        {R"({"speed":1e7})", "0.01 to 1000000"},
        {R"({"speed":1e999})", "0.01 to 1000000"},
        {R"({"at_utc_ms":1e13})", "milliseconds"},
        {R"({"at_utc_ms":-1e300})", "milliseconds"},
        {R"({"at_utc_ms":"now"})", "milliseconds"},
        {R"({"at_utc_ms":[]})", "milliseconds"},
        {R"({"paused":true} x)", "no JSON"},
    };
    for (const auto& [text, says] : cases) {
        const auto parsed = web::ParseReplayCommand(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_THAT(parsed.GetError().what, HasSubstr(std::string{says})) << text;
    }
}

constexpr std::string_view PAUSE{R"({"paused":true})"};
constexpr std::string_view JSON_TYPE{"Content-Type: application/json\r\n"};

Reply Post(Client& client, std::string_view body, std::string_view headers = JSON_TYPE, std::string_view path = "/api/v1/replay",
           std::string_view host = "localhost")
{
    client.Write(fmt::format("POST {} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n{}\r\n{}", path, host, body.size(), headers, body));
    return client.Read();
}

/** With a replay of which everything is granted. */
struct Controlled {
    std::atomic<int> done{0};
    WebFixture f;

    explicit Controlled(web::ServerOptions options = {}) : f{With(std::move(options))} {}
    web::ServerOptions With(web::ServerOptions options)
    {
        options.control_replay = [this](const web::ReplayCommand& command) -> util::Result<std::string> {
            if (command.at_utc_ns) return util::Error{util::Errc::Unsupported, "it comes through a pipe"};
            ++done;
            return std::string{R"({"paused":true})"};
        };
        return options;
    }
};

TEST(ReplayRequest, OneAfterTheOtherOnAConnection)
{
    Controlled c;
    Client client{c.f.Port()};
    for (int i{1}; i <= 3; ++i) {
        const Reply reply{Post(client, PAUSE)};
        EXPECT_EQ(reply.status, 200);
        EXPECT_EQ(reply.body, "{\"paused\":true}\n");
        EXPECT_EQ(c.done, i);
        EXPECT_EQ(client.Get("/healthz").status, 200) << "the body was taken, to its end";
    }
    EXPECT_EQ(Post(client, PAUSE, "Content-Type: application/json; charset=utf-8\r\nOrigin: http://localhost\r\n").status, 200);
    // in pieces
    client.Write("POST /api/v1/replay HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"pau");
    std::this_thread::sleep_for(50ms);
    client.Write("sed\":true}");
    EXPECT_EQ(client.Read().status, 200);
    EXPECT_EQ(c.done, 5);
    const Reply conflict{Post(client, R"({"at_utc_ms":1})")};
    EXPECT_EQ(conflict.status, 409);
    EXPECT_THAT(conflict.body, HasSubstr("it comes through a pipe"));
    EXPECT_EQ(client.Get("/healthz").status, 200);
    for (const std::string_view body : {"{", ""}) { // who is refused is let go
        Client refused{c.f.Port()};
        EXPECT_EQ(Post(refused, std::string{body}).status, 400) << body;
        EXPECT_TRUE(refused.Ends(3s));
    }
}

TEST(ReplayRequest, NotFromAnotherSitesPage)
{
    Controlled c;
    const auto status = [&](std::string_view headers, std::string_view host = "localhost") {
        Client client{c.f.Port()};
        return Post(client, PAUSE, headers, "/api/v1/replay", host).status;
    };
    for (const std::string_view origin : {"http://evil.example", "null", "http://localhost.evil.example", "https://localhost:1"})
        EXPECT_EQ(status(fmt::format("{}Origin: {}\r\n", JSON_TYPE, origin)), 403) << origin;
    // what a form can send without asking first
    for (const std::string_view type : {"", "Content-Type: text/plain\r\n", "Content-Type: application/x-www-form-urlencoded\r\n",
                                        "Content-Type: multipart/form-data; boundary=x\r\n", "Content-Type: application/jsonp\r\n",
                                        "Content-Type: text/plain; application/json\r\n"})
        EXPECT_EQ(status(type), 415) << type;
    EXPECT_EQ(status(JSON_TYPE, "evil.example"), 421);
    EXPECT_EQ(Client{c.f.Port()}.Get("/api/v1/replay", {}, "OPTIONS").status, 405) << "asked first, it is told nothing that would allow it";
    EXPECT_EQ(c.f.Rejected(Reject::BadOrigin), 4u);
    EXPECT_EQ(c.f.Rejected(Reject::BadHost), 1u);
    EXPECT_EQ(c.done, 0);
}

TEST(ReplayRequest, NeedsTheToken)
{
    web::ServerOptions options;
    options.token = "0123456789abcdef-secret";
    Controlled c{std::move(options)};
    const auto status = [&](std::string_view more) {
        Client client{c.f.Port()};
        return Post(client, PAUSE, fmt::format("{}{}", JSON_TYPE, more)).status;
    };
    EXPECT_EQ(status(""), 401);
    EXPECT_EQ(status("Authorization: Bearer wrong\r\n"), 401);
    EXPECT_EQ(c.done, 0);
    EXPECT_EQ(status("Authorization: Bearer 0123456789abcdef-secret\r\n"), 200);
}

TEST(ReplayRequest, BodiesThatAreNotTaken)
{
    web::ServerOptions options;
    options.limits.header_timeout = 300ms;
    Controlled c{std::move(options)};
    {
        Client client{c.f.Port()};
        EXPECT_EQ(Post(client, std::string(1025, ' ')).status, 413);
        EXPECT_TRUE(client.Ends(3s));
    }
    {
        Client client{c.f.Port()};
        client.Write("POST /api/v1/replay HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                     "Transfer-Encoding: chunked\r\n\r\nf\r\n{\"paused\":true}\r\n0\r\n\r\n");
        EXPECT_EQ(client.Read().status, 411);
        EXPECT_TRUE(client.Ends(3s));
    }
    {
        Client client{c.f.Port()};
        client.Write("POST /api/v1/replay HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{");
        EXPECT_TRUE(client.Ends(3s)) << "the rest does not come";
        EXPECT_TRUE(Eventually([&] { return c.f.Rejected(Reject::HeaderTimeout) == 1; })); // it may be counted after the end is seen
    }
    EXPECT_EQ(c.done, 0);
}

TEST(ReplayRequest, NotTooOften)
{
    web::ServerOptions options;
    options.limits.controls_burst = 3;
    options.limits.controls_per_s = 0.001;
    Controlled c{std::move(options)};
    for (int i{0}; i < 3; ++i) {
        Client client{c.f.Port()};
        EXPECT_EQ(Post(client, PAUSE).status, 200);
    }
    Client client{c.f.Port()};
    const Reply reply{Post(client, PAUSE)};
    EXPECT_EQ(reply.status, 429);
    EXPECT_EQ(reply.headers.at("Retry-After"), "1");
    EXPECT_EQ(c.done, 3);
}

TEST(ReplayRequest, OfANodeNothingCanBeChanged)
{
    WebFixture f;
    Client client{f.Port()};
    const Reply reply{Post(client, PAUSE)};
    EXPECT_EQ(reply.status, 404);
    EXPECT_THAT(reply.body, HasSubstr("of a node nothing can be changed from here"));
    for (const std::string_view path : {"/", "/api/v1/peers", "/api/v1/replay/", "/api/v1/replay?x=1", "/ws", "/metrics"}) {
        Client another{f.Port()};
        EXPECT_EQ(Post(another, PAUSE, JSON_TYPE, path).status, 405) << path;
    }
}

TEST(Moved, BetweenWhatWasBeforeAndAfter)
{
    WebFixture f;
    f.server->Publish(test::FullSnapshot());
    WsClient client{f.Port()};
    client.Send(R"({"type":"subscribe"})"); // one snapshot only
    const auto seq = client.ReadType("hello").at("seq").as_int64();
    f.server->Publish(test::FullSnapshot());
    client.ReadType("snapshot");
    f.Emit(2);
    f.streams.SetQuiet(true);
    f.Emit(50);
    f.streams.SetQuiet(false);
    f.streams.Moved(R"("at_utc_ms":5,"state_since_utc_ms":1)");
    EXPECT_EQ(client.Read().at("events").as_array().size(), 2u);
    const auto moved = client.Read().as_object();
    EXPECT_EQ(moved.at("type").as_string(), "moved");
    EXPECT_EQ(moved.at("seq").as_int64(), seq + 3) << "it has a number, as an event";
    EXPECT_EQ(moved.at("at_utc_ms").as_int64(), 5);
    f.server->Publish(test::FullSnapshot());
    EXPECT_EQ(client.Read().at("type").as_string(), "snapshot") << "how things stand now";
    f.Emit(1);
    const auto after = client.Read().as_object();
    EXPECT_EQ(after.at("events").as_array()[0].at("seq").as_int64(), seq + 4);
    EXPECT_EQ(after.at("dropped").as_int64(), 0);

    // whoever was away when it happened hears of it too
    WsClient late{f.Port()};
    late.Send(fmt::format(R"({{"type":"subscribe","snapshot":false,"resume_after":{}}})", seq + 1));
    EXPECT_TRUE(late.ReadType("hello").at("resumed").as_bool());
    EXPECT_EQ(late.Read().at("events").as_array().size(), 1u);
    EXPECT_EQ(late.Read().at("type").as_string(), "moved");
    EXPECT_EQ(late.Read().at("events").as_array().size(), 1u) << "and no snapshot, for it wants none";
}

TEST(Moved, WhatAClientMissedBeforeItIsStillSaid)
{
    web::StreamsOptions options{test::AllTheTime()};
    options.channel_events = 10;
    WebFixture f{{}, options};
    WsClient client{f.Port()};
    client.Send(R"({"type":"subscribe","snapshot":false,"max_events_per_s":4})");
    client.ReadType("hello");
    f.streams.SetQuiet(false);
    f.Emit(100); // one of them is let through
    f.Emit(100);
    f.streams.Moved(R"("at_utc_ms":5)");
    std::this_thread::sleep_for(400ms);
    f.Emit(1);
    std::int64_t left_out{0}, shown{0};
    while (shown + left_out < 201) {
        const auto message = client.Read(2s);
        if (message.is_null()) break;
        if (message.at("type").as_string() != "events") continue;
        left_out += message.at("sampled_out").as_int64();
        shown += static_cast<std::int64_t>(message.at("events").as_array().size());
    }
    EXPECT_EQ(shown + left_out, 201);
}

} // namespace
} // namespace coretap
