#include "cli/commands.h"
#include "cli/doctor_report.h"
#include "tracer/checks.h"

namespace coretap::cli {

void AddDoctor(CLI::App& app, Command& chosen)
{
    struct Options {
        std::optional<int> pid;
        bool json{false};
        bool self_test{true};
        std::string color{"auto"};
    };
    auto options{std::make_shared<Options>()};
    CLI::App* command{
        app.add_subcommand("doctor", "Tell whether this machine, this user, this node can be traced, and how to mend it if not")};
    command->add_option("--pid", options->pid, "this process, which then must be fit for tracing")
        ->type_name("PID")
        ->check(CLI::PositiveNumber);
    command->add_flag("--json", options->json, "one JSON object (docs/json.md)");
    command->add_flag("!--no-self-test", options->self_test, "leave out attaching to a probe of coretap's own");
    command->add_option("--color", options->color, "auto, always, never")
        ->check(CLI::IsMember({"auto", "always", "never"}))
        ->type_name("WHEN");
    command->footer(R"(Exit status: 0 tracing works, 3 a privilege is missing, 4 the process of --pid
cannot be traced, 6 the kernel lacks
something, 1 the self-test failed otherwise.

Examples:
  coretap doctor
  coretap doctor --pid $(pidof bitcoind)
  coretap doctor --json | jq .usable)");
    command->callback([options, &chosen] {
        chosen = [options](Io io) {
            tracer::CheckOptions checks;
            if (options->pid) checks.pid = *options->pid;
            checks.self_test = options->self_test;
            const auto found{tracer::RunChecks(checks)};
            if (options->json) {
                io.out << RenderDoctorJson(found) << '\n';
            } else {
                io.out << RenderDoctorText(found, {.color = UseColor(options->color, io.out_is_terminal), .unicode = IsUtf8Locale()});
            }
            io.out.flush();
            return static_cast<Exit>(DoctorExitCode(found));
        };
    });
}

} // namespace coretap::cli
