// The kernel side seen from here: the maps every traced binary shares, one loaded program for each binary, its
// link to the binary's probes. The only file that talks to libbpf.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "abi/coretap_abi.h"
#include "util/fd.h"
#include "util/result.h"

struct bpf_object;
struct bpf_link;
struct ring_buffer;

namespace coretap::tracer {

/** The smallest ring whose elements hold a whole 4,000,000-byte payload; smaller ones leave such payloads out (ADR 1). */
inline constexpr std::uint32_t DEFAULT_RING_BYTES{16U << 20};
inline constexpr std::uint32_t MIN_RING_BYTES{2 * CT_ELEM_MIN};
inline constexpr std::uint32_t MAX_RING_BYTES{1U << 30};

/** Descriptors of the maps; all that reading needs. They can be sent to another process. */
struct KernelMaps {
    util::Fd ring;      //!< mmapable array: the ring (abi/coretap_abi.h)
    util::Fd shared;    //!< one mmapable struct ct_shared
    util::Fd doorbell;  //!< BPF_MAP_TYPE_RINGBUF that wakes the reader
    util::Fd scratch;   //!< memory of the kernel programs
    util::Fd exec_ring; //!< BPF_MAP_TYPE_RINGBUF, struct ct_ring_exec
    std::uint32_t elem_bytes{0};
    std::uint32_t ring_elems{0};

    std::uint64_t RingBytes() const noexcept { return std::uint64_t{elem_bytes} * ring_elems; }
};

/** Create the maps. `ring_bytes` is rounded up to a power of two, at least MIN_RING_BYTES. Fails without CAP_BPF. */
util::Result<KernelMaps> CreateMaps(std::uint32_t ring_bytes);

/** How probes are attached: one link for all, or a perf event each (before Linux 6.6). */
enum class AttachKind { UprobeMulti, PerfUprobe };

/** Whether this kernel makes uprobe_multi links; found out by making one that must fail in a known way. */
bool HaveUprobeMulti();

/** A place to attach to: the file offset of the probe, of its semaphore (0: none), and its plan's index. */
struct AttachSite {
    std::uint64_t offset{0};
    std::uint64_t semaphore_offset{0};
    std::uint64_t cookie{0};
    std::string name; //!< for messages
};

struct AttachFailure {
    std::string name;
    util::Error error;
};

/** The kernel program, specialised for one binary, attached to its probes. Detaches when destroyed. */
class KernelProgram {
    struct ObjectCloser {
        void operator()(bpf_object* object) const noexcept;
    };
    struct LinkCloser {
        void operator()(bpf_link* link) const noexcept;
    };
    std::unique_ptr<bpf_object, ObjectCloser> m_object; // declared first: links point into it
    std::vector<std::unique_ptr<bpf_link, LinkCloser>> m_links;
    util::Fd m_multi_link;
    int m_prog_fd{-1};
    AttachKind m_kind{AttachKind::UprobeMulti};

    KernelProgram() = default;

public:
    KernelProgram(KernelProgram&&) noexcept = default;
    KernelProgram& operator=(KernelProgram&&) noexcept = default;
    ~KernelProgram();

    /** Verify and load, with `config` as its constants. */
    static util::Result<KernelProgram> Load(const KernelMaps& maps, const ct_config& config, AttachKind kind);
    /**
     * Attach to every site of the executable at `path` (a path of this mount namespace, or /proc/self/fd/N), for
     * all processes that run it now or later. A site that cannot be attached is returned, the rest run.
     */
    std::vector<AttachFailure> Attach(const std::string& path, const std::vector<AttachSite>& sites);
    /** Let go of every probe; milliseconds with uprobe_multi, up to 100 ms a probe without. */
    void Detach() noexcept;
    bool Attached() const noexcept { return m_multi_link || !m_links.empty(); }
    int ProgramFd() const noexcept { return m_prog_fd; }
    AttachKind Kind() const noexcept { return m_kind; }
};

/** A process called execve. */
struct ExecNotice {
    std::uint32_t pid{0};
    std::uint64_t at_ns{0}; //!< CLOCK_MONOTONIC
};

/** Watches execve on the whole machine through a raw tracepoint. */
class ExecWatch {
    struct ObjectCloser {
        void operator()(bpf_object* object) const noexcept;
    };
    struct RingCloser {
        void operator()(ring_buffer* ring) const noexcept;
    };
    std::unique_ptr<bpf_object, ObjectCloser> m_object;
    util::Fd m_link;
    std::unique_ptr<std::vector<ExecNotice>> m_notices; //!< filled by the ring's callback, so its address must not change
    std::unique_ptr<ring_buffer, RingCloser> m_ring;

    ExecWatch() = default;

public:
    static util::Result<ExecWatch> Start(const KernelMaps& maps);
    /** Readable when a process has called execve. */
    int PollFd() const noexcept;
    /** What happened since the last call. */
    std::vector<ExecNotice> Take();
};

/** What the kernel says of a program's cost, if kernel.bpf_stats_enabled is on: run time and count. */
struct ProgramCost {
    std::uint64_t run_time_ns{0};
    std::uint64_t run_count{0};
    std::uint64_t recursion_misses{0};
};
ProgramCost ReadProgramCost(int prog_fd);
/** Have the kernel measure programs' run time while the descriptor is open; that costs every firing some 40 ns. */
util::Result<util::Fd> EnableCostStats();

/** libbpf's own messages of the last failed load, for `--verbose`. Empties the buffer. */
std::string TakeLibbpfLog();

} // namespace coretap::tracer
