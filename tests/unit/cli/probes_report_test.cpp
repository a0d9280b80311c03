#include "cli/probes_report.h"

#include <algorithm>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "tracer/arg_spec.h"

namespace coretap::cli {
namespace {

using tracer::Conformance;
using tracer::ProbeSite;
using tracer::Verdict;

constexpr std::uint16_t X86_64{62};

class ProbesReport : public ::testing::Test {
protected:
    event::Catalogue m_catalogue;

    ProbeSite AddedSite() const
    {
        ProbeSite site{.provider = "mempool",
                       .name = "added",
                       .location = 0x3b8cf7,
                       .file_offset = 0x3b7cf7,
                       .semaphore = 0xcfbc98,
                       .semaphore_offset = 0xcfac98,
                       .arg_text = "8@%rbx -4@%eax -8@40(%r14)"};
        site.args = *tracer::ParseArgSpecs(site.arg_text, X86_64);
        return site;
    }
    Conformance Of(std::vector<ProbeSite> sites) const
    {
        tracer::BinaryProbes probes{.build_id = "c0ffee", .machine = X86_64, .has_note_section = true, .sites = std::move(sites)};
        return tracer::Check(probes, m_catalogue);
    }
    /** Only the probes in the binary. */
    static Conformance Present(Conformance conformance)
    {
        std::erase_if(conformance.probes, [](const auto& check) { return check.sites.empty(); });
        return conformance;
    }
};

TEST_F(ProbesReport, Text)
{
    auto changed = AddedSite();
    changed.location = 0x400000;
    changed.semaphore = 0;
    changed.args[1].size = 8;
    const auto text =
        RenderProbesText(Present(Of({AddedSite(), changed, {.provider = "new", .name = "one", .location = 0x10}})), "/usr/bin/bitcoind");
    EXPECT_EQ(text, "/usr/bin/bitcoind\n"
                    "x86-64, build id c0ffee\n"
                    "\n"
                    "TRACEPOINT     VERDICT  LOCATION  SEMAPHORE  ARGUMENTS\n"
                    "mempool:added  changed  0x3b8cf7  0xcfbc98   8@%rbx -4@%eax -8@40(%r14)\n"
                    "                        0x400000  -          8@%rbx -4@%eax -8@40(%r14)\n"
                    "    argument 2 (vsize): size 4 -> 8\n"
                    "new:one        unknown  0x10      -\n"
                    "\n"
                    "0 matches, 1 changed, 1 unknown\n");
}

TEST_F(ProbesReport, ColorsOnlyIfAsked)
{
    const auto conformance = Of({AddedSite(), {.provider = "new", .name = "one", .location = 0x10}});
    EXPECT_EQ(RenderProbesText(conformance, "b").find('\033'), std::string::npos);
    const auto text = RenderProbesText(conformance, "b", {.color = true});
    EXPECT_NE(text.find("\033[32mmatches\033[0m"), std::string::npos);
    EXPECT_NE(text.find("\033[33munknown\033[0m"), std::string::npos);
    EXPECT_NE(text.find("\033[31mmissing\033[0m"), std::string::npos);
    EXPECT_NE(text.find("absent, optional"), std::string::npos);
}

TEST_F(ProbesReport, PathsCannotDriveTheTerminal)
{
    const auto text = RenderProbesText(Of({AddedSite()}), "/home/j\xc3\xb6rg/\033]0;x\x07/\xff/\xc2\x9b/\xe0\x80\x80/b");
    EXPECT_TRUE(text.starts_with("/home/j\xc3\xb6rg/?]0;x?/?/?"
                                 "?/?"
                                 "?"
                                 "?/b\n"))
        << text.substr(0, 60);
    EXPECT_NO_THROW(boost::json::parse(RenderProbesJson(Of({AddedSite()}), "/\xff\"/b")));
}

TEST_F(ProbesReport, WithoutTracepoints)
{
    auto conformance = Of({});
    conformance.has_note_section = false;
    EXPECT_NE(RenderProbesText(conformance, "b").find("has no tracepoints"), std::string::npos);
    EXPECT_EQ(ProbesExitCode(conformance, false), ProbesExit::NoTracepoints);
    EXPECT_EQ(static_cast<int>(ProbesExit::NoTracepoints), 4);
}

TEST_F(ProbesReport, Json)
{
    auto unreadable = AddedSite();
    unreadable.args.clear();
    unreadable.arg_error = "argument 1: odd";
    unreadable.semaphore = 0;
    unreadable.name = "rejected";
    const auto json =
        boost::json::parse(RenderProbesJson(Present(Of({AddedSite(), unreadable, {.provider = "new", .name = "one"}})), "/b")).as_object();
    EXPECT_EQ(json.at("binary"), "/b");
    EXPECT_EQ(json.at("build_id"), "c0ffee");
    EXPECT_EQ(json.at("machine"), "x86-64");
    const auto& tracepoints = json.at("tracepoints").as_array();
    ASSERT_EQ(tracepoints.size(), 3U);
    const char* expected{
        R"json({"provider":"mempool","name":"added","origin":"core","verdict":"matches","differences":[],"sites":[)json"
        R"json({"location":3902711,"file_offset":3898615,"semaphore":13614232,"arg_text":"8@%rbx -4@%eax -8@40(%r14)","args":[)json"
        R"json({"name":"txid","text":"8@%rbx","size":8,"signed":false},{"name":"vsize","text":"-4@%eax","size":4,"signed":true},)json"
        R"json({"name":"fee","text":"-8@40(%r14)","size":8,"signed":true}]}]})json"};
    EXPECT_EQ(boost::json::serialize(tracepoints[0]), expected);
    const auto& second = tracepoints[1].as_object();
    EXPECT_EQ(second.at("verdict"), "unsupported");
    EXPECT_TRUE(second.at("sites").at(0).at("semaphore").is_null());
    EXPECT_EQ(second.at("sites").at(0).at("arg_error"), "argument 1: odd");
    EXPECT_TRUE(tracepoints[2].at("origin").is_null());
    EXPECT_EQ(json.at("summary").at("unsupported").to_number<int>(), 1);
    EXPECT_EQ(json.at("summary").at("matches").to_number<int>(), 1);
    EXPECT_EQ(json.at("summary").at("missing").to_number<int>(), 0);
}

TEST_F(ProbesReport, ExitCodes)
{
    auto good = Of({AddedSite()});
    std::erase_if(good.probes, [](const auto& check) { return check.verdict == Verdict::Missing; });
    EXPECT_EQ(ProbesExitCode(good, false), ProbesExit::Ok);
    EXPECT_EQ(ProbesExitCode(good, true), ProbesExit::Ok) << "absent rows are optional";

    auto unknown = good;
    unknown.probes.push_back({.provider = "new", .name = "one", .verdict = Verdict::Unknown, .sites = {{}}});
    EXPECT_EQ(ProbesExitCode(unknown, false), ProbesExit::Ok);
    EXPECT_EQ(ProbesExitCode(unknown, true), ProbesExit::InterfaceDiffers);

    for (const Verdict verdict : {Verdict::Missing, Verdict::Changed, Verdict::Unsupported}) {
        auto bad = good;
        bad.probes.push_back({.provider = "net", .name = "x", .verdict = verdict});
        EXPECT_EQ(ProbesExitCode(bad, false), ProbesExit::InterfaceDiffers);
    }
    EXPECT_EQ(static_cast<int>(ProbesExit::InterfaceDiffers), 5);
}

} // namespace
} // namespace coretap::cli
