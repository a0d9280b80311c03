// `coretap serve`: what events add up to, over HTTP and WebSocket, and the page.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "app/facts_json.h"
#include "app/node_watch.h"
#include "app/option_values.h"
#include "app/replay_control.h"
#include "app/self.h"
#include "app/service.h"
#include "cli/serve_options.h"
#include "poll/opener.h"
#include "sinks/metrics/metrics.h"
#include "state/tracker.h"
#include "util/line_stream.h"
#include "util/text.h"
#include "web/json_writer.h"
#include "web/server.h"

namespace coretap::cli {
namespace {

constexpr std::chrono::seconds SNAPSHOT_EVERY{1};
constexpr std::chrono::seconds ADDRESS_AT_BOTTOM{10};
constexpr std::chrono::seconds SERVER_PATIENCE{5};

std::int64_t NowUtcNs()
{
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/** One run of the daemon. */
class Daemon {
    const app::Settings m_said; //!< on the command line
    ServeSetup m_setup;
    Io m_io;
    Session& m_session;
    poll::Opener* const m_opener; //!< null: there is nothing that it could open
    app::ServiceManager m_service;
    app::NodeWatch m_watch;
    state::Tracker m_tracker;
    web::Streams m_streams;
    std::mutex m_self_mutex;
    std::shared_ptr<const sinks::metrics::Self> m_self;
    std::unique_ptr<app::ReplayControl> m_replay; //!< only of a recording
    std::shared_ptr<const state::Snapshot> m_shown;
    std::atomic<bool> m_ready{false};
    std::unique_ptr<web::Server> m_server; // after what it uses
    const std::chrono::steady_clock::time_point m_start{std::chrono::steady_clock::now()};
    std::vector<pipeline::ProcessCounters> m_exact;
    std::chrono::steady_clock::time_point m_next_snapshot{};
    app::KnownNodes m_published; //!< what the sections `rpc` and `log` were made of
    bool m_rpc_shown{false}, m_log_shown{false};
    std::size_t m_nodes_said{0};
    bool m_ended_said{false};
    bool m_stopping_said{false};
    const bool m_terminal{::isatty(STDERR_FILENO) == 1};
    app::Reloads m_reloads{.taken_utc_ns = NowUtcNs()};
    bool m_hanging_said{false};

public:
    Daemon(app::Settings said, ServeSetup setup, Io io, Session& session, poll::Opener* opener)
        : m_said{std::move(said)},
          m_setup{std::move(setup)},
          m_io{io},
          m_session{session},
          m_opener{opener},
          m_watch{m_setup.watch},
          m_streams{session.Catalogue()}
    {
        m_tracker.SetLists(m_setup.lists);
        archive::ReplaySource* const replay{session.Replay()};
        if (replay == nullptr) return;
        const Session::ReplayRange& range{session.Range()};
        m_replay = std::make_unique<app::ReplayControl>(
            *replay, m_tracker, m_streams,
            app::ReplayControlOptions{.from_utc_ns = range.from_utc_ns,
                                      .to_utc_ns = range.to_utc_ns,
                                      .why_not_moved = WhyNotMoved(*replay),
                                      .publish = [this](std::string json) { m_server->PublishSection("replay", std::move(json)); }});
    }

    /** Listens, as long as there is the right to. */
    util::Result<> Listen()
    {
        web::ServerOptions server{m_setup.server};
        server.version = CORETAP_VERSION;
        server.config_json = Effective();
        server.why_not_ready = [this]() -> std::string {
            return m_ready ? "" : m_session.IsReplay() ? "nothing of the recording has been read yet" : "no node has been found yet";
        };
        server.metrics = [this](const state::Snapshot& snapshot, std::string_view accept, std::string& content_type) {
            const sinks::metrics::Format format{sinks::metrics::ChooseFormat(accept)};
            content_type = sinks::metrics::ContentType(format);
            return sinks::metrics::Render(snapshot, *Self(), format);
        };
        if (m_replay) server.control_replay = [this](const web::ReplayCommand& command) { return m_replay->Post(command); };
        auto listening{web::Server::Listen(std::move(server), m_streams)};
        if (!listening) return listening.GetError();
        m_server = std::move(*listening);
        return {};
    }

    Exit Run()
    {
        SessionHooks hooks;
        hooks.started = [this]() -> util::Result<> {
            m_server->Serve();
            SayWhere();
            m_service.Ready(StatusLine());
            return {};
        };
        hooks.tick = [this](pipeline::Source& source) { Tick(source); };
        hooks.replayed = [this](pipeline::Source& source) { Linger(source); };
        const Exit status{m_session.Run({&m_tracker, &m_streams}, hooks)};
        if (!m_stopping_said) m_service.Stopping();
        return status;
    }

private:
    void SayWhere() { m_io.err << "coretap: the page is at " << m_server->Url() << std::endl; }

    std::string StatusLine() const
    {
        std::string line{"serving " + m_server->Url()};
        if (m_nodes_said != 0) line += fmt::format("; {} {} traced", m_nodes_said, m_nodes_said == 1 ? "node" : "nodes");
        return line;
    }

    /** Empty: the recording can be moved in. */
    std::string WhyNotMoved(const archive::ReplaySource& replay) const
    {
        if (!replay.Seekable()) return "the recording comes through a pipe, in which one cannot go to another time";
        if (!m_setup.options.session.record.empty()) return "what is shown is recorded (--record), so it cannot go to another time";
        if (!m_setup.options.session.count.empty() || !m_setup.options.session.duration.empty())
            return "with --count or --duration it cannot go to another time";
        return "";
    }

    /** What is in force, without secrets. */
    std::string Effective() const
    {
        const ServeOptions& options{m_setup.options};
        std::string text;
        web::JsonWriter json{text};
        json.Object([&] {
            json.Member("listen", options.listen.empty() ? app::FindSetting("listen")->by_default : options.listen);
            json.Member("token", !options.token_file.empty());
            json.Member("insecure", options.insecure);
            json.Member("tls", !options.tls_certificate.empty());
            json.List("hosts", [&] {
                for (const std::string& host : options.hosts) json.Value(host);
            });
            json.Member("replay", m_session.IsReplay());
            json.Member("recording", options.session.record.empty() ? std::nullopt : std::optional{options.session.record});
            json.Member("payloads", app::ToString(app::PayloadPolicy{m_session.TraceOptions().snap}));
            json.Member("ring_bytes", m_session.TraceOptions().ring_bytes);
            json.Member("rpc", m_session.IsReplay() ? "off" : options.rpc);
            json.Member("debug_log", m_session.IsReplay() ? "off" : options.debug_log);
            WriteSettings(json, m_setup);
        });
        return text;
    }

    // ---- SIGHUP ----

    void OnHangUp()
    {
        // it comes, too, when the terminal goes away that coretap was started from
        if (m_terminal && ::isatty(STDERR_FILENO) != 1) {
            (void)::raise(SIGTERM);
            return;
        }
        m_service.Reloading();
        if (const auto reloaded{Reload()}; reloaded) {
            m_reloads.taken_utc_ns = NowUtcNs();
            m_reloads.last = {.at_utc_ns = NowUtcNs(), .problem = {}, .needs_restart = m_setup.needs_restart};
            std::string line{m_setup.config_file.empty() ? "reloaded: there is no configuration file, what it is told and named stays" :
                                                           fmt::format("reloaded {}", m_setup.config_file)};
            if (!m_setup.needs_restart.empty())
                line += fmt::format("; changed, but in force only after a restart: {}", fmt::join(m_setup.needs_restart, ", "));
            m_io.err << "coretap: " << line << std::endl;
        } else {
            ++m_reloads.failures;
            m_reloads.last = {.at_utc_ns = NowUtcNs(), .problem = reloaded.GetError().what, .needs_restart = {}};
            m_io.err << "coretap: not reloaded, everything stays as it was: " << m_reloads.last->problem << std::endl;
        }
        m_service.Ready(StatusLine());
        m_next_snapshot = {}; // what became of it is to be seen at once
    }

    /** All of it, or nothing. */
    util::Result<> Reload()
    {
        auto next{ReadServeSetup(
            m_said, [this](const std::string& path) { return OpenOwn(path); }, &m_setup)};
        if (!next) return next.GetError();
        if (auto changed{m_server->Change(next->server)}; !changed) return changed;
        next->watch.open = m_setup.watch.open;
        const bool other_watch{next->watch != m_setup.watch};
        m_setup = std::move(*next);
        m_tracker.SetLists(m_setup.lists);
        if (other_watch && !m_session.IsReplay() && !m_session.IsStandIn()) {
            m_watch.Change(m_setup.watch);
            m_published.clear();
            PublishSections();
        }
        const auto every{app::ParseEvery(m_setup.options.session.stats_every)};
        m_session.SetReports(m_setup.options.session.quiet, *every); // it was checked
        m_server->SetConfig(Effective());
        return {};
    }

    /** By the process that still may, if it is one of the files that were named at the start. */
    util::Result<util::Fd> OpenOwn(const std::string& path) const
    {
        std::error_code error;
        const std::string absolute{std::filesystem::absolute(path, error).string()};
        if (m_opener != nullptr && m_opener->IsOwn(absolute)) return m_opener->OpenOwn(absolute);
        auto opened{app::OpenOwnFile(path)};
        if (!opened && opened.GetError().code == util::Errc::Permission) {
            return util::Error{util::Errc::Permission,
                               opened.GetError().what + "; it was not named when coretap was started, so it must be readable for coretap's "
                                                        "user, or coretap started again",
                               opened.GetError().sys_errno};
        }
        return opened;
    }

    std::shared_ptr<const sinks::metrics::Self> Self()
    {
        const std::lock_guard lock{m_self_mutex};
        return m_self;
    }

    void Tick(pipeline::Source& source)
    {
        const auto now{std::chrono::steady_clock::now()};
        CheckServer(now);
        if (Session::AskedToReload()) OnHangUp();
        if (Session::StopFlag()->load() && !std::exchange(m_stopping_said, true)) m_service.Stopping();
        const bool news{m_replay && m_replay->Apply()};
        if (m_replay && m_replay->Ended()) SayEnded();
        if (now < m_next_snapshot && !news) return;
        m_next_snapshot = now + SNAPSHOT_EVERY;
        if (m_replay && m_replay->Moving()) { // still what was, but it says so
            PublishSelf(source);
            PublishReplay(m_shown ? std::make_shared<const state::Snapshot>(*m_shown) : m_tracker.Take(0, source.Losses()));
            return;
        }
        source.ExactCounters(m_exact);
        if (!m_exact.empty()) m_tracker.SetExact(m_exact);
        auto snapshot{m_tracker.Take(m_session.IsReplay() ? 0 : NowUtcNs(), source.Losses())};
        if (!m_session.IsReplay() && !m_session.IsStandIn()) PublishNodes(*snapshot);
        PublishSelf(source);
        if (m_replay) {
            m_ready = m_ready || snapshot->events != 0;
            PublishReplay(std::move(snapshot));
            return m_replay->Shown();
        }
        const auto running{
            static_cast<std::size_t>(std::ranges::count_if(snapshot->nodes, [](const auto& node) { return node->identity.running; }))};
        m_ready = running != 0;
        if (running != m_nodes_said) {
            m_nodes_said = running;
            m_service.Status(StatusLine());
        }
        m_server->Publish(std::move(snapshot));
    }

    /** A sign of life for the manager, as long as the web server's thread gives one too. */
    void CheckServer(std::chrono::steady_clock::time_point now)
    {
        if (const std::string failure{m_server->TakeFailure()}; !failure.empty())
            m_io.err << "coretap: the web server could not serve somebody: " << failure << std::endl;
        const bool hangs{m_server->SilentFor() > SERVER_PATIENCE};
        if (!hangs) m_service.StillAlive(now);
        if (hangs && !m_hanging_said) m_io.err << "coretap: the web server hangs" << std::endl;
        m_hanging_said = hangs;
    }

    void PublishNodes(const state::Snapshot& snapshot)
    {
        m_watch.Update(snapshot);
        const std::vector<std::string> warnings{m_watch.TakeWarnings()};
        for (const std::string& warning : warnings) {
            if (!m_setup.options.session.quiet) m_io.err << "coretap: " << warning << std::endl;
        }
        // whoever has just started it looks for the address at the bottom
        if (!warnings.empty() && std::chrono::steady_clock::now() < m_start + ADDRESS_AT_BOTTOM) SayWhere();
        app::KnownNodes known{m_watch.Latest()};
        const bool changed{known != m_published};
        m_published = std::move(known);
        if (!changed) return;
        PublishSections();
    }

    void PublishSections()
    {
        if (std::exchange(m_rpc_shown, m_setup.watch.rpc) || m_setup.watch.rpc) m_server->PublishSection("rpc", app::RpcJson(m_published));
        if (std::exchange(m_log_shown, m_setup.watch.debug_log) || m_setup.watch.debug_log)
            m_server->PublishSection("log", app::LogJson(m_published));
    }

    void PublishSelf(const pipeline::Source& source)
    {
        const app::SelfSources sources{m_session.Catalogue(), m_session.TraceOptions().modes, source.Health(), m_server->Stats(),
                                       m_streams.Stats(),     m_session.Recorder(),           m_reloads};
        auto self{std::make_shared<sinks::metrics::Self>(app::DescribeSelf(sources))};
        for (const auto& [label, known] : m_published) {
            self->nodes[label] = {.rpc = known.rpc, .log = known.log ? std::optional{*known.log} : std::nullopt};
        }
        m_server->PublishSection("self", app::SelfJson(*self, sources, source.Losses(), std::chrono::steady_clock::now() - m_start));
        const std::lock_guard lock{m_self_mutex};
        m_self = std::move(self);
    }

    void PublishReplay(std::shared_ptr<const state::Snapshot> snapshot)
    {
        m_shown = snapshot;
        m_replay->Publish();
        m_server->Publish(std::move(snapshot));
    }

    void SayEnded()
    {
        if (std::exchange(m_ended_said, true)) return;
        m_io.err << "coretap: the recording has ended; what it added up to stays at " << m_server->Url() << " (Ctrl-C ends it)"
                 << std::endl;
    }

    /** There will be no more; what it added up to can be looked at until somebody has had enough. */
    void Linger(pipeline::Source& source)
    {
        if (Session::StopFlag()->load()) return;
        m_replay->Close("there is no more to come, and no way back");
        m_next_snapshot = {};
        Tick(source);
        while (!Session::StopFlag()->load()) {
            std::this_thread::sleep_for(std::chrono::milliseconds{100});
            Tick(source);
        }
    }
};

/** Starts the process that opens what this one will not be able to, if there is anything of that kind. */
util::Result<std::unique_ptr<poll::Opener>> StartOpener(const ServeSetup& setup)
{
    poll::OpenerFiles files{.of_nodes = setup.asks_nodes, .also = {}, .own = setup.OwnFiles()};
    if (!setup.watch.overrides.cookie_file.empty()) files.also.push_back(setup.watch.overrides.cookie_file);
    if (!files.of_nodes && files.own.empty()) return std::unique_ptr<poll::Opener>{};
    return poll::Opener::Start(std::move(files));
}

Exit Serve(const app::Settings& said, Io given)
{
    // What is said is for whoever listens: tracing does not wait for that
    util::LineStream err{given.err_fd};
    const Io io{given.out_fd, given.out, err, given.err_fd, given.out_is_terminal, given.err_is_terminal};
    auto setup{ReadServeSetup(said, app::OpenOwnFile)};
    if (!setup) return Report(io, setup.GetError());
    // before there are threads, and while we may read what is the node's, and what is root's
    auto started{StartOpener(*setup)};
    if (!started) return Report(io, started.GetError());
    const std::shared_ptr<poll::Opener> opener{std::move(*started)};
    if (opener) setup->watch.open = [opener](const poll::OpenRequest& request) { return opener->Open(request); };
    auto session{Session::Prepare(setup->options.session, ServeNeeds(*setup), io)};
    if (!session) return Report(io, session.GetError());
    Daemon daemon{said, std::move(*setup), io, **session, opener.get()};
    if (const auto listening{daemon.Listen()}; !listening) return Report(io, listening.GetError());
    return daemon.Run();
}

} // namespace

void AddServe(CLI::App& app, Command& chosen)
{
    auto options{std::make_shared<ServeOptions>()};
    CLI::App* command{app.add_subcommand("serve", "A page in the browser, an API, metrics, and a live stream")};
    AddServeOptions(*command, *options);
    command->footer(fmt::format(R"(Ctrl-C ends it. SIGHUP has it read the configuration again, and the files named there.

What is not said here is taken from the environment, CORETAP_TOKEN_FILE for
--token-file and so on, and then from the configuration: --config, CORETAP_CONFIG, or
{} if there is one. `coretap config check` says what is in force.

Examples:
  coretap serve
  coretap serve --sim
  coretap serve --listen 192.0.2.7:8338 --token-file /etc/coretap/token
  coretap serve --record /var/lib/coretap/node.ctap --rotate 1GiB --keep 20
  coretap serve --from day.ctap --speed 10)",
                                DEFAULT_CONFIG));
    command->callback([options, command, &chosen] { chosen = [said = SaidOn(*command)](Io io) { return Serve(said, io); }; });
}

} // namespace coretap::cli
