#include <string>
#include <thread>
#include <vector>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/event/event_fixture.h"
#include "unit/web/web_fixture.h"
#include "web/streams.h"

namespace coretap {
namespace {

using namespace std::chrono_literals;
using test::AllTheTime;
using test::EventMaker;

struct Fixture {
    EventMaker maker;
    web::Streams streams;
    int wakes{0};

    explicit Fixture(web::StreamsOptions options = AllTheTime()) : streams{maker.Catalogue(), options}
    {
        streams.SetWake([this] { ++wakes; });
    }
    web::Subscription Sub(std::string_view text = R"({"type":"subscribe"})")
    {
        auto parsed = web::ParseSubscription(text, maker.Catalogue());
        EXPECT_TRUE(parsed) << parsed.GetError().what;
        return *parsed;
    }
    web::Streams::Followed Follow(std::string_view text = R"({"type":"subscribe"})")
    {
        auto followed = streams.Follow(Sub(text));
        EXPECT_TRUE(followed) << followed.GetError().what;
        return std::move(*followed);
    }
    void Emit(std::size_t count, std::uint16_t id = event::id::INBOUND_MESSAGE)
    {
        std::vector<event::Event> events;
        for (std::size_t i{0}; i < count; ++i) events.push_back(maker.Make(id));
        EXPECT_TRUE(streams.Write(events));
    }
};

/** All that a cursor gives at the moment, as one list. */
struct Drained {
    std::vector<std::uint64_t> seqs;
    std::uint64_t dropped{0};
    std::uint64_t sampled_out{0};
};
Drained Drain(web::StreamCursor& cursor)
{
    Drained out;
    for (;;) {
        const auto taken = cursor.Take(1 << 16);
        out.dropped += taken.dropped;
        out.sampled_out += taken.sampled_out;
        if (taken.chunks.empty()) return out;
        std::size_t skip{taken.skip};
        std::size_t events{0};
        for (const auto& chunk : taken.chunks) {
            const auto list = boost::json::parse("[" + chunk->json.substr(chunk->starts[skip]) + "]");
            for (const auto& event : list.as_array()) out.seqs.push_back(event.at("seq").to_number<std::uint64_t>());
            events += list.as_array().size();
            skip = 0;
        }
        EXPECT_EQ(events, taken.events);
    }
}

TEST(Streams, DoesNothingWhileNobodyListens)
{
    Fixture f;
    f.Emit(100);
    EXPECT_EQ(f.wakes, 0);
    EXPECT_EQ(f.streams.Stats().formatted_total, 0u);
}

TEST(Streams, FormatsOnceForEqualSubscriptionsAndWakesOnce)
{
    Fixture f;
    auto a = f.Follow();
    auto b = f.Follow();
    f.Emit(3);
    f.Emit(2);
    EXPECT_EQ(f.wakes, 1);
    f.streams.Awake();
    f.Emit(1);
    EXPECT_EQ(f.wakes, 2);
    const auto stats = f.streams.Stats();
    EXPECT_EQ(stats.channels, 1u);
    EXPECT_EQ(stats.clients, 2u);
    EXPECT_EQ(stats.formatted_total, 6u);
    const auto first = Drain(*a.cursor);
    ASSERT_EQ(first.seqs.size(), 6u);
    EXPECT_EQ(first.seqs.front(), a.seq + 1);
    EXPECT_EQ(first.seqs.back(), a.seq + 6);
    EXPECT_EQ(Drain(*b.cursor).seqs, first.seqs);
    EXPECT_TRUE(Drain(*a.cursor).seqs.empty());
}

TEST(Streams, AnEventIsThatOfTheJsonDocsAndASeq)
{
    Fixture f;
    f.Emit(1, event::id::CORETAP_NODE_FOUND); // labels are learned although nobody listens
    auto a = f.Follow(R"({"type":"subscribe","filter":{"node":["main"]}})");
    f.Emit(1);
    const auto taken = a.cursor->Take(1 << 16);
    ASSERT_EQ(taken.chunks.size(), 1u);
    std::string expected;
    event::AppendJson(expected, f.maker.Make(event::id::INBOUND_MESSAGE), {"main", test::UTC_NS / 1'000'000'000 - 3},
                      {event::Decode::Off, nullptr});
    auto object = boost::json::parse(taken.chunks[0]->json).as_object();
    EXPECT_EQ(object.at("seq").to_number<std::uint64_t>(), a.seq + 1);
    object.erase("seq");
    EXPECT_EQ(object, boost::json::parse(expected));
}

TEST(Streams, FiltersByChannel)
{
    Fixture f;
    auto net = f.Follow(R"({"type":"subscribe","filter":{"only":["net"]}})");
    auto mempool = f.Follow(R"({"type":"subscribe","filter":{"only":["mempool"]}})");
    f.Emit(3);
    f.Emit(2, event::id::MEMPOOL_ADDED);
    f.Emit(1, event::id::CORETAP_LOST); // for all
    EXPECT_EQ(Drain(*net.cursor).seqs.size(), 4u);
    EXPECT_EQ(Drain(*mempool.cursor).seqs.size(), 3u);
    EXPECT_EQ(f.streams.Stats().channels, 2u);
}

TEST(Streams, WhoIsTooSlowIsToldHowMuchItMissed)
{
    web::StreamsOptions options{AllTheTime()};
    options.channel_bytes = 64 << 10;
    Fixture f{options};
    auto slow = f.Follow();
    auto quick = f.Follow();
    std::size_t seen{0};
    for (int i{0}; i < 100; ++i) {
        f.Emit(20);
        seen += Drain(*quick.cursor).seqs.size();
        EXPECT_LT(f.streams.Stats().held_bytes, 100u << 10);
    }
    EXPECT_EQ(seen, 2000u);
    const auto late = Drain(*slow.cursor);
    EXPECT_GT(late.dropped, 1000u);
    EXPECT_EQ(late.dropped + late.seqs.size(), 2000u);
    EXPECT_EQ(late.seqs.front(), slow.seq + 1 + late.dropped);
    EXPECT_EQ(f.streams.Stats().client_dropped_total, late.dropped);
}

TEST(Streams, HoldsNoMoreEventsThanItMay)
{
    web::StreamsOptions options{AllTheTime()};
    options.channel_events = 50;
    Fixture f{options};
    auto slow = f.Follow();
    for (int i{0}; i < 20; ++i) f.Emit(10);
    EXPECT_EQ(Drain(*slow.cursor).seqs.size(), 50u);
}

TEST(Streams, ASamplingChannelTakesMemoryForWhatItShows)
{
    Fixture f;
    auto slow = f.Follow(R"({"type":"subscribe","max_events_per_s":0.01})");
    std::vector<event::Event> events;
    for (int i{0}; i < 1000; ++i) events.push_back(f.maker.Make(event::id::INBOUND_MESSAGE));
    events.push_back(f.maker.Make(event::id::CORETAP_LOST)); // never sampled out: a chunk of its own in every batch
    for (int i{0}; i < 200; ++i) EXPECT_TRUE(f.streams.Write(events));
    const auto taken = slow.cursor->Take(64 << 20);
    EXPECT_EQ(taken.events, 201u);
    std::size_t bytes{0};
    for (const auto& chunk : taken.chunks) bytes += chunk->json.capacity() + chunk->starts.capacity() * sizeof(chunk->starts[0]);
    EXPECT_LT(bytes, 201 * 1024u);
    EXPECT_GE(f.streams.Stats().held_bytes, bytes);
}

TEST(Streams, AllChannelsTogetherHoldNoMoreThanTheyMay)
{
    web::StreamsOptions options{AllTheTime()};
    options.channel_bytes = 200 << 10;
    options.total_bytes = 256 << 10;
    Fixture f{options};
    auto mempool = f.Follow(R"({"type":"subscribe","filter":{"only":["mempool"]}})");
    for (int i{0}; i < 100; ++i) f.Emit(20, event::id::MEMPOOL_ADDED);
    EXPECT_GT(f.streams.Stats().held_bytes, 150u << 10);
    std::vector<web::Streams::Followed> others;
    for (const int rate : {10'001, 10'002, 10'003}) {
        others.push_back(f.Follow(fmt::format(R"({{"type":"subscribe","filter":{{"only":["net"]}},"max_events_per_s":{}}})", rate)));
        for (int i{0}; i < 100; ++i) {
            f.Emit(20); // nothing for the first, which makes room all the same
            EXPECT_LE(f.streams.Stats().held_bytes, 256u << 10);
        }
    }
    const auto late = Drain(*mempool.cursor);
    EXPECT_EQ(late.dropped + late.seqs.size(), 2000u) << "what made room is told";
    EXPECT_GT(late.dropped, 1500u);
}

TEST(Streams, SamplesEvenlyAndCountsTheRest)
{
    Fixture f;
    auto a = f.Follow(R"({"type":"subscribe","max_events_per_s":40})"); // 10 at once
    f.Emit(1000);
    f.Emit(1, event::id::CORETAP_LOST); // never sampled out
    const auto got = Drain(*a.cursor);
    EXPECT_GE(got.seqs.size(), 11u);
    EXPECT_LE(got.seqs.size(), 14u);
    EXPECT_EQ(got.seqs.size() + got.sampled_out, 1001u);
    EXPECT_EQ(got.dropped, 0u);
    EXPECT_EQ(f.streams.Stats().sampled_out_total, got.sampled_out);

    // taken from all over the batch, not from its beginning: every event has a time of its own
    auto b = f.Follow(R"({"type":"subscribe","max_events_per_s":16,"filter":{"only":["mempool"]}})");
    std::vector<event::Event> events;
    for (std::uint64_t i{0}; i < 100; ++i) events.push_back(f.maker.Make(event::id::MEMPOOL_ADDED, {.ts_ns = i}));
    EXPECT_TRUE(f.streams.Write(events));
    const auto taken = b.cursor->Take(1 << 20);
    ASSERT_EQ(taken.chunks.size(), 1u);
    const auto list = boost::json::parse("[" + taken.chunks[0]->json + "]").as_array();
    ASSERT_EQ(list.size(), 4u);
    EXPECT_EQ(list[0].at("mono_ns").as_int64(), 24);
    EXPECT_EQ(list[3].at("mono_ns").as_int64(), 99);
}

TEST(Streams, LeavesOutWhatTakesTooMuchOfThePipelinesTime)
{
    web::StreamsOptions options{AllTheTime()};
    options.max_time_share = 0;
    options.max_events_per_s = 1e9;
    Fixture f{options};
    auto a = f.Follow();
    for (int i{0}; i < 400 && f.streams.Stats().shed_total == 0; ++i) f.Emit(2000);
    const auto stats = f.streams.Stats();
    EXPECT_GT(stats.shed_total, 0u);
    EXPECT_EQ(stats.sampled_out_total, stats.shed_total);
}

TEST(Streams, ResumesWhatIsHeld)
{
    web::StreamsOptions options{AllTheTime()};
    options.channel_events = 100;
    Fixture f{options};
    auto a = f.Follow();
    f.Emit(10);
    const auto seen = Drain(*a.cursor).seqs;
    a.cursor.reset();
    f.Emit(10); // while it is away
    const auto resume = [&](std::uint64_t after) {
        auto subscription = f.Sub();
        subscription.resume_after = after;
        auto followed = f.streams.Follow(subscription);
        EXPECT_TRUE(followed);
        return std::move(*followed);
    };
    {
        auto back = resume(seen[4]);
        EXPECT_TRUE(back.resumed);
        EXPECT_EQ(back.missed, 0u);
        EXPECT_EQ(back.seq, seen[4]);
        const auto got = Drain(*back.cursor).seqs;
        ASSERT_EQ(got.size(), 15u);
        EXPECT_EQ(got.front(), seen[5]);
    }
    for (int i{0}; i < 20; ++i) f.Emit(10); // the first are not held any more
    {
        auto back = resume(seen.back());
        EXPECT_TRUE(back.resumed);
        EXPECT_EQ(back.missed, 110u);
        EXPECT_EQ(Drain(*back.cursor).seqs.size(), 100u);
    }
    {
        auto back = resume(a.seq - 1'000'000);
        EXPECT_FALSE(back.resumed);
        EXPECT_FALSE(back.missed) << "of an older channel: nobody knows";
        EXPECT_EQ(Drain(*back.cursor).seqs.size(), 100u) << "but all that is held came after it";
    }
    {
        auto back = resume(seen.back() + 1'000'000'000);
        EXPECT_FALSE(back.resumed);
        EXPECT_TRUE(Drain(*back.cursor).seqs.empty()) << "from now on";
    }
}

TEST(Streams, ChannelsLingerAndAreLetGo)
{
    Fixture f;
    auto a = f.Follow();
    a.cursor.reset();
    const auto now = std::chrono::steady_clock::now();
    f.streams.Expire(now + 59s);
    EXPECT_EQ(f.streams.Stats().channels, 1u);
    f.streams.Expire(now + 61s);
    EXPECT_EQ(f.streams.Stats().channels, 0u);
    auto b = f.Follow();
    EXPECT_GT(b.seq, a.seq) << "numbers of an older channel are not mistaken for those of the new";
}

TEST(Streams, BoundsChannelsAndClients)
{
    web::StreamsOptions options{AllTheTime()};
    options.max_channels = 2;
    options.max_clients = 3;
    Fixture f{options};
    auto a = f.Follow(R"({"type":"subscribe","filter":{"peer":[1]}})");
    auto b = f.Follow(R"({"type":"subscribe","filter":{"peer":[2]}})");
    const auto third = f.Sub(R"({"type":"subscribe","filter":{"peer":[3]}})");
    EXPECT_FALSE(f.streams.Follow(third));
    b.cursor.reset();
    auto c = f.streams.Follow(third);
    EXPECT_TRUE(c) << "one that nobody follows makes room";
    auto d = f.Follow(R"({"type":"subscribe","filter":{"peer":[1]}})");
    EXPECT_FALSE(f.streams.Follow(third)) << "three clients are all";
}

TEST(Streams, PayloadsAreNotShown)
{
    Fixture f;
    auto a = f.Follow(R"({"type":"subscribe","decode":"full"})");
    const event::Event event{
        f.maker.Make(event::id::INBOUND_MESSAGE, {.args = {{"msg_type", "block"}, {"payload", std::string(200'000, 'x')}}})};
    EXPECT_TRUE(f.streams.Write({&event, 1}));
    const auto taken = a.cursor->Take(1 << 20);
    ASSERT_EQ(taken.chunks.size(), 1u);
    EXPECT_LT(taken.chunks[0]->json.size(), 2000u);
}

TEST(Streams, ReadersAndTheWriterRunSideBySide)
{
    web::StreamsOptions options{AllTheTime()};
    options.channel_bytes = 32 << 10;
    options.max_events_per_s = 1e9;
    Fixture f{options};
    f.streams.SetWake([] {});
    auto a = f.Follow();
    std::atomic<bool> done{false};
    std::thread reader{[&] {
        std::uint64_t total{0};
        bool last{false};
        while (!last) {
            last = done.load();
            const auto got = Drain(*a.cursor);
            total += got.seqs.size() + got.dropped;
            static_cast<void>(f.streams.Stats());
            f.streams.Expire(std::chrono::steady_clock::now());
        }
        EXPECT_EQ(total, 20'000u);
    }};
    for (int i{0}; i < 1000; ++i) f.Emit(20);
    done = true;
    reader.join();
}

} // namespace
} // namespace coretap
