// Parts that are made while recording, when this process has long given up its privileges: a small process that kept them makes
// them, on request, and can do nothing else.
#include <array>
#include <cerrno>
#include <charconv>
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

#include "archive/format.h"
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
    char what[512]{}; //!< if it did not fail: Trouble()
};

/** `name.ctap` → `name.0001.ctap`; or as it is, of a recording in one file. */
struct Names {
    std::string directory;
    std::string stem;
    std::string extension;
    bool one_file{false};

    explicit Names(const std::filesystem::path& path, bool one = false)
        : directory{path.parent_path().string()}, stem{path.stem().string()}, extension{path.extension().string()}, one_file{one}
    {}
    std::string Of(std::uint32_t part) const { return one_file ? stem + extension : fmt::format("{}.{:04}{}", stem, part, extension); }
    std::string Shown(std::uint32_t part) const
    {
        return directory.empty() ? Of(part) : (std::filesystem::path{directory} / Of(part)).string();
    }

    /** Which part has this name; 0: none. */
    std::uint32_t PartOf(std::string_view name) const
    {
        if (name.size() < stem.size() + extension.size() + 5 || !name.starts_with(stem) || !name.ends_with(extension)) return 0;
        const std::string_view number{name.substr(stem.size() + 1, name.size() - stem.size() - extension.size() - 1)};
        std::uint32_t part{0};
        const auto [end, error]{std::from_chars(number.data(), number.data() + number.size(), part)};
        return error == std::errc{} && end == number.data() + number.size() && Of(part) == name ? part : 0;
    }
};

/** The parts in a directory, by number; none if it cannot be listed: what is in the way comes out when a part is made. */
std::map<std::uint32_t, std::string> PartsIn(int dir_fd, const Names& names)
{
    std::map<std::uint32_t, std::string> parts;
    const int copy{::openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    DIR* directory{copy < 0 ? nullptr : ::fdopendir(copy)};
    if (directory == nullptr) {
        if (copy >= 0) ::close(copy);
        return parts;
    }
    while (const dirent * entry{::readdir(directory)}) {
        if (const std::uint32_t part{names.PartOf(entry->d_name)}) parts.emplace(part, entry->d_name);
    }
    ::closedir(directory);
    return parts;
}

/** Whether a file says of itself that it is this part of a recording: `day.2024.ctap` may have its name for another reason. */
bool SaysItIs(int dir_fd, const std::string& name, std::uint32_t part)
{
    const util::Fd file{::openat(dir_fd, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
    std::array<std::byte, HEADER_SIZE> head;
    if (!file || ::read(file.Get(), head.data(), head.size()) != static_cast<ssize_t>(head.size())) return false;
    const auto header{DecodeHeader(head)};
    return header && header->part == part;
}

/** Why a part that should go is still there; nothing if it is gone. */
std::optional<std::string> Remove(int dir_fd, const Names& names, std::uint32_t part)
{
    if (::unlinkat(dir_fd, names.Of(part).c_str(), 0) == 0 || errno == ENOENT) return std::nullopt;
    return fmt::format("cannot remove the old part {}: {}", names.Shown(part), std::strerror(errno));
}

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
    std::string trouble;
    for (;;) {
        const ssize_t got{::recv(socket, &part, sizeof(part), 0)};
        if (got < 0 && errno == EINTR) continue;
        if (got != static_cast<ssize_t>(sizeof(part))) return;
        Answer answer;
        if (overwrite && part == 1 && !names.one_file) {
            for (const auto& [old, name] : PartsIn(dir_fd, names)) {
                if (!SaysItIs(dir_fd, name, old)) continue;
                if (auto problem{Remove(dir_fd, names, old)}) trouble = std::move(*problem);
            }
        }
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
                if (auto problem{Remove(dir_fd, names, oldest)}) trouble = std::move(*problem);
            }
            parts.erase(parts.begin());
        }
        trouble.copy(answer.what, sizeof(answer.what) - 1);
        if (!SendAnswer(socket, answer, file->Get())) return;
    }
}

class RotatingFiles final : public PartFiles {
    util::Fd m_socket;
    pid_t m_keeper;
    Names m_names;
    std::string m_trouble;

public:
    RotatingFiles(util::Fd socket, pid_t keeper, Names names) : m_socket{std::move(socket)}, m_keeper{keeper}, m_names{std::move(names)} {}
    ~RotatingFiles() override
    {
        ::shutdown(m_socket.Get(), SHUT_RDWR); // the attacher has a copy of it
        while (::waitpid(m_keeper, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
    RotatingFiles(const RotatingFiles&) = delete;
    RotatingFiles& operator=(const RotatingFiles&) = delete;

    std::string Name(std::uint32_t part) const override { return m_names.Shown(part); }
    std::string Trouble() const override { return m_trouble; }

    util::Result<util::Fd> Open(std::uint32_t part) override
    {
        if (m_names.one_file && part != 1) return Error{Errc::Usage, fmt::format("{} is one file and cannot have parts", Name(1))};
        const auto gone = [&] {
            return Error{Errc::Io, fmt::format("cannot make the recording {}: the process that makes its parts is gone", Name(part)),
                         ESRCH};
        };
        if (::send(m_socket.Get(), &part, sizeof(part), MSG_NOSIGNAL) != static_cast<ssize_t>(sizeof(part))) return gone();
        Answer answer;
        util::Fd file;
        if (!util::ReceiveWithFd(m_socket.Get(), std::as_writable_bytes(std::span{&answer, 1}), file)) return gone();
        answer.what[sizeof(answer.what) - 1] = '\0';
        if (answer.failed != 0) return Error{static_cast<Errc>(answer.code), answer.what, answer.sys_errno};
        m_trouble = answer.what;
        if (!file) return gone();
        return file;
    }
};

util::Result<std::unique_ptr<PartFiles>> StartKeeper(const Names& names, std::uint32_t keep, bool overwrite)
{
    const std::string directory{names.directory.empty() ? "." : names.directory};
    const util::Fd dir_fd{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!dir_fd) {
        const int error{errno};
        return Error{error == EACCES ? Errc::Permission : Errc::NotFound,
                     fmt::format("cannot record in {}: {}", directory, std::strerror(error)), error};
    }
    if (const auto earlier{overwrite ? std::map<std::uint32_t, std::string>{} : PartsIn(dir_fd.Get(), names)}; !earlier.empty()) {
        return Error{
            Errc::Usage,
            fmt::format("{} is there already, of an earlier recording; choose another name, or have its parts overwritten (--overwrite)",
                        names.Shown(earlier.begin()->first)),
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

} // namespace

bool PartFiles::IsPart(const std::filesystem::path& path, const std::filesystem::path& file)
{
    if (Names{path}.PartOf(file.filename().string()) == 0) return false;
    const auto folder = [](const std::filesystem::path& of) {
        return of.has_parent_path() ? of.parent_path() : std::filesystem::path{"."};
    };
    std::error_code error;
    return std::filesystem::equivalent(folder(path), folder(file), error) && !error;
}

util::Result<std::unique_ptr<PartFiles>> PartFiles::Rotating(const std::filesystem::path& path, std::uint32_t keep, bool overwrite)
{
    if (path.empty() || path == "-" || !path.has_filename())
        return Error{Errc::Usage, "a recording in parts needs a name of which those of the parts are made, as in name.ctap"};
    return StartKeeper(Names{path}, keep, overwrite);
}

util::Result<std::unique_ptr<PartFiles>> PartFiles::Overwriting(const std::filesystem::path& path)
{
    return StartKeeper(Names{path, true}, 0, true);
}

} // namespace coretap::archive
