#include "archive/part_index.h"

#include <algorithm>
#include <cstring>

#include <boost/json/serialize.hpp>

#include "archive/json_read.h"

namespace coretap::archive {
namespace {

namespace json = boost::json;

constexpr std::size_t ENTRY_SIZE{48};

template <class T>
void Append(std::vector<std::byte>& out, T value)
{
    const auto word{static_cast<std::uint64_t>(value)};
    for (std::size_t i{0}; i < sizeof(T); ++i) out.push_back(static_cast<std::byte>(word >> (8 * i)));
}

template <class T>
T Take(std::span<const std::byte>& bytes)
{
    std::uint64_t word{0};
    for (std::size_t i{0}; i < sizeof(T); ++i) word |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
    bytes = bytes.subspan(sizeof(T));
    return static_cast<T>(word);
}

void Join(IndexEntry& into, const IndexEntry& next)
{
    into.blocks += next.blocks;
    into.first_utc_ns = std::min(into.first_utc_ns, next.first_utc_ns);
    into.last_utc_ns = std::max(into.last_utc_ns, next.last_utc_ns);
    for (std::size_t i{0}; i < into.tracepoints.size(); ++i) into.tracepoints[i] |= next.tracepoints[i];
}

json::object LedgerToJson(const pipeline::Ledger& ledger)
{
    json::array tallies;
    for (const auto& [tracepoint, tally] : ledger.tallies) {
        json::object lost;
        for (const pipeline::LossReason reason : pipeline::LOSS_REASONS) {
            const std::uint64_t count{tally.lost[static_cast<std::size_t>(reason)]};
            if (count != 0) lost[pipeline::ToString(reason)] = count;
        }
        tallies.push_back(json::object{{"id", tracepoint},
                                       {"fired", tally.fired},
                                       {"delivered", tally.delivered},
                                       {"withheld", tally.withheld},
                                       {"lost", std::move(lost)},
                                       {"payload_shed", tally.payload_shed},
                                       {"arg_faults", tally.arg_faults}});
    }
    return {{"tallies", std::move(tallies)},
            {"ring_high_water_bytes", ledger.ring_high_water_bytes},
            {"kernel_run_time_ns", ledger.kernel_run_time_ns},
            {"kernel_run_count", ledger.kernel_run_count}};
}

pipeline::Ledger LedgerFromJson(const json::object& object)
{
    pipeline::Ledger ledger;
    Read(object, "ring_high_water_bytes", ledger.ring_high_water_bytes);
    Read(object, "kernel_run_time_ns", ledger.kernel_run_time_ns);
    Read(object, "kernel_run_count", ledger.kernel_run_count);
    const json::value* tallies{object.if_contains("tallies")};
    if (tallies == nullptr || !tallies->is_array()) return ledger;
    for (const json::value& value : tallies->get_array()) {
        const json::object* member{value.if_object()};
        std::uint16_t id{CT_MAX_TRACEPOINTS};
        if (member != nullptr) Read(*member, "id", id);
        if (id >= CT_MAX_TRACEPOINTS) continue;
        pipeline::Tally& tally{ledger.tallies[id]};
        Read(*member, "fired", tally.fired);
        Read(*member, "delivered", tally.delivered);
        Read(*member, "withheld", tally.withheld);
        Read(*member, "payload_shed", tally.payload_shed);
        Read(*member, "arg_faults", tally.arg_faults);
        const json::value* lost{member->if_contains("lost")};
        if (lost == nullptr || !lost->is_object()) continue;
        for (const pipeline::LossReason reason : pipeline::LOSS_REASONS) {
            const json::value* count{lost->get_object().if_contains(pipeline::ToString(reason))};
            if (count != nullptr) ReadNumber(*count, tally.lost[static_cast<std::size_t>(reason)]);
        }
    }
    return ledger;
}

} // namespace

void IndexBuilder::Add(std::uint64_t offset, const BlockHeader& header)
{
    IndexEntry entry{.offset = offset, .blocks = 1, .number = header.number, .tracepoints = header.tracepoints};
    if (header.HasRecords()) {
        entry.first_utc_ns = header.FirstUtcNs();
        entry.last_utc_ns = header.LastUtcNs();
    }
    if (!m_entries.empty() && m_entries.back().blocks < m_blocks_an_entry) {
        Join(m_entries.back(), entry);
        return;
    }
    if (m_entries.size() == MOST) {
        for (std::size_t i{0}; i < MOST; i += 2) {
            Join(m_entries[i], m_entries[i + 1]);
            m_entries[i / 2] = m_entries[i];
        }
        m_entries.resize(MOST / 2);
        m_blocks_an_entry *= 2;
    }
    m_entries.push_back(entry);
}

std::vector<std::byte> EncodeEnd(const PartEnd& end)
{
    json::object object{{"last", end.last}, {"totals", ToJson(end.totals)}};
    if (end.ledger) object["ledger"] = LedgerToJson(*end.ledger);
    const std::string text{json::serialize(object)};
    std::vector<std::byte> bytes;
    bytes.reserve(sizeof(std::uint32_t) + text.size() + end.index.size() * ENTRY_SIZE);
    Append(bytes, static_cast<std::uint32_t>(text.size()));
    const auto text_bytes = std::as_bytes(std::span{text});
    bytes.insert(bytes.end(), text_bytes.begin(), text_bytes.end());
    for (const IndexEntry& entry : end.index) {
        Append(bytes, entry.offset);
        Append(bytes, entry.blocks);
        Append(bytes, entry.number);
        Append(bytes, entry.first_utc_ns);
        Append(bytes, entry.last_utc_ns);
        Append(bytes, entry.tracepoints[0]);
        Append(bytes, entry.tracepoints[1]);
    }
    return bytes;
}

std::optional<PartEnd> DecodeEnd(std::span<const std::byte> bytes)
{
    if (bytes.size() < sizeof(std::uint32_t)) return std::nullopt;
    const auto text_size{Take<std::uint32_t>(bytes)};
    if (text_size > bytes.size() || (bytes.size() - text_size) % ENTRY_SIZE != 0) return std::nullopt;
    const Document document{{reinterpret_cast<const char*>(bytes.data()), text_size}};
    const json::object* object{document.Object()};
    if (object == nullptr) return std::nullopt;
    PartEnd end;
    Read(*object, "last", end.last);
    if (const json::value * totals{object->if_contains("totals")}; totals != nullptr && totals->is_object())
        end.totals = TotalsFromJson(totals->get_object());
    if (const json::value * ledger{object->if_contains("ledger")}; ledger != nullptr && ledger->is_object())
        end.ledger = LedgerFromJson(ledger->get_object());
    bytes = bytes.subspan(text_size);
    end.index.reserve(bytes.size() / ENTRY_SIZE);
    while (!bytes.empty()) {
        IndexEntry& entry{end.index.emplace_back()};
        entry.offset = Take<std::uint64_t>(bytes);
        entry.blocks = Take<std::uint32_t>(bytes);
        entry.number = Take<std::uint32_t>(bytes);
        entry.first_utc_ns = Take<std::int64_t>(bytes);
        entry.last_utc_ns = Take<std::int64_t>(bytes);
        entry.tracepoints = {Take<std::uint64_t>(bytes), Take<std::uint64_t>(bytes)};
    }
    return end;
}

} // namespace coretap::archive
