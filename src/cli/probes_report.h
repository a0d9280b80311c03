// Shows a binary's tracepoints next to the catalogue: the output of `coretap probes`.
#pragma once

#include <string>
#include <string_view>

#include "tracer/conformance.h"

namespace coretap::cli {

struct ProbesReportOptions {
    bool color{false}; //!< ANSI colours: green matches, yellow unknown, red changed, missing and unsupported
};

/** A table for people, ends with a newline. `binary` is the path that was read; unprintable bytes become '?'. */
std::string RenderProbesText(const tracer::Conformance& conformance, std::string_view binary, ProbesReportOptions options = {});

/**
 * One JSON object on one line, without a newline at the end:
 *
 *   {"binary": path, "build_id": hex or null, "machine": "x86-64", "has_note_section": bool,
 *    "tracepoints": [{"provider", "name", "origin": "core"|"patched"|"user"|null, "verdict", "differences": [words],
 *                     "sites": [{"location", "file_offset", "semaphore" (number or null), "arg_text", "arg_error" (only if there is one),
 *                                "args": [{"name" (only if known), "text", "size", "signed"}]}]}],
 *    "summary": {"tracepoints", "sites", and a count of every verdict}}
 */
std::string RenderProbesJson(const tracer::Conformance& conformance, std::string_view binary);

/** What the comparison means for the exit status. The numbers are the process's exit codes. */
enum class ProbesExit : int {
    Ok = 0,               //!< all of Bitcoin Core's tracepoints are there and as expected
    NoTracepoints = 4,    //!< the binary has none at all
    InterfaceDiffers = 5, //!< one is missing, changed or unreadable; with `strict`, also if one is unknown
};
ProbesExit ProbesExitCode(const tracer::Conformance& conformance, bool strict);

} // namespace coretap::cli
