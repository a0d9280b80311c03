#include "cli/doctor_report.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace coretap::cli {
namespace {

using tracer::CheckGroup;
using tracer::SystemCheck;
using Status = SystemCheck::Status;
using util::Errc;

std::vector<SystemCheck> Sample()
{
    return {{CheckGroup::Kernel, Status::Ok, "kernel", "Linux 6.18"},
            {CheckGroup::Privileges, Status::Fail, "CAP_BPF", "missing", "to load programs", "run as root", Errc::Permission},
            {CheckGroup::Nodes, Status::Note, "nodes", "none is running", "a node to trace"},
            {CheckGroup::Kernel, Status::Warn, "JIT", "off", "", "turn it on"}};
}

TEST(DoctorReportTest, Text)
{
    EXPECT_EQ(RenderDoctorText(Sample(), {.color = false, .unicode = false}),
              "Kernel\n"
              "  + kernel   Linux 6.18\n"
              "  ! JIT      off\n"
              "      to mend: turn it on\n"
              "\n"
              "Privileges\n"
              "  x CAP_BPF  missing\n"
              "      needed: to load programs; to mend: run as root\n"
              "\n"
              "Nodes\n"
              "  . nodes    none is running\n"
              "      needed: a node to trace\n"
              "\n"
              "This machine cannot trace: 1 problem, first: CAP_BPF: missing.\n");
}

TEST(DoctorReportTest, ColourOnlyWhenAskedFor)
{
    EXPECT_EQ(RenderDoctorText(Sample()).find('\033'), std::string::npos);
    EXPECT_NE(RenderDoctorText(Sample(), {.color = true}).find("\033[31m"), std::string::npos);
    EXPECT_NE(RenderDoctorText(Sample()).find("\u2717"), std::string::npos);
}

TEST(DoctorReportTest, Verdicts)
{
    const SystemCheck ok{CheckGroup::Kernel, Status::Ok, "a", "b"};
    const SystemCheck warn{CheckGroup::Kernel, Status::Warn, "a", "b", "c", "d"};
    EXPECT_TRUE(RenderDoctorText(std::vector{ok}).ends_with("This machine can trace.\n"));
    EXPECT_TRUE(RenderDoctorText(std::vector{ok, warn}).ends_with("This machine can trace, with 1 warning.\n"));
    const SystemCheck node{CheckGroup::Nodes, Status::Fail, "process 7 (bitcoind)", "out of reach", "c", "d", Errc::Permission};
    EXPECT_TRUE(
        RenderDoctorText(std::vector{ok, node})
            .ends_with("This machine can trace, but not every node that runs: 1 problem, first: process 7 (bitcoind): out of reach.\n"));
    const SystemCheck kernel{CheckGroup::SelfTest, Status::Fail, "a", "b", "c", "d", Errc::Permission};
    EXPECT_TRUE(RenderDoctorText(std::vector{node, kernel}).find("This machine cannot trace: 2 problems") != std::string::npos);
}

TEST(DoctorReportTest, Json)
{
    const auto json = boost::json::parse(RenderDoctorJson(Sample()));
    EXPECT_FALSE(json.at("usable").as_bool());
    ASSERT_EQ(json.at("checks").as_array().size(), 4U);
    const auto& check = json.at("checks").as_array()[1].as_object();
    EXPECT_EQ(check.at("group"), "Privileges");
    EXPECT_EQ(check.at("what"), "CAP_BPF");
    EXPECT_EQ(check.at("status"), "fail");
    EXPECT_EQ(check.at("found"), "missing");
    EXPECT_EQ(check.at("needed"), "to load programs");
    EXPECT_EQ(check.at("mend"), "run as root");
}

TEST(DoctorReportTest, ExitCodes)
{
    const auto exit_of = [](std::vector<Errc> reasons) {
        std::vector<SystemCheck> checks{{CheckGroup::Nodes, Status::Note, "nodes", "none is running"}};
        for (const Errc reason : reasons) checks.push_back({CheckGroup::Kernel, Status::Fail, "a", "b", "c", "d", reason});
        return DoctorExitCode(checks);
    };
    EXPECT_EQ(exit_of({}), DoctorExit::Usable) << "no node is no failure";
    EXPECT_EQ(exit_of({Errc::Permission}), DoctorExit::NotPermitted);
    EXPECT_EQ(exit_of({Errc::Unsupported}), DoctorExit::KernelUnsupported);
    EXPECT_EQ(exit_of({Errc::Permission, Errc::Unsupported}), DoctorExit::KernelUnsupported);
    EXPECT_EQ(exit_of({Errc::NotFound}), DoctorExit::TargetUnsuitable);
    EXPECT_EQ(exit_of({Errc::NotFound, Errc::Permission}), DoctorExit::NotPermitted);
    EXPECT_EQ(exit_of({Errc::Malformed}), DoctorExit::Failed);
    EXPECT_EQ(static_cast<int>(DoctorExit::NotPermitted), 3);
    EXPECT_EQ(static_cast<int>(DoctorExit::KernelUnsupported), 6);
}

} // namespace
} // namespace coretap::cli
