// Replaying: from when to when, how fast, and several recordings at once.
#include <chrono>
#include <thread>

#include <gmock/gmock.h>

#include "pipeline/node_names.h"
#include "unit/archive/archive_fixture.h"

namespace coretap::archive {
namespace {

using namespace test;
using event::Event;

constexpr std::int64_t OFFSET{UTC_NS - static_cast<std::int64_t>(MONOTONIC_NS)};

std::vector<Event> Every(EventMaker& maker, std::uint64_t first_ns, std::uint64_t step_ns, std::size_t count, std::uint16_t id = 0)
{
    std::vector<Event> events;
    for (std::size_t i{0}; i < count; ++i)
        events.push_back(maker.Make(id, {.args = {{"peer_id", static_cast<std::int64_t>(i)}}, .ts_ns = first_ns + i * step_ns}));
    return events;
}

std::vector<Seen> Between(std::span<const Event> events, std::int64_t since, std::int64_t until)
{
    std::vector<Seen> seen;
    for (const Event& event : events) {
        if (event.UtcNs() >= since && event.UtcNs() < until) seen.push_back(See(event));
    }
    return seen;
}

TEST(Replay, SinceAndUntil)
{
    const Folder folder;
    EventMaker maker;
    std::vector<Event> events{Every(maker, MONOTONIC_NS, 1'000, 100)};
    const Event found{maker.Make(event::id::CORETAP_NODE_FOUND, {.ts_ns = MONOTONIC_NS - 5})};
    const Event other{maker.Make(event::id::CORETAP_NODE_FOUND, {.args = {{"label", "other"}}, .pid = 7, .ts_ns = MONOTONIC_NS - 4})};
    const Event gone{maker.Make(event::id::CORETAP_NODE_GONE, {.args = {{"label", "other"}}, .pid = 7, .ts_ns = MONOTONIC_NS + 30'500})};
    events.insert(events.begin() + 31, gone);
    events.insert(events.begin(), {found, other});
    Record(maker.Catalogue(), folder / "a.ctap", events, 7, true);
    std::filesystem::copy_file(folder / "a.ctap", folder / "cut.ctap");
    std::filesystem::resize_file(folder / "cut.ctap", std::filesystem::file_size(folder / "cut.ctap") - 1); // no index

    for (const char* name : {"a.ctap", "cut.ctap"}) {
        for (std::int64_t since{-1}; since <= 101; since += 3) {
            for (const std::int64_t length : {0, 1, 8, 50, 1'000}) {
                SCOPED_TRACE(testing::Message() << name << " " << since << " " << length);
                const std::int64_t since_ns{UTC_NS + since * 1'000}, until_ns{since_ns + length * 1'000};
                const Replayed replayed{Replay({folder / name}, {.since_utc_ns = since_ns, .until_utc_ns = until_ns})};
                ASSERT_EQ(replayed.error, "");
                auto expected{Between(events, since_ns, until_ns)};
                // who is who comes first, and who left less than a minute before as well
                if (!expected.empty() && since_ns > See(found).utc_ns) {
                    std::vector<Seen> introduced{See(found), See(other)};
                    if (since_ns > gone.UtcNs()) introduced.push_back(See(gone));
                    expected.insert(expected.begin(), introduced.begin(), introduced.end());
                }
                ASSERT_EQ(replayed.events, expected);
            }
        }
        const Replayed until{Replay({folder / name}, {.until_utc_ns = UTC_NS + 10'000})};
        EXPECT_EQ(until.events, Between(events, INT64_MIN, UTC_NS + 10'000));
    }
}

TEST(Replay, SinceThroughAPipe)
{
    const Folder folder;
    EventMaker maker;
    std::vector<Event> events{maker.Make(event::id::CORETAP_NODE_FOUND, {.ts_ns = MONOTONIC_NS - 5})};
    for (const Event& event : Every(maker, MONOTONIC_NS, 1'000, 50)) events.push_back(event);
    Record(maker.Catalogue(), folder / "a.ctap", events, 7, true);
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const std::string bytes{ReadFile(folder / "a.ctap")};
    ASSERT_EQ(::write(ends[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    // and it stays open: until ends it
    const Replayed replayed{
        Replay({"/proc/self/fd/" + std::to_string(ends[0])}, {.since_utc_ns = UTC_NS + 20'000, .until_utc_ns = UTC_NS + 30'000})};
    ::close(ends[0]);
    ::close(ends[1]);
    auto expected{Between(events, UTC_NS + 20'000, UTC_NS + 30'000)};
    expected.insert(expected.begin(), See(events.front()));
    EXPECT_EQ(replayed.events, expected);
}

TEST(Replay, SessionsMergeByTime)
{
    const Folder folder;
    EventMaker maker;
    const auto a{Every(maker, MONOTONIC_NS, 10, 1'000)};
    const auto b{Every(maker, MONOTONIC_NS + 5, 10, 1'000, 1)};
    const auto c{Every(maker, MONOTONIC_NS + 500'000, 10, 100, 8)}; // long after
    Record(maker.Catalogue(), folder / "a.ctap", a, 64, true, 'a');
    Record(maker.Catalogue(), folder / "b.ctap", b, 100, true, 'b');
    Record(maker.Catalogue(), folder / "c.ctap", c, 100, true, 'c');
    std::vector<Seen> expected{SeeAll(a)};
    for (const auto& events : {b, c}) {
        for (const Seen& seen : SeeAll(events)) expected.push_back(seen);
    }
    std::ranges::stable_sort(expected, {}, &Seen::utc_ns);
    const Replayed replayed{Replay({folder / "a.ctap", folder / "b.ctap", folder / "c.ctap"})};
    EXPECT_EQ(replayed.error, "");
    EXPECT_TRUE(replayed.events == expected);
    for (const Seen& seen : replayed.events)
        ASSERT_EQ(seen.origin, seen.name == "net:inbound_message" ? 1U : seen.name == "net:outbound_message" ? 2U : 3U);
    ASSERT_EQ(replayed.sessions.size(), 3U);
    EXPECT_EQ(replayed.sessions[1].session_id, std::string(32, 'b'));
    EXPECT_EQ(replayed.ledger.tallies.at(0).delivered, 1'000U);
    EXPECT_EQ(replayed.ledger.tallies.at(1).fired, 1'000U);
}

TEST(Replay, LossesAreOfWhatIsBetween)
{
    const Folder folder;
    EventMaker maker;
    const auto lost = [&](std::uint64_t ts, const char* tracepoint, const char* reason, int count) {
        return maker.Make(event::id::CORETAP_LOST,
                          {.args = {{"tracepoint", tracepoint}, {"reason", reason}, {"count", count}, {"total", count}}, .ts_ns = ts});
    };
    std::vector<Event> events{Every(maker, MONOTONIC_NS, 1'000, 10)};
    events.insert(events.begin() + 2, lost(MONOTONIC_NS + 1'500, "net:inbound_message", "ring-full", 5));
    events.push_back(lost(MONOTONIC_NS + 9'500, "mempool:added", "contended", 7));
    events.push_back(lost(MONOTONIC_NS + 9'600, "no:such", "ring-full", 1));
    events.push_back(maker.Make(0, {.args = {{"payload", ""}}, .fault_mask = 2, .flags = CT_F_SHED, .ts_ns = MONOTONIC_NS + 9'700}));
    Record(maker.Catalogue(), folder / "a.ctap", events);
    const auto all{Replay({folder / "a.ctap"}).ledger};
    EXPECT_EQ(all.tallies.at(0).delivered, 11U);
    EXPECT_EQ(all.tallies.at(0).fired, 16U);
    EXPECT_EQ(all.tallies.at(0).payload_shed, 1U);
    EXPECT_EQ(all.tallies.at(0).arg_faults, 1U);
    EXPECT_EQ(all.tallies.at(event::id::MEMPOOL_ADDED).lost[static_cast<std::size_t>(pipeline::LossReason::Contended)], 7U);
    EXPECT_EQ(all.tallies.at(event::id::CORETAP_LOST).Lost(), 1U);
    const auto some{Replay({folder / "a.ctap"}, {.since_utc_ns = UTC_NS + 2'000, .until_utc_ns = UTC_NS + 9'000}).ledger};
    EXPECT_EQ(some.tallies.size(), 1U);
    EXPECT_EQ(some.tallies.at(0).fired, 7U);
}

TEST(Replay, AsFastAsItWas)
{
    const Folder folder;
    EventMaker maker;
    const auto events{Every(maker, MONOTONIC_NS, 50'000'000, 9)}; // 0.4 s
    Record(maker.Catalogue(), folder / "a.ctap", events);
    for (const double speed : {1.0, 4.0}) {
        const auto begun{std::chrono::steady_clock::now()};
        const Replayed replayed{Replay({folder / "a.ctap"}, {.speed = speed})};
        const std::chrono::duration<double> took{std::chrono::steady_clock::now() - begun};
        EXPECT_EQ(replayed.events, SeeAll(events));
        EXPECT_GE(took.count(), 0.39 / speed);
        EXPECT_LT(took.count(), 0.4 / speed + 2);
    }
}

TEST(Replay, PausesAreWaitedInSlicesAndStopEndsThem)
{
    const Folder folder;
    EventMaker maker;
    const auto events{Every(maker, MONOTONIC_NS, 3'600'000'000'000, 2)}; // an hour
    Record(maker.Catalogue(), folder / "a.ctap", events);
    event::Catalogue catalogue;
    auto source{ReplaySource::Open({folder / "a.ctap"}, catalogue, {.speed = 1}, {})};
    ASSERT_TRUE(source);
    pipeline::Batch batch;
    EXPECT_EQ(*(*source)->Pull(batch, std::chrono::seconds{5}), pipeline::Source::Step::Ready);
    EXPECT_EQ(batch.count, 1U);
    const auto begun{std::chrono::steady_clock::now()};
    EXPECT_EQ(*(*source)->Pull(batch, std::chrono::milliseconds{50}), pipeline::Source::Step::Idle);
    EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds{50});
    std::thread stopper{[&] {
        std::this_thread::sleep_for(std::chrono::milliseconds{50});
        (*source)->Stop();
    }};
    EXPECT_EQ(*(*source)->Pull(batch, std::chrono::hours{1}), pipeline::Source::Step::End);
    stopper.join();
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds{20});
    EXPECT_EQ(*(*source)->Pull(batch, std::chrono::hours{1}), pipeline::Source::Step::End);
    EXPECT_EQ((*source)->Losses().tallies.at(0).delivered, 1U); // what was handed over, not what was read ahead
}

TEST(Replay, StopsWhileAPipeIsSilent)
{
    const Folder folder;
    EventMaker maker;
    Record(maker.Catalogue(), folder / "a.ctap", Every(maker, MONOTONIC_NS, 1, 1));
    const std::string bytes{ReadFile(folder / "a.ctap")};
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    ASSERT_EQ(::write(ends[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    event::Catalogue catalogue;
    auto source{ReplaySource::Open({"/proc/self/fd/" + std::to_string(ends[0])}, catalogue, {}, {})};
    ASSERT_TRUE(source);
    pipeline::Batch batch;
    EXPECT_EQ(*(*source)->Pull(batch, std::chrono::seconds{5}), pipeline::Source::Step::Ready);
    EXPECT_EQ(*(*source)->Pull(batch, std::chrono::milliseconds{20}), pipeline::Source::Step::Idle);
    (*source)->Stop();
    EXPECT_EQ(*(*source)->Pull(batch, std::chrono::seconds{5}), pipeline::Source::Step::End);
    source->reset(); // joins its thread
    ::close(ends[0]);
    ::close(ends[1]);
}

/** tests/golden/recording-1.ctap was written by format version 1 and must be readable for ever. */
TEST(Golden, OldRecordingsStayReadable)
{
    EventMaker maker;
    event::TracepointDef user;
    user.provider = "patched";
    user.name = "probe";
    user.args.push_back({"number", event::ArgType::Int, event::Unit::None, 8, 0, 0, ""});
    const auto row{maker.Catalogue().AddUser(user)};
    ASSERT_TRUE(row);
    std::vector<Event> events{maker.Make(event::id::CORETAP_NODE_FOUND)};
    for (const event::TracepointDef* def : maker.Catalogue().Rows())
        events.push_back(maker.Make(def->id, {.ts_ns = MONOTONIC_NS + def->id}));
    events.push_back(maker.Make((*row)->id, {.args = {{"number", -3}}, .ts_ns = MONOTONIC_NS + 100}));
    const std::filesystem::path path{CORETAP_SOURCE_DIR "/tests/golden/recording-1.ctap"};
    if (std::getenv("CORETAP_UPDATE_GOLDEN") != nullptr) {
        std::filesystem::remove(path);
        Record(maker.Catalogue(), path, events, 10, true);
    }
    const Replayed replayed{Replay({path})};
    EXPECT_EQ(replayed.error, "");
    EXPECT_THAT(replayed.notices, testing::IsEmpty());
    EXPECT_EQ(replayed.events, SeeAll(events));
    EXPECT_EQ(replayed.sessions.at(0).host, "testhost");
}

} // namespace
} // namespace coretap::archive
