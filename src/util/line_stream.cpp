#include "util/line_stream.h"

#include <algorithm>
#include <cerrno>
#include <climits>

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

namespace coretap::util {
namespace {

constexpr int PATIENCE_MS{300};

} // namespace

LineStream::Lines::int_type LineStream::Lines::overflow(int_type c)
{
    if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
    const char byte{traits_type::to_char_type(c)};
    xsputn(&byte, 1);
    return c;
}

std::streamsize LineStream::Lines::xsputn(const char* text, std::streamsize size)
{
    m_line.append(text, static_cast<std::size_t>(size));
    if (m_line.find('\n') != std::string::npos) sync();
    return size;
}

int LineStream::Lines::sync()
{
    if (m_line.empty()) return 0;
    const std::string before{m_left_out == 0 ? "" : fmt::format("coretap: {} lines could not be said here\n", m_left_out)};
    if (Write(before + m_line)) {
        m_left_out = 0;
    } else {
        m_left_out += static_cast<std::size_t>(std::max<std::ptrdiff_t>(1, std::ranges::count(m_line, '\n')));
    }
    m_line.clear();
    return 0;
}

/** False if it was not taken, or only in part. */
bool LineStream::Lines::Write(std::string_view text)
{
    while (!text.empty()) {
        // a pipe that can be written to takes that much without waiting
        pollfd waiting{.fd = m_fd, .events = POLLOUT, .revents = 0};
        const int ready{::poll(&waiting, 1, m_stuck ? 0 : PATIENCE_MS)};
        if (ready < 0 && errno == EINTR) continue;
        m_stuck = ready == 0;
        if (ready <= 0) return false;
        const ssize_t written{::write(m_fd, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF))};
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

} // namespace coretap::util
