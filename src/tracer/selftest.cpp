#include "tracer/selftest.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>

#include "event/event.h"
#include "tracer/elf_probes.h"
#include "tracer/plan.h"
#include "tracer/ring.h"

#define SDT_USE_VARIADIC 1
#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>

// One tracepoint must stay one site: nothing may be inlined, cloned, or specialised for constant arguments.
#if defined(__clang__)
#define CORETAP_ONE_SITE __attribute__((noinline, optnone))
#else
#define CORETAP_ONE_SITE __attribute__((noipa))
#endif

extern "C" {
__attribute__((section(".probes"))) volatile unsigned short coretap_selftest_semaphore{0};
}

namespace coretap::tracer {
namespace {

using std::chrono::nanoseconds;
using util::Errc;
using util::Error;
using util::Result;

CORETAP_ONE_SITE void Fire(std::uint64_t number, const char* text) { STAP_PROBEV(coretap, selftest, number, text); }

nanoseconds Now()
{
    // the kernel's clock of a firing: CLOCK_MONOTONIC
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::chrono::seconds{now.tv_sec} + nanoseconds{now.tv_nsec};
}

Error Step(std::string_view doing, const Error& error) { return {error.code, fmt::format("{}: {}", doing, error.what), error.sys_errno}; }

/** The catalogue with the row of our own probe, and what is known of its site. */
struct Target {
    event::Catalogue catalogue;
    const event::TracepointDef* row{nullptr};
    AttachSite site;
    ct_plan plan{};
};

Result<std::unique_ptr<Target>> FindOwnProbe()
{
    auto target = std::make_unique<Target>();
    const util::Fd exe{::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};
    if (!exe)
        return Error{errno == EACCES ? Errc::Permission : Errc::Io,
                     fmt::format("cannot read coretap's own executable: {}", std::strerror(errno)), errno};
    const auto probes = ReadProbes(exe.Get(), "coretap's own executable");
    if (!probes) return probes.GetError();
    const auto sites = probes->Find("coretap", "selftest");
    if (sites.empty())
        return Error{Errc::Malformed,
                     "this build of coretap has lost its probe for the self-test (was its .note.stapsdt section stripped?)"};

    event::TracepointDef def;
    def.provider = "coretap";
    def.name = "selftest";
    def.args = {{.name = "number", .type = event::ArgType::Uint, .doc = ""},
                {.name = "text", .type = event::ArgType::String, .bound = 64, .doc = ""}};
    const auto row = target->catalogue.AddUser(std::move(def));
    if (!row) return row.GetError();
    target->row = *row;
    const auto plan = MakePlan(*target->row, *sites.front());
    if (!plan) return plan.GetError();
    target->plan = *plan;
    target->site = {.offset = sites.front()->file_offset,
                    .semaphore_offset = sites.front()->semaphore_offset,
                    .cookie = CT_PLAN_FIRST_GENERIC,
                    .name = "coretap:selftest"};
    return target;
}

/** Tells the firings of this test from those of another coretap: the probe is attached by inode, for all processes. */
std::uint64_t Nonce()
{
    std::uint64_t nonce{0};
    if (::getrandom(&nonce, sizeof(nonce), 0) != sizeof(nonce)) nonce = static_cast<std::uint64_t>(Now().count());
    return nonce & ~std::uint64_t{0xffff};
}

std::string TextOf(std::size_t i) { return fmt::format("coretap tests itself, {}", i); }

/** Reads what is in the ring, and says what is wrong with it; nothing if all is well. */
std::optional<Error> ReadBack(Ring& ring, const Target& target, std::uint64_t nonce, SelfTestReport& report)
{
    std::optional<Error> trouble;
    const auto spoil = [&trouble](std::string what) {
        if (!trouble) trouble = Error{Errc::Malformed, std::move(what)};
    };
    ring.Drain([&](std::uint32_t kind, std::span<const std::byte> bytes) {
        const nanoseconds now{Now()};
        if (kind != CT_RING_EVENT || bytes.size() < sizeof(ct_ring_event))
            return spoil(fmt::format("a record of kind {} with {} bytes came back", kind, bytes.size()));
        const auto parsed = event::ParseRecord(bytes.subspan(sizeof(ct_ring_head)), target.catalogue, 0);
        if (!parsed) return spoil("what came back cannot be read: " + parsed.GetError().what);
        const event::Event& event{*parsed};
        if (event.Id() != target.row->id) return spoil("an event of another tracepoint came back: " + event.Def().FullName());
        if ((event.Uint(0) & ~std::uint64_t{0xffff}) != nonce) {
            ++report.foreign;
            return;
        }
        const std::string expected{TextOf(report.received)};
        if (event.AnyFault()) return spoil("the kernel could not read an argument");
        if (event.Uint(0) != nonce + report.received || event.Str(1) != expected || event.Cut(1)) {
            return spoil(
                fmt::format("fired ({}, \"{}\"), received ({}, \"{}\")", nonce + report.received, expected, event.Uint(0), event.Str(1)));
        }
        ++report.received;
        report.delivered = std::max(report.delivered, now - nanoseconds{event.MonotonicNs()});
    });
    return trouble;
}

} // namespace

unsigned SelfTestSemaphore() noexcept { return coretap_selftest_semaphore; }

std::string SelfTestReport::Summary() const
{
    const auto milliseconds = [](nanoseconds time) { return std::chrono::duration<double, std::milli>{time}.count(); };
    return fmt::format("loaded in {:.0f} ms, attached in {:.0f} ms, {} of {} events received, detached in {:.0f} ms; {:.1f} us a firing",
                       milliseconds(load), milliseconds(attach), received, fired, milliseconds(detach),
                       std::chrono::duration<double, std::micro>{firing}.count());
}

Result<SelfTestReport> RunSelfTest(std::size_t firings, std::optional<AttachKind> kind)
{
    SelfTestReport report;
    auto target = FindOwnProbe();
    if (!target) return target.GetError();
    const auto maps = CreateMaps(MIN_RING_BYTES);
    if (!maps) return maps.GetError();
    auto ring = Ring::Open(maps->ring.Get(), maps->shared.Get(), maps->doorbell.Get(), maps->elem_bytes, maps->ring_elems);
    if (!ring) return ring.GetError();

    const auto config = std::make_unique<ct_config>();
    config->plans[CT_PLAN_FIRST_GENERIC] = (*target)->plan;
    report.kind = kind ? *kind : HaveUprobeMulti() ? AttachKind::UprobeMulti : AttachKind::PerfUprobe;
    nanoseconds start{Now()};
    auto program = KernelProgram::Load(*maps, *config, report.kind);
    report.load = Now() - start;
    if (!program) return program.GetError();

    report.semaphore_before = SelfTestSemaphore();
    start = Now();
    const auto failures = program->Attach("/proc/self/exe", {(*target)->site});
    report.attach = Now() - start;
    if (!failures.empty()) return failures.front().error;
    report.semaphore_attached = SelfTestSemaphore();
    if (report.semaphore_attached == 0)
        return Error{Errc::Unsupported, "attached, but the kernel did not raise the probe's semaphore; nodes would fire nothing"};

    const std::uint64_t nonce{Nonce()};
    std::optional<Error> trouble;
    report.firing = nanoseconds::max();
    for (std::size_t i{0}; i < firings; ++i) {
        const std::string text{TextOf(i)};
        start = Now();
        Fire(nonce + i, text.c_str());
        report.firing = std::min(report.firing, Now() - start);
        ++report.fired;
        if (auto found = ReadBack(*ring, **target, nonce, report); found && !trouble) trouble = std::move(found);
    }

    start = Now();
    program->Detach();
    report.detach = Now() - start;
    report.semaphore_after = SelfTestSemaphore();
    if (trouble) return Step("the self-test's events came back wrong", *trouble);
    if (report.received != report.fired) {
        return Error{Errc::Malformed, fmt::format("the self-test fired {} events and received {}", report.fired, report.received)};
    }
    // Others who test themselves at this moment hold the same semaphore: only our share can be judged.
    if (report.semaphore_after > 0 && report.semaphore_after > report.semaphore_before && report.foreign == 0) {
        return Error{Errc::Io, fmt::format("the probe's semaphore is {} after detaching, and was {} before attaching",
                                           report.semaphore_after, report.semaphore_before)};
    }
    return report;
}

} // namespace coretap::tracer
