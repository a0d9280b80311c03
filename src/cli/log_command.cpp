#include <memory>

#include "cli/help.h"
#include "cli/session.h"
#include "sinks/log/log_sink.h"

namespace coretap::cli {
namespace {

/** How events are shown: what `log` and `replay` have in common. */
struct ShowOptions {
    SessionOptions session;
    std::string decode{"off"};
    bool json{false};
    bool payload_hex{false};
    bool ascii{false};
    std::string color{"auto"};
};

void AddShowOptions(CLI::App& command, ShowOptions& options)
{
    const std::string how{"How to show them"};
    AddDecodeOption(command, options.decode, how);
    command.add_flag("--json", options.json, "one JSON object a line (docs/json.md)")->group(how);
    command.add_flag("--hex", options.payload_hex, "captured payloads in the text too")->group(how);
    command.add_flag("--ascii", options.ascii, "plain ASCII")->group(how);
    command.add_option("--color", options.color, "auto, always, never")
        ->check(CLI::IsMember({"auto", "always", "never"}))
        ->type_name("WHEN")
        ->group(how);
    AddReportOptions(command, options.session, how);
}

Exit Show(const ShowOptions& options, bool full_speed, Io io)
{
    const event::Decode decode{DecodeOf(options.decode)};
    auto session{
        Session::Prepare(options.session, {.payloads = decode != event::Decode::Off || options.payload_hex, .full_speed = full_speed}, io)};
    if (!session) return Report(io, session.GetError());
    // --hex is for whatever was captured, unless --payload says what
    static const app::PayloadPolicy ALL{*app::ParsePayloadPolicy("all")};
    const app::PayloadPolicy& asked{(*session)->ShownPayload()};
    const app::PayloadPolicy& shown{options.payload_hex && !asked.Any() ? ALL : asked};
    sinks::log::LogSink sink{io.out_fd,
                             {.json = options.json,
                              .text = {.color = UseColor(options.color, io.out_is_terminal),
                                       .ascii = options.ascii || !IsUtf8Locale(),
                                       .payload_hex = options.payload_hex,
                                       .decode = decode,
                                       .shown_payload = &shown.snap},
                              .json_options = {.decode = decode, .shown_payload = &shown.snap},
                              .stop = Session::StopFlag()}};
    return (*session)->Run({&sink});
}

} // namespace

void AddLog(CLI::App& app, Command& chosen)
{
    auto options{std::make_shared<ShowOptions>()};
    CLI::App* command{app.add_subcommand("log", "Show every event as it happens, one line each")};
    AddSourceOptions(*command, options->session);
    AddFilterOptions(*command, options->session);
    AddShowOptions(*command, *options);
    AddRecordOptions(*command, options->session);
    AddLimitOptions(*command, options->session);
    AddTracingOptions(*command, options->session);
    command->footer(R"(Data goes to stdout, words to stderr. Ctrl-C ends it, and tells what was lost.

Examples:
  coretap log
  coretap log --only net --msg inv,tx --direction in --decode short
  coretap log --only mempool,validation --json | jq .
  coretap log --enable utxocache:add,utxocache:spent --duration 30s --summary
  coretap log --from day.ctap --since +10m --until +11m --decode full
  coretap log --sim --count 20)");
    command->callback([options, &chosen] { chosen = [options](Io io) { return Show(*options, true, io); }; });
}

void AddReplay(CLI::App& app, Command& chosen)
{
    auto options{std::make_shared<ShowOptions>()};
    CLI::App* command{app.add_subcommand("replay", "Show recordings again, at the speed they were recorded")};
    command->add_option("FILE,--from", options->session.from, "recordings; several are merged by time, - is stdin")
        ->required()
        ->type_name("FILE")
        ->check(NotEmpty());
    AddReplayOptions(*command, options->session);
    AddFilterOptions(*command, options->session, false);
    AddShowOptions(*command, *options);
    AddRecordOptions(*command, options->session);
    AddLimitOptions(*command, options->session, false);
    AddTracingOptions(*command, options->session, false);
    command->footer(R"(The same as `coretap log --from FILE --speed 1`.

Examples:
  coretap replay day.ctap
  coretap replay day.ctap --speed 10 --decode short
  coretap replay alice.ctap bob.ctap --since +1h --until +2h
  coretap replay day.ctap --speed max --json | jq .)");
    command->callback([options, &chosen] { chosen = [options](Io io) { return Show(*options, false, io); }; });
}

} // namespace coretap::cli
