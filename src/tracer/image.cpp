#include "tracer/image.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <set>

#include <fcntl.h>
#include <fmt/format.h>

#include "tracer/conformance.h"
#include "tracer/names.h"
#include "tracer/plan.h"

namespace coretap::tracer {
namespace {

/** The row to trace a site as: the one that fits exactly, or the user's own, whose integers may be of another size. */
const event::TracepointDef* RowFor(const event::Catalogue& catalogue, const ProbeSite& site)
{
    if (const event::TracepointDef * exact{MatchRow(catalogue, site)}) return exact;
    for (const event::TracepointDef* row : catalogue.FindAll(site.provider, site.name)) {
        if (row->origin == event::Origin::User) return row;
    }
    return nullptr;
}

/** Index of the specialised plan for a row, if it has one. */
std::optional<std::size_t> SpecialPlan(std::uint16_t row_id)
{
    switch (row_id) {
    case event::id::INBOUND_MESSAGE: return CT_PLAN_INBOUND;
    case event::id::OUTBOUND_MESSAGE: return CT_PLAN_OUTBOUND;
    case event::id::UTXOCACHE_ADD: return CT_PLAN_COIN_ADD;
    case event::id::UTXOCACHE_SPENT: return CT_PLAN_COIN_SPENT;
    default: return std::nullopt;
    }
}

double Milliseconds(std::chrono::steady_clock::duration duration) { return std::chrono::duration<double, std::milli>(duration).count(); }

} // namespace

std::unique_ptr<Planned> PlanBinary(int fd, const BinaryProbes& probes, const event::Catalogue& catalogue, const Modes& modes)
{
    auto planned{std::make_unique<Planned>()};
    FillNames(planned->config);
    std::set<std::uint16_t> rows;
    std::array<bool, CT_PLAN_FIRST_GENERIC> taken{};
    std::size_t next{CT_PLAN_FIRST_GENERIC};
    for (const ProbeSite& site : probes.sites) {
        if (catalogue.FindAll(site.provider, site.name).empty()) continue;
        const event::TracepointDef* row{RowFor(catalogue, site)};
        if (row == nullptr) {
            planned->problems.push_back(fmt::format(
                "{} has other arguments than coretap knows and is not traced; `coretap probes` shows the difference", site.FullName()));
            continue;
        }
        if (modes[row->id] == CT_MODE_OFF) continue;
        auto plan{MakePlan(*row, site)};
        if (!plan) {
            planned->problems.push_back(plan.GetError().what);
            continue;
        }
        if (!SiteIsNop(fd, site, probes.machine)) {
            planned->problems.push_back(fmt::format("{} at {:#x} is not a nop instruction and is not traced; is the file damaged?",
                                                    site.FullName(), site.location));
            continue;
        }
        plan->mode = modes[row->id];
        std::size_t index{CT_MAX_PLANS};
        const auto special{SpecialPlan(row->id)};
        if (special && !taken[*special]) {
            index = *special;
            taken[index] = true;
        } else if (next < CT_MAX_PLANS) {
            index = next++;
        } else {
            planned->problems.push_back(fmt::format("{} at {:#x} is one probe too many and is not traced (at most {})", site.FullName(),
                                                    site.location, CT_MAX_PLANS));
            continue;
        }
        planned->config.plans[index] = *plan;
        planned->sites.push_back({site.file_offset, site.semaphore_offset, index, site.FullName()});
        planned->rows.push_back(row->id);
        rows.insert(row->id);
    }
    std::string absent;
    for (const event::TracepointDef* row : catalogue.Rows()) {
        const bool expected{row->origin == event::Origin::Core || row->origin == event::Origin::User};
        if (!expected || modes[row->id] == CT_MODE_OFF || !probes.Find(row->provider, row->name).empty()) continue;
        absent += (absent.empty() ? "" : ", ") + row->FullName();
    }
    if (!absent.empty() && !probes.sites.empty()) planned->problems.push_back("not in this binary: " + absent);
    planned->tracepoints = rows.size();
    return planned;
}

util::Result<Image::Attached> Image::Attach(util::Fd file, std::string path, const KernelMaps& maps, AttachKind kind,
                                            const event::Catalogue& catalogue, const Modes& modes, int lease_signal)
{
    using Clock = std::chrono::steady_clock;
    Attached attached;
    attached.image = std::make_unique<Image>();
    Image& image{*attached.image};
    image.m_path = std::move(path);
    image.m_attaching_since_ns = static_cast<std::uint64_t>(Clock::now().time_since_epoch().count()); // CLOCK_MONOTONIC
    image.m_file = std::move(file);
    auto file_id{IdOf(image.m_file.Get())};
    if (!file_id) return file_id.GetError();
    image.m_id = *file_id;

    // The lease first: from here on nobody writes to the file before we have let go.
    if (::fcntl(image.m_file.Get(), F_SETSIG, lease_signal) == 0 && ::fcntl(image.m_file.Get(), F_SETLEASE, F_RDLCK) == 0)
        image.m_leased = true;

    auto probes{ReadProbes(image.m_file.Get(), image.m_path)};
    if (!probes) {
        const util::Error& error{probes.GetError()};
        return error.code == util::Errc::Io ? error : util::Error{util::Errc::NotFound, error.what, error.sys_errno};
    }
    image.m_build_id = probes->build_id;
    const auto planned{PlanBinary(image.m_file.Get(), *probes, catalogue, modes)};
    attached.problems = planned->problems;
    if (planned->sites.empty()) {
        return util::Error{
            util::Errc::NotFound,
            probes->sites.empty() ?
                fmt::format(
                    "{} carries no tracepoints; it needs a Bitcoin Core built with -DWITH_USDT=ON, as the release binaries for Linux are",
                    image.m_path) :
                fmt::format("{} carries none of the tracepoints asked for; `coretap probes {}` shows what it has", image.m_path,
                            image.m_path)};
    }

    const Clock::time_point start{Clock::now()};
    auto program{KernelProgram::Load(maps, planned->config, kind)};
    if (!program) return program.GetError();
    const Clock::time_point loaded{Clock::now()};
    image.m_program.emplace(std::move(*program));
    // Through the descriptor: it names the file itself, whatever happens to its path or its process.
    const auto failures{image.m_program->Attach(fmt::format("/proc/self/fd/{}", image.m_file.Get()), planned->sites)};
    attached.load_ms = Milliseconds(loaded - start);
    attached.attach_ms = Milliseconds(Clock::now() - loaded);
    for (const AttachFailure& failure : failures) attached.problems.push_back(failure.error.what);
    if (!image.m_program->Attached())
        return failures.empty() ? util::Error{util::Errc::Io, "nothing could be attached"} : failures.front().error;
    image.m_tracepoints = planned->tracepoints;
    image.m_sites = planned->sites.size() - failures.size();
    std::set<std::uint16_t> rows;
    for (std::size_t i{0}; i < planned->sites.size(); ++i) {
        if (std::ranges::find(failures, planned->sites[i].name, &AttachFailure::name) == failures.end()) rows.insert(planned->rows[i]);
    }
    image.m_rows.assign(rows.begin(), rows.end());
    return attached;
}

void Image::LetGo()
{
    m_program.reset();
    if (m_leased) ::fcntl(m_file.Get(), F_SETLEASE, F_UNLCK);
    m_leased = false;
}

} // namespace coretap::tracer
