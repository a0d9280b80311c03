#include "pipeline/node_names.h"

#include <algorithm>

namespace coretap::pipeline {
namespace {

constexpr std::uint64_t KEEP_NS{60'000'000'000};

// Arguments of coretap:node_found.
constexpr std::size_t LABEL{0};
constexpr std::size_t STARTED_AT{5};

} // namespace

void NodeNames::Observe(const event::Event& event)
{
    if (event.Id() != event::id::CORETAP_NODE_FOUND && event.Id() != event::id::CORETAP_NODE_GONE) return;
    const std::uint64_t now_ns{event.MonotonicNs()};
    // Not by now_ns - gone_at_ns: time may step back between events.
    std::erase_if(m_entries, [&](const Entry& entry) {
        return entry.origin == event.Origin() && entry.gone_at_ns != 0 && entry.gone_at_ns + KEEP_NS < now_ns;
    });
    m_last = 0;
    auto entry = Locate(event);
    if (event.Id() == event::id::CORETAP_NODE_GONE) {
        if (entry != m_entries.end()) entry->gone_at_ns = std::max<std::uint64_t>(now_ns, 1);
        return;
    }
    if (entry == m_entries.end()) entry = m_entries.insert(m_entries.end(), Entry{});
    *entry = {event.Origin(), event.Pid(), std::string{event.Str(LABEL)}, static_cast<std::int64_t>(event.Uint(STARTED_AT)), 0};
}

bool NodeNames::Several() const noexcept
{
    const Entry* first{nullptr};
    for (const Entry& entry : m_entries) {
        if (entry.gone_at_ns != 0) continue;
        if (first != nullptr && first->label != entry.label) return true;
        first = &entry;
    }
    return false;
}

std::vector<NodeNames::Entry>::iterator NodeNames::Locate(const event::Event& event) noexcept
{
    return std::ranges::find_if(m_entries,
                                [&event](const Entry& entry) { return entry.pid == event.Pid() && entry.origin == event.Origin(); });
}

event::NodeLabel NodeNames::Find(const event::Event& event) noexcept
{
    if (m_last >= m_entries.size() || m_entries[m_last].pid != event.Pid() || m_entries[m_last].origin != event.Origin()) {
        const auto entry = Locate(event);
        if (entry == m_entries.end()) return {};
        m_last = static_cast<std::size_t>(entry - m_entries.begin());
    }
    return {m_entries[m_last].label, m_entries[m_last].started_at};
}

} // namespace coretap::pipeline
