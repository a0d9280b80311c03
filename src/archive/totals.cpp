#include "archive/totals.h"

#include <algorithm>
#include <cstring>

#include "archive/json_read.h"

namespace coretap::archive {
namespace {

namespace json = boost::json;

constexpr std::size_t MOST_NODES{10'000}; // of one part; a node that restarts every second all day
constexpr std::size_t MOST_LOST{4'096};   // tracepoint and reason: names in a hostile file

std::string Printable(std::string_view text)
{
    std::string printable{text};
    MakePrintable(printable);
    return printable;
}

json::object AmountsToJson(const std::map<std::string, Amount>& amounts)
{
    json::object object;
    for (const auto& [name, amount] : amounts) object[name] = json::array{amount.events, amount.bytes};
    return object;
}

void ReadAmounts(const json::object& object, const char* name, std::map<std::string, Amount>& amounts)
{
    const json::value* member{object.if_contains(name)};
    if (member == nullptr || !member->is_object()) return;
    for (const auto& [key, value] : member->get_object()) {
        const json::array* pair{value.if_array()};
        if (pair == nullptr || pair->size() != 2) continue;
        Amount& amount{amounts[Printable({key.data(), key.size()})]};
        ReadNumber((*pair)[0], amount.events);
        ReadNumber((*pair)[1], amount.bytes);
    }
}

void MergeAmounts(std::map<std::string, Amount>& into, const std::map<std::string, Amount>& from)
{
    for (const auto& [name, amount] : from) {
        into[name].events += amount.events;
        into[name].bytes += amount.bytes;
    }
}

/** A node that is found again, as after its file was replaced, is still one. */
void Append(std::vector<RecordedNode>& nodes, RecordedNode node)
{
    const auto same = [&node](const RecordedNode& other) {
        return other.pid == node.pid && other.started_at == node.started_at && other.label == node.label;
    };
    if (nodes.size() < MOST_NODES && std::ranges::none_of(nodes, same)) nodes.push_back(std::move(node));
}

} // namespace

void MessageAmounts::Add(std::string_view type, std::uint64_t bytes) noexcept
{
    std::uint64_t key[3]{};
    const std::size_t size{std::min(type.size(), sizeof(key))};
    std::memcpy(key, type.data(), size);
    const std::uint64_t hash{(key[0] ^ key[1] * 0x9e3779b97f4a7c15 ^ key[2]) * 0xff51afd7ed558ccd};
    for (std::size_t i{hash >> 55};; ++i) {
        Slot& slot{m_slots[i % SLOTS]};
        if (!slot.used) {
            if (m_used == MOST) break;
            ++m_used;
            slot = {{key[0], key[1], key[2]}, static_cast<std::uint8_t>(size), true, {1, bytes}};
            return;
        }
        if (slot.key[0] == key[0] && slot.key[1] == key[1] && slot.key[2] == key[2] && slot.size == size) {
            ++slot.amount.events;
            slot.amount.bytes += bytes;
            return;
        }
    }
    ++m_other.events;
    m_other.bytes += bytes;
}

std::map<std::string, Amount> MessageAmounts::ByType() const
{
    std::map<std::string, Amount> by_type;
    for (const Slot& slot : m_slots) {
        if (slot.used) by_type[Printable({reinterpret_cast<const char*>(slot.key), slot.size})] = slot.amount;
    }
    if (m_other.events != 0) by_type["(other)"] = m_other;
    return by_type;
}

void Totals::Merge(const Totals& other)
{
    if (other.events != 0) {
        first_utc_ns = events == 0 ? other.first_utc_ns : std::min(first_utc_ns, other.first_utc_ns);
        last_utc_ns = events == 0 ? other.last_utc_ns : std::max(last_utc_ns, other.last_utc_ns);
    }
    events += other.events;
    record_bytes += other.record_bytes;
    MergeAmounts(by_tracepoint, other.by_tracepoint);
    MergeAmounts(messages_in, other.messages_in);
    MergeAmounts(messages_out, other.messages_out);
    for (const auto& [tracepoint, reasons] : other.lost) {
        for (const auto& [reason, count] : reasons) lost[tracepoint][reason] += count;
    }
    for (const RecordedNode& node : other.nodes) Append(nodes, node);
}

json::object ToJson(const Totals& totals)
{
    json::object lost;
    for (const auto& [tracepoint, reasons] : totals.lost) {
        json::object counts;
        for (const auto& [reason, count] : reasons) counts[reason] = count;
        lost[tracepoint] = std::move(counts);
    }
    json::array nodes;
    for (const RecordedNode& node : totals.nodes) {
        nodes.push_back(json::object{{"label", node.label},
                                     {"pid", node.pid},
                                     {"executable", node.executable},
                                     {"build_id", node.build_id},
                                     {"datadir", node.datadir},
                                     {"chain", node.chain},
                                     {"started_at", node.started_at}});
    }
    return {{"events", totals.events},
            {"record_bytes", totals.record_bytes},
            {"first_utc_ns", totals.first_utc_ns},
            {"last_utc_ns", totals.last_utc_ns},
            {"by_tracepoint", AmountsToJson(totals.by_tracepoint)},
            {"messages_in", AmountsToJson(totals.messages_in)},
            {"messages_out", AmountsToJson(totals.messages_out)},
            {"lost", std::move(lost)},
            {"nodes", std::move(nodes)}};
}

Totals TotalsFromJson(const json::object& object)
{
    Totals totals;
    Read(object, "events", totals.events);
    Read(object, "record_bytes", totals.record_bytes);
    Read(object, "first_utc_ns", totals.first_utc_ns);
    Read(object, "last_utc_ns", totals.last_utc_ns);
    ReadAmounts(object, "by_tracepoint", totals.by_tracepoint);
    ReadAmounts(object, "messages_in", totals.messages_in);
    ReadAmounts(object, "messages_out", totals.messages_out);
    if (const json::value * lost{object.if_contains("lost")}; lost != nullptr && lost->is_object()) {
        for (const auto& [tracepoint, reasons] : lost->get_object()) {
            if (!reasons.is_object()) continue;
            for (const auto& [reason, count] : reasons.get_object()) {
                ReadNumber(count,
                           totals.lost[Printable({tracepoint.data(), tracepoint.size()})][Printable({reason.data(), reason.size()})]);
            }
        }
    }
    if (const json::value * nodes{object.if_contains("nodes")}; nodes != nullptr && nodes->is_array()) {
        for (const json::value& value : nodes->get_array()) {
            const json::object* member{value.if_object()};
            if (member == nullptr) continue;
            RecordedNode& node{totals.nodes.emplace_back()};
            const std::pair<const char*, std::string*> texts[]{{"label", &node.label},
                                                               {"executable", &node.executable},
                                                               {"build_id", &node.build_id},
                                                               {"datadir", &node.datadir},
                                                               {"chain", &node.chain}};
            for (const auto& [name, text] : texts) {
                Read(*member, name, *text);
                *text = Printable(*text);
            }
            Read(*member, "pid", node.pid);
            Read(*member, "started_at", node.started_at);
            node.started_at = std::clamp<std::int64_t>(node.started_at, 0, INT64_MAX / 2 / 1'000'000'000); // as nanoseconds it fits
        }
    }
    return totals;
}

void Counter::AddOwn(const event::Event& event)
{
    if (event.Id() == event::id::CORETAP_LOST) {
        const std::string tracepoint{Printable(event.Str(0))};
        if (m_lost.size() >= MOST_LOST && !m_lost.contains(tracepoint)) return;
        auto& reasons{m_lost[tracepoint]};
        const std::string reason{Printable(event.Str(1))};
        if (reasons.size() >= MOST_LOST && !reasons.contains(reason)) return;
        reasons[reason] += event.Uint(2);
    } else {
        AddNode(event);
    }
}

void Counter::AddNode(const event::Event& event)
{
    if (event.Id() != event::id::CORETAP_NODE_FOUND) return;
    Append(m_nodes, {Printable(event.Str(0)), event.Pid(), Printable(event.Str(1)), Printable(event.Str(2)), Printable(event.Str(3)),
                     Printable(event.Str(4)), static_cast<std::int64_t>(event.Uint(5))});
}

Totals Counter::Sum() const
{
    Totals totals;
    totals.events = m_events;
    totals.record_bytes = m_bytes;
    if (m_events != 0) {
        totals.first_utc_ns = m_first_utc_ns;
        totals.last_utc_ns = m_last_utc_ns;
    }
    for (std::size_t i{0}; i < m_by_id.size(); ++i) {
        if (m_by_id[i].events == 0) continue;
        Amount& amount{totals.by_tracepoint[m_defs[i]->FullName()]};
        amount.events += m_by_id[i].events;
        amount.bytes += m_by_id[i].bytes;
    }
    totals.messages_in = m_in.ByType();
    totals.messages_out = m_out.ByType();
    totals.lost = m_lost;
    totals.nodes = m_nodes;
    return totals;
}

} // namespace coretap::archive
