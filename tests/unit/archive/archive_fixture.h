// Recordings for tests: made from events of every kind in a folder of their own, and read again.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "archive/recorder.h"
#include "archive/replay_source.h"
#include "unit/event/event_fixture.h"

namespace coretap::test {

/** A folder that goes with the test. */
class Folder {
    std::filesystem::path m_path;

public:
    Folder()
    {
        std::string name{(std::filesystem::temp_directory_path() / "coretap-archive-XXXXXX").string()};
        if (::mkdtemp(name.data()) == nullptr) std::abort();
        m_path = name;
    }
    ~Folder()
    {
        std::error_code error;
        std::filesystem::permissions(m_path, std::filesystem::perms::owner_all, error);
        std::filesystem::remove_all(m_path, error);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    std::filesystem::path operator/(const std::string& name) const { return m_path / name; }
    const std::filesystem::path& Path() const { return m_path; }
};

inline std::string ReadFile(const std::filesystem::path& path)
{
    std::ifstream stream{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{stream}, {}};
}

inline void WriteFile(const std::filesystem::path& path, std::string_view bytes)
{
    std::filesystem::remove(path); // ext4 flushes a file that is truncated and written again, which takes milliseconds
    std::ofstream{path, std::ios::binary} << bytes;
}

inline archive::SessionInfo MakeSession(const event::Catalogue& catalogue, char id = 'a')
{
    archive::SessionInfo info;
    info.session_id = std::string(32, id);
    info.coretap_version = "0.2.0-test";
    info.host = "testhost";
    info.boot_id = "5a6b7c8d-0000-4000-8000-0123456789ab";
    info.started_at_utc_ns = UTC_NS;
    info.utc_offset_ns = UTC_NS - static_cast<std::int64_t>(MONOTONIC_NS);
    info.filter = {"--only", "net"};
    info.snap.fill(256);
    for (const event::TracepointDef* def : catalogue.Rows()) info.tracepoints.push_back({*def, CT_MODE_DELIVER});
    return info;
}

/** What a consumer sees of an event. */
struct Seen {
    std::string record;
    std::int64_t utc_ns{0};
    std::uint32_t origin{0};
    std::string name;
    bool operator==(const Seen& other) const { return record == other.record && utc_ns == other.utc_ns && name == other.name; }
    friend void PrintTo(const Seen& seen, std::ostream* out)
    {
        *out << seen.name << " at " << seen.utc_ns << ", " << seen.record.size() << " bytes";
    }
};

inline Seen See(const event::Event& event)
{
    const auto record = event.Record();
    return {{reinterpret_cast<const char*>(record.data()), record.size()}, event.UtcNs(), event.Origin(), event.Def().FullName()};
}

inline std::vector<Seen> SeeAll(std::span<const event::Event> events)
{
    std::vector<Seen> seen;
    for (const event::Event& event : events) seen.push_back(See(event));
    return seen;
}

/** What a replay gave, to its end. */
struct Replayed {
    std::vector<Seen> events;
    std::vector<std::string> notices;
    std::vector<archive::SessionInfo> sessions;
    pipeline::Ledger ledger;
    std::size_t malformed{0};
    std::string error; //!< of opening or reading

    /** Without what the reader says itself about damage. */
    std::vector<Seen> WithoutDamage() const
    {
        std::vector<Seen> rest;
        for (const Seen& event : events) {
            if (event.name != "coretap:lost" || event.record.find("damaged") == std::string::npos) rest.push_back(event);
        }
        return rest;
    }
    bool Noticed(std::string_view text) const
    {
        return std::ranges::any_of(notices, [text](const std::string& notice) { return notice.find(text) != std::string::npos; });
    }
};

inline Replayed ReplayWith(event::Catalogue& catalogue, const std::vector<std::filesystem::path>& paths,
                           archive::ReplayOptions options = {})
{
    Replayed replayed;
    // the range as the command line gives it: when the sessions' start is known
    auto source{archive::ReplaySource::Open(paths, catalogue, {.speed = options.speed},
                                            [&](const std::string& text) { replayed.notices.push_back(text); })};
    if (!source) {
        replayed.error = source.GetError().what;
        return replayed;
    }
    (*source)->SetRange(options.since_utc_ns, options.until_utc_ns);
    pipeline::Batch batch;
    std::vector<event::Event> events;
    for (;;) {
        const auto step{(*source)->Pull(batch, std::chrono::seconds{5})};
        if (!step) {
            replayed.error = step.GetError().what;
            break;
        }
        if (*step == pipeline::Source::Step::End) break;
        if (*step == pipeline::Source::Step::Idle) {
            replayed.error = "idle for too long";
            break;
        }
        replayed.malformed += pipeline::ParseBatch(batch, catalogue, events);
        EXPECT_EQ(events.size(), batch.count);
        for (const event::Event& event : events) replayed.events.push_back(See(event));
    }
    replayed.sessions = (*source)->Sessions();
    replayed.ledger = (*source)->Losses();
    return replayed;
}

inline Replayed Replay(const std::vector<std::filesystem::path>& paths, archive::ReplayOptions options = {})
{
    event::Catalogue catalogue;
    return ReplayWith(catalogue, paths, options);
}

/** A recorder into one file. */
inline std::unique_ptr<archive::Recorder> StartRecorder(const event::Catalogue& catalogue, const std::filesystem::path& path,
                                                        archive::RecorderOptions options = {}, char id = 'a')
{
    auto files{archive::PartFiles::Single(path, false)};
    if (!files) {
        ADD_FAILURE() << files.GetError().what;
        return nullptr;
    }
    auto recorder{archive::Recorder::Start(MakeSession(catalogue, id), catalogue, std::move(*files), options)};
    if (!recorder) {
        ADD_FAILURE() << recorder.GetError().what;
        return nullptr;
    }
    return std::move(*recorder);
}

/** Record the events in batches of `batch`, a block each if `block_a_batch`, and close. */
inline void Record(const event::Catalogue& catalogue, const std::filesystem::path& path, std::span<const event::Event> events,
                   std::size_t batch = 1000, bool block_a_batch = false, char id = 'a')
{
    const auto recorder{StartRecorder(catalogue, path, {}, id)};
    ASSERT_NE(recorder, nullptr);
    while (!events.empty()) {
        const std::size_t count{std::min(batch, events.size())};
        const auto written{recorder->Write(events.first(count))};
        ASSERT_TRUE(written) << written.GetError().what;
        if (block_a_batch) {
            ASSERT_TRUE(recorder->Flush());
        }
        events = events.subspan(count);
    }
    const auto finished{recorder->Finish({})};
    ASSERT_TRUE(finished) << finished.GetError().what;
}

} // namespace coretap::test
