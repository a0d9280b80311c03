#include "poll/schedule.h"

#include <gtest/gtest.h>

namespace coretap::poll {
namespace {

using namespace std::chrono_literals;

const Schedule::Time START{std::chrono::hours{1}};

Intervals Only(RpcMethod method, std::chrono::milliseconds every)
{
    Intervals intervals{};
    intervals[static_cast<std::size_t>(method)] = every;
    return intervals;
}

TEST(Schedule, EverythingIsDueAtTheStartAndThenAtItsInterval)
{
    Schedule schedule{DefaultIntervals(), START, 1};
    EXPECT_EQ(RPC_METHODS, schedule.Due(START).size());
    for (const RpcMethod method : schedule.Due(START)) schedule.Done(method, START, true);
    EXPECT_TRUE(schedule.Due(START + 4s).empty());
    const auto due{schedule.Due(START + 5500ms)};
    EXPECT_EQ((std::vector{RpcMethod::PeerInfo, RpcMethod::NetTotals, RpcMethod::MempoolInfo}), due);
}

TEST(Schedule, IntervalsJitterByATenth)
{
    Schedule schedule{Only(RpcMethod::Uptime, 10s), START, 7};
    auto least{Schedule::Time::max()}, most{START};
    for (int i{0}; i < 1000; ++i) {
        schedule.Done(RpcMethod::Uptime, START, true);
        least = std::min(least, schedule.Next());
        most = std::max(most, schedule.Next());
    }
    EXPECT_GE(least, START + 9s);
    EXPECT_LT(least, START + 9200ms);
    EXPECT_LE(most, START + 11s);
    EXPECT_GT(most, START + 10800ms);
}

TEST(Schedule, AMethodThatFailsIsAskedMoreSeldom)
{
    Schedule schedule{Only(RpcMethod::Uptime, 10s), START, 7};
    for (const auto interval : {20s, 40s, 80s, 160s, 160s}) {
        schedule.Done(RpcMethod::Uptime, START, false);
        EXPECT_GE(schedule.Next(), START + interval * 9 / 10);
        EXPECT_LE(schedule.Next(), START + interval * 11 / 10);
    }
    schedule.Done(RpcMethod::Uptime, START, true);
    EXPECT_LE(schedule.Next(), START + 11s);
}

TEST(Schedule, ANodeThatDoesNotAnswerIsLeftAloneLongerAndLonger)
{
    Schedule schedule{DefaultIntervals(), START, 7};
    for (const std::chrono::milliseconds hold : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
        schedule.Hold(START);
        EXPECT_GE(schedule.Next(), START + hold * 9 / 10);
        EXPECT_LE(schedule.Next(), START + hold * 11 / 10);
    }
    schedule.Release();
    schedule.Hold(START + 200s);
    EXPECT_LE(schedule.Next(), START + 202s);
}

TEST(Schedule, DroppedAndOff)
{
    Schedule schedule{Only(RpcMethod::Uptime, 10s), START, 7};
    EXPECT_TRUE(schedule.Off(RpcMethod::PeerInfo));
    EXPECT_FALSE(schedule.Off(RpcMethod::Uptime));
    EXPECT_EQ(1u, schedule.Due(START).size());
    schedule.Drop(RpcMethod::Uptime);
    EXPECT_TRUE(schedule.AllDropped());
    EXPECT_TRUE(schedule.Due(START + 1h).empty());
    schedule.RestoreDropped(START + 2h);
    EXPECT_EQ(1u, schedule.Due(START + 2h).size());
    EXPECT_FALSE(schedule.AllDropped());
}

} // namespace
} // namespace coretap::poll
