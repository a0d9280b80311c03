#include "tracer/checks.h"

#include <bit>
#include <utility>

#include <fmt/format.h>

#include "tracer/selftest.h"
#include "util/text.h"

namespace coretap::tracer {
namespace {

using util::Errc;
using Status = SystemCheck::Status;

constexpr KernelRelease OLDEST{5, 15};
constexpr KernelRelease FIRST_WITH_MULTI{6, 6};
constexpr KernelRelease FIRST_WITHOUT_MEMLOCK{5, 11};

std::string Printable(std::string_view text)
{
    std::string out;
    util::AppendPrintable(out, text);
    return out;
}

/** Makes the lines of one group. */
class Lines {
    CheckGroup m_group;
    std::vector<SystemCheck> m_checks;

public:
    explicit Lines(CheckGroup group) : m_group{group} {}
    void Ok(std::string what, std::string found) { Add(Status::Ok, std::move(what), std::move(found), {}, {}); }
    void Note(std::string what, std::string found, std::string needed = {}, std::string mend = {})
    {
        Add(Status::Note, std::move(what), std::move(found), std::move(needed), std::move(mend));
    }
    void Warn(std::string what, std::string found, std::string needed, std::string mend)
    {
        Add(Status::Warn, std::move(what), std::move(found), std::move(needed), std::move(mend));
    }
    void Fail(Errc reason, std::string what, std::string found, std::string needed, std::string mend)
    {
        Add(Status::Fail, std::move(what), std::move(found), std::move(needed), std::move(mend), reason);
    }
    std::vector<SystemCheck> Take() { return std::move(m_checks); }

private:
    void Add(Status status, std::string what, std::string found, std::string needed, std::string mend, Errc reason = Errc::Io)
    {
        m_checks.push_back({m_group, status, std::move(what), std::move(found), std::move(needed), std::move(mend), reason});
    }
};

/** The process has what BPF asks for, so a refusal has another cause. */
bool MayUseBpf(const HostFacts& facts) { return facts.InitialUserNamespace() && facts.Has(cap::BPF) && facts.Has(cap::PERFMON); }

/** Whether uprobe_multi is there, as well as can be known: without privileges the release has to say. */
bool HasMulti(const HostFacts& facts)
{
    return facts.multi || (!MayUseBpf(facts) && ParseRelease(facts.release).value_or(KernelRelease{}) >= FIRST_WITH_MULTI);
}

void JudgeRelease(const HostFacts& facts, Lines& lines)
{
    const auto release = ParseRelease(facts.release);
    std::string found{fmt::format("Linux {} on {}", facts.release, facts.machine)};
    if (facts.machine != "x86_64" && facts.machine != "aarch64") {
        lines.Fail(Errc::Unsupported, "kernel", std::move(found), "x86_64 or aarch64", "run coretap on a machine of one of these kinds");
    } else if (!release) {
        lines.Note("kernel", std::move(found), "Linux 5.15 or newer; this release could not be read");
    } else if (*release < OLDEST) {
        lines.Fail(Errc::Unsupported, "kernel", std::move(found), "Linux 5.15 or newer (BPF cookies)",
                   "upgrade the kernel; Debian 12 and Ubuntu 22.04 have what is needed");
    } else {
        lines.Ok("kernel", std::move(found));
    }
}

/** A thing without which nothing goes, and what trying it showed. */
void JudgeTrial(const HostFacts& facts, const Trial& trial, const std::string& what, const std::string& works, const std::string& needed,
                const std::string& mend, Lines& lines)
{
    if (trial.Works()) return lines.Ok(what, works);
    if (trial.outcome == Trial::Outcome::Fails) return lines.Fail(Errc::Unsupported, what, Printable(trial.error), needed, mend);
    if (!MayUseBpf(facts)) return lines.Note(what, "could not be tried without privileges", needed, "see Privileges below");
    lines.Fail(
        Errc::Permission, what, Printable(trial.error), needed,
        "the capabilities are there, so something else forbids it: a container's seccomp profile, a security module (dmesg may say), lockdown");
}

void JudgeAttaching(const HostFacts& facts, Lines& lines)
{
    if (!facts.sysfs) {
        lines.Note("uprobes", "unknown: /sys is not mounted", "uprobes (CONFIG_UPROBES)", "mount -t sysfs sysfs /sys");
    } else if (!facts.uprobe_pmu) {
        lines.Fail(Errc::Unsupported, "uprobes", "/sys/bus/event_source/devices/uprobe is missing",
                   "a kernel with CONFIG_UPROBES and CONFIG_UPROBE_EVENTS",
                   "use your distribution's kernel, or one built with these options");
    } else {
        lines.Ok("uprobes", "present");
    }
    JudgeTrial(facts, facts.maps, "BPF and ring buffer", "maps can be created",
               "the bpf() system call and ring buffer maps (CONFIG_BPF_SYSCALL, Linux 5.8)",
               "use a kernel with CONFIG_BPF_SYSCALL; in a container, a seccomp profile that allows bpf()", lines);
    JudgeTrial(facts, facts.cookie, "BPF cookies", "present", "bpf_get_attach_cookie (Linux 5.15, CONFIG_BPF_EVENTS)",
               "use Linux 5.15 or newer with CONFIG_BPF_EVENTS", lines);
    if (facts.multi) {
        lines.Ok("way of attaching", "uprobe_multi: one link for all probes, attached and detached in milliseconds");
    } else if (HasMulti(facts)) {
        lines.Note("way of attaching", "uprobe_multi by the kernel's release; could not be tried without privileges");
    } else {
        lines.Note("way of attaching",
                   "perf uprobes: a perf event for every probe, so detaching takes up to 100 ms a probe, and CAP_SYS_ADMIN is needed",
                   "uprobe_multi links (Linux 6.6), for least privilege and quick exits", "Linux 6.6 or newer, when there is an occasion");
    }
    if (facts.exec_watch.Works()) {
        lines.Ok("notice of new processes", "at once, through a raw tracepoint");
    } else if (facts.exec_watch.outcome == Trial::Outcome::NotPermitted && !MayUseBpf(facts)) {
        lines.Note("notice of new processes", "could not be tried without privileges");
    } else {
        lines.Note("notice of new processes", "by looking at /proc now and then: " + Printable(facts.exec_watch.error),
                   "raw tracepoints (CONFIG_BPF_EVENTS), to miss nothing of a node that starts from a new file");
    }
}

void JudgeLeases(const HostFacts& facts, Lines& lines)
{
    const std::string purpose{
        "file leases, to let go of a node's executable before it is overwritten in place: a breakpoint left behind would kill the node's next start"};
    if (facts.leases_enable && ParseNumber(*facts.leases_enable) == 0) {
        lines.Warn("file leases", "off", purpose,
                   "sysctl fs.leases-enable=1; until then replace a traced executable by rename, as package managers do");
    } else if (facts.lease.Works()) {
        lines.Ok("file leases", facts.Has(cap::LEASE) ? "possible" : "possible on files of this user only (no CAP_LEASE)");
    } else if (facts.lease.outcome == Trial::Outcome::NotPermitted) {
        lines.Note("file leases", "not permitted on files of other users", purpose,
                   "CAP_LEASE; without it replace a traced executable by rename, as package managers do");
    } else {
        lines.Note("file leases", "not on this file system: " + Printable(facts.lease.error), purpose,
                   "replace a traced executable by rename, as package managers do");
    }
}

void JudgeJit(const HostFacts& facts, Lines& lines)
{
    if (!facts.jit) {
        lines.Ok("BPF compiler (JIT)", "setting not readable here; on in all common kernels");
    } else if (ParseNumber(*facts.jit) == 0) {
        lines.Warn("BPF compiler (JIT)", "off", "the JIT: interpreted programs cost the node several times as much",
                   "sysctl net.core.bpf_jit_enable=1");
    } else {
        lines.Ok("BPF compiler (JIT)", "on");
    }
}

void JudgeLockdown(const HostFacts& facts, Lines& lines)
{
    switch (facts.lockdown ? ParseLockdown(*facts.lockdown) : Lockdown::None) {
    case Lockdown::None: return lines.Ok("kernel lockdown", facts.lockdown ? "none" : "none (no /sys/kernel/security/lockdown)");
    case Lockdown::Integrity: return lines.Ok("kernel lockdown", "integrity, which permits tracing");
    case Lockdown::Confidentiality:
        return lines.Fail(Errc::Unsupported, "kernel lockdown", "confidentiality: BPF programs may not read memory",
                          "lockdown none or integrity", "remove lockdown=confidentiality from the kernel's command line and restart");
    case Lockdown::Unknown: return lines.Note("kernel lockdown", "in an unknown state");
    }
}

void JudgeUserNamespace(const HostFacts& facts, Lines& lines)
{
    if (facts.InitialUserNamespace()) return lines.Ok("user namespace", "the machine's own");
    lines.Fail(Errc::Permission, "user namespace", "not the machine's own: capabilities held in it do not count for BPF",
               "the initial user namespace",
               "run coretap on the host, or in a container without user namespace (rootless containers have one)");
}

/** A capability that may be missing, and what then. */
struct Wish {
    unsigned capability;
    const char* purpose;
    Status without;
};

/** All names where they are few, what is missing where they are many. */
std::string Summarise(std::uint64_t set)
{
    const std::uint64_t missing{~set & cap::ALL};
    if (missing == 0) return "all";
    return std::popcount(set) > std::popcount(missing) ? "all but " + CapabilityNames(missing) : CapabilityNames(set);
}

void JudgeCapabilities(const HostFacts& facts, Lines& lines)
{
    const bool multi{HasMulti(facts)};
    constexpr const char* RUN_AS_ROOT{
        "run as root (sudo coretap ...), or give it to the program: setcap cap_bpf,cap_perfmon,cap_sys_ptrace,cap_lease+ep"};
    const Wish wishes[]{
        {cap::BPF, "load programs, create maps", Status::Fail},
        {cap::PERFMON, "attach programs to probes, read the node's memory", Status::Fail},
        {cap::SYS_PTRACE, "reach nodes that run as another user", Status::Note},
        {cap::DAC_READ_SEARCH, "read executables that their owner keeps from others, and see whether others trace a node", Status::Note},
    };
    for (const Wish& wish : wishes) {
        const std::string name{CapabilityName(wish.capability)};
        const bool has{facts.Has(wish.capability) || (wish.capability == cap::DAC_READ_SEARCH && facts.Has(cap::DAC_OVERRIDE))};
        if (has && !facts.InitialUserNamespace()) {
            lines.Note(name, "held, but only within this user namespace");
        } else if (has) {
            lines.Ok(name, fmt::format("held ({})", wish.purpose));
        } else if (wish.without == Status::Fail) {
            lines.Fail(Errc::Permission, name, "missing", std::string{"to "} + wish.purpose, RUN_AS_ROOT);
        } else {
            lines.Note(name, "missing", std::string{"only to "} + wish.purpose, RUN_AS_ROOT);
        }
    }
    if (facts.Has(cap::SYS_ADMIN) && !facts.InitialUserNamespace()) {
        lines.Note("CAP_SYS_ADMIN", "held, but only within this user namespace");
    } else if (facts.Has(cap::SYS_ADMIN)) {
        lines.Ok("CAP_SYS_ADMIN", multi ? "held, not needed" : "held (attach by perf uprobes)");
    } else if (multi) {
        lines.Ok("CAP_SYS_ADMIN", "missing, not needed");
    } else {
        lines.Fail(Errc::Permission, "CAP_SYS_ADMIN", "missing", "attaching without uprobe_multi (before Linux 6.6)",
                   "run as root, or use Linux 6.6 or newer");
    }
    const bool may_change{facts.Has(cap::SETUID) && facts.Has(cap::SETGID)};
    if (may_change) {
        lines.Ok("CAP_SETUID, CAP_SETGID", "held (read events as an unprivileged user)");
    } else if (facts.uid != 0) {
        lines.Ok("CAP_SETUID, CAP_SETGID", "missing, not needed: not run as root");
    } else {
        lines.Note("CAP_SETUID, CAP_SETGID", "missing", "reading events as an unprivileged user instead of root",
                   "give both, or accept that --user cannot be followed");
    }
}

void JudgeConfinement(const HostFacts& facts, Lines& lines)
{
    const auto mode = ParseNumber(StatusField(facts.status, "Seccomp")).value_or(0);
    if (mode == 0) {
        lines.Ok("seccomp", "no filter");
    } else {
        lines.Warn("seccomp", mode == 2 ? "a filter is in force" : "strict mode", "bpf() and perf_event_open() allowed by the filter",
                   "if the self-test fails: a container's seccomp profile that allows them, or none");
    }

    std::string where{facts.container.empty() ? "no sign of one" : Printable(facts.container)};
    if (!facts.initial_pid_ns) {
        lines.Warn(
            "container", facts.container.empty() ? "in a pid namespace of its own" : where + ", in a pid namespace of its own",
            "the machine's pid namespace: nodes outside are not seen, and events carry the machine's process ids, not those seen here",
            "docker run --pid=host, or run coretap on the host");
    } else if (!facts.container.empty()) {
        lines.Note("container", std::move(where));
    } else {
        lines.Ok("container", std::move(where));
    }

    const ProcMount proc{ParseProcMount(facts.mountinfo)};
    if (!proc.Hides()) {
        lines.Ok("/proc", "shows all processes");
    } else if (facts.Has(cap::SYS_PTRACE) || facts.in_proc_gid) {
        lines.Ok("/proc", fmt::format("mounted with hidepid={}, which hides nothing from this process", Printable(proc.hidepid)));
    } else {
        lines.Warn("/proc", fmt::format("mounted with hidepid={}", Printable(proc.hidepid)),
                   "seeing the processes of other users, to find nodes",
                   "run as root, with CAP_SYS_PTRACE, or in the group of /proc's gid= option");
    }
}

void JudgeSysctls(const HostFacts& facts, Lines& lines)
{
    const std::string paranoid{"kernel.perf_event_paranoid"};
    const auto level = facts.perf_event_paranoid ? ParseNumber(*facts.perf_event_paranoid) : std::nullopt;
    if (!level) {
        lines.Ok(paranoid, "unknown");
    } else if (HasMulti(facts)) {
        lines.Ok(paranoid, fmt::format("{}, of no importance to uprobe_multi", *level));
    } else if (*level > 2 && !facts.Has(cap::SYS_ADMIN)) {
        lines.Warn(paranoid, fmt::format("{}", *level), "2 or less, or CAP_SYS_ADMIN: Debian's 3 bars perf uprobes",
                   "run as root, or sysctl kernel.perf_event_paranoid=2");
    } else {
        lines.Ok(paranoid, fmt::format("{}", *level));
    }

    const std::string unprivileged{"kernel.unprivileged_bpf_disabled"};
    const auto disabled = facts.unprivileged_bpf_disabled ? ParseNumber(*facts.unprivileged_bpf_disabled) : std::nullopt;
    if (!disabled) {
        lines.Ok(unprivileged, "unknown");
    } else if (facts.Has(cap::BPF)) {
        lines.Ok(unprivileged, fmt::format("{}, of no importance with CAP_BPF", *disabled));
    } else {
        lines.Note(unprivileged, fmt::format("{}", *disabled), "CAP_BPF; no value of this setting stands in for it");
    }

    std::string limit{facts.memlock_bytes ? fmt::format("{} KiB", *facts.memlock_bytes / 1024) : "unlimited"};
    if (ParseRelease(facts.release).value_or(OLDEST) >= FIRST_WITHOUT_MEMLOCK) limit += ", of no importance since Linux 5.11";
    lines.Ok("locked memory limit", std::move(limit));
}

SystemCheck CheckSelfTest(bool& passed)
{
    SystemCheck check{.group = CheckGroup::SelfTest, .status = Status::Ok, .what = "trace coretap itself", .found = {}};
    const auto report = RunSelfTest();
    passed = static_cast<bool>(report);
    if (passed) {
        check.found = report->Summary();
        if (report->semaphore_before > 0) check.found += fmt::format("; {} other tracer(s) of coretap", report->semaphore_before);
        return check;
    }
    const util::Error& error{report.GetError()};
    check.status = Status::Fail;
    check.found = Printable(error.what);
    check.needed = "a probe of coretap's own, attached, fired and received";
    check.reason = error.code;
    switch (error.code) {
    case Errc::Permission: check.mend = "see Privileges above; as root in the machine's own namespaces it should pass"; break;
    case Errc::Unsupported: check.mend = "see Kernel above; a distribution's kernel of 5.15 or newer should pass"; break;
    default: check.mend = "this should not happen: please report it, with the output of `coretap doctor --json`";
    }
    return check;
}

} // namespace

std::string_view ToString(CheckGroup group)
{
    switch (group) {
    case CheckGroup::Kernel: return "Kernel";
    case CheckGroup::Privileges: return "Privileges";
    case CheckGroup::Nodes: return "Nodes";
    case CheckGroup::SelfTest: return "Self-test";
    }
    return "";
}

std::string_view ToString(SystemCheck::Status status)
{
    switch (status) {
    case Status::Ok: return "ok";
    case Status::Note: return "note";
    case Status::Warn: return "warn";
    case Status::Fail: return "fail";
    }
    return "";
}

std::vector<SystemCheck> JudgeKernel(const HostFacts& facts)
{
    Lines lines{CheckGroup::Kernel};
    JudgeRelease(facts, lines);
    JudgeAttaching(facts, lines);
    JudgeJit(facts, lines);
    JudgeLockdown(facts, lines);
    JudgeLeases(facts, lines);
    lines.Ok("BTF", facts.btf ? "present, not needed" : "absent, not needed");
    lines.Ok("tracefs", facts.tracefs ? "mounted, not needed" : "not mounted or not readable, not needed");
    lines.Ok("optimised uprobes (nop5)", "not needed: Bitcoin Core's probes are one-byte nops");
    return lines.Take();
}

std::vector<SystemCheck> JudgePrivileges(const HostFacts& facts)
{
    Lines lines{CheckGroup::Privileges};
    lines.Ok("user and capabilities", fmt::format("uid {}, {}", facts.uid, Summarise(facts.Capabilities())));
    JudgeUserNamespace(facts, lines);
    JudgeCapabilities(facts, lines);
    JudgeConfinement(facts, lines);
    JudgeSysctls(facts, lines);
    return lines.Take();
}

std::vector<SystemCheck> RunChecks(const CheckOptions& options)
{
    const event::Catalogue built_in;
    const HostFacts facts{GatherHostFacts()};
    std::vector<SystemCheck> checks{JudgeKernel(facts)};
    const auto append = [&checks](std::vector<SystemCheck> more) {
        checks.insert(checks.end(), std::move_iterator{more.begin()}, std::move_iterator{more.end()});
    };
    append(JudgePrivileges(facts));
    const std::size_t inferred{checks.size()};
    append(CheckNodes(options.catalogue != nullptr ? *options.catalogue : built_in, options.pid, facts));
    if (!options.self_test) return checks;

    bool passed{false};
    SystemCheck self_test{CheckSelfTest(passed)};
    for (std::size_t i{0}; passed && i < inferred; ++i) {
        if (checks[i].status != Status::Fail) continue;
        checks[i].status = Status::Warn;
        checks[i].found += " (but the self-test passed)";
    }
    checks.push_back(std::move(self_test));
    return checks;
}

} // namespace coretap::tracer
