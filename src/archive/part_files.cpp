#include "archive/part_files.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/new_file.h"

namespace coretap::archive {
namespace {

using util::Errc;
using util::Error;

class SingleFile final : public PartFiles {
    util::Fd m_fd;
    std::string m_name;

public:
    SingleFile(util::Fd fd, std::string name) : m_fd{std::move(fd)}, m_name{std::move(name)} {}
    util::Result<util::Fd> Open(std::uint32_t part) override
    {
        if (part != 1 || !m_fd) return Error{Errc::Usage, fmt::format("{} is one file and cannot have parts", m_name)};
        return std::move(m_fd);
    }
    std::string Name(std::uint32_t /*part*/) const override { return m_name; }
};

} // namespace

util::Result<std::unique_ptr<PartFiles>> PartFiles::Single(const std::filesystem::path& path, bool overwrite)
{
    const auto made = [](util::Fd fd, std::string name) -> std::unique_ptr<PartFiles> {
        return std::make_unique<SingleFile>(std::move(fd), std::move(name));
    };
    if (path.empty()) return Error{Errc::Usage, "a recording needs a name"};
    if (path == "-") {
        if (::isatty(STDOUT_FILENO) == 1)
            return Error{Errc::Usage, "a recording is no text for a terminal: give it a name, or send stdout to a file or a pipe"};
        util::Fd fd{::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)};
        if (!fd) return CannotMake("stdout", errno);
        return made(std::move(fd), "stdout");
    }
    const std::string shown{path.string()};
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
        if (S_ISDIR(status.st_mode)) return Error{Errc::Usage, fmt::format("{} is a directory, not a file to record into", shown), EISDIR};
        if (S_ISBLK(status.st_mode))
            return Error{Errc::Usage, fmt::format("{} is a disk; coretap does not write over disks", shown), EEXIST};
        util::Fd fd{::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY)};
        if (!fd) return CannotMake(shown, errno);
        if (::isatty(fd.Get()) == 1) return Error{Errc::Usage, fmt::format("{} is a terminal, and a recording is no text", shown), EEXIST};
        return made(std::move(fd), shown);
    }
    if (overwrite && ::lstat(path.c_str(), &status) == 0 && (S_ISLNK(status.st_mode) || status.st_size != 0)) return Overwriting(path);
    auto fd{NewFile(AT_FDCWD, shown, shown, overwrite)};
    if (!fd) return fd.GetError();
    return made(std::move(*fd), shown);
}

} // namespace coretap::archive
