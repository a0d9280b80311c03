// What is recorded comes out again, byte by byte.
#include <gmock/gmock.h>

#include "unit/archive/archive_fixture.h"

namespace coretap::archive {
namespace {

using namespace test;
using event::Event;

event::TracepointDef UserRow(const char* provider, const char* name)
{
    event::TracepointDef def;
    def.provider = provider;
    def.name = name;
    def.args.push_back({"number", event::ArgType::Int, event::Unit::Count, 8, 0, 0, "a number"});
    def.args.push_back({"text", event::ArgType::String, event::Unit::None, 8, 64, 0, "a text"});
    return def;
}

TEST(RoundTrip, EveryRow)
{
    const Folder folder;
    EventMaker maker;
    std::vector<Event> events;
    std::uint64_t ts{MONOTONIC_NS};
    for (const event::TracepointDef* def : maker.Catalogue().Rows())
        events.push_back(maker.Make(def->id, {.fault_mask = 1, .cut_mask = 2, .ts_ns = ts++}));
    Record(maker.Catalogue(), folder / "a.ctap", events);
    const Replayed replayed{Replay({folder / "a.ctap"})};
    EXPECT_EQ(replayed.error, "");
    EXPECT_EQ(replayed.malformed, 0U);
    EXPECT_EQ(replayed.events, SeeAll(events));
    EXPECT_THAT(replayed.notices, testing::IsEmpty());
    ASSERT_EQ(replayed.sessions.size(), 1U);
    const SessionInfo& info{replayed.sessions[0]};
    const SessionInfo made{MakeSession(maker.Catalogue())};
    EXPECT_EQ(info.session_id, made.session_id);
    EXPECT_EQ(info.host, made.host);
    EXPECT_EQ(info.boot_id, made.boot_id);
    EXPECT_EQ(info.filter, made.filter);
    EXPECT_EQ(info.snap, made.snap);
    EXPECT_EQ(info.started_at_utc_ns, made.started_at_utc_ns);
    EXPECT_EQ(info.utc_offset_ns, made.utc_offset_ns);
    EXPECT_EQ(info.coretap_version, made.coretap_version);
    ASSERT_EQ(info.tracepoints.size(), made.tracepoints.size());
    for (std::size_t i{0}; i < made.tracepoints.size(); ++i) {
        const event::TracepointDef &a{info.tracepoints[i].def}, &b{made.tracepoints[i].def};
        EXPECT_EQ(a.id, b.id);
        EXPECT_EQ(a.FullName(), b.FullName());
        EXPECT_EQ(a.origin, b.origin);
        EXPECT_EQ(a.handler, b.handler);
        EXPECT_EQ(a.doc, b.doc);
        EXPECT_EQ(a.since, b.since);
        EXPECT_EQ(a.on_by_default, b.on_by_default);
        EXPECT_EQ(info.tracepoints[i].mode, made.tracepoints[i].mode);
        ASSERT_EQ(a.args.size(), b.args.size());
        for (std::size_t arg{0}; arg < a.args.size(); ++arg) {
            EXPECT_EQ(a.args[arg].name, b.args[arg].name);
            EXPECT_EQ(a.args[arg].type, b.args[arg].type);
            EXPECT_EQ(a.args[arg].unit, b.args[arg].unit);
            EXPECT_EQ(a.args[arg].size, b.args[arg].size);
            EXPECT_EQ(a.args[arg].bound, b.args[arg].bound);
            EXPECT_EQ(a.args[arg].length_arg, b.args[arg].length_arg);
            EXPECT_EQ(a.args[arg].doc, b.args[arg].doc);
        }
    }
}

TEST(RoundTrip, Nothing)
{
    const Folder folder;
    const event::Catalogue catalogue;
    Record(catalogue, folder / "a.ctap", {});
    const Replayed replayed{Replay({folder / "a.ctap"})};
    EXPECT_EQ(replayed.error, "");
    EXPECT_THAT(replayed.events, testing::IsEmpty());
    EXPECT_THAT(replayed.notices, testing::IsEmpty());
    EXPECT_EQ(replayed.sessions.size(), 1U);
}

TEST(RoundTrip, LargestPayloads)
{
    const Folder folder;
    EventMaker maker;
    std::vector<Event> events;
    for (int i{0}; i < 5; ++i) {
        std::string payload(CT_MAX_PAYLOAD, static_cast<char>('a' + i));
        for (std::size_t at{0}; at < payload.size(); at += 7) payload[at] = static_cast<char>(at * 2654435761U >> 13);
        events.push_back(
            maker.Make(event::id::INBOUND_MESSAGE, {.args = {{"msg_type", "block"}, {"size", CT_MAX_PAYLOAD}, {"payload", payload}},
                                                    .ts_ns = MONOTONIC_NS + static_cast<std::uint64_t>(i)}));
    }
    Record(maker.Catalogue(), folder / "a.ctap", events, 2);
    const Replayed replayed{Replay({folder / "a.ctap"})};
    EXPECT_EQ(replayed.error, "");
    EXPECT_TRUE(replayed.events == SeeAll(events));
}

TEST(RoundTrip, ManySmallOnesOverManyBlocks)
{
    const Folder folder;
    EventMaker maker;
    std::vector<Event> events;
    for (int i{0}; i < 50'000; ++i) {
        events.push_back(maker.Make(static_cast<std::uint16_t>(i % 23),
                                    {.args = {{"peer_id", i % 91}}, .ts_ns = MONOTONIC_NS + static_cast<std::uint64_t>(i)}));
    }
    const auto recorder{StartRecorder(maker.Catalogue(), folder / "a.ctap", {.block_bytes = 64 << 10})};
    for (std::size_t at{0}; at < events.size(); at += 1'000) ASSERT_TRUE(recorder->Write(std::span{events}.subspan(at, 1'000)));
    pipeline::Ledger ledger;
    ledger.tallies[0].fired = 77;
    ASSERT_TRUE(recorder->Finish(ledger));
    EXPECT_EQ(recorder->Totals().events, events.size());
    EXPECT_EQ(recorder->Totals().file_bytes, std::filesystem::file_size(folder / "a.ctap"));
    EXPECT_LT(recorder->Totals().file_bytes, recorder->Totals().record_bytes / 2);
    const Replayed replayed{Replay({folder / "a.ctap"})};
    EXPECT_EQ(replayed.error, "");
    EXPECT_TRUE(replayed.events == SeeAll(events));
    std::uint64_t delivered{0};
    for (const auto& [id, tally] : replayed.ledger.tallies) {
        EXPECT_EQ(tally.fired, tally.delivered);
        delivered += tally.delivered;
    }
    EXPECT_EQ(delivered, events.size());
}

TEST(RoundTrip, TheClockIsSet)
{
    const Folder folder;
    event::Catalogue catalogue;
    std::vector<std::vector<std::byte>> records;
    std::vector<Event> events;
    for (int i{0}; i < 30; ++i) {
        records.push_back(EventMaker::MakeRecord(*catalogue.Find(0), {.ts_ns = MONOTONIC_NS + static_cast<std::uint64_t>(i)}));
        const std::int64_t offset{i < 10 ? 1'000 : i < 20 ? -5'000'000'000 : 3'600'000'000'000};
        events.push_back(*event::ParseRecord(records.back(), catalogue, offset));
    }
    Record(catalogue, folder / "a.ctap", events, 7);
    const Replayed replayed{Replay({folder / "a.ctap"})};
    EXPECT_EQ(replayed.events, SeeAll(events));
}

TEST(RoundTrip, RowsOfOthersGetIdsHere)
{
    const Folder folder;
    EventMaker maker;
    ASSERT_TRUE(maker.Catalogue().AddUser(UserRow("patched", "one")));
    const auto two{maker.Catalogue().AddUser(UserRow("patched", "two"))};
    ASSERT_TRUE(two);
    const std::vector<Event> events{maker.Make((*two)->id, {.args = {{"number", 5}, {"text", "hello"}}}), maker.Make(0)};
    Record(maker.Catalogue(), folder / "a.ctap", events);

    // Here `one` has another form, and `two` comes to have another id.
    event::Catalogue other;
    auto different{UserRow("patched", "one")};
    different.args[0].type = event::ArgType::Uint;
    const auto own{other.AddUser(different)};
    ASSERT_TRUE(own);
    auto source{ReplaySource::Open({folder / "a.ctap"}, other, {}, {})};
    ASSERT_TRUE(source);
    pipeline::Batch batch;
    std::vector<Event> read;
    ASSERT_EQ(*(*source)->Pull(batch, std::chrono::seconds{5}), pipeline::Source::Step::Ready);
    EXPECT_EQ(pipeline::ParseBatch(batch, other, read), 0U);
    ASSERT_EQ(read.size(), 2U);
    EXPECT_EQ(read[0].Def().FullName(), "patched:two");
    EXPECT_NE(read[0].Id(), (*two)->id);
    EXPECT_EQ(read[0].Int(0), 5);
    EXPECT_EQ(read[0].Str(1), "hello");
    EXPECT_EQ(read[1].Id(), 0);
    EXPECT_EQ(other.FindAll("patched", "one").size(), 2U);
    EXPECT_EQ(other.FindAll("patched", "one")[0], *own);
    EXPECT_EQ(other.FindAll("patched", "two").size(), 1U);

    // Again, and no row is added twice.
    const std::size_t rows{other.Rows().size()};
    ASSERT_TRUE(ReplaySource::Open({folder / "a.ctap"}, other, {}, {}));
    EXPECT_EQ(other.Rows().size(), rows);
}

TEST(RoundTrip, OneSessionARecording)
{
    const Folder folder;
    EventMaker maker;
    const auto recorder{StartRecorder(maker.Catalogue(), folder / "a.ctap")};
    const std::vector<Event> events{maker.Make(0, {.origin = 1}), maker.Make(0, {.origin = 2})};
    const auto written{recorder->Write(events)};
    ASSERT_FALSE(written);
    EXPECT_EQ(written.GetError().code, util::Errc::Usage);
}

} // namespace
} // namespace coretap::archive
