// The options of `coretap serve`, the settings that stand for them elsewhere, and what is written about these: one list.
#include "cli/serve_options.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace coretap::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

const std::string ROOT{CORETAP_SOURCE_DIR "/"};

std::string TextOf(const std::string& path)
{
    std::ifstream file{path};
    EXPECT_TRUE(file) << path;
    return {std::istreambuf_iterator<char>{file}, {}};
}

std::set<std::string> Names(std::string_view section = {})
{
    std::set<std::string> names;
    for (const app::SettingDef& def : app::SettingDefs()) {
        if (section.empty() || def.section == section) names.emplace(def.name);
    }
    return names;
}

TEST(ServeOptions, EveryOptionIsASettingButThoseForATry)
{
    ServeOptions options;
    CLI::App command;
    AddServeOptions(command, options);
    std::set<std::string> flags;
    for (const CLI::Option* option : command.get_options()) flags.insert(option->get_lnames().front());
    std::set<std::string> settings{Names()};
    settings.insert({"help", "config", "sim", "sim-if-none", "sim-args", "check"});
    EXPECT_EQ(flags, settings);
    for (const app::SettingDef& def : app::SettingDefs()) {
        const CLI::Option* const option{command.get_option("--" + std::string{def.name})};
        EXPECT_EQ(option->get_expected_max() == 0, def.kind == app::SettingDef::Kind::Flag) << def.name;
        EXPECT_EQ(option->get_expected_max() > 1, def.kind == app::SettingDef::Kind::List || def.kind == app::SettingDef::Kind::NumberList)
            << def.name;
    }
}

TEST(ServeOptions, TheDocumentHasEveryKeyAndItsDefault)
{
    const std::string text{TextOf(ROOT + "docs/config.md")};
    for (const std::string section : {"trace", "serve"}) {
        const std::size_t begin{text.find("\n## [" + section + "]\n")};
        ASSERT_NE(begin, std::string::npos);
        const std::string part{text.substr(begin, text.find("\n## ", begin + 1) - begin)};
        std::set<std::string> keys;
        const std::regex row{R"(\n\| `([a-z-]+)` \|)"};
        for (std::sregex_iterator at{part.begin(), part.end(), row}, end; at != end; ++at) keys.insert((*at)[1]);
        EXPECT_EQ(keys, Names(section));
    }
    for (const app::SettingDef& def : app::SettingDefs()) {
        if ((def.flags & app::SettingDef::RELOADS) == 0) continue;
        EXPECT_THAT(text, HasSubstr("\n| `" + std::string{def.name} + "` | yes |"));
    }
}

TEST(ServeOptions, TheExampleHasEveryKeyAndParses)
{
    const std::string text{TextOf(ROOT + "contrib/coretap.toml")};
    const auto as_it_is{app::ParseConfig(text, "coretap.toml")};
    ASSERT_TRUE(as_it_is) << as_it_is.GetError().what;
    EXPECT_TRUE(as_it_is->settings.empty()) << "all of it is commented out";
    const auto whole{app::ParseConfig(std::regex_replace(text, std::regex{"\n#(?=[a-z-]+ = )"}, "\n"), "coretap.toml")};
    ASSERT_TRUE(whole) << whole.GetError().what;
    std::set<std::string> keys;
    for (const auto& [name, setting] : whole->settings) keys.insert(name);
    EXPECT_EQ(keys, Names());
    for (const app::SettingDef& def : app::SettingDefs()) {
        if ((def.flags & app::SettingDef::RELOADS) == 0) continue;
        EXPECT_TRUE(std::regex_search(text, std::regex{"\n#" + std::string{def.name} + " = [^\n]*# \\(reload\\)"})) << def.name;
    }
}

/** A folder with files in it, and nothing of the environment. */
class Setup : public testing::Test {
protected:
    const std::filesystem::path m_folder{std::filesystem::path{testing::TempDir()} / ("coretap-setup-" + std::to_string(::getpid()))};

    void SetUp() override { std::filesystem::create_directories(m_folder); }
    void TearDown() override
    {
        ::unsetenv("CORETAP_LISTEN");
        std::filesystem::remove_all(m_folder);
    }
    std::string Write(const std::string& name, std::string_view text) const
    {
        std::ofstream{m_folder / name} << text;
        return (m_folder / name).string();
    }
    static app::Settings Config(const std::string& file) { return {{"config", {{file}, app::SaidBy::CommandLine, "--config"}}}; }
    static std::string What(const util::Result<ServeSetup>& setup) { return setup ? "" : setup.GetError().what; }
};

TEST_F(Setup, FromTheFileToTheServer)
{
    Write("token", "0123456789abcdef\n");
    const std::string file{Write("c.toml",
                                 "[serve]\nlisten = \"0.0.0.0:1234\"\ntoken-file = \"token\"\nhost = [\"a\", \"b\"]\ndatadir = \"data\"\n"
                                 "quiet = true\nkeep = 3\nrotate = \"1h\"\nrecord = \"r.ctap\"\n[trace]\nring = \"1MiB\"\n")};
    const auto setup{ReadServeSetup(Config(file), app::OpenOwnFile)};
    ASSERT_TRUE(setup) << What(setup);
    EXPECT_EQ(setup->config_file, file);
    EXPECT_EQ(setup->server.address, "0.0.0.0");
    EXPECT_EQ(setup->server.port, 1234);
    EXPECT_EQ(setup->server.token, "0123456789abcdef");
    EXPECT_THAT(setup->server.hosts, ElementsAre("a", "b"));
    const SessionOptions& session{setup->options.session};
    EXPECT_EQ(session.node.datadir, (m_folder / "data").string());
    EXPECT_TRUE(session.quiet);
    EXPECT_EQ(session.keep, "3");
    EXPECT_EQ(session.stats_every, "0");
    EXPECT_EQ(session.ring, "") << "the session has it from the file itself";
    EXPECT_EQ(setup->config.ring_bytes, 1U << 20);
    EXPECT_THAT(setup->OwnFiles(), ElementsAre(file, (m_folder / "token").string()));
}

TEST_F(Setup, ListsOfAddressesAreReadAndReadAgain)
{
    Write("tor-exits.txt", "192.0.2.7\n");
    Write("spies.list", "198.51.100.0/24\n");
    const std::string file{Write("c.toml", "[serve]\naddress-list = [\"tor-exits.txt\", \"spies.list\"]\n")};
    const auto setup{ReadServeSetup(Config(file), app::OpenOwnFile)};
    ASSERT_TRUE(setup) << What(setup);
    ASSERT_EQ(setup->lists->Size(), 2U);
    EXPECT_EQ(setup->lists->Name(0), "tor-exits");
    EXPECT_EQ(setup->lists->Name(1), "spies");
    EXPECT_EQ(setup->lists->Find(state::ParsePeerAddress("198.51.100.9:8333")), 2);
    EXPECT_THAT(setup->OwnFiles(), ElementsAre(file, (m_folder / "tor-exits.txt").string(), (m_folder / "spies.list").string()))
        << "a reload opens them";
    Write("tor-exits.txt", "192.0.2.8\n");
    const auto again{ReadServeSetup(Config(file), app::OpenOwnFile, &*setup)};
    ASSERT_TRUE(again) << What(again);
    EXPECT_EQ(again->lists->Find(state::ParsePeerAddress("192.0.2.8:1")), 1);
    EXPECT_TRUE(again->needs_restart.empty());
    Write("spies.list", "198.51.100.0/24\nnobody\n");
    EXPECT_THAT(What(ReadServeSetup(Config(file), app::OpenOwnFile, &*setup)),
                StartsWith((m_folder / "spies.list: line 2: 'nobody' is neither").string()));
}

TEST_F(Setup, WhatIsWrongIsSaidWithItsPlace)
{
    const auto what = [&](const std::string& text) {
        const std::string file{Write("c.toml", "[serve]\n" + text + "\n")};
        std::string said{What(ReadServeSetup(Config(file), app::OpenOwnFile))};
        EXPECT_NE(said, "") << text;
        return said;
    };
    EXPECT_THAT(what("listen = \"x:y\""), StartsWith((m_folder / "c.toml:2:10: listen: 'x:y' is not").string()));
    EXPECT_THAT(what("listen = \"0.0.0.0\""), HasSubstr("can be reached from outside"));
    Write("token", "short");
    EXPECT_THAT(what("token-file = \"token\""), HasSubstr("/token is too short: at least 16"));
    EXPECT_THAT(what("token-file = \"none\""), HasSubstr("cannot read a token from " + (m_folder / "none: No such file").string()));
    EXPECT_THAT(what("tls-cert = \"x\""), HasSubstr("--tls-cert and --tls-key go together"));
    Write("pem", "no PEM");
    EXPECT_THAT(what("tls-cert = \"pem\"\ntls-key = \"pem\""), HasSubstr("(the certificate is " + (m_folder / "pem").string()));
    EXPECT_THAT(what("pid = 1\nfrom = [\"a\"]"), HasSubstr("one of them"));
    EXPECT_THAT(What(ReadServeSetup(Config((m_folder / "absent").string()), app::OpenOwnFile)),
                HasSubstr("cannot read the configuration from"));
    const std::string sound{Write("c.toml", "")};
    ::setenv("CORETAP_LISTEN", "nowhere:", 1);
    EXPECT_THAT(What(ReadServeSetup(Config(sound), app::OpenOwnFile)), StartsWith("CORETAP_LISTEN: "));
}

TEST_F(Setup, AReloadKeepsWhatCannotChange)
{
    const std::string file{Write("c.toml", "[serve]\nlisten = 1234\nstats = \"1s\"\nrpc = \"off\"\ndebug-log = \"off\"\n")};
    const auto first{ReadServeSetup(Config(file), app::OpenOwnFile)};
    ASSERT_TRUE(first) << What(first);
    Write("c.toml", "[serve]\nlisten = 4321\nkeep = 2\nstats = \"2s\"\nrpc = \"auto\"\n[trace]\nring = \"1MiB\"\n"
                    "[[tracepoint]]\nprovider = \"p\"\nname = \"n\"\n");
    const auto second{ReadServeSetup(Config(file), app::OpenOwnFile, &*first)};
    ASSERT_TRUE(second) << What(second);
    EXPECT_THAT(second->needs_restart, ElementsAre("debug-log", "keep", "listen", "ring", "rpc", "[[tracepoint]]"))
        << "nobody was started who could open nodes' files";
    EXPECT_EQ(second->server.port, 1234);
    EXPECT_FALSE(second->watch.rpc);
    EXPECT_EQ(second->options.session.stats_every, "2s");
    EXPECT_EQ(second->settings.at("listen").values.front(), "1234") << "what is in force";
    EXPECT_TRUE(second->config.tracepoints.empty());
    // said again the next time, as long as it is so
    const auto third{ReadServeSetup(Config(file), app::OpenOwnFile, &*second)};
    ASSERT_TRUE(third) << What(third);
    EXPECT_EQ(third->needs_restart, second->needs_restart);
    // with somebody who can, the RPC may be switched on and off
    Write("c.toml", "");
    const auto asked{ReadServeSetup(Config(file), app::OpenOwnFile)};
    Write("c.toml", "[serve]\nrpc = \"off\"\n");
    const auto off{ReadServeSetup(Config(file), app::OpenOwnFile, &*asked)};
    ASSERT_TRUE(off) << What(off);
    EXPECT_TRUE(off->needs_restart.empty());
    EXPECT_FALSE(off->watch.rpc);
}

} // namespace
} // namespace coretap::cli
