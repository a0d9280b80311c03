// The subcommands: each adds itself to the command line and runs when chosen.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "cli/cli.h"

namespace coretap::cli {

/** Chosen by the parser, run after it. */
using Command = std::function<Exit(Io)>;

void AddLog(CLI::App& app, Command& chosen);
void AddRecord(CLI::App& app, Command& chosen);
void AddServe(CLI::App& app, Command& chosen);
void AddConfig(CLI::App& app, Command& chosen);
void AddReplay(CLI::App& app, Command& chosen);
void AddExport(CLI::App& app, Command& chosen);
void AddInfo(CLI::App& app, Command& chosen);
void AddVerify(CLI::App& app, Command& chosen);
void AddProbes(CLI::App& app, Command& chosen);
void AddDoctor(CLI::App& app, Command& chosen);

/** `--pid`, `--binary`, `--datadir`: which node. */
struct NodeOptions {
    std::optional<int> pid;
    std::optional<std::string> binary;
    std::optional<std::string> datadir;
};
void AddNodeOptions(CLI::App& command, NodeOptions& options, const std::string& group);
/** Absolute, without `.`, `..` and trailing slashes; as a node's data directory is known. Symbolic links stay. */
std::string NormalPath(const std::string& path);

/** Whom a command becomes that was started as root and reads what strangers wrote. */
inline constexpr const char* DEFAULT_USER{"nobody"};

/** Report an error the way all commands do. */
Exit Report(const Io& io, const util::Error& error);
/** Whether to colour: `auto`, `always`, `never`; NO_COLOR and TERM=dumb are heeded by auto. */
bool UseColor(const std::string& choice, bool is_terminal);
/** Whether the locale can show more than ASCII. */
bool IsUtf8Locale();

} // namespace coretap::cli
