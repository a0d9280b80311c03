#include "sinks/log/text_format.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "unit/event/event_fixture.h"

namespace coretap::sinks::log {
namespace {

namespace id = event::id;
using event::ArgType;
using event::TracepointDef;
using event::Unit;
using test::Change;
using test::EventMaker;
using testing::EndsWith;
using testing::HasSubstr;

class TextFormatTest : public testing::Test {
protected:
    EventMaker maker;

    std::string Line(std::uint16_t tracepoint, const Change& change = {}, const TextOptions& options = {})
    {
        std::string out;
        TextFormat{options}.Append(out, maker.Make(tracepoint, change), {"main", 1});
        EXPECT_EQ(out.back(), '\n');
        return out.substr(0, out.size() - 1);
    }
    std::string EveryRow(const TextOptions& options)
    {
        std::string all;
        for (const TracepointDef* def : maker.Catalogue().Rows()) all += Line(def->id, {}, options) + '\n';
        return all;
    }
};

TEST_F(TextFormatTest, Golden)
{
    const std::string all{EveryRow({})};
    EXPECT_EQ(all, test::Golden("events.txt", all));
    const std::string color{EveryRow({.color = true, .show_node = true})};
    EXPECT_EQ(color, test::Golden("events_color.txt", color));
    const std::string ascii{EveryRow({.ascii = true})};
    EXPECT_EQ(ascii, test::Golden("events_ascii.txt", ascii));
    for (const char c : ascii) EXPECT_TRUE(c == '\n' || (c >= 0x20 && c < 0x7f));
}

TEST_F(TextFormatTest, ColourChangesNothingElse)
{
    std::string color{EveryRow({.color = true})};
    for (std::size_t at{0}; (at = color.find('\x1b', at)) != std::string::npos;) color.erase(at, color.find('m', at) - at + 1);
    EXPECT_EQ(color, EveryRow({}));
}

TEST_F(TextFormatTest, PayloadMarks)
{
    const Change cut{.args = {{"payload", "abc"}}, .cut_mask = 1u << 5, .flags = CT_F_POLICY};
    EXPECT_THAT(Line(id::INBOUND_MESSAGE), EndsWith("203.0.113.7:8333"));
    EXPECT_THAT(Line(id::INBOUND_MESSAGE, {.cut_mask = 1u << 5, .flags = CT_F_POLICY}), EndsWith("203.0.113.7:8333")); // none, as asked
    EXPECT_THAT(Line(id::INBOUND_MESSAGE, cut), EndsWith("203.0.113.7:8333  payload cut"));
    EXPECT_THAT(Line(id::INBOUND_MESSAGE, cut, {.payload_hex = true}), EndsWith("203.0.113.7:8333  616263…  payload cut"));
    EXPECT_THAT(Line(id::INBOUND_MESSAGE, {.args = {{"payload", "abc"}, {"size", 3}}}, {.payload_hex = true}),
                EndsWith("203.0.113.7:8333  616263"));
    EXPECT_THAT(Line(id::INBOUND_MESSAGE, {.cut_mask = 1u << 5, .flags = CT_F_SHED}), EndsWith("203.0.113.7:8333  payload shed"));
    EXPECT_THAT(Line(id::INBOUND_MESSAGE, {.fault_mask = 1u << 5}), EndsWith("203.0.113.7:8333  payload unreadable"));
}

TEST_F(TextFormatTest, UnknownsAndCuts)
{
    EXPECT_THAT(Line(id::INBOUND_MESSAGE, {.fault_mask = 0b1, .cut_mask = 0b10}),
                HasSubstr("peer     ?  outbound-full-relay  203.0.113.7:8333…"));
    EXPECT_THAT(Line(id::MEMPOOL_ADDED, {.args = {{"txid", ""}}, .fault_mask = 0b1}), EndsWith(" ? 141 vB 1,234 sat (8.75 sat/vB)"));
    EXPECT_THAT(Line(id::MEMPOOL_ADDED, {.fault_mask = 0b100}), EndsWith(" 141 vB ?"));
    EXPECT_THAT(Line(id::MEMPOOL_ADDED, {.args = {{"vsize", 0}}}), EndsWith(" 0 vB 1,234 sat"));
    EXPECT_THAT(Line(id::CLOSED_CONNECTION, {.args = {{"connected_at", 1'900'000'000}}}), EndsWith(" after ?")); // a mocked clock
    EXPECT_THAT(Line(id::INBOUND_CONNECTION, {.args = {{"network", 77}, {"connections", 1}}}),
                EndsWith("(network 77, outbound-full-relay), 1 inbound connection"));
}

TEST_F(TextFormatTest, WhatPeersWroteIsEscaped)
{
    EXPECT_THAT(Line(id::MISBEHAVING_CONNECTION, {.args = {{"reason", "a \"b\"\n\x1b[31m\\"}}}),
                EndsWith(R"(peer 12 misbehaved: "a \"b\"\x0a\x1b[31m\\")"));
    EXPECT_THAT(Line(id::INBOUND_MESSAGE, {.args = {{"msg_type", "\x1b[2J"}}}), HasSubstr(R"(← \x1b[2J            1,234 B  peer    12)"));
}

TEST_F(TextFormatTest, Units)
{
    EXPECT_THAT(Line(id::BLOCK_CONNECTED, {.args = {{"duration", 999}}}), EndsWith("in 999 ns"));
    EXPECT_THAT(Line(id::BLOCK_CONNECTED, {.args = {{"duration", 2'310'000}}}), EndsWith("in 2.31 ms"));
    EXPECT_THAT(Line(id::BLOCK_CONNECTED, {.args = {{"duration", 12'345}}}), EndsWith("in 12.3 µs"));
    EXPECT_THAT(Line(id::BLOCK_CONNECTED, {.args = {{"duration", 12'345}}}, {.ascii = true}), EndsWith("in 12.3 us"));
    EXPECT_THAT(Line(id::UTXOCACHE_FLUSH, {.args = {{"duration", 2'310'000}, {"for_prune", 1}}}), EndsWith("in 2.31 s for pruning"));
    EXPECT_THAT(Line(id::UTXOCACHE_FLUSH, {.args = {{"duration", INT64_MAX}, {"for_prune", 0}}}),
                EndsWith("in 9,223,372,036,854,775,807 µs"));
}

TEST_F(TextFormatTest, NodeColumn)
{
    EXPECT_THAT(Line(id::INBOUND_MESSAGE, {}, {.show_node = true}), HasSubstr("09:15:04.123456  main         ← inv "));
    std::string out;
    TextFormat{{.show_node = true}}.Append(out, maker.Make(id::INBOUND_MESSAGE), {});
    EXPECT_THAT(out, HasSubstr("09:15:04.123456  pid 1234     ← inv "));
}

TEST_F(TextFormatTest, UserDefined)
{
    TracepointDef def;
    def.provider = "my_node";
    def.name = "thing";
    def.args = {{"n", ArgType::Int, Unit::Satoshi, 8, 0, 0, ""},       {"big", ArgType::Uint, Unit::Bytes, 8, 0, 0, ""},
                {"at", ArgType::Uint, Unit::UnixSeconds, 8, 0, 0, ""}, {"on", ArgType::Bool, Unit::None, 1, 0, 0, ""},
                {"text", ArgType::String, Unit::None, 8, 64, 0, ""},   {"data", ArgType::Bytes, Unit::None, 8, 64, 0, ""}};
    const std::uint16_t tracepoint{(*maker.Catalogue().AddUser(def))->id};
    EXPECT_EQ(
        Line(tracepoint, {.args = {{"n", -1234}, {"big", -1}, {"at", 1'795'338'904}, {"text", "a b"}}}),
        "09:15:04.123456  my_node:thing     n=-1,234 sat big=18,446,744,073,709,551,615 bytes at=2026-11-22T09:15:04Z on=true text=\"a b\" data=616263");
    const Change large{.args = {{"n", 0}, {"big", 0}, {"at", INT64_MAX}, {"text", ""}, {"data", std::string(1000, '\xff')}}};
    EXPECT_THAT(Line(tracepoint, large), EndsWith("data=" + std::string(64, 'f') + "… (1,000 B)"));
    EXPECT_THAT(Line(tracepoint, large, {.payload_hex = true}), EndsWith("data=" + std::string(2000, 'f')));
}

RC_GTEST_PROP(TextFormatProperty, OneLineWhateverComes, ())
{
    EventMaker maker;
    const auto rows = maker.Catalogue().Rows();
    const TracepointDef& def{*rows[*rc::gen::inRange<std::size_t>(0, rows.size())]};
    Change change{.fault_mask = *rc::gen::arbitrary<std::uint16_t>(),
                  .cut_mask = *rc::gen::arbitrary<std::uint16_t>(),
                  .flags = *rc::gen::arbitrary<std::uint8_t>()};
    for (const event::ArgDef& arg : def.args) {
        if (arg.type == ArgType::String || arg.type == ArgType::Bytes) {
            change.args[arg.name] = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
        } else if (arg.type != ArgType::Hash) {
            change.args[arg.name] =
                *rc::gen::oneOf(rc::gen::arbitrary<std::int64_t>(), rc::gen::element<std::int64_t>(0, -1, INT64_MIN, INT64_MAX));
        } else if (*rc::gen::arbitrary<bool>()) {
            change.args[arg.name] = "";
        }
    }
    const std::string label{*rc::gen::arbitrary<std::string>()};
    std::string out;
    TextFormat{{.show_node = true, .payload_hex = true}}.Append(out, maker.Make(def.id, change), {label, 1});
    RC_ASSERT(std::ranges::count(out, '\n') == 1);
    RC_ASSERT(out.back() == '\n');
    out.pop_back();
    for (const char c : out) RC_ASSERT(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
}

} // namespace
} // namespace coretap::sinks::log
