#include <chrono>
#include <string>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/util/pipe_fixture.h"
#include "util/line_stream.h"

namespace coretap {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

/** What is in the pipe. */
std::string Read(const test::Pipe& pipe)
{
    ::fcntl(pipe.read.Get(), F_SETFL, O_NONBLOCK);
    std::string text(65536, '\0');
    const ssize_t size{::read(pipe.read.Get(), text.data(), text.size())};
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return text;
}

TEST(LineStream, WritesLineByLine)
{
    const test::Pipe pipe;
    util::LineStream lines{pipe.write.Get()};
    lines << "one " << 1 << '\n';
    EXPECT_EQ(Read(pipe), "one 1\n");
    lines << "two " << std::flush;
    EXPECT_EQ(Read(pipe), "two ");
}

TEST(LineStream, DoesNotWaitForWhoDoesNotRead)
{
    const test::Pipe pipe;
    ASSERT_GT(::fcntl(pipe.write.Get(), F_SETPIPE_SZ, 4096), 0);
    util::LineStream lines{pipe.write.Get()};
    const auto start = std::chrono::steady_clock::now();
    const std::string line(99, 'x');
    for (int i{0}; i < 1000; ++i) lines << line << std::endl;
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds{2});
    const std::string first{Read(pipe)};
    EXPECT_THAT(first, StartsWith(line + "\n"));
    lines << "again" << std::endl;
    EXPECT_EQ(Read(pipe), "coretap: " + std::to_string(1000 - first.size() / 100) + " lines could not be said here\nagain\n");
}

} // namespace
} // namespace coretap
