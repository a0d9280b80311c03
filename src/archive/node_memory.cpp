#include "archive/node_memory.h"

#include <algorithm>
#include <cstring>

#include "abi/coretap_abi.h"
#include "event/catalogue.h"

namespace coretap::archive {
namespace {

constexpr std::uint64_t KEEP_NS{60'000'000'000}; // as pipeline::NodeNames
constexpr std::size_t MOST{4'096};               // processes at once; a hostile file has more

} // namespace

void NodeMemory::Observe(std::span<const std::byte> record, std::int64_t utc_offset_ns)
{
    if (record.size() < sizeof(ct_record)) return;
    ct_record head;
    std::memcpy(&head, record.data(), sizeof(head));
    const bool found{head.tracepoint == event::id::CORETAP_NODE_FOUND};
    if (!found && head.tracepoint != event::id::CORETAP_NODE_GONE) return;
    std::erase_if(m_entries, [&head](const Entry& entry) { return entry.gone_at_ns != 0 && entry.gone_at_ns + KEEP_NS < head.ts_ns; });
    const auto entry = std::ranges::find(m_entries, head.tgid, &Entry::pid);
    if (!found) {
        if (entry == m_entries.end()) return;
        entry->gone.assign(record.begin(), record.end());
        entry->gone_at_ns = std::max<std::uint64_t>(head.ts_ns, 1);
        return;
    }
    if (entry != m_entries.end()) m_entries.erase(entry);
    if (m_entries.size() == MOST) m_entries.erase(m_entries.begin());
    m_entries.push_back({head.tgid, utc_offset_ns, {record.begin(), record.end()}, {}, 0});
}

bool NodeMemory::Knows(std::span<const std::byte> record) const
{
    ct_record head;
    std::memcpy(&head, record.data(), sizeof(head));
    const auto entry = std::ranges::find(m_entries, head.tgid, &Entry::pid);
    if (entry == m_entries.end()) return false;
    const std::vector<std::byte>& known{head.tracepoint == event::id::CORETAP_NODE_FOUND ? entry->found : entry->gone};
    if (known.size() != record.size() || known.empty()) return false;
    return std::memcmp(known.data() + sizeof(head), record.data() + sizeof(head), record.size() - sizeof(head)) == 0;
}

std::size_t NodeMemory::Introduce(std::vector<std::byte>& out, std::int64_t utc_offset_ns) const
{
    std::size_t count{0};
    const auto append = [&](const std::vector<std::byte>& record, std::int64_t own_offset_ns) {
        if (record.empty()) return;
        ct_record head;
        std::memcpy(&head, record.data(), sizeof(head));
        head.ts_ns += static_cast<std::uint64_t>(own_offset_ns) - static_cast<std::uint64_t>(utc_offset_ns);
        const std::size_t start{out.size()};
        out.insert(out.end(), record.begin(), record.end());
        std::memcpy(out.data() + start, &head, sizeof(head));
        out.resize((out.size() + 7) / 8 * 8);
        ++count;
    };
    for (const Entry& entry : m_entries) append(entry.found, entry.utc_offset_ns);
    for (const Entry& entry : m_entries) append(entry.gone, entry.utc_offset_ns);
    return count;
}

} // namespace coretap::archive
