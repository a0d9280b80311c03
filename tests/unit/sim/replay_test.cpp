// A recording is made, and fired again: what --log-fired says is what was recorded, argument by argument.
#include "sim/replay.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "archive/part_files.h"
#include "archive/recorder.h"
#include "sim/fire_log.h"
#include "sim/options.h"
#include "sim_run.h"
#include "unit/event/event_fixture.h"

namespace coretap::sim {
namespace {

namespace id = event::id;
using test::Change;
using test::EventMaker;

class Recordings : public testing::Test {
    std::filesystem::path m_folder{std::filesystem::temp_directory_path() / fmt::format("replay_test.{}", ::getpid())};

protected:
    EventMaker m_maker;

    Recordings() { std::filesystem::create_directories(m_folder); }
    ~Recordings() override
    {
        std::error_code ignored;
        std::filesystem::remove_all(m_folder, ignored);
    }

    /** One of its events a block, so that damage takes one. */
    std::string Record(const std::string& name, const std::vector<event::Event>& events,
                       const char* session = "00112233445566778899aabbccddeeff")
    {
        std::string path{(m_folder / name).string()};
        auto files = archive::PartFiles::Single(path, true);
        EXPECT_TRUE(files) << files.GetError().what;
        archive::SessionInfo info;
        info.session_id = session;
        for (const event::TracepointDef* row : m_maker.Catalogue().Rows()) info.tracepoints.push_back({*row, CT_MODE_DELIVER});
        archive::RecorderOptions options;
        options.block_bytes = 1;
        auto recorder = archive::Recorder::Start(info, m_maker.Catalogue(), std::move(*files), options);
        EXPECT_TRUE(recorder) << recorder.GetError().what;
        for (const event::Event& event : events) {
            EXPECT_TRUE((*recorder)->Write({&event, 1}));
            EXPECT_TRUE((*recorder)->Flush());
        }
        EXPECT_TRUE((*recorder)->Finish({}));
        return path;
    }

    static Outcome Replay(std::vector<std::string_view> args)
    {
        args.insert(args.begin(), "--replay");
        return RunSim(std::move(args));
    }

    std::uint16_t AddDemo()
    {
        using event::ArgType;
        event::TracepointDef demo;
        demo.provider = "simnode";
        demo.name = "demo";
        demo.args = {{"counter", ArgType::Uint, {}, 8, 0, 0, ""},  {"number", ArgType::Int, {}, 4, 0, 0, ""},
                     {"text", ArgType::String, {}, 8, 100, 0, ""}, {"hash", ArgType::Hash, {}, 8, 0, 0, ""},
                     {"size", ArgType::Uint, {}, 8, 0, 0, ""},     {"bytes", ArgType::Bytes, {}, 8, 1000, 4, ""}};
        return (*m_maker.Catalogue().AddUser(demo))->id;
    }
};

/** What --log-fired writes of an event, if all of it came through. */
std::string Logged(const event::Event& event, std::size_t seq)
{
    std::string args;
    for (std::size_t i{0}; i < event.ArgCount(); ++i) {
        const event::ArgDef& def{event.Def().args[i]};
        const auto raw = [&event, i] {
            const auto bytes = event.Bytes(i);
            const auto* const at = reinterpret_cast<const std::uint8_t*>(bytes.data());
            return Bytes{at, at + bytes.size()};
        };
        std::string value;
        switch (def.type) {
        case event::ArgType::Int: value = std::to_string(event.Int(i)); break;
        case event::ArgType::Uint: value = std::to_string(event.Uint(i)); break;
        case event::ArgType::Bool: value = event.Uint(i) ? "true" : "false"; break;
        case event::ArgType::String: value = JsonString(event.Str(i)); break;
        case event::ArgType::Hash: {
            Bytes hash{raw()};
            std::ranges::reverse(hash);
            value = '"' + Hex(hash) + '"';
            break;
        }
        case event::ArgType::Bytes: value = '"' + Hex(raw()) + '"'; break;
        }
        args += fmt::format("{}\"{}\":{}", i ? "," : "", def.name, value);
    }
    return fmt::format("{{\"seq\":{},\"event\":\"{}\",\"args\":{{{}}}}}", seq, event.Def().FullName(), args);
}

/** From `"name":{` on to the end of that object. */
std::string Object(const std::string& json, const std::string& name)
{
    const std::size_t at{json.find('"' + name + "\":{")};
    if (at == std::string::npos) return {};
    const std::size_t from{at + name.size() + 3};
    int depth{0};
    for (std::size_t i{from}; i < json.size(); ++i) {
        depth += (json[i] == '{') - (json[i] == '}');
        if (depth == 0) return json.substr(from, i + 1 - from);
    }
    return {};
}

TEST_F(Recordings, EveryArgumentOfEveryTracepoint)
{
    AddDemo();
    std::vector<event::Event> events;
    for (const event::TracepointDef* row : m_maker.Catalogue().Rows()) {
        if (row->origin == event::Origin::Coretap || row->id == id::ADDRMAN_MOVE_TO_GOOD_2023) continue;
        Change change;
        if (row->name == "inbound_message") change.args = {{"size", 5}, {"payload", "hello"}, {"peer_id", -1}};
        if (row->name == "outbound_message") change.args = {{"size", 0}, {"payload", ""}};
        if (row->name == "demo") change.args = {{"size", 3}, {"bytes", "abc"}, {"text", "caf\xc3\xa9 \"x\""}};
        events.push_back(m_maker.Make(row->id, change));
    }
    ASSERT_EQ(events.size(), TP_COUNT);
    const std::string path{Record("every.ctap", events)};
    const Outcome outcome{Replay({path, "--speed", "max"})};
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    ASSERT_EQ(outcome.lines.size(), events.size());
    for (std::size_t i{0}; i < events.size(); ++i) EXPECT_EQ(outcome.lines[i], Logged(events[i], i));
    EXPECT_NE(outcome.out.find("\"scenario\":\"replay\""), std::string::npos);
    EXPECT_NE(outcome.out.find(fmt::format("\"recorded\":{},\"not_replayed\":{{}},\"altered\":{{}},\"damaged_bytes\":0}}", events.size())),
              std::string::npos)
        << outcome.out;
}

TEST_F(Recordings, WhatCannotBeFiredIsCounted)
{
    event::TracepointDef other;
    other.provider = "custom";
    other.name = "thing";
    other.args = {{"n", event::ArgType::Uint, {}, 8, 0, 0, ""}};
    const std::uint16_t custom{(*m_maker.Catalogue().AddUser(other))->id};
    const std::string path{Record("odd.ctap", {m_maker.Make(id::CORETAP_NODE_FOUND), m_maker.Make(id::MEMPOOL_ADDED), m_maker.Make(custom),
                                               m_maker.Make(custom), m_maker.Make(id::ADDRMAN_MOVE_TO_GOOD_2023)})};
    const Outcome outcome{Replay({path, "--speed", "max"})};
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    ASSERT_EQ(outcome.lines.size(), 1u);
    EXPECT_EQ(outcome.Event(0), "mempool:added");
    EXPECT_EQ(Object(outcome.out, "not_replayed"),
              R"({"addrman:move_to_good":{"other arguments here":1},)"
              R"("coretap:node_found":{"coretap's own":1},"custom:thing":{"no such tracepoint here":2}})");
    EXPECT_NE(outcome.out.find("\"recorded\":5,"), std::string::npos) << outcome.out;
    EXPECT_NE(outcome.err.find("2 not replayed: custom:thing, no such tracepoint here\n"), std::string::npos) << outcome.err;
}

TEST_F(Recordings, WhatWasNotCapturedIsAsLongAndFaultsAgain)
{
    const auto message = [this](std::uint16_t faults, std::uint16_t cut, std::int64_t size, std::string payload) {
        Change change;
        change.args = {{"size", size}, {"payload", std::move(payload)}};
        change.fault_mask = faults;
        change.cut_mask = cut;
        if (faults & 1 << event::message_arg::ADDR) change.args["addr"] = "";
        return m_maker.Make(id::INBOUND_MESSAGE, change);
    };
    constexpr std::uint16_t PAYLOAD{1 << event::message_arg::PAYLOAD}, ADDR{1 << event::message_arg::ADDR};
    const std::string path{Record("cut.ctap", {
                                                  message(0, PAYLOAD, 6, "abc"),
                                                  message(0, PAYLOAD, 5, "x"), // what was there before must not show
                                                  message(PAYLOAD, 0, 9, ""),
                                                  message(ADDR, 0, 2, "hi"),
                                                  message(0, ADDR, 2, "hi"),
                                                  message(0, PAYLOAD, 5'000'000'000, "no message is that long"),
                                              })};
    const Outcome outcome{Replay({path, "--speed", "max"})};
    ASSERT_EQ(outcome.lines.size(), 6u) << outcome.err;
    const auto field = [&outcome](std::size_t line, const char* name) { return Outcome::Field(outcome.lines[line], name); };
    EXPECT_EQ(field(0, "payload"), "616263000000");
    EXPECT_EQ(field(1, "payload"), "7800000000");
    EXPECT_EQ(field(2, "payload"), "null");
    EXPECT_EQ(field(2, "size"), "9");
    EXPECT_EQ(field(3, "addr"), "null");
    EXPECT_EQ(field(3, "payload"), "6869");
    EXPECT_EQ(field(4, "addr"), "203.0.113.7:8333~");
    EXPECT_EQ(field(5, "size"), "5000000000");
    EXPECT_EQ(field(5, "payload"), "null") << "there is an end to the zeros";
    EXPECT_EQ(Object(outcome.out, "altered"), R"({"net:inbound_message":{"cut payloads":3,"cut strings":1,"unreadable arguments":2}})");
    EXPECT_EQ(Object(outcome.out, "not_replayed"), "{}");
}

TEST_F(Recordings, DamageIsSkippedAndTold)
{
    std::vector<event::Event> events;
    for (std::int64_t i{0}; i < 9; ++i) events.push_back(m_maker.Make(id::MEMPOOL_ADDED, {.args = {{"fee", i}}}));
    const std::string path{Record("damaged.ctap", events)};
    const auto size = std::filesystem::file_size(path);
    std::string bytes(size, '\0');
    std::ifstream{path, std::ios::binary}.read(bytes.data(), static_cast<std::streamsize>(size));
    std::vector<std::size_t> blocks;
    for (std::size_t at{bytes.find("CTAP")}; at != std::string::npos; at = bytes.find("CTAP", at + 1)) blocks.push_back(at - 1);
    // the session's twice, one an event, two for the end
    ASSERT_EQ(blocks.size(), 2 + events.size() + 2);
    bytes[blocks[5] + 100] ^= 0x55;
    std::ofstream{path, std::ios::binary | std::ios::trunc} << bytes;

    const Outcome outcome{Replay({path, "--speed", "max"})};
    EXPECT_EQ(outcome.exit_code, 3) << outcome.err;
    EXPECT_EQ(outcome.lines.size(), 8u);
    EXPECT_NE(outcome.err.find("damaged at byte"), std::string::npos) << outcome.err;
    EXPECT_EQ(outcome.out.find("\"damaged_bytes\":0"), std::string::npos) << outcome.out;
    EXPECT_NE(outcome.out.find("\"damaged_bytes\":"), std::string::npos) << outcome.out;

    // cut off, as after a crash: not damage
    std::filesystem::resize_file(path, blocks[4] + 50);
    const Outcome torn{Replay({path, "--speed", "max"})};
    EXPECT_EQ(torn.exit_code, 0) << torn.err;
    EXPECT_EQ(torn.lines.size(), 2u);
    EXPECT_NE(torn.err.find("was not closed"), std::string::npos) << torn.err;
}

TEST_F(Recordings, SeveralAreMergedByTime)
{
    const auto at = [this](std::int64_t ms, std::uint32_t pid) {
        return m_maker.Make(id::MEMPOOL_ADDED,
                            {.args = {{"fee", ms}}, .pid = pid, .ts_ns = test::MONOTONIC_NS + static_cast<std::uint64_t>(ms) * 1'000'000});
    };
    const std::string one{Record("one.ctap", {at(1, 10), at(3, 10), at(9, 10)})};
    const std::string two{Record("two.ctap", {at(2, 10), at(4, 10), at(5, 10)}, "ffeeddccbbaa99887766554433221100")};
    const Outcome outcome{Replay({one, "--replay", two, "--rate", "0"})};
    std::vector<std::string> fees;
    for (const std::string& line : outcome.lines) fees.push_back(Outcome::Field(line, "fee"));
    EXPECT_EQ(fees, (std::vector<std::string>{"1", "2", "3", "4", "5", "9"})) << outcome.err;
    EXPECT_NE(outcome.err.find("of 2 processes"), std::string::npos) << outcome.err;
}

TEST_F(Recordings, AtTheRecordedSpeedOrAnother)
{
    using Clock = std::chrono::steady_clock;
    const auto at = [this](std::uint64_t ms) { return m_maker.Make(id::MEMPOOL_ADDED, {.ts_ns = test::MONOTONIC_NS + ms * 1'000'000}); };
    const std::string path{Record("paced.ctap", {at(0), at(10), at(200)})};
    const auto took = [&path](std::vector<std::string_view> args) {
        args.insert(args.begin(), path);
        const auto start = Clock::now();
        EXPECT_EQ(Replay(args).lines.size(), 3u);
        return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
    };
    EXPECT_GE(took({}), 200);
    const double twice{took({"--speed", "2"})};
    EXPECT_GE(twice, 100);
    EXPECT_LT(took({"--speed", "max"}), 100);
    EXPECT_GE(took({"--rate", "20"}), 100) << "two intervals of 50 ms";
    EXPECT_EQ(Replay({path, "--count", "2", "--speed", "max"}).lines.size(), 2u);
    EXPECT_EQ(Replay({path, "--duration", "100ms"}).lines.size(), 2u);
}

TEST_F(Recordings, AnOpenDescriptor)
{
    const std::string path{Record("fd.ctap", {m_maker.Make(id::MEMPOOL_ADDED)})};
    const int fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    std::filesystem::remove(path);
    const std::string name{fmt::format("fd:{}", fd)};
    EXPECT_EQ(Replay({name, "--speed", "max"}).lines.size(), 1u);
}

TEST_F(Recordings, WhatIsNoneFails)
{
    const Outcome missing{Replay({"/nowhere/at.all"})};
    EXPECT_EQ(missing.exit_code, 1);
    EXPECT_NE(missing.err.find("/nowhere/at.all"), std::string::npos) << missing.err;
    EXPECT_EQ(missing.err.find("ready"), std::string::npos) << "nothing to attach to";
    const std::string path{Record("text", {})};
    std::ofstream{path, std::ios::trunc} << "{\"event\":\"mempool:added\"}\n";
    EXPECT_EQ(Replay({path}).exit_code, 1);
    EXPECT_EQ(Replay({"fd:x"}).exit_code, 2);
    EXPECT_EQ(Replay({path, "--threads", "2"}).exit_code, 2);
    EXPECT_EQ(Replay({path, "--repeat", "2"}).exit_code, 2);
}

TEST(ReplayOptions, WhatExcludesWhat)
{
    const auto code = [](std::vector<std::string_view> args) { return ParseOptions(args).exit_code; };
    EXPECT_EQ(code({"-replay=x", "--speed", "0.5"}), 0);
    EXPECT_EQ(code({"--replay", "x", "--rate", "10"}), 0);
    EXPECT_EQ(code({"--replay", "x", "--scenario", "every"}), 2);
    EXPECT_EQ(code({"--replay", "x", "--rate", "10", "--speed", "2"}), 2);
    EXPECT_EQ(code({"--speed", "2"}), 2);
    for (const std::string_view wrong : {"0", "-1", "fast", "nan", "2x"}) EXPECT_EQ(code({"--replay", "x", "--speed", wrong}), 2) << wrong;
}

} // namespace
} // namespace coretap::sim
