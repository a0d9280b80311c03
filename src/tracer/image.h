// One traced executable file: its probes planned, the kernel program attached to it, and the file watched so that we
// let go before somebody overwrites it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "event/catalogue.h"
#include "tracer/elf_probes.h"
#include "tracer/kernel.h"
#include "tracer/node_info.h"
#include "util/fd.h"
#include "util/result.h"

namespace coretap::tracer {

/** What to do with each tracepoint: CT_MODE_*, by catalogue id. */
using Modes = std::array<std::uint8_t, CT_MAX_TRACEPOINTS>;

/** The plans for a binary, the places they belong to, and what cannot be traced. */
struct Planned {
    ct_config config{};
    std::vector<AttachSite> sites;
    std::vector<std::string> problems; //!< one sentence each: a probe that is there but not traced, and why
    std::size_t tracepoints{0};        //!< how many different ones will be traced
    std::vector<std::uint16_t> rows{}; //!< which: the catalogue's row of each of `sites`
};

/** Plan every wanted probe. `fd` is the binary, to look at the instructions. */
std::unique_ptr<Planned> PlanBinary(int fd, const BinaryProbes& probes, const event::Catalogue& catalogue, const Modes& modes);

/** An executable we are attached to. */
class Image {
    std::string m_path; //!< as found, for messages and for looking again
    util::Fd m_file;    //!< holds the lease
    FileId m_id;
    std::string m_build_id;
    std::optional<KernelProgram> m_program;
    std::size_t m_tracepoints{0};
    std::vector<std::uint16_t> m_rows;
    std::size_t m_sites{0};
    bool m_leased{false};
    std::uint64_t m_attaching_since_ns{0};

public:
    struct Attached {
        std::unique_ptr<Image> image;
        std::vector<std::string> problems;
        double load_ms{0};
        double attach_ms{0};
    };
    /**
     * Read, plan, load, attach. `lease_signal` is sent when somebody wants to write to the file, which then waits
     * for us (up to /proc/sys/fs/lease-break-time); without the right to lease, a watch on the file must do.
     */
    static util::Result<Attached> Attach(util::Fd file, std::string path, const KernelMaps& maps, AttachKind kind,
                                         const event::Catalogue& catalogue, const Modes& modes, int lease_signal);

    /** Let go of the probes, then of the lease: whoever waits to write goes on. */
    void LetGo();

    const std::string& Path() const noexcept { return m_path; }
    int FileFd() const noexcept { return m_file.Get(); }
    FileId Id() const noexcept { return m_id; }
    const std::string& BuildId() const noexcept { return m_build_id; }
    std::size_t Tracepoints() const noexcept { return m_tracepoints; }
    /** The catalogue's rows that are attached, each once. */
    const std::vector<std::uint16_t>& Rows() const noexcept { return m_rows; }
    bool Leased() const noexcept { return m_leased; }
    /** CLOCK_MONOTONIC before anything was attached: nothing it sent is older. */
    std::uint64_t AttachingSinceNs() const noexcept { return m_attaching_since_ns; }
    ProgramCost Cost() const { return m_program ? ReadProgramCost(m_program->ProgramFd()) : ProgramCost{}; }
};

} // namespace coretap::tracer
