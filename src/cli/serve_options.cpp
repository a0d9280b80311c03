#include "cli/serve_options.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "app/option_values.h"
#include "cli/help.h"
#include "util/text.h"

namespace coretap::cli {
namespace {

using app::SaidBy;
using app::SettingDef;
using util::Errc;
using util::Error;

// What the state is made of: of blocks their headers, of the answers to getblocktxn their sizes, which come with the message.
constexpr const char* STATE_PAYLOADS{"block=88,blocktxn=40,cfilter=40,cfheaders=80,*=all"};

Error Wrong(std::string what) { return {Errc::Usage, std::move(what)}; }

/** Which file is read, and whether it must be there. */
struct ConfigFile {
    std::string path;
    bool named{true};
};
ConfigFile WhichConfig(const app::Settings& command_line)
{
    if (const auto said{command_line.find("config")}; said != command_line.end()) return {said->second.values.front()};
    if (const char* const variable{std::getenv("CORETAP_CONFIG")}) return {variable};
    return {DEFAULT_CONFIG, false};
}

/** The options that settings stand for. What [trace] of the file says the session takes from there. */
util::Result<ServeOptions> OptionsOf(const app::Settings& settings)
{
    ServeOptions options;
    CLI::App command;
    AddServeOptions(command, options);
    for (const auto& [name, setting] : settings) {
        const SettingDef* const def{app::FindSetting(name)};
        if (def != nullptr && setting.by == SaidBy::File && def->section == "trace") continue;
        if (def != nullptr && def->kind == SettingDef::Kind::Flag && setting.values.front() == "false") continue;
        CLI::Option* const option{command.get_option("--" + name)};
        option->add_result(setting.values);
        try {
            option->run_callback();
        } catch (const CLI::ParseError& error) { // CLI11's way to say it; goes no further
            return Wrong(fmt::format("{}: {}", setting.where, error.what()));
        }
    }
    const NodeOptions& node{options.session.node};
    if (int{node.pid.has_value()} + int{node.binary.has_value()} + int{node.datadir.has_value()} + int{!options.session.from.empty()} > 1)
        return Wrong("pid, binary, datadir, from: one of them says where events come from");
    return options;
}

/** What may be said of the RPC. */
util::Result<app::NodeWatchOptions> ReadWatchOptions(const ServeOptions& options, const app::OpenOwn& open)
{
    app::NodeWatchOptions watch;
    watch.debug_log = options.debug_log == "auto";
    const auto where{app::ParseRpcWhere(options.rpc)};
    if (!where) return Wrong("--rpc: " + where.GetError().what);
    watch.rpc = where->on;
    watch.overrides.host = where->host;
    watch.overrides.port = where->port;
    const bool credentials{!options.rpc_user.empty() || !options.rpc_password_file.empty() || !options.rpc_cookie.empty()};
    if (!watch.rpc && credentials) return Wrong("--rpc off, and how to log in: one of them is too much");
    if (options.rpc_user.empty() != options.rpc_password_file.empty()) return Wrong("--rpc-user and --rpc-password-file go together");
    if (!options.rpc_user.empty() && !options.rpc_cookie.empty()) return Wrong("--rpc-user and --rpc-cookie: say one of them");
    if (!options.rpc_user.empty()) {
        auto password{app::ReadFirstLine(options.rpc_password_file, "a password", open)};
        if (!password) return password.GetError();
        watch.overrides.user = options.rpc_user;
        watch.overrides.password = std::move(*password);
    }
    if (!options.rpc_cookie.empty()) watch.overrides.cookie_file = NormalPath(options.rpc_cookie);
    return watch;
}

util::Result<web::ServerOptions> ReadServerOptions(const ServeOptions& options, const app::OpenOwn& open)
{
    web::ServerOptions server;
    if (!options.listen.empty()) {
        const auto where{app::ParseListen(options.listen)};
        if (!where) return Wrong("--listen: " + where.GetError().what);
        server.address = where->address;
        server.port = where->port;
    }
    if (options.tls_certificate.empty() != options.tls_key.empty()) return Wrong("--tls-cert and --tls-key go together");
    if (!options.token_file.empty()) {
        auto token{app::ReadFirstLine(options.token_file, "a token", open)};
        if (!token) return token.GetError();
        if (token->size() < web::MIN_TOKEN_LENGTH) {
            return Wrong(fmt::format("the token in {} is too short: at least {} characters, as from `openssl rand -hex 16`",
                                     options.token_file, web::MIN_TOKEN_LENGTH));
        }
        server.token = std::move(*token);
    }
    if (!options.tls_certificate.empty()) {
        auto certificate{app::ReadOwnFile(options.tls_certificate, "a certificate", open)};
        if (!certificate) return certificate.GetError();
        auto key{app::ReadOwnFile(options.tls_key, "a key", open)};
        if (!key) return key.GetError();
        server.tls_certificate = std::move(*certificate);
        server.tls_key = std::move(*key);
    }
    server.hosts = options.hosts;
    server.insecure = options.insecure;
    if (const auto checked{web::Server::Check(server)}; !checked) {
        if (options.tls_certificate.empty()) return checked.GetError();
        return Wrong(
            fmt::format("{} (the certificate is {}, the key {})", checked.GetError().what, options.tls_certificate, options.tls_key));
    }
    return server;
}

/** Each list by the name of its file, without its ending. */
util::Result<std::shared_ptr<const state::AddressLists>> ReadLists(const ServeOptions& options, const app::OpenOwn& open)
{
    auto lists{std::make_shared<state::AddressLists>()};
    for (const std::string& path : options.address_lists) {
        const auto text{app::ReadOwnFile(path, "a list of addresses", open)};
        if (!text) return text.GetError();
        if (const auto added{lists->Add(std::filesystem::path{path}.stem().string(), *text)}; !added)
            return Wrong(fmt::format("{}: {}", path, added.GetError().what));
    }
    return std::shared_ptr<const state::AddressLists>{std::move(lists)};
}

/** Of a reload: whatever cannot change is as it was; the names of those that should have. */
std::vector<std::string> KeepWhatStays(ServeSetup& setup, const ServeSetup& running)
{
    std::vector<std::string> names;
    for (const std::string& name : app::Differences(running.settings, setup.settings)) {
        const SettingDef* const def{app::FindSetting(name)};
        const bool of_nodes{name == "debug-log" || name.starts_with("rpc")};
        if (def != nullptr && (def->flags & SettingDef::RELOADS) != 0 && (running.asks_nodes || !of_nodes)) continue;
        names.push_back(name);
        setup.settings.erase(name);
        if (const auto was{running.settings.find(name)}; was != running.settings.end()) setup.settings.insert(*was);
    }
    if (setup.config.tracepoints != running.config.tracepoints) names.emplace_back("[[tracepoint]]");
    setup.config = running.config;
    return names;
}

} // namespace

ServeOptions::ServeOptions()
{
    session.stats_every = "0"; // the page and the metrics show it
}

void AddServeOptions(CLI::App& command, ServeOptions& options)
{
    AddSourceOptions(command, options.session);
    AddFilterOptions(command, options.session);
    const std::string web{"Who may connect"};
    command.add_option("--listen", options.listen, "address and port; 0: any port that is free")
        ->default_str(fmt::format("127.0.0.1:{}", web::DEFAULT_PORT))
        ->type_name("ADDRESS")
        ->group(web);
    command.add_option("--token-file", options.token_file, "clients must have the token in this file")->type_name("FILE")->group(web);
    command.add_flag("--insecure", options.insecure, "another address than this machine's, without token")->group(web);
    command.add_option("--tls-cert", options.tls_certificate, "HTTPS with this certificate (PEM)")->type_name("FILE")->group(web);
    command.add_option("--tls-key", options.tls_key, "and its key (PEM)")->type_name("FILE")->group(web);
    command.add_option("--host", options.hosts, "a name that clients may use for us; repeatable")
        ->type_name("NAME")
        ->allow_extra_args(false)
        ->group(web);
    const std::string node{"What the node is asked besides"};
    command.add_option("--rpc", options.rpc, "auto: as bitcoin-cli would; off; or where the RPC of the one node is")
        ->capture_default_str()
        ->type_name("auto|off|ADDRESS")
        ->group(node);
    command.add_option("--rpc-user", options.rpc_user, "not the cookie, but this user")->type_name("NAME")->group(node);
    command.add_option("--rpc-password-file", options.rpc_password_file, "and the password in this file")->type_name("FILE")->group(node);
    command.add_option("--rpc-cookie", options.rpc_cookie, "the cookie is this file")->type_name("FILE")->group(node);
    command.add_option("--debug-log", options.debug_log, "whether the node's debug.log is followed")
        ->capture_default_str()
        ->check(CLI::IsMember({"auto", "off"}))
        ->type_name("auto|off")
        ->group(node);
    command.add_option("--address-list", options.address_lists, "peers with an address in this file are counted and marked; repeatable")
        ->type_name("FILE")
        ->allow_extra_args(false)
        ->group("What is shown of peers");
    AddReportOptions(command, options.session, "What is said meanwhile");
    AddRecordOptions(command, options.session);
    AddLimitOptions(command, options.session);
    AddTracingOptions(command, options.session);
}

app::Settings SaidOn(const CLI::App& command)
{
    app::Settings said;
    for (const CLI::Option* option : command.get_options()) {
        if (option->count() == 0 || option->get_lnames().empty()) continue;
        const std::string& name{option->get_lnames().front()};
        said[name] = {option->results(), SaidBy::CommandLine, "--" + name};
    }
    return said;
}

std::vector<std::string> ServeSetup::OwnFiles() const
{
    std::vector<std::string> files{config_file, options.token_file, options.tls_certificate, options.tls_key, options.rpc_password_file};
    files.insert(files.end(), options.address_lists.begin(), options.address_lists.end());
    std::erase(files, "");
    for (std::string& file : files) {
        std::error_code error;
        file = std::filesystem::absolute(file, error).string();
    }
    return files;
}

util::Result<ServeSetup> ReadServeSetup(const app::Settings& command_line, const app::OpenOwn& open, const ServeSetup* running)
{
    ServeSetup setup;
    if (const ConfigFile file{WhichConfig(command_line)}; !file.path.empty()) {
        auto config{app::LoadConfig(file.path, open)};
        if (config) {
            setup.config_file = file.path;
            setup.config = std::move(*config);
        } else if (file.named || config.GetError().code != Errc::NotFound) {
            return config.GetError();
        }
    }
    app::Settings said{command_line};
    said.erase("config");
    auto settings{app::GatherSettings(
        said, [](const std::string& name) { return std::getenv(name.c_str()); }, setup.config.settings)};
    if (!settings) return settings.GetError();
    setup.settings = std::move(*settings);
    if (running != nullptr) setup.needs_restart = KeepWhatStays(setup, *running);

    auto options{OptionsOf(setup.settings)};
    if (!options) return options.GetError();
    setup.options = std::move(*options);
    auto server{ReadServerOptions(setup.options, open)};
    if (!server) return server.GetError();
    setup.server = std::move(*server);
    auto watch{ReadWatchOptions(setup.options, open)};
    if (!watch) return watch.GetError();
    setup.watch = std::move(*watch);
    auto lists{ReadLists(setup.options, open)};
    if (!lists) return lists.GetError();
    setup.lists = std::move(*lists);
    setup.asks_nodes =
        running != nullptr ? running->asks_nodes : setup.options.session.from.empty() && (setup.watch.rpc || setup.watch.debug_log);
    return setup;
}

SessionNeeds ServeNeeds(const ServeSetup& setup)
{
    return {.payloads = true,
            .payload_policy = STATE_PAYLOADS,
            .full_speed = false,
            .shows = false,
            .outlives_recording = true,
            .reloads = true,
            .config = setup.config};
}

void WriteSettings(web::JsonWriter& json, const ServeSetup& setup)
{
    json.Member("file", setup.config_file.empty() ? std::nullopt : std::optional{setup.config_file});
    json.Object("settings", [&] {
        for (const SettingDef& def : app::SettingDefs()) {
            const auto said{setup.settings.find(def.name)};
            const bool is_default{said == setup.settings.end()};
            json.Object(def.name, [&] {
                if (def.kind == SettingDef::Kind::Flag) {
                    json.Member("value", !is_default && said->second.values.front() == "true");
                } else if (is_default) {
                    json.Key("value").Null();
                } else if (def.kind == SettingDef::Kind::List || def.kind == SettingDef::Kind::NumberList) {
                    json.List("value", [&] {
                        for (const std::string& value : said->second.values) json.Value(value);
                    });
                } else {
                    json.Member("value", said->second.values.back());
                }
                json.Member("default", def.by_default);
                json.Member("said_by", is_default ? "default" : app::ToString(said->second.by));
                json.Member("where", is_default ? std::nullopt : std::optional{said->second.where});
            });
        }
    });
}

} // namespace coretap::cli
