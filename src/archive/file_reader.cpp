#include "archive/file_reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/coretap_abi.h"
#include "archive/open_file.h"
#include "archive/session_json.h"
#include "archive/sniff.h"

namespace coretap::archive {
namespace {

using util::Errc;
using util::Error;

constexpr std::size_t SCAN_PIECE{256U << 10};
/** How far into something whose first header is not sound a sound one is looked for. Of a pipe less, since it is kept in memory. */
constexpr std::uint64_t PROBE_FILE{MAX_BLOCK_BYTES + 2 * HEADER_SIZE};
constexpr std::uint64_t PROBE_PIPE{4U << 20};
/** Blocks with wrong checksums may overlap, each to be read to its end: so many bytes more than there are, then they are not looked into. */
constexpr std::uint64_t MOST_READ_AGAIN{256U << 20};

Error NewerFormat(const std::string& name, const BlockHeader& header)
{
    return {Errc::Malformed, fmt::format("{} was recorded by a newer coretap (format version {}); this one reads up to version {}", name,
                                         header.version, FORMAT_VERSION)};
}

} // namespace

bool AreRecords(std::span<const std::byte> bytes, std::uint32_t count) noexcept
{
    std::size_t at{0};
    std::uint32_t found{0};
    while (at < bytes.size()) {
        if (bytes.size() - at < sizeof(ct_record)) return false;
        ct_record head;
        std::memcpy(&head, bytes.data() + at, sizeof(head));
        if (head.size < sizeof(ct_record) || head.size > bytes.size() - at) return false;
        at += (std::size_t{head.size} + 7) / 8 * 8;
        ++found;
    }
    return at == bytes.size() && found == count;
}

util::Result<FileReader> FileReader::Open(const std::filesystem::path& path)
{
    auto file{OpenForReading(path)};
    if (!file) return file.GetError();
    return FromFd(std::move(file->fd), std::move(file->name));
}

util::Result<FileReader> FileReader::FromFd(util::Fd fd, std::string name)
{
    FileReader reader;
    reader.m_input = Input{std::move(fd), std::move(name)};
    if (auto checked{reader.CheckIsRecording()}; !checked) return checked.GetError();
    return reader;
}

util::Result<> FileReader::CheckIsRecording()
{
    const auto head{m_input.View(0, HEADER_SIZE)};
    if (!head) return head.GetError();
    if (head->empty()) return Error{Errc::Malformed, fmt::format("{} is empty: there is no recording in it", Name())};
    const auto header{DecodeHeader(*head)};
    if (header && header->version > FORMAT_VERSION) return NewerFormat(Name(), *header);
    if (IsCompressed(*head)) return Error{Errc::Malformed, fmt::format("{} is no recording of coretap: {}", Name(), LooksLike(*head))};
    const bool begins_like_one{std::equal(MAGIC.begin(), MAGIC.begin() + static_cast<std::ptrdiff_t>(std::min(MAGIC.size(), head->size())),
                                          reinterpret_cast<const unsigned char*>(head->data()))};
    if (!header && head->size() < HEADER_SIZE && begins_like_one) {
        return Error{Errc::Malformed,
                     fmt::format("{} begins like a recording and ends after {} bytes: nothing of it is left", Name(), head->size()),
                     EBADMSG};
    }
    if (header) {
        const auto block{m_input.View(0, header->BlockSize())};
        if (!block) return block.GetError();
        if (block->size() == header->BlockSize()) return {};
    }
    // The first block is damaged or cut, or this is something else altogether.
    const std::uint64_t limit{m_input.Seekable() ? PROBE_FILE : PROBE_PIPE};
    for (std::uint64_t at{1}; at < limit; at += SCAN_PIECE) {
        const auto piece{m_input.View(m_input.Seekable() ? at : 0, SCAN_PIECE + HEADER_SIZE + (m_input.Seekable() ? 0 : at))};
        if (!piece) return piece.GetError();
        const auto bytes{m_input.Seekable() || piece->size() < at ? *piece : piece->subspan(at)};
        for (std::size_t from{0}; from + HEADER_SIZE <= bytes.size();) {
            const void* found{::memmem(bytes.data() + from, bytes.size() - from, MAGIC.data(), MAGIC.size())};
            if (found == nullptr) break;
            from = static_cast<std::size_t>(static_cast<const std::byte*>(found) - bytes.data());
            if (const auto other{DecodeHeader(bytes.subspan(from))}) {
                if (other->version > FORMAT_VERSION) return NewerFormat(Name(), *other);
                return {};
            }
            ++from;
        }
        if (bytes.size() < SCAN_PIECE) break;
    }
    if (begins_like_one)
        return Error{Errc::Malformed,
                     fmt::format("{} begins like a recording, but nothing of it is left: it is cut short or damaged", Name()), EBADMSG};
    const auto sample{m_input.View(0, 512)};
    if (!sample) return sample.GetError();
    return Error{Errc::Malformed, fmt::format("{} is no recording of coretap: {}", Name(), LooksLike(*sample))};
}

util::Result<std::optional<BlockHeader>> FileReader::HeaderAt(std::uint64_t at)
{
    const auto bytes{m_input.View(at, HEADER_SIZE)};
    if (!bytes) return bytes.GetError();
    return DecodeHeader(*bytes);
}

util::Result<std::optional<BlockHeader>> FileReader::PeekHeader()
{
    std::array<std::byte, HEADER_SIZE> bytes;
    const auto got{m_input.Peek(m_at, bytes)};
    if (!got) return got.GetError();
    return DecodeHeader(std::span{bytes}.first(*got));
}

void FileReader::Jump(std::uint64_t at, std::optional<std::uint32_t> number)
{
    m_at = at;
    m_expected = number;
}

void FileReader::Rewind()
{
    Jump(0, std::nullopt);
    m_have_session = false;
    m_limit = UINT64_MAX;
    m_sound_blocks = 0;
}

void FileReader::Enter(const SessionInfo& info, std::uint64_t tag)
{
    m_session = info;
    m_tag = tag;
    m_have_session = true;
}

util::Result<FileReader> FileReader::Another() const
{
    auto input{m_input.Another()};
    if (!input) return input.GetError();
    FileReader reader;
    reader.m_input = std::move(*input);
    return reader;
}

util::Result<FileReader::Step> FileReader::Next()
{
    m_torn_bytes = 0;
    for (;;) {
        if (m_at >= m_limit) return Step::End;
        m_block_at = m_at;
        m_input.DoneBefore(m_at);
        auto bytes{m_input.View(m_at, HEADER_SIZE)};
        if (!bytes) return bytes.GetError();
        if (bytes->empty()) return Step::End;
        m_closed_well = false;
        const auto header{DecodeHeader(*bytes)};
        if (!header) return Skip(header, bytes->size(), "no block begins there");
        if (header->version > FORMAT_VERSION) return NewerFormat(Name(), *header);
        bytes = m_input.View(m_at, header->BlockSize());
        if (!bytes) return bytes.GetError();
        if (bytes->size() < header->BlockSize()) return Skip(header, bytes->size(), "the block is cut short");
        const auto stored{bytes->subspan(HEADER_SIZE)};
        if (Checksum(stored) != header->stored_checksum) return Skip(header, bytes->size(), "the block's checksum is wrong");

        m_header = *header;
        if (m_have_session && header->session == m_tag && m_expected && header->number > *m_expected) {
            const std::uint32_t missing{header->number - *m_expected};
            m_damage = {m_at, 0, missing, 0, fmt::format("{} {} missing", missing, missing == 1 ? "block is" : "blocks are")};
            m_expected = header->number;
            return Step::Damage;
        }
        auto taken{Take(stored)};
        if (!taken) return taken.GetError();
        if (m_at != m_block_at) ++m_sound_blocks;
        if (*taken) return **taken;
    }
}

util::Result<std::optional<FileReader::Step>> FileReader::Take(std::span<const std::byte> stored)
{
    if (m_header.type == BlockType::Session) return TakeSession(stored);
    if (!m_have_session || m_header.session != m_tag || m_header.part != m_session.part) {
        // Its session blocks are lost. What is built in can be read all the same.
        if (m_header.session != m_tag || !m_have_session) {
            m_session = SessionInfo{};
            m_session.session_id = IdOfTag(m_header.session);
        }
        m_session.part = m_header.part;
        m_tag = m_header.session;
        m_have_session = true;
        m_expected = m_header.number;
        return std::optional{Step::Session};
    }
    m_expected = m_header.number + 1;
    const std::uint64_t next{m_at + m_header.BlockSize()};
    switch (m_header.type) {
    case BlockType::Records:
    case BlockType::Nodes:
        if (!Decode(m_header, stored, m_records)) return std::optional{Unreadable("the block cannot be decompressed")};
        if (!AreRecords(m_records, m_header.records)) return std::optional{Unreadable("the block does not hold the records it says")};
        m_at = next;
        return std::optional{m_header.type == BlockType::Nodes ? Step::Nodes : Step::Records};
    case BlockType::End:
        if (!Decode(m_header, stored, m_records)) return std::optional{Unreadable("the block cannot be decompressed")};
        m_part_end = DecodeEnd(m_records);
        if (!m_part_end) return std::optional{Unreadable("the index makes no sense")};
        m_at = m_after_end = next;
        return std::optional{Step::PartEnd};
    case BlockType::Tail:
    case BlockType::Session: break;
    }
    m_at = next;
    m_closed_well = true;
    return std::optional<Step>{};
}

util::Result<std::optional<FileReader::Step>> FileReader::TakeSession(std::span<const std::byte> stored)
{
    const bool same_stream{m_have_session && m_header.session == m_tag};
    m_expected = m_header.number + 1;
    if (!Decode(m_header, stored, m_records)) return std::optional{Unreadable("the block cannot be decompressed")};
    auto info{SessionFromJson({reinterpret_cast<const char*>(m_records.data()), m_records.size()})};
    if (!info) {
        if (info.GetError().code == Errc::Unsupported)
            return Error{Errc::Malformed, fmt::format("{} was {}", Name(), info.GetError().what)};
        return std::optional{Unreadable(info.GetError().what)};
    }
    if (SessionTag(info->session_id) != m_header.session || info->part != m_header.part)
        return std::optional{Unreadable("the session is not that of its block")};
    m_at += m_header.BlockSize();
    const bool same{same_stream && info->session_id == m_session.session_id && info->part == m_session.part};
    m_session = std::move(*info);
    m_tag = m_header.session;
    m_have_session = true;
    return same ? std::optional<Step>{} : std::optional{Step::Session};
}

/** The block is as it was written, and yet makes no sense. */
FileReader::Step FileReader::Unreadable(std::string reason)
{
    m_damage = {m_at, m_header.BlockSize(), 1, m_header.type == BlockType::Records ? m_header.records : 0, std::move(reason)};
    m_at += m_header.BlockSize();
    --m_sound_blocks; // Next counts it
    return Step::Damage;
}

/** Past what is damaged at m_at, of which the header may still be good; `there`: bytes that are there of the block. */
util::Result<FileReader::Step> FileReader::Skip(const std::optional<BlockHeader>& header, std::uint64_t there, std::string reason)
{
    const std::uint64_t at{m_at};
    if (header && (!m_have_session || header->session != m_tag)) m_expected = header->number;
    bool torn{header && there < header->BlockSize()};
    if (!header && there < HEADER_SIZE) {
        const auto bytes{m_input.View(at, there)};
        if (!bytes) return bytes.GetError();
        torn = std::memcmp(bytes->data(), MAGIC.data(), std::min(bytes->size(), MAGIC.size())) == 0;
    }
    const bool whole{header && there >= header->BlockSize()};
    if (whole) m_read_in_vain += there;
    // behind an end there can only be a tail
    const std::uint64_t extent_end{at + (header ? header->BlockSize() : HEADER_SIZE + (m_at == m_after_end ? 0 : MAX_BLOCK_BYTES))};
    const bool look_inside{!whole || m_read_in_vain < 2 * at + MOST_READ_AGAIN};
    const auto next{Resync(look_inside ? at + (header ? HEADER_SIZE : 1) : extent_end, extent_end)};
    if (!next) return next.GetError();
    if (!next->sound && torn) {
        m_torn_bytes = next->at - at; // m_at stays: there may be more of it later
        return Step::End;
    }
    m_at = next->at;
    m_damage = {at, m_at - at, header ? 1U : 0U, header && header->type == BlockType::Records ? header->records : 0, std::move(reason)};
    if (!next->sound) return Step::Damage;
    const auto found{HeaderAt(m_at)};
    if (!found) return found.GetError();
    const std::uint64_t tag{m_have_session || !header ? m_tag : header->session};
    if (*found && m_expected && (*found)->session == tag && (*found)->number >= *m_expected) {
        m_damage.blocks = (*found)->number - *m_expected;
        m_expected = (*found)->number;
    }
    return Step::Damage;
}

util::Result<FileReader::Found> FileReader::Resync(std::uint64_t from, std::uint64_t extent_end)
{
    std::unordered_set<std::uint64_t> dead_ends;
    for (;;) {
        m_input.DoneBefore(from);
        const auto bytes{m_input.View(from, SCAN_PIECE)};
        if (!bytes) return bytes.GetError();
        if (bytes->size() < HEADER_SIZE) return Found{false, from + bytes->size()};
        const void* found{::memmem(bytes->data(), bytes->size(), MAGIC.data(), MAGIC.size())};
        if (found == nullptr) {
            from += bytes->size() - (MAGIC.size() - 1);
            continue;
        }
        const std::uint64_t at{from + static_cast<std::uint64_t>(static_cast<const std::byte*>(found) - bytes->data())};
        const auto header{HeaderAt(at)};
        if (!header) return header.GetError();
        if (*header) {
            // Peers may well send something that looks like a block, but they do not know the session's id.
            const bool ours{!m_have_session || ((*header)->session == m_tag && (!m_expected || (*header)->number >= *m_expected))};
            if (ours || at >= extent_end) return Found{true, at};
            const auto leads{ChainLeadsPast(at, extent_end, dead_ends)};
            if (!leads) return leads.GetError();
            if (*leads) return Found{true, at};
        }
        from = at + 1;
    }
}

/**
 * Whether blocks of one session follow each other from `at` to beyond what is damaged, or to the end. What a peer made up and stands inside
 * of a block does not. `dead_ends`: where chains stood that did not; each place is looked at once, however many there are.
 */
util::Result<bool> FileReader::ChainLeadsPast(std::uint64_t at, std::uint64_t extent_end, std::unordered_set<std::uint64_t>& dead_ends)
{
    std::optional<std::uint64_t> session;
    m_input.DoneBefore(at);
    std::vector<std::uint64_t> passed;
    for (std::uint64_t position{at};;) {
        const auto bytes{m_input.View(position, HEADER_SIZE)};
        if (!bytes) return bytes.GetError();
        if (bytes->empty() && session) return true;
        const auto header{DecodeHeader(*bytes)};
        bool follows{header && header->version <= FORMAT_VERSION && !dead_ends.contains(position)};
        if (follows && position >= extent_end) return true;
        follows = follows && (!session || *session == header->session || header->type == BlockType::Session);
        if (follows) {
            session = header->session;
            // whether the whole of it is there
            const auto last{m_input.View(position + header->BlockSize() - 1, 1)};
            if (!last) return last.GetError();
            follows = !last->empty();
        }
        if (!follows) {
            // A chain that comes by there later ends there as well; one that begins where this one ended need not.
            dead_ends.insert(passed.begin(), passed.end());
            return false;
        }
        passed.push_back(position);
        position += header->BlockSize();
    }
}

} // namespace coretap::archive
