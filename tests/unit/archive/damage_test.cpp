// Recordings that are cut, changed, joined, or were never any: nothing that is sound is lost, nothing that is lost is silent.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "archive/file_reader.h"
#include "archive/format.h"
#include "archive/inspect.h"
#include "archive/json_read.h"
#include "archive/session_json.h"
#include "unit/archive/archive_fixture.h"

namespace coretap::archive {
namespace {

using namespace test;
using event::Event;
using testing::HasSubstr;

/** A recording of a few small blocks, its events by block, and where its blocks are. */
struct Small {
    struct BlockPlace {
        std::uint64_t at;
        std::uint64_t size;
        BlockType type;
        std::uint32_t records;
    };
    Folder folder;
    mutable EventMaker maker;
    std::vector<std::vector<Seen>> blocks; //!< events of each Records block
    std::vector<BlockPlace> places;
    std::string bytes;
    std::filesystem::path path{folder / "small.ctap"};

    explicit Small(std::size_t block_count = 3, char id = 'a', std::uint64_t first_ts = MONOTONIC_NS)
    {
        // few rows, so that the session's blocks are small
        SessionInfo info{MakeSession(maker.Catalogue(), id)};
        info.tracepoints.resize(2);
        auto files{PartFiles::Single(path, false)};
        EXPECT_TRUE(files);
        auto recorder{Recorder::Start(info, maker.Catalogue(), std::move(*files), {})};
        EXPECT_TRUE(recorder);
        std::uint64_t ts{first_ts};
        for (std::size_t block{0}; block < block_count; ++block) {
            std::vector<Event> events;
            for (std::size_t i{0}; i < 2 + block; ++i) {
                events.push_back(maker.Make(event::id::INBOUND_MESSAGE, {.args = {{"peer_id", static_cast<std::int64_t>(10 * block + i)},
                                                                                  {"payload", "payload " + std::to_string(i)}},
                                                                         .ts_ns = ts++}));
            }
            blocks.push_back(SeeAll(events));
            EXPECT_TRUE((*recorder)->Write(events));
            EXPECT_TRUE((*recorder)->Flush());
        }
        EXPECT_TRUE((*recorder)->Finish({}));
        bytes = ReadFile(path);
        for (std::size_t at{0}; at < bytes.size();) {
            const auto header{DecodeHeader(std::as_bytes(std::span{bytes}).subspan(at))};
            if (!header) std::abort();
            places.push_back({at, header->BlockSize(), header->type, header->records});
            at += header->BlockSize();
        }
    }

    /** What must come out when the byte range is not as it was. */
    std::vector<Seen> Sound(std::uint64_t from, std::uint64_t to) const
    {
        std::vector<Seen> sound;
        std::size_t block{0};
        for (const BlockPlace& place : places) {
            if (place.type != BlockType::Records) continue;
            const std::vector<Seen>& events{blocks[block++]};
            if (place.at + place.size <= from || place.at >= to) sound.insert(sound.end(), events.begin(), events.end());
        }
        return sound;
    }
    std::vector<Seen> All() const { return Sound(0, 0); }
};

/** The same without threads. */
std::vector<Seen> ReadSeen(const std::filesystem::path& path)
{
    static const event::Catalogue CATALOGUE;
    std::vector<Seen> seen;
    auto file{FileReader::Open(path)};
    if (!file) return seen;
    for (;;) {
        const auto step{file->Next()};
        if (!step || *step == FileReader::Step::End) return seen;
        if (*step != FileReader::Step::Records) continue;
        pipeline::Batch batch;
        batch.bytes = file->Records();
        batch.utc_offset_ns = file->Header().utc_offset_ns;
        std::vector<Event> events;
        EXPECT_EQ(pipeline::ParseBatch(batch, CATALOGUE, events), 0U);
        for (const Event& event : events) seen.push_back(See(event));
    }
}

TEST(Damage, CutAnywhere)
{
    const Small small;
    const auto cut_path{small.folder / "cut.ctap"};
    for (std::size_t size{0}; size < small.bytes.size(); ++size) {
        SCOPED_TRACE(size);
        WriteFile(cut_path, std::string_view{small.bytes}.substr(0, size));
        ASSERT_EQ(ReadSeen(cut_path), size < small.places[0].size ? std::vector<Seen>{} : small.Sound(size, small.bytes.size()));
        const bool at_edge{
            std::ranges::any_of(small.places, [size](const auto& place) { return size + 1 >= place.at && size <= place.at + 1; })};
        if (size % 17 != 0 && !at_edge) continue; // the rest takes its time
        const Replayed replayed{Replay({cut_path})};
        const auto summary{Inspect(cut_path, true)};
        if (size < small.places[0].size) { // not one block is whole
            EXPECT_NE(replayed.error, "");
            EXPECT_FALSE(summary);
            continue;
        }
        ASSERT_EQ(replayed.error, "");
        ASSERT_EQ(replayed.events, small.Sound(size, small.bytes.size()));
        ASSERT_TRUE(summary);
        EXPECT_FALSE(summary->ended_well);
        ASSERT_EQ(summary->events, replayed.events.size());
        ASSERT_EQ(replayed.notices.size(), 1U);
        EXPECT_THAT(replayed.notices[0], HasSubstr("was not closed"));
        const bool between_blocks{std::ranges::any_of(small.places, [size](const auto& place) { return place.at == size; })};
        EXPECT_EQ(summary->damage.empty(), between_blocks);
        EXPECT_EQ(replayed.Noticed("unfinished block"), !between_blocks);
    }
}

TEST(Damage, EveryByteInTurn)
{
    const Small small;
    const auto path{small.folder / "flipped.ctap"};
    for (std::size_t at{0}; at < small.bytes.size(); ++at) {
        SCOPED_TRACE(at);
        std::string bytes{small.bytes};
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << (at % 8)));
        WriteFile(path, bytes);
        ASSERT_EQ(ReadSeen(path), small.Sound(at, at + 1));
        const auto begin{
            std::ranges::find_if(small.places, [at](const auto& place) { return at >= place.at && at < place.at + place.size; })->at};
        if (at % 17 != 0 && at - begin >= HEADER_SIZE + 2) continue; // the rest takes its time
        const Replayed replayed{Replay({path})};
        ASSERT_EQ(replayed.error, "");
        ASSERT_EQ(replayed.WithoutDamage(), small.Sound(at, at + 1));
        ASSERT_EQ(replayed.malformed, 0U);
        const auto summary{Inspect(path, true)};
        ASSERT_TRUE(summary);
        ASSERT_EQ(summary->damage.size(), 1U);
        const auto place{std::ranges::find_if(small.places, [at](const auto& p) { return at >= p.at && at < p.at + p.size; })};
        EXPECT_EQ(summary->damage[0].at, place->at);
        EXPECT_EQ(summary->damage[0].bytes, place->size);
        EXPECT_EQ(summary->events, replayed.WithoutDamage().size());
        // The header tells how many records are lost, unless it is the header that is damaged.
        const bool known{at >= place->at + HEADER_SIZE && place->type == BlockType::Records};
        EXPECT_EQ(summary->damage[0].records, known ? place->records : 0);
        if (place->type != BlockType::Records) continue;
        // ... in the stream, where it stood, and in the ledger
        EXPECT_TRUE(replayed.Noticed(at < place->at + HEADER_SIZE ? "no block begins there" : "checksum is wrong"));
        ASSERT_EQ(replayed.events.size(), replayed.WithoutDamage().size() + 1);
        std::uint64_t lost{0};
        for (const auto& [id, tally] : replayed.ledger.tallies) {
            lost += tally.lost[static_cast<std::size_t>(pipeline::LossReason::Damaged)];
            EXPECT_EQ(tally.fired, tally.delivered + tally.Lost());
        }
        EXPECT_EQ(lost, known ? place->records : 0);
    }
}

TEST(Damage, ThroughAPipeTheSame)
{
    const Small small;
    for (std::size_t at{0}; at < small.bytes.size(); at += 13) {
        SCOPED_TRACE(at);
        std::string bytes{small.bytes};
        bytes[at] = static_cast<char>(~bytes[at]);
        int ends[2];
        ASSERT_EQ(::pipe(ends), 0);
        ASSERT_EQ(::write(ends[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
        ::close(ends[1]);
        const Replayed replayed{Replay({"/proc/self/fd/" + std::to_string(ends[0])})};
        ::close(ends[0]);
        ASSERT_EQ(replayed.error, "");
        ASSERT_EQ(replayed.WithoutDamage(), small.Sound(at, at + 1));
    }
}

TEST(Damage, BytesMissingInTheMiddleAndBytesTooMany)
{
    const Small small{6};
    const auto path{small.folder / "mended.ctap"};
    const auto& third{small.places[4]};
    for (const std::size_t gone : {1UL, 8UL, 50UL, 96UL, 97UL, 150UL}) {
        SCOPED_TRACE(gone);
        std::string bytes{small.bytes};
        bytes.erase(third.at + 20, gone);
        WriteFile(path, bytes);
        const Replayed replayed{Replay({path})};
        ASSERT_EQ(replayed.error, "");
        ASSERT_EQ(replayed.WithoutDamage(), small.Sound(third.at + 20, third.at + 20 + gone));

        bytes = small.bytes;
        bytes.insert(third.at, std::string(gone, 'x'));
        WriteFile(path, bytes);
        const Replayed inserted{Replay({path})};
        ASSERT_EQ(inserted.error, "");
        ASSERT_EQ(inserted.WithoutDamage(), small.All());
        EXPECT_EQ(inserted.notices.size(), 1U);
    }
}

TEST(Damage, AHoleIsSaidWithItsSize)
{
    const Small small{6};
    std::string bytes{small.bytes};
    const auto &from{small.places[3]}, &to{small.places[5]};
    bytes.erase(from.at, to.at - from.at);
    const auto path{small.folder / "hole.ctap"};
    WriteFile(path, bytes);
    const Replayed replayed{Replay({path})};
    EXPECT_EQ(replayed.WithoutDamage(), small.Sound(from.at, to.at));
    EXPECT_EQ(replayed.events.size(), replayed.WithoutDamage().size() + 1);
    EXPECT_TRUE(replayed.Noticed("2 blocks are missing"));
    const auto summary{Inspect(path, true)};
    ASSERT_TRUE(summary);
    ASSERT_EQ(summary->damage.size(), 1U);
    EXPECT_EQ(summary->damage[0].blocks, 2U);
    EXPECT_EQ(summary->damage[0].bytes, 0U);
}

TEST(Damage, BothSessionBlocksLost)
{
    const Small small;
    std::string bytes{small.bytes};
    bytes[small.places[0].at + HEADER_SIZE + 5] ^= 1;
    bytes[small.places[1].at + HEADER_SIZE + 5] ^= 1;
    const auto path{small.folder / "nameless.ctap"};
    WriteFile(path, bytes);
    const Replayed replayed{Replay({path})};
    EXPECT_EQ(replayed.error, "");
    EXPECT_EQ(replayed.WithoutDamage(), small.All());
}

TEST(Joined, OneAfterTheOther)
{
    const Small a{3, 'a'}, b{2, 'b', MONOTONIC_NS + 1'000};
    const auto path{a.folder / "joined.ctap"};
    WriteFile(path, a.bytes + b.bytes);
    auto expected{a.All()};
    const auto more{b.All()};
    expected.insert(expected.end(), more.begin(), more.end());
    const Replayed replayed{Replay({path})};
    EXPECT_EQ(replayed.events, expected);
    EXPECT_THAT(replayed.notices, testing::IsEmpty());
    ASSERT_EQ(replayed.sessions.size(), 2U);
    EXPECT_EQ(replayed.events.front().origin, 1U);
    EXPECT_EQ(replayed.events.back().origin, 2U);
    for (const bool thorough : {false, true}) {
        const auto summary{Inspect(path, thorough)};
        ASSERT_TRUE(summary);
        EXPECT_EQ(summary->events, expected.size());
        EXPECT_EQ(summary->sessions.size(), 2U);
        EXPECT_EQ(summary->blocks, a.places.size() + b.places.size());
        EXPECT_TRUE(summary->ended_well);
        EXPECT_THAT(summary->damage, testing::IsEmpty());
    }
    // through a pipe as well
    const Replayed piped{[&] {
        int ends[2];
        EXPECT_EQ(::pipe(ends), 0);
        const std::string bytes{ReadFile(path)};
        EXPECT_EQ(::write(ends[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
        ::close(ends[1]);
        Replayed read{Replay({"/proc/self/fd/" + std::to_string(ends[0])})};
        ::close(ends[0]);
        return read;
    }()};
    EXPECT_EQ(piped.events, expected);
    EXPECT_EQ(piped.events.back().origin, 2U);
    EXPECT_EQ(piped.sessions.size(), 2U);
}

TEST(Joined, TheFirstIsCut)
{
    const Small a{3, 'a'}, b{2, 'b', MONOTONIC_NS + 1'000};
    const auto path{a.folder / "joined.ctap"};
    for (std::size_t size{a.places[2].at}; size < a.bytes.size(); size += 3) {
        SCOPED_TRACE(size);
        WriteFile(path, a.bytes.substr(0, size) + b.bytes);
        auto expected{a.Sound(size, a.bytes.size())};
        const auto more{b.All()};
        expected.insert(expected.end(), more.begin(), more.end());
        const Replayed replayed{Replay({path})};
        ASSERT_EQ(replayed.WithoutDamage(), expected);
        const auto summary{Inspect(path, true)};
        ASSERT_TRUE(summary);
        ASSERT_EQ(summary->events, expected.size());
    }
}

TEST(Joined, TheTailOfTheFirstIsDamagedAndTheSecondUnfinished)
{
    const Small a{3, 'a'}, b{4, 'b', MONOTONIC_NS + 1'000};
    const auto path{a.folder / "joined.ctap"};
    std::string bytes{a.bytes};
    bytes[a.places.back().at + 30] ^= 1;
    const std::uint64_t cut{b.places[4].at + 50}; // in its third block of records
    WriteFile(path, bytes + b.bytes.substr(0, cut));
    auto expected{a.All()};
    const auto more{b.Sound(cut, b.bytes.size())};
    ASSERT_FALSE(more.empty());
    expected.insert(expected.end(), more.begin(), more.end());
    EXPECT_EQ(Replay({path}).WithoutDamage(), expected);
    const auto summary{Inspect(path, true)};
    ASSERT_TRUE(summary);
    EXPECT_EQ(summary->events, expected.size());
}

TEST(Joined, MoreSessionsThanThreadsAreRefusedInWords)
{
    const Folder folder;
    EventMaker maker;
    std::string bytes;
    for (int i{0}; i < 257; ++i) {
        SessionInfo info{MakeSession(maker.Catalogue())};
        info.session_id = fmt::format("{:016x}{:016x}", i + 1, 0);
        auto files{PartFiles::Single(folder / "one", true)};
        ASSERT_TRUE(files);
        auto recorder{Recorder::Start(info, maker.Catalogue(), std::move(*files), {})};
        ASSERT_TRUE(recorder);
        ASSERT_TRUE((*recorder)->Finish({}));
        bytes += ReadFile(folder / "one");
    }
    WriteFile(folder / "joined.ctap", bytes);
    EXPECT_THAT(Replay({folder / "joined.ctap"}).error, HasSubstr("257 sessions"));
}

TEST(Damage, ANodesBlockHoldsNothingElse)
{
    const Small small;
    std::vector<std::byte> raw;
    for (const std::uint16_t id : {event::id::INBOUND_MESSAGE, event::id::CORETAP_NODE_FOUND}) {
        const auto record{EventMaker::MakeRecord(*small.maker.Catalogue().Find(id), {})};
        raw.insert(raw.end(), record.begin(), record.end());
        raw.resize((raw.size() + 7) / 8 * 8);
    }
    BlockHeader header{.type = BlockType::Nodes, .number = 5, .session = SessionTag(std::string(32, 'a'))};
    header.raw_size = header.stored_size = static_cast<std::uint32_t>(raw.size());
    header.records = 2;
    header.stored_checksum = Checksum(raw);
    const auto head = EncodeHeader(header);
    const auto path{small.folder / "nodes.ctap"};
    WriteFile(path, small.bytes.substr(0, small.places[5].at) + std::string{reinterpret_cast<const char*>(head.data()), head.size()} +
                        std::string{reinterpret_cast<const char*>(raw.data()), raw.size()});
    const Replayed replayed{Replay({path})};
    EXPECT_EQ(replayed.events.size(), small.All().size() + 1);
    EXPECT_EQ(replayed.events.back().name, "coretap:node_found");
}

TEST(Damage, APeerThatSendsARecordingIsNotBelieved)
{
    // The payload of a message is a whole recording of another session, in a block that is stored as it is.
    const Small fake{2, 'f'};
    const Small small;
    const auto around{EventMaker::MakeRecord(*small.maker.Catalogue().Find(0), {.args = {{"payload", fake.bytes}}})};
    std::string raw{reinterpret_cast<const char*>(around.data()), around.size()};
    raw.resize((raw.size() + 7) / 8 * 8);
    BlockHeader header{.type = BlockType::Records, .number = 5, .session = SessionTag(std::string(32, 'a'))};
    header.raw_size = header.stored_size = static_cast<std::uint32_t>(raw.size());
    header.records = 1;
    header.utc_offset_ns = 1;
    header.stored_checksum = Checksum(std::as_bytes(std::span{raw}));
    const auto block = [&](std::uint32_t number) {
        header.number = number;
        const auto bytes = EncodeHeader(header);
        return std::string{reinterpret_cast<const char*>(bytes.data()), bytes.size()} + raw;
    };
    std::string bytes{small.bytes.substr(0, small.places[5].at) + block(5) + block(6)};
    const auto path{small.folder / "fake.ctap"};
    WriteFile(path, bytes);
    EXPECT_EQ(Replay({path}).events.size(), small.All().size() + 2);
    for (const std::size_t damaged : {small.places[5].at + 5, small.places[5].at + HEADER_SIZE + 5}) { // its header, its bytes
        std::string flipped{bytes};
        flipped[damaged] ^= 1;
        WriteFile(path, flipped);
        const Replayed replayed{Replay({path})};
        EXPECT_EQ(replayed.sessions.size(), 1U);
        EXPECT_EQ(replayed.WithoutDamage().size(), small.All().size() + 1);
    }
}

TEST(Damage, HeadersThatLeadNowhereAreFollowedOnce)
{
    // In what is damaged somebody has put header after header of a session of his own, which end in nothing.
    const Small small;
    std::string bytes{small.bytes.substr(0, small.places[3].at) + "damaged"};
    constexpr std::uint32_t MANY{60'000};
    for (std::uint32_t i{0}; i < MANY; ++i) {
        const auto header = EncodeHeader({.number = i, .session = SessionTag(std::string(32, 'f'))});
        bytes.append(reinterpret_cast<const char*>(header.data()), header.size());
    }
    bytes.append(2 * HEADER_SIZE, '\0');
    const auto path{small.folder / "many.ctap"};
    WriteFile(path, bytes);
    const auto start{std::chrono::steady_clock::now()};
    const auto summary{Inspect(path, true)};
    ASSERT_TRUE(summary);
    EXPECT_EQ(summary->damage.size(), 1U);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds{60}); // each from each: many minutes
}

TEST(Damage, BlocksWithinBlocksAreNotReadOverAndOver)
{
    // Whoever makes the file knows its session: header after header, each of a block to the end of the file, all with a wrong checksum.
    const Small small;
    std::string bytes{small.bytes.substr(0, small.places[3].at)};
    constexpr std::uint32_t MANY{100'000};
    for (std::uint32_t i{0}; i < MANY; ++i) {
        BlockHeader header{.type = BlockType::Records, .number = 3 + i, .session = SessionTag(std::string(32, 'a'))};
        header.raw_size = header.stored_size = static_cast<std::uint32_t>((MANY - 1 - i) * HEADER_SIZE);
        header.records = 1;
        header.stored_checksum = 1;
        const auto encoded = EncodeHeader(header);
        bytes.append(reinterpret_cast<const char*>(encoded.data()), encoded.size());
    }
    const auto path{small.folder / "within.ctap"};
    WriteFile(path, bytes);
    const auto start{std::chrono::steady_clock::now()};
    const auto summary{Inspect(path, true)};
    ASSERT_TRUE(summary);
    EXPECT_EQ(summary->events, 2U);                                                // of the block before
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds{10}); // each to its end: a minute
}

TEST(Damage, JsonThatWouldFillTheMemoryIsNotRead)
{
    std::string ones{"1"};
    for (std::size_t i{0}; i < Document::MOST_BYTES / 16; ++i) ones += ",1";
    const std::string head{R"({"session_id":")" + std::string(32, 'a') + R"(","part":1)"};
    EXPECT_TRUE(SessionFromJson(head + "}"));
    EXPECT_TRUE(SessionFromJson(head + R"(,"x":[1,1]})"));
    EXPECT_FALSE(SessionFromJson(head + R"(,"x":[)" + ones + "]}"));
}

TEST(Damage, ARangeTellsOfItOnce)
{
    const Small small{5};
    std::string flipped{small.bytes};
    for (const std::size_t block : {3, 4}) { // next to each other
        ASSERT_EQ(small.places[block].type, BlockType::Records);
        flipped[small.places[block].at + 3] ^= 1; // in the magic
    }
    const auto path{small.folder / "two.ctap"};
    WriteFile(path, flipped);
    const auto all{Replay({path})};
    const auto range{Replay({path}, {.since_utc_ns = UTC_NS - 1'000'000'000})};
    EXPECT_EQ(range.WithoutDamage(), all.WithoutDamage());
    EXPECT_EQ(range.notices, all.notices);
}

struct NoRecording {
    const char* name;
    std::string bytes;
    const char* says;
};

class Refused : public testing::TestWithParam<NoRecording> {};

TEST_P(Refused, WithWhatItLooksLike)
{
    const Folder folder;
    WriteFile(folder / "x", GetParam().bytes);
    const auto opened{FileReader::Open(folder / "x")};
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.GetError().code, util::Errc::Malformed);
    EXPECT_THAT(opened.GetError().what, HasSubstr(GetParam().says));
    EXPECT_THAT(opened.GetError().what, HasSubstr((folder / "x").string()));
    EXPECT_THAT(Replay({folder / "x"}).error, HasSubstr(GetParam().says));
    EXPECT_FALSE(Inspect(folder / "x", false));
}

INSTANTIATE_TEST_SUITE_P(Damage, Refused,
                         testing::Values(NoRecording{"empty", "", "is empty"}, NoRecording{"gzip", "\x1f\x8b\x08 something", "gzip"},
                                         NoRecording{"json", "{\"ts\":\"2026\"}\n", "log --json"},
                                         NoRecording{"text", "hello\nworld\n", "text"},
                                         NoRecording{"zeros", std::string(100'000, '\0'), "zeros"},
                                         NoRecording{"elf", std::string{"\x7f"} + "ELF" + std::string(900'000, 'x'), "program"},
                                         NoRecording{"magic_only",
                                                     "\x89"
                                                     "CTAP\r\n\x1a",
                                                     "begins like a recording"},
                                         NoRecording{"noise", std::string{"\x01\x02\x03\xff\xfe"}, "unknown"}),
                         [](const auto& suite_info) { return suite_info.param.name; });

TEST(Newer, FormatAndRecordsAreRefusedInWords)
{
    const Small small;
    const auto path{small.folder / "newer.ctap"};
    auto header{*DecodeHeader(std::as_bytes(std::span{small.bytes}))};
    header.version = FORMAT_VERSION + 1;
    const auto encoded = EncodeHeader(header);
    std::string bytes{small.bytes};
    bytes.replace(0, encoded.size(), reinterpret_cast<const char*>(encoded.data()), encoded.size());
    WriteFile(path, bytes);
    EXPECT_THAT(Replay({path}).error, HasSubstr("recorded by a newer coretap (format version 2); this one reads up to version 1"));

    // the same further on: what was joined to it
    WriteFile(path, small.bytes + bytes);
    const Replayed joined{Replay({path})};
    EXPECT_THAT(joined.error, HasSubstr("newer coretap"));

    // records of a newer kind
    const std::string json{
        R"({"session_id":"0123456789abcdef0123456789abcdef","part":1,"coretap_version":"9.9","abi_version":2,"tracepoints":[]})"};
    BlockHeader session{.type = BlockType::Session,
                        .session = SessionTag("0123456789abcdef"),
                        .stored_size = static_cast<std::uint32_t>(json.size()),
                        .raw_size = static_cast<std::uint32_t>(json.size())};
    session.stored_checksum = Checksum(std::as_bytes(std::span{json}));
    const auto session_bytes = EncodeHeader(session);
    WriteFile(path, std::string{reinterpret_cast<const char*>(session_bytes.data()), session_bytes.size()} + json);
    EXPECT_THAT(Replay({path}).error, HasSubstr("recorded by a newer coretap (9.9, records of version 2)"));
}

TEST(Missing, AndDirectories)
{
    const Folder folder;
    const auto missing{FileReader::Open(folder / "none.ctap")};
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.GetError().code, util::Errc::NotFound);
    const auto directory{FileReader::Open(folder.Path())};
    ASSERT_FALSE(directory);
    EXPECT_THAT(directory.GetError().what, HasSubstr("directory"));
}

} // namespace
} // namespace coretap::archive
