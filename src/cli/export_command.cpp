#include <algorithm>
#include <memory>

#include "cli/help.h"
#include "cli/session.h"
#include "sinks/table/table_sink.h"

namespace coretap::cli {
namespace {

struct ExportOptions {
    SessionOptions session;
    std::string format{"csv"};
    std::vector<std::string> fields;
    std::string each;
    std::string output;
    std::string decode{"off"};
    bool guard_formulas{false};
};

Exit RunExport(const ExportOptions& options, Io io)
{
    const event::Decode decode{DecodeOf(options.decode)};
    if (options.guard_formulas && options.format != "csv") return Report(io, {util::Errc::Usage, "--guard-formulas is for CSV"});
    sinks::table::TableOptions table{.each = options.each, .guard_formulas = options.guard_formulas};
    const auto format{sinks::table::ParseFormat(options.format)};
    if (!format) return Report(io, format.GetError());
    table.format = *format;
    for (const std::string& list : options.fields) {
        if (const auto parsed{sinks::table::ParseFields(list, table.fields)}; !parsed) return Report(io, parsed.GetError());
    }
    if (decode != event::Decode::Off && (table.format != sinks::table::Format::JsonLines || !table.fields.empty() || !table.each.empty())) {
        return Report(io, {util::Errc::Usage,
                           "--decode is for whole events: --format jsonl without --fields; a table decodes what its fields ask for"});
    }
    const auto of_payload = [](const std::string& path) {
        return path.starts_with("decoded") || path == "payload" || path == "args.payload";
    };
    const bool payloads{of_payload(table.each) || std::ranges::any_of(table.fields, of_payload)};
    auto session{Session::Prepare(options.session, {.payloads = payloads, .output = options.output}, io)};
    if (!session) return Report(io, session.GetError());
    table.whole = {.decode = decode, .shown_payload = &(*session)->ShownPayload().snap};
    auto layout{sinks::table::Layout::Make(table, (*session)->Catalogue(), (*session)->Filter())};
    if (!layout) return Report(io, layout.GetError());

    sinks::table::TableSink sink{(*session)->OutputFd(), std::move(*layout), Session::StopFlag()};
    const Exit status{(*session)->Run({&sink})};
    for (const std::string& notice : sink.Notices()) io.err << "coretap: " << notice << '\n';
    return status;
}

} // namespace

void AddExport(CLI::App& app, Command& chosen)
{
    auto options{std::make_shared<ExportOptions>()};
    CLI::App* command{app.add_subcommand("export", "Events as a table, for notebooks and SQL")};
    command->add_option("FILE,--from", options->session.from, "recordings; several are merged by time, - is stdin (none: a node, live)")
        ->type_name("FILE")
        ->check(NotEmpty());
    const std::string table{"The table"};
    command->add_option("--format", options->format, "csv, or jsonl: a JSON object a line")
        ->capture_default_str()
        ->type_name("FORMAT")
        ->group(table);
    command->add_option("--fields", options->fields, "columns, as paths into the event's JSON: ts,peer_id,decoded.user_agent")
        ->type_name("PATHS")
        ->group(table)
        ->take_all()
        ->allow_extra_args(false);
    command->add_option("--each", options->each, "a row for each element of this array; its members are each.NAME")
        ->type_name("PATH")
        ->group(table);
    AddDecodeOption(*command, options->decode, table);
    command->add_option("-o,--output", options->output, "not to stdout, but into this file; it is emptied if it is there")
        ->check(NotEmpty())
        ->type_name("FILE")
        ->group(table);
    command->add_flag("--guard-formulas", options->guard_formulas, "CSV for spreadsheets: text that looks like a formula gets a ' in front")
        ->group(table);
    AddLiveOptions(*command, options->session);
    AddReplayOptions(*command, options->session);
    AddFilterOptions(*command, options->session);
    AddRecordOptions(*command, options->session);
    AddReportOptions(*command, options->session, "What is said meanwhile");
    AddLimitOptions(*command, options->session);
    AddTracingOptions(*command, options->session);
    command->footer(R"(Recipes for pandas, DuckDB and SQLite: docs/recipes.md.

Examples:
  coretap export day.ctap --only mempool:added -o added.csv
  coretap export day.ctap --msg version --fields ts,peer_id,decoded.user_agent
  coretap export day.ctap --msg inv --each decoded.entries \
    --fields ts,peer_id,each.type,each.hash -o inv.csv
  coretap export day.ctap --format jsonl -o day.jsonl)");
    command->callback([options, &chosen] { chosen = [options](Io io) { return RunExport(*options, io); }; });
}

} // namespace coretap::cli
