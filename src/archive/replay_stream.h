// One stream of a replay: the parts of one session in order, read ahead by a thread of its own.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "archive/file_layout.h"
#include "archive/file_reader.h"
#include "archive/node_memory.h"
#include "archive/replay_source.h"
#include "event/catalogue.h"

namespace coretap::archive {

/** The catalogue's id for each id of a session; NOT_KNOWN where it has none. */
using IdMap = std::array<std::uint16_t, CT_MAX_TRACEPOINTS>;
inline constexpr std::uint16_t NOT_KNOWN{0xffff};

/** Rows the catalogue lacks are added. */
util::Result<IdMap> MapIds(const SessionInfo& info, event::Catalogue& catalogue);
/** Rows it lacks are NOT_KNOWN: it is in use already. */
IdMap MapKnownIds(const SessionInfo& info, const event::Catalogue& catalogue);

/** What has been counted of records by tracepoint id. */
struct RecordCounts {
    std::array<std::uint64_t, CT_MAX_TRACEPOINTS> records{}, shed{}, faulted{};

    void Add(const ct_record& head) noexcept
    {
        const std::size_t id{head.tracepoint % records.size()};
        ++records[id];
        if ((head.flags & CT_F_SHED) != 0) ++shed[id];
        if (head.fault_mask != 0) ++faulted[id];
    }
};

/** A piece of a stream, mostly a block. */
struct Chunk {
    std::vector<std::byte> bytes;
    std::size_t count{0};
    std::int64_t utc_offset_ns{0};
    std::int64_t last_utc_ns{0}; //!< of its last record
    bool introduction{false};    //!< what must be known before what follows, whatever its times are
    bool has_losses{false};      //!< there is a coretap:lost in it
    RecordCounts counts;
    std::unique_ptr<SessionInfo> session; //!< from here on it is of another session
};

/** The state of reading that all streams of a replay share. */
struct ReplayShared {
    const event::Catalogue& catalogue;
    ReplayOptions options;
    std::mutex mutex;
    std::condition_variable arrived, taken;
    std::atomic<bool> stop{false};
    std::deque<std::string> notices; //!< under the mutex
};

class ReplayStream {
public:
    struct Part {
        std::shared_ptr<FileReader> file;
        Segment segment; //!< of a pipe: only what is known of its beginning
    };

private:
    ReplayShared& m_shared;
    std::vector<Part> m_parts;
    IdMap m_ids;
    std::thread m_thread;

    // under the shared mutex
    std::deque<Chunk> m_chunks;
    std::size_t m_chunk_bytes{0};
    std::vector<std::vector<std::byte>> m_spare;
    bool m_ended{false};
    std::optional<util::Error> m_failure;

    // the thread's
    NodeMemory m_nodes;
    bool m_begun{false};             //!< a record at or after `since` was met
    std::uint64_t m_lost_records{0}; //!< in damage that has not been told in the stream yet
    std::uint64_t m_lost_total{0};
    bool m_lost_untold{false};
    std::uint64_t m_last_ns{0};
    std::int64_t m_last_offset_ns{0}; //!< until there is a record: when the session began
    bool m_until_reached{false};
    std::uint64_t m_unknown{0}; //!< records of tracepoints that the session does not describe
    std::size_t m_damage_notices{0};

public:
    ReplayStream(ReplayShared& shared, std::vector<Part> parts, const IdMap& ids);
    ~ReplayStream();
    ReplayStream(const ReplayStream&) = delete;
    ReplayStream& operator=(const ReplayStream&) = delete;

    void Start();
    const std::vector<Part>& Parts() const noexcept { return m_parts; }
    const IdMap& Ids() const noexcept { return m_ids; }
    /** Once ReplayShared::stop is set: the parts, for another stream. */
    std::vector<Part> TakeParts();

    // by the consumer, under the shared mutex
    /** Nothing will come beyond what is there. */
    bool Ended() const noexcept { return m_ended; }
    bool HasChunk() const noexcept { return !m_chunks.empty(); }
    const std::optional<util::Error>& Failure() const noexcept { return m_failure; }
    Chunk TakeChunk(std::vector<std::byte> spare);

private:
    void Notice(std::string text);
    void ReadParts();
    util::Result<> ReadPart(Part& part, std::optional<std::uint32_t>& next_number);
    util::Result<> TellBeginning(Part& part);
    util::Result<> ReadTo(Part& part, std::uint64_t end);
    /** False: stopped. */
    bool Push(Chunk chunk);
    Chunk EmptyChunk(std::int64_t utc_offset_ns);
    bool Wanted(const IndexEntry& entry) const noexcept;
    bool Wanted(const BlockHeader& header) const noexcept;
    bool OnSession(Part& part);
    bool OnRecords(FileReader& file);
    bool OnNodes(FileReader& file);
    void OnDamage(const FileReader& file);
    bool TellDamage(std::uint64_t ts_ns, std::int64_t utc_offset_ns);
    bool IntroduceNodes(std::int64_t utc_offset_ns);
};

} // namespace coretap::archive
