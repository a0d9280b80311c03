#include "state/tracker.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "event/event.h"
#include "state/node.h"

namespace coretap::state {

namespace id = event::id;

Tracker::Tracker(TrackerOptions options) : m_options{options}, m_lists{std::make_shared<const AddressLists>()} {}
Tracker::~Tracker() = default;

util::Result<> Tracker::Write(std::span<const event::Event> batch)
{
    for (const event::Event& event : batch) OnEvent(event);
    return {};
}

void Tracker::Reset()
{
    m_nodes.clear();
    m_last = nullptr;
    m_events = 0;
    m_last_utc_ns = 0;
    m_lost = false;
}

void Tracker::SetLists(std::shared_ptr<const AddressLists> lists)
{
    m_lists = std::move(lists);
    for (const auto& node : m_nodes) node->SetLists(m_lists);
}

void Tracker::OnEvent(const event::Event& event)
{
    ++m_events;
    m_last_utc_ns = SoundUtc(event);
    switch (event.Id()) {
    case id::CORETAP_LOST: return OnLost(event);
    case id::CORETAP_NODE_FOUND: return OnNodeFound(event);
    case id::CORETAP_NODE_GONE:
        if (Node* const node{Find(event)}) node->OnGone(event);
        return;
    default: break;
    }
    if (event.Def().origin == event::Origin::Coretap) return;
    Node* const node{Find(event)};
    (node != nullptr ? *node : Add(event)).OnEvent(event);
}

Node* Tracker::Find(const event::Event& event)
{
    const auto is = [&event](const Node& node) { return node.Identity().pid == event.Pid() && node.Identity().origin == event.Origin(); };
    if (m_last != nullptr && is(*m_last)) return m_last;
    // the newest first: a process id may come again, for another node
    for (auto at{m_nodes.rbegin()}; at != m_nodes.rend(); ++at) {
        if (is(**at)) return m_last = at->get();
    }
    return nullptr;
}

Node& Tracker::Add(const event::Event& event)
{
    if (m_nodes.size() >= MAX_NODES) {
        const auto least{std::ranges::min_element(m_nodes, {}, [](const auto& node) {
            return std::pair{node->Identity().running, node->LastMonoNs()};
        })};
        m_nodes.erase(least);
    }
    m_last = m_nodes.emplace_back(std::make_unique<Node>(event.Origin(), event.Pid(), m_appeared++, m_lists)).get();
    return *m_last;
}

void Tracker::OnNodeFound(const event::Event& event)
{
    Node* const same_pid{Find(event)};
    // Introduced again (each part of a recording does), or for the first time after its events began: the process that is known.
    if (same_pid != nullptr && same_pid->IsSameProcess(event)) return same_pid->OnFound(event);
    m_last = nullptr;
    for (auto at{m_nodes.rbegin()}; at != m_nodes.rend(); ++at) {
        if ((*at)->IsRestart(event)) {
            (*at)->OnFound(event);
            // lookups begin at the end: it is the newest process of this pid now
            std::rotate(std::prev(at.base()), at.base(), m_nodes.end());
            return;
        }
    }
    if (same_pid != nullptr) same_pid->OnReplaced(event);
    Add(event).OnFound(event);
}

void Tracker::OnLost(const event::Event& event)
{
    m_lost = true;
    for (const auto& node : m_nodes) {
        if (node->Identity().origin == event.Origin()) node->OnLost(SoundUtc(event), event.Str(0), event.Uint(2));
    }
}

void Tracker::SetExact(std::span<const pipeline::ProcessCounters> counters)
{
    for (const pipeline::ProcessCounters& process : counters) {
        for (auto at{m_nodes.rbegin()}; at != m_nodes.rend() && !(*at)->SetExact(process); ++at) {
        }
    }
}

void Tracker::ForgetEnded(std::int64_t now_utc_ns)
{
    for (;;) {
        // Running ones compare as gone last
        const auto oldest{std::ranges::min_element(
            m_nodes, {}, [](const auto& node) { return node->GoneUtcNs().value_or(std::numeric_limits<std::int64_t>::max()); })};
        if (m_nodes.size() < 2 || !(*oldest)->GoneUtcNs()) return;
        const auto ended{
            static_cast<std::size_t>(std::ranges::count_if(m_nodes, [](const auto& node) { return node->GoneUtcNs().has_value(); }))};
        if (ended <= MAX_ENDED && now_utc_ns - *(*oldest)->GoneUtcNs() <= KEEP_ENDED_NS) return;
        m_last = nullptr;
        m_nodes.erase(oldest);
    }
}

std::shared_ptr<const Snapshot> Tracker::Take(std::int64_t now_utc_ns, const pipeline::Ledger& ledger)
{
    auto snapshot{std::make_shared<Snapshot>()};
    snapshot->utc_ns = now_utc_ns != 0 ? now_utc_ns : m_last_utc_ns;
    ForgetEnded(snapshot->utc_ns);
    snapshot->events = m_events;
    snapshot->ledger = ledger;
    snapshot->lost_since_start = m_lost || ledger.Total().Lost() != 0;
    const pipeline::Ledger* const alone{m_nodes.size() == 1 ? &ledger : nullptr};
    for (const auto& node : m_nodes) snapshot->nodes.push_back(node->Take(now_utc_ns, m_options.peer_silence_ns, alone));
    // Those of one label are numbered as they come here: by their first appearance, which no restart changes
    std::ranges::sort(snapshot->nodes, {}, [](const auto& node) { return std::tie(node->identity.label, node->identity.number); });
    return snapshot;
}

} // namespace coretap::state
