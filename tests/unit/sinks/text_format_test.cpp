#include "sinks/log/text_format.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "unit/event/event_fixture.h"
#include "unit/event/message_fixture.h"

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

/** Events of messages with payloads, as far as `captured`. */
class DecodedLines : public TextFormatTest {
protected:
    static constexpr event::PayloadBounds NONE{};

    std::string Of(const test::Payload& payload, const TextOptions& options, std::size_t captured = std::string::npos)
    {
        captured = std::min(captured, payload.bytes.size());
        const bool cut{captured < payload.bytes.size()};
        const std::string bytes{payload.bytes.begin(), payload.bytes.begin() + static_cast<std::ptrdiff_t>(captured)};
        return Line(id::INBOUND_MESSAGE,
                    {.args = {{"msg_type", payload.type}, {"size", static_cast<std::int64_t>(payload.bytes.size())}, {"payload", bytes}},
                     .cut_mask = static_cast<std::uint16_t>(cut ? 1u << 5 : 0),
                     .flags = static_cast<std::uint8_t>(cut ? CT_F_POLICY : 0)},
                    options);
    }
    /** Every type, then what is wrong with some, then what hostile peers write. */
    std::string Messages(const TextOptions& options)
    {
        std::string all;
        for (const test::Payload& payload : test::SamplePayloads()) all += Of(payload, options) + '\n';
        for (const sim::MalformedMessage& malformed : sim::MalformedMessages()) {
            all += Of({std::string{malformed.type}, malformed.payload}, options) + '\n';
        }
        for (const test::Payload& payload : test::SamplePayloads()) {
            if (payload.bytes.size() >= 60) all += Of(payload, options, 60) + '\n';
        }
        for (const test::Payload& payload : test::HostilePayloads()) all += Of(payload, options) + '\n';
        return all;
    }
};

TEST_F(DecodedLines, Golden)
{
    const std::string brief{Messages({.decode = event::Decode::Short})};
    EXPECT_EQ(brief, test::Golden("messages_short.txt", brief));
    const std::string ascii{Messages({.ascii = true, .decode = event::Decode::Short})};
    EXPECT_EQ(ascii, test::Golden("messages_short_ascii.txt", ascii));
    // Only peers write anything else; they do in the strings that are meant to show it.
    EXPECT_TRUE(std::ranges::all_of(ascii.substr(0, ascii.find("\\x1b[2J")), [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
    EXPECT_EQ(ascii.find("…"), std::string::npos);
}

TEST_F(DecodedLines, ColourChangesNothingElse)
{
    for (const event::Decode decode : {event::Decode::Short, event::Decode::Full}) {
        std::string color{Messages({.color = true, .decode = decode})};
        for (std::size_t at{0}; (at = color.find('\x1b', at)) != std::string::npos;) color.erase(at, color.find('m', at) - at + 1);
        EXPECT_EQ(color, Messages({.decode = decode}));
    }
}

TEST_F(DecodedLines, ThePhraseStandsBeforeTheAddressAndTheContentBehindIt)
{
    const test::Payload ping{"ping", sim::Encoder{}.U64(5).Take()};
    EXPECT_EQ(Of(ping, {.decode = event::Decode::Short}),
              "09:15:04.123456  ← ping                   8 B  peer    12  outbound-full-relay  nonce 0000000000000005  203.0.113.7:8333");
    EXPECT_EQ(Of(ping, {.decode = event::Decode::Full}),
              "09:15:04.123456  ← ping                   8 B  peer    12  outbound-full-relay  203.0.113.7:8333  nonce=0000000000000005");
    EXPECT_LE(Of(ping, {.decode = event::Decode::Short}).size(), 120u + 2); // an arrow has three bytes
    const test::Payload early{"ping", sim::Bytes(4)};
    EXPECT_THAT(Of(early, {.decode = event::Decode::Short}), EndsWith("203.0.113.7:8333  malformed at byte 0: ends early"));
    EXPECT_THAT(Of(early, {.decode = event::Decode::Full}), EndsWith("203.0.113.7:8333  malformed at byte 0: ends early"));
}

TEST_F(DecodedLines, NothingIsSaidOfWhatWasNotCaptured)
{
    const test::Payload ping{"ping", sim::Bytes(8)};
    EXPECT_THAT(Of(ping, {.decode = event::Decode::Short}, 0),
                EndsWith("outbound-full-relay  " + std::string(24, ' ') + "203.0.113.7:8333"));
    EXPECT_THAT(Of(ping, {.decode = event::Decode::Full}, 0), EndsWith("outbound-full-relay  203.0.113.7:8333"));
    EXPECT_THAT(Of(ping, {.decode = event::Decode::Full}, 3), EndsWith("203.0.113.7:8333  cut by us at byte 3"));
    EXPECT_THAT(Line(id::INBOUND_MESSAGE, {.fault_mask = 1u << 5}, {.decode = event::Decode::Full}),
                EndsWith("203.0.113.7:8333  payload unreadable"));
    EXPECT_THAT(Line(id::INBOUND_MESSAGE, {.cut_mask = 1u << 5, .flags = CT_F_SHED}, {.decode = event::Decode::Full}),
                EndsWith("203.0.113.7:8333  payload shed"));
}

TEST_F(DecodedLines, HexIsShownAsFarAsItWasAskedFor)
{
    event::PayloadBounds bounds{};
    bounds[event::MessageTypeId("ping")] = 3;
    const test::Payload ping{"ping", sim::Encoder{}.U64(5).Take()};
    const TextOptions hex{.payload_hex = true, .decode = event::Decode::Short, .shown_payload = &bounds};
    EXPECT_THAT(Of(ping, hex), EndsWith("203.0.113.7:8333  050000…"));
    EXPECT_THAT(Of({"pong", ping.bytes}, hex), EndsWith("203.0.113.7:8333"));
    EXPECT_THAT(Of(ping, {.payload_hex = true, .decode = event::Decode::Short}), EndsWith("203.0.113.7:8333  0500000000000000"));
    EXPECT_THAT(Of(ping, {.payload_hex = true, .shown_payload = &bounds}), EndsWith("203.0.113.7:8333  050000…  payload cut"));
    EXPECT_THAT(Of({"pong", ping.bytes}, {.payload_hex = true, .shown_payload = &NONE}), EndsWith("203.0.113.7:8333"));
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
        if (arg.name == "msg_type" && *rc::gen::arbitrary<bool>()) {
            change.args[arg.name] = std::string{wire::MessageTypeNames()[*rc::gen::inRange<std::size_t>(1, wire::MESSAGE_TYPE_COUNT)]};
        } else if (arg.type == ArgType::String || arg.type == ArgType::Bytes) {
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
    const auto decode = *rc::gen::element(event::Decode::Off, event::Decode::Short, event::Decode::Full);
    TextFormat{{.show_node = true, .payload_hex = true, .decode = decode}}.Append(out, maker.Make(def.id, change), {label, 1});
    RC_ASSERT(std::ranges::count(out, '\n') == 1);
    RC_ASSERT(out.back() == '\n');
    out.pop_back();
    for (const char c : out) RC_ASSERT(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
}

} // namespace
} // namespace coretap::sinks::log
