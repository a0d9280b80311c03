#include "sim/sim_main.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "sim/fire_log.h"
#include "sim/options.h"
#include "sim/pacer.h"
#include "sim/probes.h"
#include "sim/replay.h"
#include "sim/scenarios.h"

namespace coretap::sim {

using namespace std::chrono_literals;

namespace {

enum : int { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_DAMAGED = 3 };

std::atomic<bool> g_stop{false};
static_assert(std::atomic<bool>::is_always_lock_free, "set from a signal handler");

void HandleStopSignals()
{
    struct sigaction action {};
    action.sa_handler = [](int) { g_stop.store(true, std::memory_order_relaxed); };
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
}

std::string ScenarioList()
{
    std::string text;
    for (const Scenario& scenario : Scenarios()) text += fmt::format("  {:<14} {}\n", scenario.name, scenario.description);
    return text;
}

/** The tracepoints whose semaphores --wait-attached watches. */
util::Result<std::vector<Tp>> WaitList(const Options& options)
{
    std::vector<std::string> names{options.wait_for};
    if (names.empty()) names.emplace_back("net:inbound_message");
    std::vector<Tp> list;
    for (const std::string& name : names) {
        if (name == "all") {
            for (std::size_t i{0}; i < TP_COUNT; ++i) list.push_back(static_cast<Tp>(i));
        } else if (const auto tp = TpByName(name)) {
            list.push_back(*tp);
        } else {
            return util::Error{util::Errc::Usage, fmt::format("--wait-for: there is no tracepoint '{}'", name)};
        }
    }
    return list;
}

util::Result<> WaitAttached(const std::vector<Tp>& list, const Options& options)
{
    const auto give_up = Pacer::Clock::now() + options.wait_timeout;
    for (const Tp tp : list) {
        while (Semaphore(tp) == 0 && !g_stop) {
            if (Pacer::Clock::now() >= give_up)
                return util::Error{util::Errc::NotFound,
                                   fmt::format("nobody attached to {} within {}", TpName(tp),
                                               std::chrono::duration_cast<std::chrono::milliseconds>(options.wait_timeout).count()) +
                                       " ms"};
            std::this_thread::sleep_for(1ms);
        }
    }
    return {};
}

void Run(Probes& probes, const Options& options, const Scenario& scenario, Replay* replay, Stopwatch& stopwatch)
{
    const double rate{options.rate.value_or(scenario.rate) / options.threads};
    std::optional<Pacer::Clock::time_point> stop_at;
    if (options.duration) stop_at = Pacer::Clock::now() + std::chrono::duration_cast<Pacer::Clock::duration>(*options.duration);
    const auto run = [&](unsigned thread) {
        Pacer pacer{probes, g_stop, rate, stop_at};
        Context context{probes, options, pacer, stopwatch, thread, replay};
        scenario.run(context);
    };
    std::vector<std::jthread> others;
    for (unsigned thread{1}; thread < options.threads; ++thread) others.emplace_back(run, thread);
    run(0);
}

std::string Counts(const Probes& probes, std::uint64_t (Probes::*of)(Tp) const noexcept, std::uint64_t& total)
{
    std::string fields;
    for (std::size_t i{0}; i < TP_COUNT; ++i) {
        const auto tp = static_cast<Tp>(i);
        const std::uint64_t count{(probes.*of)(tp)};
        total += count;
        fields += fmt::format("{}\"{}\":{}", i ? "," : "", TpName(tp), count);
    }
    return '{' + fields + '}';
}

} // namespace

int Main(std::span<const std::string_view> args, std::ostream& out, std::ostream& err)
{
    const Parsed parsed{ParseOptions(args)};
    if (!parsed.options) {
        (parsed.exit_code == 0 ? out : err) << parsed.text;
        return parsed.exit_code;
    }
    const Options& options{*parsed.options};
    if (options.list_scenarios) {
        out << ScenarioList();
        return EXIT_DONE;
    }
    static constexpr Scenario REPLAY{"replay", "what a recording has", 0, false, RunReplay};
    const Scenario* scenario{options.replay.empty() ? FindScenario(options.scenario) : &REPLAY};
    if (!scenario) {
        err << fmt::format("coretap-sim: there is no scenario '{}'; there are:\n{}", options.scenario, ScenarioList());
        return EXIT_USAGE;
    }
    if (options.threads > 1 && !scenario->many_threads) {
        err << fmt::format("coretap-sim: {} has one thread\n", scenario->name);
        return EXIT_USAGE;
    }
    if (options.repeat > 1 && scenario == &REPLAY) {
        err << "coretap-sim: --repeat: a recording is replayed once\n";
        return EXIT_USAGE;
    }
    const auto wait_list = WaitList(options);
    if (!wait_list) {
        err << "coretap-sim: " << wait_list.GetError().what << '\n';
        return EXIT_USAGE;
    }

    g_stop = false;
    HandleStopSignals();
    Probes probes;
    if (options.count) probes.SetLimit(*options.count);
    if (!options.log_fired.empty()) {
        auto log = FireLog::Open(options.log_fired);
        if (!log) {
            err << "coretap-sim: " << log.GetError().what << '\n';
            return EXIT_FAILED;
        }
        probes.SetLog(std::move(*log));
    }
    std::unique_ptr<Replay> replay;
    if (!options.replay.empty()) {
        auto opened = Replay::Open(options.replay, probes, [&err](const std::string& text) { err << "coretap-sim: " << text << '\n'; });
        if (!opened) {
            err << "coretap-sim: " << opened.GetError().what << '\n';
            return opened.GetError().code == util::Errc::Usage ? EXIT_USAGE : EXIT_FAILED;
        }
        replay = std::move(*opened);
    }
    if (options.force_active) {
        for (std::size_t i{0}; i < TP_COUNT; ++i)
            Semaphore(static_cast<Tp>(i)) = static_cast<unsigned short>(Semaphore(static_cast<Tp>(i)) + 1);
    }

    err << fmt::format("ready pid={}\n", ::getpid()) << std::flush;
    Pacer waiter{probes, g_stop, 0, std::nullopt};
    if (options.wait_attached) {
        if (const auto attached = WaitAttached(*wait_list, options); !attached) {
            err << "coretap-sim: " << attached.GetError().what << '\n';
            return EXIT_FAILED;
        }
        // A tracer raises one semaphore after the other, each a moment before its breakpoint is in place. Firing
        // now could count what nobody saw.
        (void)waiter.Sleep(options.settle);
    }
    if (options.start_delay.count() > 0) (void)waiter.Sleep(options.start_delay);

    const pid_t helper{options.helper.count() > 0 ? ::fork() : -1};
    if (helper == 0) {
        std::this_thread::sleep_for(options.helper);
        ::_exit(0);
    }

    Stopwatch stopwatch;
    if (!g_stop) Run(probes, options, *scenario, replay.get(), stopwatch);
    const double cpu_s{stopwatch.CpuElapsedSeconds()};
    const double elapsed_s{stopwatch.ElapsedSeconds()};

    std::uint64_t total_fired{0}, total_calls{0};
    const std::string fired{Counts(probes, &Probes::Fired, total_fired)};
    const std::string calls{Counts(probes, &Probes::Calls, total_calls)};
    const double events{static_cast<double>(std::max<std::uint64_t>(1, total_fired ? total_fired : total_calls))};
    out << fmt::format(
               "{{\"pid\":{},\"scenario\":{},\"seed\":{},\"elapsed_s\":{:.6f},\"fired\":{},\"calls\":{},\"ns_per_fire\":{:.1f},\"cpu_ns_per_fire\":{:.1f}{}{}}}\n",
               ::getpid(), JsonString(scenario->name), options.seed, elapsed_s, fired, calls, elapsed_s * options.threads * 1e9 / events,
               cpu_s * 1e9 / events, replay ? "," : "", replay ? replay->JsonFields() : "")
        << std::flush;
    if (replay && !replay->Outcome()) {
        err << "coretap-sim: " << replay->Outcome().GetError().what << '\n';
        return EXIT_FAILED;
    }
    return replay && replay->Damaged() ? EXIT_DAMAGED : EXIT_DONE;
}

} // namespace coretap::sim
