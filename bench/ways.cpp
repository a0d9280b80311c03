#include "bench/ways.h"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>
#include <span>
#include <stdexcept>
#include <thread>
#include <utility>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "event/catalogue.h"
#include "tracer/elf_probes.h"
#include "tracer/image.h"
#include "tracer/kernel.h"
#include "tracer/ring.h"
#include "util/fd.h"

namespace coretap::bench {

void Fail(const std::string& what) { throw std::runtime_error{what}; }
void Fail(const std::string& what, int error) { Fail(what + ": " + std::strerror(error < 0 ? -error : error)); }

namespace {

using Clock = std::chrono::steady_clock;

double MsSince(Clock::time_point start) { return std::chrono::duration<double, std::milli>(Clock::now() - start).count(); }

util::Fd OpenFile(const std::string& path)
{
    util::Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!file) Fail(path, errno);
    return file;
}

tracer::BinaryProbes Probes(const std::string& path)
{
    const util::Fd file{OpenFile(path)};
    auto probes{tracer::ReadProbes(file.Get(), path)};
    if (!probes) Fail(probes.GetError().what);
    return std::move(*probes);
}

/** The probe that fire.cpp fires. */
tracer::ProbeSite MessageSite(const std::string& path)
{
    const tracer::BinaryProbes probes{Probes(path)};
    const auto sites{probes.Find("net", "inbound_message")};
    if (sites.empty()) Fail(path + " has no probe net:inbound_message");
    return *sites.front();
}

// Newer than Debian 12's <linux/bpf.h>: Linux 6.6, include/uapi/linux/bpf.h
constexpr auto TRACE_UPROBE_MULTI{static_cast<bpf_attach_type>(48)};
struct UprobeMultiAttr {
    std::uint32_t prog_fd, target_fd, attach_type, flags;
    std::uint64_t path, offsets, ref_ctr_offsets, cookies;
    std::uint32_t cnt, multi_flags, pid, pad;
};

class LibbpfTracer : public Tracer {
protected:
    std::unique_ptr<bpf_object, void (*)(bpf_object*)> m_object{nullptr, bpf_object__close};
    std::unique_ptr<bpf_link, int (*)(bpf_link*)> m_link{nullptr, bpf_link__destroy};

    bpf_program* Open(const char* object_path, const char* program)
    {
        libbpf_set_print([](libbpf_print_level level, const char* format, va_list args) {
            return level == LIBBPF_DEBUG ? 0 : std::vfprintf(stderr, format, args);
        });
        m_object.reset(bpf_object__open_file(object_path, nullptr));
        if (!m_object) Fail(object_path, errno);
        return bpf_object__find_program_by_name(m_object.get(), program);
    }
    void Load()
    {
        if (const int error{bpf_object__load(m_object.get())}; error != 0) Fail("the kernel refused the program", error);
    }
};

class FloorTracer final : public LibbpfTracer {
    tracer::ProbeSite m_site;
    std::string m_path;
    bool m_multi;
    util::Fd m_multi_link{};

public:
    FloorTracer(const std::string& path, bool multi) : m_site{MessageSite(path)}, m_path{path}, m_multi{multi} {}

    void Attach() override
    {
        bpf_program* program{Open(CORETAP_BENCH_FLOOR, "floor_probe")};
        if (m_multi) bpf_program__set_expected_attach_type(program, TRACE_UPROBE_MULTI);
        Load();
        if (!m_multi) {
            LIBBPF_OPTS(bpf_uprobe_opts, opts, .ref_ctr_offset = m_site.semaphore_offset);
            m_link.reset(bpf_program__attach_uprobe_opts(program, -1, m_path.c_str(), m_site.file_offset, &opts));
            if (!m_link) Fail("cannot attach", errno);
            return;
        }
        UprobeMultiAttr attr{};
        attr.prog_fd = static_cast<std::uint32_t>(bpf_program__fd(program));
        attr.attach_type = TRACE_UPROBE_MULTI;
        attr.path = reinterpret_cast<std::uint64_t>(m_path.c_str());
        attr.offsets = reinterpret_cast<std::uint64_t>(&m_site.file_offset);
        attr.ref_ctr_offsets = reinterpret_cast<std::uint64_t>(&m_site.semaphore_offset);
        attr.cnt = 1;
        m_multi_link.Reset(static_cast<int>(::syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr))));
        if (!m_multi_link) Fail("cannot attach", errno);
    }
    void Detach() override
    {
        m_multi_link.Reset();
        m_link.reset();
    }
    void Turn() override { std::this_thread::sleep_for(std::chrono::milliseconds{10}); }
    void Finish() override {}
};

class NaiveTracer final : public LibbpfTracer {
    std::string m_path;
    std::unique_ptr<ring_buffer, void (*)(ring_buffer*)> m_rings{nullptr, ring_buffer__free};

public:
    explicit NaiveTracer(std::string path) : m_path{std::move(path)} {}

    void Attach() override
    {
        const bpf_program* program{Open(CORETAP_BENCH_NAIVE, "naive_message")};
        Load();
        const auto on_sample = [](void* context, void* data, std::size_t size) {
            auto* self{static_cast<NaiveTracer*>(context)};
            std::memcpy(self->m_batch.data(), data, size);
            ++self->m_account.delivered;
            self->m_account.bytes += size;
            return 0;
        };
        for (const char* name : {"naive_small", "naive_medium", "naive_large", "naive_huge"}) {
            const int fd{bpf_object__find_map_fd_by_name(m_object.get(), name)};
            if (!m_rings) {
                m_rings.reset(ring_buffer__new(fd, on_sample, this, nullptr));
            } else if (ring_buffer__add(m_rings.get(), fd, on_sample, this) != 0) {
                m_rings.reset();
            }
            if (!m_rings) Fail("cannot read a ring", errno);
        }
        m_link.reset(bpf_program__attach_usdt(program, -1, m_path.c_str(), "net", "inbound_message", nullptr));
        if (!m_link) Fail("cannot attach", errno);
    }
    void Detach() override { m_link.reset(); }
    void Turn() override { ring_buffer__poll(m_rings.get(), 10); }
    void Finish() override
    {
        ring_buffer__consume(m_rings.get());
        const int bss{bpf_object__find_map_fd_by_name(m_object.get(), ".bss")};
        const std::uint32_t key{0};
        bpf_map_lookup_elem(bss, &key, &m_account.lost);
    }
};

class CoretapTracer final : public Tracer {
    std::string m_path;
    tracer::KernelMaps m_maps{};
    std::optional<tracer::KernelProgram> m_program{};
    std::optional<tracer::Ring> m_ring{};
    std::unique_ptr<tracer::Planned> m_plan{};
    tracer::AttachKind m_kind;

    template <class T>
    static T Take(util::Result<T> result)
    {
        if (!result) Fail(result.GetError().what + "\n" + tracer::TakeLibbpfLog());
        return std::move(*result);
    }

public:
    CoretapTracer(const std::string& path, bool multi, std::uint32_t ring_bytes, __u8 mode, std::uint32_t snap)
        : m_path{path}, m_kind{multi ? tracer::AttachKind::UprobeMulti : tracer::AttachKind::PerfUprobe}
    {
        m_maps = Take(tracer::CreateMaps(ring_bytes));
        m_ring =
            Take(tracer::Ring::Open(m_maps.ring.Get(), m_maps.shared.Get(), m_maps.doorbell.Get(), m_maps.elem_bytes, m_maps.ring_elems));
        ct_shared& shared{m_ring->Shared()};
        shared.wake_bytes = static_cast<std::uint32_t>(m_maps.RingBytes() / 8);
        shared.shed_bytes = static_cast<std::uint32_t>(m_maps.RingBytes() / 4 * 3);
        for (__u32& type : shared.snap) type = snap;
        tracer::Modes modes{};
        modes.fill(mode);
        const util::Fd file{OpenFile(path)};
        m_plan = tracer::PlanBinary(file.Get(), Probes(path), event::Catalogue{}, modes);
        for (const std::string& problem : m_plan->problems) std::fprintf(stderr, "%s\n", problem.c_str());
        if (m_plan->sites.empty()) Fail(path + " carries no tracepoint of the catalogue");
        m_account.sites = m_plan->sites.size();
    }

    void Attach() override
    {
        const Clock::time_point start{Clock::now()};
        m_program = Take(tracer::KernelProgram::Load(m_maps, m_plan->config, m_kind));
        m_account.load_ms = MsSince(start);
        const Clock::time_point loaded{Clock::now()};
        for (const tracer::AttachFailure& failure : m_program->Attach(m_path, m_plan->sites)) Fail(failure.error.what);
        m_account.attach_ms = MsSince(loaded);
    }
    void Detach() override
    {
        const Clock::time_point start{Clock::now()};
        m_program->Detach();
        m_account.detach_ms = MsSince(start);
    }
    void Turn() override
    {
        Drain();
        m_ring->Wait(std::chrono::milliseconds{10}, -1);
    }
    void Drain()
    {
        m_ring->Drain([this](std::uint32_t kind, std::span<const std::byte> bytes) {
            std::memcpy(m_batch.data(), bytes.data(), bytes.size());
            m_account.delivered += kind != CT_RING_PEER;
            m_account.bytes += bytes.size();
        });
    }
    void Finish() override
    {
        while (m_ring->FillBytes() > 0) Drain();
        const ct_shared& shared{m_ring->Shared()};
        for (const auto& node : shared.messages) {
            for (const auto& direction : node) {
                for (const auto& connection : direction) {
                    for (const ct_msg_counters& type : connection) m_account.counted += type.count;
                }
            }
        }
        for (const auto& node : shared.counters) {
            for (const ct_counters& counters : node) {
                m_account.lost += counters.lost_ring_full + counters.lost_contended;
                m_account.shed += counters.payload_shed;
                m_account.faults += counters.arg_faults;
            }
        }
    }
};

} // namespace

bool UseMulti(bool perf) { return !perf && tracer::HaveUprobeMulti(); }

std::unique_ptr<Tracer> MakeFloor(const std::string& path, bool multi) { return std::make_unique<FloorTracer>(path, multi); }

std::unique_ptr<Tracer> MakeNaive(const std::string& path) { return std::make_unique<NaiveTracer>(path); }

std::unique_ptr<Tracer> MakeCoretap(const std::string& path, bool multi, std::uint32_t ring_bytes, __u8 mode, std::uint32_t snap)
{
    return std::make_unique<CoretapTracer>(path, multi, ring_bytes, mode, snap);
}

} // namespace coretap::bench
