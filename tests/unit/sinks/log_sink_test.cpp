#include "sinks/log/log_sink.h"

#include <cerrno>
#include <csignal>
#include <thread>

#include <boost/json.hpp>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "unit/event/event_fixture.h"
#include "unit/util/pipe_fixture.h"
#include "util/fd.h"

namespace coretap::sinks::log {
namespace {

namespace id = event::id;
using test::EventMaker;
using test::Pipe;
using testing::HasSubstr;
using util::Fd;

TEST(LogSink, TextInOrderAtOnce)
{
    EventMaker maker;
    Pipe pipe;
    LogSink sink{pipe.write.Get(), {}};
    const event::Event batch[]{maker.Make(id::INBOUND_MESSAGE), maker.Make(id::MEMPOOL_ADDED)};
    ASSERT_TRUE(sink.Write(batch));
    char first[4096];
    const ssize_t size{::read(pipe.read.Get(), first, sizeof(first))}; // before any Flush
    ASSERT_GT(size, 0);
    const std::string text(first, static_cast<std::size_t>(size));
    EXPECT_EQ(std::ranges::count(text, '\n'), 2);
    EXPECT_LT(text.find("inv"), text.find("mempool:added"));
    EXPECT_EQ(sink.Lines(), 2U);
}

TEST(LogSink, JsonKnowsTheNodesByTheStream)
{
    EventMaker maker;
    Pipe pipe;
    LogSink sink{pipe.write.Get(), {.json = true}};
    const event::Event batch[]{maker.Make(id::MEMPOOL_ADDED),
                               maker.Make(id::CORETAP_NODE_FOUND, {.args = {{"label", "a"}, {"started_at", 77}}}),
                               maker.Make(id::MEMPOOL_ADDED), maker.Make(id::CORETAP_NODE_GONE), maker.Make(id::MEMPOOL_ADDED)};
    ASSERT_TRUE(sink.Write(batch));
    std::istringstream lines{pipe.Drain()};
    std::vector<boost::json::value> parsed;
    for (std::string line; std::getline(lines, line);) parsed.push_back(boost::json::parse(line));
    ASSERT_EQ(parsed.size(), 5U);
    EXPECT_TRUE(parsed[0].at("node").is_null());
    for (std::size_t i{1}; i < 5; ++i) {
        EXPECT_EQ(parsed[i].at("node").as_string(), "a");
        EXPECT_EQ(parsed[i].at("node_started_at").as_int64(), 77);
    }
}

TEST(LogSink, SeveralNodesAreToldApart)
{
    EventMaker maker;
    Pipe pipe;
    LogSink sink{pipe.write.Get(), {}};
    const event::Event batch[]{
        maker.Make(id::CORETAP_NODE_FOUND, {.args = {{"label", "alpha"}}, .pid = 7}), maker.Make(id::INBOUND_MESSAGE, {.pid = 7}),
        maker.Make(id::CORETAP_NODE_FOUND, {.args = {{"label", "beta"}}, .pid = 8}), maker.Make(id::INBOUND_MESSAGE, {.pid = 7})};
    ASSERT_TRUE(sink.Write(batch));
    std::istringstream lines{pipe.Drain()};
    std::vector<std::string> read;
    for (std::string line; std::getline(lines, line);) read.push_back(line);
    ASSERT_EQ(read.size(), 4U);
    EXPECT_THAT(read[1], HasSubstr("09:15:04.123456  ← inv"));
    EXPECT_THAT(read[3], HasSubstr("09:15:04.123456  alpha        ← inv"));
}

TEST(LogSink, ReaderGone)
{
    std::signal(SIGPIPE, SIG_IGN);
    EventMaker maker;
    Pipe pipe;
    pipe.read.Reset();
    LogSink sink{pipe.write.Get(), {}};
    const event::Event batch[]{maker.Make(id::MEMPOOL_ADDED)};
    for (int i{0}; i < 2; ++i) {
        const auto written = sink.Write(batch);
        ASSERT_FALSE(written);
        EXPECT_EQ(written.GetError().code, util::Errc::Io);
        EXPECT_EQ(written.GetError().sys_errno, EPIPE);
    }
}

TEST(LogSink, DiskFull)
{
    EventMaker maker;
    const Fd full{::open("/dev/full", O_WRONLY | O_CLOEXEC)};
    ASSERT_TRUE(full);
    LogSink sink{full.Get(), {}};
    const event::Event batch[]{maker.Make(id::MEMPOOL_ADDED)};
    const auto written = sink.Write(batch);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.GetError().sys_errno, ENOSPC);
    EXPECT_THAT(written.GetError().what, HasSubstr("No space left on device"));
}

TEST(LogSink, SlowReaderOnADescriptorThatDoesNotBlock)
{
    EventMaker maker;
    Pipe pipe;
    ASSERT_EQ(::fcntl(pipe.write.Get(), F_SETFL, O_NONBLOCK), 0);
    ASSERT_GT(::fcntl(pipe.write.Get(), F_SETPIPE_SZ, 4096), 0);
    const std::vector<event::Event> batch(5000, maker.Make(id::MEMPOOL_ADDED)); // larger than a piece, a pipe, and short writes
    std::string text;
    std::thread reader{[&] { text = pipe.ReadAll(); }};
    LogSink sink{pipe.write.Get(), {.json = true}};
    EXPECT_TRUE(sink.Write(batch));
    pipe.write.Reset();
    reader.join();
    EXPECT_EQ(std::ranges::count(text, '\n'), 5000);
    std::string one;
    event::AppendJson(one, batch.front(), {});
    EXPECT_EQ(text.size(), 5000 * (one.size() + 1));
}

} // namespace
} // namespace coretap::sinks::log
