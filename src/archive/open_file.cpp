#include "archive/open_file.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/format.h"

namespace coretap::archive {

using util::Errc;
using util::Error;

util::Result<OpenFile> OpenForReading(const std::filesystem::path& path)
{
    if (path == "-") {
        util::Fd fd{::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)};
        if (!fd) return Error{Errc::Io, fmt::format("cannot read stdin: {}", std::strerror(errno)), errno};
        return OpenFile{std::move(fd), "stdin"};
    }
    util::Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)};
    if (!fd) {
        const int error{errno};
        const Errc code{error == ENOENT || error == ENOTDIR ? Errc::NotFound :
                        error == EACCES || error == EPERM   ? Errc::Permission :
                                                              Errc::Io};
        return Error{code, fmt::format("cannot read the recording {}: {}", path.string(), std::strerror(error)), error};
    }
    struct stat status {};
    if (::fstat(fd.Get(), &status) == 0 && S_ISDIR(status.st_mode))
        return Error{Errc::Malformed, fmt::format("{} is a directory; give the recordings in it", path.string()), EISDIR};
    return OpenFile{std::move(fd), path.string()};
}

bool IsRecording(const std::filesystem::path& path) noexcept
{
    const util::Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    std::array<unsigned char, MAGIC.size()> head{};
    return file && ::pread(file.Get(), head.data(), head.size(), 0) == static_cast<ssize_t>(head.size()) && head == MAGIC;
}

} // namespace coretap::archive
