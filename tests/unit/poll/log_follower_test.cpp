#include "poll/log_follower.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "poll/log_thread.h"
#include "unit/poll/fake_rpc.h"

namespace coretap::poll_test {
namespace {

using namespace poll;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string STAMP{"2026-11-26T01:05:08Z "};

std::string Tip(int height)
{
    return STAMP + "UpdateTip: new best=" + std::string(64, 'b') + " height=" + std::to_string(height) +
           " version=0x20000000 log2_work=9.1 tx=77 date='2026-11-26T01:04:00Z' progress=1.000000 cache=1.5MiB(9txo)\n";
}

class LogFollowerTest : public testing::Test {
protected:
    TemporaryFolder m_folder;
    std::vector<std::int64_t> m_heights;
    std::vector<std::string> m_warnings;
    std::chrono::steady_clock::time_point m_now{1h};
    std::optional<LogFollower> m_follower;

    LogFollowerOptions Options()
    {
        LogFollowerOptions options;
        options.open = [this]() -> util::Result<util::Fd> {
            util::Fd fd{::open(m_folder.Path("debug.log").c_str(), O_RDONLY | O_CLOEXEC)};
            if (fd) return fd;
            return util::Error{errno == ENOENT ? util::Errc::NotFound : util::Errc::Permission,
                               std::string{"cannot: "} + std::strerror(errno), errno};
        };
        options.on_line = [this](const LogLine& line) {
            if (const auto* tip{std::get_if<LogUpdateTip>(&line.fact)}) m_heights.push_back(tip->height);
        };
        options.warn = [this](std::string_view text) { m_warnings.emplace_back(text); };
        return options;
    }
    void Start(std::uint64_t history = 0)
    {
        LogFollowerOptions options{Options()};
        options.history_bytes = history;
        m_follower.emplace(std::move(options));
        Step();
    }
    /** Time enough that it looks whether the file is another one. */
    void Step()
    {
        m_now += 3s;
        while (m_follower->Step(m_now)) {
        }
    }
    void Append(std::string_view text) const { m_folder.Write("debug.log", text, true); }
    void Rename(const std::string& to) const { std::filesystem::rename(m_folder.Path("debug.log"), m_folder.Path(to)); }
};

TEST_F(LogFollowerTest, ReadsWhatComesAndNoHistory)
{
    Append(Tip(1));
    Start();
    EXPECT_THAT(m_heights, ElementsAre());
    Append(Tip(2) + Tip(3));
    Step();
    EXPECT_THAT(m_heights, ElementsAre(2, 3));
    EXPECT_EQ(2u, m_follower->Totals().lines);
    EXPECT_EQ(2u, m_follower->Totals().tips);
    EXPECT_TRUE(m_follower->Totals().following);
    EXPECT_THAT(m_warnings, ElementsAre());
}

TEST_F(LogFollowerTest, HistoryOnRequestBeginsAtALine)
{
    for (int i{0}; i < 1000; ++i) Append(Tip(i));
    Start(1000);
    ASSERT_FALSE(m_heights.empty());
    EXPECT_EQ(999, m_heights.back());
    EXPECT_LE(m_heights.size(), 1000 / Tip(999).size());
    EXPECT_EQ(m_heights.size(), m_follower->Totals().lines); // no half one
}

TEST_F(LogFollowerTest, HalfLinesWait)
{
    Append("");
    Start();
    const std::string tip{Tip(5)};
    for (std::size_t i{0}; i < tip.size(); ++i) {
        EXPECT_THAT(m_heights, ElementsAre());
        Append(tip.substr(i, 1));
        Step();
    }
    EXPECT_THAT(m_heights, ElementsAre(5));
}

TEST_F(LogFollowerTest, RotationByRenameLosesNothing)
{
    Append("");
    Start();
    Append(Tip(1));
    Step();
    Rename("debug.log.1");
    Step(); // there is none now: the old one is read on
    m_folder.Write("debug.log.1", Tip(2), true);
    Step();
    m_folder.Write("debug.log.1", Tip(3), true);
    Append(Tip(4));
    Step();
    Append(Tip(5));
    Step();
    EXPECT_THAT(m_heights, ElementsAre(1, 2, 3, 4, 5));
    EXPECT_EQ(1u, m_follower->Totals().rotations);
    EXPECT_THAT(m_warnings, ElementsAre(HasSubstr("not read"), HasSubstr("read again")));
    EXPECT_EQ("", m_follower->Totals().problem);
}

TEST_F(LogFollowerTest, TruncationStartsAgainAtTheBeginning)
{
    Append("");
    Start();
    Append(Tip(1) + Tip(2) + "half a line");
    Step();
    m_folder.Write("debug.log", Tip(3)); // truncates
    Step();
    EXPECT_THAT(m_heights, ElementsAre(1, 2, 3));
    EXPECT_EQ(1u, m_follower->Totals().truncations);
}

TEST_F(LogFollowerTest, ALogThatLosesItsBeginningIsNotReadTwice)
{
    // as bitcoind's -shrinkdebugfile does it, in place
    std::string text;
    for (int i{0}; i < 100; ++i) text += Tip(i);
    for (const std::uint64_t history : {0, 1'000'000}) {
        m_folder.Write("debug.log", text);
        m_heights.clear();
        Start(history);
        Append("half a line that ");
        Step();
        m_heights.clear();
        m_folder.Write("debug.log", text.substr(text.size() / 3) + "half a line that goes on\n" + Tip(100) + Tip(101));
        Step();
        EXPECT_THAT(m_heights, ElementsAre(100, 101));
        EXPECT_EQ(1u, m_follower->Totals().truncations);
        Append(Tip(102));
        Step();
        EXPECT_THAT(m_heights, ElementsAre(100, 101, 102));
    }
}

TEST_F(LogFollowerTest, CountersGoOnWithAnotherFollower)
{
    Append("");
    Start();
    Append(Tip(1) + Tip(2));
    Step();
    LogFollowerOptions options{Options()};
    options.before = CountersOf(m_follower->Totals());
    EXPECT_FALSE(options.before.following);
    m_follower.emplace(std::move(options));
    Step();
    Append(Tip(3));
    Step();
    EXPECT_EQ(3u, m_follower->Totals().tips);
    EXPECT_EQ(3u, m_follower->Totals().lines);
    EXPECT_EQ(3 * Tip(3).size(), m_follower->Totals().bytes);
}

TEST_F(LogFollowerTest, AFileThatComesLaterIsReadFromItsBeginning)
{
    Start();
    EXPECT_FALSE(m_follower->Totals().following);
    EXPECT_THAT(m_follower->Totals().problem, HasSubstr("No such file"));
    Step();
    Append(Tip(1));
    Step();
    EXPECT_THAT(m_heights, ElementsAre(1));
    EXPECT_THAT(m_warnings, ElementsAre(HasSubstr("not read"), HasSubstr("read again"))); // once each
}

TEST_F(LogFollowerTest, AFileThatWasForbiddenIsHistory)
{
    Append(Tip(1));
    bool forbidden{true};
    LogFollowerOptions options{Options()};
    options.open = [this, &forbidden, open = options.open]() -> util::Result<util::Fd> {
        if (forbidden) return util::Error{util::Errc::Permission, "forbidden", EACCES};
        return open();
    };
    m_follower.emplace(std::move(options));
    Step();
    forbidden = false;
    Step();
    Append(Tip(2));
    Step();
    EXPECT_THAT(m_heights, ElementsAre(2));
}

TEST_F(LogFollowerTest, LongLinesAreCutAndRubbishIsSurvived)
{
    Append("");
    Start();
    Append(std::string(300'000, 'x'));
    Step();
    Append(std::string(300'000, 'x') + "\n" + Tip(1));
    std::string rubbish;
    for (unsigned i{0}; i < 300'000; ++i) rubbish += static_cast<char>(i * 7919 >> 3);
    Append(rubbish + "\n" + std::string(1000, '\0') + "\n\n\r\n" + Tip(2));
    Append(std::string(LogFollower::MAX_LINE, 'y') + "\n" + std::string(LogFollower::MAX_LINE + 1, 'z') + "\n" + Tip(3));
    Step();
    EXPECT_THAT(m_heights, ElementsAre(1, 2, 3));
    EXPECT_EQ(2u, m_follower->Totals().cut_lines); // exactly 64 KiB is not too long
}

TEST_F(LogFollowerTest, WhatIsFarBehindIsSkippedAndCounted)
{
    Append("");
    LogFollowerOptions options{Options()};
    options.max_behind_bytes = 10'000;
    m_follower.emplace(std::move(options));
    Step();
    std::string many;
    for (int i{0}; i < 1000; ++i) many += Tip(i);
    Append(many);
    Step();
    EXPECT_EQ(999, m_heights.back());
    EXPECT_EQ(many.size(), m_follower->Totals().bytes + m_follower->Totals().skipped_bytes);
    EXPECT_EQ(many.size() - 5'000, m_follower->Totals().skipped_bytes);
    EXPECT_THAT(m_warnings, ElementsAre(HasSubstr("skipped")));
}

TEST_F(LogFollowerTest, TotalsAreByCategoryAndLevel)
{
    Append("");
    Start();
    const std::string hash(64, 'c');
    Append(STAMP + "[net] a\n" + STAMP + "[net:warning] loud\n" + STAMP + "[error] broken\n" + STAMP + "plain\n" + STAMP +
           "[nonsense] x\n" + STAMP + "[bench] - Connect block: 10.00ms [1.00s (1.00ms/blk)]\n" + STAMP +
           "[bench] - Connect block: 20.00ms [1.00s (1.00ms/blk)]\n" + STAMP + "[cmpctblock] Successfully reconstructed block " + hash +
           " with 1 txn prefilled, 9 txn from mempool (incl at least 2 from extra pool) and 3 txn (400 bytes) requested\n" + STAMP +
           "[cmpctblock] Successfully reconstructed block " + hash +
           " with 1 txn prefilled, 9 txn from mempool (incl at least 0 from extra pool) and 0 txn (0 bytes) requested\n" + STAMP +
           "Saw new cmpctblock header hash=" + hash + " height=9 peer=1\n");
    Step();
    const LogTotals& totals{m_follower->Totals()};
    EXPECT_EQ(10u, totals.lines);
    EXPECT_EQ(2u, totals.categories.at("net").lines);
    EXPECT_EQ(1u, totals.categories.at("net").warnings);
    EXPECT_EQ(1u, totals.categories.at("").errors);
    EXPECT_EQ(4u, totals.categories.at("").lines);
    EXPECT_EQ(4u, totals.categories.size()); // net, bench, cmpctblock, none: nothing that a line makes up
    EXPECT_EQ("loud", totals.last_warning);
    EXPECT_EQ("broken", totals.last_error);
    EXPECT_EQ(2u, totals.reconstructions);
    EXPECT_EQ(1u, totals.reconstructions_complete);
    EXPECT_EQ(18u, totals.reconstruction_from_mempool);
    EXPECT_EQ(400u, totals.reconstruction_requested_bytes);
    EXPECT_EQ(1u, totals.new_headers_compact);
    EXPECT_EQ(2u, totals.bench[0].count);
    EXPECT_DOUBLE_EQ(30, totals.bench[0].total_ms);
    EXPECT_DOUBLE_EQ(20, totals.bench[0].last_ms);
}

TEST_F(LogFollowerTest, OnAThreadOfItsOwn)
{
    Append("");
    LogFollowerOptions options{Options()};
    options.on_line = {};
    const LogThread thread{std::move(options)};
    ASSERT_TRUE(Eventually([&] { return thread.Totals()->following; }));
    Append(Tip(1));
    EXPECT_TRUE(Eventually([&] { return thread.Totals()->tips == 1; }));
}

} // namespace
} // namespace coretap::poll_test
