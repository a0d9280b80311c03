#include "tracer/checks.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include <climits>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracer/conformance.h"
#include "tracer/elf_probes.h"
#include "tracer/node_info.h"
#include "util/text.h"

namespace coretap::tracer {
namespace {

using util::Errc;
using Status = SystemCheck::Status;

constexpr std::string_view DELETED{" (deleted)"};

std::string Printable(std::string_view text)
{
    std::string out;
    util::AppendPrintable(out, text);
    return out;
}

SystemCheck Line(Status status, std::string what, std::string found, std::string needed = {}, std::string mend = {}, Errc reason = Errc::Io)
{
    return {CheckGroup::Nodes, status, std::move(what), std::move(found), std::move(needed), std::move(mend), reason};
}

std::string ProcPath(pid_t pid, std::string_view name) { return fmt::format("/proc/{}/{}", pid, name); }

std::string LinkOf(const std::string& path)
{
    char target[PATH_MAX];
    const ssize_t n{::readlink(path.c_str(), target, sizeof(target))};
    return n > 0 ? std::string{target, static_cast<std::size_t>(n)} : std::string{};
}

/** The process's name as the kernel has it: at most 15 bytes, set by the process itself. */
std::string CommOf(pid_t pid)
{
    std::string comm{ReadSmallFile(ProcPath(pid, "comm")).value_or("")};
    while (comm.ends_with('\n')) comm.pop_back();
    return comm;
}

bool IsNodeName(std::string_view name)
{
    return name == "bitcoind" || name == "bitcoin-qt" || name == "bitcoin-node" || name == "bitcoin-gui";
}

/** A kernel thread has no executable, and a process that ended has none any more. */
bool HasNoExecutable(const util::Error& error) { return error.sys_errno == ENOENT || error.sys_errno == ESRCH; }

/** Who raised the semaphores of a process: tracepoints with a raised one, and the most that one has. */
struct Raised {
    bool readable{false};
    std::size_t count{0};
    unsigned most{0};
};

Raised ReadSemaphores(pid_t pid, const std::string& exe, int exe_fd, const std::vector<ProbeSite>& sites)
{
    Raised raised;
    const FileText maps{ReadSmallFile(ProcPath(pid, "maps"))};
    const util::Fd memory{::open(ProcPath(pid, "mem").c_str(), O_RDONLY | O_CLOEXEC)};
    struct stat st {};
    if (!maps || !memory || ::fstat(exe_fd, &st) != 0) return raised;
    std::map<std::uint64_t, unsigned> values; // a probe with several sites has one semaphore
    for (const ProbeSite& site : sites) {
        if (site.semaphore_offset == 0) continue;
        const auto address = FindWritableAddress(*maps, exe, st.st_ino, site.semaphore_offset);
        std::uint16_t value{0};
        if (!address || ::pread(memory.Get(), &value, sizeof(value), static_cast<off_t>(*address)) != sizeof(value)) continue;
        raised.readable = true;
        values[*address] = value;
    }
    for (const auto& [address, value] : values) {
        if (value == 0) continue;
        ++raised.count;
        raised.most = std::max(raised.most, value);
    }
    return raised;
}

/** The lines of one process whose executable could be opened. */
std::vector<SystemCheck> CheckProcess(pid_t pid, const util::Fd& exe, const event::Catalogue& catalogue)
{
    std::vector<SystemCheck> lines;
    const std::string link{LinkOf(ProcPath(pid, "exe"))};
    const bool deleted{link.ends_with(DELETED)};
    const std::string path{Printable(deleted ? std::string_view{link}.substr(0, link.size() - DELETED.size()) : std::string_view{link})};
    const std::string what{fmt::format("process {} ({})", pid, Printable(CommOf(pid)))};

    const auto probes = ReadProbes(exe.Get(), path);
    if (!probes) {
        lines.push_back(Line(Status::Warn, what, Printable(probes.GetError().what), "an executable whose tracepoints can be read",
                             fmt::format("`coretap probes --pid {}` says the same; is the file intact?", pid), probes.GetError().code));
        return lines;
    }
    const Conformance conformance{Check(*probes, catalogue)};
    const auto of_core = [](const ProbeCheck& check) { return check.row != nullptr && check.row->origin == event::Origin::Core; };
    const auto total =
        std::ranges::count_if(catalogue.Rows(), [](const event::TracepointDef* row) { return row->origin == event::Origin::Core; });
    const auto matching = std::ranges::count_if(
        conformance.probes, [&](const ProbeCheck& check) { return of_core(check) && check.verdict == Verdict::Matches; });

    const std::string other_ns{LinkOf(ProcPath(pid, "ns/mnt"))};
    const char* mounts{other_ns.empty()                        ? ", mount namespace unknown" :
                       other_ns == LinkOf("/proc/self/ns/mnt") ? "" :
                                                                 ", in another mount namespace (reached through /proc)"};
    std::string found{fmt::format("{}, {}, {} of {} tracepoints of Bitcoin Core as expected{}", path,
                                  conformance.build_id.empty() ? "no build id" : "build id " + conformance.build_id, matching, total,
                                  mounts)};
    if (matching == total) {
        lines.push_back(Line(Status::Ok, what, std::move(found)));
    } else {
        lines.push_back(Line(Status::Warn, what, std::move(found), "all of them; what is missing or different is not traced",
                             fmt::format("`coretap probes --pid {}` shows what differs", pid)));
    }
    if (deleted) {
        lines.push_back(
            Line(Status::Note, what,
                 "its executable was deleted or replaced since it started; it is traced as it runs, and attached anew after its restart"));
    }
    const Raised raised{ReadSemaphores(pid, link, exe.Get(), probes->sites)};
    if (raised.count > 0) {
        lines.push_back(
            Line(Status::Note, what,
                 fmt::format("{} of its tracepoints are traced already, by {}{} tracer{}; each tracer costs the node about 0.3 us an event",
                             raised.count, raised.most > 1 ? "up to " : "", raised.most, raised.most > 1 ? "s" : "")));
    } else if (!raised.readable && !probes->sites.empty()) {
        lines.push_back(Line(Status::Note, what, "whether others trace it could not be read",
                             "reading its semaphores; nothing else depends on it",
                             "run as root, or with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH"));
    }
    return lines;
}

SystemCheck WithoutTracepoints(pid_t pid, bool wanted)
{
    const std::string path{Printable(LinkOf(ProcPath(pid, "exe")))};
    return Line(wanted ? Status::Fail : Status::Warn, fmt::format("process {} ({})", pid, Printable(CommOf(pid))),
                fmt::format("{} carries no tracepoints of Bitcoin Core", path),
                "a Bitcoin Core built with -DWITH_USDT=ON, as the release binaries for Linux are",
                fmt::format("`coretap probes --pid {}` shows what the executable carries; run a build with tracepoints", pid),
                Errc::NotFound);
}

SystemCheck OutOfReach(pid_t pid, const util::Error& error, const HostFacts& facts)
{
    const bool ptrace{facts.InitialUserNamespace() && facts.Has(cap::SYS_PTRACE)};
    return Line(Status::Fail, fmt::format("process {} ({})", pid, Printable(CommOf(pid))), Printable(error.what),
                ptrace ? "reading its executable" : "reaching a process of another user (CAP_SYS_PTRACE)",
                ptrace ? "CAP_DAC_READ_SEARCH, or an executable readable for all" :
                         "run as root, with CAP_SYS_PTRACE, or as the node's user with CAP_BPF and CAP_PERFMON",
                error.code);
}

} // namespace

std::vector<SystemCheck> CheckNodes(const event::Catalogue& catalogue, std::optional<pid_t> pid, const HostFacts& facts)
{
    std::vector<SystemCheck> lines;
    std::size_t unseen{0};
    bool any{false};
    std::map<FileId, bool> known; // many processes run the same file
    for (const pid_t candidate : pid ? std::vector<pid_t>{*pid} : AllProcesses()) {
        if (candidate == ::getpid() && !pid) continue;
        const bool named{IsNodeName(CommOf(candidate))};
        const auto exe = OpenExecutable(candidate);
        if (!exe) {
            if (named || pid) {
                any = true;
                if (!HasNoExecutable(exe.GetError())) {
                    lines.push_back(OutOfReach(candidate, exe.GetError(), facts));
                } else if (pid) {
                    lines.push_back(Line(Status::Fail, fmt::format("process {}", candidate),
                                         "there is no such process, or it has no executable", "a running node",
                                         "`pgrep -a bitcoin` lists nodes by name", Errc::NotFound));
                }
            } else if (!HasNoExecutable(exe.GetError()) && !ReadSmallFile(ProcPath(candidate, "cmdline")).value_or("").empty()) {
                ++unseen; // kernel threads have no command line
            }
            continue;
        }
        const auto file_id = IdOf(exe->Get());
        bool node{false};
        if (const auto at = file_id ? known.find(*file_id) : known.end(); at != known.end()) {
            node = at->second;
        } else {
            node = LooksLikeNode(exe->Get());
            if (file_id) known[*file_id] = node;
        }
        if (!node && !named && !pid) continue;
        any = true;
        if (!node) {
            lines.push_back(WithoutTracepoints(candidate, pid.has_value()));
            continue;
        }
        std::vector<SystemCheck> more{CheckProcess(candidate, *exe, catalogue)};
        lines.insert(lines.end(), std::move_iterator{more.begin()}, std::move_iterator{more.end()});
    }
    if (!any) {
        lines.push_back(Line(Status::Note, "nodes", "none is running", "a node to trace",
                             "start one (coretap waits for it, too), or try `coretap log --sim`"));
    }
    if (unseen > 0 && !(facts.InitialUserNamespace() && facts.Has(cap::SYS_PTRACE))) { // else it would not mend it
        lines.push_back(Line(Status::Note, "other processes",
                             fmt::format("{} could not be examined; a renamed node may be among them", unseen),
                             "CAP_SYS_PTRACE, to find nodes whatever their name", "run as root"));
    }
    return lines;
}

} // namespace coretap::tracer
