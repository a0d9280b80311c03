#include "cli/help.h"
#include "cli/session.h"

namespace coretap::cli {
namespace {

void AddList(CLI::App& command, const std::string& group, const char* flag, std::vector<std::string>& into, const char* help,
             const char* type)
{
    command.add_option(flag, into, help)->type_name(type)->group(group)->take_all()->allow_extra_args(false);
}

} // namespace

void AddLiveOptions(CLI::App& command, SessionOptions& options)
{
    const std::string group{"Which node (default: every node found)"};
    AddNodeOptions(command, options.node, group);
    command.add_flag("--sim", options.sim, "start the stand-in node, and watch that")->group(group);
    command.add_flag("--sim-if-none", options.sim_if_none, "the stand-in node if no node runs here")->group(group);
    command.add_option("--sim-args", options.sim_args, "arguments for the stand-in, as in --sim-args \"--rate 1000\"")
        ->type_name("ARGS")
        ->group(group);
    command.add_flag("--no-wait", options.no_wait, "fail if there is no node, instead of waiting for one")->group(group);
}

void AddReplayOptions(CLI::App& command, SessionOptions& options)
{
    const std::string group{"Recordings"};
    command.add_option("--since", options.since, "from then on: 2026-11-22T09:15:04Z, or +10m from the start")
        ->type_name("TIME")
        ->group(group);
    command.add_option("--until", options.until, "until then, likewise")->type_name("TIME")->group(group);
    command.add_option("--speed", options.speed, "1 is as recorded, 10 ten times as fast, max as fast as it goes")
        ->type_name("N")
        ->group(group);
}

void AddSourceOptions(CLI::App& command, SessionOptions& options)
{
    AddLiveOptions(command, options);
    command.add_option("--from", options.from, "not a node, but recordings; several are merged by time, - is stdin")
        ->type_name("FILE")
        ->check(NotEmpty())
        ->group("Recordings")
        ->take_all()
        ->allow_extra_args(false);
    AddReplayOptions(command, options);
}

void AddFilterOptions(CLI::App& command, SessionOptions& options, bool live)
{
    const std::string what{"Which events"};
    AddList(command, what, "--only", options.only, "these tracepoints: net,mempool:added", "NAMES");
    if (live) {
        AddList(command, what, "--enable", options.enable, "besides the default, these, as utxocache:add,utxocache:spent", "NAMES");
        AddList(command, what, "--count-only", options.count_only, "count these in the kernel, show nothing of them", "NAMES");
    }
    AddList(command, what, "--peer", options.peers, "of these peers", "IDS");
    AddList(command, what, "--msg", options.msg_types, "P2P messages of these types: inv,tx", "TYPES");
    AddList(command, what, "--direction", options.directions, "in or out", "DIR");
    AddList(command, what, "--conn-type", options.conn_types, "of these connection types: inbound,block-relay-only", "TYPES");
    AddList(command, what, "--node", options.nodes, "of these nodes, by label or pid", "NODES");
    command
        .add_option("--payload", options.payload,
                    live ? "capture payloads: none, all, 80, inv=all,tx=80,*=16" : "show payloads: none, all, 80, inv=all,tx=80,*=16")
        ->type_name("POLICY")
        ->group(what);
    command.add_option("--config", options.config, "configuration, with tracepoints of your own (docs/config.md)")
        ->type_name("FILE")
        ->group(what);
}

void AddRecordOptions(CLI::App& command, SessionOptions& options, bool named_record)
{
    const std::string group{"Recording"};
    if (named_record)
        command.add_option("--record", options.record, "keep what is shown in this file, payloads included (docs/archive.md)")
            ->type_name("FILE")
            ->check(NotEmpty())
            ->group(group);
    command.add_option("--rotate", options.rotate, "a new part, FILE.0001, FILE.0002, ..., at this size or age: 1GiB, 1h")
        ->type_name("SIZE|TIME")
        ->group(group);
    command.add_option("--keep", options.keep, "of the parts, only the newest so many")->type_name("N")->group(group);
    command.add_flag("--overwrite", options.overwrite, "even if there is such a file")->group(group);
}

void AddDecodeOption(CLI::App& command, std::string& decode, const std::string& group)
{
    command.add_option("--decode", decode, "what P2P messages say: off, short (a phrase), full (everything)")
        ->check(CLI::IsMember({"off", "short", "full"}))
        ->type_name("HOW")
        ->group(group);
}

event::Decode DecodeOf(const std::string& name)
{
    return name == "full" ? event::Decode::Full : name == "short" ? event::Decode::Short : event::Decode::Off;
}

void AddLimitOptions(CLI::App& command, SessionOptions& options, bool live)
{
    const std::string until{"Until when (default: Ctrl-C, or the end)"};
    command.add_option("--count", options.count, "so many events")->type_name("N")->group(until);
    command.add_option("--duration", options.duration, "so long: 500ms, 30s, 2h")->type_name("TIME")->group(until);
    if (live) command.add_flag("--check", options.check, "attach, say what was attached, detach")->group(until);
}

void AddReportOptions(CLI::App& command, SessionOptions& options, const std::string& group)
{
    command.add_flag("--summary", options.summary, "at the end, a table of what fired, was delivered, was lost")->group(group);
    command.add_option("--stats", options.stats_every, "how often to say on stderr what fired and was lost; 0: never")
        ->type_name("TIME")
        ->capture_default_str()
        ->group(group);
    command.add_flag("-q,--quiet", options.quiet, "only errors and losses on stderr")->group(group);
}

void AddTracingOptions(CLI::App& command, SessionOptions& options, bool live)
{
    const std::string trace{"Tracing"};
    if (!live) {
        command.add_option("--user", options.user, "account to read as (as root: nobody); - stays")->type_name("USER")->group("Recordings");
        return;
    }
    command.add_option("--ring", options.ring, "size of the ring between kernel and reader (16MiB)")->type_name("SIZE")->group(trace);
    command.add_option("--user", options.user, "account to read as, once attached (as root: nobody); - stays")
        ->type_name("USER")
        ->group(trace);
    command.add_flag("--measure-cost", options.measure_cost, "have the kernel time coretap's program; adds some 40 ns a firing")
        ->group(trace);
    command.add_flag("--perf-uprobes", options.perf_uprobes, "attach as before Linux 6.6")->group(trace);
}

} // namespace coretap::cli
