#include "app/config.h"

#include <cstdio>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <unistd.h>

namespace coretap::app {
namespace {

using event::ArgType;
using event::Unit;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using util::Errc;

constexpr std::string_view FULL{R"(
[trace]
ring = "16MiB"
only = ["net", "mempool:added", "my_node"]
enable = ["utxocache:add"]
payload = "inv=all,tx=80"
user = "nobody"

[[tracepoint]]
provider = "my_node"
name = "Thing"
doc = "a thing happened"
since = "our patch"
args = [
    { name = "counter", type = "uint64", unit = "count", doc = "how often" },
    { name = "delta", type = "int16" },
    { name = "value", type = "int64", unit = "satoshi" },
    { name = "ok", type = "bool" },
    { name = "text", type = "string", max = 64 },
    { name = "id", type = "hash" },
    { name = "data", type = "bytes", length = "counter" },
]

[[tracepoint]]
provider = "my_node"
name = "bare"
)"};

std::string What(std::string_view text)
{
    const auto config = ParseConfig(text, "c.toml");
    EXPECT_FALSE(config) << text;
    if (config) return {};
    EXPECT_EQ(config.GetError().code, Errc::Usage);
    return config.GetError().what;
}

/** A tracepoint with these arguments, in lines 1 to 4. */
std::string WithArgs(const std::string& args) { return "[[tracepoint]]\nprovider = \"p\"\nname = \"n\"\nargs = [" + args + "]\n"; }

TEST(Config, Empty)
{
    const auto config = ParseConfig("", "c.toml");
    ASSERT_TRUE(config);
    EXPECT_FALSE(config->ring_bytes);
    EXPECT_FALSE(config->payload);
    EXPECT_FALSE(config->user);
    EXPECT_TRUE(config->tracepoints.empty());
}

TEST(Config, Full)
{
    const auto config = ParseConfig(FULL, "c.toml");
    ASSERT_TRUE(config) << config.GetError().what;
    EXPECT_EQ(config->ring_bytes, 16U << 20);
    EXPECT_THAT(config->only, ElementsAre("net", "mempool:added", "my_node"));
    EXPECT_THAT(config->enable, ElementsAre("utxocache:add"));
    EXPECT_EQ(config->payload->snap[event::MessageTypeId("tx")], 80U);
    EXPECT_EQ(config->user, "nobody");
    ASSERT_EQ(config->tracepoints.size(), 2U);
    const event::TracepointDef& def{config->tracepoints[0]};
    EXPECT_EQ(def.FullName(), "my_node:Thing");
    EXPECT_EQ(def.origin, event::Origin::User);
    EXPECT_EQ(def.doc, "a thing happened");
    EXPECT_EQ(def.since, "our patch");
    ASSERT_EQ(def.args.size(), 7U);
    EXPECT_EQ(def.args[0].type, ArgType::Uint);
    EXPECT_EQ(def.args[0].unit, Unit::Count);
    EXPECT_EQ(def.args[0].doc, "how often");
    EXPECT_EQ(def.args[1].type, ArgType::Int);
    EXPECT_EQ(def.args[1].size, 2);
    EXPECT_EQ(def.args[2].unit, Unit::Satoshi);
    EXPECT_EQ(def.args[3].type, ArgType::Bool);
    EXPECT_EQ(def.args[3].size, 1);
    EXPECT_EQ(def.args[4].bound, 64U);
    EXPECT_EQ(def.args[5].bound, 32U);
    EXPECT_EQ(def.args[6].bound, 1024U);
    EXPECT_EQ(def.args[6].length_arg, 0);

    event::Catalogue catalogue;
    ASSERT_TRUE(AddUserTracepoints(*config, catalogue));
    EXPECT_EQ(catalogue.FindAll("my_node", "Thing").at(0)->id, CT_USER_BASE);
    EXPECT_FALSE(AddUserTracepoints(*config, catalogue)); // there already
}

TEST(Config, MalformedToml)
{
    EXPECT_THAT(What("[trace]\nring = \n"), StartsWith("c.toml:2:8: not valid TOML: "));
    EXPECT_THAT(What("[trace\n"), StartsWith("c.toml:1:"));
    EXPECT_THAT(What("\xff\xfe"), StartsWith("c.toml:1:1: "));
    EXPECT_THAT(What("[trace]\nring = \"1MiB\"\nring = \"2MiB\"\n"), StartsWith("c.toml:3:"));
    EXPECT_THAT(What("\xcc\xaa"), StartsWith("c.toml:1:1: ")); // undefined in toml++ as it comes
    EXPECT_EQ(What("a = n\n").find('\n'), std::string::npos);
    EXPECT_THAT(What("[&"), StartsWith("c.toml:1:"));
    EXPECT_THAT(What("[trace]\nuser \xc3\xa9= \"x\"\n"), StartsWith("c.toml:2:6: "));
    EXPECT_THAT(What("a = " + std::string(5000, '[')), StartsWith("c.toml:1:"));
}

TEST(Config, UnknownKeys)
{
    EXPECT_EQ(What("[trace]\n  rnig = \"16MiB\"\n"),
              "c.toml:2:3: unknown key 'rnig' in [trace]; did you mean 'ring'? allowed: ring, only, enable, count-only, payload, user, "
              "measure-cost, perf-uprobes");
    EXPECT_THAT(What("[tracer]\n"), HasSubstr("unknown key 'tracer' in the file; did you mean 'trace'? allowed: trace, serve, tracepoint"));
    EXPECT_THAT(What("\n\nxyzzy = 1\n"), StartsWith("c.toml:3:1: unknown key 'xyzzy' in the file; allowed:"));
    EXPECT_THAT(What(WithArgs("{name=\"a\", typ=\"bool\"}")),
                StartsWith("c.toml:4:20: unknown key 'typ' in an argument; did you mean 'type'?"));
    EXPECT_THAT(What("\"\\u001b[31m\" = 1\n").find('\x1b'), std::string::npos);
}

TEST(Config, WrongTypes)
{
    EXPECT_EQ(What("[trace]\nring = 16\n"), "c.toml:2:8: 'ring' is a string, not an integer");
    EXPECT_THAT(What("[trace]\nonly = \"net\"\n"), HasSubstr("c.toml:2:8: 'only' is an array"));
    EXPECT_THAT(What("[trace]\nonly = [\"net\",\n 7]\n"), StartsWith("c.toml:3:2: 'only[]' is a string, not an integer"));
    EXPECT_THAT(What("trace = 1\n"), HasSubstr("c.toml:1:9: 'trace' is a table"));
    EXPECT_THAT(What("tracepoint = 1\n"), HasSubstr("'tracepoint' is an array of tables"));
    EXPECT_THAT(What("tracepoint = [1]\n"), HasSubstr("a tracepoint is a table"));
    EXPECT_THAT(What(WithArgs("1")), HasSubstr("an argument is a table"));
    EXPECT_THAT(What("[[tracepoint]]\nprovider = \"p\"\nname = \"n\"\nargs = 1979-05-27\n"),
                StartsWith("c.toml:4:8: 'args' is an array of tables, not a date"));
}

TEST(Config, WrongValues)
{
    EXPECT_THAT(What("[trace]\nring = \"16M\"\n"), StartsWith("c.toml:2:8: ring: '16M' is not a size"));
    EXPECT_THAT(What("[trace]\nring = \"0\"\n"), StartsWith("c.toml:2:8: "));
    EXPECT_THAT(What("[trace]\npayload = \"inf=all\"\n"),
                StartsWith("c.toml:2:11: payload: payload policy of an unknown message type 'inf'"));
    EXPECT_THAT(What("[trace]\nonly = [\"net\", \"mempool:aded\"]\n"),
                StartsWith("c.toml:2:16: no tracepoint is called 'mempool:aded'; did you mean"));
    EXPECT_THAT(What("[trace]\nuser = \"\"\n"), HasSubstr("c.toml:2:8: user"));
    EXPECT_THAT(What("[trace]\nring = \"1KiB\"\n"), StartsWith("c.toml:2:8: ring: a ring has 128KiB to 1GiB"));
    EXPECT_THAT(What("[trace]\ncount-only = [\"mempool:aded\"]\n"), StartsWith("c.toml:2:15: no tracepoint is called"));
}

TEST(Config, Serve)
{
    const auto config = ParseConfig("[serve]\nlisten = 8400\ntoken-file = \"token\"\ntls-key = \"/etc/key\"\nfrom = [\"-\", \"a.ctap\"]\n"
                                    "peer = [1, 2]\nspeed = 0.5\nquiet = false\nhost = []\n",
                                    "dir/c.toml");
    ASSERT_TRUE(config) << config.GetError().what;
    const auto values = [&](std::string_view name) { return config->settings.find(name)->second.values; };
    EXPECT_THAT(values("listen"), ElementsAre("8400"));
    EXPECT_EQ(config->settings.find("listen")->second.where, "dir/c.toml:2:1");
    EXPECT_THAT(values("token-file"), ElementsAre("dir/token")) << "from where the file is";
    EXPECT_THAT(values("tls-key"), ElementsAre("/etc/key"));
    EXPECT_THAT(values("from"), ElementsAre("-", "dir/a.ctap"));
    EXPECT_THAT(values("peer"), ElementsAre("1", "2"));
    EXPECT_THAT(values("speed"), ElementsAre("0.5"));
    EXPECT_THAT(values("quiet"), ElementsAre("false"));
    EXPECT_FALSE(config->settings.contains("host"));
}

TEST(Config, ServeThatMakesNoSense)
{
    EXPECT_THAT(What("[serve]\n tokenfile = \"x\"\n"),
                StartsWith("c.toml:2:2: unknown key 'tokenfile' in [serve]; did you mean 'token-file'? allowed: "));
    EXPECT_THAT(What("[serve]\nring = \"1MiB\"\n"), StartsWith("c.toml:2:1: unknown key 'ring' in [serve]"));
    EXPECT_EQ(What("[serve]\nquiet = \"yes\"\n"), "c.toml:2:9: 'quiet' is true or false, not a string");
    EXPECT_EQ(What("[serve]\nhost = \"a\"\n"), "c.toml:2:8: 'host' is an array, like [\"node.example.org\"], not a string");
    EXPECT_EQ(What("[serve]\nhost = [\"a\", 1]\n"), "c.toml:2:14: 'host[]' is a string, not an integer");
    EXPECT_EQ(What("[serve]\nkeep = true\n"), "c.toml:2:8: 'keep' is a string or a number, not a boolean");
    // values are checked with the eyes of the command line
    for (const std::string_view wrong :
         {"pid = 0", "binary = \"\"", "since = \"soon\"", "until = \"+5\"", "speed = 0", "peer = [\"x\"]", "msg = [\"nosuch\"]",
          "direction = [\"up\"]", "conn-type = [\"friend\"]", "listen = \"1.2.3.4:x\"", "listen = 70000", "rpc = \"maybe\"",
          "debug-log = \"on\"", "stats = \"30\"", "rotate = \"1KiB\"", "keep = 0", "count = -1", "duration = \"1\""}) {
        EXPECT_THAT(What(fmt::format("[serve]\n{}\n", wrong)), StartsWith("c.toml:2:")) << wrong;
    }
}

TEST(Config, Tracepoints)
{
    EXPECT_THAT(What("\n[[tracepoint]]\nname = \"n\"\n"), StartsWith("c.toml:2:1: a [[tracepoint]] without 'provider'"));
    EXPECT_THAT(What("[[tracepoint]]\nprovider = \"p\"\n"), HasSubstr("without 'name'"));
    EXPECT_THAT(What("[[tracepoint]]\nprovider = \"p:q\"\nname = \"n\"\n"), StartsWith("c.toml:2:12: 'p:q' is no provider"));
    EXPECT_THAT(What("[[tracepoint]]\nprovider = \"coretap\"\nname = \"n\"\n"), HasSubstr("coretap's own"));
    EXPECT_THAT(What("[[tracepoint]]\nprovider = \"net\"\nname = \"inbound_message\"\n"),
                HasSubstr("c.toml:1:1: tracepoint net:inbound_message is already"));
    EXPECT_THAT(What(WithArgs("") + WithArgs("")), StartsWith("c.toml:5:1: tracepoint p:n is already"));
    std::string many;
    for (int i{0}; i < 65; ++i) many += "[[tracepoint]]\nprovider = \"p\"\nname = \"n" + std::to_string(i) + "\"\n";
    EXPECT_THAT(What(many), HasSubstr("at most 64"));
}

TEST(Config, Arguments)
{
    EXPECT_THAT(What(WithArgs("{type=\"bool\"}")), HasSubstr("without 'name'"));
    EXPECT_THAT(What(WithArgs("{name=\"a\"}")), StartsWith("c.toml:4:9: argument 'a' has no 'type'"));
    EXPECT_THAT(What(WithArgs("{name=\"A\", type=\"bool\"}")), HasSubstr("'A' is no argument name"));
    EXPECT_THAT(What(WithArgs("{name=\"a\", type=\"int\"}")), HasSubstr("unknown type 'int'; one of: int8, int16"));
    EXPECT_THAT(What(WithArgs("{name=\"a\", type=\"int8\", unit=\"btc\"}")), HasSubstr("unknown unit 'btc'; one of: asn, "));
    EXPECT_THAT(What(WithArgs("{name=\"a\", type=\"bool\", unit=\"count\"}")), HasSubstr("'unit' is for integer arguments"));
    EXPECT_THAT(What(WithArgs("{name=\"a\", type=\"bool\", max=3}")), HasSubstr("'max' is for arguments of type string or bytes"));
    EXPECT_THAT(What(WithArgs("{name=\"a\", type=\"string\", max=513}")), HasSubstr("'max' = 513: 1 to 512 for string"));
    EXPECT_THAT(What(WithArgs("{name=\"a\", type=\"string\", max=0}")), HasSubstr("1 to 512"));
    EXPECT_THAT(What(WithArgs("{name=\"a\", type=\"string\", max=\"1\"}")), HasSubstr("'max' is a number of bytes, not a string"));
    EXPECT_THAT(What(WithArgs("{name=\"a\", type=\"string\", length=\"b\"}")), HasSubstr("'length' is for arguments of type bytes"));
    EXPECT_THAT(What(WithArgs("{name=\"a\", type=\"bytes\"}")), HasSubstr("'length' must name"));
    EXPECT_THAT(What(WithArgs("{name=\"a\", type=\"bytes\", length=\"b\"}")),
                HasSubstr("length = 'b': there is no integer argument of that name"));
    EXPECT_THAT(What(WithArgs("{name=\"a\", type=\"bytes\", length=\"a\"}")), HasSubstr("there is no integer argument"));
    EXPECT_THAT(What(WithArgs("{name=\"b\", type=\"bool\"}, {name=\"a\", type=\"bytes\", length=\"b\"}")),
                HasSubstr("there is no integer argument"));
    EXPECT_THAT(What(WithArgs("{name=\"n\", type=\"int8\"}, {name=\"a\", type=\"bytes\", length=\"n\", max=32769}")),
                HasSubstr("1 to 32768 for bytes"));
    EXPECT_THAT(What(WithArgs("{name=\"a\", type=\"bool\"}, {name=\"a\", type=\"bool\"}")), HasSubstr("two arguments are called 'a'"));
    EXPECT_THAT(
        What(WithArgs(
            "{name=\"n\", type=\"int8\"}, {name=\"a\", type=\"bytes\", length=\"n\", max=32768}, {name=\"b\", type=\"bytes\", length=\"n\", max=32768}")),
        HasSubstr("a record holds 40960"));
    std::string args;
    for (int i{0}; i < 13; ++i) args += "{name=\"a" + std::to_string(i) + "\", type=\"int8\"},";
    EXPECT_THAT(What(WithArgs(args)), HasSubstr("13 arguments: a tracepoint has at most 12"));
}

TEST(Config, LengthMayComeLater)
{
    const auto config = ParseConfig(WithArgs("{name=\"a\", type=\"bytes\", length=\"n\"}, {name=\"n\", type=\"uint32\"}"), "c.toml");
    ASSERT_TRUE(config) << config.GetError().what;
    EXPECT_EQ(config->tracepoints[0].args[0].length_arg, 1);
}

TEST(Config, Files)
{
    EXPECT_EQ(LoadConfig("/nonexistent/c.toml").GetError().code, Errc::NotFound);
    EXPECT_THAT(LoadConfig("/nonexistent/c.toml").GetError().what, HasSubstr("/nonexistent/c.toml: No such file or directory"));
    EXPECT_FALSE(LoadConfig("/")); // a directory
    EXPECT_THAT(LoadConfig("/dev/zero").GetError().what, HasSubstr("at most"));
    EXPECT_TRUE(LoadConfig("/dev/null"));

    const auto path = std::filesystem::temp_directory_path() / ("coretap_config_test." + std::to_string(::getpid()));
    std::ofstream{path} << FULL;
    const auto config = LoadConfig(path);
    std::filesystem::remove(path);
    ASSERT_TRUE(config) << config.GetError().what;
    EXPECT_EQ(config->user, "nobody");
}

RC_GTEST_PROP(ConfigProperty, DamagedFilesAreErrorsNotCrashes, ())
{
    std::string text{FULL};
    const auto changes = *rc::gen::inRange(1, 6);
    for (int i{0}; i < changes; ++i) text[*rc::gen::inRange<std::size_t>(0, text.size())] = *rc::gen::arbitrary<char>();
    text.resize(*rc::gen::inRange<std::size_t>(0, text.size() + 1));
    const auto config = ParseConfig(text, "c.toml");
    if (!config) {
        RC_ASSERT(config.GetError().what.starts_with("c.toml:"));
        for (const char c : config.GetError().what) RC_ASSERT(static_cast<unsigned char>(c) >= 0x20);
    }
}

} // namespace
} // namespace coretap::app
