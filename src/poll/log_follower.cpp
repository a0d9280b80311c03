#include "poll/log_follower.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace coretap::poll {
namespace {

constexpr std::size_t LOG_PIECE{64 << 10};
constexpr std::size_t MAX_SHOWN{256};
constexpr std::size_t TAIL{512};

/** Up to `most` bytes from `offset` on; fewer at the end of the file, or where it cannot be read. */
std::string ReadAt(int fd, std::uint64_t offset, std::size_t most)
{
    std::string text(most, '\0');
    std::size_t size{0};
    while (size < most) {
        const ssize_t got{::pread(fd, text.data() + size, most - size, static_cast<off_t>(offset + size))};
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        size += static_cast<std::size_t>(got);
    }
    text.resize(size);
    return text;
}

} // namespace

LogTotals CountersOf(const LogTotals& totals)
{
    LogTotals counters{totals};
    counters.following = false;
    counters.problem.clear();
    return counters;
}

LogFollower::LogFollower(LogFollowerOptions options) : m_options{std::move(options)}, m_totals{CountersOf(m_options.before)}
{
    m_options.history_bytes = std::min(m_options.history_bytes, MAX_HISTORY);
}

void LogFollower::Warn(std::string_view text) const
{
    if (m_options.warn) m_options.warn(text);
}

void LogFollower::Problem(std::string what)
{
    m_totals.problem = std::move(what);
    if (!std::exchange(m_said, true)) Warn(fmt::format("debug.log is not read: {}", m_totals.problem));
}

void LogFollower::Begin(util::Fd file, std::uint64_t offset, bool mid_line)
{
    struct stat status {};
    if (::fstat(file.Get(), &status) != 0) return Problem(std::strerror(errno));
    m_file = std::move(file);
    m_device = status.st_dev;
    m_inode = status.st_ino;
    m_offset = offset;
    const std::uint64_t before{std::min<std::uint64_t>(offset, TAIL)};
    m_tail = ReadAt(m_file.Get(), offset - before, static_cast<std::size_t>(before));
    m_line.clear();
    m_skip_line = mid_line;
    m_totals.following = true;
    m_totals.problem.clear();
    if (std::exchange(m_said, false)) Warn("debug.log is read again");
    m_absent = false;
}

void LogFollower::Reopen()
{
    auto opened{m_options.open()};
    if (!opened) {
        m_absent = m_absent || opened.GetError().code == util::Errc::NotFound;
        m_first = false;
        // An open file is read on, whatever became of its name: the node may still write to it
        Problem(opened.GetError().what);
        return;
    }
    struct stat status {};
    if (::fstat(opened->Get(), &status) != 0) return Problem(std::strerror(errno));
    const auto size{static_cast<std::uint64_t>(std::max<off_t>(status.st_size, 0))};
    if (!m_file) {
        // A file that was not there before is new, all of it; anything else is history
        const std::uint64_t history{m_absent ? size : m_options.history_bytes};
        const std::uint64_t offset{size - std::min(size, history)};
        m_first = false;
        return Begin(std::move(*opened), offset, offset != 0 && history != 0);
    }
    if (status.st_dev == m_device && status.st_ino == m_inode) {
        if (std::exchange(m_said, false)) {
            m_totals.problem.clear();
            Warn("debug.log is read again");
        }
        return;
    }
    while (Read()) { // what the node wrote before it turned to the new file
    }
    if (!m_line.empty() && !m_skip_line) Line(m_line);
    ++m_totals.rotations;
    Begin(std::move(*opened), 0, false);
}

bool LogFollower::Step(std::chrono::steady_clock::time_point now)
{
    if (m_first || now >= m_reopen_at) {
        m_reopen_at = now + m_options.reopen_every;
        Reopen();
    }
    if (!m_file) return false;
    for (std::size_t read{0}; read < MAX_STEP; read += LOG_PIECE) {
        if (!Read()) return false;
    }
    return true;
}

void LogFollower::Truncated(std::uint64_t size)
{
    ++m_totals.truncations;
    // bitcoind shortens a long log at its start (-shrinkdebugfile): its end stays, and has been read
    const std::uint64_t searched{std::min(size, m_options.max_behind_bytes)};
    const std::string text{ReadAt(m_file.Get(), size - searched, static_cast<std::size_t>(searched))};
    if (const std::size_t at{m_tail.empty() ? std::string::npos : text.rfind(m_tail)}; at != std::string::npos) {
        m_offset = size - searched + at + m_tail.size();
        return;
    }
    m_offset = 0;
    m_tail.clear();
    m_line.clear();
    m_skip_line = false;
}

bool LogFollower::Read()
{
    struct stat status {};
    if (::fstat(m_file.Get(), &status) != 0) return false;
    const auto size{static_cast<std::uint64_t>(std::max<off_t>(status.st_size, 0))};
    if (size < m_offset) Truncated(size);
    if (size - m_offset > m_options.max_behind_bytes) {
        const std::uint64_t skipped{size - m_offset - m_options.max_behind_bytes / 2};
        m_offset += skipped;
        m_totals.skipped_bytes += skipped;
        m_tail.clear();
        m_line.clear();
        m_skip_line = true;
        Warn(fmt::format("debug.log grows faster than it is read: {} bytes of it were skipped", skipped));
    }
    std::array<char, LOG_PIECE> piece;
    ssize_t got{0};
    do {
        got = ::pread(m_file.Get(), piece.data(), piece.size(), static_cast<off_t>(m_offset));
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        Problem(std::strerror(errno));
        m_file.Reset();
        m_totals.following = false;
        return false;
    }
    if (got == 0) return false;
    m_offset += static_cast<std::uint64_t>(got);
    m_totals.bytes += static_cast<std::uint64_t>(got);
    m_tail.append(piece.data(), static_cast<std::size_t>(got));
    if (m_tail.size() > TAIL) m_tail.erase(0, m_tail.size() - TAIL);
    Take({piece.data(), static_cast<std::size_t>(got)});
    return static_cast<std::size_t>(got) == piece.size();
}

void LogFollower::Take(std::string_view piece)
{
    while (!piece.empty()) {
        const std::size_t end{piece.find('\n')};
        const std::string_view part{piece.substr(0, end)};
        if (!m_skip_line) {
            const std::size_t room{MAX_LINE - m_line.size()};
            if (part.size() > room) {
                ++m_totals.cut_lines;
                m_line += part.substr(0, room);
                Line(m_line);
                m_line.clear();
                m_skip_line = true;
            } else if (end == std::string_view::npos || !m_line.empty()) {
                m_line += part;
            }
        }
        if (end == std::string_view::npos) return;
        if (!std::exchange(m_skip_line, false)) Line(m_line.empty() ? part : m_line);
        m_line.clear();
        piece.remove_prefix(end + 1);
    }
}

void LogFollower::Line(std::string_view text)
{
    if (text.empty()) return;
    const LogLine line{ParseLogLine(text)};
    Count(line);
    if (m_options.on_line && (line.fact.index() != 0 || line.level >= LogLevel::Warning)) m_options.on_line(line);
}

void LogFollower::Count(const LogLine& line)
{
    LogTotals& totals{m_totals};
    ++totals.lines;
    ++totals.levels[static_cast<std::size_t>(line.level)];
    LogCount& category{totals.categories[line.category]};
    ++category.lines;
    if (line.utc_ns) totals.last_line_utc_ns = line.utc_ns;
    if (line.level == LogLevel::Warning) {
        ++category.warnings;
        totals.last_warning = line.text.substr(0, MAX_SHOWN);
    }
    if (line.level == LogLevel::Error) {
        ++category.errors;
        totals.last_error = line.text.substr(0, MAX_SHOWN);
    }
    if (const auto* built{std::get_if<LogReconstruction>(&line.fact)}) {
        ++totals.reconstructions;
        if (built->requested == 0) ++totals.reconstructions_complete;
        totals.reconstruction_prefilled += built->prefilled;
        totals.reconstruction_from_mempool += built->from_mempool;
        totals.reconstruction_from_extra_pool += built->from_extra_pool;
        totals.reconstruction_requested += built->requested;
        totals.reconstruction_requested_bytes += built->requested_bytes.value_or(0);
    } else if (const auto* header{std::get_if<LogNewHeader>(&line.fact)}) {
        ++totals.new_headers;
        if (header->compact) ++totals.new_headers_compact;
    } else if (std::holds_alternative<LogUpdateTip>(line.fact)) {
        ++totals.tips;
    } else if (const auto* bench{std::get_if<LogBench>(&line.fact)}) {
        LogTotals::Bench& stage{totals.bench[static_cast<std::size_t>(bench->stage)]};
        ++stage.count;
        stage.total_ms += bench->ms;
        stage.last_ms = bench->ms;
    }
}

} // namespace coretap::poll
