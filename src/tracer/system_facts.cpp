#include "tracer/system_facts.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include <bpf/bpf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/bpf.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "tracer/kernel.h"
#include "util/fd.h"

namespace coretap::tracer {
namespace {

constexpr std::string_view BLANKS{" \t\r\n"};

std::string_view Trim(std::string_view text)
{
    const std::size_t first{text.find_first_not_of(BLANKS)};
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(BLANKS) - first + 1);
}

/** Cuts the next line off. */
std::string_view NextLine(std::string_view& rest)
{
    const std::size_t end{rest.find('\n')};
    const std::string_view line{rest.substr(0, end)};
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return line;
}

/** Cuts the next word off, empty at the end. */
std::string_view NextWord(std::string_view& rest)
{
    const std::size_t first{std::min(rest.find_first_not_of(BLANKS), rest.size())};
    rest.remove_prefix(first);
    const std::size_t end{std::min(rest.find_first_of(BLANKS), rest.size())};
    const std::string_view word{rest.substr(0, end)};
    rest.remove_prefix(end);
    return word;
}

template <class T>
std::optional<T> Parse(std::string_view text, int base = 10)
{
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
    return value;
}

// include/uapi/linux/capability.h, by number
constexpr std::array<std::string_view, 41> CAPABILITIES{"CHOWN",
                                                        "DAC_OVERRIDE",
                                                        "DAC_READ_SEARCH",
                                                        "FOWNER",
                                                        "FSETID",
                                                        "KILL",
                                                        "SETGID",
                                                        "SETUID",
                                                        "SETPCAP",
                                                        "LINUX_IMMUTABLE",
                                                        "NET_BIND_SERVICE",
                                                        "NET_BROADCAST",
                                                        "NET_ADMIN",
                                                        "NET_RAW",
                                                        "IPC_LOCK",
                                                        "IPC_OWNER",
                                                        "SYS_MODULE",
                                                        "SYS_RAWIO",
                                                        "SYS_CHROOT",
                                                        "SYS_PTRACE",
                                                        "SYS_PACCT",
                                                        "SYS_ADMIN",
                                                        "SYS_BOOT",
                                                        "SYS_NICE",
                                                        "SYS_RESOURCE",
                                                        "SYS_TIME",
                                                        "SYS_TTY_CONFIG",
                                                        "MKNOD",
                                                        "LEASE",
                                                        "AUDIT_WRITE",
                                                        "AUDIT_CONTROL",
                                                        "SETFCAP",
                                                        "MAC_OVERRIDE",
                                                        "MAC_ADMIN",
                                                        "SYSLOG",
                                                        "WAKE_ALARM",
                                                        "BLOCK_SUSPEND",
                                                        "AUDIT_READ",
                                                        "PERFMON",
                                                        "BPF",
                                                        "CHECKPOINT_RESTORE"};
static_assert(cap::ALL == (std::uint64_t{1} << CAPABILITIES.size()) - 1);
static_assert(CAPABILITIES[cap::BPF] == "BPF" && CAPABILITIES[cap::SYS_PTRACE] == "SYS_PTRACE" && CAPABILITIES[cap::LEASE] == "LEASE");

// include/linux/proc_ns.h: the inodes of the initial namespaces, since Linux 3.8
constexpr ino_t INITIAL_PID_NS{0xEFFFFFFC};
constexpr ino_t INITIAL_USER_NS{0xEFFFFFFD};

/** True where it cannot be known. */
bool IsInode(const char* path, ino_t inode)
{
    struct stat st {};
    return ::stat(path, &st) != 0 || st.st_ino == inode;
}

Trial TryCookie()
{
    const bpf_insn insns[]{{.code = BPF_JMP | BPF_CALL, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = BPF_FUNC_get_attach_cookie},
                           {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
    const util::Fd prog{bpf_prog_load(BPF_PROG_TYPE_KPROBE, "ct_cookie", "GPL", insns, std::size(insns), nullptr)};
    if (prog) return {};
    const int error{errno};
    return Trial::Of({error == EPERM || error == EACCES ? util::Errc::Permission : util::Errc::Unsupported, std::strerror(error), error});
}

Trial TryLease()
{
    const util::Fd exe{::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};
    if (!exe || ::fcntl(exe.Get(), F_SETLEASE, F_RDLCK) != 0) {
        const int error{errno};
        return Trial::Of(
            {error == EPERM || error == EACCES ? util::Errc::Permission : util::Errc::Unsupported, std::strerror(error), error});
    }
    ::fcntl(exe.Get(), F_SETLEASE, F_UNLCK);
    return {};
}

std::string FindContainer()
{
    if (::access("/.dockerenv", F_OK) == 0) return "docker (/.dockerenv)";
    if (::access("/run/.containerenv", F_OK) == 0) return "podman (/run/.containerenv)";
    if (const FileText kind{ReadSmallFile("/run/systemd/container")}) return fmt::format("{} (/run/systemd/container)", Trim(*kind));
    if (const char* kind{std::getenv("container")}; kind != nullptr && *kind != '\0') return fmt::format("{} ($container)", kind);
    return {};
}

bool InGroup(unsigned gid)
{
    if (::getegid() == gid) return true;
    std::vector<gid_t> groups(static_cast<std::size_t>(std::max(0, ::getgroups(0, nullptr))));
    const int n{::getgroups(static_cast<int>(groups.size()), groups.data())};
    groups.resize(static_cast<std::size_t>(std::max(0, n)));
    return std::ranges::find(groups, gid) != groups.end();
}

} // namespace

std::string_view StatusField(std::string_view status, std::string_view name)
{
    while (!status.empty()) {
        const std::string_view line{NextLine(status)};
        if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ':') return Trim(line.substr(name.size() + 1));
    }
    return {};
}

std::optional<std::uint64_t> ParseCapabilities(std::string_view hex) { return Parse<std::uint64_t>(Trim(hex), 16); }

std::string CapabilityName(unsigned number)
{
    return number < CAPABILITIES.size() ? fmt::format("CAP_{}", CAPABILITIES[number]) : fmt::format("CAP_{}", number);
}

std::string CapabilityNames(std::uint64_t set)
{
    std::string names;
    for (unsigned i{0}; i < 64; ++i) {
        if ((set >> i & 1) == 0) continue;
        if (!names.empty()) names += ' ';
        names += CapabilityName(i);
    }
    return names.empty() ? "none" : names;
}

std::optional<KernelRelease> ParseRelease(std::string_view text)
{
    const std::size_t dot{text.find('.')};
    if (dot == std::string_view::npos) return std::nullopt;
    const auto major = Parse<unsigned>(text.substr(0, dot));
    const std::string_view rest{text.substr(dot + 1)};
    const auto minor = Parse<unsigned>(rest.substr(0, rest.find_first_not_of("0123456789")));
    if (!major || !minor) return std::nullopt;
    return KernelRelease{*major, *minor};
}

Lockdown ParseLockdown(std::string_view text)
{
    if (text.find("[none]") != std::string_view::npos) return Lockdown::None;
    if (text.find("[integrity]") != std::string_view::npos) return Lockdown::Integrity;
    if (text.find("[confidentiality]") != std::string_view::npos) return Lockdown::Confidentiality;
    return Lockdown::Unknown;
}

bool IsWholeIdMap(std::string_view text)
{
    const auto inside = ParseNumber(NextWord(text));
    const auto outside = ParseNumber(NextWord(text));
    const auto count = ParseNumber(NextWord(text));
    return inside == 0 && outside == 0 && count == 4294967295 && Trim(text).empty();
}

ProcMount ParseProcMount(std::string_view mountinfo)
{
    ProcMount found;
    while (!mountinfo.empty()) {
        // 22 27 0:21 / /proc rw,relatime shared:5 - proc proc rw,hidepid=2,gid=42
        std::string_view line{NextLine(mountinfo)};
        const std::size_t dash{line.find(" - ")};
        if (dash == std::string_view::npos) continue;
        std::string_view right{line.substr(dash + 3)};
        for (int i{0}; i < 4; ++i) NextWord(line);
        if (NextWord(line) != "/proc" || NextWord(right) != "proc") continue;
        found = {};
        NextWord(right);
        std::string_view options{NextWord(right)};
        while (!options.empty()) {
            const std::size_t comma{std::min(options.find(','), options.size())};
            const std::string_view option{options.substr(0, comma)};
            options.remove_prefix(std::min(comma + 1, options.size()));
            if (option.starts_with("hidepid=")) found.hidepid = option.substr(8);
            if (option.starts_with("gid=")) found.gid = Parse<unsigned>(option.substr(4));
        }
    }
    return found;
}

std::optional<std::int64_t> ParseNumber(std::string_view text) { return Parse<std::int64_t>(Trim(text)); }

std::optional<std::uint64_t> FindWritableAddress(std::string_view maps, std::string_view path, std::uint64_t inode,
                                                 std::uint64_t file_offset)
{
    while (!maps.empty()) {
        // 55e0-55f0 rw-p 00001000 fe:00 1234   /usr/bin/bitcoind (deleted)
        std::string_view rest{NextLine(maps)};
        const std::string_view range{NextWord(rest)};
        const std::string_view rights{NextWord(rest)};
        const auto offset = Parse<std::uint64_t>(NextWord(rest), 16);
        NextWord(rest);
        const auto ino = Parse<std::uint64_t>(NextWord(rest));
        const std::size_t dash{range.find('-')};
        if (dash == std::string_view::npos || !offset || !ino || rights.size() < 2 || rights[1] != 'w' || *ino == 0) continue;
        const auto start = Parse<std::uint64_t>(range.substr(0, dash), 16);
        const auto end = Parse<std::uint64_t>(range.substr(dash + 1), 16);
        if (!start || !end || *end <= *start || (*ino != inode && Trim(rest) != path)) continue;
        if (file_offset >= *offset && file_offset - *offset < *end - *start) return *start + (file_offset - *offset);
    }
    return std::nullopt;
}

Trial Trial::Of(const util::Error& error)
{
    return {error.code == util::Errc::Permission ? Outcome::NotPermitted : Outcome::Fails, error.what};
}

bool HostFacts::Has(unsigned capability) const
{
    const std::uint64_t set{Capabilities()};
    const bool admin{(set >> cap::SYS_ADMIN & 1) != 0};
    return (set >> capability & 1) != 0 || (admin && (capability == cap::BPF || capability == cap::PERFMON));
}

FileText ReadSmallFile(const std::string& path)
{
    const util::Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!file) return std::nullopt;
    constexpr std::size_t LIMIT{16U << 20}; // the longest is the maps of a process with very many of them
    std::string text;
    char chunk[16384];
    while (text.size() < LIMIT) {
        const ssize_t n{::read(file.Get(), chunk, sizeof(chunk))};
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return std::nullopt;
        if (n == 0) break;
        text.append(chunk, static_cast<std::size_t>(n));
    }
    return text;
}

HostFacts GatherHostFacts()
{
    HostFacts facts;
    utsname name{};
    ::uname(&name);
    facts.release = name.release;
    facts.machine = name.machine;
    facts.uid = ::geteuid();
    facts.sysfs = ::access("/sys/kernel", F_OK) == 0;
    facts.uprobe_pmu = ::access("/sys/bus/event_source/devices/uprobe", F_OK) == 0;
    facts.btf = ::access("/sys/kernel/btf/vmlinux", F_OK) == 0;
    facts.tracefs =
        ::access("/sys/kernel/tracing/uprobe_events", F_OK) == 0 || ::access("/sys/kernel/debug/tracing/uprobe_events", F_OK) == 0;
    facts.multi = HaveUprobeMulti();
    const auto maps = CreateMaps(MIN_RING_BYTES);
    if (maps) {
        const auto watch = ExecWatch::Start(*maps);
        if (!watch) facts.exec_watch = Trial::Of(watch.GetError());
    } else {
        facts.maps = Trial::Of(maps.GetError());
        facts.exec_watch = facts.maps;
    }
    facts.cookie = TryCookie();
    facts.lease = TryLease();
    facts.jit = ReadSmallFile("/proc/sys/net/core/bpf_jit_enable");
    facts.leases_enable = ReadSmallFile("/proc/sys/fs/leases-enable");
    facts.lockdown = ReadSmallFile("/sys/kernel/security/lockdown");
    facts.perf_event_paranoid = ReadSmallFile("/proc/sys/kernel/perf_event_paranoid");
    facts.unprivileged_bpf_disabled = ReadSmallFile("/proc/sys/kernel/unprivileged_bpf_disabled");
    facts.uid_map = ReadSmallFile("/proc/self/uid_map");
    facts.status = ReadSmallFile("/proc/self/status").value_or("");
    facts.mountinfo = ReadSmallFile("/proc/self/mountinfo").value_or("");
    facts.container = FindContainer();
    facts.initial_user_ns = IsInode("/proc/self/ns/user", INITIAL_USER_NS);
    facts.initial_pid_ns = IsInode("/proc/self/ns/pid", INITIAL_PID_NS);
    if (const ProcMount proc{ParseProcMount(facts.mountinfo)}; proc.gid) facts.in_proc_gid = InGroup(*proc.gid);
    rlimit limit{};
    if (::getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) facts.memlock_bytes = limit.rlim_cur;
    return facts;
}

} // namespace coretap::tracer
