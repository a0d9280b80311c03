// Decoded messages as JSON and as text: the forms of every type are on the page that messages_doc_test renders; here is what
// they do with messages that are cut, malformed or hostile.
#include "event/message_json.h"
#include "event/message_text.h"

#include <algorithm>

#include <boost/json.hpp>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "event/decode.h"
#include "event/json.h"
#include "unit/event/event_fixture.h"
#include "unit/event/message_fixture.h"
#include "util/text.h"

namespace coretap::event {
namespace {

using sim::Encoder;
using test::Payload;

std::string Json(const wire::Decoded& decoded)
{
    std::string out;
    AppendMessageJson(out, decoded);
    return out;
}

std::string Summary(const wire::Decoded& decoded, bool ascii = false)
{
    std::string out;
    AppendSummary(out, decoded, ascii);
    return out;
}

std::string Content(const wire::Decoded& decoded)
{
    std::string out;
    AppendContent(out, decoded);
    return out;
}

bool Harmless(std::string_view text)
{
    return util::IsUtf8(text) && std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

sim::Hash256 Hash(std::uint8_t fill)
{
    sim::Hash256 hash;
    hash.fill(fill);
    hash[31] = 0x12; // the first that is shown
    return hash;
}

Encoder Inv(std::size_t claimed, std::initializer_list<std::uint32_t> types)
{
    Encoder out;
    out.Compact(claimed);
    for (const std::uint32_t type : types) out.U32(type).Raw(Hash(0xab));
    return out;
}

TEST(MessageForms, Phrases)
{
    const std::string hash{"12abab…ababab"};
    EXPECT_EQ(Summary(Payload{"inv", Inv(3, {5, 5, 5}).Take()}.Decode()), "3 wtx");
    EXPECT_EQ(Summary(Payload{"inv", Inv(1, {2}).Take()}.Decode()), "1 block " + hash);
    EXPECT_EQ(Summary(Payload{"inv", Inv(1, {2}).Take()}.Decode(), /*ascii=*/true), "1 block 12abab...ababab");
    EXPECT_EQ(Summary(Payload{"getdata", Inv(4, {1u << 30 | 1, 77, 1u << 30 | 1, 78}).Take()}.Decode()), "4 (2 witness_tx, 2 unknown)");
    EXPECT_EQ(Summary(Payload{"notfound", Inv(0, {}).Take()}.Decode()), "0 entries");
    EXPECT_EQ(Summary(Payload{"getheaders", Encoder{}.U32(70016).Compact(1).Raw(Hash(0xab)).Raw(sim::Bytes(32)).Take()}.Decode()),
              "from " + hash + ", 1 hash");
    EXPECT_EQ(Summary(Payload{"getblocks", Encoder{}.U32(1).Compact(0).Raw(Hash(0xab)).Take()}.Decode()), "0 hashes to " + hash);
    EXPECT_EQ(Summary(Payload{"headers", Encoder{}.Compact(0).Take()}.Decode()), "0 headers");
    EXPECT_EQ(Summary(Payload{"feefilter", Encoder{}.U64(1000).Take()}.Decode()), "1,000 sat/kvB");
    EXPECT_EQ(Summary(Payload{"sendcmpct", Encoder{}.U8(0).U64(1).Take()}.Decode()), "version 1 low bandwidth");
    EXPECT_EQ(Summary(Payload{"ping", {}}.Decode()), "no nonce");
    EXPECT_EQ(Summary(Payload{"getcfcheckpt", Encoder{}.U8(3).Raw(Hash(0xab)).Take()}.Decode()), "type 3 to " + hash);
    EXPECT_EQ(Summary(Payload{"reject", Encoder{}.Var("tx").U8(0x99).Var("no").Raw(Hash(0xab)).Take()}.Decode()),
              "tx code 153 \"no\" " + hash);
    EXPECT_EQ(Summary(Payload{"reject", Encoder{}.Var("version").U8(0x11).Var("old").Take()}.Decode()), "version obsolete \"old\"");
    EXPECT_EQ(Summary(Payload{"whatever", sim::Bytes(9, 0xaa)}.Decode()), "bytes aaaaaaaaaaaaaaaa…");
    EXPECT_EQ(Summary(Payload{"whatever", {}}.Decode()), "no payload");
    const auto addr = [](std::uint64_t claimed, std::size_t entries) {
        Encoder out;
        out.Compact(claimed);
        for (std::size_t i{0}; i < entries; ++i) out.U32(1).U64(9).Raw(sim::Bytes(10)).U16(0xffff).U32(0x0100007f).U16Big(8333);
        return Payload{"addr", out.Take()};
    };
    EXPECT_EQ(Summary(addr(1, 1).Decode()), "1 ipv4 127.0.0.1:8333");
    EXPECT_EQ(Summary(addr(2, 2).Decode()), "2 ipv4");
    EXPECT_EQ(Summary(addr(0, 0).Decode()), "0 addresses");
    EXPECT_EQ(Summary(addr(1001, 1001).Decode()), "1,001 ipv4; more than the 1,000 allowed");
    EXPECT_EQ(Summary(addr(3, 3).DecodeCut(40)), "3 (1 ipv4, …); cut by us at byte 40");
    EXPECT_EQ(Summary(addr(3, 3).DecodeCut(40), /*ascii=*/true), "3 (1 ipv4, ...); cut by us at byte 40");
    EXPECT_EQ(Summary(addr(3, 2).Decode()), "3 addresses; malformed at byte 0: count too large for the message");
}

TEST(MessageForms, TransactionsWithoutIdsAndSums)
{
    // Outputs whose sum does not fit 64 bits.
    Encoder tx;
    tx.U32(2).Compact(1).Raw(Hash(1)).U32(0).Var("").U32(0).Compact(2).U64(INT64_MAX).Var("").U64(1).Var("").U32(0);
    const Payload payload{"tx", tx.Take()};
    EXPECT_NE(Summary(payload.Decode()).find("1 in 2 out values out of range 69 vB"), std::string::npos) << Summary(payload.Decode());
    EXPECT_EQ(Json(payload.DecodeCut(50)),
              R"({"summary":"1 in 2 out; cut by us at byte 50","status":"cut","cut_at":50,"version":2,"input_count":1,)"
              R"("inputs":[{"txid":"1201010101010101010101010101010101010101010101010101010101010101","vout":0,"script_sig":"",)"
              R"("sequence":0}],"output_count":2,"outputs":[]})");
    EXPECT_EQ(Json(payload.DecodeCut(4)), R"({"summary":"cut by us at byte 4","status":"cut","cut_at":4,"version":2})");
    EXPECT_EQ(Json(payload.DecodeCut(3)), R"({"summary":"cut by us at byte 3","status":"cut","cut_at":3})");
}

TEST(MessageForms, Findings)
{
    EXPECT_EQ(Json(Payload{"ping", Encoder{}.U64(5).U8(0).Take()}.Decode()),
              R"({"summary":"nonce 0000000000000005; 1 trailing byte","trailing_bytes":1,"nonce":"0000000000000005"})");
    EXPECT_EQ(Json(Payload{"ping", Encoder{}.U32(5).Take()}.Decode()),
              R"({"summary":"malformed at byte 0: ends early","status":"malformed","problem":"ends early","problem_at":0})");
    EXPECT_EQ(Json(Payload{"ping", Encoder{}.U64(5).Take()}.DecodeCut(0)),
              R"({"summary":"cut by us at byte 0","status":"cut","cut_at":0})");
    EXPECT_EQ(Json(Payload{"verack", sim::Bytes(2)}.Decode()), R"({"summary":"accepts the version; 2 trailing bytes","trailing_bytes":2})");
}

TEST(MessageForms, WhatWasNotReachedIsNotShownAsZero)
{
    // A count that begins before the cut may be any number.
    EXPECT_EQ(Content(Payload{"inv", Inv(300, {}).Raw(sim::Bytes(300 * 36)).Take()}.DecodeCut(1)), "");
    for (const Payload& payload : test::SamplePayloads()) {
        const auto whole = boost::json::parse(Json(payload.Decode())).as_object();
        for (std::size_t captured{0}; captured < std::min<std::size_t>(payload.bytes.size(), 200); ++captured) {
            const auto part = boost::json::parse(Json(payload.DecodeCut(captured)));
            for (const auto& item : part.as_object()) {
                if (!item.value().is_int64() || !whole.contains(item.key())) continue;
                EXPECT_EQ(item.value(), whole.at(item.key())) << payload.type << " " << captured << " " << item.key();
            }
        }
    }
}

TEST(MessageForms, WhatWasReachedIsShown)
{
    // To the byte: one less, and the field is not there.
    const Payload filterload{"filterload", Encoder{}.Var("abc").U32(11).U32(5).U8(1).Take()};
    EXPECT_EQ(Content(filterload.DecodeCut(3)), "filter=6162");
    EXPECT_EQ(Content(filterload.DecodeCut(7)), "filter=616263");
    EXPECT_EQ(Content(filterload.DecodeCut(8)), "filter=616263 hash_functions=11");
    EXPECT_EQ(Content(filterload.DecodeCut(12)), "filter=616263 hash_functions=11 tweak=5");
    EXPECT_EQ(Content(filterload.Decode()), "filter=616263 hash_functions=11 tweak=5 flags=1");
    const Payload long_filter{"filterload", Encoder{}.Var(std::string(300, 'a')).U32(11).U32(5).U8(1).Take()};
    EXPECT_EQ(Content(long_filter.DecodeCut(3 + 300 + 3)).find("hash_functions"), std::string::npos);
    EXPECT_NE(Content(long_filter.DecodeCut(3 + 300 + 4)).find("hash_functions=11"), std::string::npos);
    const Payload reject{"reject", Encoder{}.Var("tx").U8(0x41).Var("why").Take()};
    EXPECT_EQ(Content(reject.DecodeCut(3)), "message=\"tx\"");
    EXPECT_EQ(Content(reject.DecodeCut(4)), "message=\"tx\" code=65 code_name=dust");
    const Payload sendtxrcncl{"sendtxrcncl", Encoder{}.U32(1).U64(2).Take()};
    EXPECT_EQ(Content(sendtxrcncl.DecodeCut(3)), "");
    EXPECT_EQ(Content(sendtxrcncl.DecodeCut(4)), "version=1");
    const Payload getcfilters{"getcfilters", Encoder{}.U8(0).U32(7).Raw(Hash(1)).Take()};
    EXPECT_EQ(Content(getcfilters.DecodeCut(4)), "filter_type=basic");
    EXPECT_EQ(Content(getcfilters.DecodeCut(5)), "filter_type=basic start_height=7");
}

TEST(MessageForms, UnreadableTextKeepsItsBytes)
{
    const auto json = [](std::string_view agent) {
        Encoder out;
        out.U32(1).U64(0).U64(0).Raw(sim::Bytes(52)).U64(1).Var(agent);
        return boost::json::parse(Json(Payload{"version", out.Take()}.Decode())).as_object();
    };
    EXPECT_EQ(json("/a/\xff").at("user_agent_hex").as_string(), "2f612fff");
    EXPECT_EQ(json("/a/\xff").at("user_agent").as_string(), "/a/\xef\xbf\xbd");
    EXPECT_FALSE(json("/a/é").contains("user_agent_hex"));
}

TEST(MessageForms, PeersCannotPutWordsIntoOurMouth)
{
    const auto feature = [](std::string_view name) { return Summary(Payload{"feature", Encoder{}.Var(name).Var("").Take()}.Decode()); };
    EXPECT_EQ(feature("plain-word"), "plain-word 0 B");
    EXPECT_EQ(feature("two words; malformed"), "\"two words; malformed\" 0 B");
    EXPECT_EQ(feature("quote\"d"), "\"quote\\\"d\" 0 B");
    EXPECT_EQ(feature("éclair"), "\"éclair\" 0 B");
}

TEST(MessageForms, GoldenOfHostileStrings)
{
    std::string all;
    for (const Payload& payload : test::HostilePayloads()) {
        const wire::Decoded decoded{payload.Decode()};
        all += Json(decoded) + '\n' + Summary(decoded) + '\n' + Content(decoded) + '\n';
    }
    EXPECT_EQ(all, test::Golden("messages_hostile.txt", all));
    std::size_t at{0};
    for (std::size_t i{0}; i < 3 * test::HostilePayloads().size(); ++i) {
        const std::size_t end{all.find('\n', at)};
        EXPECT_TRUE(Harmless(std::string_view{all}.substr(at, end - at)));
        at = end + 1;
    }
    EXPECT_EQ(at, all.size());
}

class MessageEvents : public testing::Test {
protected:
    test::EventMaker maker;

    Event Make(const Payload& payload, std::size_t captured, std::uint16_t fault_mask = 0)
    {
        const std::string bytes{payload.bytes.begin(), payload.bytes.begin() + static_cast<std::ptrdiff_t>(captured)};
        const bool cut{captured < payload.bytes.size()};
        return maker.Make(
            id::INBOUND_MESSAGE,
            {.args = {{"msg_type", payload.type}, {"size", static_cast<std::int64_t>(payload.bytes.size())}, {"payload", bytes}},
             .fault_mask = fault_mask,
             .cut_mask = static_cast<std::uint16_t>(cut ? 1u << message_arg::PAYLOAD : 0),
             .flags = static_cast<std::uint8_t>(cut ? CT_F_POLICY : 0)});
    }
    std::string Line(const Event& event, const JsonOptions& options)
    {
        std::string out;
        AppendJson(out, event, {"main", 1}, options);
        const std::string_view after_args{std::string_view{out}.substr(out.find("\"msg_type\""))};
        return std::string{after_args};
    }
};

TEST_F(MessageEvents, DecodedStandsBesideArgs)
{
    const Payload ping{"ping", Encoder{}.U64(5).Take()};
    const PayloadBounds none{};
    const Event event{Make(ping, 8)};
    EXPECT_EQ(Line(event, {}), R"("msg_type":"ping","size":8,"payload":"0500000000000000"}})");
    EXPECT_EQ(Line(event, {.decode = Decode::Short, .shown_payload = &none}),
              R"("msg_type":"ping","size":8},"decoded":{"summary":"nonce 0000000000000005"}})");
    EXPECT_EQ(Line(event, {.decode = Decode::Full, .shown_payload = &none}),
              R"("msg_type":"ping","size":8},"decoded":{"summary":"nonce 0000000000000005","nonce":"0000000000000005"}})");
    // Not of other events.
    std::string other;
    AppendJson(other, maker.Make(id::MEMPOOL_ADDED), {}, {.decode = Decode::Full});
    EXPECT_EQ(other.find("decoded"), std::string::npos);
}

TEST_F(MessageEvents, ThePayloadIsShownAsFarAsItWasAskedFor)
{
    PayloadBounds bounds{};
    bounds[MessageTypeId("ping")] = 3;
    const Payload ping{"ping", Encoder{}.U64(5).Take()};
    EXPECT_EQ(Line(Make(ping, 8), {.shown_payload = &bounds}), R"("msg_type":"ping","size":8,"payload":"050000"}})");
    EXPECT_EQ(Line(Make({"pong", ping.bytes}, 8), {.shown_payload = &bounds}), R"("msg_type":"pong","size":8}})");
    EXPECT_EQ(Line(Make(ping, 2), {.shown_payload = &bounds}), R"("msg_type":"ping","size":8,"payload":"0500"}})");
    bounds[0] = 1;
    EXPECT_EQ(Line(Make({"nobody's", ping.bytes}, 8), {.shown_payload = &bounds}), R"("msg_type":"nobody's","size":8,"payload":"05"}})");
}

TEST_F(MessageEvents, CutUncapturedAndUnreadablePayloads)
{
    const Payload inv{"inv", Inv(2, {5, 5}).Take()};
    const PayloadBounds none{};
    const JsonOptions full{.decode = Decode::Full, .shown_payload = &none};
    EXPECT_EQ(DecodeMessage(Make(inv, 40)).status, wire::Status::Cut);
    EXPECT_EQ(DecodeMessage(Make(inv, 0)).status, wire::Status::Cut);
    EXPECT_EQ(Line(Make(inv, 0), full),
              R"("msg_type":"inv","size":73},"decoded":{"summary":"cut by us at byte 0","status":"cut","cut_at":0}})");
    EXPECT_EQ(Line(Make(inv, 0, 1u << message_arg::PAYLOAD), full), R"("msg_type":"inv","size":73,"payload":null},"faults":["payload"]})");
    // A size that could not be read, or is too small to be true.
    EXPECT_EQ(DecodeMessage(Make(inv, 73, 1u << message_arg::SIZE)).status, wire::Status::Whole);
    EXPECT_EQ(
        DecodeMessage(maker.Make(id::OUTBOUND_MESSAGE, {.args = {{"msg_type", "ping"}, {"size", 1}, {"payload", "12345678"}}})).status,
        wire::Status::Whole);
}

TEST_F(MessageEvents, IdsOfTypesAreThoseOfTheBounds)
{
    for (std::size_t i{0}; i < wire::MessageTypeNames().size(); ++i) {
        const std::string_view name{wire::MessageTypeNames()[i]};
        EXPECT_EQ(MessageTypeId(name), i) << name;
    }
    static_assert(wire::MESSAGE_TYPE_COUNT <= std::tuple_size_v<PayloadBounds>);
}

RC_GTEST_PROP(MessageFormsProperty, AlwaysOneLineOfValidJsonAndText, ())
{
    static const std::vector<Payload> SAMPLES{[] {
        std::vector<Payload> samples{test::SamplePayloads()};
        for (const Payload& hostile : test::HostilePayloads()) samples.push_back(hostile);
        for (const sim::MalformedMessage& malformed : sim::MalformedMessages())
            samples.push_back({std::string{malformed.type}, malformed.payload});
        return samples;
    }()};
    Payload payload{SAMPLES[*rc::gen::inRange<std::size_t>(0, SAMPLES.size())]};
    for (const auto& [at, value] : *rc::gen::container<std::vector<std::pair<std::uint16_t, std::uint8_t>>>(
             rc::gen::pair(rc::gen::arbitrary<std::uint16_t>(), rc::gen::arbitrary<std::uint8_t>()))) {
        if (!payload.bytes.empty()) payload.bytes[at % payload.bytes.size()] = value;
    }
    const wire::Decoded decoded{payload.DecodeCut(*rc::gen::inRange<std::size_t>(0, payload.bytes.size() + 1))};

    const std::string json{Json(decoded)};
    boost::system::error_code error;
    const auto object = boost::json::parse(json, error);
    RC_ASSERT(!error);
    RC_ASSERT(Harmless(json));
    const std::string summary{Summary(decoded)};
    RC_ASSERT(object.at("summary").as_string() == summary);
    RC_ASSERT(Harmless(summary));
    RC_ASSERT(Harmless(Content(decoded)));
    const std::string ascii{Summary(decoded, /*ascii=*/true)};
    RC_ASSERT(ascii.find("…") == std::string::npos || payload.type == "version" || payload.type == "feature" || payload.type == "reject" ||
              payload.type == "alert"); // these may quote it
}

} // namespace
} // namespace coretap::event
