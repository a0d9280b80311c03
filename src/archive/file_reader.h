// Reads one recording from front to back, block by block: sound blocks come out whole, what is damaged is skipped and measured.
// No threads, no catalogue: what is in the records is for event::ParseRecord to judge.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "archive/damage.h"
#include "archive/format.h"
#include "archive/input.h"
#include "archive/part_index.h"
#include "archive/session_info.h"
#include "util/result.h"

namespace coretap::archive {

/** One thread at a time. Memory: a block, stored and raw. */
class FileReader {
public:
    enum class Step {
        Session, //!< from here on Session() is another, or another part of it
        Records, //!< Records(), and their Header()
        Nodes,   //!< the same; introductions for who begins reading here, repeated from earlier parts
        PartEnd, //!< the part ends in order; PartEndInfo()
        Damage,  //!< LastDamage() stood here
        End,     //!< of the file; whether in order says ClosedWell()
    };

private:
    Input m_input;
    std::uint64_t m_at{0}; //!< of the next block
    std::uint64_t m_limit{UINT64_MAX};
    std::uint64_t m_block_at{0};
    BlockHeader m_header;
    SessionInfo m_session;
    std::uint64_t m_tag{0};
    bool m_have_session{false};
    std::optional<std::uint32_t> m_expected; //!< number of the next block of this session
    std::vector<std::byte> m_records;
    std::optional<PartEnd> m_part_end;
    Damage m_damage;
    bool m_closed_well{false};
    std::uint64_t m_after_end{UINT64_MAX}; //!< where the block behind the last end begins
    std::uint64_t m_read_in_vain{0};       //!< bytes of blocks whose checksum was wrong
    std::uint64_t m_sound_blocks{0};
    std::uint64_t m_torn_bytes{0};

    /** Where the search for a sound block ended: at one, or at the end of the file. */
    struct Found {
        bool sound{false};
        std::uint64_t at{0};
    };
    util::Result<Found> Resync(std::uint64_t from, std::uint64_t extent_end);
    util::Result<bool> ChainLeadsPast(std::uint64_t at, std::uint64_t extent_end, std::unordered_set<std::uint64_t>& dead_ends);
    util::Result<std::optional<BlockHeader>> HeaderAt(std::uint64_t at);
    util::Result<Step> Skip(const std::optional<BlockHeader>& header, std::uint64_t there, std::string reason);
    Step Unreadable(std::string reason);
    /** The sound block at m_at; nothing if there is nothing to tell the caller. */
    util::Result<std::optional<Step>> Take(std::span<const std::byte> stored);
    util::Result<std::optional<Step>> TakeSession(std::span<const std::byte> stored);
    util::Result<> CheckIsRecording();

public:
    /**
     * `-` is stdin. Fails with NotFound, Permission, Io; with Malformed if it is no recording (it says what it looks like), if nothing of
     * it is left (EBADMSG), or if a newer coretap wrote it.
     */
    static util::Result<FileReader> Open(const std::filesystem::path& path);
    /** The same with a descriptor; `name` is for messages. */
    static util::Result<FileReader> FromFd(util::Fd fd, std::string name);

    /** Fails with Io, and with Malformed where something of a newer coretap begins. */
    util::Result<Step> Next();

    const std::string& Name() const noexcept { return m_input.Name(); }
    const SessionInfo& Session() const noexcept { return m_session; }
    std::uint64_t Tag() const noexcept { return m_tag; }
    const BlockHeader& Header() const noexcept { return m_header; }
    /** Offset of the block that Next gave. */
    std::uint64_t BlockAt() const noexcept { return m_block_at; }
    /** Canonical records, each at a multiple of 8; as many as the header says, each as long as it says. They may be moved away. */
    std::vector<std::byte>& Records() noexcept { return m_records; }
    const std::optional<PartEnd>& PartEndInfo() const noexcept { return m_part_end; }
    const archive::Damage& LastDamage() const noexcept { return m_damage; }
    /** At the end: the last part was closed in order. */
    bool ClosedWell() const noexcept { return m_closed_well; }
    /** At the end: bytes of a block that is not whole, because it was cut or is being written. */
    std::uint64_t TornBytes() const noexcept { return m_torn_bytes; }

    /** Blocks met that are as they were written. */
    std::uint64_t SoundBlocks() const noexcept { return m_sound_blocks; }

    // for files that can be sought in
    Input& Bytes() noexcept { return m_input; }
    /** Where Next goes on. */
    std::uint64_t At() const noexcept { return m_at; }
    /** The number expected of the block there, once one has been read. */
    std::optional<std::uint32_t> NextNumber() const noexcept { return m_expected; }
    /** Go on there; the block there is expected to have that number, if one is given. */
    void Jump(std::uint64_t at, std::optional<std::uint32_t> number);
    /** Begin again at the start, as if nothing had been read. */
    void Rewind();
    /** What comes is of this session, whose own blocks need not be read again. */
    void Enter(const SessionInfo& info, std::uint64_t tag);
    /** Next says End there. */
    void SetLimit(std::uint64_t at) noexcept { m_limit = at; }
    /** Another reader of the same file, to be used by another thread. */
    util::Result<FileReader> Another() const;
    /** What Next would meet, unless it is damaged; cheap. */
    util::Result<std::optional<BlockHeader>> PeekHeader();
};

/** Whether `bytes` are `count` records, one after the other. */
bool AreRecords(std::span<const std::byte> bytes, std::uint32_t count) noexcept;

} // namespace coretap::archive
