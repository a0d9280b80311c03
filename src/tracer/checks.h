// `coretap doctor`: can this machine, this user, these nodes be traced? Facts are gathered (system_facts.h), judged
// here without side effects, and then put to the proof by the self-test (selftest.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "event/catalogue.h"
#include "tracer/system_facts.h"
#include "util/result.h"

namespace coretap::tracer {

enum class CheckGroup : std::uint8_t { Kernel, Privileges, Nodes, SelfTest };
/** `Kernel`, `Privileges`, `Nodes`, `Self-test`. */
std::string_view ToString(CheckGroup group);

/** One line of the doctor's report. All texts are printable, whoever wrote the names in them. */
struct SystemCheck {
    enum class Status : std::uint8_t {
        Ok,   //!< as it should be, or of no importance
        Note, //!< worth knowing
        Warn, //!< something will not work, or not well
        Fail, //!< tracing is not possible
    };
    CheckGroup group{CheckGroup::Kernel};
    Status status{Status::Ok};
    std::string what; //!< a few words
    std::string found;
    std::string needed{}; //!< empty if nothing is
    std::string mend{};   //!< what to do about it; empty if there is nothing to do
    /** Of a Fail: Permission, Unsupported (kernel), NotFound (the process of CheckOptions::pid), or another. */
    util::Errc reason{util::Errc::Io};
};
/** `ok`, `note`, `warn`, `fail`. */
std::string_view ToString(SystemCheck::Status status);

struct CheckOptions {
    const event::Catalogue* catalogue{nullptr}; //!< null: the built-in rows
    std::optional<pid_t> pid;                   //!< only this process, which then must be fit for tracing
    bool self_test{true};
};

/**
 * Every check, in order of the groups. Reads /proc and /sys, loads small kernel programs, attaches to coretap itself;
 * touches no other process. A quarter of a second, more where there are many processes.
 *
 * The self-test outranks what was inferred: if it passes, failures of Kernel and Privileges become warnings.
 */
std::vector<SystemCheck> RunChecks(const CheckOptions& options);

/** The judgements by themselves: pure. */
std::vector<SystemCheck> JudgeKernel(const HostFacts& facts);
std::vector<SystemCheck> JudgePrivileges(const HostFacts& facts);

/** The nodes of this machine: which there are, whether they carry tracepoints, who traces them already. */
std::vector<SystemCheck> CheckNodes(const event::Catalogue& catalogue, std::optional<pid_t> pid, const HostFacts& facts);

} // namespace coretap::tracer
