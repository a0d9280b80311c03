#include "cli/doctor_report.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "cli/colors.h"

namespace coretap::cli {
namespace {

using tracer::CheckGroup;
using tracer::SystemCheck;
using Status = SystemCheck::Status;

constexpr std::array GROUPS{CheckGroup::Kernel, CheckGroup::Privileges, CheckGroup::Nodes, CheckGroup::SelfTest};
constexpr std::size_t WIDEST_COLUMN{34};

struct Mark {
    std::string_view unicode;
    std::string_view ascii;
    std::string_view color;
};

Mark MarkOf(Status status)
{
    switch (status) {
    case Status::Ok: return {"\u2713", "+", GREEN};
    case Status::Note: return {"\u00b7", ".", DIM};
    case Status::Warn: return {"!", "!", YELLOW};
    case Status::Fail: return {"\u2717", "x", RED};
    }
    return {"?", "?", {}};
}

std::string Colored(std::string_view text, std::string_view color, bool on)
{
    return on ? fmt::format("{}{}{}", color, text, PLAIN) : std::string{text};
}

bool Failed(const SystemCheck& check) { return check.status == Status::Fail; }

bool FailedFor(std::span<const SystemCheck> checks, util::Errc reason)
{
    return std::ranges::any_of(checks, [reason](const SystemCheck& check) { return Failed(check) && check.reason == reason; });
}

std::string VerdictText(std::span<const SystemCheck> checks)
{
    const auto problems = std::ranges::count_if(checks, Failed);
    if (problems > 0) {
        const SystemCheck& first{*std::ranges::find_if(checks, Failed)};
        const bool only_nodes{first.group == CheckGroup::Nodes && std::ranges::none_of(checks, [](const SystemCheck& check) {
                                  return Failed(check) && check.group != CheckGroup::Nodes;
                              })};
        return fmt::format("{}: {} problem{}, first: {}: {}.",
                           only_nodes ? "This machine can trace, but not every node that runs" : "This machine cannot trace", problems,
                           problems == 1 ? "" : "s", first.what, first.found);
    }
    const auto warnings = std::ranges::count(checks, Status::Warn, &SystemCheck::status);
    return warnings == 0 ? "This machine can trace." :
                           fmt::format("This machine can trace, with {} warning{}.", warnings, warnings == 1 ? "" : "s");
}

} // namespace

std::string RenderDoctorText(std::span<const SystemCheck> checks, DoctorReportOptions options)
{
    std::size_t width{0};
    for (const SystemCheck& check : checks) width = std::max(width, check.what.size());
    width = std::min(width, WIDEST_COLUMN);

    std::string out;
    for (const CheckGroup group : GROUPS) {
        bool first{true};
        for (const SystemCheck& check : checks) {
            if (check.group != group) continue;
            if (first) out += Colored(ToString(group), BOLD, options.color) + "\n";
            first = false;
            const Mark mark{MarkOf(check.status)};
            out += fmt::format("  {} {:<{}}  {}\n", Colored(options.unicode ? mark.unicode : mark.ascii, mark.color, options.color),
                               check.what, width, check.found);
            if (check.status == Status::Ok || (check.needed.empty() && check.mend.empty())) continue;
            const std::string_view between{check.needed.empty() || check.mend.empty() ? "" : "; to mend: "};
            const std::string_view label{check.needed.empty() ? "to mend: " : "needed: "};
            out += fmt::format("      {}{}{}{}\n", label, check.needed, between, check.mend);
        }
        if (!first) out += "\n";
    }
    return out + Colored(VerdictText(checks), IsUsable(checks) ? GREEN : RED, options.color) + "\n";
}

std::string RenderDoctorJson(std::span<const SystemCheck> checks)
{
    boost::json::array lines;
    for (const SystemCheck& check : checks) {
        boost::json::object line;
        line["group"] = ToString(check.group);
        line["what"] = check.what;
        line["status"] = ToString(check.status);
        line["found"] = check.found;
        line["needed"] = check.needed;
        line["mend"] = check.mend;
        lines.push_back(std::move(line));
    }
    boost::json::object json;
    json["usable"] = IsUsable(checks);
    json["checks"] = std::move(lines);
    return boost::json::serialize(json);
}

bool IsUsable(std::span<const SystemCheck> checks) { return std::ranges::none_of(checks, Failed); }

DoctorExit DoctorExitCode(std::span<const SystemCheck> checks)
{
    if (IsUsable(checks)) return DoctorExit::Usable;
    if (FailedFor(checks, util::Errc::Unsupported)) return DoctorExit::KernelUnsupported;
    if (FailedFor(checks, util::Errc::Permission)) return DoctorExit::NotPermitted;
    if (FailedFor(checks, util::Errc::NotFound)) return DoctorExit::TargetUnsuitable;
    return DoctorExit::Failed;
}

} // namespace coretap::cli
