#include "tracer/channel.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

namespace coretap::tracer {
namespace {

constexpr std::size_t MAX_MESSAGE{64 << 10};
constexpr std::size_t MAX_FDS{4};

util::Error Gone(const char* doing)
{
    return {util::Errc::Io, fmt::format("coretap's other process is gone (noticed when trying to {})", doing)};
}

} // namespace

util::Result<std::pair<Channel, Channel>> Channel::MakePair()
{
    int sockets[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) {
        return util::Error{util::Errc::Io, fmt::format("cannot make a socket pair: {}", std::strerror(errno)), errno};
    }
    return std::pair{Channel{util::Fd{sockets[0]}}, Channel{util::Fd{sockets[1]}}};
}

util::Result<> Channel::Send(const boost::json::object& body, const std::vector<int>& fds)
{
    std::string text{boost::json::serialize(body)};
    iovec part{text.data(), text.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * MAX_FDS)> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (fds.size() > MAX_FDS) return util::Error{util::Errc::Io, "too many descriptors for a message"};
    if (!fds.empty()) {
        message.msg_control = control.data();
        message.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
        cmsghdr* header{CMSG_FIRSTHDR(&message)};
        if (header == nullptr) return util::Error{util::Errc::Io, "no room for descriptors in a message"};
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
        std::memcpy(CMSG_DATA(header), fds.data(), sizeof(int) * fds.size());
    }
    ssize_t sent{0};
    do {
        sent = ::sendmsg(m_socket.Get(), &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) return Gone("send");
    return {};
}

util::Result<std::optional<Message>> Channel::Receive()
{
    std::string text(MAX_MESSAGE, '\0');
    iovec part{text.data(), text.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * MAX_FDS)> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    ssize_t received{0};
    do {
        received = ::recvmsg(m_socket.Get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (received < 0 && errno == EINTR);
    if (received < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::optional<Message>{};
    if (received <= 0) return Gone("receive");
    Message result;
    for (cmsghdr* header{CMSG_FIRSTHDR(&message)}; header != nullptr; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t count{(header->cmsg_len - CMSG_LEN(0)) / sizeof(int)};
        for (std::size_t i{0}; i < count; ++i) {
            int fd{-1};
            std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
            result.fds.emplace_back(fd);
        }
    }
    boost::json::error_code error;
    boost::json::value value = boost::json::parse({text.data(), static_cast<std::size_t>(received)}, error); // braces would make an array
    if (error || !value.is_object()) return util::Error{util::Errc::Malformed, "coretap's other process sent something unreadable"};
    result.body = std::move(value.as_object());
    return std::optional<Message>{std::move(result)};
}

} // namespace coretap::tracer
