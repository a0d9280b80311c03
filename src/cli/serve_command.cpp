// `coretap serve`: what events add up to, over HTTP and WebSocket, and the page.
#include <chrono>
#include <fstream>
#include <memory>
#include <thread>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "cli/session.h"
#include "state/tracker.h"
#include "web/server.h"

namespace coretap::cli {
namespace {

namespace json = boost::json;

// What the state is made of: of blocks their headers, of the answers to getblocktxn their sizes, which come with the message.
constexpr const char* STATE_PAYLOADS{"block=88,blocktxn=40,cfilter=40,cfheaders=80,*=all"};
constexpr std::chrono::seconds SNAPSHOT_EVERY{1};

struct ServeOptions {
    SessionOptions session;
    std::string listen{fmt::format("127.0.0.1:{}", web::DEFAULT_PORT)};
    std::vector<std::string> hosts;
    std::string token_file;
    bool insecure{false};
    std::string tls_certificate, tls_key;
};

/** `8338`, `127.0.0.1:8338`, `[::1]:8338`, `0.0.0.0`. */
util::Result<> ParseListen(const std::string& text, web::ServerOptions& server)
{
    const auto refuse = [&text] {
        return util::Error{util::Errc::Usage, fmt::format("--listen: '{}' is not an address and port, like 127.0.0.1:{} or [::1]:{}", text,
                                                          web::DEFAULT_PORT, web::DEFAULT_PORT)};
    };
    std::string port;
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

/** The first line of the file. It is read before privileges are given up: nobody else need be able to. */
util::Result<std::string> ReadToken(const std::string& path)
{
    std::ifstream file{path};
    std::string token;
    if (!file || !std::getline(file, token)) {
        const int error{errno};
        return util::Error{error == EACCES ? util::Errc::Permission : util::Errc::NotFound, fmt::format("cannot read a token from {}", path),
                           error};
    }
    while (!token.empty() && (token.back() == '\r' || token.back() == ' ')) token.pop_back();
    if (token.size() < web::MIN_TOKEN_LENGTH) {
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

/** One run of the daemon. */
class Daemon {
    const ServeOptions& m_options;
    Io m_io;
    Session& m_session;
    web::ServerOptions m_server_options;
    state::Tracker m_tracker;
    web::Streams m_streams;
    std::unique_ptr<web::Server> m_server; // last: it uses what is above
    std::vector<pipeline::ProcessCounters> m_exact;
    std::chrono::steady_clock::time_point m_next_snapshot{};
    std::atomic<bool> m_ready{false};

public:
    Daemon(const ServeOptions& options, Io io, Session& session, web::ServerOptions server)
        : m_options{options}, m_io{io}, m_session{session}, m_server_options{std::move(server)}, m_streams{session.Catalogue()}
    {}

    Exit Run()
    {
        SessionHooks hooks;
        hooks.started = [this] { return Start(); };
        hooks.tick = [this](pipeline::Source& source) { Publish(source, false); };
        hooks.replayed = [this](pipeline::Source& source) { Linger(source); };
        return m_session.Run({&m_tracker, &m_streams}, hooks);
    }

private:
    util::Result<> Start()
    {
        m_server_options.version = CORETAP_VERSION;
        m_server_options.config_json = Effective();
        m_server_options.why_not_ready = [this]() -> std::string { return m_ready ? "" : "no node has been found yet"; };
        auto server{web::Server::Start(std::move(m_server_options), m_streams)};
        if (!server) return server.GetError();
        m_server = std::move(*server);
        m_io.err << "coretap: the page is at " << m_server->Url() << std::endl;
        return {};
    }

    /** What was asked for, without secrets. */
    std::string Effective() const
    {
        return json::serialize(json::object{
            {"listen", m_options.listen},
            {"token", !m_options.token_file.empty()},
            {"tls", !m_options.tls_certificate.empty()},
            {"replay", m_session.IsReplay()},
            {"recording", m_options.session.record.empty() ? json::value{nullptr} : json::value{m_options.session.record}},
            {"payloads", app::ToString(app::PayloadPolicy{m_session.TraceOptions().snap})},
        });
    }

    void Publish(pipeline::Source& source, bool at_once)
    {
        const auto now{std::chrono::steady_clock::now()};
        if (!at_once && now < m_next_snapshot) return;
        m_next_snapshot = now + SNAPSHOT_EVERY;
        m_exact.clear();
        source.ExactCounters(m_exact);
        if (!m_exact.empty()) m_tracker.SetExact(m_exact);
        auto snapshot{m_tracker.Take(m_session.IsReplay() ? 0 : NowUtcNs(), source.Losses())};
        m_ready = m_session.IsReplay() ||
                  std::ranges::any_of(snapshot->nodes, [](const auto& node) { return node->identity.running; });
        m_server->Publish(std::move(snapshot));
    }

    /** The recording has ended; what it added up to can be looked at until somebody has had enough. */
    void Linger(pipeline::Source& source)
    {
        Publish(source, true);
        m_io.err << "coretap: the recording has ended; its last state stays on the page (Ctrl-C ends it)" << std::endl;
        while (!Session::StopFlag()->load()) {
            std::this_thread::sleep_for(std::chrono::milliseconds{100});
        }
    }
};

Exit Serve(const ServeOptions& options, Io io)
{
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
    auto session{Session::Prepare(options.session,
                                  {.payloads = true, .payload_policy = STATE_PAYLOADS, .full_speed = false, .shows = false}, io)};
    if (!session) return Report(io, session.GetError());
    return Daemon{options, io, **session, std::move(server)}.Run();
}

} // namespace

void AddServe(CLI::App& app, Command& chosen)
{
    auto options{std::make_shared<ServeOptions>()};
    CLI::App* command{app.add_subcommand("serve", "A page in the browser, an API, metrics, and a live stream")};
    AddSourceOptions(*command, options->session);
    AddFilterOptions(*command, options->session);
    const std::string web{"Who may connect"};
    command->add_option("--listen", options->listen, "address and port; 0: any port that is free")
        ->capture_default_str()
        ->type_name("ADDR:PORT")
        ->group(web);
    command->add_option("--token-file", options->token_file, "clients must have the token in this file")->type_name("FILE")->group(web);
    command->add_flag("--insecure", options->insecure, "another address than this machine's, without token")->group(web);
    command->add_option("--tls-cert", options->tls_certificate, "HTTPS with this certificate (PEM)")->type_name("FILE")->group(web);
    command->add_option("--tls-key", options->tls_key, "and its key (PEM)")->type_name("FILE")->group(web);
    command->add_option("--host", options->hosts, "a name that clients may use for us; repeatable")
        ->type_name("NAME")
        ->allow_extra_args(false)
        ->group(web);
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
