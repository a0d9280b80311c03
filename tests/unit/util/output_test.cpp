#include "util/output.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/util/pipe_fixture.h"

namespace coretap::util {
namespace {

using testing::HasSubstr;

TEST(Output, WritesWhatIsThereWhenFlushedOrWhenAPieceIsFull)
{
    test::Pipe pipe;
    ASSERT_GT(::fcntl(pipe.write.Get(), F_SETPIPE_SZ, 1 << 20), 0);
    ASSERT_EQ(::fcntl(pipe.read.Get(), F_SETFL, O_NONBLOCK), 0);
    Output output{pipe.write.Get()};
    output.Buffer() += "one\n";
    ASSERT_TRUE(output.FlushIfFull());
    EXPECT_EQ(pipe.ReadAll(), "");
    ASSERT_TRUE(output.Flush());
    EXPECT_EQ(pipe.ReadAll(), "one\n");
    EXPECT_TRUE(output.Buffer().empty());
    output.Buffer().append(200'000, 'x');
    ASSERT_TRUE(output.FlushIfFull());
    EXPECT_EQ(pipe.ReadAll().size(), 200'000U);
}

TEST(Output, ReaderGone)
{
    std::signal(SIGPIPE, SIG_IGN);
    test::Pipe pipe;
    pipe.read.Reset();
    Output output{pipe.write.Get()};
    for (int i{0}; i < 2; ++i) {
        output.Buffer() += "x";
        const auto flushed = output.Flush();
        ASSERT_FALSE(flushed);
        EXPECT_EQ(flushed.GetError().code, Errc::Io);
        EXPECT_EQ(flushed.GetError().sys_errno, EPIPE);
    }
}

TEST(Output, DiskFullStaysAFailure)
{
    const Fd full{::open("/dev/full", O_WRONLY | O_CLOEXEC)};
    ASSERT_TRUE(full);
    Output output{full.Get()};
    output.Buffer() += "x";
    const auto flushed = output.Flush();
    ASSERT_FALSE(flushed);
    EXPECT_EQ(flushed.GetError().sys_errno, ENOSPC);
    EXPECT_THAT(flushed.GetError().what, HasSubstr("No space left on device"));
    EXPECT_FALSE(output.Flush()); // even with nothing to write: what was given up is missing
}

TEST(Output, SlowReaderOnADescriptorThatDoesNotBlock)
{
    test::Pipe pipe;
    ASSERT_EQ(::fcntl(pipe.write.Get(), F_SETFL, O_NONBLOCK), 0);
    ASSERT_GT(::fcntl(pipe.write.Get(), F_SETPIPE_SZ, 4096), 0);
    std::string text;
    std::thread reader{[&] { text = pipe.ReadAll(); }};
    Output output{pipe.write.Get()};
    std::string expected;
    for (int i{0}; i < 200'000; ++i) expected += std::to_string(i) + "\n";
    output.Buffer() += expected;
    EXPECT_TRUE(output.Flush());
    pipe.write.Reset();
    reader.join();
    EXPECT_EQ(text, expected);
}

TEST(Output, AskedToStopItDeliversWhatSomebodyTakes)
{
    const std::atomic<bool> stop{true};
    test::Pipe pipe;
    ASSERT_GT(::fcntl(pipe.write.Get(), F_SETPIPE_SZ, 1 << 20), 0);
    Output output{pipe.write.Get(), &stop};
    output.Buffer().append(100'000, 'x');
    EXPECT_TRUE(output.Flush());
    EXPECT_EQ(pipe.Drain(), std::string(100'000, 'x'));
}

TEST(Output, AskedToStopItDoesNotWaitForEver)
{
    const std::atomic<bool> stop{true};
    test::Pipe pipe; // nobody reads
    ASSERT_GT(::fcntl(pipe.write.Get(), F_SETPIPE_SZ, 4096), 0);
    Output output{pipe.write.Get(), &stop};
    output.Buffer().append(100'000, 'x');
    const auto begun = std::chrono::steady_clock::now();
    const auto flushed = output.Flush();
    ASSERT_FALSE(flushed);
    EXPECT_EQ(flushed.GetError().sys_errno, ETIMEDOUT);
    EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds{1900});
}

} // namespace
} // namespace coretap::util
