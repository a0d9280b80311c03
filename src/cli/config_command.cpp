// `coretap config check`: whether `coretap serve` would take a configuration, and what it makes of it.
#include <algorithm>
#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "cli/help.h"
#include "cli/serve_options.h"
#include "util/text.h"

namespace coretap::cli {
namespace {

struct CheckOptions {
    std::string file;
    bool json{false};
};

/** Files that serve opens when it is started, besides those that ReadServeSetup() has read. */
util::Result<> CheckFiles(const SessionOptions& options)
{
    for (const std::string& from : options.from) {
        if (from == "-") continue;
        if (const auto opened{app::OpenOwnFile(from)}; !opened) {
            return util::Error{opened.GetError().code, fmt::format("from: cannot read {}: {}", from, opened.GetError().what),
                               opened.GetError().sys_errno};
        }
    }
    std::error_code error;
    const auto folder{std::filesystem::absolute(options.record, error).parent_path()};
    if (!options.record.empty() && options.record != "-" && !std::filesystem::is_directory(folder, error))
        return util::Error{util::Errc::NotFound, fmt::format("record: there is no directory {}", folder.string()), 0};
    return {};
}

/** As it may stand in a configuration. */
std::string ValueText(const app::SettingDef& def, const std::vector<std::string>& values)
{
    using Kind = app::SettingDef::Kind;
    const auto quoted = [](const std::string& value) {
        std::string text;
        util::AppendPrintableQuoted(text, value);
        return text;
    };
    if (def.kind == Kind::Flag) return values.front();
    if (def.kind != Kind::List && def.kind != Kind::NumberList) return quoted(values.back());
    std::string text{"["};
    for (const std::string& value : values) text += (text.size() == 1 ? "" : ", ") + quoted(value);
    return text + "]";
}

void Show(std::ostream& out, const ServeSetup& setup)
{
    out << (setup.config_file.empty() ? fmt::format("there is no {}; without it all is in order\n", DEFAULT_CONFIG) :
                                        fmt::format("{} is in order\n", setup.config_file));
    for (const app::SettingDef& def : app::SettingDefs()) {
        const auto said{setup.settings.find(def.name)};
        const bool is_default{said == setup.settings.end()};
        out << fmt::format("{:<18} {:<36} {}\n", def.name, is_default ? std::string{def.by_default} : ValueText(def, said->second.values),
                           is_default ? "by default" : said->second.where);
    }
    for (const event::TracepointDef& def : setup.config.tracepoints)
        out << fmt::format("{:<18} {}, {} argument{}\n", "[[tracepoint]]", def.FullName(), def.args.size(),
                           def.args.size() == 1 ? "" : "s");
}

Exit RunCheck(const CheckOptions& options, Io io)
{
    app::Settings said;
    if (!options.file.empty()) said["config"] = {{options.file}, app::SaidBy::CommandLine, "FILE"};
    const auto setup{ReadServeSetup(said, app::OpenOwnFile)};
    if (!setup) return Report(io, setup.GetError());
    if (const auto checked{Session::Check(setup->options.session, ServeNeeds(*setup), io)}; !checked) return Report(io, checked.GetError());
    if (const auto checked{CheckFiles(setup->options.session)}; !checked) return Report(io, checked.GetError());
    if (options.json) {
        std::string text;
        web::JsonWriter json{text};
        json.Object([&] { WriteSettings(json, *setup); });
        io.out << text << '\n';
    } else {
        Show(io.out, *setup);
    }
    return Exit::Ok;
}

} // namespace

void AddConfig(CLI::App& app, Command& chosen)
{
    auto options{std::make_shared<CheckOptions>()};
    CLI::App* config{app.add_subcommand("config", "The configuration of coretap serve")};
    config->require_subcommand(1);
    CLI::App* command{config->add_subcommand("check", "Would coretap serve take it, and what would be in force?")};
    command->add_option("FILE", options->file, fmt::format("the configuration (CORETAP_CONFIG, or {})", DEFAULT_CONFIG))->check(NotEmpty());
    command->add_flag("--json", options->json, "what is in force, as JSON");
    command->footer(R"(The environment counts as it does for serve. Files that are named must be readable, a
token long enough, a key that of its certificate. Exit status: 0 all in order, 2 it makes
no sense, 3 a file may not be read, 4 a file is missing.

Examples:
  coretap config check
  sudo coretap config check /etc/coretap/coretap.toml
  coretap config check --json coretap.toml)");
    command->callback([options, &chosen] { chosen = [options](Io io) { return RunCheck(*options, io); }; });
}

} // namespace coretap::cli
