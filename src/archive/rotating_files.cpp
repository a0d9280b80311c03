// Parts that are made while recording, when this process has long given up its privileges: a small process that kept them makes
// them, on request, and can do nothing else.
#include <cerrno>
#include <csignal>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "archive/new_file.h"
#include "archive/part_files.h"
#include "util/pass_fd.h"

namespace coretap::archive {
namespace {

using util::Errc;
using util::Error;

/** What the keeper answers, with the descriptor beside it if it went well. */
struct Answer {
    std::int32_t failed{0};
    std::int32_t code{0}; //!< Errc
    std::int32_t sys_errno{0};
    char what[512]{};
};

/** `name.ctap` → `name.0001.ctap`. */
struct Names {
    std::string directory;
    std::string stem;
    std::string extension;

    explicit Names(const std::filesystem::path& path)
        : directory{path.parent_path().string()}, stem{path.stem().string()}, extension{path.extension().string()}
    {}
    std::string Of(std::uint32_t part) const { return fmt::format("{}.{:04}{}", stem, part, extension); }
    std::string Shown(std::uint32_t part) const
    {
        return directory.empty() ? Of(part) : (std::filesystem::path{directory} / Of(part)).string();
    }

    bool IsPart(std::string_view name) const
    {
        if (name.size() < stem.size() + extension.size() + 5 || !name.starts_with(stem) || !name.ends_with(extension)) return false;
        const std::string_view middle{name.substr(stem.size(), name.size() - stem.size() - extension.size())};
        return middle[0] == '.' && middle.find_first_not_of("0123456789", 1) == std::string_view::npos;
    }
};

bool SendAnswer(int socket, const Answer& answer, int fd) { return util::SendWithFd(socket, std::as_bytes(std::span{&answer, 1}), fd); }

/** The keeper: opens part after part, removes the oldest, until the other end of the socket is closed. */
void Keep(int socket, int dir_fd, const Names& names, std::uint32_t keep, bool overwrite)
{
    struct Made {
        dev_t device;
        ino_t inode;
    };
    std::map<std::uint32_t, Made> parts; // made here, and still there
    std::uint32_t part{0};
    for (;;) {
        const ssize_t got{::recv(socket, &part, sizeof(part), 0)};
        if (got < 0 && errno == EINTR) continue;
        if (got != static_cast<ssize_t>(sizeof(part))) return;
        Answer answer;
        auto file{NewFile(dir_fd, names.Of(part), names.Shown(part), overwrite)};
        if (!file) {
            answer.failed = 1;
            answer.code = static_cast<std::int32_t>(file.GetError().code);
            answer.sys_errno = file.GetError().sys_errno;
            file.GetError().what.copy(answer.what, sizeof(answer.what) - 1);
            if (!SendAnswer(socket, answer, -1)) return;
            continue;
        }
        struct stat status {};
        if (::fstat(file->Get(), &status) == 0) parts[part] = {status.st_dev, status.st_ino};
        while (keep != 0 && parts.size() > keep) {
            const auto& [oldest, made] = *parts.begin();
            const std::string name{names.Of(oldest)};
            // somebody may have put another file in its place
            if (::fstatat(dir_fd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_dev == made.device &&
                status.st_ino == made.inode) {
                (void)::unlinkat(dir_fd, name.c_str(), 0);
            }
            parts.erase(parts.begin());
        }
        if (!SendAnswer(socket, answer, file->Get())) return;
    }
}

class RotatingFiles final : public PartFiles {
    util::Fd m_socket;
    pid_t m_keeper;
    Names m_names;

public:
    RotatingFiles(util::Fd socket, pid_t keeper, Names names) : m_socket{std::move(socket)}, m_keeper{keeper}, m_names{std::move(names)} {}
    ~RotatingFiles() override
    {
        m_socket.Reset();
        while (::waitpid(m_keeper, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
    RotatingFiles(const RotatingFiles&) = delete;
    RotatingFiles& operator=(const RotatingFiles&) = delete;

    std::string Name(std::uint32_t part) const override { return m_names.Shown(part); }

    util::Result<util::Fd> Open(std::uint32_t part) override
    {
        const auto gone = [&] {
            return Error{Errc::Io, fmt::format("cannot make the recording {}: the process that makes its parts is gone", Name(part)),
                         EPIPE};
        };
        if (::send(m_socket.Get(), &part, sizeof(part), MSG_NOSIGNAL) != static_cast<ssize_t>(sizeof(part))) return gone();
        Answer answer;
        util::Fd file;
        if (!util::ReceiveWithFd(m_socket.Get(), std::as_writable_bytes(std::span{&answer, 1}), file)) return gone();
        if (answer.failed != 0) {
            answer.what[sizeof(answer.what) - 1] = '\0';
            return Error{static_cast<Errc>(answer.code), answer.what, answer.sys_errno};
        }
        if (!file) return gone();
        return file;
    }
};

/** A part of an earlier recording that would be in the way sooner or later. */
std::optional<std::string> EarlierPart(int dir_fd, const Names& names)
{
    const int copy{::openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    DIR* directory{copy < 0 ? nullptr : ::fdopendir(copy)};
    if (directory == nullptr) {
        if (copy >= 0) ::close(copy);
        return std::nullopt; // one that cannot be listed: it comes out when the part is made
    }
    std::optional<std::string> found;
    while (const dirent * entry{::readdir(directory)}) {
        if (names.IsPart(entry->d_name) && (!found || entry->d_name < *found)) found = entry->d_name;
    }
    ::closedir(directory);
    return found;
}

} // namespace

util::Result<std::unique_ptr<PartFiles>> PartFiles::Rotating(const std::filesystem::path& path, std::uint32_t keep, bool overwrite)
{
    if (path.empty() || path == "-" || !path.has_filename())
        return Error{Errc::Usage, "a recording in parts needs a name of which those of the parts are made, as in name.ctap"};
    const Names names{path};
    const std::string directory{names.directory.empty() ? "." : names.directory};
    const util::Fd dir_fd{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!dir_fd) {
        const int error{errno};
        return Error{error == EACCES ? Errc::Permission : Errc::NotFound,
                     fmt::format("cannot record in {}: {}", directory, std::strerror(error)), error};
    }
    if (const auto earlier{overwrite ? std::nullopt : EarlierPart(dir_fd.Get(), names)}) {
        return Error{
            Errc::Usage,
            fmt::format("{} is there already, of an earlier recording; choose another name, or have its parts overwritten (--overwrite)",
                        (std::filesystem::path{names.directory} / *earlier).string()),
            EEXIST};
    }
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return Error{Errc::Io, fmt::format("socketpair: {}", std::strerror(errno)), errno};
    util::Fd ours{ends[0]}, theirs{ends[1]};
    const pid_t parent{::getpid()};
    const pid_t keeper{::fork()};
    if (keeper < 0) return Error{Errc::Io, fmt::format("fork: {}", std::strerror(errno)), errno};
    if (keeper == 0) {
        ::prctl(PR_SET_NAME, "coretap-parts");
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) ::_exit(0);
        // Ctrl-C goes to the whole group, and the last part may still be wanted.
        for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) ::signal(signal, SIG_IGN);
        // nothing else is kept open: not the caller's files, not its output
        const int socket{::fcntl(theirs.Get(), F_DUPFD, 10)}, directory_fd{::fcntl(dir_fd.Get(), F_DUPFD, 10)};
        if (::dup2(socket, 0) != 0 || ::dup2(directory_fd, 1) != 1) ::_exit(1);
        ::syscall(SYS_close_range, 2U, ~0U, 0U);
        Keep(0, 1, names, keep, overwrite);
        ::_exit(0);
    }
    return std::unique_ptr<PartFiles>{std::make_unique<RotatingFiles>(std::move(ours), keeper, names)};
}

} // namespace coretap::archive
