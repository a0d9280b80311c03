#include "tracer/node_info.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

namespace coretap::tracer {
namespace {

std::string ReadFile(const std::string& path)
{
    std::ifstream file{path, std::ios::binary};
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

/** /proc/PID/stat from its field `number` on, counted from 1 as in proc(5); nothing if the process is gone. */
std::istringstream StatField(pid_t pid, int number)
{
    const std::string stat{ReadFile(fmt::format("/proc/{}/stat", pid))};
    const std::size_t after_name{stat.rfind(')')}; // the name may hold anything
    std::istringstream fields{after_name == std::string::npos ? std::string{} : stat.substr(after_name + 1)};
    std::string skipped;
    for (int field{3}; field < number; ++field) fields >> skipped;
    return fields;
}

std::vector<std::string> SplitNul(const std::string& text)
{
    std::vector<std::string> parts;
    std::size_t from{0};
    while (from < text.size()) {
        const std::size_t to{std::min(text.find('\0', from), text.size())};
        parts.push_back(text.substr(from, to - from));
        from = to + 1;
    }
    return parts;
}

std::string ReadLink(const std::string& path)
{
    std::error_code error;
    const auto target{std::filesystem::read_symlink(path, error)};
    std::string text{error ? std::string{} : target.string()};
    constexpr std::string_view DELETED{" (deleted)"};
    if (text.ends_with(DELETED)) text.resize(text.size() - DELETED.size());
    return text;
}

} // namespace

util::Result<util::Fd> OpenExecutable(pid_t pid)
{
    util::Fd fd{::open(fmt::format("/proc/{}/exe", pid).c_str(), O_RDONLY | O_CLOEXEC)};
    if (fd) return fd;
    const int error{errno};
    if (error == EACCES || error == EPERM) {
        return util::Error{util::Errc::Permission,
                           fmt::format("cannot open the executable of process {}: {}; another user's process needs root or CAP_SYS_PTRACE",
                                       pid, std::strerror(error)),
                           error};
    }
    return util::Error{util::Errc::NotFound, fmt::format("there is no process {}, or it has no executable: {}", pid, std::strerror(error)),
                       error};
}

util::Result<FileId> IdOf(int fd)
{
    struct stat status {};
    if (::fstat(fd, &status) != 0) return util::Error{util::Errc::Io, fmt::format("cannot stat: {}", std::strerror(errno)), errno};
    return FileId{status.st_dev, status.st_ino};
}

std::int64_t StartedAt(pid_t pid)
{
    std::uint64_t ticks{0}; // since boot, suspended time included
    if (!(StatField(pid, 22) >> ticks)) return 0;
    // btime is when the machine booted, in whole seconds: the same at every look, unlike a difference of clocks. Half a
    // second stands for the part it lacks.
    const std::string machine{ReadFile("/proc/stat")};
    const std::size_t btime{machine.find("\nbtime ")};
    if (btime == std::string::npos) return 0;
    const auto per_second{static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK))};
    return std::strtoll(machine.c_str() + btime + 7, nullptr, 10) + static_cast<std::int64_t>((ticks + per_second / 2) / per_second);
}

pid_t ParentOf(pid_t pid)
{
    pid_t parent{0};
    return StatField(pid, 4) >> parent ? parent : 0;
}

NodeArguments ParseNodeArguments(const std::vector<std::string>& arguments)
{
    NodeArguments parsed;
    for (std::size_t i{1}; i < arguments.size(); ++i) {
        std::string_view argument{arguments[i]};
        if (!argument.starts_with('-')) continue;
        argument.remove_prefix(argument.starts_with("--") ? 2 : 1);
        const std::size_t equals{argument.find('=')};
        const std::string_view name{argument.substr(0, equals)};
        std::string_view value{equals == std::string_view::npos ? std::string_view{} : argument.substr(equals + 1)};
        const bool has_value{equals != std::string_view::npos};
        // bitcoind wants `-datadir=X`; coretap-sim takes `--datadir X` as well
        if (!has_value && (name == "datadir" || name == "chain") && i + 1 < arguments.size()) value = arguments[i + 1];
        if (name == "datadir") parsed.datadir = value;
        if (name == "chain" && !value.empty()) parsed.chain = value;
        if (has_value && value == "0") continue;
        if (name == "regtest" || name == "signet" || name == "testnet4") parsed.chain = name;
        if (name == "testnet") parsed.chain = "test";
    }
    return parsed;
}

std::optional<NodeInfo> ReadNodeInfo(pid_t pid)
{
    NodeInfo info;
    info.pid = pid;
    const std::string proc{fmt::format("/proc/{}", pid)};
    info.started_at = StartedAt(pid);
    info.executable = ReadLink(proc + "/exe");
    if (info.started_at == 0 || info.executable.empty()) return std::nullopt;
    const NodeArguments arguments{ParseNodeArguments(SplitNul(ReadFile(proc + "/cmdline")))};
    info.chain = arguments.chain;
    std::filesystem::path datadir{arguments.datadir};
    if (datadir.empty()) {
        for (const std::string& variable : SplitNul(ReadFile(proc + "/environ"))) {
            if (variable.starts_with("HOME=")) datadir = std::filesystem::path{variable.substr(5)} / ".bitcoin";
        }
    } else if (datadir.is_relative()) {
        const std::string cwd{ReadLink(proc + "/cwd")};
        datadir = cwd.empty() ? std::filesystem::path{} : std::filesystem::path{cwd} / datadir;
    }
    std::string text{datadir.lexically_normal().string()};
    while (text.size() > 1 && text.ends_with('/')) text.pop_back();
    info.datadir = text;

    if (!arguments.datadir.empty() && !info.datadir.empty()) {
        info.label = std::filesystem::path{info.datadir}.filename();
    } else if (info.chain != "main") {
        info.label = info.chain;
    } else {
        info.label = std::filesystem::path{info.executable}.filename();
    }
    return info;
}

std::vector<pid_t> AllProcesses()
{
    std::vector<pid_t> pids;
    const std::unique_ptr<DIR, int (*)(DIR*)> proc{::opendir("/proc"), ::closedir};
    if (!proc) return pids;
    while (const dirent * entry{::readdir(proc.get())}) {
        const std::string_view name{entry->d_name};
        if (std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; }))
            pids.push_back(static_cast<pid_t>(std::stol(std::string{name})));
    }
    std::ranges::sort(pids);
    return pids;
}

} // namespace coretap::tracer
