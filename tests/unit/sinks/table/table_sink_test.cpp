#include "sinks/table/table_sink.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <random>
#include <span>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/event/event_fixture.h"
#include "unit/util/pipe_fixture.h"
#include "util/fd.h"
#include "util/text.h"

namespace coretap::sinks::table {
namespace {

namespace id = event::id;
using test::Change;
using test::EventMaker;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using util::Fd;

/** A file that is gone when it is closed. */
Fd TemporaryFile() { return Fd{::open(testing::TempDir().c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)}; }

std::string Content(const Fd& file)
{
    std::string text;
    char piece[1 << 16];
    off_t at{0};
    for (ssize_t n; (n = ::pread(file.Get(), piece, sizeof(piece), at)) > 0; at += n) text.append(piece, static_cast<std::size_t>(n));
    return text;
}

struct TableSinkTest : testing::Test {
    EventMaker maker;

    Layout MakeLayout(const TableOptions& options, pipeline::FilterSpec spec = {})
    {
        const auto filter = pipeline::Filter::Make(std::move(spec), maker.Catalogue());
        if (!filter) throw std::runtime_error{filter.GetError().what};
        auto layout = Layout::Make(options, maker.Catalogue(), *filter);
        if (!layout) throw std::runtime_error{layout.GetError().what};
        return std::move(*layout);
    }

    struct Run {
        std::string text;
        TableTotals totals;
        std::vector<std::string> unseen;
        std::vector<std::string> notices;
    };
    Run Export(const std::vector<event::Event>& events, const TableOptions& options, pipeline::FilterSpec spec = {})
    {
        const Fd file{TemporaryFile()};
        TableSink sink{file.Get(), MakeLayout(options, std::move(spec))};
        EXPECT_TRUE(sink.Write(events));
        EXPECT_TRUE(sink.Flush());
        return {Content(file), sink.Totals(), sink.UnseenFields(), sink.Notices()};
    }
    std::vector<event::Event> EveryRow()
    {
        std::vector<event::Event> events;
        for (const event::TracepointDef* def : maker.Catalogue().Rows()) events.push_back(maker.Make(def->id));
        return events;
    }
};

TEST_F(TableSinkTest, Golden)
{
    const Run csv{Export(EveryRow(), {})};
    EXPECT_EQ(csv.text, test::Golden("table.csv", csv.text));
    EXPECT_EQ(csv.totals.events, csv.totals.rows);
    EXPECT_EQ(csv.totals.rows + 1, static_cast<std::size_t>(std::ranges::count(csv.text, '\n')));
    const TableOptions some{.format = Format::JsonLines,
                            .fields = {"ts", "mono_ns", "event", "args.peer_id", "txid", "fee", "success", "faults"}};
    const Run jsonl{Export(EveryRow(), some)};
    EXPECT_EQ(jsonl.text, test::Golden("table.jsonl", jsonl.text));
    EXPECT_THAT(jsonl.unseen, ElementsAre("faults"));
    EXPECT_THAT(jsonl.notices, testing::Contains("no exported event had the field 'faults'"));
}

TEST_F(TableSinkTest, WholeEventsAreTheLogsJson)
{
    const std::vector<event::Event> events{EveryRow()};
    const Run run{Export(events, {.format = Format::JsonLines})};
    std::string expected;
    pipeline::NodeNames nodes;
    for (const event::Event& event : events) {
        nodes.Observe(event);
        event::AppendJson(expected, event, nodes.Find(event));
        expected += '\n';
    }
    EXPECT_EQ(run.text, expected);
    EXPECT_EQ(run.totals.rows, events.size()); // coretap's own too
    EXPECT_EQ(run.totals.events, events.size() - 3);
}

TEST_F(TableSinkTest, AHeaderEvenOfNothing)
{
    EXPECT_EQ(Export({}, {}, {.only = {"mempool:added"}}).text, "ts,event,node,txid,vsize,fee\n");
    EXPECT_EQ(Export({}, {.format = Format::JsonLines, .fields = {"ts"}}).text, "");
    EXPECT_THAT(Export({}, {.fields = {"faults"}}).notices, IsEmpty());
}

TEST_F(TableSinkTest, AbsentNullEmptyAreTold)
{
    const std::vector<event::Event> events{maker.Make(id::MEMPOOL_REJECTED, {.args = {{"reason", ""}}}),
                                           maker.Make(id::MEMPOOL_REJECTED, {.fault_mask = 0b10}), maker.Make(id::MEMPOOL_ADDED)};
    EXPECT_EQ(Export(events, {.fields = {"reason", "node", "faults"}}).text, "reason,node,faults\n\"\",,\n,,\"[\"\"reason\"\"]\"\n,,\n");
    EXPECT_EQ(Export(events, {.format = Format::JsonLines, .fields = {"reason", "faults"}}).text,
              "{\"reason\":\"\",\"faults\":null}\n{\"reason\":null,\"faults\":[\"reason\"]}\n{\"reason\":null,\"faults\":null}\n");
    // a table of one column has no empty lines
    EXPECT_EQ(Export(events, {.fields = {"reason"}}).text, "reason\n\"\"\n\"\"\n\"\"\n");
}

TEST_F(TableSinkTest, IntegersOf64BitsAreExact)
{
    const std::vector<event::Event> events{
        maker.Make(id::UTXOCACHE_FLUSH, {.args = {{"duration", INT64_MIN}, {"coins", -1}}, .ts_ns = (1ULL << 63) + 1})};
    EXPECT_EQ(Export(events, {.fields = {"mono_ns", "duration", "coins"}}).text,
              "mono_ns,duration,coins\n9223372036854775809,-9223372036854775808,18446744073709551615\n");
}

TEST_F(TableSinkTest, EachElementIsARow)
{
    const std::vector<event::Event> events{maker.Make(id::MISBEHAVING_CONNECTION, {.fault_mask = 0b11}),
                                           maker.Make(id::MISBEHAVING_CONNECTION), maker.Make(id::MEMPOOL_ADDED, {.fault_mask = 0b100})};
    const Run run{Export(events, {.fields = {"event", "each"}, .each = "faults"})};
    EXPECT_EQ(run.text, "event,each\nnet:misbehaving_connection,peer_id\nnet:misbehaving_connection,reason\nmempool:added,fee\n");
    EXPECT_EQ(run.totals.rows, 3U);
    EXPECT_EQ(run.totals.events, 3U);
    EXPECT_EQ(run.totals.without_each, 1U);
    EXPECT_THAT(run.notices, ElementsAre("1 of 3 events had no array faults and no row"));
}

/** The payload of an inv: two wtx, hashes of one byte over and over. */
std::string InvPayload()
{
    return std::string{"\2\5\0\0\0", 5} + std::string(32, '\xab') + std::string{"\5\0\0\0", 4} + std::string(32, '\x01');
}

TEST_F(TableSinkTest, DecodedMessages)
{
    const std::string payload{InvPayload()};
    const auto size = static_cast<std::int64_t>(payload.size());
    const std::vector<event::Event> events{
        maker.Make(id::INBOUND_MESSAGE, {.args = {{"payload", payload}, {"size", size}}}),
        maker.Make(id::INBOUND_MESSAGE,
                   {.args = {{"payload", payload.substr(0, 60)}, {"size", size}}, .cut_mask = 1u << 5, .flags = CT_F_POLICY}),
        maker.Make(id::INBOUND_MESSAGE, {.args = {{"size", size}}, .cut_mask = 1u << 5, .flags = CT_F_POLICY}),
        maker.Make(id::INBOUND_MESSAGE, {.args = {{"payload", payload.substr(0, 60)}, {"size", 60}}}),
    };
    const std::string first{"12,wtx,abababababababababababababababababababababababababababababababab\n"};
    const std::string second{"12,wtx,0101010101010101010101010101010101010101010101010101010101010101\n"};
    const Run run{Export(events, {.fields = {"peer_id", "each.type", "each.hash"}, .each = "decoded.entries"}, {.msg_types = {"inv"}})};
    // of a malformed list of fixed entries nothing is taken: its count promises more than is there
    EXPECT_EQ(run.text, "peer_id,each.type,each.hash\n" + first + second + first);
    EXPECT_EQ(run.totals.cut, 2U);
    EXPECT_EQ(run.totals.malformed, 1U);
    EXPECT_THAT(run.notices, ElementsAre("2 of 4 events are decoded only in part: the recording has not all of their payload",
                                         "1 of 4 events are decoded only as far as they make sense: the peer sent them malformed",
                                         "1 of 4 events had no array decoded.entries and no row"));
    const Run flat{Export({events[0]}, {.fields = {"decoded.count", "decoded.entries[1].type", "decoded.entries[2]", "payload"}})};
    std::string hex;
    util::AppendHex(hex, std::as_bytes(std::span{payload}));
    EXPECT_EQ(flat.text, "decoded.count,decoded.entries[1].type,decoded.entries[2],payload\n2,wtx,," + hex + "\n");
    EXPECT_THAT(Export({events[0]}, {.fields = {"event", "decoded.nonce"}}).unseen, ElementsAre("decoded.nonce"));
    EXPECT_EQ(Export({events[0]}, {.fields = {"args.size", "cut"}}).text, "args.size,cut\n73,\n");
    const Run whole{Export({events[0]}, {.format = Format::JsonLines, .whole = {.decode = event::Decode::Full}})};
    EXPECT_THAT(whole.text, testing::AllOf(HasSubstr(R"("payload":"02)"), HasSubstr(R"("decoded":{"summary":)")));
}

TEST_F(TableSinkTest, LargeEventsOneAfterTheOther)
{
    const std::vector<event::Event> events(
        60, maker.Make(id::INBOUND_MESSAGE, {.args = {{"msg_type", "x"}, {"payload", std::string(50'000, 'x')}, {"size", 50'000}}}));
    const Run run{Export(events, {.fields = {"size", "payload"}})};
    EXPECT_EQ(run.totals.rows, 60U);
    EXPECT_EQ(run.text.size(), std::string_view{"size,payload\n"}.size() + 60 * (std::string_view{"50000,\n"}.size() + 100'000));
}

TEST_F(TableSinkTest, WhatPeersWroteInAMessage)
{
    // BIP 434: an id and data, each with its length; the id has a quote, a line break and a zero in it
    const std::string payload{"\6a\"\n\0,b\0", 8};
    const std::vector<event::Event> events{
        maker.Make(id::INBOUND_MESSAGE, {.args = {{"msg_type", "feature"}, {"payload", payload}, {"size", 8}}})};
    EXPECT_EQ(Export(events, {.fields = {"decoded.feature_id", "size"}}).text, "decoded.feature_id,size\n\"a\"\"\n\xef\xbf\xbd,b\",8\n");
}

TEST_F(TableSinkTest, LossesAreNoRowsAndAreTold)
{
    const auto lost = [&](const char* tracepoint, std::int64_t count) {
        return maker.Make(id::CORETAP_LOST, {.args = {{"tracepoint", tracepoint}, {"count", count}, {"total", 99'999}}});
    };
    const std::vector<event::Event> events{lost("mempool:added", 3), maker.Make(id::MEMPOOL_ADDED), lost("net:inbound_message", 7),
                                           lost("recording", 1000),  lost("mempool:added", 4),      maker.Make(id::CORETAP_NODE_GONE)};
    const Run run{Export(events, {.fields = {"event"}}, {.only = {"mempool:added"}})};
    EXPECT_EQ(run.text, "event\nmempool:added\n");
    EXPECT_THAT(run.totals.lost, ElementsAre(testing::Pair("mempool:added", 7U), testing::Pair("recording", 1000U)));
    EXPECT_THAT(run.notices,
                ElementsAre("1,007 events are lost, up to so many rows are missing here: 'mempool:added' 7, 'recording' 1,000"));
    EXPECT_THAT(Export(events, {.fields = {"event"}}, {.only = {"validation"}}).totals.lost,
                ElementsAre(testing::Pair("recording", 1000U)));
}

TEST_F(TableSinkTest, NodesAreKnownByTheStream)
{
    const std::vector<event::Event> events{maker.Make(id::MEMPOOL_ADDED),
                                           maker.Make(id::CORETAP_NODE_FOUND, {.args = {{"label", "a,b"}, {"started_at", 77}}}),
                                           maker.Make(id::MEMPOOL_ADDED)};
    EXPECT_EQ(Export(events, {.fields = {"node", "node_started_at", "pid"}}).text, "node,node_started_at,pid\n,,1234\n\"a,b\",77,1234\n");
}

TEST_F(TableSinkTest, Spreadsheets)
{
    const std::vector<event::Event> events{
        maker.Make(id::MISBEHAVING_CONNECTION, {.args = {{"peer_id", -1}, {"reason", "=HYPERLINK(\"http://x\",\"y\")"}}})};
    EXPECT_EQ(Export(events, {.fields = {"peer_id", "reason"}}).text, "peer_id,reason\n-1,\"=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\"\n");
    EXPECT_EQ(Export(events, {.fields = {"peer_id", "reason"}, .guard_formulas = true}).text,
              "peer_id,reason\n-1,\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\"\n");
}

TEST_F(TableSinkTest, ReaderGoneDiskFull)
{
    std::signal(SIGPIPE, SIG_IGN);
    test::Pipe pipe;
    pipe.read.Reset();
    const event::Event batch[]{maker.Make(id::MEMPOOL_ADDED)};
    TableSink to_nobody{pipe.write.Get(), MakeLayout({})};
    for (int i{0}; i < 2; ++i) {
        const auto written = to_nobody.Write(batch);
        ASSERT_FALSE(written);
        EXPECT_EQ(written.GetError().sys_errno, EPIPE);
    }
    const Fd full{::open("/dev/full", O_WRONLY | O_CLOEXEC)};
    TableSink to_full{full.Get(), MakeLayout({})};
    const auto flushed = to_full.Flush(); // the header alone
    ASSERT_FALSE(flushed);
    EXPECT_EQ(flushed.GetError().sys_errno, ENOSPC);
}

/** Text as a stranger may write it: what CSV, JSON and terminals give a meaning, broken UTF-8, and anything. */
std::string HostileText(std::mt19937& random)
{
    static const std::vector<std::string> PIECES{"\"",
                                                 "\"\"",
                                                 ",",
                                                 "\n",
                                                 "\r\n",
                                                 "\r",
                                                 std::string(1, '\0'),
                                                 " ",
                                                 "\t",
                                                 "=1+1",
                                                 "'",
                                                 "\\",
                                                 "\\\"",
                                                 ";",
                                                 "\x1b[2J",
                                                 "\xff",
                                                 "\xc3",
                                                 "\xc3\xa9",
                                                 "\xe2\x80\xa8",
                                                 "\xc2\x85",
                                                 "\xed\xa0\x80",
                                                 "\xef\xbb\xbf",
                                                 "null",
                                                 "a"};
    std::string text;
    for (std::size_t n{random() % 8}; n > 0; --n) {
        if (random() % 4 == 0) {
            text += static_cast<char>(random());
        } else {
            text += PIECES[random() % PIECES.size()];
        }
    }
    return text;
}

TEST_F(TableSinkTest, PythonReadsTheSameFromCsvAsFromJson)
{
    std::mt19937 random{20261122}; // NOLINT(cert-msc51-cpp): the same every time
    std::vector<event::Event> events;
    const auto rows = maker.Catalogue().Rows();
    for (int i{0}; i < 5000; ++i) {
        const event::TracepointDef& def{*rows[random() % rows.size()]};
        Change change{.fault_mask = static_cast<std::uint16_t>(random() % 3 == 0 ? random() : 0),
                      .cut_mask = static_cast<std::uint16_t>(random() % 3 == 0 ? random() : 0)};
        for (const event::ArgDef& arg : def.args) {
            if (arg.type == event::ArgType::String || arg.type == event::ArgType::Bytes) {
                change.args[arg.name] = HostileText(random);
            } else if (arg.type != event::ArgType::Hash) {
                change.args[arg.name] = static_cast<std::int64_t>(std::uint64_t{random()} << 32 | random());
            }
        }
        events.push_back(maker.Make(def.id, change));
    }
    const auto check = [](const std::string& csv, const std::string& jsonl) {
        const Fd files[]{TemporaryFile(), TemporaryFile()};
        for (const auto& [file, text] : {std::pair{&files[0], &csv}, std::pair{&files[1], &jsonl}}) {
            if (::pwrite(file->Get(), text->data(), text->size(), 0) != static_cast<ssize_t>(text->size()))
                return std::string{"cannot write"};
        }
        const std::string command{std::string{CORETAP_PYTHON " -B " CORETAP_SOURCE_DIR "/tests/unit/sinks/table/csv_check.py"} + " /proc/" +
                                  std::to_string(::getpid()) + "/fd/" + std::to_string(files[0].Get()) + " /proc/" +
                                  std::to_string(::getpid()) + "/fd/" + std::to_string(files[1].Get())};
        FILE* python{::popen(command.c_str(), "r")};
        std::string said;
        char piece[256];
        while (std::fgets(piece, sizeof(piece), python) != nullptr) said += piece;
        if (::pclose(python) != 0) said += "failed";
        return said;
    };
    for (const std::vector<std::string>& fields :
         {std::vector<std::string>{"ts", "event", "node", "pid", "args", "cut", "faults", "peer_id", "addr", "reason", "payload", "wallet",
                                   "value", "fee"},
          std::vector<std::string>{"reason"}}) {
        const Run csv{Export(events, {.fields = fields})};
        const Run jsonl{Export(events, {.format = Format::JsonLines, .fields = fields})};
        EXPECT_GT(csv.totals.rows, 4000U);
        EXPECT_EQ(check(csv.text, jsonl.text), std::to_string(csv.totals.rows) + "\n");
        EXPECT_NE(check(csv.text + "x\n", jsonl.text), std::to_string(csv.totals.rows) + "\n"); // it can tell
    }
}

} // namespace
} // namespace coretap::sinks::table
