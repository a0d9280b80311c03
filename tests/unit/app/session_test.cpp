// A run from a source to sinks: what each of them gets when one of them fails.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "app/session.h"
#include "unit/event/event_fixture.h"

namespace coretap::app {
namespace {

using namespace test;

/** Gives one event a batch. Asked to stop, it has as many left, as a ring has. */
class FakeSource final : public pipeline::Source {
    EventMaker m_maker;
    pipeline::Ledger m_ledger;
    int m_left;

public:
    explicit FakeSource(int left) : m_left{left} {}
    event::Catalogue& Catalogue() { return m_maker.Catalogue(); }
    util::Result<Step> Pull(pipeline::Batch& batch, std::chrono::milliseconds /*patience*/) override
    {
        batch.Clear();
        if (m_left-- == 0) return Step::End;
        const event::Event event{m_maker.Make(event::id::INBOUND_MESSAGE)};
        batch.bytes.assign(event.Record().begin(), event.Record().end());
        batch.bytes.resize((batch.bytes.size() + 7) / 8 * 8);
        batch.count = 1;
        return Step::Ready;
    }
    const pipeline::Ledger& Losses() const override { return m_ledger; }
};

/** Counts what it gets, and fails at one of the writes. */
class FakeSink final : public pipeline::Sink {
    std::size_t m_fails_at;

public:
    std::size_t writes{0};
    explicit FakeSink(std::size_t fails_at = 0) : m_fails_at{fails_at} {}
    std::string_view Name() const noexcept override { return "fake"; }
    util::Result<> Write(std::span<const event::Event> /*batch*/) override
    {
        if (++writes == m_fails_at) return util::Error{util::Errc::Io, "nobody reads", EPIPE};
        return {};
    }
    util::Result<> Flush() override { return {}; }
};

TEST(Session, WhatOneSinkRefusesTheOthersGetToTheEnd)
{
    // `coretap log --record FILE | head`: the ledger in the recording says that all of it was delivered
    for (const bool first : {true, false}) {
        FakeSource source{10};
        const auto filter{pipeline::Filter::Make({}, source.Catalogue())};
        ASSERT_TRUE(filter);
        FakeSink failing{3}, sound;
        std::vector<pipeline::Sink*> sinks{&failing, &sound};
        if (!first) std::swap(sinks[0], sinks[1]);
        int stops{0};
        const RunResult result{app::Run(source, sinks, source.Catalogue(), *filter, {},
                                        {.stop_source = [&] { ++stops; }, .also_stop_when = [] { return false; }, .tick = [] {}})};
        ASSERT_FALSE(result.outcome);
        EXPECT_EQ(result.outcome.GetError().sys_errno, EPIPE);
        EXPECT_EQ(stops, 1);
        EXPECT_EQ(failing.writes, 3U);
        EXPECT_EQ(sound.writes, 10U);
        EXPECT_EQ(result.unwritten, 8U);
        EXPECT_EQ(result.missed, (first ? std::vector<std::uint64_t>{7, 0} : std::vector<std::uint64_t>{0, 7}));
    }
}

TEST(Session, WithoutAnExpendableSinkTheRunGoesOn)
{
    FakeSource source{10};
    const auto filter{pipeline::Filter::Make({}, source.Catalogue())};
    ASSERT_TRUE(filter);
    FakeSink sound, failing{3};
    const std::vector<pipeline::Sink*> sinks{&sound, &failing};
    int stops{0};
    const RunResult result{app::Run(source, sinks, source.Catalogue(), *filter, {.count = {}, .duration = {}, .expendable = &failing},
                                    {.stop_source = [&] { ++stops; }, .also_stop_when = [] { return false; }, .tick = [] {}})};
    EXPECT_TRUE(result.outcome);
    EXPECT_EQ(stops, 0);
    EXPECT_EQ(sound.writes, 10U);
    EXPECT_EQ(failing.writes, 3U);
    EXPECT_EQ(result.missed, (std::vector<std::uint64_t>{0, 7}));
    EXPECT_EQ(result.unwritten, 0U);
}

} // namespace
} // namespace coretap::app
