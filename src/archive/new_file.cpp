#include "archive/new_file.h"

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace coretap::archive {
namespace {

/** A number that sudo leaves in the environment; -1 if there is none. */
unsigned FromSudo(const char* name)
{
    const char* text{std::getenv(name)};
    unsigned value{0};
    if (text == nullptr) return ~0U;
    const auto [end, error] = std::from_chars(text, text + std::strlen(text), value);
    return error == std::errc{} && *end == '\0' ? value : ~0U;
}

} // namespace

util::Error CannotMake(const std::string& shown, int error)
{
    const util::Errc code{error == EACCES || error == EPERM || error == EROFS ? util::Errc::Permission :
                          error == ENOENT || error == ENOTDIR                 ? util::Errc::NotFound :
                                                                                util::Errc::Io};
    return {code, fmt::format("cannot make the recording {}: {}", shown, std::strerror(error)), error};
}

util::Result<util::Fd> NewFile(int dir_fd, const std::string& name, const std::string& shown, bool overwrite)
{
    struct stat status {};
    const bool there{::fstatat(dir_fd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0};
    if (there && (overwrite || (S_ISREG(status.st_mode) && status.st_size == 0))) { // an empty file holds nothing that could be lost
        if (S_ISDIR(status.st_mode))
            return util::Error{util::Errc::Usage, fmt::format("{} is a directory, not a file to record into", shown), EISDIR};
        if (S_ISLNK(status.st_mode))
            return util::Error{util::Errc::Usage, fmt::format("{} is a symbolic link and is not overwritten: name the file itself", shown),
                               EEXIST};
        if (!S_ISREG(status.st_mode))
            return util::Error{util::Errc::Usage, fmt::format("{} is not a regular file and is not overwritten", shown), EEXIST};
        const util::Fd old{::openat(dir_fd, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
        if (old && ::flock(old.Get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK)
            return util::Error{util::Errc::Usage, fmt::format("{} is being recorded into; choose another name", shown), EBUSY};
        if (::unlinkat(dir_fd, name.c_str(), 0) != 0 && errno != ENOENT) return CannotMake(shown, errno);
    }
    util::Fd fd{::openat(dir_fd, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!fd) {
        if (errno == EEXIST)
            return util::Error{util::Errc::Usage,
                               fmt::format("{} is there already; choose another name, or have it overwritten (--overwrite)", shown),
                               EEXIST};
        return CannotMake(shown, errno);
    }
    GiveToUserBehindSudo(fd.Get());
    (void)::flock(fd.Get(), LOCK_EX | LOCK_NB); // until it is closed, wherever it is passed to; a file system without locks has none
    return fd;
}

void GiveToUserBehindSudo(int fd)
{
    if (::geteuid() != 0) return;
    const unsigned uid{FromSudo("SUDO_UID")}, gid{FromSudo("SUDO_GID")};
    // A file system without owners (vfat) refuses: then it belongs to nobody in particular, and that is not worth failing.
    if (uid != ~0U && ::fchown(fd, uid, gid) != 0) errno = 0;
}

} // namespace coretap::archive
