// Shows what the checks found: the output of `coretap doctor`.
#pragma once

#include <span>
#include <string>

#include "tracer/checks.h"

namespace coretap::cli {

struct DoctorReportOptions {
    bool color{false};  //!< ANSI colours of the marks and of the verdict
    bool unicode{true}; //!< false: marks in ASCII
};

/**
 * For people: a heading for each group, a line for each check, below it what is needed and how to mend it where it
 * is not well; at the end the verdict. Ends with a newline.
 */
std::string RenderDoctorText(std::span<const tracer::SystemCheck> checks, DoctorReportOptions options = {});

/**
 * One JSON object on one line, without a newline at the end:
 *
 *   {"usable": bool, "checks": [{"group": "Kernel"|"Privileges"|"Nodes"|"Self-test", "what", "status": "ok"|"note"|"warn"|"fail",
 *                                "found", "needed", "mend"}]}
 *
 * All members are always there; texts that do not apply are empty.
 */
std::string RenderDoctorJson(std::span<const tracer::SystemCheck> checks);

/** Whether tracing is possible: no check failed. That no node runs is no failure. */
bool IsUsable(std::span<const tracer::SystemCheck> checks);

/** The numbers are the process's exit codes. */
enum class DoctorExit : int {
    Usable = 0,            //!< this machine, this user, these nodes can be traced
    Failed = 1,            //!< the self-test went wrong in a way that nothing here explains
    NotPermitted = 3,      //!< a privilege is missing
    TargetUnsuitable = 4,  //!< the process asked for cannot be traced
    KernelUnsupported = 6, //!< the kernel lacks something; outranks the others, since no privilege mends it
};
DoctorExit DoctorExitCode(std::span<const tracer::SystemCheck> checks);

} // namespace coretap::cli
