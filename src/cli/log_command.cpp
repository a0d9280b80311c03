#include <atomic>
#include <cerrno>
#include <csignal>

#include <fmt/format.h>
#include <unistd.h>

#include "app/config.h"
#include "app/ledger_text.h"
#include "app/payload_policy.h"
#include "app/session.h"
#include "app/stand_in.h"
#include "cli/commands.h"
#include "pipeline/filter.h"
#include "sinks/log/log_sink.h"
#include "tracer/elf_probes.h"
#include "tracer/live_source.h"
#include "tracer/node_info.h"
#include "util/time.h"

namespace coretap::cli {
namespace {

constexpr const char* DEFAULT_USER{"nobody"};

struct LogCommandOptions {
    NodeOptions node;
    bool sim{false};
    bool sim_if_none{false};
    std::string sim_args;
    bool no_wait{false};
    std::vector<std::string> only, peers, msg_types, directions, conn_types, nodes;
    std::vector<std::string> enable, count_only;
    std::string payload;
    std::string config;
    bool json{false};
    bool payload_hex{false};
    bool ascii{false};
    std::string color{"auto"};
    std::string count, duration, stats_every{"30s"};
    bool summary{false};
    bool quiet{false};
    bool check{false};
    std::string ring, user;
    bool measure_cost{false};
    bool perf_uprobes{false};
};

/** The options after configuration and parsing. */
struct LogPlan {
    event::Catalogue catalogue;
    std::optional<pipeline::Filter> filter;
    tracer::TraceOptions trace;
    app::RunLimits limits;
    std::chrono::nanoseconds stats_every{0};
};

std::atomic<bool> g_stop{false};

void OnSignal(int signal)
{
    g_stop.store(true, std::memory_order_relaxed);
    std::signal(signal, SIG_DFL); // a second one ends us at once
}

util::Result<pipeline::FilterSpec> ParseFilter(const LogCommandOptions& options, const app::Config& config)
{
    pipeline::FilterSpec spec;
    if (options.only.empty()) spec.only = config.only;
    const std::pair<const std::vector<std::string>*, util::Result<> (*)(std::string_view, pipeline::FilterSpec&)> kinds[]{
        {&options.only, pipeline::ParseOnly},
        {&options.peers, pipeline::ParsePeers},
        {&options.msg_types, pipeline::ParseMessageTypes},
        {&options.directions, pipeline::ParseDirection},
        {&options.conn_types, pipeline::ParseConnectionTypes},
        {&options.nodes, pipeline::ParseNodes},
    };
    for (const auto& [values, parse] : kinds) {
        for (const std::string& value : *values) {
            if (const auto parsed{parse(value, spec)}; !parsed) return parsed.GetError();
        }
    }
    return spec;
}

void Split(const std::string& text, char separator, std::vector<std::string>& parts)
{
    std::size_t from{0};
    while (from <= text.size()) {
        const std::size_t to{std::min(text.find(separator, from), text.size())};
        if (to > from) parts.push_back(text.substr(from, to - from));
        from = to + 1;
    }
}

std::vector<std::string> SplitNames(const std::vector<std::string>& lists)
{
    std::vector<std::string> names;
    for (const std::string& list : lists) Split(list, ',', names);
    return names;
}

util::Result<> MakePlan(const LogCommandOptions& options, LogPlan& plan)
{
    app::Config config;
    if (!options.config.empty()) {
        auto loaded{app::LoadConfig(options.config)};
        if (!loaded) return loaded.GetError();
        config = std::move(*loaded);
        if (auto added{app::AddUserTracepoints(config, plan.catalogue)}; !added) return added;
    }
    auto spec{ParseFilter(options, config)};
    if (!spec) return spec.GetError();
    app::TracepointChoice choice{SplitNames(options.enable), SplitNames(options.count_only)};
    if (choice.enable.empty()) choice.enable = config.enable;
    // what is traced is shown
    if (!spec->only.empty()) spec->only.insert(spec->only.end(), choice.enable.begin(), choice.enable.end());
    auto filter{pipeline::Filter::Make(std::move(*spec), plan.catalogue)};
    if (!filter) return filter.GetError();
    plan.filter.emplace(std::move(*filter));

    auto modes{app::ChooseModes(plan.catalogue, *plan.filter, choice)};
    if (!modes) return modes.GetError();
    plan.trace.modes = *modes;

    app::PayloadPolicy policy{config.payload.value_or(app::PayloadPolicy{})};
    if (!options.payload.empty()) {
        auto parsed{app::ParsePayloadPolicy(options.payload)};
        if (!parsed) return parsed.GetError();
        policy = *parsed;
    }
    plan.trace.snap = app::ChooseSnap(policy.snap, *plan.filter);

    std::uint64_t ring_bytes{config.ring_bytes.value_or(tracer::DEFAULT_RING_BYTES)};
    if (!options.ring.empty()) {
        const auto parsed{util::ParseSize(options.ring)};
        if (!parsed) return util::Error{util::Errc::Usage, "--ring: " + parsed.GetError().what};
        ring_bytes = *parsed;
    }
    if (ring_bytes < tracer::MIN_RING_BYTES || ring_bytes > tracer::MAX_RING_BYTES) {
        return util::Error{util::Errc::Usage, fmt::format("the ring can have from {} KiB to {} MiB; 16MiB is the default",
                                                          tracer::MIN_RING_BYTES >> 10, tracer::MAX_RING_BYTES >> 20)};
    }
    plan.trace.ring_bytes = static_cast<std::uint32_t>(ring_bytes);
    const auto duration = [](const std::string& text, const char* flag) -> util::Result<std::chrono::nanoseconds> {
        auto parsed{util::ParseDuration(text)};
        if (!parsed) return util::Error{util::Errc::Usage, fmt::format("{}: {}", flag, parsed.GetError().what)};
        return *parsed;
    };
    if (!options.count.empty()) {
        try {
            std::size_t used{0};
            plan.limits.count = std::stoull(options.count, &used);
            if (used != options.count.size() || *plan.limits.count == 0 || options.count.starts_with('-'))
                throw std::invalid_argument{options.count};
        } catch (const std::exception&) {
            return util::Error{util::Errc::Usage, fmt::format("--count: '{}' is not a number of events", options.count)};
        }
    }
    if (!options.duration.empty()) {
        auto parsed{duration(options.duration, "--duration")};
        if (!parsed) return parsed.GetError();
        plan.limits.duration = *parsed;
    }
    auto every{duration(options.stats_every == "0" ? "0s" : options.stats_every, "--stats")};
    if (!every) return every.GetError();
    plan.stats_every = *every;

    if (options.node.pid) plan.trace.pid = *options.node.pid;
    plan.trace.binary = options.node.binary;
    if (options.node.datadir) plan.trace.datadir = NormalPath(*options.node.datadir);
    plan.trace.measure_cost = options.measure_cost;
    plan.trace.force_perf_uprobe = options.perf_uprobes;
    plan.trace.require_node = options.no_wait;
    plan.trace.user = !options.user.empty() ? options.user : config.user.value_or(::geteuid() == 0 ? DEFAULT_USER : "-");
    return {};
}

bool AnyNodeRuns()
{
    for (const pid_t pid : tracer::AllProcesses()) {
        const auto file{tracer::OpenExecutable(pid)};
        if (file && tracer::LooksLikeNode(file->Get())) return true;
    }
    return false;
}

/** How the run ended, for the exit status. */
Exit ExitOf(const util::Result<>& outcome, const Io& io)
{
    if (outcome) return Exit::Ok;
    const util::Error& error{outcome.GetError()};
    if (error.sys_errno == EPIPE) return Exit::Ok; // `| head` has what it wanted
    if (error.sys_errno == ETIMEDOUT) {
        return Report(io, {util::Errc::Io, "nobody took the output for 2 s after the signal", ETIMEDOUT});
    }
    return Report(io, error);
}

Exit RunLog(const LogCommandOptions& options, Io io)
{
    LogPlan plan;
    if (const auto made{MakePlan(options, plan)}; !made) return Report(io, made.GetError());
    const auto notice = [&](const std::string& text) {
        if (!options.quiet) io.err << "coretap: " << text << std::endl;
    };

    struct sigaction action {};
    action.sa_handler = OnSignal;
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGHUP, &action, nullptr);
    std::signal(SIGPIPE, SIG_IGN);

    const bool sim{options.sim || (options.sim_if_none && !AnyNodeRuns())};
    app::StandIn stand_in;
    if (sim) {
        std::vector<std::string> arguments;
        Split(options.sim_args, ' ', arguments);
        auto prepared{app::StandIn::Prepare(arguments, plan.trace.user)};
        if (!prepared) return Report(io, prepared.GetError());
        stand_in = std::move(*prepared);
        plan.trace.binary = stand_in.Path();
        plan.trace.only_pid = stand_in.Pid();
        notice(options.sim ? "watching the stand-in node, coretap-sim" :
                             "no node with Bitcoin Core's tracepoints runs here: watching the stand-in node, coretap-sim, instead");
    } else if (options.sim_if_none) {
        notice("watching the node that runs here");
    }

    auto source{tracer::LiveSource::Start(plan.catalogue, plan.trace, notice)};
    if (!source) return Report(io, source.GetError());
    tracer::LiveSource& live{**source};
    if (sim) stand_in.Go();

    const auto start{std::chrono::steady_clock::now()};
    const auto cpu_before{app::OwnCpuTime()};
    const auto cost = [&] {
        return app::Cost{std::chrono::steady_clock::now() - start, app::OwnCpuTime() - cpu_before, plan.trace.ring_bytes};
    };
    sinks::log::LogSink sink{io.out_fd,
                             {.json = options.json,
                              .text = {.color = UseColor(options.color, io.out_is_terminal),
                                       .ascii = options.ascii || !IsUtf8Locale(),
                                       .payload_hex = options.payload_hex},
                              .stop = &g_stop}};
    plan.limits.stop = &g_stop;
    auto next_stats{start + plan.stats_every};
    app::RunHooks hooks{
        .stop_source = [&] { live.Stop(); },
        .also_stop_when = [&] { return options.check || (sim && stand_in.Ended()); },
        .tick =
            [&] {
                const auto now{std::chrono::steady_clock::now()};
                if (plan.stats_every.count() == 0 || now < next_stats) return;
                next_stats = now + plan.stats_every;
                notice(app::LedgerLine(live.Losses(), plan.catalogue, cost()));
            },
    };
    const app::RunResult result{app::Run(live, sink, plan.catalogue, *plan.filter, plan.limits, hooks)};
    const pipeline::Ledger& ledger{live.Losses()};
    const std::uint64_t lost{ledger.Total().Lost()};
    if (options.summary) io.err << app::LedgerTable(ledger, plan.catalogue);
    if (!options.quiet || options.summary || lost != 0) io.err << "coretap: " << app::LedgerLine(ledger, plan.catalogue, cost()) << '\n';
    if (result.malformed != 0)
        io.err << "coretap: " << result.malformed << " records were malformed and are not shown; please report this\n";
    Exit status{ExitOf(result.outcome, io)};
    if (sim && status == Exit::Ok && stand_in.ExitStatus() != 0) {
        status = Report(io, {stand_in.ExitStatus() == 2 ? util::Errc::Usage : util::Errc::Io,
                             fmt::format("the stand-in node ended with status {}; `{} {}` says why", stand_in.ExitStatus(), stand_in.Path(),
                                         options.sim_args)});
    }
    if (status != Exit::Ok && result.unwritten != 0)
        io.err << "coretap: up to " << result.unwritten << " events were read and are not in the output\n";
    io.err.flush();
    return status;
}

} // namespace

void AddLog(CLI::App& app, Command& chosen)
{
    auto options{std::make_shared<LogCommandOptions>()};
    LogCommandOptions& o{*options};
    CLI::App* command{app.add_subcommand("log", "Show every event as it happens, one line each")};
    const std::string node_group{"Which node (default: every node found)"};
    AddNodeOptions(*command, o.node, node_group);
    command->add_flag("--sim", o.sim, "start the stand-in node, and watch that")->group(node_group);
    command->add_flag("--sim-if-none", o.sim_if_none, "the stand-in node if no node runs here")->group(node_group);
    command->add_option("--sim-args", o.sim_args, "arguments for the stand-in, as in --sim-args \"--rate 1000\"")
        ->type_name("ARGS")
        ->group(node_group);
    command->add_flag("--no-wait", o.no_wait, "fail if there is no node, instead of waiting for one")->group(node_group);

    const auto list = [&](const char* flag, std::vector<std::string>& into, const char* help, const char* type, const std::string& group) {
        command->add_option(flag, into, help)->type_name(type)->group(group)->take_all();
    };
    const std::string what{"Which events"};
    list("--only", o.only, "these tracepoints: net,mempool:added", "NAMES", what);
    list("--enable", o.enable, "besides the default, these, as utxocache:add,utxocache:spent", "NAMES", what);
    list("--count-only", o.count_only, "count these in the kernel, show nothing of them", "NAMES", what);
    list("--peer", o.peers, "of these peers", "IDS", what);
    list("--msg", o.msg_types, "P2P messages of these types: inv,tx", "TYPES", what);
    list("--direction", o.directions, "in or out", "DIR", what);
    list("--conn-type", o.conn_types, "of these connection types: inbound,block-relay-only", "TYPES", what);
    list("--node", o.nodes, "of these nodes, by label or pid", "NODES", what);
    command->add_option("--payload", o.payload, "capture payloads: none (default), all, 80, inv=all,tx=80,*=16")
        ->type_name("POLICY")
        ->group(what);
    command->add_option("--config", o.config, "configuration, with tracepoints of your own (docs/config.md)")
        ->type_name("FILE")
        ->group(what);

    const std::string how{"How to show them"};
    command->add_flag("--json", o.json, "one JSON object a line (docs/json.md)")->group(how);
    command->add_flag("--hex", o.payload_hex, "captured payloads in the text too")->group(how);
    command->add_flag("--ascii", o.ascii, "plain ASCII")->group(how);
    command->add_option("--color", o.color, "auto, always, never")
        ->check(CLI::IsMember({"auto", "always", "never"}))
        ->type_name("WHEN")
        ->group(how);
    command->add_flag("--summary", o.summary, "at the end, a table of what fired, was delivered, was lost")->group(how);
    command->add_option("--stats", o.stats_every, "how often to say on stderr what fired and was lost; 0: never")
        ->type_name("TIME")
        ->capture_default_str()
        ->group(how);
    command->add_flag("-q,--quiet", o.quiet, "only errors and losses on stderr")->group(how);

    const std::string until{"Until when (default: Ctrl-C)"};
    command->add_option("--count", o.count, "so many events")->type_name("N")->group(until);
    command->add_option("--duration", o.duration, "so long: 500ms, 30s, 2h")->type_name("TIME")->group(until);
    command->add_flag("--check", o.check, "attach, say what was attached, detach")->group(until);

    const std::string trace{"Tracing"};
    command->add_option("--ring", o.ring, "size of the ring between kernel and reader (16MiB)")->type_name("SIZE")->group(trace);
    command->add_option("--user", o.user, "account to read as, once attached (as root: nobody); - stays")->type_name("USER")->group(trace);
    command->add_flag("--measure-cost", o.measure_cost, "have the kernel time coretap's program; adds some 40 ns a firing")->group(trace);
    command->add_flag("--perf-uprobes", o.perf_uprobes, "attach as before Linux 6.6")->group(trace);
    command->footer(R"(Data goes to stdout, words to stderr. Ctrl-C ends it, and tells what was lost.

Examples:
  coretap log
  coretap log --only net --msg inv,tx --direction in
  coretap log --only mempool,validation --json | jq .
  coretap log --enable utxocache:add,utxocache:spent --duration 30s --summary
  coretap log --sim --count 20)");
    command->callback([options, &chosen] { chosen = [options](Io io) { return RunLog(*options, io); }; });
}

} // namespace coretap::cli
