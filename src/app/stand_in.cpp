#include "app/stand_in.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "util/privileges.h"

namespace coretap::app {
namespace {

/** A recording the stand-in is to replay, opened by us: whom it runs as need not be allowed to. */
struct Recording {
    std::size_t argument; //!< the word that names it
    std::string before;   //!< `--replay=`, if that is in the same word
    util::Fd file;
};

/** Opens what `--replay FILE` and `--replay=FILE`, with one dash or two, name in the stand-in's arguments. */
util::Result<std::vector<Recording>> OpenRecordings(const std::vector<std::string>& arguments)
{
    std::vector<Recording> recordings;
    for (std::size_t i{0}; i < arguments.size(); ++i) {
        const std::string_view word{arguments[i]};
        std::size_t argument{i};
        std::string before;
        for (const std::string_view option : {std::string_view{"--replay"}, std::string_view{"-replay"}}) {
            if (word == option) {
                argument = i + 1;
            } else if (word.starts_with(option) && word.substr(option.size()).starts_with('=')) {
                before = word.substr(0, option.size() + 1);
            }
        }
        if ((argument == i && before.empty()) || argument == arguments.size())
            continue; // a missing word is for the stand-in to complain of
        i = argument;
        const std::string path{arguments[argument].substr(before.size())};
        if (path == "-" || path.starts_with("fd:")) continue;
        util::Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
        if (!file) {
            const int number{errno};
            const util::Errc code{number == ENOENT ? util::Errc::NotFound : number == EACCES ? util::Errc::Permission : util::Errc::Io};
            return util::Error{code, fmt::format("cannot open the recording {}: {}", path, std::strerror(number)), number};
        }
        recordings.push_back({argument, std::move(before), std::move(file)});
    }
    return recordings;
}

} // namespace

StandIn::StandIn(StandIn&& other) noexcept
    : m_path{std::move(other.m_path)}, m_pid{std::exchange(other.m_pid, -1)}, m_go{std::move(other.m_go)}, m_status{other.m_status}
{}

StandIn& StandIn::operator=(StandIn&& other) noexcept
{
    std::swap(m_path, other.m_path);
    std::swap(m_pid, other.m_pid);
    std::swap(m_go, other.m_go);
    std::swap(m_status, other.m_status);
    return *this;
}

StandIn::~StandIn()
{
    if (m_pid <= 0) return;
    m_go.Reset();           // if it has not begun, it never will
    ::kill(m_pid, SIGTERM); // may be another user's by now; then it goes with us (PR_SET_PDEATHSIG)
}

util::Result<StandIn> StandIn::Prepare(const std::vector<std::string>& arguments, const std::string& user)
{
    StandIn stand_in;
    std::error_code error;
    const std::filesystem::path self{std::filesystem::read_symlink("/proc/self/exe", error)};
    stand_in.m_path = (self.parent_path() / "coretap-sim").string();
    const util::Fd file{::open(stand_in.m_path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!file) {
        const int number{errno};
        return util::Error{util::Errc::NotFound,
                           fmt::format("cannot open the stand-in node {}: {}; it is built and installed beside coretap", stand_in.m_path,
                                       std::strerror(number)),
                           number};
    }
    const auto recordings = OpenRecordings(arguments);
    if (!recordings) return recordings.GetError();
    int pipe_fds[2];
    if (::pipe2(pipe_fds, O_CLOEXEC) != 0)
        return util::Error{util::Errc::Io, fmt::format("cannot make a pipe: {}", std::strerror(errno)), errno};
    util::Fd wait_fd{pipe_fds[0]};
    stand_in.m_go.Reset(pipe_fds[1]);
    const pid_t parent{::getpid()};
    stand_in.m_pid = ::fork();
    if (stand_in.m_pid < 0)
        return util::Error{util::Errc::Io, fmt::format("cannot start the stand-in node: {}", std::strerror(errno)), errno};
    if (stand_in.m_pid == 0) {
        stand_in.m_go.Reset();
        if (!util::DropPrivileges(user)) ::_exit(127);
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (::getppid() != parent) ::_exit(0);
        char go{0};
        if (::read(wait_fd.Get(), &go, 1) != 1) ::_exit(0);
        const int null{::open("/dev/null", O_WRONLY)};
        ::dup2(null, STDOUT_FILENO);
        ::dup2(null, STDERR_FILENO);
        std::vector<std::string> words{"coretap-sim"};
        // its own default is for tests, which want the same at all times; to a reader of events ages of years make no sense
        const bool said{std::ranges::any_of(arguments, [](const std::string& word) { return word.find("-epoch") != std::string::npos; })};
        if (recordings->empty() && !said) words.insert(words.end(), {"--epoch", "now"});
        words.insert(words.end(), arguments.begin(), arguments.end());
        for (const Recording& recording : *recordings) {
            ::fcntl(recording.file.Get(), F_SETFD, 0); // the stand-in inherits it
            words[recording.argument + 1] = fmt::format("{}fd:{}", recording.before, recording.file.Get());
        }
        std::vector<char*> argv;
        for (std::string& word : words) argv.push_back(word.data());
        argv.push_back(nullptr);
        // by descriptor: this user need not be able to reach the path
        ::syscall(SYS_execveat, file.Get(), "", argv.data(), environ, AT_EMPTY_PATH);
        ::_exit(127);
    }
    return stand_in;
}

void StandIn::Go()
{
    const char go{1};
    (void)!::write(m_go.Get(), &go, 1);
    m_go.Reset();
}

bool StandIn::Ended()
{
    int status{0};
    if (m_pid > 0 && ::waitpid(m_pid, &status, WNOHANG) == m_pid) {
        m_pid = 0;
        if (WIFEXITED(status)) m_status = WEXITSTATUS(status);
    }
    return m_pid == 0;
}

} // namespace coretap::app
