#include "tracer/kernel.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <mutex>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <sys/syscall.h>

extern "C" {
extern const char coretap_bpf_object[];
extern const char coretap_bpf_object_end[];
}

namespace coretap::tracer {
namespace {

// Newer than Debian 12's <linux/bpf.h>: Linux 6.6, include/uapi/linux/bpf.h
constexpr auto TRACE_UPROBE_MULTI{static_cast<bpf_attach_type>(48)};
struct UprobeMultiAttr {
    std::uint32_t prog_fd;
    std::uint32_t target_fd;
    std::uint32_t attach_type;
    std::uint32_t flags;
    std::uint64_t path;
    std::uint64_t offsets;
    std::uint64_t ref_ctr_offsets;
    std::uint64_t cookies;
    std::uint32_t cnt;
    std::uint32_t multi_flags;
    std::uint32_t pid;
    std::uint32_t pad;
};

int CreateUprobeMultiLink(int prog_fd, const std::string& path, const std::vector<AttachSite>& sites)
{
    std::vector<std::uint64_t> offsets;
    std::vector<std::uint64_t> semaphores;
    std::vector<std::uint64_t> cookies;
    for (const AttachSite& site : sites) {
        offsets.push_back(site.offset);
        semaphores.push_back(site.semaphore_offset);
        cookies.push_back(site.cookie);
    }
    UprobeMultiAttr attr{};
    attr.prog_fd = static_cast<std::uint32_t>(prog_fd);
    attr.attach_type = TRACE_UPROBE_MULTI;
    attr.path = reinterpret_cast<std::uint64_t>(path.c_str());
    attr.offsets = reinterpret_cast<std::uint64_t>(offsets.data());
    attr.ref_ctr_offsets = reinterpret_cast<std::uint64_t>(semaphores.data());
    attr.cookies = reinterpret_cast<std::uint64_t>(cookies.data());
    attr.cnt = static_cast<std::uint32_t>(sites.size());
    return static_cast<int>(::syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr)));
}

std::mutex g_log_mutex;
std::string g_log;

int CollectLog(libbpf_print_level level, const char* format, va_list args)
{
    if (level == LIBBPF_DEBUG) return 0;
    va_list again;
    va_copy(again, args);
    const int n{std::vsnprintf(nullptr, 0, format, again)};
    va_end(again);
    if (n <= 0) return 0;
    // the verifier's whole log is one message, and its end says what was wrong
    std::string line(static_cast<std::size_t>(n), '\0');
    std::vsnprintf(line.data(), line.size() + 1, format, args);
    const std::lock_guard lock{g_log_mutex};
    g_log += line;
    if (constexpr std::size_t LIMIT{1U << 20}; g_log.size() > LIMIT) g_log.erase(0, g_log.size() - LIMIT);
    return 0;
}

util::Error KernelError(std::string_view doing, int error)
{
    const int number{error < 0 ? -error : error};
    if (number == EPERM || number == EACCES) {
        return {
            util::Errc::Permission,
            fmt::format(
                "{}: {}. Run as root, or with CAP_BPF and CAP_PERFMON (and CAP_SYS_ADMIN before Linux 6.6); `coretap doctor` checks what is missing",
                doing, std::strerror(number)),
            number};
    }
    return {number == EINVAL || number == ENOTSUP || number == ENOSYS ? util::Errc::Unsupported : util::Errc::Io,
            fmt::format("{}: {}; `coretap doctor` checks what this kernel can do", doing, std::strerror(number)), number};
}

/** What the verifier said last, before its statistics; empty if it said nothing. */
std::string VerifierVerdict()
{
    const std::lock_guard lock{g_log_mutex};
    const std::size_t end{g_log.rfind("-- END PROG LOAD LOG --")};
    if (end == std::string::npos) return {};
    std::string_view log{std::string_view{g_log}.substr(0, end)};
    while (!log.empty()) {
        while (log.ends_with('\n')) log.remove_suffix(1);
        const std::size_t newline{log.rfind('\n')};
        const std::string_view line{newline == std::string_view::npos ? log : log.substr(newline + 1)};
        log = newline == std::string_view::npos ? std::string_view{} : log.substr(0, newline);
        if (!line.starts_with("processed ") && !line.starts_with("verification time") && !line.starts_with("stack depth"))
            return std::string{line};
    }
    return {};
}

/** The verifier's own refusal is EACCES as often as not, and no privilege mends that. */
util::Error LoadError(std::string_view what, int error)
{
    const std::string verdict{VerifierVerdict()};
    if (verdict.empty() || error == -EPERM) return KernelError(fmt::format("the kernel refused {}", what), error);
    return {
        util::Errc::Unsupported,
        fmt::format("this kernel's verifier refused {} ({}). Linux 5.15 to 6.18 accept it as released: please report this, with `uname -r`",
                    what, verdict),
        -error};
}

bpf_object* OpenObject()
{
    libbpf_set_print(CollectLog);
    LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "coretap");
    return bpf_object__open_mem(coretap_bpf_object, static_cast<std::size_t>(coretap_bpf_object_end - coretap_bpf_object), &opts);
}

bpf_map* FindMap(bpf_object* object, std::string_view suffix)
{
    bpf_map* map{nullptr};
    bpf_object__for_each_map(map, object)
    {
        if (std::string_view{bpf_map__name(map)}.ends_with(suffix)) return map;
    }
    return nullptr;
}

int UseMaps(bpf_object* object, const KernelMaps& maps)
{
    const std::pair<std::string_view, int> shared[]{{"ct_ring", maps.ring.Get()},
                                                    {"ct_exec_ring", maps.exec_ring.Get()},
                                                    {"ct_doorbell", maps.doorbell.Get()},
                                                    {"ct_scratch_slots", maps.scratch.Get()},
                                                    {".bss", maps.shared.Get()}};
    for (const auto& [name, fd] : shared) {
        bpf_map* map{FindMap(object, name)};
        if (map == nullptr) return -ENOENT;
        if (const int error{bpf_map__reuse_fd(map, fd)}; error != 0) return error;
    }
    return 0;
}

} // namespace

util::Result<KernelMaps> CreateMaps(std::uint32_t ring_bytes)
{
    libbpf_set_print(CollectLog);
    KernelMaps maps;
    const std::uint32_t total{std::bit_ceil(std::clamp(ring_bytes, MIN_RING_BYTES, MAX_RING_BYTES))};
    maps.elem_bytes = std::clamp(total / 4, std::uint32_t{CT_ELEM_MIN}, std::uint32_t{CT_ELEM_MAX});
    maps.ring_elems = total / maps.elem_bytes;
    bpf_object* object{OpenObject()};
    if (object == nullptr) return KernelError("cannot read the kernel program built into coretap", errno);
    const std::unique_ptr<bpf_object, void (*)(bpf_object*)> closer{object, bpf_object__close};
    const bpf_map* scratch{FindMap(object, "ct_scratch_slots")};
    const bpf_map* bss{FindMap(object, ".bss")};
    if (scratch == nullptr || bss == nullptr)
        return util::Error{util::Errc::Malformed, "the kernel program built into coretap lacks its maps; this build is broken"};

    LIBBPF_OPTS(bpf_map_create_opts, mmapable, .map_flags = BPF_F_MMAPABLE);
    maps.ring.Reset(bpf_map_create(BPF_MAP_TYPE_ARRAY, "ct_ring", 4, maps.elem_bytes, maps.ring_elems, &mmapable));
    if (!maps.ring) return KernelError(fmt::format("cannot create a ring of {} bytes", total), errno);
    const auto page{static_cast<std::uint32_t>(::sysconf(_SC_PAGESIZE))};
    maps.doorbell.Reset(bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ct_doorbell", 0, 0, page, nullptr));
    if (!maps.doorbell) return KernelError("cannot create the ring buffer that wakes the reader", errno);
    maps.exec_ring.Reset(bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ct_exec_ring", 0, 0, page, nullptr));
    if (!maps.exec_ring) return KernelError("cannot create the ring buffer for execve notices", errno);
    maps.shared.Reset(bpf_map_create(BPF_MAP_TYPE_ARRAY, "ct_shared", 4, bpf_map__value_size(bss), 1, &mmapable));
    if (!maps.shared) return KernelError("cannot create the map of counters", errno);
    maps.scratch.Reset(
        bpf_map_create(BPF_MAP_TYPE_ARRAY, "ct_scratch", 4, bpf_map__value_size(scratch), bpf_map__max_entries(scratch), nullptr));
    if (!maps.scratch) return KernelError("cannot create the map of scratch slots", errno);
    return maps;
}

bool HaveUprobeMulti()
{
    // A link without a program fails with EBADF where the kernel knows the type, with EINVAL where it does not
    // reach that far; so load a program of the right type, and ask for a file that is not there.
    const bpf_insn insns[]{{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
                           {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
    LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = TRACE_UPROBE_MULTI);
    const util::Fd prog{bpf_prog_load(BPF_PROG_TYPE_KPROBE, "ct_multi", "GPL", insns, std::size(insns), &opts)};
    if (!prog) return false;
    const int link{CreateUprobeMultiLink(prog.Get(), "/", {AttachSite{}})};
    if (link >= 0) {
        ::close(link);
        return true;
    }
    return errno == EBADF; // "/" is not a regular file
}

void KernelProgram::ObjectCloser::operator()(bpf_object* object) const noexcept { bpf_object__close(object); }
void KernelProgram::LinkCloser::operator()(bpf_link* link) const noexcept { bpf_link__destroy(link); }
KernelProgram::~KernelProgram() { Detach(); }

util::Result<KernelProgram> KernelProgram::Load(const KernelMaps& maps, const ct_config& config, AttachKind kind)
{
    TakeLibbpfLog();
    KernelProgram loaded;
    loaded.m_kind = kind;
    loaded.m_object.reset(OpenObject());
    if (!loaded.m_object) return KernelError("cannot read the kernel program built into coretap", errno);
    bpf_object* object{loaded.m_object.get()};

    ct_config with_ring{config};
    with_ring.elem_bytes = maps.elem_bytes;
    with_ring.ring_elems = maps.ring_elems;
    bpf_map* rodata{FindMap(object, ".rodata.config")};
    if (rodata == nullptr || bpf_map__set_initial_value(rodata, &with_ring, sizeof(with_ring)) != 0) {
        return util::Error{util::Errc::Malformed, "the kernel program built into coretap does not fit this build of coretap"};
    }
    if (const int error{UseMaps(object, maps)}; error != 0) return KernelError("cannot share the maps", error);
    bpf_program* program{bpf_object__find_program_by_name(object, "coretap")};
    bpf_program__set_autoload(bpf_object__find_program_by_name(object, "coretap_exec"), false);
    if (kind == AttachKind::UprobeMulti) bpf_program__set_expected_attach_type(program, TRACE_UPROBE_MULTI);
    if (const int error{bpf_object__load(object)}; error != 0) return LoadError("coretap's program", error);
    loaded.m_prog_fd = bpf_program__fd(program);
    return loaded;
}

std::vector<AttachFailure> KernelProgram::Attach(const std::string& path, const std::vector<AttachSite>& sites)
{
    std::vector<AttachFailure> failures;
    if (sites.empty()) return failures;
    if (m_kind == AttachKind::PerfUprobe) {
        const bpf_program* program{bpf_object__find_program_by_name(m_object.get(), "coretap")};
        for (const AttachSite& site : sites) {
            LIBBPF_OPTS(bpf_uprobe_opts, opts, .ref_ctr_offset = site.semaphore_offset, .bpf_cookie = site.cookie);
            bpf_link* link{bpf_program__attach_uprobe_opts(program, -1, path.c_str(), site.offset, &opts)};
            if (link == nullptr) {
                failures.push_back({site.name, KernelError("cannot attach " + site.name, errno)});
            } else {
                m_links.emplace_back(link);
            }
        }
        return failures;
    }

    m_multi_link.Reset(CreateUprobeMultiLink(m_prog_fd, path, sites));
    if (m_multi_link) return failures;
    // The link is all or nothing: find the sites that spoil it, then attach the rest.
    std::vector<AttachSite> good;
    for (const AttachSite& site : sites) {
        const util::Fd trial{CreateUprobeMultiLink(m_prog_fd, path, {site})};
        if (trial) {
            good.push_back(site);
        } else {
            failures.push_back({site.name, KernelError("cannot attach " + site.name, errno)});
        }
    }
    if (!good.empty()) {
        m_multi_link.Reset(CreateUprobeMultiLink(m_prog_fd, path, good));
        if (!m_multi_link) {
            const int error{errno};
            for (const AttachSite& site : good) failures.push_back({site.name, KernelError("cannot attach " + site.name, error)});
        }
    }
    return failures;
}

void KernelProgram::Detach() noexcept
{
    m_multi_link.Reset();
    m_links.clear();
}

void ExecWatch::ObjectCloser::operator()(bpf_object* object) const noexcept { bpf_object__close(object); }
void ExecWatch::RingCloser::operator()(ring_buffer* ring) const noexcept { ring_buffer__free(ring); }

util::Result<ExecWatch> ExecWatch::Start(const KernelMaps& maps)
{
    ExecWatch watch;
    watch.m_object.reset(OpenObject());
    if (!watch.m_object) return KernelError("cannot read the kernel program built into coretap", errno);
    bpf_object* object{watch.m_object.get()};
    if (const int error{UseMaps(object, maps)}; error != 0) return KernelError("cannot share the maps", error);
    bpf_program* program{bpf_object__find_program_by_name(object, "coretap_exec")};
    bpf_program__set_autoload(bpf_object__find_program_by_name(object, "coretap"), false);
    if (const int error{bpf_object__load(object)}; error != 0) return LoadError("the watch on execve", error);
    watch.m_notices = std::make_unique<std::vector<ExecNotice>>();
    const auto on_exec = [](void* notices, void* data, std::size_t size) {
        ct_ring_exec exec{};
        if (size >= sizeof(exec)) {
            std::memcpy(&exec, data, sizeof(exec));
            static_cast<std::vector<ExecNotice>*>(notices)->push_back({exec.tgid, exec.ts_ns});
        }
        return 0;
    };
    watch.m_ring.reset(ring_buffer__new(maps.exec_ring.Get(), on_exec, watch.m_notices.get(), nullptr));
    if (!watch.m_ring) return KernelError("cannot read execve notices", errno);
    watch.m_link.Reset(bpf_raw_tracepoint_open("sched_process_exec", bpf_program__fd(program)));
    if (!watch.m_link) return KernelError("cannot watch execve", errno);
    return watch;
}

int ExecWatch::PollFd() const noexcept { return ring_buffer__epoll_fd(m_ring.get()); }

std::vector<ExecNotice> ExecWatch::Take()
{
    ring_buffer__consume(m_ring.get());
    return std::exchange(*m_notices, {});
}

ProgramCost ReadProgramCost(int prog_fd)
{
    bpf_prog_info info{};
    std::uint32_t size{sizeof(info)};
    if (bpf_obj_get_info_by_fd(prog_fd, &info, &size) != 0) return {};
    return {info.run_time_ns, info.run_cnt, info.recursion_misses};
}

util::Result<util::Fd> EnableCostStats()
{
    util::Fd stats{bpf_enable_stats(BPF_STATS_RUN_TIME)};
    if (!stats) return KernelError("cannot have the kernel measure the cost", errno);
    return stats;
}

std::string TakeLibbpfLog()
{
    const std::lock_guard lock{g_log_mutex};
    return std::exchange(g_log, {});
}

} // namespace coretap::tracer
