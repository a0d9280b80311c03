// Who is heeded: the command line before the environment before the file.
#include "app/settings.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace coretap::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

Settings Said(SaidBy by, const std::map<std::string, std::vector<std::string>>& values)
{
    Settings settings;
    for (const auto& [name, list] : values) settings[name] = {list, by, by == SaidBy::CommandLine ? "--" + name : "c.toml:1:1"};
    return settings;
}

struct Three {
    std::map<std::string, std::vector<std::string>> command_line, file;
    std::map<std::string, std::string> environment;

    util::Result<Settings> Gather() const
    {
        const auto variable = [this](const std::string& name) -> const char* {
            const auto found{environment.find(name)};
            return found == environment.end() ? nullptr : found->second.c_str();
        };
        return GatherSettings(Said(SaidBy::CommandLine, command_line), variable, Said(SaidBy::File, file));
    }
    Settings Must() const
    {
        auto gathered{Gather()};
        EXPECT_TRUE(gathered) << gathered.GetError().what;
        return gathered ? *gathered : Settings{};
    }
};

TEST(Settings, TheOrder)
{
    const Settings got{Three{.command_line = {{"listen", {"1"}}},
                             .file = {{"listen", {"3"}}, {"rpc", {"off"}}, {"stats", {"30s"}}},
                             .environment = {{"CORETAP_LISTEN", "2"}, {"CORETAP_RPC", "auto"}, {"CORETAP_STATS", ""}}}
                           .Must()};
    EXPECT_THAT(got.at("listen").values, ElementsAre("1"));
    EXPECT_EQ(got.at("listen").where, "--listen");
    EXPECT_THAT(got.at("rpc").values, ElementsAre("auto"));
    EXPECT_EQ(got.at("rpc").where, "CORETAP_RPC");
    EXPECT_EQ(got.at("rpc").by, SaidBy::Environment);
    EXPECT_THAT(got.at("stats").values, ElementsAre("30s")) << "an empty variable says nothing";
    EXPECT_EQ(got.size(), 3U);
}

TEST(Settings, VariablesOfEachKind)
{
    const Settings got{
        Three{.command_line = {},
              .file = {{"insecure", {"true"}}},
              .environment = {{"CORETAP_HOST", "a,b"}, {"CORETAP_PEER", "1,2"}, {"CORETAP_QUIET", "1"}, {"CORETAP_INSECURE", "no"}}}
            .Must()};
    EXPECT_THAT(got.at("host").values, ElementsAre("a", "b"));
    EXPECT_THAT(got.at("peer").values, ElementsAre("1", "2"));
    EXPECT_THAT(got.at("quiet").values, ElementsAre("true"));
    EXPECT_THAT(got.at("insecure").values, ElementsAre("false"));
}

TEST(Settings, ABadVariableIsNamed)
{
    const auto what = [](const char* name, const char* value) {
        const auto got{Three{.command_line = {}, .file = {}, .environment = {{name, value}}}.Gather()};
        EXPECT_FALSE(got) << name;
        return got ? std::string{} : got.GetError().what;
    };
    EXPECT_THAT(what("CORETAP_LISTEN", "1.2.3.4:"), StartsWith("CORETAP_LISTEN: '1.2.3.4:' is not an address"));
    EXPECT_THAT(what("CORETAP_QUIET", "perhaps"), StartsWith("CORETAP_QUIET: 'perhaps' is neither true nor false"));
    EXPECT_THAT(what("CORETAP_RING", "1KiB"), StartsWith("CORETAP_RING: "));
    EXPECT_THAT(what("CORETAP_MSG", "inv,nosuch"), StartsWith("CORETAP_MSG: "));
    EXPECT_THAT(what("CORETAP_PAYLOAD", "some"), StartsWith("CORETAP_PAYLOAD: "));
}

TEST(Settings, WhereEventsComeFromIsOneMatter)
{
    const std::map<std::string, std::vector<std::string>> file{{"from", {"a.ctap"}}, {"since", {"+1s"}}, {"listen", {"1"}}};
    EXPECT_EQ((Three{.command_line = {}, .file = file, .environment = {}}.Must().size()), 3U);
    for (const char* name : {"binary", "sim", "sim-if-none"}) {
        const Settings got{Three{.command_line = {{name, {"true"}}}, .file = file, .environment = {}}.Must()};
        EXPECT_FALSE(got.contains("from")) << name;
        EXPECT_FALSE(got.contains("since")) << name;
        EXPECT_TRUE(got.contains("listen"));
    }
    const Settings by_variable{Three{.command_line = {}, .file = file, .environment = {{"CORETAP_DATADIR", "/d"}}}.Must()};
    EXPECT_FALSE(by_variable.contains("from"));
    EXPECT_THAT(by_variable.at("datadir").values, ElementsAre("/d"));
}

TEST(Settings, WhatIsOfTracingMeansNothingToARecording)
{
    const Settings got{Three{.command_line = {{"from", {"a.ctap"}}, {"payload", {"all"}}},
                             .file = {{"no-wait", {"true"}}, {"user", {"me"}}},
                             .environment = {{"CORETAP_RING", "1MiB"}, {"CORETAP_ONLY", "net"}}}
                           .Must()};
    EXPECT_FALSE(got.contains("ring"));
    EXPECT_FALSE(got.contains("no-wait"));
    EXPECT_TRUE(got.contains("only"));
    EXPECT_TRUE(got.contains("user"));
    EXPECT_TRUE(got.contains("payload")) << "what the command line says is answered, if only with an error";
}

TEST(Settings, Differ)
{
    const Settings a{Said(SaidBy::File, {{"listen", {"1"}}, {"host", {"a", "b"}}, {"rpc", {"off"}}})};
    const Settings b{Said(SaidBy::CommandLine, {{"listen", {"1"}}, {"host", {"a"}}, {"keep", {"2"}}})};
    EXPECT_THAT(Differences(a, b), ElementsAre("host", "keep", "rpc"));
    EXPECT_THAT(Differences(a, a), ElementsAre());
}

} // namespace
} // namespace coretap::app
