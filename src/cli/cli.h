// The command line of coretap.
#pragma once

#include <ostream>
#include <span>
#include <string_view>

#include "util/result.h"

namespace coretap::cli {

/** What the process's exit status says. Shown by `coretap --help`. */
enum class Exit : int {
    Ok = 0,
    Failed = 1,           //!< something went wrong while running: see the message
    Usage = 2,            //!< the command line or the configuration makes no sense
    NotPermitted = 3,     //!< a privilege is missing
    TargetUnsuitable = 4, //!< no such node or file, or a binary without tracepoints
    InterfaceDiffers = 5, //!< `coretap probes`: the binary's tracepoints are not as the catalogue says
    KernelUnsuitable = 6, //!< this kernel lacks something
    Damaged = 7,          //!< `coretap verify`, `coretap info`: a recording is damaged
};

/** The exit status an error of the program leads to. */
Exit ExitFor(const util::Error& error);

/** Where the program writes. Data goes to the descriptor, which commands may write in bulk; words to `err`. */
struct Io {
    int out_fd;
    std::ostream& out;
    std::ostream& err;
    int err_fd; //!< where `err` goes
    bool out_is_terminal{false};
    bool err_is_terminal{false};
};

/** Run coretap. `args` without the program's name. */
[[nodiscard]] Exit Main(std::span<const std::string_view> args, Io io);

} // namespace coretap::cli
