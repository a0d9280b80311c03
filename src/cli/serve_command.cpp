// `coretap serve`: what events add up to, over HTTP and WebSocket, and the page.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/facts_json.h"
#include "app/node_watch.h"
#include "app/self.h"
#include "app/service.h"
#include "cli/session.h"
#include "poll/bitcoin_conf.h"
#include "poll/opener.h"
#include "sinks/metrics/metrics.h"
#include "state/tracker.h"
#include "util/line_stream.h"
#include "util/text.h"
#include "web/json_writer.h"
#include "web/server.h"

namespace coretap::cli {
namespace {

namespace json = boost::json;

// What the state is made of: of blocks their headers, of the answers to getblocktxn their sizes, which come with the message.
constexpr const char* STATE_PAYLOADS{"block=88,blocktxn=40,cfilter=40,cfheaders=80,*=all"};
constexpr std::chrono::seconds SNAPSHOT_EVERY{1};
constexpr std::chrono::seconds ADDRESS_AT_BOTTOM{10};
constexpr std::chrono::seconds SERVER_PATIENCE{5};

struct ServeOptions {
    SessionOptions session;
    std::string listen{fmt::format("127.0.0.1:{}", web::DEFAULT_PORT)};
    std::vector<std::string> hosts;
    std::string token_file;
    bool insecure{false};
    std::string tls_certificate, tls_key;
    std::string rpc{"auto"};
    std::string rpc_user, rpc_password_file, rpc_cookie;
    std::string debug_log{"auto"};
};

/** `8338`, `127.0.0.1:8338`, `[::1]:8338`, `0.0.0.0`. */
util::Result<> ParseListen(const std::string& text, web::ServerOptions& server)
{
    const auto refuse = [&text] {
        return util::Error{util::Errc::Usage, fmt::format("--listen: '{}' is not an address and port, like 127.0.0.1:{} or [::1]:{}", text,
                                                          web::DEFAULT_PORT, web::DEFAULT_PORT)};
    };
    std::string port;
    if (text.empty()) return refuse();
    if (text.starts_with('[')) {
        const std::size_t end{text.find(']')};
        if (end == std::string::npos || (end + 1 < text.size() && text[end + 1] != ':')) return refuse();
        server.address = text.substr(1, end - 1);
        port = end + 1 < text.size() ? text.substr(end + 2) : "";
        if (end + 1 < text.size() && port.empty()) return refuse();
    } else if (text.find_first_not_of("0123456789") == std::string::npos) {
        port = text;
    } else if (const std::size_t colon{text.find(':')}; colon == text.rfind(':')) {
        server.address = text.substr(0, colon);
        port = colon == std::string::npos ? "" : text.substr(colon + 1);
        if (colon != std::string::npos && port.empty()) return refuse();
    } else {
        server.address = text; // IPv6 without a port
    }
    if (port.empty()) return {};
    if (port.size() > 5 || port.find_first_not_of("0123456789") != std::string::npos || std::stoul(port) > 65535) return refuse();
    server.port = static_cast<std::uint16_t>(std::stoul(port));
    return {};
}

/** The first line of a file. It is read before privileges are given up: nobody else need be able to. */
util::Result<std::string> ReadFirstLine(const std::string& path, const char* what)
{
    errno = 0;
    std::ifstream file{path};
    std::string line;
    if (!file || !std::getline(file, line)) {
        const int error{errno};
        return util::Error{
            error == EACCES ? util::Errc::Permission :
            error == 0      ? util::Errc::Usage :
                              util::Errc::NotFound,
            fmt::format("cannot read {} from {}{}", what, path, error == 0 ? ": it is empty" : fmt::format(": {}", std::strerror(error))),
            error};
    }
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    return line;
}

util::Result<std::string> ReadToken(const std::string& path)
{
    auto token{ReadFirstLine(path, "a token")};
    if (token && token->size() < web::MIN_TOKEN_LENGTH) {
        return util::Error{util::Errc::Usage,
                           fmt::format("the token in {} is too short: at least {} characters, as from `openssl rand -hex 16`", path,
                                       web::MIN_TOKEN_LENGTH)};
    }
    return token;
}

std::int64_t NowUtcNs()
{
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/** What may be said of the RPC on the command line. */
util::Result<app::NodeWatchOptions> ReadWatchOptions(const ServeOptions& options)
{
    app::NodeWatchOptions watch;
    watch.debug_log = options.debug_log == "auto";
    watch.rpc = options.rpc != "off";
    const bool named{options.rpc != "auto" && options.rpc != "off"};
    if (named) {
        const auto where{poll::SplitHostPort(options.rpc)};
        if (!where || !where->port) {
            return util::Error{
                util::Errc::Usage,
                fmt::format("--rpc: {} is neither auto nor off nor an address and port, like 127.0.0.1:8332", util::Quoted(options.rpc))};
        }
        watch.overrides.host = where->host;
        watch.overrides.port = where->port;
    }
    const bool credentials{!options.rpc_user.empty() || !options.rpc_password_file.empty() || !options.rpc_cookie.empty()};
    if (!watch.rpc && credentials) return util::Error{util::Errc::Usage, "--rpc off, and how to log in: one of them is too much"};
    if (options.rpc_user.empty() != options.rpc_password_file.empty())
        return util::Error{util::Errc::Usage, "--rpc-user and --rpc-password-file go together"};
    if (!options.rpc_user.empty() && !options.rpc_cookie.empty())
        return util::Error{util::Errc::Usage, "--rpc-user and --rpc-cookie: say one of them"};
    if (!options.rpc_user.empty()) {
        auto password{ReadFirstLine(options.rpc_password_file, "a password")};
        if (!password) return password.GetError();
        watch.overrides.user = options.rpc_user;
        watch.overrides.password = std::move(*password);
    }
    if (!options.rpc_cookie.empty()) watch.overrides.cookie_file = NormalPath(options.rpc_cookie);
    return watch;
}

/** One run of the daemon. */
class Daemon {
    const ServeOptions& m_options;
    Io m_io;
    Session& m_session;
    app::ServiceManager m_service;
    app::NodeWatch m_watch;
    state::Tracker m_tracker;
    web::Streams m_streams;
    std::mutex m_self_mutex;
    std::shared_ptr<const sinks::metrics::Self> m_self;
    std::atomic<bool> m_ready{false};
    std::unique_ptr<web::Server> m_server; // after what it uses
    const std::chrono::steady_clock::time_point m_start{std::chrono::steady_clock::now()};
    std::vector<pipeline::ProcessCounters> m_exact;
    std::chrono::steady_clock::time_point m_next_snapshot{};
    app::KnownNodes m_published; //!< what the sections `rpc` and `log` were made of
    std::size_t m_nodes_said{0};
    bool m_stopping_said{false};
    bool m_hanging_said{false};

public:
    Daemon(const ServeOptions& options, Io io, Session& session, app::NodeWatchOptions watch)
        : m_options{options}, m_io{io}, m_session{session}, m_watch{std::move(watch)}, m_streams{session.Catalogue()}
    {}

    /** Listens, as long as there is the right to. */
    util::Result<> Listen(web::ServerOptions server)
    {
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
            m_service.Ready("serving " + m_server->Url());
            return {};
        };
        hooks.tick = [this](pipeline::Source& source) { Tick(source, false); };
        hooks.replayed = [this](pipeline::Source& source) { Linger(source); };
        const Exit status{m_session.Run({&m_tracker, &m_streams}, hooks)};
        if (!m_stopping_said) m_service.Stopping();
        return status;
    }

private:
    void SayWhere() { m_io.err << "coretap: the page is at " << m_server->Url() << std::endl; }

    /** What was asked for, without secrets. */
    std::string Effective() const
    {
        return json::serialize(json::object{
            {"listen", m_options.listen},
            {"token", !m_options.token_file.empty()},
            {"insecure", m_options.insecure},
            {"tls", !m_options.tls_certificate.empty()},
            {"hosts", json::array(m_options.hosts.begin(), m_options.hosts.end())},
            {"replay", m_session.IsReplay()},
            {"recording",
             m_options.session.record.empty() ? json::value(nullptr) : json::value(m_options.session.record)}, // {} makes lists
            {"payloads", app::ToString(app::PayloadPolicy{m_session.TraceOptions().snap})},
            {"ring_bytes", m_session.TraceOptions().ring_bytes},
            {"rpc", m_session.IsReplay() ? "off" : m_options.rpc},
            {"debug_log", m_session.IsReplay() ? "off" : m_options.debug_log},
        });
    }

    std::shared_ptr<const sinks::metrics::Self> Self()
    {
        const std::lock_guard lock{m_self_mutex};
        return m_self;
    }

    void Tick(pipeline::Source& source, bool replay_ended)
    {
        const auto now{std::chrono::steady_clock::now()};
        CheckServer(now);
        if (Session::StopFlag()->load() && !std::exchange(m_stopping_said, true)) m_service.Stopping();
        if (now < m_next_snapshot) return;
        m_next_snapshot = now + SNAPSHOT_EVERY;
        source.ExactCounters(m_exact);
        if (!m_exact.empty()) m_tracker.SetExact(m_exact);
        auto snapshot{m_tracker.Take(m_session.IsReplay() ? 0 : NowUtcNs(), source.Losses())};
        if (!m_session.IsReplay() && !m_session.IsStandIn()) PublishNodes(*snapshot);
        PublishSelf(source);
        if (m_session.IsReplay()) PublishReplay(*snapshot, replay_ended);
        const auto running{
            static_cast<std::size_t>(std::ranges::count_if(snapshot->nodes, [](const auto& node) { return node->identity.running; }))};
        m_ready = m_session.IsReplay() ? snapshot->events != 0 : running != 0;
        if (!m_session.IsReplay() && running != m_nodes_said) {
            m_nodes_said = running;
            m_service.Status(fmt::format("serving {}; {} {} traced", m_server->Url(), running, running == 1 ? "node" : "nodes"));
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
            if (!m_options.session.quiet) m_io.err << "coretap: " << warning << std::endl;
        }
        // whoever has just started it looks for the address at the bottom
        if (!warnings.empty() && std::chrono::steady_clock::now() < m_start + ADDRESS_AT_BOTTOM) SayWhere();
        app::KnownNodes known{m_watch.Latest()};
        const bool changed{known != m_published};
        m_published = std::move(known);
        if (!changed) return;
        if (m_options.rpc != "off") m_server->PublishSection("rpc", app::RpcJson(m_published));
        if (m_options.debug_log != "off") m_server->PublishSection("log", app::LogJson(m_published));
    }

    void PublishSelf(const pipeline::Source& source)
    {
        const app::SelfSources sources{m_session.Catalogue(), m_session.TraceOptions().modes,
                                       source.Health(),       m_server->Stats(),
                                       m_streams.Stats(),     m_session.Recorder()};
        auto self{std::make_shared<sinks::metrics::Self>(app::DescribeSelf(sources))};
        for (const auto& [label, known] : m_published) {
            self->nodes[label] = {.rpc = known.rpc, .log = known.log ? std::optional{*known.log} : std::nullopt};
        }
        m_server->PublishSection("self", app::SelfJson(*self, sources, source.Losses(), std::chrono::steady_clock::now() - m_start));
        const std::lock_guard lock{m_self_mutex};
        m_self = std::move(self);
    }

    void PublishReplay(const state::Snapshot& snapshot, bool ended)
    {
        const Session::ReplayRange& range{m_session.Range()};
        std::string text;
        web::JsonWriter json{text};
        json.Object([&] {
            json.UtcMs("from_utc_ms", range.from_utc_ns);
            json.UtcMs("to_utc_ms", range.to_utc_ns);
            json.UtcMs("at_utc_ms", snapshot.events == 0 ? range.from_utc_ns : snapshot.utc_ns);
            json.Member("speed", range.speed);
            json.Member("ended", ended);
        });
        m_server->PublishSection("replay", std::move(text));
    }

    /** The recording has ended; what it added up to can be looked at until somebody has had enough. */
    void Linger(pipeline::Source& source)
    {
        if (Session::StopFlag()->load()) return;
        m_next_snapshot = {};
        Tick(source, true);
        m_io.err << "coretap: the recording has ended; what it added up to stays at " << m_server->Url() << " (Ctrl-C ends it)"
                 << std::endl;
        while (!Session::StopFlag()->load()) {
            std::this_thread::sleep_for(std::chrono::milliseconds{100});
            Tick(source, true);
        }
    }
};

Exit Serve(const ServeOptions& options, Io given)
{
    // What is said is for whoever listens: tracing does not wait for that
    util::LineStream err{given.err_fd};
    const Io io{given.out_fd, given.out, err, given.err_fd, given.out_is_terminal, given.err_is_terminal};
    web::ServerOptions server;
    if (const auto parsed{ParseListen(options.listen, server)}; !parsed) return Report(io, parsed.GetError());
    if (options.tls_certificate.empty() != options.tls_key.empty())
        return Report(io, {util::Errc::Usage, "--tls-cert and --tls-key go together"});
    if (!options.token_file.empty()) {
        auto token{ReadToken(options.token_file)};
        if (!token) return Report(io, token.GetError());
        server.token = std::move(*token);
    }
    server.hosts = options.hosts;
    server.insecure = options.insecure;
    server.tls_certificate = options.tls_certificate;
    server.tls_key = options.tls_key;

    auto watch{ReadWatchOptions(options)};
    if (!watch) return Report(io, watch.GetError());
    std::unique_ptr<poll::Opener> opener;
    if (options.session.from.empty() && (watch->rpc || watch->debug_log)) {
        // before there are threads, and while we may read what is the node's
        std::vector<std::string> also;
        if (!watch->overrides.cookie_file.empty()) also.push_back(watch->overrides.cookie_file);
        auto started{poll::Opener::Start(also)};
        if (!started) return Report(io, started.GetError());
        opener = std::move(*started);
        watch->open = [&opener](const poll::OpenRequest& request) { return opener->Open(request); };
    }
    auto session{Session::Prepare(
        options.session,
        {.payloads = true, .payload_policy = STATE_PAYLOADS, .full_speed = false, .shows = false, .outlives_recording = true}, io)};
    if (!session) return Report(io, session.GetError());
    Daemon daemon{options, io, **session, std::move(*watch)};
    if (const auto listening{daemon.Listen(std::move(server))}; !listening) return Report(io, listening.GetError());
    return daemon.Run();
}

} // namespace

void AddServe(CLI::App& app, Command& chosen)
{
    auto options{std::make_shared<ServeOptions>()};
    options->session.stats_every = "0"; // the page and the metrics show it
    CLI::App* command{app.add_subcommand("serve", "A page in the browser, an API, metrics, and a live stream")};
    AddSourceOptions(*command, options->session);
    AddFilterOptions(*command, options->session);
    const std::string web{"Who may connect"};
    command->add_option("--listen", options->listen, "address and port; 0: any port that is free")
        ->capture_default_str()
        ->type_name("ADDRESS")
        ->group(web);
    command->add_option("--token-file", options->token_file, "clients must have the token in this file")->type_name("FILE")->group(web);
    command->add_flag("--insecure", options->insecure, "another address than this machine's, without token")->group(web);
    command->add_option("--tls-cert", options->tls_certificate, "HTTPS with this certificate (PEM)")->type_name("FILE")->group(web);
    command->add_option("--tls-key", options->tls_key, "and its key (PEM)")->type_name("FILE")->group(web);
    command->add_option("--host", options->hosts, "a name that clients may use for us; repeatable")
        ->type_name("NAME")
        ->allow_extra_args(false)
        ->group(web);
    const std::string node{"What the node is asked besides"};
    command->add_option("--rpc", options->rpc, "auto: as bitcoin-cli would; off; or where the RPC of the one node is")
        ->capture_default_str()
        ->type_name("auto|off|ADDRESS")
        ->group(node);
    command->add_option("--rpc-user", options->rpc_user, "not the cookie, but this user")->type_name("NAME")->group(node);
    command->add_option("--rpc-password-file", options->rpc_password_file, "and the password in this file")->type_name("FILE")->group(node);
    command->add_option("--rpc-cookie", options->rpc_cookie, "the cookie is this file")->type_name("FILE")->group(node);
    command->add_option("--debug-log", options->debug_log, "whether the node's debug.log is followed")
        ->capture_default_str()
        ->check(CLI::IsMember({"auto", "off"}))
        ->type_name("auto|off")
        ->group(node);
    AddReportOptions(*command, options->session, "What is said meanwhile");
    AddRecordOptions(*command, options->session);
    AddLimitOptions(*command, options->session);
    AddTracingOptions(*command, options->session);
    command->footer(R"(Ctrl-C ends it.

Examples:
  coretap serve
  coretap serve --sim
  coretap serve --listen 192.0.2.7:8338 --token-file /etc/coretap/token
  coretap serve --record /var/lib/coretap/node.ctap --rotate 1GiB --keep 20
  coretap serve --from day.ctap --speed 10)");
    command->callback([options, &chosen] { chosen = [options](Io io) { return Serve(*options, io); }; });
}

} // namespace coretap::cli
