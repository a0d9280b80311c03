#include "cli/recording_report.h"

#include <algorithm>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "app/payload_policy.h"
#include "cli/size_text.h"
#include "util/text.h"
#include "util/time.h"

namespace coretap::cli {
namespace {

namespace json = boost::json;
using archive::Amount;
using archive::FileSummary;

std::string Utc(std::int64_t utc_ns, int digits)
{
    std::string text;
    util::AppendUtc(text, utc_ns, digits);
    return text;
}

/** What a recording says of itself was written by whoever made the file. */
std::string Safe(std::string_view text)
{
    std::string safe;
    util::AppendPrintable(safe, text);
    return safe;
}

/** Times of a file that may be anybody's: their difference need not fit. */
std::int64_t Between(std::int64_t from_ns, std::int64_t to_ns)
{
    std::int64_t difference{0};
    return __builtin_sub_overflow(to_ns, from_ns, &difference) ? INT64_MAX : difference;
}

/** `1 block`, `2,345 blocks`. */
std::string Counted(std::uint64_t count, const char* what) { return fmt::format("{} {}{}", Grouped(count), what, count == 1 ? "" : "s"); }

std::string DurationText(std::int64_t ns)
{
    const double seconds{static_cast<double>(ns) / 1e9};
    if (seconds < 120) return fmt::format("{:.1f} s", seconds);
    const auto whole{static_cast<std::int64_t>(seconds)};
    if (whole < 2 * 3600) return fmt::format("{}m {:02}s", whole / 60, whole % 60);
    return fmt::format("{}h {:02}m", whole / 3600, whole / 60 % 60);
}

/** Largest first; names that tie by name. */
std::vector<std::pair<std::string, Amount>> BySize(const std::map<std::string, Amount>& amounts)
{
    std::vector<std::pair<std::string, Amount>> sorted(amounts.begin(), amounts.end());
    std::ranges::stable_sort(sorted, std::greater{}, [](const auto& entry) { return entry.second.events; });
    return sorted;
}

void AppendSession(std::string& out, const archive::SessionInfo& session)
{
    out += fmt::format("  session      {}", Safe(session.session_id));
    if (session.part > 1) out += fmt::format(", part {}", session.part);
    out += fmt::format("\n  recorded     by coretap {} on {}, begun {}\n", Safe(session.coretap_version), Safe(session.host),
                       Utc(session.started_at_utc_ns, 0));
    std::string filter;
    for (const std::string& word : session.filter) filter += (filter.empty() ? "" : " ") + Safe(word);
    if (!filter.empty()) out += fmt::format("  filter       {}\n", filter);
    out += fmt::format("  payloads     {}\n", app::ToString(app::PayloadPolicy{session.snap}));
}

void AppendMessages(std::string& out, const FileSummary& summary)
{
    if (summary.messages_in.empty() && summary.messages_out.empty()) return;
    std::map<std::string, Amount> both{summary.messages_in};
    for (const auto& [type, amount] : summary.messages_out) {
        both[type].events += amount.events;
        both[type].bytes += amount.bytes;
    }
    const auto of = [](const std::map<std::string, Amount>& amounts, const std::string& type) {
        const auto found{amounts.find(type)};
        return found == amounts.end() ? Amount{} : found->second;
    };
    out += fmt::format("\n  {:<30} {:>14} {:>12} {:>14} {:>12}\n", "P2P messages", "in", "payload", "out", "payload");
    for (const auto& [type, amount] : BySize(both)) {
        const Amount in{of(summary.messages_in, type)};
        const Amount sent{of(summary.messages_out, type)};
        out += fmt::format("  {:<30} {:>14} {:>12} {:>14} {:>12}\n", Safe(type), Grouped(in.events), SizeText(in.bytes),
                           Grouped(sent.events), SizeText(sent.bytes));
    }
}

std::string DamageText(const archive::Damage& damage)
{
    std::string text{fmt::format("at byte {}: {}", Grouped(damage.at), Safe(damage.reason))};
    if (damage.bytes != 0) text += fmt::format(", {} skipped", SizeText(damage.bytes));
    if (damage.records != 0) text += fmt::format(", {} events lost", Grouped(damage.records));
    return text;
}

std::string EndText(const FileSummary& summary)
{
    return summary.ended_well ? "closed in order" : "not closed: coretap still records, was killed, or could not write on";
}

json::object AmountsJson(const std::map<std::string, Amount>& amounts)
{
    json::object object;
    for (const auto& [name, amount] : amounts) object[name] = json::object{{"events", amount.events}, {"bytes", amount.bytes}};
    return object;
}

/** Names in a recording may be anything; JSON is UTF-8. */
json::string Utf8(std::string_view text)
{
    std::string quoted;
    util::AppendJsonString(quoted, text);
    return json::parse(quoted).as_string();
}

} // namespace

bool IsSound(const FileSummary& summary) { return summary.damage.empty(); }

std::string InfoText(const FileSummary& summary)
{
    std::string out{fmt::format("{}\n", Safe(summary.path))};
    const double ratio{summary.file_bytes == 0 ? 0 : static_cast<double>(summary.record_bytes) / static_cast<double>(summary.file_bytes)};
    out += fmt::format("  size         {} in {}", SizeText(summary.file_bytes), Counted(summary.blocks, "block"));
    if (ratio > 1.05) { // a few events are less than what is written about them
        out += fmt::format(", {:.1f} times smaller than the {} of records\n", ratio, SizeText(summary.record_bytes));
    } else {
        out += fmt::format(", of which {} were records\n", SizeText(summary.record_bytes));
    }
    if (summary.events == 0) {
        out += "  events       none\n";
    } else {
        out += fmt::format("  events       {} in {}\n", Grouped(summary.events),
                           DurationText(Between(summary.first_utc_ns, summary.last_utc_ns)));
        out += fmt::format("  from         {}\n  to           {}\n", Utc(summary.first_utc_ns, 6), Utc(summary.last_utc_ns, 6));
    }
    out += fmt::format("  end          {}\n", EndText(summary));
    for (const archive::SessionInfo& session : summary.sessions) AppendSession(out, session);
    for (const archive::RecordedNode& node : summary.nodes) {
        out += fmt::format("  node         {}, pid {}, {}, chain {}, started {}\n", Safe(node.label), node.pid, Safe(node.executable),
                           Safe(node.chain), Utc(node.started_at * 1'000'000'000, 0));
    }
    if (!summary.by_tracepoint.empty()) {
        out += fmt::format("\n  {:<42} {:>14} {:>12}\n", "tracepoint", "events", "records");
        for (const auto& [name, amount] : BySize(summary.by_tracepoint))
            out += fmt::format("  {:<42} {:>14} {:>12}\n", Safe(name), Grouped(amount.events), SizeText(amount.bytes));
    }
    AppendMessages(out, summary);
    if (!summary.lost.empty()) {
        out += fmt::format("\n  {:<42} {:>14}\n", "lost while recording", "events");
        for (const auto& [tracepoint, reasons] : summary.lost) {
            for (const auto& [reason, count] : reasons)
                out += fmt::format("  {:<42} {:>14}\n", Safe(tracepoint) + " " + Safe(reason), Grouped(count));
        }
    }
    if (!summary.damage.empty()) out += "\n  damage\n";
    for (const archive::Damage& damage : summary.damage) out += fmt::format("  {}\n", DamageText(damage));
    return out;
}

std::string VerifyText(const FileSummary& summary)
{
    if (IsSound(summary)) {
        return fmt::format("{}: sound, {} in {}, {}\n", Safe(summary.path), Counted(summary.events, "event"),
                           Counted(summary.blocks, "block"), EndText(summary));
    }
    std::uint64_t bytes{0};
    for (const archive::Damage& damage : summary.damage) bytes += damage.bytes;
    std::string out{fmt::format("{}: damaged, {} skipped in {}; {} in {} can be read, {}\n", Safe(summary.path), SizeText(bytes),
                                Counted(summary.damage.size(), "place"), Counted(summary.events, "event"), Counted(summary.blocks, "block"),
                                EndText(summary))};
    for (const archive::Damage& damage : summary.damage) out += fmt::format("{}: {}\n", Safe(summary.path), DamageText(damage));
    return out;
}

std::string RecordingJson(const FileSummary& summary)
{
    json::object object{{"path", Utf8(summary.path)},
                        {"file_bytes", summary.file_bytes},
                        {"record_bytes", summary.record_bytes},
                        {"blocks", summary.blocks},
                        {"events", summary.events},
                        {"first", nullptr},
                        {"last", nullptr},
                        {"ended_well", summary.ended_well},
                        {"sound", IsSound(summary)}};
    if (summary.events != 0) {
        object["first"] = Utc(summary.first_utc_ns, 9);
        object["last"] = Utc(summary.last_utc_ns, 9);
    }
    json::array sessions;
    for (const archive::SessionInfo& session : summary.sessions) {
        json::array filter;
        for (const std::string& word : session.filter) filter.push_back(Utf8(word));
        json::array tracepoints;
        for (const archive::RecordedTracepoint& tracepoint : session.tracepoints)
            tracepoints.push_back(
                json::object{{"name", Utf8(tracepoint.def.FullName())}, {"mode", tracepoint.mode == CT_MODE_COUNT ? "count" : "deliver"}});
        sessions.push_back(json::object{{"session_id", Utf8(session.session_id)},
                                        {"part", session.part},
                                        {"coretap_version", Utf8(session.coretap_version)},
                                        {"host", Utf8(session.host)},
                                        {"boot_id", Utf8(session.boot_id)},
                                        {"started_at", Utc(session.started_at_utc_ns, 9)},
                                        {"utc_offset_ns", session.utc_offset_ns},
                                        {"filter", std::move(filter)},
                                        {"payloads", app::ToString(app::PayloadPolicy{session.snap})},
                                        {"tracepoints", std::move(tracepoints)}});
    }
    object["sessions"] = std::move(sessions);
    json::array nodes;
    for (const archive::RecordedNode& node : summary.nodes) {
        nodes.push_back(json::object{{"label", Utf8(node.label)},
                                     {"pid", node.pid},
                                     {"executable", Utf8(node.executable)},
                                     {"build_id", Utf8(node.build_id)},
                                     {"datadir", Utf8(node.datadir)},
                                     {"chain", Utf8(node.chain)},
                                     {"started_at", node.started_at}});
    }
    object["nodes"] = std::move(nodes);
    object["by_tracepoint"] = AmountsJson(summary.by_tracepoint);
    object["messages_in"] = AmountsJson(summary.messages_in);
    object["messages_out"] = AmountsJson(summary.messages_out);
    json::object lost;
    for (const auto& [tracepoint, reasons] : summary.lost) {
        json::object by_reason;
        for (const auto& [reason, count] : reasons) by_reason[Utf8(reason)] = count;
        lost[Utf8(tracepoint)] = std::move(by_reason);
    }
    object["lost"] = std::move(lost);
    json::array damage;
    for (const archive::Damage& one : summary.damage)
        damage.push_back(json::object{{"at", one.at}, {"bytes", one.bytes}, {"records", one.records}, {"reason", Utf8(one.reason)}});
    object["damage"] = std::move(damage);
    return json::serialize(object);
}

} // namespace coretap::cli
