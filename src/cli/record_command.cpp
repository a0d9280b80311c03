#include <memory>

#include "cli/help.h"
#include "cli/session.h"

namespace coretap::cli {

void AddRecord(CLI::App& app, Command& chosen)
{
    auto options{std::make_shared<SessionOptions>()};
    CLI::App* command{app.add_subcommand("record", "Keep every event in a file, to be replayed, searched, exported")};
    command->add_option("FILE", options->record, "the recording; - is stdout")->required()->check(NotEmpty());
    AddSourceOptions(*command, *options);
    AddFilterOptions(*command, *options);
    AddRecordOptions(*command, *options, false);
    AddReportOptions(*command, *options, "What is said meanwhile");
    AddLimitOptions(*command, *options);
    AddTracingOptions(*command, *options);
    command->footer(R"(P2P messages are recorded with their payloads; --payload says otherwise. What was
recorded stays readable after a crash, a full disk, a flipped bit.

Examples:
  coretap record day.ctap
  coretap record day.ctap --rotate 1GiB --keep 20
  coretap record small.ctap --payload 'block=none,*=all' --duration 1h
  coretap record invs.ctap --from day.ctap --msg inv
  coretap record - | zstd -19 > day.ctap.zst)");
    command->callback([options, &chosen] {
        chosen = [options](Io io) {
            auto session{Session::Prepare(*options, {.payloads = true, .shows = false}, io)};
            return session ? (*session)->Run({}) : Report(io, session.GetError());
        };
    });
}

} // namespace coretap::cli
