#include <algorithm>
#include <cerrno>
#include <memory>
#include <vector>

#include "cli/commands.h"
#include "cli/help.h"
#include "cli/recording_report.h"
#include "util/privileges.h"

#include <unistd.h>

namespace coretap::cli {
namespace {

struct RecordingOptions {
    std::vector<std::string> files;
    bool json{false};
};

Exit RunInspect(const RecordingOptions& options, bool thorough, Io io)
{
    Exit status{Exit::Ok};
    std::vector<archive::OpenFile> files;
    for (const std::string& name : options.files) {
        auto file{archive::OpenForReading(name)};
        if (file) {
            files.push_back(std::move(*file));
        } else {
            status = std::max(status, Report(io, file.GetError()));
        }
    }
    // a recording may come from anywhere: who looks into it has no privileges
    if (const auto dropped{util::DropPrivileges(::geteuid() == 0 ? DEFAULT_USER : "-")}; !dropped) return Report(io, dropped.GetError());
    for (archive::OpenFile& file : files) {
        const auto summary{archive::Inspect(std::move(file), thorough)};
        if (!summary) {
            // EBADMSG: it is one, and nothing of it is left
            const Exit failed{Report(io, summary.GetError())};
            status = std::max(status, summary.GetError().sys_errno == EBADMSG ? Exit::Damaged : failed);
            continue;
        }
        if (options.json) {
            io.out << RecordingJson(*summary) << '\n';
        } else {
            io.out << (thorough ? VerifyText(*summary) : InfoText(*summary));
        }
        if (!IsSound(*summary)) status = std::max(status, Exit::Damaged);
    }
    return status;
}

} // namespace

void AddInfo(CLI::App& app, Command& chosen)
{
    auto options{std::make_shared<RecordingOptions>()};
    CLI::App* command{app.add_subcommand("info", "What is in a recording: what, when, how much, what is missing")};
    command->add_option("FILE", options->files, "recordings")->required()->check(NotEmpty());
    command->add_flag("--json", options->json, "one JSON object a recording (docs/json.md)");
    command->footer(R"(Exit status 7 if a recording is damaged where it was looked at; `coretap verify`
looks at all of it.

Examples:
  coretap info day.ctap
  coretap info --json day.*.ctap | jq '{path, events, first, last}')");
    command->callback([options, &chosen] { chosen = [options](Io io) { return RunInspect(*options, false, io); }; });
}

void AddVerify(CLI::App& app, Command& chosen)
{
    auto options{std::make_shared<RecordingOptions>()};
    CLI::App* command{app.add_subcommand("verify", "Read a recording to its end, and say whether it is sound")};
    command->add_option("FILE", options->files, "recordings")->required()->check(NotEmpty());
    command->add_flag("--json", options->json, "one JSON object a recording (docs/json.md)");
    command->footer(R"(Exit status 7 if a recording is damaged; what is not can be replayed all the
same.

Examples:
  coretap verify day.ctap
  coretap verify day.*.ctap && rm -r old)");
    command->callback([options, &chosen] { chosen = [options](Io io) { return RunInspect(*options, true, io); }; });
}

} // namespace coretap::cli
