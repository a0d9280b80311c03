#include "poll/opener.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "poll/bitcoin_conf.h"
#include "util/pass_fd.h"
#include "util/text.h"

namespace coretap::poll {
namespace {

using util::Errc;
using util::Error;

constexpr std::size_t MAX_PATH{1024};

struct Answer {
    std::int32_t failed{0};
    std::int32_t code{0}; //!< Errc
    std::int32_t sys_errno{0};
    char what[1024]{};
};

template <std::size_t SIZE>
bool Put(char (&field)[SIZE], std::string_view text)
{
    if (text.size() >= SIZE || text.find('\0') != std::string_view::npos) return false;
    text.copy(field, SIZE - 1);
    return true;
}

Error Hangs(std::string_view name)
{
    return {Errc::Io,
            fmt::format("{} does not open within {} s: its file system does not answer", util::Quoted(name), OPEN_PATIENCE.count()),
            ETIMEDOUT};
}

void Send(int socket, const util::Result<util::Fd>& opened)
{
    Answer answer;
    if (!opened) {
        answer.failed = 1;
        answer.code = static_cast<std::int32_t>(opened.GetError().code);
        answer.sys_errno = opened.GetError().sys_errno;
        opened.GetError().what.copy(answer.what, sizeof(answer.what) - 1);
    }
    (void)util::SendWithFd(socket, std::as_bytes(std::span{&answer, 1}), opened ? opened->Get() : -1); // who asked may be gone
}

/** `as`: the node's user, if it was tried with his rights. */
Error Failed(std::string_view name, int error, std::optional<uid_t> as = {})
{
    const std::string shown{util::Quoted(name)};
    switch (error) {
    case EACCES:
    case EPERM:
        if (as)
            return {Errc::Permission,
                    fmt::format("cannot open {} as user {}, whose process the node is: {}; is it where that node keeps its files?", shown,
                                *as, std::strerror(error)),
                    error};
        return {Errc::Permission,
                fmt::format("cannot open {}: {}; run as root, or let coretap's user read it", shown, std::strerror(error)), error};
    case ELOOP:
    case EXDEV:
        return {Errc::Permission, fmt::format("{} is a symbolic link, or leads out of the data directory; it is not followed", shown),
                error};
    case ENOENT:
    case ENOTDIR: return {Errc::NotFound, fmt::format("there is no {}", shown), error};
    case ENOSYS: return {Errc::Unsupported, fmt::format("cannot open {}: this kernel has no openat2 (Linux 5.6)", shown), error};
    default: return {Errc::Io, fmt::format("cannot open {}: {}", shown, std::strerror(error)), error};
    }
}

util::Fd OpenAt2(int dir, const char* path, std::uint64_t flags, std::uint64_t resolve)
{
    open_how how{};
    how.flags = flags | O_CLOEXEC;
    how.resolve = resolve | RESOLVE_NO_MAGICLINKS;
    return util::Fd{static_cast<int>(::syscall(SYS_openat2, dir, path, &how, sizeof(how)))};
}

util::Result<util::Fd> RegularOnly(util::Fd fd, std::string_view shown, std::optional<uid_t> as = {})
{
    if (!fd) return Failed(shown, errno, as);
    struct stat status {};
    if (::fstat(fd.Get(), &status) != 0) return Failed(shown, errno, as);
    if (!S_ISREG(status.st_mode)) return Error{Errc::Permission, fmt::format("{} is not a regular file", util::Quoted(shown)), 0};
    return fd;
}

std::string ReadProc(pid_t pid, const char* name)
{
    const util::Fd fd{::open(fmt::format("/proc/{}/{}", pid, name).c_str(), O_RDONLY | O_CLOEXEC)};
    std::string text(64 << 10, '\0');
    const ssize_t size{fd ? ::read(fd.Get(), text.data(), text.size()) : -1};
    text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    return text;
}

/** Effective user and group and the other groups of a process, as /proc/PID/status has them. */
struct Owner {
    uid_t uid{0};
    gid_t gid{0};
    std::vector<gid_t> groups;
};
std::optional<Owner> OwnerOf(pid_t pid)
{
    const std::string status{ReadProc(pid, "status")};
    const auto numbers = [&](const char* line) {
        std::vector<std::uint32_t> values;
        const std::size_t at{status.find(line)};
        if (at == std::string::npos) return values;
        const char* text{status.c_str() + at + std::strlen(line)};
        while (*text == '\t' || *text == ' ') {
            char* end{nullptr};
            const unsigned long value{std::strtoul(text, &end, 10)};
            if (end == text) break;
            values.push_back(static_cast<std::uint32_t>(value));
            text = end;
        }
        return values;
    };
    const auto uids{numbers("\nUid:")}, gids{numbers("\nGid:")}, groups{numbers("\nGroups:")};
    if (uids.size() != 4 || gids.size() != 4) return std::nullopt;
    return Owner{uids[1], gids[1], {groups.begin(), groups.end()}};
}

/**
 * Takes on a user's rights, and gives them back. By system calls, which change the calling thread alone; glibc's functions of these names
 * change every thread.
 */
class ActingAs {
    static constexpr uid_t SAME{static_cast<uid_t>(-1)};
    uid_t m_uid{::geteuid()};
    gid_t m_gid{::getegid()};
    std::vector<gid_t> m_groups;
    __user_cap_data_struct m_capabilities[2]{};
    bool m_changed{false}, m_other_groups{false};

    static bool SetCapabilities(const __user_cap_data_struct* capabilities)
    {
        __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
        return ::syscall(SYS_capset, &header, capabilities) == 0;
    }

public:
    /** False (errno) if it cannot be. */
    bool Become(const Owner& owner)
    {
        if (owner.uid == 0 && m_uid == 0) return true; // a node that is root may read everything
        const int count{::getgroups(0, nullptr)};
        m_groups.resize(static_cast<std::size_t>(std::max(count, 0)));
        if (count > 0 && ::getgroups(count, m_groups.data()) != count) return false;
        __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
        if (::syscall(SYS_capget, &header, m_capabilities) != 0) return false;
        m_changed = true;
        if (owner.uid != m_uid) {
            if (::syscall(SYS_setgroups, owner.groups.size(), owner.groups.data()) != 0) return false;
            m_other_groups = true;
            if (::syscall(SYS_setresgid, SAME, owner.gid, SAME) != 0 || ::syscall(SYS_setresuid, SAME, owner.uid, SAME) != 0) return false;
        }
        // Between users that are not root capabilities stay, and CAP_DAC_READ_SEARCH would read everything
        __user_cap_data_struct none[2]{m_capabilities[0], m_capabilities[1]};
        none[0].effective = none[1].effective = 0;
        return SetCapabilities(none);
    }
    ~ActingAs()
    {
        if (!m_changed) return;
        const bool back{SetCapabilities(m_capabilities) && ::syscall(SYS_setresuid, SAME, m_uid, SAME) == 0 &&
                        ::syscall(SYS_setresgid, SAME, m_gid, SAME) == 0 && SetCapabilities(m_capabilities) &&
                        (!m_other_groups || ::syscall(SYS_setgroups, m_groups.size(), m_groups.data()) == 0)};
        if (!back) ::_exit(1); // must not go on with somebody else's rights
    }
    ActingAs() = default;
    ActingAs(const ActingAs&) = delete;
    ActingAs& operator=(const ActingAs&) = delete;
};

/** Name below the data directory, where no option moves it. */
std::string DefaultName(const NodePlace& place, NodeFile file)
{
    switch (file) {
    case NodeFile::Conf: return "bitcoin.conf";
    case NodeFile::Cookie: return ChainFolder(place.chain) + ".cookie";
    case NodeFile::DebugLog: return ChainFolder(place.chain) + "debug.log";
    }
    return {};
}

/** Where the command line puts the file: absolute, or below the data directory; empty if it says nothing. */
std::string NameOfCommandLine(const NodePlace& place, NodeFile file)
{
    const NodeConf line{ParseNodeCommandLine(NodeCommandLine(place.pid))};
    const std::optional<std::string>& said{file == NodeFile::Conf   ? line.conf :
                                           file == NodeFile::Cookie ? line.rpccookiefile :
                                                                      line.debuglogfile};
    if (!said || said->empty() || *said == "0") return {};
    if (said->starts_with('/') || file == NodeFile::Conf) return *said;
    return ChainFolder(place.chain) + *said;
}

util::Result<util::Fd> OpenOfProcess(const OpenRequest& request)
{
    const NodePlace& place{request.place};
    const auto owner{OwnerOf(place.pid)};
    const util::Fd root{::open(fmt::format("/proc/{}/root", place.pid).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    const int root_error{errno};
    if (!owner || (!root && (root_error == ENOENT || root_error == ESRCH)))
        return Error{Errc::NotFound, fmt::format("process {} is gone", place.pid), ESRCH};
    if (!root) return Failed(fmt::format("/proc/{}/root", place.pid), root_error);
    const std::string said{request.path.empty() ? NameOfCommandLine(place, request.file) : request.path};
    ActingAs acting;
    if (!acting.Become(*owner)) return Failed(fmt::format("files as user {}", owner->uid), errno);
    if (said.starts_with('/'))
        return RegularOnly(OpenAt2(root.Get(), said.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW, RESOLVE_IN_ROOT), said, owner->uid);
    const util::Fd datadir{OpenAt2(root.Get(), place.datadir.c_str(), O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT)};
    if (!datadir) return Failed(place.datadir, errno, owner->uid);
    const std::string name{said.empty() ? DefaultName(place, request.file) : said};
    return RegularOnly(OpenAt2(datadir.Get(), name.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW, RESOLVE_BENEATH),
                       fmt::format("{}/{}", place.datadir, name), owner->uid);
}

/** One of our own files: who named it is who started us, and may well use links. */
util::Result<util::Fd> OpenOwnFile(const std::string& path)
{
    return RegularOnly(util::Fd{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)}, path);
}

} // namespace

/** What the other process is asked. */
struct Opener::Asked {
    std::int32_t pid{0};
    std::int32_t file{0}; //!< NodeFile, or OWN
    char datadir[MAX_PATH]{};
    char chain[16]{};
    char path[MAX_PATH]{};

    static constexpr std::int32_t OWN{3};
};

std::string ChainFolder(std::string_view chain)
{
    if (chain == "test") return "testnet3/";
    if (chain == "testnet4" || chain == "signet" || chain == "regtest") return std::string{chain} + '/';
    return {};
}

std::vector<std::string> NodeCommandLine(pid_t pid)
{
    std::vector<std::string> words;
    const std::string text{ReadProc(pid, "cmdline")};
    for (std::size_t from{0}; from < text.size();) {
        const std::size_t to{std::min(text.find('\0', from), text.size())};
        if (from != 0) words.push_back(text.substr(from, to - from)); // without the program's name
        from = to + 1;
    }
    return words;
}

util::Result<util::Fd> OpenNodeFile(const OpenRequest& request)
{
    const NodePlace& place{request.place};
    if (place.pid > 0) return OpenOfProcess(request);
    if (!request.path.empty())
        return RegularOnly(util::Fd{::open(request.path.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)}, request.path);
    const util::Fd datadir{::open(place.datadir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!datadir) return Failed(place.datadir, errno);
    const std::string name{DefaultName(place, request.file)};
    return RegularOnly(OpenAt2(datadir.Get(), name.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW, RESOLVE_BENEATH),
                       fmt::format("{}/{}", place.datadir, name));
}

util::Result<util::Fd> Opener::OpenAsked(const Asked& asked, const OpenerFiles& files)
{
    const std::string path{asked.path};
    const auto among = [&path](const std::vector<std::string>& allowed) { return std::ranges::find(allowed, path) != allowed.end(); };
    if (asked.file == Asked::OWN && among(files.own)) return OpenOwnFile(path);
    if (asked.file != Asked::OWN && files.of_nodes && (path.empty() || among(files.also)))
        return OpenNodeFile({{asked.pid, asked.datadir, asked.chain}, static_cast<NodeFile>(std::clamp(asked.file, 0, 2)), path});
    return Error{Errc::Permission,
                 fmt::format("{} is not among the files coretap was started to open; name it in the configuration, and start it again",
                             util::Quoted(path)),
                 EACCES};
}

void Opener::Serve(int socket, const OpenerFiles& files)
{
    using Clock = std::chrono::steady_clock;
    struct Opening {
        Clock::time_point since;
        pid_t process;
        std::int32_t pid;
        std::string place;
    };
    std::vector<Opening> under_way;
    Asked asked;
    util::Fd answer_to;
    while (util::ReceiveWithFd(socket, std::as_writable_bytes(std::span{&asked, 1}), answer_to)) {
        const util::Fd to{std::move(answer_to)};
        asked.datadir[sizeof(asked.datadir) - 1] = asked.chain[sizeof(asked.chain) - 1] = asked.path[sizeof(asked.path) - 1] = '\0';
        std::erase_if(under_way, [](const Opening& one) { return ::waitpid(one.process, nullptr, WNOHANG) != 0; });
        const std::string place{asked.datadir};
        // one that has answered may not have ended yet: only what takes long hangs
        const auto hangs = [&, limit = Clock::now() - std::chrono::seconds{1}](const Opening& one) {
            return one.pid == asked.pid && one.place == place && one.since < limit;
        };
        if (static_cast<std::size_t>(std::ranges::count_if(under_way, hangs)) >= MAX_HANGING) {
            Send(to.Get(), Hangs(place));
            continue;
        }
        const pid_t parent{::getpid()};
        const pid_t process{::fork()};
        if (process == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (::getppid() != parent) ::_exit(0);
            ::close(socket);
            Send(to.Get(), OpenAsked(asked, files));
            ::_exit(0);
        }
        if (process < 0) {
            Send(to.Get(), Error{Errc::Io, fmt::format("fork: {}", std::strerror(errno)), errno});
        } else {
            under_way.push_back({Clock::now(), process, asked.pid, place});
        }
    }
    for (const Opening& one : under_way) ::kill(one.process, SIGKILL);
}

Opener::Opener(util::Fd socket, pid_t process, OpenerFiles files)
    : m_socket{std::move(socket)}, m_process{process}, m_files{std::move(files)}
{}

Opener::~Opener()
{
    m_socket.Reset();
    ::kill(m_process, SIGKILL); // it has nothing to lose
    ::waitpid(m_process, nullptr, 0);
}

util::Result<std::unique_ptr<Opener>> Opener::Start(OpenerFiles files)
{
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return Error{Errc::Io, fmt::format("socketpair: {}", std::strerror(errno)), errno};
    util::Fd ours{ends[0]}, theirs{ends[1]};
    const pid_t parent{::getpid()};
    const pid_t process{::fork()};
    if (process < 0) return Error{Errc::Io, fmt::format("fork: {}", std::strerror(errno)), errno};
    if (process == 0) {
        ::prctl(PR_SET_NAME, "coretap-open");
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) ::_exit(0);
        for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) ::signal(signal, SIG_IGN); // it ends with its parent
        // nothing else is kept open: not the caller's files, not its output
        const int socket{::fcntl(theirs.Get(), F_DUPFD, 10)};
        if (::dup2(socket, 0) != 0) ::_exit(1);
        ::syscall(SYS_close_range, 1U, ~0U, 0U);
        Serve(0, files);
        ::_exit(0);
    }
    return std::unique_ptr<Opener>{new Opener{std::move(ours), process, std::move(files)}};
}

util::Result<util::Fd> Opener::Open(const OpenRequest& request)
{
    Asked asked;
    asked.pid = request.place.pid;
    asked.file = static_cast<std::int32_t>(request.file);
    if (!Put(asked.datadir, request.place.datadir) || !Put(asked.chain, request.place.chain) || !Put(asked.path, request.path))
        return Error{Errc::Usage, "the path of a node's file is too long", ENAMETOOLONG};
    return Ask(asked);
}

bool Opener::IsOwn(const std::string& path) const { return std::ranges::find(m_files.own, path) != m_files.own.end(); }

util::Result<util::Fd> Opener::OpenOwn(const std::string& path)
{
    Asked asked;
    asked.file = Asked::OWN;
    if (!Put(asked.path, path)) return Error{Errc::Usage, "the path is too long", ENAMETOOLONG};
    return Ask(asked);
}

util::Result<util::Fd> Opener::Ask(const Asked& asked)
{
    const auto gone = [] { return Error{Errc::Io, "the process that opens files for coretap is gone", EPIPE}; };
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return Error{Errc::Io, fmt::format("socketpair: {}", std::strerror(errno)), errno};
    const util::Fd ours{ends[0]};
    util::Fd theirs{ends[1]};
    const timeval patience{OPEN_PATIENCE.count(), 0};
    (void)::setsockopt(ours.Get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (!util::SendWithFd(m_socket.Get(), std::as_bytes(std::span{&asked, 1}), theirs.Get())) return gone();
    theirs.Reset(); // whoever has it ends: the end of this end
    Answer answer;
    util::Fd file;
    if (!util::ReceiveWithFd(ours.Get(), std::as_writable_bytes(std::span{&answer, 1}), file))
        return errno == EAGAIN ? Hangs(asked.path[0] != '\0' ? asked.path : asked.datadir) : gone();
    if (answer.failed != 0) {
        answer.what[sizeof(answer.what) - 1] = '\0';
        return Error{static_cast<Errc>(answer.code), answer.what, answer.sys_errno};
    }
    if (!file) return gone();
    return file;
}

} // namespace coretap::poll
