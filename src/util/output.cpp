#include "util/output.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <string_view>

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

namespace coretap::util {
namespace {

constexpr std::size_t PIECE_BYTES{128 << 10};
// A payload of 4 MB in hex makes a long line once; the memory need not be kept for ever.
constexpr std::size_t KEEP_BYTES{1 << 20};

constexpr int LAST_PATIENCE_MS{2000};

bool Stopped(const std::atomic<bool>* stop) { return stop != nullptr && stop->load(std::memory_order_relaxed); }

/** Whether the descriptor takes something within LAST_PATIENCE_MS; errno says why not. */
bool IsWritable(int fd)
{
    pollfd waiting{.fd = fd, .events = POLLOUT, .revents = 0};
    const int ready{::poll(&waiting, 1, LAST_PATIENCE_MS)};
    if (ready == 0) errno = ETIMEDOUT;
    return ready > 0;
}

/** Returns 0, or the errno with which it gave up. */
int WriteAll(int fd, std::string_view rest, const std::atomic<bool>* stop)
{
    while (!rest.empty()) {
        // Asked to stop, we deliver what we have, in pieces a pipe takes whole, so that no write hangs for ever.
        const bool stopping{Stopped(stop)};
        const std::size_t piece{stopping ? std::min<std::size_t>(rest.size(), PIPE_BUF) : rest.size()};
        const ssize_t written{stopping && !IsWritable(fd) ? -1 : ::write(fd, rest.data(), piece)};
        if (written >= 0) {
            rest.remove_prefix(static_cast<std::size_t>(written));
            continue;
        }
        if (errno == EINTR) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) return errno;
        if (pollfd waiting{.fd = fd, .events = POLLOUT, .revents = 0}; ::poll(&waiting, 1, -1) < 0 && errno != EINTR) return errno;
    }
    return 0;
}

} // namespace

Output::Output(int fd, const std::atomic<bool>* stop) : m_fd{fd}, m_stop{stop} { m_buffer.reserve(2 * PIECE_BYTES); }

Result<> Output::FlushIfFull()
{
    if (m_buffer.size() < PIECE_BYTES) return {};
    return Flush();
}

Result<> Output::Flush()
{
    if (m_failed == 0) m_failed = WriteAll(m_fd, m_buffer, m_stop);
    m_buffer.clear();
    if (m_buffer.capacity() > KEEP_BYTES) {
        m_buffer.shrink_to_fit();
        m_buffer.reserve(2 * PIECE_BYTES);
    }
    if (m_failed == 0) return {};
    return Error{Errc::Io, fmt::format("cannot write the output: {}", std::strerror(m_failed)), m_failed};
}

} // namespace coretap::util
