#include "util/pass_fd.h"

#include <cerrno>
#include <cstring>

#include <sys/socket.h>

namespace coretap::util {

bool SendWithFd(int socket, std::span<const std::byte> message, int fd)
{
    iovec data{const_cast<std::byte*>(message.data()), message.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))]{};
    msghdr header{};
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    if (fd >= 0) {
        header.msg_control = control;
        header.msg_controllen = sizeof(control);
        cmsghdr* beside{CMSG_FIRSTHDR(&header)};
        beside->cmsg_level = SOL_SOCKET;
        beside->cmsg_type = SCM_RIGHTS;
        beside->cmsg_len = CMSG_LEN(sizeof(int));
        std::memcpy(CMSG_DATA(beside), &fd, sizeof(fd));
    }
    ssize_t sent{0};
    do {
        sent = ::sendmsg(socket, &header, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent == static_cast<ssize_t>(message.size());
}

bool ReceiveWithFd(int socket, std::span<std::byte> message, Fd& fd)
{
    iovec data{message.data(), message.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))]{}; // what does not fit, the kernel closes
    msghdr header{};
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof(control);
    ssize_t got{0};
    errno = 0;
    do {
        got = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    const cmsghdr* beside{got < 0 ? nullptr : CMSG_FIRSTHDR(&header)};
    if (beside != nullptr && beside->cmsg_level == SOL_SOCKET && beside->cmsg_type == SCM_RIGHTS) {
        const std::size_t count{(beside->cmsg_len - CMSG_LEN(0)) / sizeof(int)};
        for (std::size_t i{0}; i < count; ++i) { // CMSG_SPACE is padded: a second one may have fitted
            int passed{-1};
            std::memcpy(&passed, CMSG_DATA(beside) + i * sizeof(int), sizeof(passed));
            if (i == 0) {
                fd.Reset(passed);
            } else {
                const Fd closed{passed};
            }
        }
    }
    if (got == static_cast<ssize_t>(message.size())) return true;
    fd.Reset();
    return false;
}

} // namespace coretap::util
