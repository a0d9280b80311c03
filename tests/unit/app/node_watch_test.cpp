#include "app/node_watch.h"

#include <condition_variable>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/poll/fake_rpc.h"

namespace coretap::app {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using poll_test::Eventually;
using poll_test::FakeRpc;

/** One node that runs; pid 0: none. */
state::Snapshot With(std::uint32_t pid)
{
    state::Snapshot snapshot;
    if (pid == 0) return snapshot;
    auto node{std::make_shared<state::NodeSnapshot>()};
    node->identity.pid = pid;
    node->identity.started_at_s = pid;
    node->identity.label = "n";
    node->identity.running = true;
    snapshot.nodes.push_back(std::move(node));
    return snapshot;
}

constexpr std::uint32_t FIRST{4'100'001}, SECOND{4'100'002}; // above any process id

TEST(NodeWatch, CountersGoOnWhenTheNodeRestarts)
{
    FakeRpc server{[](const poll_test::Request& request) {
        return poll_test::Answer(request, {{"uptime", "5"}, {"getnettotals", R"({"totalbytesrecv":1})"}});
    }};
    poll_test::TemporaryFolder folder;
    folder.Write("debug.log", "");
    NodeWatchOptions options;
    options.overrides = {.host = "127.0.0.1", .port = server.Port(), .user = "u", .password = "p"};
    options.open = [path = folder.Path("debug.log")](const poll::OpenRequest& request) -> util::Result<util::Fd> {
        if (request.file != poll::NodeFile::DebugLog) return util::Error{util::Errc::NotFound, "none"};
        return util::Fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    };
    NodeWatch watch{options};
    const auto uptimes = [&] {
        const auto known{watch.Latest()};
        return known.contains("n") ? known.at("n").rpc->methods[static_cast<std::size_t>(poll::RpcMethod::Uptime)].successes : 0;
    };
    watch.Update(With(FIRST));
    ASSERT_TRUE(Eventually([&] { return uptimes() == 1 && watch.Latest().at("n").log->following; }));
    folder.Write("debug.log", "2026-11-26T01:05:08Z one\n2026-11-26T01:05:08Z two\n", true);
    ASSERT_TRUE(Eventually([&] { return watch.Latest().at("n").log->lines == 2; }));
    watch.Update(With(0));
    EXPECT_TRUE(watch.Latest().empty());
    ASSERT_TRUE(Eventually([&] {
        watch.Update(With(SECOND));
        return watch.Latest().contains("n");
    }));
    EXPECT_GE(uptimes(), 1U); // from the first moment
    EXPECT_EQ(watch.Latest().at("n").log->lines, 2U);
    EXPECT_TRUE(Eventually([&] { return uptimes() == 2; }));
}

TEST(NodeWatch, NeitherARestartNorTheEndWaitsForAFileSystemThatHangs)
{
    struct Hang {
        std::mutex mutex;
        std::condition_variable changed;
        int opens{0};
        bool over{false};
    };
    const auto hang{std::make_shared<Hang>()};
    NodeWatchOptions options;
    options.open = [hang](const poll::OpenRequest&) -> util::Result<util::Fd> {
        std::unique_lock lock{hang->mutex};
        ++hang->opens;
        hang->changed.notify_all();
        hang->changed.wait(lock, [&] { return hang->over; });
        return util::Error{util::Errc::NotFound, "none"};
    };
    auto watch{std::make_unique<NodeWatch>(options)};
    watch->Update(With(FIRST));
    {
        std::unique_lock lock{hang->mutex};
        hang->changed.wait(lock, [&] { return hang->opens == 2; }); // the poller's and the log's
    }
    auto start{Clock::now()};
    watch->Update(With(SECOND));
    for (int i{0}; i < 10; ++i) watch->Update(With(SECOND));
    EXPECT_LT(Clock::now() - start, 300ms);
    EXPECT_TRUE(watch->Latest().empty()); // not two more threads that hang
    start = Clock::now();
    watch.reset();
    EXPECT_LT(Clock::now() - start, poll::LEAVE_PATIENCE + 1s);
    {
        const std::lock_guard lock{hang->mutex};
        hang->over = true;
        hang->changed.notify_all();
    }
    EXPECT_TRUE(Eventually([&] { return hang.use_count() == 2; })); // ours and that of `options`: the threads have ended
}

} // namespace
} // namespace coretap::app
