#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>

#include "app/config.h"
#include "cli/commands.h"
#include "cli/probes_report.h"
#include "event/catalogue.h"
#include "tracer/conformance.h"
#include "tracer/elf_probes.h"
#include "tracer/node_info.h"

namespace coretap::cli {
namespace {

struct ProbesOptions {
    NodeOptions node;
    std::string path;
    std::string config;
    bool json{false};
    bool strict{false};
    std::string color{"auto"};
};

struct Target {
    util::Fd file;
    std::string path;
};

util::Result<Target> OpenPath(const std::string& path)
{
    util::Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!file) {
        const int error{errno};
        return util::Error{error == EACCES || error == EPERM ? util::Errc::Permission : util::Errc::NotFound,
                           fmt::format("cannot open {}: {}", path, std::strerror(error)), error};
    }
    return Target{std::move(file), path};
}

util::Result<Target> FindTarget(const ProbesOptions& options)
{
    if (!options.path.empty()) return OpenPath(options.path);
    if (options.node.binary) return OpenPath(*options.node.binary);
    for (const pid_t pid : options.node.pid ? std::vector<pid_t>{*options.node.pid} : tracer::AllProcesses()) {
        auto file{tracer::OpenExecutable(pid)};
        if (!file) {
            if (options.node.pid) return file.GetError();
            continue;
        }
        if (!options.node.pid && !tracer::LooksLikeNode(file->Get())) continue;
        const auto info{tracer::ReadNodeInfo(pid)};
        if (!info || (options.node.datadir && info->datadir != NormalPath(*options.node.datadir))) continue;
        return Target{std::move(*file), info->executable};
    }
    return util::Error{
        util::Errc::NotFound,
        "no node with Bitcoin Core's tracepoints runs here, or it is another user's; name a binary: coretap probes /path/to/bitcoind"};
}

Exit RunProbes(const ProbesOptions& options, Io io)
{
    event::Catalogue catalogue;
    if (!options.config.empty()) {
        auto config{app::LoadConfig(options.config)};
        if (!config) return Report(io, config.GetError());
        if (const auto added{app::AddUserTracepoints(*config, catalogue)}; !added) return Report(io, added.GetError());
    }
    auto target{FindTarget(options)};
    if (!target) return Report(io, target.GetError());
    const auto probes{tracer::ReadProbes(target->file.Get(), target->path)};
    if (!probes) {
        Report(io, probes.GetError());
        return Exit::TargetUnsuitable;
    }
    const tracer::Conformance conformance{tracer::Check(*probes, catalogue)};
    if (options.json) {
        io.out << RenderProbesJson(conformance, target->path) << '\n';
    } else {
        io.out << RenderProbesText(conformance, target->path, {.color = UseColor(options.color, io.out_is_terminal)});
    }
    io.out.flush();
    return static_cast<Exit>(ProbesExitCode(conformance, options.strict));
}

} // namespace

void AddProbes(CLI::App& app, Command& chosen)
{
    auto options{std::make_shared<ProbesOptions>()};
    CLI::App* command{app.add_subcommand("probes", "Show the tracepoints a binary or process carries, compared with what coretap knows")};
    AddNodeOptions(*command, options->node, "Which node (default: the first one found)");
    command->add_option("PATH", options->path, "an executable file")->type_name("");
    command->add_option("--config", options->config, "compare with the tracepoints of this configuration too")->type_name("FILE");
    command->add_flag("--json", options->json, "one JSON object (docs/json.md)");
    command->add_flag("--strict", options->strict, "fail on tracepoints that are not in the catalogue as well");
    command->add_option("--color", options->color, "auto, always, never")
        ->check(CLI::IsMember({"auto", "always", "never"}))
        ->type_name("WHEN");
    command->footer(R"(Exit status: 0 all of Bitcoin Core's tracepoints match, 4 no tracepoints, 5 the
interface differs.

Examples:
  coretap probes
  coretap probes /usr/local/bin/bitcoind
  coretap probes --strict --json build/bin/bitcoind    in CI of Bitcoin Core)");
    command->callback([options, &chosen] { chosen = [options](Io io) { return RunProbes(*options, io); }; });
}

} // namespace coretap::cli
