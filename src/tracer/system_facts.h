// What can be learned of this kernel and this process: gathered in one place, judged in another (checks.h), so
// that the judgement is pure. Parsers of /proc's texts, for the same reason on their own.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "util/result.h"

namespace coretap::tracer {

/** Capabilities of interest, by number; the rest have names only. */
namespace cap {
inline constexpr unsigned DAC_OVERRIDE{1};
inline constexpr unsigned DAC_READ_SEARCH{2};
inline constexpr unsigned SETGID{6};
inline constexpr unsigned SETUID{7};
inline constexpr unsigned SYS_PTRACE{19};
inline constexpr unsigned SYS_ADMIN{21};
inline constexpr unsigned LEASE{28};
inline constexpr unsigned PERFMON{38};
inline constexpr unsigned BPF{39};
inline constexpr std::uint64_t ALL{(std::uint64_t{1} << 41) - 1}; //!< those known by name
} // namespace cap

/** Value of a field of /proc/PID/status, without blanks around it; empty if it is not there. */
std::string_view StatusField(std::string_view status, std::string_view name);
/** A set of capabilities as /proc/PID/status writes it (`000001ffffffffff`). */
std::optional<std::uint64_t> ParseCapabilities(std::string_view hex);
/** `CAP_BPF` and so on; those newer than this program as `CAP_41`. */
std::string CapabilityName(unsigned number);
/** Names of the set's members, separated by blanks; `none` if there are none. */
std::string CapabilityNames(std::uint64_t set);

struct KernelRelease {
    unsigned major{0};
    unsigned minor{0};
    // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 takes the 0 in a defaulted comparison for a pointer
    auto operator<=>(const KernelRelease&) const = default;
};
/** `6.18.44-amd64` is {6, 18}. */
std::optional<KernelRelease> ParseRelease(std::string_view text);

enum class Lockdown : std::uint8_t { None, Integrity, Confidentiality, Unknown };
/** /sys/kernel/security/lockdown: `none [integrity] confidentiality`. */
Lockdown ParseLockdown(std::string_view text);

/** Whether /proc/PID/uid_map maps all ids to themselves, as the initial user namespace's does. */
bool IsWholeIdMap(std::string_view text);

/** How /proc hides processes from others. */
struct ProcMount {
    std::string hidepid;         //!< empty or `0`: not at all
    std::optional<unsigned> gid; //!< who sees all the same
    bool Hides() const { return !hidepid.empty() && hidepid != "0" && hidepid != "off"; }
};
/** From /proc/PID/mountinfo: the mount on /proc that is on top. */
ProcMount ParseProcMount(std::string_view mountinfo);

/** A number in decimal, blanks around it allowed. */
std::optional<std::int64_t> ParseNumber(std::string_view text);

/**
 * The address of byte `file_offset` of a file in a process, from /proc/PID/maps; nothing if it is not mapped writable.
 * The file is known by its path as the kernel prints it, or by its inode (overlayfs prints another path now and then).
 */
std::optional<std::uint64_t> FindWritableAddress(std::string_view maps, std::string_view path, std::uint64_t inode,
                                                 std::uint64_t file_offset);

/** Something that was tried. */
struct Trial {
    enum class Outcome : std::uint8_t { Works, NotPermitted, Fails };
    Outcome outcome{Outcome::Works};
    std::string error; //!< empty if it works

    bool Works() const { return outcome == Outcome::Works; }
    static Trial Of(const util::Error& error);
};

/** A file of /proc or /sys, nothing if it cannot be read. */
using FileText = std::optional<std::string>;

/** Everything the checks of kernel and privileges judge. */
struct HostFacts {
    std::string release;
    std::string machine;
    unsigned uid{0};
    bool sysfs{true};      //!< /sys is mounted
    bool uprobe_pmu{true}; //!< /sys/bus/event_source/devices/uprobe
    bool btf{true};
    bool tracefs{true};
    bool multi{true}; //!< uprobe_multi links can be made; false also where it could not be tried
    Trial maps{};
    Trial cookie{};
    Trial exec_watch{};
    Trial lease{};
    FileText jit{};
    FileText leases_enable{};
    FileText lockdown{};
    FileText perf_event_paranoid{};
    FileText unprivileged_bpf_disabled{};
    FileText uid_map{};
    std::string status{};    //!< /proc/self/status
    std::string mountinfo{}; //!< /proc/self/mountinfo
    std::string container{}; //!< what says that this is one, empty if nothing does
    bool initial_user_ns{true};
    bool initial_pid_ns{true};
    bool in_proc_gid{false};                      //!< a member of the group to which /proc hides nothing
    std::optional<std::uint64_t> memlock_bytes{}; //!< nothing: unlimited

    std::uint64_t Capabilities() const { return ParseCapabilities(StatusField(status, "CapEff")).value_or(0); }
    /** Whether the process has the capability; CAP_SYS_ADMIN stands for CAP_BPF and CAP_PERFMON, as in the kernel. */
    bool Has(unsigned capability) const;
    /** Not in a user namespace: the kernel's own, where capabilities count. */
    bool InitialUserNamespace() const { return initial_user_ns && (!uid_map || IsWholeIdMap(*uid_map)); }
};

/** Ask this kernel, trying what can only be known by trying. Some milliseconds. */
HostFacts GatherHostFacts();

/** A small file whole, nothing if it cannot be read. */
FileText ReadSmallFile(const std::string& path);

} // namespace coretap::tracer
