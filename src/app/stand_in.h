// Starts coretap-sim, the stand-in node, beside a trace.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "util/fd.h"
#include "util/result.h"

namespace coretap::app {

/**
 * A coretap-sim that waits to be started: its process is made while we still have privileges, and begins to run, as
 * `user` and with none, once the probes are attached. Ends with us.
 */
class StandIn {
    std::string m_path;
    pid_t m_pid{-1};
    util::Fd m_go;
    int m_status{0};

public:
    StandIn() = default;
    StandIn(StandIn&& other) noexcept;
    StandIn& operator=(StandIn&& other) noexcept;
    ~StandIn();

    /** Looks for coretap-sim beside this program. `arguments` are its own; recordings they name are opened here, with our privileges. */
    static util::Result<StandIn> Prepare(const std::vector<std::string>& arguments, const std::string& user);
    void Go();
    const std::string& Path() const noexcept { return m_path; }
    pid_t Pid() const noexcept { return m_pid; }
    /** Whether it has ended. */
    bool Ended();
    /** The exit status it ended with; 0 while it runs and if a signal ended it. */
    int ExitStatus() const noexcept { return m_status; }
};

} // namespace coretap::app
