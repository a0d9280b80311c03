// From what a client asks for to the state that is shown.
#include <boost/json.hpp>
#include <gmock/gmock.h>

#include "app/replay_control.h"
#include "unit/archive/archive_fixture.h"

namespace coretap::app {
namespace {

using namespace test;
using testing::HasSubstr;
using web::ReplayCommand;
using Step = pipeline::Source::Step;

std::int64_t At(std::int64_t second) { return UTC_NS + second * 1'000'000'000; }
double Ms(std::int64_t utc_ns) { return static_cast<double>(utc_ns / 1000) / 1000; }

/** A hundred seconds, an event each, shown as `coretap serve` would. */
class Control : public testing::Test {
protected:
    Folder m_folder;
    EventMaker m_maker;
    event::Catalogue m_catalogue;
    std::unique_ptr<archive::ReplaySource> m_source;
    state::Tracker m_tracker;
    web::Streams m_streams{m_catalogue};
    std::string m_published;
    std::unique_ptr<ReplayControl> m_control;

    void Open(std::string why_not = "", std::uint64_t most_bytes = UINT64_MAX)
    {
        std::vector<event::Event> events;
        for (std::uint64_t i{0}; i < 100; ++i) events.push_back(m_maker.Make(0, {.ts_ns = MONOTONIC_NS + i * 1'000'000'000}));
        Record(m_maker.Catalogue(), m_folder / "a.ctap", events, 1, true);
        auto opened{archive::ReplaySource::Open({m_folder / "a.ctap"}, m_catalogue, {.speed = 1}, {})};
        ASSERT_TRUE(opened) << opened.GetError().what;
        m_source = std::move(*opened);
        m_control = std::make_unique<ReplayControl>(*m_source, m_tracker, m_streams,
                                                    ReplayControlOptions{.from_utc_ns = At(0),
                                                                         .to_utc_ns = At(99),
                                                                         .why_not_moved = std::move(why_not),
                                                                         .publish = [this](std::string json) { m_published = json; },
                                                                         .most_bytes = most_bytes});
    }
    boost::json::object Post(const ReplayCommand& command)
    {
        auto posted{m_control->Post(command)};
        EXPECT_TRUE(posted) << posted.GetError().what;
        EXPECT_EQ(m_published, *posted) << "whoever asks from now on is told the same";
        return boost::json::parse(*posted).as_object();
    }
    boost::json::object Section()
    {
        m_control->Publish();
        return boost::json::parse(m_published).as_object();
    }
    /** The pipeline's loop. */
    void Run(int rounds = 200)
    {
        pipeline::Batch batch;
        std::vector<event::Event> events;
        for (int i{0}; i < rounds; ++i) {
            const auto step{m_source->Pull(batch, std::chrono::milliseconds{1})};
            ASSERT_TRUE(step);
            if (*step == Step::End) return;
            if (*step == Step::Ready) {
                pipeline::ParseBatch(batch, m_catalogue, events);
                (void)m_tracker.Write(events);
                (void)m_streams.Write(events);
            }
            (void)m_control->Apply();
            if (!m_control->Moving()) m_control->Shown();
        }
    }
    std::uint64_t Events() { return m_tracker.Take(0, {})->events; }
};

TEST_F(Control, TheLastThatWasAskedForCounts)
{
    Open();
    Post({.paused = true, .speed = {}, .at_utc_ns = At(90)});
    Post({.paused = {}, .speed = 5, .at_utc_ns = {}});
    const auto will{Post({.paused = {}, .speed = {}, .at_utc_ns = At(40)})};
    EXPECT_TRUE(will.at("paused").as_bool());
    EXPECT_EQ(will.at("speed").to_number<double>(), 5);
    EXPECT_EQ(will.at("moving").at("to_utc_ms").to_number<double>(), Ms(At(40)));
    EXPECT_FALSE(m_source->Paused()) << "nothing is done on the web server's thread";
    EXPECT_TRUE(m_control->Apply());
    EXPECT_TRUE(m_control->Moving());
    Run();
    EXPECT_FALSE(m_control->Moving());
    EXPECT_EQ(Events(), 40U);
    const auto is{Section()};
    EXPECT_EQ(is.at("at_utc_ms").to_number<double>(), Ms(At(40)));
    EXPECT_EQ(is.at("state_since_utc_ms").to_number<double>(), Ms(At(0)));
    EXPECT_EQ(is.at("moves").as_int64(), 1) << "one, though two were asked for";
    EXPECT_TRUE(is.at("moving").is_null());
    EXPECT_TRUE(is.at("movable").as_bool());
    EXPECT_FALSE(m_control->Apply()) << "nothing new";
}

TEST_F(Control, BackIsTheStateOfThen)
{
    Open();
    Post({.paused = true, .speed = {}, .at_utc_ns = At(60)});
    Run();
    EXPECT_EQ(Events(), 60U);
    Post({.paused = {}, .speed = {}, .at_utc_ns = At(20)});
    Run();
    EXPECT_EQ(Events(), 20U);
    EXPECT_EQ(m_source->Losses().tallies.at(0).delivered, 20U);
    Post({.paused = {}, .speed = {}, .at_utc_ns = At(-5)});
    Run();
    EXPECT_EQ(Events(), 0U);
    EXPECT_EQ(Section().at("at_utc_ms").to_number<double>(), Ms(At(0)));
    // as a client names it: to the microsecond
    Post({.paused = {}, .speed = {}, .at_utc_ns = At(99) / 1000 * 1000});
    Run();
    EXPECT_EQ(Events(), 100U);
    EXPECT_TRUE(Section().at("ended").as_bool());
    Post({.paused = {}, .speed = {}, .at_utc_ns = At(500)});
    Run();
    EXPECT_TRUE(Section().at("ended").as_bool()) << "no further than the end";
    EXPECT_EQ(Section().at("moves").as_int64(), 5);
}

TEST_F(Control, OfALargeRecordingTheStateBeginsLater)
{
    Open("", 2'000);
    Post({.paused = true, .speed = {}, .at_utc_ns = At(80)});
    Run();
    const double since{Section().at("state_since_utc_ms").to_number<double>()};
    EXPECT_GT(since, Ms(At(1)));
    EXPECT_LT(since, Ms(At(80)));
    EXPECT_LT(Events(), 79U);
    EXPECT_GT(Events(), 0U);
}

TEST_F(Control, StreamsHearOfTheMoveAndNotOfTheWay)
{
    Open();
    auto subscription{web::ParseSubscription(R"({"type":"subscribe"})", m_catalogue)};
    auto followed{m_streams.Follow(*subscription)};
    Post({.paused = true, .speed = {}, .at_utc_ns = At(50)});
    (void)m_control->Apply();
    Run();
    auto taken{followed->cursor->Take(1 << 20)};
    ASSERT_TRUE(taken.moved);
    EXPECT_THAT(taken.chunks.front()->json, HasSubstr(R"({"type":"moved","seq":)"));
    EXPECT_THAT(taken.chunks.front()->json, HasSubstr(R"("state_since_utc_ms":)"));
    Post({.paused = false, .speed = 0, .at_utc_ns = {}});
    Run();
    EXPECT_EQ(followed->cursor->Take(1 << 20).events, 50U) << "what comes after it";
}

TEST_F(Control, WhatCannotBe)
{
    Open("it comes through a pipe");
    const auto refused{m_control->Post({.paused = {}, .speed = {}, .at_utc_ns = At(5)})};
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.GetError().what, "it comes through a pipe");
    EXPECT_FALSE(Section().at("movable").as_bool());
    Post({.paused = true, .speed = {}, .at_utc_ns = {}});
    (void)m_control->Apply();
    EXPECT_TRUE(m_source->Paused());
    m_control->Close("it is over");
    EXPECT_FALSE(m_control->Post({.paused = false, .speed = {}, .at_utc_ns = {}}));
    (void)m_control->Apply();
    EXPECT_TRUE(Section().at("ended").as_bool());
}

} // namespace
} // namespace coretap::app
