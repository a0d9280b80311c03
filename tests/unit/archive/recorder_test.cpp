// The recorder on bad days: slow readers, full disks, kills; and on long ones: parts.
#include <atomic>
#include <csignal>
#include <thread>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "archive/inspect.h"
#include "archive/part_writer.h"
#include "unit/archive/archive_fixture.h"

namespace coretap::archive {
namespace {

using namespace test;
using event::Event;
using pipeline::LossReason;
using testing::HasSubstr;

std::string Noise(std::size_t size)
{
    std::string noise;
    static std::uint32_t state{1};
    while (noise.size() < size) noise += static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
    return noise;
}

/** A kilobyte each that does not compress. */
std::vector<Event> Incompressible(EventMaker& maker, std::size_t count, std::uint64_t first_ts = MONOTONIC_NS)
{
    std::vector<Event> events;
    for (std::size_t i{0}; i < count; ++i)
        events.push_back(maker.Make(event::id::INBOUND_MESSAGE, {.args = {{"payload", Noise(1'000)}}, .ts_ns = first_ts + i}));
    return events;
}

std::vector<Seen> Joined(std::vector<Seen> a, const std::vector<Seen>& b)
{
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

/** Parts in a folder, without a keeper. */
class FolderParts final : public PartFiles {
    std::filesystem::path m_stem;

public:
    explicit FolderParts(std::filesystem::path stem) : m_stem{std::move(stem)} {}
    util::Result<util::Fd> Open(std::uint32_t part) override
    {
        auto single{Single(Name(part), false)};
        if (!single) return single.GetError();
        return (*single)->Open(1);
    }
    std::string Name(std::uint32_t part) const override { return m_stem.string() + "." + std::to_string(part); }
};

/** One descriptor, whatever it is. */
class GivenFile final : public PartFiles {
    util::Fd m_fd;

public:
    explicit GivenFile(util::Fd fd) : m_fd{std::move(fd)} {}
    util::Result<util::Fd> Open(std::uint32_t) override { return std::move(m_fd); }
    std::string Name(std::uint32_t) const override { return "given"; }
};

std::unique_ptr<Recorder> RecordInto(EventMaker& maker, std::unique_ptr<PartFiles> files, RecorderOptions options)
{
    auto recorder{Recorder::Start(MakeSession(maker.Catalogue()), maker.Catalogue(), std::move(files), options)};
    if (!recorder) {
        ADD_FAILURE() << recorder.GetError().what;
        return nullptr;
    }
    return std::move(*recorder);
}

TEST(Recorder, RotatesBySizeAndEveryPartStandsAlone)
{
    const Folder folder;
    EventMaker maker;
    const Event found{maker.Make(event::id::CORETAP_NODE_FOUND, {.ts_ns = MONOTONIC_NS - 1})};
    const auto events{Incompressible(maker, 400)};
    const auto recorder{
        RecordInto(maker, std::make_unique<FolderParts>(folder / "r"), {.block_bytes = 16 << 10, .rotate_bytes = 100 << 10})};
    ASSERT_TRUE(recorder->Write({&found, 1}));
    for (std::size_t at{0}; at < events.size(); at += 10) ASSERT_TRUE(recorder->Write(std::span{events}.subspan(at, 10)));
    ASSERT_TRUE(recorder->Finish({}));
    const std::uint32_t parts{recorder->Totals().parts};
    EXPECT_GE(parts, 4U);
    EXPECT_EQ(recorder->Totals().events, events.size() + 1);

    std::vector<std::filesystem::path> paths;
    std::vector<Seen> one_by_one;
    std::uint64_t bytes{0};
    for (std::uint32_t part{1}; part <= parts; ++part) {
        paths.push_back(folder / ("r." + std::to_string(part)));
        bytes += std::filesystem::file_size(paths.back());
        const Replayed replayed{Replay({paths.back()})};
        ASSERT_FALSE(replayed.events.empty());
        EXPECT_EQ(replayed.events.front(), See(found)) << "part " << part << " does not introduce its node";
        one_by_one.insert(one_by_one.end(), replayed.events.begin() + 1, replayed.events.end());
        EXPECT_EQ(replayed.sessions.at(0).part, part);
        const auto summary{Inspect(paths.back(), false)};
        ASSERT_TRUE(summary);
        EXPECT_TRUE(summary->ended_well);
        EXPECT_EQ(summary->nodes.size(), 1U);
        EXPECT_EQ(summary->ledger.has_value(), part == parts);
        const auto verified{Inspect(paths.back(), true)};
        ASSERT_TRUE(verified);
        EXPECT_EQ(verified->events, summary->events);
        EXPECT_EQ(verified->blocks, summary->blocks);
        EXPECT_EQ(verified->record_bytes, summary->record_bytes);
        EXPECT_EQ(verified->nodes.size(), 1U);
        EXPECT_EQ(verified->messages_in.at("inv").bytes, summary->messages_in.at("inv").bytes);
        EXPECT_EQ(verified->first_utc_ns, summary->first_utc_ns);
        EXPECT_EQ(verified->last_utc_ns, summary->last_utc_ns);
    }
    EXPECT_EQ(one_by_one, SeeAll(events));
    EXPECT_EQ(recorder->Totals().file_bytes, bytes);

    // together, in any order: exactly what was recorded, and the node found once
    std::ranges::reverse(paths);
    const Replayed all{Replay(paths)};
    EXPECT_EQ(all.events, Joined({See(found)}, SeeAll(events)));
    EXPECT_THAT(all.notices, testing::IsEmpty());
    EXPECT_EQ(all.sessions.size(), 1U);

    // the same part twice
    auto twice{paths};
    twice.push_back(paths.front());
    EXPECT_EQ(Replay(twice).events, all.events);

    // one in the middle is missing
    std::filesystem::remove(folder / "r.2");
    std::erase(paths, folder / "r.2");
    const Replayed rest{Replay(paths)};
    EXPECT_TRUE(rest.Noticed("part 2 is not there"));
    EXPECT_TRUE(rest.Noticed("blocks are missing"));
    EXPECT_LT(rest.WithoutDamage().size(), all.events.size());
    EXPECT_EQ(rest.WithoutDamage().size() + 1, rest.events.size());
    EXPECT_EQ(rest.WithoutDamage().back(), See(events.back()));
}

TEST(Recorder, RotatesByAge)
{
    const Folder folder;
    EventMaker maker;
    const auto events{Incompressible(maker, 3)};
    const auto recorder{RecordInto(maker, std::make_unique<FolderParts>(folder / "r"), {.rotate_age = std::chrono::milliseconds{20}})};
    for (const Event& event : events) {
        ASSERT_TRUE(recorder->Write({&event, 1}));
        ASSERT_TRUE(recorder->Flush());
        std::this_thread::sleep_for(std::chrono::milliseconds{30});
    }
    ASSERT_TRUE(recorder->Finish({}));
    EXPECT_EQ(recorder->Totals().parts, 3U);
}

TEST(Recorder, WritesWhatIsOld)
{
    const Folder folder;
    EventMaker maker;
    const auto events{Incompressible(maker, 1)};
    const auto recorder{StartRecorder(maker.Catalogue(), folder / "a.ctap", {.block_age = std::chrono::milliseconds{50}})};
    ASSERT_TRUE(recorder->Write(events));
    const auto give_up{std::chrono::steady_clock::now() + std::chrono::seconds{20}};
    while (recorder->Totals().events == 0 && std::chrono::steady_clock::now() < give_up)
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
    EXPECT_EQ(recorder->Totals().events, 1U);
    // being recorded: it is read to its present end
    const Replayed replayed{Replay({folder / "a.ctap"})};
    EXPECT_EQ(replayed.events, SeeAll(events));
    EXPECT_TRUE(replayed.Noticed("not closed"));
}

TEST(Recorder, SlowDiskDropsTheNewestAndSaysSo)
{
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    util::Fd read_end{ends[0]};
    EventMaker maker;
    const Event found{maker.Make(event::id::CORETAP_NODE_FOUND)};
    const auto events{Incompressible(maker, 400)};
    const auto recorder{
        RecordInto(maker, std::make_unique<GivenFile>(util::Fd{ends[1]}), {.block_bytes = 16 << 10, .queue_bytes = 200 << 10})};
    ASSERT_TRUE(recorder->Write(std::span{events}.first(395))); // nobody reads: more than a pipe and the queue hold
    ASSERT_TRUE(recorder->Write({&found, 1}));                  // finds room all the same
    std::string bytes;
    std::thread reader{[&] {
        char buffer[65536];
        for (ssize_t got; (got = ::read(read_end.Get(), buffer, sizeof(buffer))) > 0;) bytes.append(buffer, static_cast<std::size_t>(got));
    }};
    ASSERT_TRUE(recorder->Flush());
    ASSERT_TRUE(recorder->Write(std::span{events}.subspan(395)));
    ASSERT_TRUE(recorder->Finish({}));
    reader.join();
    const auto lost{recorder->Totals().not_recorded};
    ASSERT_EQ(lost.size(), 1U);
    const std::uint64_t dropped{lost.at(event::id::INBOUND_MESSAGE)};
    EXPECT_GT(dropped, 50U);

    const Folder folder;
    WriteFile(folder / "a.ctap", bytes);
    const Replayed replayed{Replay({folder / "a.ctap"})};
    EXPECT_EQ(replayed.error, "");
    // what came first, that something was lost, then what came last
    const std::size_t kept{395 - dropped};
    ASSERT_EQ(replayed.events.size(), kept + 2 + 5);
    const auto seen{SeeAll(events)};
    EXPECT_TRUE(std::equal(seen.begin(), seen.begin() + static_cast<std::ptrdiff_t>(kept), replayed.events.begin()));
    EXPECT_EQ(replayed.events[kept].name, "coretap:lost");
    EXPECT_THAT(replayed.events[kept].record, HasSubstr("net:inbound_messagerecorder-slow"));
    EXPECT_EQ(replayed.events[kept + 1], See(found));
    EXPECT_TRUE(std::equal(seen.begin() + 395, seen.end(), replayed.events.begin() + static_cast<std::ptrdiff_t>(kept + 2)));
    const pipeline::Tally& tally{replayed.ledger.tallies.at(event::id::INBOUND_MESSAGE)};
    EXPECT_EQ(tally.fired, 400U);
    EXPECT_EQ(tally.delivered, 400 - dropped);
    EXPECT_EQ(tally.lost[static_cast<std::size_t>(LossReason::RecorderSlow)], dropped);
    const auto summary{Inspect(folder / "a.ctap", false)};
    ASSERT_TRUE(summary);
    EXPECT_EQ(summary->lost.at("net:inbound_message").at("recorder-slow"), dropped);
}

TEST(Recorder, ASourceThatCanWaitLosesNothing)
{
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    util::Fd read_end{ends[0]};
    EventMaker maker;
    const auto events{Incompressible(maker, 400)};
    const auto recorder{RecordInto(maker, std::make_unique<GivenFile>(util::Fd{ends[1]}),
                                   {.block_bytes = 16 << 10, .queue_bytes = 64 << 10, .wait_when_full = true})};
    std::string bytes;
    std::thread reader{[&] {
        char buffer[65536];
        std::this_thread::sleep_for(std::chrono::milliseconds{50});
        for (ssize_t got; (got = ::read(read_end.Get(), buffer, sizeof(buffer))) > 0;) bytes.append(buffer, static_cast<std::size_t>(got));
    }};
    ASSERT_TRUE(recorder->Write(events));
    ASSERT_TRUE(recorder->Finish({}));
    reader.join();
    const Folder folder;
    WriteFile(folder / "a.ctap", bytes);
    EXPECT_EQ(Replay({folder / "a.ctap"}).events, SeeAll(events));
}

TEST(Recorder, APipeThatNobodyReadsIsGivenUpAtTheEnd)
{
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const util::Fd read_end{ends[0]};
    EventMaker maker;
    const auto events{Incompressible(maker, 200)};
    const auto recorder{RecordInto(maker, std::make_unique<GivenFile>(util::Fd{ends[1]}), {})};
    ASSERT_TRUE(recorder->Write(events));
    const auto finished{recorder->Finish({})};
    ASSERT_FALSE(finished);
    EXPECT_EQ(finished.GetError().sys_errno, ETIMEDOUT);
}

TEST(Recorder, AskedToStopItGivesUpAPipeThatNobodyReads)
{
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const util::Fd read_end{ends[0]};
    EventMaker maker;
    const auto events{Incompressible(maker, 400)};
    std::atomic<bool> stop{false};
    const auto recorder{RecordInto(maker, std::make_unique<GivenFile>(util::Fd{ends[1]}),
                                   {.block_bytes = 16 << 10, .queue_bytes = 64 << 10, .wait_when_full = true, .stop = &stop})};
    std::thread signal{[&] { stop = true; }};
    const auto written{recorder->Write(events)};
    const auto flushed{recorder->Flush()};
    signal.join();
    ASSERT_FALSE(written);
    EXPECT_EQ(written.GetError().sys_errno, ETIMEDOUT);
    EXPECT_FALSE(flushed);
}

TEST(Recorder, AClosedPipeIsAnError)
{
    std::signal(SIGPIPE, SIG_IGN);
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    EventMaker maker;
    const auto events{Incompressible(maker, 200)};
    const auto recorder{RecordInto(maker, std::make_unique<GivenFile>(util::Fd{ends[1]}), {})};
    ::close(ends[0]);
    ASSERT_TRUE(recorder->Write(events));
    const auto flushed{recorder->Flush()};
    ASSERT_FALSE(flushed);
    EXPECT_EQ(flushed.GetError().sys_errno, EPIPE);
    EXPECT_EQ(recorder->Write(events).GetError().sys_errno, EPIPE);
    EXPECT_EQ(recorder->Finish({}).GetError().sys_errno, EPIPE);
}

TEST(Recorder, DevFull)
{
    EventMaker maker;
    auto files{PartFiles::Single("/dev/full", false)};
    ASSERT_TRUE(files);
    const auto recorder{Recorder::Start(MakeSession(maker.Catalogue()), maker.Catalogue(), std::move(*files), {})};
    ASSERT_FALSE(recorder);
    EXPECT_EQ(recorder.GetError().code, util::Errc::Io);
    EXPECT_EQ(recorder.GetError().sys_errno, ENOSPC);
    EXPECT_THAT(recorder.GetError().what, HasSubstr("/dev/full"));
}

/** Record until it fails; what is in the file then must be clean and complete up to there. */
void RecordUntilFull(const std::filesystem::path& path, int expected_errno)
{
    EventMaker maker;
    const auto events{Incompressible(maker, 2'000)};
    const auto recorder{StartRecorder(maker.Catalogue(), path, {.block_bytes = 16 << 10})};
    ASSERT_NE(recorder, nullptr);
    std::optional<util::Error> failure;
    for (std::size_t at{0}; at < events.size() && !failure; at += 10) {
        if (const auto written{recorder->Write(std::span{events}.subspan(at, 10))}; !written) failure = written.GetError();
        if (const auto flushed{recorder->Flush()}; !flushed) failure = flushed.GetError();
    }
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->code, util::Errc::Io);
    EXPECT_EQ(failure->sys_errno, expected_errno);
    EXPECT_FALSE(recorder->Finish({}));
    const Replayed replayed{Replay({path})};
    EXPECT_EQ(replayed.error, "");
    ASSERT_GT(replayed.events.size(), 100U);
    EXPECT_EQ(replayed.events.size(), recorder->Totals().events);
    const auto seen{SeeAll(events)};
    EXPECT_TRUE(std::equal(replayed.events.begin(), replayed.events.end(), seen.begin()));
    EXPECT_FALSE(replayed.Noticed("unfinished block")) << "half a block was left";
}

TEST(Recorder, FileSizeLimit)
{
    const Folder folder;
    // in a process of its own: the limit and the signal are the process's
    const pid_t child{::fork()};
    if (child == 0) {
        std::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{500'000, 500'000};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        RecordUntilFull(folder / "a.ctap", EFBIG);
        std::_Exit(testing::Test::HasFailure() ? 1 : 0);
    }
    int status{0};
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(Recorder, DiskFull)
{
    const Folder folder;
    const auto disk{folder / "disk"};
    std::filesystem::create_directory(disk);
    if (::mount("none", disk.c_str(), "tmpfs", 0, "size=500k") != 0)
        GTEST_SKIP() << "no right to mount a small file system: " << std::strerror(errno);
    RecordUntilFull(disk / "a.ctap", ENOSPC);
    ::umount2(disk.c_str(), MNT_DETACH);
}

TEST(Recorder, KilledWhileRecording)
{
    const Folder folder;
    EventMaker maker;
    const auto events{Incompressible(maker, 300)};
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const pid_t child{::fork()};
    if (child == 0) {
        const auto recorder{
            StartRecorder(maker.Catalogue(), folder / "a.ctap", {.block_bytes = 16 << 10, .block_age = std::chrono::milliseconds{10}})};
        bool told{false};
        for (std::size_t i{0};; i = std::min(i + 1, events.size())) {
            if (i < events.size()) (void)recorder->Write({&events[i], 1});
            if (!told && recorder->Totals().events == events.size()) told = ::write(ends[1], "x", 1) == 1;
            if (i == events.size()) std::this_thread::sleep_for(std::chrono::milliseconds{1});
        }
    }
    char told{0};
    ASSERT_EQ(::read(ends[0], &told, 1), 1);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(ends[0]);
    ::close(ends[1]);
    const Replayed replayed{Replay({folder / "a.ctap"})};
    EXPECT_EQ(replayed.error, "");
    EXPECT_EQ(replayed.events, SeeAll(events));
    EXPECT_TRUE(replayed.Noticed("was not closed"));
    const auto summary{Inspect(folder / "a.ctap", false)};
    ASSERT_TRUE(summary);
    EXPECT_EQ(summary->events, events.size());
    EXPECT_FALSE(summary->ended_well);
}

std::uint64_t MemoryKb()
{
    std::ifstream statm{"/proc/self/statm"};
    std::uint64_t total{0}, resident{0};
    statm >> total >> resident;
    return resident * 4;
}

#ifdef __SANITIZE_ADDRESS__
constexpr std::uint64_t SLACK_KB{64'000}; // it keeps what was freed for a while
#else
constexpr std::uint64_t SLACK_KB{8'000};
#endif

TEST(Recorder, MemoryStaysWhereItIs)
{
    const Folder folder;
    EventMaker maker;
    const auto events{Incompressible(maker, 1'000)};
    const auto recorder{StartRecorder(maker.Catalogue(), folder / "a.ctap", {.queue_bytes = 4 << 20, .wait_when_full = true})};
    std::uint64_t before{0};
    for (int i{0}; i < 200; ++i) { // 200 MB
        ASSERT_TRUE(recorder->Write(events));
        if (i == 40) before = MemoryKb();
    }
    ASSERT_TRUE(recorder->Flush());
    EXPECT_LT(MemoryKb(), before + SLACK_KB);
    ASSERT_TRUE(recorder->Finish({}));

    event::Catalogue catalogue;
    auto source{ReplaySource::Open({folder / "a.ctap"}, catalogue, {}, {})};
    ASSERT_TRUE(source);
    pipeline::Batch batch;
    std::uint64_t count{0};
    before = 0;
    while (*(*source)->Pull(batch, std::chrono::seconds{10}) == pipeline::Source::Step::Ready) {
        count += batch.count;
        if (before == 0 && count > 40'000) before = MemoryKb();
    }
    EXPECT_EQ(count, 200'000U);
    EXPECT_LT(MemoryKb(), before + SLACK_KB);
}

TEST(Index, LongRecordingsJoinNeighbours)
{
    IndexBuilder builder;
    BlockHeader header;
    for (std::uint32_t i{0}; i < 100'000; ++i) {
        header.number = i;
        header.first_ns = i;
        header.last_ns = i + 1;
        header.tracepoints = {};
        Add(header.tracepoints, static_cast<std::uint16_t>(i % 128));
        builder.Add(std::uint64_t{i} * 100, header);
    }
    const auto& entries{builder.Entries()};
    EXPECT_LE(entries.size(), IndexBuilder::MOST);
    std::uint32_t next{0};
    for (const IndexEntry& entry : entries) {
        ASSERT_EQ(entry.number, next);
        ASSERT_EQ(entry.offset, std::uint64_t{next} * 100);
        ASSERT_EQ(entry.first_utc_ns, next);
        ASSERT_EQ(entry.last_utc_ns, next + entry.blocks);
        for (std::uint32_t i{next}; i < next + entry.blocks; ++i) ASSERT_TRUE(Has(entry.tracepoints, static_cast<std::uint16_t>(i % 128)));
        next += entry.blocks;
    }
    EXPECT_EQ(next, 100'000U);
}

// ---- where parts go

} // namespace
} // namespace coretap::archive
