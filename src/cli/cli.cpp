#include "cli/cli.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <poll.h>

#include "cli/commands.h"
#include "cli/help.h"
#include "util/text.h"

namespace coretap::cli {

Exit ExitFor(const util::Error& error)
{
    switch (error.code) {
    case util::Errc::Usage: return Exit::Usage;
    case util::Errc::Permission: return Exit::NotPermitted;
    case util::Errc::Unsupported: return Exit::KernelUnsuitable;
    case util::Errc::NotFound: return Exit::TargetUnsuitable;
    case util::Errc::Io:
    case util::Errc::Malformed: return Exit::Failed;
    }
    return Exit::Failed;
}

Exit Report(const Io& io, const util::Error& error)
{
    io.err << "coretap: " << error.what << '\n';
    return ExitFor(error);
}

bool UseColor(const std::string& choice, bool is_terminal)
{
    if (choice != "auto") return choice == "always";
    const char* no_color{std::getenv("NO_COLOR")};
    const char* term{std::getenv("TERM")};
    return is_terminal && (no_color == nullptr || *no_color == '\0') && (term == nullptr || std::string_view{term} != "dumb");
}

bool IsUtf8Locale()
{
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        const char* value{std::getenv(name)};
        if (value == nullptr || *value == '\0') continue;
        const std::string_view text{value};
        return text.find("UTF-8") != std::string_view::npos || text.find("utf8") != std::string_view::npos ||
               text.find("UTF8") != std::string_view::npos || text.find("utf-8") != std::string_view::npos;
    }
    return true; // nothing said, as under sudo and in containers: nearly every terminal is UTF-8
}

std::string NormalPath(const std::string& path)
{
    std::error_code error;
    std::string normal{std::filesystem::absolute(path, error).lexically_normal().string()};
    while (normal.size() > 1 && normal.ends_with('/')) normal.pop_back();
    return normal;
}

void AddNodeOptions(CLI::App& command, NodeOptions& options, const std::string& group)
{
    auto* pid{command.add_option("--pid", options.pid, "this process")->type_name("PID")->group(group)->check(CLI::PositiveNumber)};
    auto* binary{
        command.add_option("--binary", options.binary, "every process that runs this file, now or later")->type_name("PATH")->group(group)};
    auto* datadir{command.add_option("--datadir", options.datadir, "the node with this data directory, now or later")
                      ->type_name("DIR")
                      ->group(group)};
    pid->excludes(binary)->excludes(datadir);
    binary->excludes(datadir);
}

namespace {

/** Data that could not be written is a failure, whatever the command thought of itself. */
Exit Flushed(const Io& io, Exit status)
{
    if (io.out.flush()) return status;
    pollfd out{io.out_fd, POLLOUT, 0};
    if (::poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0) return status; // `| head` has what it wanted
    return Report(io, {util::Errc::Io, "cannot write to stdout: a full disk, or it is closed"});
}

/** What of the command line made no sense, in our words where the library's would mislead. */
std::string WordsFor(const CLI::ParseError& error, const CLI::App& app, std::span<const std::string_view> args)
{
    if (dynamic_cast<const CLI::ExtrasError*>(&error) == nullptr) return error.what();
    // the words that belong to nothing, in their order
    std::string words;
    for (const std::string& word : app.remaining(true)) words += (words.empty() ? "" : " ") + util::Quoted(word);
    const bool no_command{app.get_subcommands().empty() && !args.empty() && !args.front().starts_with('-')};
    return no_command ? fmt::format("there is no command {}", util::Quoted(args.front())) :
                        fmt::format("it is not clear what this means here: {}", words);
}

} // namespace

Exit Main(std::span<const std::string_view> args, Io io)
{
    CLI::App app{"coretap shows what happens inside a Bitcoin Core node, as it happens.", "coretap"};
    app.formatter(std::make_shared<HelpFormatter>());
    app.require_subcommand(0, 1);
    app.set_version_flag("--version", "coretap " CORETAP_VERSION);
    app.footer(R"(Exit status:
  0  done
  1  something failed while running
  2  the command line or the configuration makes no sense
  3  a privilege is missing
  4  no such node or file, or a binary without tracepoints
  5  probes: the binary's tracepoints are not as the catalogue says
  6  this kernel lacks something
  7  info, verify: a recording is damaged

Examples:
  coretap log                      watch the node that runs here
  coretap log --sim                watch the stand-in node
  coretap record day.ctap          keep every event in a file
  coretap replay day.ctap          and see it again
  coretap probes                   which tracepoints the node's binary carries
  coretap doctor                   can this machine, this node be traced?)");
    Command chosen;
    AddLog(app, chosen);
    AddRecord(app, chosen);
    AddServe(app, chosen);
    AddConfig(app, chosen);
    AddReplay(app, chosen);
    AddExport(app, chosen);
    AddInfo(app, chosen);
    AddVerify(app, chosen);
    AddProbes(app, chosen);
    AddDoctor(app, chosen);

    std::vector<std::string> reversed(args.rbegin(), args.rend()); // as CLI11 wants them
    try {
        app.parse(std::move(reversed));
    } catch (const CLI::ParseError& error) { // CLI11's way to say it; goes no further
        if (error.get_exit_code() == 0) {
            app.exit(error, io.out, io.err);
            return Flushed(io, Exit::Ok);
        }
        const auto parsed{app.get_subcommands()};
        io.err << "coretap: " << WordsFor(error, app, args) << "\nRun `coretap " << (parsed.empty() ? "" : parsed.front()->get_name() + " ")
               << "--help` for what there is.\n";
        return Exit::Usage;
    }
    if (!chosen) {
        io.out << app.help();
        return Flushed(io, Exit::Ok);
    }
    return Flushed(io, chosen(io));
}

} // namespace coretap::cli
