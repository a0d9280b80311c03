#include "tracer/conformance.h"

#include <algorithm>
#include <map>
#include <utility>

namespace coretap::tracer {
namespace {

using event::ArgDef;
using event::ArgType;
using event::Origin;
using event::TracepointDef;

constexpr std::uint8_t POINTER_SIZE{8};

bool IsPointer(ArgType type) { return type == ArgType::String || type == ArgType::Hash || type == ArgType::Bytes; }
std::string_view Sign(bool is_signed) { return is_signed ? "signed" : "unsigned"; }

std::string ArgumentDifference(const ArgDef& def, const ct_arg_spec& spec)
{
    const std::uint8_t size{IsPointer(def.type) ? POINTER_SIZE : def.size};
    std::string text;
    if (spec.size != size) text = "size " + std::to_string(size) + " -> " + std::to_string(spec.size);
    const bool has_sign{def.type == ArgType::Int || def.type == ArgType::Uint};
    if (has_sign && (spec.is_signed != 0) != (def.type == ArgType::Int)) {
        if (!text.empty()) text += ", ";
        text += std::string{Sign(def.type == ArgType::Int)} + " -> " + std::string{Sign(spec.is_signed != 0)};
    }
    return text;
}

/** The row with the fewest differences, the earlier of equals; `rows` is not empty. */
const TracepointDef* ClosestRow(const std::vector<const TracepointDef*>& rows, const ProbeSite& site)
{
    return *std::ranges::min_element(rows, {}, [&site](const TracepointDef* row) { return Differences(*row, site).size(); });
}

void AddOnce(std::vector<std::string>& lines, std::string line)
{
    if (std::ranges::find(lines, line) == lines.end()) lines.push_back(std::move(line));
}

void AddSite(ProbeCheck& check, const std::vector<const TracepointDef*>& rows, const ProbeSite& site)
{
    SiteCheck& added{check.sites.emplace_back(SiteCheck{site, nullptr})};
    if (!site.arg_error.empty()) {
        AddOnce(check.differences, site.arg_error);
        check.verdict = Verdict::Unsupported;
        return;
    }
    if (rows.empty()) return;
    const TracepointDef* closest{ClosestRow(rows, site)};
    std::vector<std::string> differences{Differences(*closest, site)};
    if (differences.empty()) {
        added.row = closest;
        if (check.row == nullptr) check.row = closest;
        return;
    }
    if (check.row == nullptr) check.row = closest;
    if (check.verdict != Verdict::Unsupported) check.verdict = Verdict::Changed;
    for (std::string& line : differences) AddOnce(check.differences, std::move(line));
}

ProbeCheck CheckRows(const BinaryProbes& probes, const std::vector<const TracepointDef*>& rows)
{
    const TracepointDef& first{*rows.front()};
    ProbeCheck check{.provider = first.provider, .name = first.name, .verdict = Verdict::Matches};
    const auto sites = probes.Find(first.provider, first.name);
    for (const ProbeSite* site : sites) AddSite(check, rows, *site);
    if (check.row == nullptr) check.row = &first;
    if (!sites.empty()) return check;
    const bool required{std::ranges::any_of(rows, [](const TracepointDef* row) { return row->origin == Origin::Core; })};
    check.verdict = required ? Verdict::Missing : Verdict::Absent;
    if (required && !first.since.empty()) check.differences.push_back("not in this binary; Bitcoin Core has it since " + first.since);
    return check;
}

} // namespace

std::string_view ToString(Verdict verdict)
{
    switch (verdict) {
    case Verdict::Matches: return "matches";
    case Verdict::Unknown: return "unknown";
    case Verdict::Missing: return "missing";
    case Verdict::Absent: return "absent";
    case Verdict::Changed: return "changed";
    case Verdict::Unsupported: return "unsupported";
    }
    return "";
}

std::size_t Conformance::Count(Verdict verdict) const
{
    return static_cast<std::size_t>(std::ranges::count(probes, verdict, &ProbeCheck::verdict));
}

std::size_t Conformance::SiteCount() const
{
    std::size_t count{0};
    for (const ProbeCheck& probe : probes) count += probe.sites.size();
    return count;
}

std::vector<std::string> Differences(const TracepointDef& row, const ProbeSite& site)
{
    std::vector<std::string> lines;
    if (!site.arg_error.empty()) {
        lines.push_back(site.arg_error);
        return lines;
    }
    if (row.args.size() != site.args.size())
        lines.push_back("arguments: " + std::to_string(row.args.size()) + " -> " + std::to_string(site.args.size()));
    for (std::size_t i{0}; i < std::min(row.args.size(), site.args.size()); ++i) {
        const std::string difference{ArgumentDifference(row.args[i], site.args[i])};
        if (!difference.empty()) lines.push_back("argument " + std::to_string(i + 1) + " (" + row.args[i].name + "): " + difference);
    }
    return lines;
}

const TracepointDef* MatchRow(const event::Catalogue& catalogue, const ProbeSite& site)
{
    for (const TracepointDef* row : catalogue.FindAll(site.provider, site.name)) {
        if (row->origin != Origin::Coretap && Differences(*row, site).empty()) return row;
    }
    return nullptr;
}

Conformance Check(const BinaryProbes& probes, const event::Catalogue& catalogue)
{
    Conformance result{.build_id = probes.build_id, .machine = probes.machine, .has_note_section = probes.has_note_section};
    const auto rows_of = [&catalogue](std::string_view provider, std::string_view name) {
        auto rows = catalogue.FindAll(provider, name);
        std::erase_if(rows, [](const TracepointDef* row) { return row->origin == Origin::Coretap; });
        return rows;
    };
    for (const TracepointDef* row : catalogue.Rows()) {
        const auto rows = rows_of(row->provider, row->name);
        if (!rows.empty() && rows.front() == row) result.probes.push_back(CheckRows(probes, rows));
    }
    std::map<std::pair<std::string_view, std::string_view>, std::size_t> unknown; // to the index in result.probes
    for (const ProbeSite& site : probes.sites) {
        if (!rows_of(site.provider, site.name).empty()) continue;
        const auto [it, is_new] = unknown.try_emplace({site.provider, site.name}, result.probes.size());
        if (is_new) result.probes.push_back(ProbeCheck{.provider = site.provider, .name = site.name, .verdict = Verdict::Unknown});
        ProbeCheck& check{result.probes[it->second]};
        check.sites.push_back(SiteCheck{site, nullptr});
        if (!site.arg_error.empty()) AddOnce(check.differences, site.arg_error);
    }
    return result;
}

} // namespace coretap::tracer
