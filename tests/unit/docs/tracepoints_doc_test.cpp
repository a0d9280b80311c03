// docs/tracepoints.md is the catalogue, rendered: nobody types it, so it cannot disagree with the program.
// CORETAP_UPDATE_GOLDEN=1 in the environment writes it anew.
#include <cstdlib>
#include <fstream>
#include <functional>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "event/catalogue.h"

namespace coretap::event {
namespace {

constexpr const char* PATH{CORETAP_SOURCE_DIR "/docs/tracepoints.md"};

constexpr std::string_view INTRODUCTION{R"(# Tracepoints

<!-- Generated from src/event/catalogue.cpp by tests/unit/docs/tracepoints_doc_test.cpp. Do not edit: run
     CORETAP_UPDATE_GOLDEN=1 build/tests/tracepoints_doc_test -->

What coretap knows of each tracepoint. `coretap probes` compares a binary with these rows. The JSON of an event
([json.md](json.md)) has its arguments in this order and under these names. A tracepoint that is not here can be
described in the configuration ([config.md](config.md)).

* **since**: the first release of Bitcoin Core that carries the tracepoint in this form. A probe with other
  arguments is not traced: `coretap log` says so when it attaches, and `coretap probes` says what differs.
* **default**: whether `coretap log` shows it without being asked. What is off is not attached; `--enable` or `--only`
  turns it on, and `--count-only` counts it in the kernel.
* **operand**: what the probe's note must say, as `coretap probes` prints it: the size in bytes, negative if signed. The
  sign of bools and pointers does not matter.
* **at most**: bytes captured of a string or of bytes; what is longer is cut, and the event says so.
* **type**: `int` and `uint` are integers, `hash` is 32 bytes shown as Bitcoin Core shows hashes, `string` and `bytes` are
  what they say.
)"};

std::string Cell(std::string_view text)
{
    std::string cell;
    for (const char c : text) {
        if (c == '|') cell += '\\';
        cell += c;
    }
    return cell;
}

bool IsPointer(ArgType type) { return type == ArgType::String || type == ArgType::Hash || type == ArgType::Bytes; }

std::string Operand(const ArgDef& arg)
{
    return fmt::format("`{}{}@`", arg.type == ArgType::Int ? "-" : "", IsPointer(arg.type) ? 8 : int{arg.size});
}

std::string Bound(const ArgDef& arg) { return arg.type == ArgType::String || arg.type == ArgType::Bytes ? std::to_string(arg.bound) : ""; }

std::string_view Default(const TracepointDef& row) { return row.on_by_default ? "on" : "off"; }

/** A Markdown table of arguments. coretap's own events come from no probe and have no operands. */
std::string Arguments(const TracepointDef& row)
{
    const bool probe{row.origin != Origin::Coretap};
    std::string out{probe ? "| # | argument | type | operand | unit | at most | what |\n|---|---|---|---|---|---|---|\n" :
                            "| # | argument | type | unit | what |\n|---|---|---|---|---|\n"};
    for (std::size_t i{0}; i < row.args.size(); ++i) {
        const ArgDef& arg{row.args[i]};
        std::string what{arg.doc};
        if (arg.type == ArgType::Bytes) what += fmt::format(" (as many bytes as `{}` says)", row.args.at(arg.length_arg).name);
        out += fmt::format("| {} | `{}` | {} |", i + 1, arg.name, ToString(arg.type));
        if (probe) out += fmt::format(" {} |", Operand(arg));
        out += fmt::format(" {} |", ToString(arg.unit));
        if (probe) out += fmt::format(" {} |", Bound(arg));
        out += fmt::format(" {} |\n", Cell(what));
    }
    return out;
}

std::string Section(const TracepointDef& row)
{
    std::string out{fmt::format("\n### {}\n\nFires when {}", row.FullName(), row.doc)};
    if (row.origin == Origin::Core) out += fmt::format(". Since {}", row.since);
    if (row.origin == Origin::Coretap) {
        out += ".\n\n";
    } else {
        out += fmt::format(". Default: {}.\n\n", Default(row));
    }
    return out + Arguments(row);
}

std::string Sections(const std::vector<const TracepointDef*>& rows, Origin origin)
{
    std::string out;
    for (const TracepointDef* row : rows) {
        if (row->origin == origin) out += Section(*row);
    }
    return out;
}

std::string Overview(const std::vector<const TracepointDef*>& rows)
{
    std::string out{"| tracepoint | fires when | since | default |\n|---|---|---|---|\n"};
    for (const TracepointDef* row : rows) {
        if (row->origin == Origin::Coretap) continue;
        out += fmt::format("| `{}` | {} | {} | {} |\n", row->FullName(), Cell(row->doc), row->since, Default(*row));
    }
    return out;
}

/** `- name` lines; the first name stands for all others. */
std::string Names(std::span<const std::string_view> names)
{
    std::string out;
    for (const std::string_view name : names.subspan(1)) out += fmt::format("{}`{}`", out.empty() ? "" : ", ", name);
    return out + fmt::format(", and `{}` for every other.\n", names.front());
}

std::string Values(const std::function<std::string_view(std::uint64_t)>& name_of)
{
    std::string out{"| value | name |\n|---|---|\n"};
    for (std::uint64_t value{0}; !name_of(value).empty(); ++value) out += fmt::format("| {} | `{}` |\n", value, name_of(value));
    return out;
}

std::string Render()
{
    const Catalogue catalogue;
    const auto rows = catalogue.Rows();
    std::string out{INTRODUCTION};
    out += "\n" + Overview(rows);
    out += "\n## Of Bitcoin Core\n" + Sections(rows, Origin::Core);
    out +=
        "\n## Of patched nodes\n\nNot in Bitcoin Core's releases. A binary without them lacks nothing. Where one probe has had several layouts, each is a\n"
        "row, and the operands tell which one a binary has.\n" +
        Sections(rows, Origin::Patched);
    out +=
        "\n## coretap's own events\n\nNo probe fires these: coretap puts them into the stream, and no filter takes them out. They have no `peer_id`, and the\n"
        "`coretap:lost` of all nodes together has pid 0.\n" +
        Sections(rows, Origin::Coretap);
    out +=
        "\n## Names\n\n### Message types\n\nNames that filters (`--msg`) and payload policies (`--payload`) take. An event shows whatever type the peer sent.\n\n" +
        Names(MessageTypes());
    out += "\n### Connection types\n\nNames that `--conn-type` takes.\n\n" + Names(ConnectionTypes());
    out += "\n### Networks\n\nArguments of unit `network`; a value without a name is shown as a number.\n\n" + Values(NetworkName);
    out += "\n### Flush modes\n\nArguments of unit `flush mode`; a value without a name is shown as a number.\n\n" + Values(FlushModeName);
    return out;
}

TEST(TracepointsDoc, IsTheCatalogue)
{
    const std::string rendered{Render()};
    if (const char* update{std::getenv("CORETAP_UPDATE_GOLDEN")}; update != nullptr && *update == '1') {
        std::ofstream file{PATH, std::ios::binary};
        file << rendered;
        ASSERT_TRUE(file.flush()) << PATH;
    }
    std::ostringstream text;
    text << std::ifstream{PATH, std::ios::binary}.rdbuf();
    EXPECT_TRUE(text.str() == rendered) << "docs/tracepoints.md is not what the catalogue says. Write it anew:\n"
                                           "    CORETAP_UPDATE_GOLDEN=1 build/tests/tracepoints_doc_test\n"
                                           "and look at `git diff docs/tracepoints.md`.";
}

TEST(TracepointsDoc, EveryRowSaysWhatItIs)
{
    const Catalogue catalogue;
    for (const TracepointDef* row : catalogue.Rows()) {
        EXPECT_FALSE(row->doc.empty()) << row->FullName();
        EXPECT_EQ(row->since.empty(), row->origin == Origin::Coretap) << row->FullName();
        std::set<std::string> names;
        for (const ArgDef& arg : row->args) {
            EXPECT_FALSE(arg.doc.empty()) << row->FullName() << " " << arg.name;
            EXPECT_TRUE(names.insert(arg.name).second) << row->FullName() << " has two arguments " << arg.name;
        }
    }
}

TEST(TracepointsDoc, HasNoTrailingBlanksAndEndsInANewline)
{
    const std::string rendered{Render()};
    EXPECT_EQ(rendered.find(" \n"), std::string::npos);
    EXPECT_EQ(rendered.find("\n\n\n"), std::string::npos);
    EXPECT_TRUE(rendered.ends_with("|\n"));
}

} // namespace
} // namespace coretap::event
