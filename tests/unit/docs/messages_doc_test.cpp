// docs/messages.md: what is said of each message type (messages_doc.cpp) and an example of what the program makes of it. The
// page is rendered, and each member that an example has must be described, and the other way round.
// CORETAP_UPDATE_GOLDEN=1 in the environment writes it anew.
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "event/message_json.h"
#include "event/message_text.h"
#include "sim/wire_samples.h"
#include "unit/docs/messages_doc.h"
#include "wire/message.h"

namespace coretap::event {
namespace {

using test::GroupDoc;
using test::MemberDoc;
using test::TypeDoc;

constexpr const char* PATH{CORETAP_SOURCE_DIR "/docs/messages.md"};

constexpr std::string_view INTRODUCTION{R"(# Messages

<!-- Generated from tests/unit/docs/messages_doc.cpp by tests/unit/docs/messages_doc_test.cpp. Do not edit: run
     CORETAP_UPDATE_GOLDEN=1 build/tests/messages_doc_test -->

What `--decode` shows of the payloads of P2P messages. With `--decode short` a line of text has the phrase of the message, and
JSON has `"decoded":{"summary":"..."}` beside `args`. With `--decode full` the text has all of the content as `name=value`, and
`decoded` all of the members below. The promise of [json.md](json.md) holds for these names too.

* **hash**: 64 hex digits, in the order Bitcoin Core shows. **hex**: bytes as they are on the wire. **hex number**: a number that
  only names something, as hex digits, so that no reader rounds it. **name**: a string, or the number where it has no name.
* Sizes are in bytes, amounts in satoshi, times in Unix seconds.
* Strings are written by strangers: expect anything in them. Bytes that are not UTF-8 become U+FFFD in JSON, and the member with
  `_hex` in its name has the bytes. Text escapes what is not printable.
* Nothing is left out: a message that was captured whole is shown whole. Of one that is cut or malformed there is what came before;
  `count` is what the message says, the array has those that are there in full.
* A message of which the payload could not be read has no `decoded`.

The examples are the program's, of the stand-in's messages. In them, not in the output, long arrays end in `"..."` after two elements, and
long strings in `...`.
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

std::vector<std::string> Split(std::string_view words)
{
    std::istringstream in{std::string{words}};
    std::vector<std::string> out;
    for (std::string word; in >> word;) out.push_back(word);
    return out;
}

std::string Table(std::span<const MemberDoc> members)
{
    std::string out{"| member | type | what |\n|---|---|---|\n"};
    for (const MemberDoc& member : members) {
        std::string what{Cell(member.what)};
        if (!member.group.empty())
            what += fmt::format("{}[{}](#{})", what.empty() ? "" : ": ", member.group,
                                member.group == "inv entry" ? "inv-entry" : member.group);
        out += fmt::format("| `{}` | {} | {} |\n", member.name, member.type, what);
    }
    return out;
}

wire::Decoded Decode(std::string_view type, std::span<const std::uint8_t> payload, std::uint64_t size)
{
    return wire::Decode(wire::MessageTypeOf(type), std::as_bytes(payload), size);
}

sim::Bytes Sample(std::string_view type)
{
    sim::Rng rng{7};
    return sim::SamplePayload(type, rng);
}

std::string Json(const wire::Decoded& decoded)
{
    std::string json;
    AppendMessageJson(json, decoded);
    return json;
}

// ---- an example that fits a page ------------------------------------------------------------------------------------

/** Arrays that are long end after two elements, strings after a line. */
boost::json::value Shortened(const boost::json::value& value)
{
    constexpr std::size_t ELEMENTS{2};
    constexpr std::size_t SHORT{100};
    if (value.is_array() && boost::json::serialize(value).size() <= SHORT) return value;
    constexpr std::size_t CHARACTERS{72};
    if (const auto* array = value.if_array()) {
        boost::json::array out;
        for (std::size_t i{0}; i < std::min(array->size(), ELEMENTS); ++i) out.push_back(Shortened((*array)[i]));
        if (array->size() > ELEMENTS) out.emplace_back("...");
        return out;
    }
    if (const auto* object = value.if_object()) {
        boost::json::object out;
        for (const auto& item : *object) {
            // The phrase is what it is.
            out[item.key()] = item.key() == "summary" ? item.value() : Shortened(item.value());
        }
        return out;
    }
    if (const auto* string = value.if_string(); string != nullptr && string->size() > CHARACTERS) {
        return boost::json::value{std::string{string->c_str(), CHARACTERS - 3} + "..."};
    }
    return value;
}

/** On one line if it fits, else a member a line. */
void Print(std::string& out, const boost::json::value& value, std::size_t indent)
{
    constexpr std::size_t WIDTH{116};
    const std::string line{boost::json::serialize(value)};
    if (indent + line.size() <= WIDTH || (!value.is_object() && !value.is_array())) {
        out += line;
        return;
    }
    const std::string blanks(indent + 1, ' ');
    out += value.is_object() ? '{' : '[';
    bool first{true};
    const auto next = [&] {
        if (!first) out += ",\n" + blanks;
        first = false;
    };
    if (value.is_object()) {
        for (const auto& item : value.as_object()) {
            next();
            const std::string key{boost::json::serialize(boost::json::string{item.key()}) + ":"};
            out += key;
            Print(out, item.value(), indent + 1 + key.size());
        }
    } else {
        for (const auto& element : value.as_array()) {
            next();
            Print(out, element, indent + 1);
        }
    }
    out += value.is_object() ? '}' : ']';
}

std::string Example(std::string_view type, const wire::Decoded& decoded)
{
    std::string out{fmt::format("```\n{}: ", type)};
    Print(out, Shortened(boost::json::parse(Json(decoded))), type.size() + 2);
    return out + "\n```\n";
}

std::string Section(const TypeDoc& doc)
{
    const std::vector<std::string> types{Split(doc.types)};
    std::string title;
    for (const std::string& type : types) title += (title.empty() ? "" : ", ") + type;
    std::string out{fmt::format("\n### {}\n\n{}", title, doc.what)};
    out += doc.members.empty() ? " No payload.\n\n" : "\n\n" + (types.front() == "tx" ? std::string{} : Table(doc.members) + "\n");
    const sim::Bytes payload{Sample(types.front())};
    return out + Example(types.front(), Decode(types.front(), payload, payload.size()));
}

std::string Problems()
{
    std::string out;
    for (unsigned i{1}; !wire::ToString(static_cast<wire::Problem>(i)).empty(); ++i)
        out += fmt::format("{}`{}`", out.empty() ? "" : ", ", wire::ToString(static_cast<wire::Problem>(i)));
    return out;
}

std::string Render()
{
    std::string out{INTRODUCTION};
    out += "\n## Of every message\n\n" + Table(test::FindingDocs());
    out += "\n`problem` is one of " + Problems() + ".\n\n";
    const sim::Bytes inv{Sample("getdata")};
    out += Example("getdata", Decode("getdata", std::span{inv}.first(30), inv.size())) + "\n";
    const sim::Bytes early{Sample("version")};
    out += Example("version", Decode("version", std::span{early}.first(40), 40));
    out += "\n## Parts\n";
    for (const GroupDoc& group : test::GroupDocs())
        out += fmt::format("\n### {}\n\n{}\n\n{}", group.name, group.what, Table(group.members));
    out += "\n## Types\n";
    for (const TypeDoc& doc : test::TypeDocs()) out += Section(doc);
    return out;
}

TEST(MessagesDoc, IsWhatTheProgramShows)
{
    const std::string rendered{Render()};
    if (const char* update{std::getenv("CORETAP_UPDATE_GOLDEN")}; update != nullptr && *update == '1') {
        std::ofstream file{PATH, std::ios::binary};
        file << rendered;
        ASSERT_TRUE(file.flush()) << PATH;
    }
    std::ostringstream text;
    text << std::ifstream{PATH, std::ios::binary}.rdbuf();
    EXPECT_TRUE(text.str() == rendered) << "docs/messages.md is not what the program shows. Write it anew:\n"
                                           "    CORETAP_UPDATE_GOLDEN=1 build/tests/messages_doc_test\n"
                                           "and look at `git diff docs/messages.md`.";
    EXPECT_EQ(rendered.find(" \n"), std::string::npos);
    EXPECT_EQ(rendered.find("\n\n\n"), std::string::npos);
}

// ---- every type has everything ----------------------------------------------------------------------------------------

const GroupDoc& Group(std::string_view name)
{
    for (const GroupDoc& group : test::GroupDocs()) {
        if (group.name == name) return group;
    }
    ADD_FAILURE() << "no group " << name;
    return test::GroupDocs().front();
}

/** Every member is described, and every member that is described is there, unless it is optional. */
void Compare(const boost::json::object& object, const std::vector<MemberDoc>& members, const std::string& where)
{
    for (const auto& item : object) {
        const std::string name{item.key()};
        const auto doc = std::find_if(members.begin(), members.end(), [&](const MemberDoc& member) { return member.name == name; });
        if (doc == members.end()) {
            ADD_FAILURE() << where << ": " << name << " is not described";
            continue;
        }
        const auto descend = [&](const boost::json::value& value) {
            EXPECT_EQ(value.is_object(), !doc->group.empty()) << where << "." << name;
            if (!value.is_object() || doc->group.empty()) return;
            const GroupDoc& group{Group(doc->group)};
            Compare(value.as_object(), {group.members.begin(), group.members.end()}, fmt::format("{}.{}", where, name));
        };
        if (const auto* array = item.value().if_array()) {
            EXPECT_EQ(doc->type, "array") << where << "." << name;
            for (const auto& element : *array) descend(element);
        } else {
            descend(item.value());
        }
    }
    for (const MemberDoc& member : members) {
        EXPECT_TRUE(member.optional || object.contains(member.name)) << where << ": no " << member.name;
    }
}

class EveryType : public testing::TestWithParam<std::string_view> {
protected:
    static const TypeDoc* Doc(std::string_view name)
    {
        for (const TypeDoc& doc : test::TypeDocs()) {
            for (const std::string& type : Split(doc.types)) {
                if (type == name) return &doc;
            }
        }
        return nullptr;
    }
};

TEST_P(EveryType, HasADecoderAPhraseMembersADescriptionAndAStandIn)
{
    const std::string_view type{GetParam()};
    const TypeDoc* doc{Doc(type)};
    ASSERT_NE(doc, nullptr) << "describe it in tests/unit/docs/messages_doc.cpp";

    const auto samples = sim::MessageSamples();
    const auto sample = std::find_if(samples.begin(), samples.end(), [&](const sim::MessageSample& row) { return row.type == type; });
    ASSERT_NE(sample, samples.end()) << "give coretap-sim a payload: sim/wire_samples.cpp";
    EXPECT_EQ(sample->make == nullptr, doc->members.empty());
    const sim::Bytes payload{Sample(type)};

    const wire::Decoded decoded{Decode(type, payload, payload.size())};
    EXPECT_EQ(decoded.status, wire::Status::Whole);
    EXPECT_EQ(decoded.trailing, 0u);
    static const std::set<std::string_view> KEPT_AS_BYTES{"checkorder", "submitorder", "reply", "sendpackages"};
    EXPECT_EQ(std::holds_alternative<wire::UnknownMsg>(decoded.message), KEPT_AS_BYTES.contains(type));

    std::string phrase;
    AppendPhrase(phrase, decoded, /*ascii=*/false);
    EXPECT_FALSE(phrase.empty());
    std::string findings;
    EXPECT_FALSE(AppendFindings(findings, decoded));
    std::string content;
    AppendContent(content, decoded);
    EXPECT_EQ(content.empty(), doc->members.empty());

    std::vector<MemberDoc> members{doc->members.begin(), doc->members.end()};
    members.push_back(test::FindingDocs().front()); // summary
    if (type == "block" || type == "merkleblock") {
        const auto header = Group("header").members;
        members.insert(members.end(), header.begin(), header.end());
    }
    const auto json = boost::json::parse(Json(decoded)).as_object();
    Compare(json, members, std::string{type});
    // What JSON has, text has: a name more or less would be seen in the one place only.
    for (const auto& item : json) {
        if (item.key() == "summary") continue;
        EXPECT_NE((" " + content).find(" " + std::string{item.key()} + "="), std::string::npos) << item.key();
    }
}

INSTANTIATE_TEST_SUITE_P(MessagesDoc, EveryType, testing::ValuesIn(wire::MessageTypeNames().begin() + 1, wire::MessageTypeNames().end()),
                         [](const auto& param) { return std::string{param.param}; });

TEST(MessagesDoc, DescribesNoTypeThatIsUnknown)
{
    std::set<std::string> described;
    for (const TypeDoc& doc : test::TypeDocs()) {
        for (const std::string& type : Split(doc.types)) {
            EXPECT_NE(wire::MessageTypeOf(type), wire::MessageType::Other) << type;
            EXPECT_TRUE(described.insert(type).second) << type << " twice";
        }
    }
    EXPECT_EQ(described.size() + 1, wire::MESSAGE_TYPE_COUNT);
}

TEST(MessagesDoc, FindingsAreDescribed)
{
    const auto members = [](std::string_view type, const sim::Bytes& payload, std::size_t captured, std::uint64_t size) {
        return boost::json::parse(Json(Decode(type, std::span{payload}.first(captured), size))).as_object();
    };
    std::set<std::string> seen;
    const auto see = [&seen](const boost::json::object& object) {
        for (const auto& item : object) seen.insert(std::string{item.key()});
    };
    const sim::Bytes ping{Sample("ping")};
    see(members("ping", ping, 4, 8));
    see(members("ping", ping, 4, 4));
    see(members("ping", ping, 8, 9));
    const sim::Misdeed* inv{nullptr};
    for (const sim::Misdeed& misdeed : sim::Misdeeds()) {
        if (misdeed.type == "inv") inv = &misdeed;
    }
    ASSERT_NE(inv, nullptr);
    sim::Rng rng{1};
    const sim::Bytes many{inv->make(rng)};
    see(members("inv", many, 100, many.size()));
    for (const MemberDoc& finding : test::FindingDocs()) EXPECT_TRUE(seen.contains(std::string{finding.name})) << finding.name;
}

} // namespace
} // namespace coretap::event
