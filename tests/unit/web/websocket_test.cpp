// Live events over real sockets.
#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/web/snapshot_fixture.h"
#include "unit/web/web_fixture.h"

namespace coretap {
namespace {

using namespace std::chrono_literals;
using test::Eventually;
using test::WebFixture;
using test::WsClient;
using testing::HasSubstr;
using web::Reject;

constexpr std::string_view WS_SECRET{"0123456789abcdef-secret"};
constexpr std::string_view SUBSCRIBE{R"({"type":"subscribe","snapshot":false})"};

TEST(WebSocket, FirstASnapshotThenEvents)
{
    WebFixture f;
    WsClient client{f.Port()};
    ASSERT_EQ(client.handshake.status, 101);
    EXPECT_EQ(client.handshake.headers.at("Server"), "coretap") << "and no version";
    client.Send(R"({"type":"subscribe","snapshot":true})");
    const auto hello = client.Read().as_object();
    f.server->Publish(test::FullSnapshot());
    EXPECT_EQ(hello.at("type").as_string(), "hello");
    EXPECT_EQ(hello.at("version").as_string(), "1.2.3");
    EXPECT_FALSE(hello.at("resumed").as_bool());
    EXPECT_EQ(hello.at("missed").as_int64(), 0);
    const auto seq = hello.at("seq").as_int64();
    const auto first = client.Read().as_object();
    EXPECT_EQ(first.at("type").as_string(), "snapshot");
    EXPECT_EQ(first.at("seq").as_int64(), seq);
    EXPECT_EQ(first.at("snapshot").at("peers").as_array().size(), 2u);
    EXPECT_EQ(first.at("snapshot").at("blocks").as_array().size(), 1u);
    f.Emit(3);
    const auto events = client.Read().as_object();
    EXPECT_EQ(events.at("type").as_string(), "events");
    EXPECT_EQ(events.at("sampled_out").as_int64(), 0);
    EXPECT_EQ(events.at("dropped").as_int64(), 0);
    ASSERT_EQ(events.at("events").as_array().size(), 3u);
    EXPECT_EQ(events.at("events").as_array()[2].at("seq").as_int64(), seq + 3);
    f.server->Publish(test::FullSnapshot());
    EXPECT_EQ(client.Read().at("type").as_string(), "snapshot");
}

std::vector<std::int64_t> Seqs(const boost::json::object& message)
{
    std::vector<std::int64_t> seqs;
    for (const auto& event : message.at("events").as_array()) seqs.push_back(event.at("seq").as_int64());
    return seqs;
}

TEST(WebSocket, EventsBeginWhereTheFirstSnapshotEnds)
{
    WebFixture f;
    f.server->Publish(test::FullSnapshot());
    WsClient client{f.Port()};
    client.Send(R"({"type":"subscribe","snapshot":true})");
    const auto seq = client.Read().at("seq").as_int64(); // hello
    f.Emit(3);                                           // in the next snapshot; not in the one before
    EXPECT_TRUE(client.Read(300ms).is_null()) << "no snapshot that is older than the subscription, and no event before it";
    f.server->Publish(test::FullSnapshot());
    f.Emit(2);
    const auto snapshot = client.Read().as_object();
    EXPECT_EQ(snapshot.at("type").as_string(), "snapshot");
    EXPECT_EQ(snapshot.at("seq").as_int64(), seq + 3);
    EXPECT_EQ(Seqs(client.Read().as_object()), (std::vector{seq + 4, seq + 5}));

    // Whoever comes to a subscription that there is already gets the snapshot at once, and what came since
    WsClient second{f.Port()};
    second.Send(R"({"type":"subscribe"})");
    EXPECT_EQ(second.Read().at("seq").as_int64(), seq + 3);
    EXPECT_EQ(second.Read().at("seq").as_int64(), seq + 3);
    EXPECT_EQ(Seqs(second.Read().as_object()), (std::vector{seq + 4, seq + 5}));
    f.Emit(1);
    f.server->Publish(test::FullSnapshot());
    EXPECT_EQ(Seqs(second.ReadType("events")), (std::vector{seq + 6}));
    EXPECT_EQ(client.ReadType("snapshot").at("seq").as_int64(), seq + 6) << "later ones say what they have, too";
}

TEST(WebSocket, SnapshotsWithoutEventsTakeNoSubscriptionAndSurviveTooMany)
{
    web::StreamsOptions streams{test::AllTheTime()};
    streams.max_channels = 1;
    WebFixture f{{}, streams};
    f.server->Publish(test::FullSnapshot());
    WsClient other{f.Port()}, page{f.Port()}, late{f.Port()};
    other.Send(SUBSCRIBE);
    EXPECT_EQ(other.Read().at("type").as_string(), "hello");
    page.Send(R"({"type":"subscribe","events":false,"snapshot":true})");
    const auto hello = page.Read().as_object();
    EXPECT_EQ(hello.at("type").as_string(), "hello");
    EXPECT_TRUE(hello.at("seq").is_null());
    const auto snapshot = page.Read().as_object();
    EXPECT_EQ(snapshot.at("type").as_string(), "snapshot");
    EXPECT_TRUE(snapshot.at("seq").is_null());
    late.Send(R"({"type":"subscribe","filter":{"msg":["tx"]},"snapshot":true})");
    EXPECT_EQ(late.Read().at("code").as_string(), "too_many_subscriptions");
    EXPECT_EQ(late.Read().at("type").as_string(), "snapshot");
    f.server->Publish(test::FullSnapshot());
    EXPECT_EQ(late.Read().at("type").as_string(), "snapshot");
    EXPECT_EQ(page.Read().at("type").as_string(), "snapshot");
    EXPECT_EQ(f.streams.Stats().channels, 1u);
}

TEST(WebSocket, SnapshotsAreMadeOnceAndOnlyIfWanted)
{
    WebFixture f;
    WsClient one{f.Port()}, two{f.Port()}, never{f.Port()};
    one.Send(R"({"type":"subscribe","snapshot":true})");
    two.Send(R"({"type":"subscribe"})"); // the first only
    never.Send(SUBSCRIBE);
    EXPECT_TRUE(Eventually([&] { return f.streams.Stats().clients == 3; }));
    f.server->Publish(test::FullSnapshot());
    EXPECT_FALSE(one.ReadType("snapshot").empty());
    EXPECT_FALSE(two.ReadType("snapshot").empty());
    EXPECT_EQ(f.server->Stats().snapshots_total, 1u);
    f.server->Publish(test::FullSnapshot());
    EXPECT_FALSE(one.ReadType("snapshot").empty());
    EXPECT_EQ(f.server->Stats().snapshots_total, 2u);
    f.Emit(1);
    EXPECT_EQ(two.Read().at("type").as_string(), "events");
    EXPECT_EQ(never.Read().at("type").as_string(), "hello");
    EXPECT_EQ(never.Read().at("type").as_string(), "events");
}

TEST(WebSocket, FiltersAndSamples)
{
    WebFixture f;
    WsClient client{f.Port()};
    client.Send(R"({"type":"subscribe","filter":{"msg":["tx"]},"max_events_per_s":40,"snapshot":false})");
    EXPECT_EQ(client.Read().at("type").as_string(), "hello");
    f.Emit(50);
    f.Emit(200, {.args = {{"msg_type", "tx"}}});
    const auto events = client.Read().as_object();
    const std::size_t shown{events.at("events").as_array().size()};
    EXPECT_GE(shown, 10u);
    EXPECT_LT(shown, 60u);
    EXPECT_EQ(shown + events.at("sampled_out").to_number<std::size_t>(), 200u);
    for (const auto& event : events.at("events").as_array()) EXPECT_EQ(event.at("args").at("msg_type").as_string(), "tx");
}

TEST(WebSocket, ResumesWhereItWas)
{
    WebFixture f;
    std::int64_t seq{0};
    {
        WsClient client{f.Port()};
        client.Send(SUBSCRIBE);
        client.Read();
        f.Emit(5);
        seq = client.Read().at("events").as_array().back().at("seq").as_int64();
    }
    EXPECT_TRUE(Eventually([&] { return f.streams.Stats().clients == 0; }));
    f.Emit(7);
    WsClient client{f.Port()};
    client.Send(fmt::format(R"({{"type":"subscribe","resume_after":{}}})", seq));
    const auto hello = client.Read().as_object();
    EXPECT_TRUE(hello.at("resumed").as_bool());
    EXPECT_EQ(hello.at("missed").as_int64(), 0);
    const auto events = client.Read().at("events").as_array();
    ASSERT_EQ(events.size(), 7u);
    EXPECT_EQ(events[0].at("seq").as_int64(), seq + 1);
}

TEST(WebSocket, ASubscriptionReplacesTheOneBefore)
{
    WebFixture f;
    WsClient client{f.Port()};
    client.Send(SUBSCRIBE);
    client.ReadType("hello");
    client.Send(R"({"type":"subscribe","filter":{"msg":["tx"]},"snapshot":false})");
    client.ReadType("hello");
    f.Emit(1);
    f.Emit(1, {.args = {{"msg_type", "tx"}}});
    const auto events = client.Read().at("events").as_array();
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].at("args").at("msg_type").as_string(), "tx");
    EXPECT_EQ(f.streams.Stats().clients, 1u);
}

TEST(WebSocket, SaysWhatIsWrongAndGoesOn)
{
    WebFixture f;
    WsClient client{f.Port()};
    client.Send("what?");
    const auto error = client.Read().as_object();
    EXPECT_EQ(error.at("type").as_string(), "error");
    EXPECT_EQ(error.at("code").as_string(), "bad_message");
    EXPECT_THAT(std::string{error.at("message").as_string()}, HasSubstr("no JSON"));
    client.Send(SUBSCRIBE);
    EXPECT_EQ(client.Read().at("type").as_string(), "hello");
    EXPECT_EQ(f.Rejected(Reject::BadMessage), 1u);
}

TEST(WebSocket, BadFramesEndIt)
{
    WebFixture f;
    const auto code = [&](std::string_view bytes) {
        WsClient client{f.Port()};
        client.Http().Write(bytes);
        return client.CloseCode();
    };
    using namespace std::string_view_literals;
    EXPECT_EQ(code("\x82\x83\0\0\0\0abc"sv), 1003) << "binary";
    EXPECT_EQ(code("\x83\x83\0\0\0\0abc"sv), 1002) << "an opcode that is none";
    EXPECT_EQ(code("\x81\x03"
                   "abc"sv),
              1002)
        << "not masked";
    EXPECT_EQ(code("\x81\x82\0\0\0\0\xff\xfe"sv), 1007) << "not UTF-8";
    EXPECT_EQ(code("\x81\xfe\x42\x68\0\0\0\0"sv), 1009) << "17,000 bytes announced";
    EXPECT_EQ(code("\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0"sv), 1009) << "2^63 - 1 bytes announced";
    EXPECT_TRUE(Eventually([&] { return f.Rejected(Reject::BadFrame) == 6; })) << f.Rejected(Reject::BadFrame);
}

TEST(WebSocket, FloodsEndIt)
{
    WebFixture f;
    {
        WsClient client{f.Port()};
        for (int i{0}; i < 100; ++i) client.Send(SUBSCRIBE);
        EXPECT_EQ(client.ReadType("error").at("code").as_string(), "rate_limited");
        EXPECT_EQ(client.CloseCode(), 1008);
        EXPECT_EQ(f.Rejected(Reject::RateLimited), 1u);
    }
    EXPECT_TRUE(Eventually([&] { return f.server->Stats().websockets == 0 && f.streams.Stats().clients == 0; }));
}

TEST(WebSocket, FloodsOfFramesThatSayNothingEndIt)
{
    WebFixture f;
    for (const std::uint8_t opcode : {std::uint8_t{9}, std::uint8_t{10}}) { // pings, pongs
        WsClient client{f.Port()};
        for (int i{0}; i < 15; ++i) client.Send({}, opcode);
        client.Send(SUBSCRIBE);
        EXPECT_FALSE(client.ReadType("hello").empty()) << "some are in order";
        for (int i{0}; i < 100; ++i) client.Send({}, opcode);
        EXPECT_TRUE(client.Http().Ends(3s));
    }
    EXPECT_EQ(f.Rejected(Reject::RateLimited), 2u);
}

TEST(WebSocket, WhoSendsMoreThanIsReadWaits)
{
    web::ServerOptions options;
    options.limits.websocket_bytes_per_s = 2000;
    WebFixture f{options};
    WsClient client{f.Port()};
    using namespace std::string_view_literals;
    std::string flood{"\x01\x80\0\0\0\0"sv}; // the first fragment of a message, empty as those that follow
    while (flood.size() < 6000) flood += "\x00\x80\0\0\0\0"sv;
    const auto start = std::chrono::steady_clock::now();
    client.Http().Write(flood + std::string{"\x80\x80\0\0\0\0"sv});
    EXPECT_EQ(client.Read().at("code").as_string(), "bad_message"); // the empty message, in the end
    EXPECT_GT(std::chrono::steady_clock::now() - start, 1500ms);
}

TEST(WebSocket, OtherSitesMayNotListen)
{
    WebFixture f;
    const auto origin = [&](std::string_view value) { return WsClient{f.Port(), fmt::format("Origin: {}\r\n", value)}.handshake.status; };
    EXPECT_EQ(origin("http://localhost"), 101);
    EXPECT_EQ(origin("http://evil.example"), 403);
    EXPECT_EQ(origin("null"), 403);
    EXPECT_EQ(f.Rejected(Reject::BadOrigin), 2u);
}

TEST(WebSocket, NeedsTheToken)
{
    web::ServerOptions options;
    options.token = WS_SECRET;
    WebFixture f{options};
    EXPECT_EQ(WsClient{f.Port()}.handshake.status, 401);
    EXPECT_EQ((WsClient{f.Port(), fmt::format("Authorization: Bearer {}\r\n", WS_SECRET)}.handshake.status), 101);
    const test::Reply reply{test::Client{f.Port()}.Get(fmt::format("/?token={}", WS_SECRET))};
    const std::string cookie{reply.headers.at("Set-Cookie")};
    EXPECT_EQ((WsClient{f.Port(), "Cookie: " + cookie.substr(0, cookie.find(';')) + "\r\n"}.handshake.status), 101);
}

TEST(WebSocket, NeedsAnUpgrade)
{
    WebFixture f;
    const test::Reply reply{test::Client{f.Port()}.Get("/ws")};
    EXPECT_EQ(reply.status, 426);
    EXPECT_EQ(reply.headers.at("Upgrade"), "websocket");
    EXPECT_EQ(test::Client{f.Port()}
                  .Get("/ws", "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 12\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")
                  .status,
              426);
}

TEST(WebSocket, NumbersAreBounded)
{
    web::ServerOptions options;
    options.limits.websockets = 2;
    WebFixture f{options};
    WsClient one{f.Port()}, two{f.Port()};
    EXPECT_EQ(two.handshake.status, 101);
    EXPECT_EQ(WsClient{f.Port()}.handshake.status, 503);
    EXPECT_EQ(f.Rejected(Reject::TooManyWebSockets), 1u);
}

TEST(WebSocket, WhoDoesNotAnswerPingsIsCutOff)
{
    web::ServerOptions options;
    options.limits.idle_timeout = 400ms;
    WebFixture f{options};
    WsClient client{f.Port()};
    EXPECT_EQ(client.ReadFrame(2s).opcode, 9);
    EXPECT_TRUE(Eventually([&] { return f.Rejected(Reject::PingTimeout) == 1; }));
    EXPECT_TRUE(Eventually([&] { return f.server->Stats().connections == 0; }));
}

/** Resident memory of this process. */
std::size_t ResidentBytes()
{
    std::ifstream statm{"/proc/self/statm"};
    std::size_t pages{0}, resident{0};
    statm >> pages >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// The clients of this test run in this process too, and under a sanitizer cannot take what the server can send.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr bool SANITIZED{true};
#else
constexpr bool SANITIZED{false};
#endif

TEST(WebSocket, AHundredClientsOfWhichTenStall)
{
    web::ServerOptions options;
    options.limits.connections_per_address = 200;
    options.limits.write_timeout = SANITIZED ? 8s : 1500ms;
    WebFixture f{options};
    std::vector<std::unique_ptr<WsClient>> stalled;
    for (int i{0}; i < 10; ++i) {
        stalled.push_back(std::make_unique<WsClient>(f.Port(), "", 4096));
        ASSERT_EQ(stalled.back()->handshake.status, 101);
        stalled.back()->Send(SUBSCRIBE);
    }
    struct Reader {
        std::unique_ptr<WsClient> client;
        std::uint64_t seen{0};
        std::uint64_t lost{0};
        std::chrono::nanoseconds worst{0};
    };
    std::vector<Reader> readers(SANITIZED ? 10 : 90);
    for (Reader& reader : readers) {
        reader.client = std::make_unique<WsClient>(f.Port());
        ASSERT_EQ(reader.client->handshake.status, 101);
        reader.client->Send(SUBSCRIBE);
        ASSERT_EQ(reader.client->Read().at("type").as_string(), "hello");
    }
    ASSERT_TRUE(Eventually([&] { return f.streams.Stats().clients == readers.size() + stalled.size(); }));
    const std::size_t memory{ResidentBytes()};

    // Every event carries when it was written; one thread reads for all that read, as their frames come.
    std::atomic<std::uint64_t> emitted{0};
    std::atomic<bool> stop{false};
    std::thread reading{[&] {
        std::vector<pollfd> waits;
        for (Reader& reader : readers) waits.push_back({static_cast<test::TcpWire&>(reader.client->Http().Raw()).Fd(), POLLIN, 0});
        for (bool done{false}; !done;) {
            const bool last{stop}; // read first: then there will be no more than was emitted now
            if (::poll(waits.data(), waits.size(), 2000) <= 0 && last) return; // what is missing does not come any more
            done = last;
            for (std::size_t i{0}; i < readers.size(); ++i) {
                Reader& reader{readers[i]};
                if (waits[i].revents != 0) {
                    const WsClient::Frame frame{reader.client->ReadFrame()};
                    const auto now = std::chrono::steady_clock::now().time_since_epoch();
                    if (frame.opcode == -1) waits[i].fd = -1; // the end; missed below
                    // parsing all of it ninety times over would measure the parser
                    for (std::size_t at{0}; (at = frame.payload.find("\"mono_ns\":", at)) != std::string::npos; at += 10) {
                        ++reader.seen;
                        const std::chrono::nanoseconds written{std::stoll(frame.payload.substr(at + 10, 20))};
                        reader.worst = std::max(reader.worst, now - written);
                    }
                    if (frame.opcode == 1 && frame.payload.find("\"dropped\":0}") == std::string::npos) ++reader.lost;
                }
                done &= reader.seen >= emitted;
            }
        }
    }};
    std::chrono::nanoseconds longest_write{0};
    const auto emit = [&] {
        const std::size_t count{SANITIZED ? 5u : 20u};
        const auto start = std::chrono::steady_clock::now();
        f.Emit(count, {.ts_ns = static_cast<std::uint64_t>(start.time_since_epoch().count())});
        longest_write = std::max<std::chrono::nanoseconds>(longest_write, std::chrono::steady_clock::now() - start);
        emitted += count;
        std::this_thread::sleep_for(10ms);
    };
    const bool cut_off{Eventually(
        [&] {
            emit();
            return f.Rejected(Reject::SlowReader) >= 10;
        },
        60s)};
    for (int i{0}; i < 100; ++i) emit(); // without them
    stop = true;
    reading.join();
    EXPECT_TRUE(cut_off);
    EXPECT_EQ(f.Rejected(Reject::SlowReader), 10u);
    std::chrono::nanoseconds worst{0};
    for (const Reader& reader : readers) {
        EXPECT_EQ(reader.seen, emitted);
        EXPECT_EQ(reader.lost, 0u);
        worst = std::max(worst, reader.worst);
    }
    fmt::print("{} events, worst latency {} ms, longest write {} ms\n", emitted.load(), worst.count() / 1'000'000,
               longest_write.count() / 1'000'000);
    // 100 ms is asked for, and kept where the machine has nothing else to do; tests share theirs
    if (!SANITIZED) {
        EXPECT_LT(worst, 2s);
        EXPECT_LT(ResidentBytes(), memory + (24u << 20));
    }
    EXPECT_TRUE(Eventually([&] { return f.server->Stats().websockets == readers.size(); }));
}

} // namespace
} // namespace coretap
