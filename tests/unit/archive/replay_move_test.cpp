// Moving in a recording while it is replayed: forth, back, slower, paused.
#include <chrono>
#include <thread>

#include "archive/replay_clock.h"
#include "unit/archive/archive_fixture.h"

namespace coretap::archive {
namespace {

using namespace test;
using namespace std::chrono_literals;
using event::Event;
using Step = pipeline::Source::Step;

constexpr std::uint64_t STEP_NS{1'000'000};
constexpr std::uint64_t EVERYTHING{UINT64_MAX};

std::int64_t At(std::int64_t step) { return UTC_NS + step * static_cast<std::int64_t>(STEP_NS); }

/** A node and 1,000 events, a millisecond apart, ten a block. */
class Moving : public testing::Test {
protected:
    Folder m_folder;
    EventMaker m_maker;
    std::vector<Event> m_events;
    event::Catalogue m_catalogue;
    std::unique_ptr<ReplaySource> m_source;
    std::vector<std::string> m_notices;
    pipeline::Batch m_batch;

    void SetUp() override
    {
        m_events.push_back(m_maker.Make(event::id::CORETAP_NODE_FOUND, {.ts_ns = MONOTONIC_NS - 5}));
        for (std::size_t i{0}; i < 1'000; ++i)
            m_events.push_back(m_maker.Make(0, {.args = {{"peer_id", static_cast<std::int64_t>(i)}}, .ts_ns = MONOTONIC_NS + i * STEP_NS}));
        Record(m_maker.Catalogue(), m_folder / "a.ctap", m_events, 10, true);
        std::filesystem::copy_file(m_folder / "a.ctap", m_folder / "cut.ctap");
        std::filesystem::resize_file(m_folder / "cut.ctap", std::filesystem::file_size(m_folder / "cut.ctap") - 1); // no index
    }
    void Open(double speed, std::vector<std::filesystem::path> paths = {})
    {
        if (paths.empty()) paths.push_back(m_folder / "a.ctap");
        auto opened{ReplaySource::Open(paths, m_catalogue, {.speed = speed}, [&](const std::string& text) { m_notices.push_back(text); })};
        ASSERT_TRUE(opened) << opened.GetError().what;
        m_source = std::move(*opened);
        m_source->StayAtEnd();
    }
    /** Until the end, or until it has nothing for so long; none is said: as long as something is to be expected. */
    std::vector<Seen> Drain(std::optional<std::chrono::milliseconds> patience = std::nullopt)
    {
        const auto deadline = std::chrono::steady_clock::now() + 10s;
        std::vector<Seen> seen;
        std::vector<Event> events;
        for (;;) {
            const auto step{m_source->Pull(m_batch, patience.value_or(20ms))};
            const bool more{!patience && !m_source->Paused() && !m_source->AtEnd() && std::chrono::steady_clock::now() < deadline};
            if (step && *step == Step::Idle && more) continue;
            if (!step || *step != Step::Ready) return seen;
            EXPECT_EQ(pipeline::ParseBatch(m_batch, m_catalogue, events), 0U);
            for (const Event& event : events) seen.push_back(See(event));
        }
    }
    /** Until GoTo's time is reached. */
    std::vector<Seen> Arrive()
    {
        std::vector<Seen> seen;
        std::vector<Event> events;
        while (m_source->GoingTo()) {
            const auto step{m_source->Pull(m_batch, 1s)};
            if (!step || *step == Step::End) break;
            EXPECT_EQ(pipeline::ParseBatch(m_batch, m_catalogue, events), 0U);
            for (const Event& event : events) seen.push_back(See(event));
        }
        return seen;
    }
    std::vector<Seen> Between(std::int64_t since, std::int64_t until) const
    {
        std::vector<Seen> seen;
        for (const Event& event : m_events) {
            if (event.UtcNs() >= since && event.UtcNs() < until) seen.push_back(See(event));
        }
        return seen;
    }
};

TEST_F(Moving, ForthAndBackWhilePaused)
{
    for (const char* name : {"a.ctap", "cut.ctap"}) {
        SCOPED_TRACE(name);
        Open(1, {m_folder / name});
        m_source->SetPaused(true);
        for (const Seen& seen : Drain()) EXPECT_EQ(seen.name, "coretap:node_found") << "who is who may come, nothing else";
        EXPECT_FALSE(m_source->GoTo(At(500), EVERYTHING).anew);
        auto got{Arrive()};
        auto expected{Between(INT64_MIN, At(500))};
        if (got.size() + 1 == expected.size()) expected.erase(expected.begin());
        EXPECT_TRUE(got == expected) << got.size() << " of " << expected.size();
        EXPECT_EQ(m_source->PositionUtcNs(), At(500));
        EXPECT_TRUE(Drain().empty()) << "paused";
        EXPECT_FALSE(m_source->AtEnd());

        const auto move{m_source->GoTo(At(123) + 1, EVERYTHING)};
        EXPECT_TRUE(move.anew);
        EXPECT_EQ(move.since_utc_ns, std::nullopt);
        EXPECT_TRUE(Arrive() == Between(INT64_MIN, At(124)));
        EXPECT_EQ(m_source->PositionUtcNs(), At(123) + 1);
        EXPECT_EQ(m_source->Losses().tallies.at(0).delivered, 124U) << "counts began anew";

        EXPECT_FALSE(m_source->GoTo(At(200), EVERYTHING).anew);
        EXPECT_TRUE(Arrive() == Between(At(124), At(200)));
    }
}

TEST_F(Moving, WhatComesBehindTheTimeComesAfterIt)
{
    Open(0);
    m_source->GoTo(At(300), EVERYTHING);
    EXPECT_TRUE(Arrive() == Between(INT64_MIN, At(300))) << "and nothing more before the caller knows";
    EXPECT_TRUE(Drain() == Between(At(300), INT64_MAX));
}

TEST_F(Moving, AtTheEndItStaysAndGoesBack)
{
    Open(0);
    EXPECT_TRUE(Drain() == SeeAll(m_events));
    EXPECT_TRUE(m_source->AtEnd());
    EXPECT_EQ(m_source->PositionUtcNs(), At(999));
    EXPECT_EQ(*m_source->Pull(m_batch, 1ms), Step::Idle);
    EXPECT_FALSE(m_source->GoTo(At(5'000), EVERYTHING).anew) << "no further";
    EXPECT_FALSE(m_source->GoingTo());

    m_source->SetPaused(true);
    EXPECT_TRUE(m_source->GoTo(At(900), EVERYTHING).anew);
    EXPECT_FALSE(m_source->AtEnd());
    EXPECT_TRUE(Arrive() == Between(INT64_MIN, At(900)));
    m_source->GoTo(At(999), EVERYTHING);
    EXPECT_TRUE(Arrive() == Between(At(900), INT64_MAX)) << "the last one's time is the end";
    EXPECT_TRUE(m_source->AtEnd());
    EXPECT_EQ(m_source->PositionUtcNs(), At(999));
    m_source->Stop();
    EXPECT_EQ(*m_source->Pull(m_batch, 1h), Step::End);
}

TEST_F(Moving, OnlySoMuchIsReadForIt)
{
    for (const char* name : {"a.ctap", "cut.ctap"}) {
        SCOPED_TRACE(name);
        Open(1, {m_folder / name});
        m_source->SetPaused(true);
        Drain();
        const std::uint64_t bytes{std::filesystem::file_size(m_folder / "a.ctap") / 10};
        const auto move{m_source->GoTo(At(800), bytes)};
        EXPECT_TRUE(move.anew) << "too far ahead to read all of it";
        ASSERT_TRUE(move.since_utc_ns);
        EXPECT_GT(*move.since_utc_ns, At(600));
        EXPECT_LT(*move.since_utc_ns, At(795));
        auto expected{Between(*move.since_utc_ns, At(800))};
        expected.insert(expected.begin(), See(m_events.front())); // who is who
        EXPECT_TRUE(Arrive() == expected);

        EXPECT_FALSE(m_source->GoTo(At(850), bytes).anew) << "near enough";
        EXPECT_TRUE(Arrive() == Between(At(800), At(850)));
        EXPECT_EQ(m_source->GoTo(At(20), bytes).since_utc_ns, std::nullopt) << "all that is before it";
        EXPECT_TRUE(Arrive() == Between(INT64_MIN, At(20)));
        EXPECT_TRUE(m_source->GoTo(At(700), 1).since_utc_ns) << "a block at least";
        EXPECT_EQ(Arrive().size(), 2U) << "who is who, and the one that the block begins with";
    }
}

TEST_F(Moving, NotBeforeTheRange)
{
    Open(0);
    m_source->SetRange(At(100), At(200));
    EXPECT_EQ(Drain().size(), 101U);
    EXPECT_TRUE(m_source->GoTo(At(150), EVERYTHING).anew);
    m_source->SetPaused(true);
    EXPECT_EQ(Arrive().size(), 51U) << "and who is who";
    m_source->GoTo(At(950), EVERYTHING);
    EXPECT_TRUE(Arrive() == Between(At(150), At(200)));
}

TEST_F(Moving, AnotherAimOnTheWay)
{
    Open(0);
    m_source->GoTo(At(999), EVERYTHING);
    m_source->GoTo(At(10), EVERYTHING);
    EXPECT_TRUE(Arrive() == Between(INT64_MIN, At(10)));
    for (int i{0}; i < 50; ++i) m_source->GoTo(At(i * 37 % 1'000), EVERYTHING);
    m_source->GoTo(At(77), EVERYTHING);
    m_source->SetPaused(true);
    Arrive();
    EXPECT_EQ(m_source->Losses().tallies.at(0).delivered, 77U);
}

TEST_F(Moving, SeveralRecordingsAtOnce)
{
    const auto other{m_maker.Make(1, {.ts_ns = MONOTONIC_NS + 250 * STEP_NS + 1})};
    Record(m_maker.Catalogue(), m_folder / "b.ctap", {&other, 1}, 1, true, 'b');
    Open(0, {m_folder / "a.ctap", m_folder / "b.ctap"});
    EXPECT_EQ(Drain().size(), 1'002U);
    for (const std::int64_t at : {251, 250, 999, 251}) {
        m_source->SetPaused(true);
        m_source->GoTo(At(at), EVERYTHING);
        Arrive();
        EXPECT_EQ(m_source->Losses().tallies.contains(1), at != 250) << at;
    }
}

TEST_F(Moving, DamageIsSaidOnce)
{
    std::string bytes{ReadFile(m_folder / "a.ctap")};
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] + 1);
    WriteFile(m_folder / "bad.ctap", bytes);
    Open(0, {m_folder / "bad.ctap"});
    const auto all{Drain()};
    const std::size_t said{m_notices.size()};
    EXPECT_GT(said, 0U);
    m_source->GoTo(At(10), EVERYTHING);
    Arrive();
    const auto rest{Drain()};
    EXPECT_EQ(m_notices.size(), said);
    EXPECT_EQ(rest.back().record, all.back().record);
}

TEST_F(Moving, AnotherSpeedGoesOnFromThere)
{
    Open(1'000'000);
    Drain();
    EXPECT_TRUE(m_source->AtEnd());
    m_source->SetPaused(true);
    m_source->GoTo(At(500), EVERYTHING);
    Arrive();
    m_source->SetSpeed(0.001);
    m_source->SetPaused(false);
    EXPECT_LE(Drain(30ms).size(), 1U) << "a thousandth: a second until the next";
    m_source->SetSpeed(0);
    EXPECT_GE(Drain().size(), 499U);
    EXPECT_TRUE(m_source->AtEnd());
}

TEST(ReplayClock, TimeGoesOnInQuietStretches)
{
    const ReplayClock::Clock::time_point start{};
    ReplayClock clock{10};
    EXPECT_EQ(clock.Position(start), std::nullopt);
    EXPECT_EQ(clock.Due(1'000, start), 1'000) << "the first is due at once";
    clock.Passed(1'000);
    EXPECT_EQ(clock.Due(5'000, start + 100ns), 2'000);
    EXPECT_EQ(clock.Position(start + 200ns), 3'000);
    EXPECT_EQ(clock.WhenDue(5'000), start + 400ns);
    EXPECT_EQ(clock.Position(start + 1h), 5'000) << "not beyond what comes next";
    clock.Set(10, true, start + 300ns);
    EXPECT_EQ(clock.Position(start + 1h), 4'000);
    EXPECT_LT(clock.Due(5'000, start + 1h), 5'000);
    clock.Set(1, false, start + 2h);
    EXPECT_LT(clock.Due(5'000, start + 2h), 5'000);
    EXPECT_EQ(clock.WhenDue(5'000), start + 2h + 1000ns) << "the pause took no time of the recording";
    EXPECT_EQ(clock.Due(5'000, start + 3h), 5'000 + std::chrono::nanoseconds{1h}.count() - 1'000);
}

TEST(ReplayClock, GoesToATime)
{
    const ReplayClock::Clock::time_point start{};
    ReplayClock clock{1};
    clock.Set(1, true, start);
    clock.ForwardTo(2'000);
    EXPECT_EQ(clock.Due(1'000, start), 1'999) << "paused or not";
    EXPECT_FALSE(clock.Free());
    EXPECT_FALSE(clock.Arrived());
    EXPECT_LT(clock.Due(2'000, start), 2'000);
    EXPECT_TRUE(clock.TakeArrived());
    EXPECT_FALSE(clock.TakeArrived());
    EXPECT_EQ(clock.Position(start), 2'000);
    clock.ForwardTo(INT64_MAX);
    clock.Ended(7'000);
    EXPECT_EQ(clock.Position(start), 7'000);
    EXPECT_EQ(clock.ForwardTarget(), std::nullopt);
}

} // namespace
} // namespace coretap::archive
