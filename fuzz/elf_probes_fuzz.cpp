// ELF files of anybody. A good seed is any small binary with probes: tests/unit/tracer's probes_fixture.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include <sys/mman.h>
#include <unistd.h>

#include "event/catalogue.h"
#include "tracer/conformance.h"
#include "tracer/elf_probes.h"
#include "tracer/plan.h"
#include "util/fd.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace coretap;
    static const event::Catalogue CATALOGUE;
    const util::Fd fd{::memfd_create("elf_probes_fuzz", MFD_CLOEXEC)};
    if (!fd) std::abort();
    for (std::size_t done{0}; done < size;) {
        const ssize_t wrote{::write(fd.Get(), data + done, size - done)};
        if (wrote <= 0) std::abort();
        done += static_cast<std::size_t>(wrote);
    }

    (void)tracer::LooksLikeNode(fd.Get());
    const auto probes = tracer::ReadProbes(fd.Get(), "fuzz");
    if (!probes) return 0;
    for (const tracer::ProbeSite& site : probes->sites) {
        if (site.file_offset >= size) std::abort();
        if (site.semaphore_offset + 2 > size && site.semaphore_offset != 0) std::abort();
        if (!site.arg_error.empty() && !site.args.empty()) std::abort();
        (void)tracer::SiteIsNop(fd.Get(), site, probes->machine);
        if (const auto* row = tracer::MatchRow(CATALOGUE, site); row != nullptr && !tracer::MakePlan(*row, site)) std::abort();
    }
    (void)tracer::Check(*probes, CATALOGUE);
    return 0;
}
