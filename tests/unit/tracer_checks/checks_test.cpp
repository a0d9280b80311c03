#include "tracer/checks.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <unistd.h>

namespace coretap::tracer {
namespace {

using Status = SystemCheck::Status;
using util::Errc;

/** A machine on which all is well; tests spoil one thing. */
HostFacts GoodHost()
{
    HostFacts facts;
    facts.release = "6.18.44-amd64";
    facts.machine = "x86_64";
    facts.status = "CapEff:\t000001ffffffffff\nSeccomp:\t0\n";
    facts.mountinfo = "22 27 0:21 / /proc rw,relatime - proc proc rw\n";
    facts.jit = "1\n";
    facts.leases_enable = "1\n";
    facts.lockdown = "[none] integrity confidentiality\n";
    facts.perf_event_paranoid = "3\n";
    facts.unprivileged_bpf_disabled = "2\n";
    facts.uid_map = "         0          0 4294967295\n";
    return facts;
}

void DropCapabilities(HostFacts& facts, std::string_view effective = "0000000000000000")
{
    facts.uid = 65534;
    facts.status = "CapEff:\t" + std::string{effective} + "\nSeccomp:\t0\n";
    facts.multi = false;
    const Trial refused{Trial::Outcome::NotPermitted, "Operation not permitted"};
    facts.maps = facts.cookie = facts.exec_watch = facts.lease = refused;
}

std::vector<SystemCheck> Judge(const HostFacts& facts)
{
    std::vector<SystemCheck> checks{JudgeKernel(facts)};
    for (SystemCheck& check : JudgePrivileges(facts)) checks.push_back(std::move(check));
    return checks;
}

const SystemCheck& Find(const std::vector<SystemCheck>& checks, std::string_view what)
{
    const auto at = std::ranges::find(checks, what, &SystemCheck::what);
    if (at != checks.end()) return *at;
    ADD_FAILURE() << "no check of " << what;
    static const SystemCheck none{};
    return none;
}

std::vector<std::string> Not(const std::vector<SystemCheck>& checks, Status status)
{
    std::vector<std::string> names;
    for (const SystemCheck& check : checks) {
        if (check.status != status) names.push_back(check.what + ": " + check.found);
    }
    return names;
}

std::size_t Failures(const std::vector<SystemCheck>& checks)
{
    return static_cast<std::size_t>(std::ranges::count(checks, Status::Fail, &SystemCheck::status));
}

TEST(ChecksTest, AGoodHostHasNothingToSay)
{
    const auto checks = Judge(GoodHost());
    EXPECT_EQ(Not(checks, Status::Ok), std::vector<std::string>{});
    EXPECT_GE(checks.size(), 20U);
}

TEST(ChecksTest, OldKernel)
{
    HostFacts facts{GoodHost()};
    facts.release = "5.10.0-28-amd64";
    const SystemCheck check{Find(Judge(facts), "kernel")};
    EXPECT_EQ(check.status, Status::Fail);
    EXPECT_EQ(check.reason, Errc::Unsupported);
    EXPECT_FALSE(check.mend.empty());
}

TEST(ChecksTest, OtherMachine)
{
    HostFacts facts{GoodHost()};
    facts.machine = "riscv64";
    EXPECT_EQ(Find(Judge(facts), "kernel").status, Status::Fail);
    facts.machine = "aarch64";
    EXPECT_EQ(Find(Judge(facts), "kernel").status, Status::Ok);
}

TEST(ChecksTest, NoPrivilegesIsNoFailureOfTheKernel)
{
    HostFacts facts{GoodHost()};
    DropCapabilities(facts);
    const auto kernel = JudgeKernel(facts);
    EXPECT_EQ(Failures(kernel), 0U);
    EXPECT_EQ(Find(kernel, "way of attaching").status, Status::Note);
    const auto privileges = JudgePrivileges(facts);
    EXPECT_EQ(Failures(privileges), 2U) << "CAP_BPF, CAP_PERFMON; CAP_SYS_ADMIN is not needed on 6.18";
    for (const SystemCheck& check : privileges) {
        if (check.status == Status::Fail) {
            EXPECT_EQ(check.reason, Errc::Permission) << check.what;
            EXPECT_FALSE(check.mend.empty()) << check.what;
        }
    }
}

TEST(ChecksTest, BeforeMultiLinksAdminIsNeeded)
{
    HostFacts facts{GoodHost()};
    facts.release = "6.1.0-18-amd64";
    facts.multi = false;
    facts.status = "CapEff:\t000000c000000000\n"; // CAP_BPF, CAP_PERFMON
    const auto checks = Judge(facts);
    EXPECT_EQ(Find(checks, "way of attaching").status, Status::Note);
    EXPECT_EQ(Find(checks, "CAP_SYS_ADMIN").status, Status::Fail);
    EXPECT_EQ(Find(checks, "kernel.perf_event_paranoid").status, Status::Warn);
    facts.multi = true;
    EXPECT_EQ(Failures(Judge(facts)), 0U);
}

TEST(ChecksTest, RefusedInSpiteOfCapabilities)
{
    HostFacts facts{GoodHost()};
    facts.maps = {Trial::Outcome::NotPermitted, "Operation not permitted"};
    const SystemCheck check{Find(Judge(facts), "BPF and ring buffer")};
    EXPECT_EQ(check.status, Status::Fail);
    EXPECT_EQ(check.reason, Errc::Permission);
}

TEST(ChecksTest, KernelLacksSomething)
{
    HostFacts facts{GoodHost()};
    facts.cookie = {Trial::Outcome::Fails, "Invalid argument"};
    EXPECT_EQ(Find(Judge(facts), "BPF cookies").reason, Errc::Unsupported);
    facts = GoodHost();
    facts.uprobe_pmu = false;
    EXPECT_EQ(Find(Judge(facts), "uprobes").status, Status::Fail);
    facts.sysfs = false;
    EXPECT_EQ(Find(Judge(facts), "uprobes").status, Status::Note) << "without /sys nobody can say";
    facts = GoodHost();
    facts.exec_watch = {Trial::Outcome::Fails, "Invalid argument"};
    EXPECT_EQ(Find(Judge(facts), "notice of new processes").status, Status::Note);
}

TEST(ChecksTest, Lockdown)
{
    HostFacts facts{GoodHost()};
    facts.lockdown = "none [integrity] confidentiality\n";
    EXPECT_EQ(Find(Judge(facts), "kernel lockdown").status, Status::Ok);
    facts.lockdown = "none integrity [confidentiality]\n";
    EXPECT_EQ(Find(Judge(facts), "kernel lockdown").status, Status::Fail);
    facts.lockdown.reset();
    EXPECT_EQ(Find(Judge(facts), "kernel lockdown").status, Status::Ok);
}

TEST(ChecksTest, Confinement)
{
    HostFacts facts{GoodHost()};
    facts.status = "CapEff:\t000001ffffffffff\nSeccomp:\t2\n";
    EXPECT_EQ(Find(Judge(facts), "seccomp").status, Status::Warn);
    facts.initial_pid_ns = false;
    EXPECT_EQ(Find(Judge(facts), "container").status, Status::Warn);
    facts.uid_map = "         0       1000          1\n";
    EXPECT_EQ(Find(Judge(facts), "user namespace").status, Status::Fail);
    EXPECT_EQ(Find(Judge(facts), "CAP_BPF").status, Status::Note) << "held, but of no use";
    facts = GoodHost();
    facts.container = "docker (/.dockerenv)";
    EXPECT_EQ(Find(Judge(facts), "container").status, Status::Note);
}

TEST(ChecksTest, HiddenProcesses)
{
    HostFacts facts{GoodHost()};
    facts.mountinfo = "22 27 0:21 / /proc rw - proc proc rw,gid=42,hidepid=2\n";
    EXPECT_EQ(Find(Judge(facts), "/proc").status, Status::Ok) << "CAP_SYS_PTRACE sees all";
    facts.status = "CapEff:\t000000c000000000\n";
    EXPECT_EQ(Find(Judge(facts), "/proc").status, Status::Warn);
    facts.in_proc_gid = true;
    EXPECT_EQ(Find(Judge(facts), "/proc").status, Status::Ok);
}

TEST(ChecksTest, Settings)
{
    HostFacts facts{GoodHost()};
    facts.jit = "0\n";
    facts.leases_enable = "0\n";
    EXPECT_EQ(Find(Judge(facts), "BPF compiler (JIT)").status, Status::Warn);
    EXPECT_EQ(Find(Judge(facts), "file leases").status, Status::Warn);
    facts.leases_enable = "1\n";
    facts.lease = {Trial::Outcome::Fails, "Invalid argument"};
    EXPECT_EQ(Find(Judge(facts), "file leases").status, Status::Note);
    facts.jit.reset();
    EXPECT_EQ(Find(Judge(facts), "BPF compiler (JIT)").status, Status::Ok);
}

TEST(ChecksTest, NothingThatIsNotOkIsLeftUnexplained)
{
    HostFacts facts{GoodHost()};
    DropCapabilities(facts);
    facts.uprobe_pmu = false;
    facts.jit = "0";
    facts.lockdown = "none integrity [confidentiality]";
    facts.uid_map = "0 1000 1";
    facts.status += "Seccomp:\t2\n";
    for (const SystemCheck& check : Judge(facts)) {
        EXPECT_FALSE(check.found.empty()) << check.what;
        if (check.status == Status::Warn || check.status == Status::Fail) {
            EXPECT_FALSE(check.needed.empty()) << check.what;
            EXPECT_FALSE(check.mend.empty()) << check.what;
        }
    }
}

TEST(ChecksTest, AProcessThatIsNotThereFails)
{
    const auto checks = CheckNodes(event::Catalogue{}, 0x7ffffffe, GoodHost());
    ASSERT_EQ(checks.size(), 1U);
    EXPECT_EQ(checks[0].status, Status::Fail);
    EXPECT_EQ(checks[0].reason, Errc::NotFound);
}

TEST(ChecksTest, AProcessWithoutTracepointsFailsIfAskedFor)
{
    const auto checks = CheckNodes(event::Catalogue{}, ::getpid(), GoodHost());
    ASSERT_EQ(checks.size(), 1U);
    EXPECT_EQ(checks[0].status, Status::Fail);
    EXPECT_EQ(checks[0].reason, Errc::NotFound);
    EXPECT_NE(checks[0].needed.find("-DWITH_USDT=ON"), std::string::npos);
}

} // namespace
} // namespace coretap::tracer
