#include "archive/input.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace coretap::archive {
namespace {

// Read ahead in pieces that a cache holds; a block's rest is then read in one go.
constexpr std::size_t READ_AHEAD{256U << 10};

} // namespace

Input::Input(util::Fd fd, std::string name) : m_fd{std::move(fd)}, m_name{std::move(name)}
{
    struct stat status {};
    m_seekable = ::fstat(m_fd.Get(), &status) == 0 && (S_ISREG(status.st_mode) || S_ISBLK(status.st_mode));
}

util::Result<Input> Input::Another() const
{
    util::Fd fd{::fcntl(m_fd.Get(), F_DUPFD_CLOEXEC, 3)};
    if (!fd) return Failed(errno);
    return Input{std::move(fd), m_name};
}

util::Error Input::Failed(int error) const
{
    return {util::Errc::Io, fmt::format("cannot read {}: {}", m_name, std::strerror(error)), error};
}

ssize_t Input::ReadPipe(std::span<std::byte> room)
{
    while (m_stop != nullptr) {
        if (m_stop->load(std::memory_order_relaxed)) {
            errno = ECANCELED;
            return -1;
        }
        pollfd readable{m_fd.Get(), POLLIN, 0};
        const int ready{::poll(&readable, 1, 50)};
        if (ready > 0) break;
        if (ready < 0 && errno != EINTR) return -1;
    }
    return ::read(m_fd.Get(), room.data(), room.size());
}

std::uint64_t Input::Size() const noexcept
{
    const off_t size{m_seekable ? ::lseek(m_fd.Get(), 0, SEEK_END) : 0};
    return size < 0 ? 0 : static_cast<std::uint64_t>(size);
}

util::Result<std::span<const std::byte>> Input::View(std::uint64_t offset, std::size_t size)
{
    if (offset >= m_base && offset + size <= m_base + m_used) return std::span<const std::byte>{m_buffer}.subspan(offset - m_base, size);
    // keep what is at `offset` already, at the buffer's front
    const std::uint64_t first{m_seekable ? offset : std::min(offset, std::max(m_keep, m_base))};
    if (first >= m_base && first < m_base + m_used) {
        const std::size_t gone{static_cast<std::size_t>(first - m_base)};
        std::memmove(m_buffer.data(), m_buffer.data() + gone, m_used - gone);
        m_used -= gone;
        m_base = first;
    } else if (m_seekable) {
        m_used = 0;
        m_base = first;
    }
    for (;;) {
        if (!m_seekable && m_base + m_used <= first) { // what a pipe skips over
            m_base += m_used;
            m_used = 0;
        }
        const std::uint64_t end{offset + size};
        if (m_base + m_used >= end) break;
        const std::size_t wanted{std::max<std::size_t>(READ_AHEAD, std::min<std::uint64_t>(end - (m_base + m_used), 4U << 20))};
        if (m_buffer.size() < m_used + wanted)
            m_buffer.resize(std::max(m_used + wanted, std::min(2 * m_buffer.size(), m_used + (8U << 20))));
        const std::span<std::byte> room{std::span{m_buffer}.subspan(m_used, wanted)};
        const ssize_t got{m_seekable ? ::pread(m_fd.Get(), room.data(), room.size(), static_cast<off_t>(m_base + m_used)) : ReadPipe(room)};
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return Failed(errno);
        if (got == 0) break;
        m_used += static_cast<std::size_t>(got);
    }
    if (offset < m_base || offset >= m_base + m_used) return std::span<const std::byte>{};
    const std::size_t at{static_cast<std::size_t>(offset - m_base)};
    return std::span<const std::byte>{m_buffer}.subspan(at, std::min(size, m_used - at));
}

util::Result<std::size_t> Input::Peek(std::uint64_t offset, std::span<std::byte> out)
{
    std::size_t done{0};
    while (done < out.size()) {
        const ssize_t got{::pread(m_fd.Get(), out.data() + done, out.size() - done, static_cast<off_t>(offset + done))};
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return Failed(errno);
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    return done;
}

void Input::Release()
{
    m_buffer = {};
    m_used = 0;
}

} // namespace coretap::archive
