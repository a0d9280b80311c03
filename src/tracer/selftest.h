// The live self-test: a probe of coretap's own, traced with the program that traces nodes. What it shows holds
// for this kernel and this process; what remains to be asked of a node is whether it can be reached.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "tracer/kernel.h"
#include "util/result.h"

namespace coretap::tracer {

/** What a self-test that passed has measured. */
struct SelfTestReport {
    AttachKind kind{AttachKind::UprobeMulti};
    std::size_t fired{0};
    std::size_t received{0};               //!< all of them, in order, every argument as it was fired
    std::size_t foreign{0};                //!< events of the same probe in other processes
    std::chrono::nanoseconds load{0};      //!< verify and load the program
    std::chrono::nanoseconds attach{0};    //!< hang it on the probe
    std::chrono::nanoseconds detach{0};    //!< let go
    std::chrono::nanoseconds firing{0};    //!< the quickest firing, as the thread that fired saw it
    std::chrono::nanoseconds delivered{0}; //!< the longest time from a firing to its event being read
    unsigned semaphore_before{0};          //!< above 0: somebody else traces coretap, or tests another one
    unsigned semaphore_attached{0};
    unsigned semaphore_after{0};

    /** For people: "attached in 9 ms, 3 of 3 events received, detached in 30 ms". */
    std::string Summary() const;
};

/**
 * Load the program, attach it to coretap:selftest in /proc/self/exe, fire it `firings` times with known values,
 * read the ring, compare, detach. The probe's semaphore must rise and fall.
 *
 * Attaches as `kind` says, or as tracing would. Takes some tens of milliseconds, without `uprobe_multi` up to 200. One
 * call at a time in a process; several processes may test themselves at once. Fails with Permission where privileges
 * are missing, with Unsupported where the kernel lacks something, with Malformed if what came back is not what was
 * fired.
 */
util::Result<SelfTestReport> RunSelfTest(std::size_t firings = 3, std::optional<AttachKind> kind = std::nullopt);

/** The semaphore of coretap:selftest: how many tracers hold it now. */
unsigned SelfTestSemaphore() noexcept;

} // namespace coretap::tracer
