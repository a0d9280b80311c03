// The self-test of `coretap doctor` through the real kernel. This test program carries the probe itself.
#include "tracer/selftest.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "tracer/checks.h"

namespace coretap::tracer {
namespace {

std::size_t OpenDescriptors()
{
    const std::filesystem::directory_iterator fds{"/proc/self/fd"};
    return static_cast<std::size_t>(std::distance(begin(fds), end(fds)));
}

class SelfTestBpfTest : public ::testing::Test {
protected:
    void SetUp() override
    {
        const auto maps = CreateMaps(MIN_RING_BYTES);
        if (maps) return;
        if (std::getenv("CORETAP_REQUIRE_BPF") != nullptr) FAIL() << maps.GetError().what;
        GTEST_SKIP() << "tracing is not possible here: " << maps.GetError().what;
    }
};

TEST_F(SelfTestBpfTest, Passes)
{
    ASSERT_EQ(SelfTestSemaphore(), 0U);
    const auto report = RunSelfTest(3);
    ASSERT_TRUE(report) << report.GetError().what;
    EXPECT_EQ(report->fired, 3U);
    EXPECT_EQ(report->received, 3U);
    EXPECT_EQ(report->semaphore_before, 0U);
    EXPECT_EQ(report->semaphore_attached, 1U);
    EXPECT_EQ(report->semaphore_after, 0U);
    EXPECT_EQ(SelfTestSemaphore(), 0U);
    EXPECT_GT(report->firing.count(), 0);
    EXPECT_GT(report->delivered.count(), 0);
    EXPECT_NE(report->Summary().find("3 of 3 events received"), std::string::npos) << report->Summary();
}

TEST_F(SelfTestBpfTest, FiresNothingAndMany)
{
    const auto none = RunSelfTest(0);
    ASSERT_TRUE(none) << none.GetError().what;
    EXPECT_EQ(none->received, 0U);
    const auto many = RunSelfTest(5000); // the ring goes round several times
    ASSERT_TRUE(many) << many.GetError().what;
    EXPECT_EQ(many->received, 5000U);
    EXPECT_EQ(SelfTestSemaphore(), 0U);
}

TEST_F(SelfTestBpfTest, PassesAsBeforeLinux66)
{
    const auto report = RunSelfTest(3, AttachKind::PerfUprobe);
    // this way needs CAP_SYS_ADMIN, which the others do not; with it there is no excuse
    if (!report && !GatherHostFacts().Has(cap::SYS_ADMIN)) GTEST_SKIP() << report.GetError().what;
    ASSERT_TRUE(report) << report.GetError().what;
    EXPECT_EQ(report->kind, AttachKind::PerfUprobe);
    EXPECT_EQ(report->received, 3U);
    EXPECT_EQ(SelfTestSemaphore(), 0U);
}

TEST_F(SelfTestBpfTest, LeavesNothingBehind)
{
    const auto first = RunSelfTest();
    ASSERT_TRUE(first) << first.GetError().what;
    const std::size_t descriptors{OpenDescriptors()};
    for (int i{0}; i < 10; ++i) {
        const auto report = RunSelfTest();
        ASSERT_TRUE(report) << report.GetError().what;
        EXPECT_EQ(SelfTestSemaphore(), 0U);
    }
    EXPECT_EQ(OpenDescriptors(), descriptors);
}

TEST_F(SelfTestBpfTest, ChecksAgree)
{
    const auto checks = RunChecks({});
    const auto is_self_test = [](const SystemCheck& check) { return check.group == CheckGroup::SelfTest; };
    ASSERT_EQ(std::ranges::count_if(checks, is_self_test), 1);
    EXPECT_EQ(std::ranges::find_if(checks, is_self_test)->status, SystemCheck::Status::Ok);
    for (const SystemCheck& check : checks) {
        if (check.group == CheckGroup::Kernel || check.group == CheckGroup::Privileges) {
            EXPECT_NE(check.status, SystemCheck::Status::Fail) << check.what << ": " << check.found;
        }
    }
}

} // namespace
} // namespace coretap::tracer
