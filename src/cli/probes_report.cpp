#include "cli/probes_report.h"

#include <algorithm>
#include <array>
#include <vector>

#include <boost/json.hpp>
#include <elf.h>
#include <fmt/format.h>

#include "cli/colors.h"
#include "tracer/arg_spec.h"

namespace coretap::cli {
namespace {

using tracer::Conformance;
using tracer::ProbeCheck;
using tracer::ProbeSite;
using tracer::SiteCheck;
using tracer::Verdict;

constexpr std::array VERDICTS{Verdict::Matches,     Verdict::Changed, Verdict::Missing,
                              Verdict::Unsupported, Verdict::Unknown, Verdict::Absent};
static_assert(VERDICTS.size() == tracer::VERDICT_COUNT);

std::string_view ColorOf(Verdict verdict)
{
    switch (verdict) {
    case Verdict::Matches: return GREEN;
    case Verdict::Unknown: return YELLOW;
    case Verdict::Missing:
    case Verdict::Changed:
    case Verdict::Unsupported: return RED;
    case Verdict::Absent: return {};
    }
    return {};
}

std::string MachineName(std::uint16_t machine)
{
    switch (machine) {
    case EM_X86_64: return "x86-64";
    case EM_AARCH64: return "arm64";
    default: return fmt::format("ELF machine {}", machine);
    }
}

/** Length of the well-formed UTF-8 character at the start of `text` if it is fit to be shown, else 0. */
std::size_t PrintableLength(std::string_view text)
{
    const auto at = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first{at(0)};
    if (first < 0x80) return first >= ' ' && first < 0x7f ? 1 : 0;
    const std::size_t length{first >= 0xf0 ? 4U : first >= 0xe0 ? 3U : 2U};
    if (first < 0xc2 || first > 0xf4 || length > text.size()) return 0;
    for (std::size_t i{1}; i < length; ++i) {
        if ((at(i) & 0xc0) != 0x80) return 0;
    }
    const bool control{first == 0xc2 && at(1) < 0xa0};
    const bool overlong{(first == 0xe0 && at(1) < 0xa0) || (first == 0xf0 && at(1) < 0x90)};
    const bool no_character{(first == 0xed && at(1) >= 0xa0) || (first == 0xf4 && at(1) >= 0x90)};
    return control || overlong || no_character ? 0 : length;
}

/** A path is bytes; both a terminal and JSON want text. */
std::string Printable(std::string_view text)
{
    std::string clean;
    while (!text.empty()) {
        const std::size_t length{PrintableLength(text)};
        clean += length > 0 ? text.substr(0, length) : "?";
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return clean;
}

std::string Address(std::uint64_t address) { return address == 0 ? "-" : fmt::format("{:#x}", address); }

/** A line of the table: the first line of a probe, or a further site of it. */
struct Row {
    std::array<std::string, 5> cells;
    const ProbeCheck* check;
    bool last; //!< the probe's differences follow
};
constexpr std::size_t VERDICT_COLUMN{1};

std::vector<Row> Rows(const Conformance& conformance)
{
    std::vector<Row> rows;
    for (const ProbeCheck& check : conformance.probes) {
        std::string name{check.FullName()};
        std::string verdict{check.verdict == Verdict::Absent ? "absent, optional" : std::string{ToString(check.verdict)}};
        if (check.sites.empty()) {
            rows.push_back({{std::move(name), std::move(verdict), "-", "-", ""}, &check, true});
            continue;
        }
        for (const SiteCheck& site : check.sites) {
            const bool first{&site == &check.sites.front()};
            rows.push_back(
                {{first ? name : "", first ? verdict : "", Address(site.site.location), Address(site.site.semaphore), site.site.arg_text},
                 &check,
                 &site == &check.sites.back()});
        }
    }
    return rows;
}

boost::json::object SiteJson(const SiteCheck& check)
{
    const ProbeSite& site{check.site};
    boost::json::array args;
    std::string_view rest{site.arg_text};
    for (std::size_t i{0}; i < site.args.size(); ++i) {
        boost::json::object arg;
        if (check.row != nullptr && i < check.row->args.size()) arg["name"] = check.row->args[i].name;
        arg["text"] = tracer::NextOperand(rest);
        arg["size"] = site.args[i].size;
        arg["signed"] = site.args[i].is_signed != 0;
        args.push_back(std::move(arg));
    }
    boost::json::object json;
    json["location"] = site.location;
    json["file_offset"] = site.file_offset;
    json["semaphore"] = site.semaphore != 0 ? boost::json::value(site.semaphore) : boost::json::value(nullptr);
    json["arg_text"] = site.arg_text;
    if (!site.arg_error.empty()) json["arg_error"] = site.arg_error;
    json["args"] = std::move(args);
    return json;
}

boost::json::object ProbeJson(const ProbeCheck& check)
{
    boost::json::object json;
    json["provider"] = check.provider;
    json["name"] = check.name;
    json["origin"] = check.row != nullptr ? boost::json::value(ToString(check.row->origin)) : boost::json::value(nullptr);
    json["verdict"] = ToString(check.verdict);
    json["differences"] = boost::json::array(check.differences.begin(), check.differences.end());
    boost::json::array sites;
    for (const SiteCheck& site : check.sites) sites.push_back(SiteJson(site));
    json["sites"] = std::move(sites);
    return json;
}

} // namespace

std::string RenderProbesText(const Conformance& conformance, std::string_view binary, ProbesReportOptions options)
{
    std::string out{fmt::format("{}\n{}, {}\n\n", Printable(binary), MachineName(conformance.machine),
                                conformance.build_id.empty() ? "no build id" : "build id " + conformance.build_id)};
    if (conformance.SiteCount() == 0) {
        out += conformance.has_note_section ?
                   "This binary's list of tracepoints is empty.\n" :
                   "This binary has no tracepoints: it was built without them (-DWITH_USDT=ON turns them on), or they were stripped.\n";
        return out;
    }

    const std::array<std::string, 5> titles{"TRACEPOINT", "VERDICT", "LOCATION", "SEMAPHORE", "ARGUMENTS"};
    const auto rows = Rows(conformance);
    std::array<std::size_t, 5> widths{};
    for (std::size_t i{0}; i < titles.size(); ++i) {
        widths[i] = titles[i].size();
        for (const Row& row : rows) widths[i] = std::max(widths[i], row.cells[i].size());
    }
    const auto add_line = [&out, &widths](const std::array<std::string, 5>& cells, std::string_view color) {
        std::string line;
        for (std::size_t i{0}; i < cells.size(); ++i) {
            const bool colored{i == VERDICT_COLUMN && !color.empty()};
            if (i > 0) line += "  ";
            if (colored) line += color;
            line += cells[i];
            if (colored) line += PLAIN;
            line.append(widths[i] - cells[i].size(), ' ');
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + "\n";
    };
    add_line(titles, {});
    for (const Row& row : rows) {
        add_line(row.cells, options.color ? ColorOf(row.check->verdict) : std::string_view{});
        if (!row.last) continue;
        for (const std::string& difference : row.check->differences) out += "    " + difference + "\n";
    }

    out += "\n";
    for (const Verdict verdict : VERDICTS) {
        const std::size_t count{conformance.Count(verdict)};
        if (count == 0 && verdict != Verdict::Matches) continue;
        out += fmt::format("{}{} {}", verdict == VERDICTS.front() ? "" : ", ", count, ToString(verdict));
    }
    out += "\n";
    return out;
}

std::string RenderProbesJson(const Conformance& conformance, std::string_view binary)
{
    boost::json::object json;
    json["binary"] = Printable(binary);
    json["build_id"] = conformance.build_id.empty() ? boost::json::value(nullptr) : boost::json::value(conformance.build_id);
    json["machine"] = MachineName(conformance.machine);
    json["has_note_section"] = conformance.has_note_section;
    boost::json::array tracepoints;
    for (const ProbeCheck& check : conformance.probes) tracepoints.push_back(ProbeJson(check));
    json["tracepoints"] = std::move(tracepoints);
    boost::json::object summary;
    summary["tracepoints"] = conformance.probes.size();
    summary["sites"] = conformance.SiteCount();
    for (const Verdict verdict : VERDICTS) summary[ToString(verdict)] = conformance.Count(verdict);
    json["summary"] = std::move(summary);
    return boost::json::serialize(json);
}

ProbesExit ProbesExitCode(const Conformance& conformance, bool strict)
{
    if (conformance.SiteCount() == 0) return ProbesExit::NoTracepoints;
    const auto differs = [strict](const ProbeCheck& check) {
        switch (check.verdict) {
        case Verdict::Matches:
        case Verdict::Absent: return false;
        case Verdict::Unknown: return strict;
        case Verdict::Missing:
        case Verdict::Changed:
        case Verdict::Unsupported: return true;
        }
        return true;
    };
    return std::ranges::any_of(conformance.probes, differs) ? ProbesExit::InterfaceDiffers : ProbesExit::Ok;
}

} // namespace coretap::cli
