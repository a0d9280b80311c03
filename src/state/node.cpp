#include "state/node.h"

#include <algorithm>

#include "event/catalogue.h"

namespace coretap::state {

namespace id = event::id;

namespace {
/** Arguments of coretap:node_found. */
namespace found_arg {
enum : std::size_t { LABEL, EXECUTABLE, BUILD_ID, DATADIR, CHAIN, STARTED_AT };
}
} // namespace

namespace {
void CountFiring(std::array<std::uint64_t, CT_USER_BASE>& fired, std::uint16_t tracepoint, std::uint64_t count = 1)
{
    if (tracepoint < fired.size()) fired[tracepoint] += count;
}
} // namespace

Node::Node(std::uint32_t origin, std::uint32_t pid, std::uint32_t number, std::shared_ptr<const AddressLists> lists)
{
    SetLists(std::move(lists));
    m_identity.origin = origin;
    m_identity.number = number;
    m_identity.running = true;
    Begin(pid, 0);
}

void Node::Begin(std::uint32_t pid, std::int64_t started_at_s)
{
    m_identity.pid = pid;
    m_identity.running = true;
    ++m_identity.starts;
    m_gone_utc_ns = 0;
    if (m_processes.size() >= MAX_PROCESSES) {
        NodeSnapshot sums;
        SumUp(*m_processes.front(), sums);
        for (std::size_t direction{0}; direction < DIRECTIONS; ++direction) {
            for (std::size_t conn_type{0}; conn_type < CT_MAX_CONN_TYPES; ++conn_type) {
                for (std::size_t type{0}; type < CT_MAX_MSG_TYPES; ++type) {
                    m_earlier.own[direction][conn_type][type] += sums.messages[direction][conn_type][type];
                }
            }
        }
        for (const auto& [tracepoint, count] : sums.fired) CountFiring(m_earlier.fired, tracepoint, count);
        m_earlier.added += sums.utxo.added;
        m_earlier.spent += sums.utxo.spent;
        m_earlier.uncached += sums.utxo.uncached;
        m_earlier_exact = m_earlier_exact && m_processes.front()->exact.has_value();
        m_processes.erase(m_processes.begin());
    }
    m_processes.push_back(std::make_unique<Process>());
    m_processes.back()->pid = pid;
    m_processes.back()->started_at_s = started_at_s;
}

bool Node::IsSameProcess(const event::Event& found) const
{
    const auto started_at{static_cast<std::int64_t>(found.Uint(found_arg::STARTED_AT))};
    const bool unnamed{m_identity.executable.empty() && m_identity.running};
    const bool same{m_identity.started_at_s == started_at && m_identity.executable == found.Str(found_arg::EXECUTABLE) &&
                    m_identity.datadir == found.Str(found_arg::DATADIR)};
    return m_identity.pid == found.Pid() && m_identity.origin == found.Origin() && (unnamed || same);
}

bool Node::IsRestart(const event::Event& found) const
{
    // whatever runs it now: an upgrade may bring another path
    return !m_identity.running && m_identity.origin == found.Origin() && !m_identity.executable.empty() &&
           m_identity.datadir == found.Str(found_arg::DATADIR) && m_identity.chain == found.Str(found_arg::CHAIN) &&
           (!m_identity.datadir.empty() || m_identity.executable == found.Str(found_arg::EXECUTABLE));
}

void Node::OnFound(const event::Event& found)
{
    const auto started_at{static_cast<std::int64_t>(found.Uint(found_arg::STARTED_AT))};
    if (!m_identity.executable.empty() && !IsSameProcess(found)) {
        m_peers.CloseAll(m_gone_utc_ns != 0 ? m_gone_utc_ns : SoundUtc(found));
        m_peers.NewRun();
        m_journeys.NewRun();
        EndRun();
        Begin(found.Pid(), started_at);
    }
    m_identity.label = found.Str(found_arg::LABEL);
    m_identity.executable = found.Str(found_arg::EXECUTABLE);
    m_identity.build_id = found.Str(found_arg::BUILD_ID);
    m_identity.datadir = found.Str(found_arg::DATADIR);
    m_identity.chain = found.Str(found_arg::CHAIN);
    m_identity.started_at_s = started_at;
    m_processes.back()->started_at_s = started_at;
    m_identity.running = true; // a recording introduces nodes again at the start of each part
    Advance(SoundUtc(found), found.MonotonicNs());
}

void Node::OnGone(const event::Event& gone)
{
    m_identity.running = false;
    m_gone_utc_ns = SoundUtc(gone);
    EndRun();
    Advance(m_gone_utc_ns, gone.MonotonicNs());
}

void Node::EndRun()
{
    m_spans.Abandon();
    m_totals.connections.inbound_now.reset();
    m_totals.connections.outbound_now.reset();
}

void Node::OnReplaced(const event::Event& found)
{
    if (m_identity.running) OnGone(found);
}

void Node::Advance(std::int64_t utc_ns, std::uint64_t mono_ns)
{
    m_last_mono_ns = std::max(m_last_mono_ns, mono_ns);
    m_last_utc_ns = utc_ns;
    if (!m_history.Within(utc_ns)) m_history.Advance(utc_ns, m_peers.Count(true), m_peers.Count(false));
}

void Node::AddTime(const std::optional<MessageSpans::Ended>& ended)
{
    if (!ended) return;
    if (PeerState* const peer{m_peers.Find(ended->peer_id)}) {
        peer->peer.message_time_ns += ended->at_most_ns;
        peer->peer.message_time_at_least_ns += ended->at_least_ns;
    }
}

void Node::OnEvent(const event::Event& event)
{
    const std::int64_t utc_ns{SoundUtc(event)};
    Advance(utc_ns, event.MonotonicNs());
    CountFiring(m_processes.back()->fired, event.Id());
    if (event::IsMessage(event)) return OnMessage(event, utc_ns);

    m_spans.OnOther(event.Tid(), event.MonotonicNs());
    m_totals.Observe(event, utc_ns);
    switch (event.Id()) {
    case id::INBOUND_CONNECTION:
    case id::OUTBOUND_CONNECTION:
    case id::EVICTED_INBOUND_CONNECTION:
    case id::MISBEHAVING_CONNECTION:
    case id::CLOSED_CONNECTION: return OnConnection(event, utc_ns);
    case id::MEMPOOL_ADDED:
    case id::MEMPOOL_REMOVED:
    case id::MEMPOOL_REPLACED:
    case id::MEMPOOL_REJECTED: return OnMempool(event);
    case id::BLOCK_CONNECTED:
        m_history.Count([](HistoryPoint& point) { ++point.blocks; });
        m_journeys.OnConnected(event, m_spans.Find(event.Tid()), m_peers);
        return;
    case id::UTXOCACHE_ADD: ++m_processes.back()->added; return;
    case id::UTXOCACHE_SPENT: ++m_processes.back()->spent; return;
    case id::UTXOCACHE_UNCACHE: ++m_processes.back()->uncached; return;
    default: return;
    }
}

void Node::OnConnection(const event::Event& event, std::int64_t utc_ns)
{
    if (event.Faulted(0)) return;
    if (event.Id() == id::MISBEHAVING_CONNECTION) {
        m_journeys.OnMisbehaving(event.Int(0));
        PeerState* const state{m_peers.Find(event.Int(0))};
        if (state == nullptr) return;
        ++state->peer.misbehaving;
        state->peer.last_misbehaviour = event.Str(1).substr(0, MAX_LABEL);
        return;
    }
    PeerState& state{m_peers.Of(event)};
    Describe(state, event.Str(1), event.Str(2));
    if (const std::string_view network{event.Faulted(3) ? std::string_view{} : event::NetworkName(event.Uint(3))}; !network.empty()) {
        state.peer.network = network; // knows better than the address
    }
    switch (event.Id()) {
    case id::INBOUND_CONNECTION:
    case id::OUTBOUND_CONNECTION:
        // Before an outbound connection is told of, its first messages may have gone out.
        state.from_start = true;
        OfLists(state.peer, [&](ListTotals& list) { ++list.connections[event.Id() == id::OUTBOUND_CONNECTION ? 1 : 0]; });
        state.peer.connected_utc_ns = std::min(state.peer.first_seen_utc_ns, utc_ns);
        return;
    case id::EVICTED_INBOUND_CONNECTION: state.peer.evicted = true; break;
    default: m_peers.Close(event.Int(0), utc_ns);
    }
    // both say when it was opened, in seconds
    constexpr std::int64_t MOST_S{4'000'000'000};
    if (!state.peer.connected_utc_ns && !event.Faulted(4) && event.Int(4) > 0 && event.Int(4) < MOST_S) {
        state.peer.connected_utc_ns = event.Int(4) * 1'000'000'000;
    }
}

void Node::Describe(PeerState& state, std::string_view address, std::string_view conn_type) const
{
    const bool known{!state.peer.address.empty()};
    Peers::Describe(state, address, conn_type);
    if (!known) state.peer.lists = m_lists->Find(state.own);
}

void Node::SetLists(std::shared_ptr<const AddressLists> lists)
{
    std::vector<ListTotals> totals(lists->Size());
    for (std::size_t i{0}; i < totals.size(); ++i) {
        const auto was{std::ranges::find(m_list_totals, lists->Name(i), &ListTotals::name)};
        if (was != m_list_totals.end()) totals[i] = *was;
        totals[i].name = lists->Name(i);
    }
    m_list_totals = std::move(totals);
    m_lists = std::move(lists);
    m_peers.SetLists(*m_lists);
}

void Node::OnMempool(const event::Event& event)
{
    const std::uint16_t what{event.Id()};
    m_history.Count([what](HistoryPoint& point) {
        ++(what == id::MEMPOOL_ADDED    ? point.mempool_added :
           what == id::MEMPOOL_REMOVED  ? point.mempool_removed :
           what == id::MEMPOOL_REPLACED ? point.mempool_replaced :
                                          point.mempool_rejected);
    });
    if (what != id::MEMPOOL_ADDED && what != id::MEMPOOL_REJECTED) return;
    const MessageSpans::Span* const span{m_spans.Find(event.Tid())};
    if (span == nullptr || span->type != static_cast<std::uint8_t>(wire::MessageType::Tx)) return;
    PeerState* const peer{m_peers.Find(span->peer_id)};
    if (peer == nullptr) return;
    ++(what == id::MEMPOOL_ADDED ? peer->peer.tx_accepted : peer->peer.tx_rejected);
}

void Node::OnLost(std::int64_t utc_ns, std::string_view tracepoint, std::uint64_t count)
{
    m_history.Count([count](HistoryPoint& point) { point.lost += count; });
    m_spans.Abandon();
    const bool message{tracepoint == "net:inbound_message" || tracepoint == "net:outbound_message"};
    if (message) m_peers.Doubt();
    if (message || tracepoint == "validation:block_connected") m_journeys.OnGap(utc_ns);
}

bool Node::SetExact(const pipeline::ProcessCounters& counters)
{
    for (const auto& process : m_processes) {
        const bool same{process->started_at_s == counters.started_at_s || process->started_at_s == 0 || counters.started_at_s == 0};
        if (process->pid != counters.pid || !same) continue;
        process->exact = counters;
        return true;
    }
    return false;
}

void Node::SumUp(const Process& process, NodeSnapshot& into) const
{
    if (process.exact) {
        for (const auto& [tracepoint, count] : process.exact->fired) into.fired[tracepoint] += count;
        for (const auto& cell : process.exact->messages) {
            if (cell.direction >= DIRECTIONS || cell.conn_type >= CT_MAX_CONN_TYPES || cell.message_type >= CT_MAX_MSG_TYPES) continue;
            into.messages[cell.direction][cell.conn_type][cell.message_type] += cell.total;
        }
        into.utxo.added += process.exact->coins_added;
        into.utxo.spent += process.exact->coins_spent;
        into.utxo.uncached += process.exact->coins_uncached;
        return;
    }
    for (std::size_t direction{0}; direction < DIRECTIONS; ++direction) {
        for (std::size_t conn_type{0}; conn_type < CT_MAX_CONN_TYPES; ++conn_type) {
            for (std::size_t type{0}; type < CT_MAX_MSG_TYPES; ++type) {
                into.messages[direction][conn_type][type] += process.own[direction][conn_type][type];
            }
        }
    }
    for (std::size_t tracepoint{0}; tracepoint < process.fired.size(); ++tracepoint) {
        if (process.fired[tracepoint] != 0) into.fired[static_cast<std::uint16_t>(tracepoint)] += process.fired[tracepoint];
    }
    into.utxo.added += process.added;
    into.utxo.spent += process.spent;
    into.utxo.uncached += process.uncached;
}

std::shared_ptr<const NodeSnapshot> Node::Take(std::int64_t utc_ns, std::int64_t peer_silence_ns, const pipeline::Ledger* fallback)
{
    // Silence is measured on the node's own clock, by its last event: neither a UTC clock that is set nor a pause closes anybody.
    const auto silence = static_cast<std::uint64_t>(peer_silence_ns);
    if (m_last_mono_ns > silence) m_peers.CloseSilent(m_last_mono_ns - silence);
    // Last messages may come behind node_gone, and find their peers; so it is here that they close.
    if (!m_identity.running) m_peers.CloseAll(m_gone_utc_ns);
    m_history.Advance(std::max(utc_ns, m_last_utc_ns), m_peers.Count(true), m_peers.Count(false));

    auto snapshot{std::make_shared<NodeSnapshot>()};
    snapshot->identity = m_identity;
    snapshot->utc_ns = utc_ns != 0 ? utc_ns : m_last_utc_ns;
    snapshot->peers = m_peers.Open();
    snapshot->closed_peers = m_peers.Closed();
    snapshot->connections = m_totals.connections;
    snapshot->lists = m_list_totals;
    snapshot->mempool = m_totals.mempool;
    snapshot->chain = m_totals.chain;
    snapshot->blocks = m_journeys.Newest();
    snapshot->block_totals = m_journeys.Totals();
    snapshot->utxo = m_totals.utxo;
    snapshot->utxo.added = snapshot->utxo.spent = snapshot->utxo.uncached = 0; // by process
    snapshot->coins = m_totals.coins;
    snapshot->addrman = m_totals.addrman;
    snapshot->gossip = m_gossip.Totals();
    snapshot->message_times = m_spans.Totals();
    snapshot->seconds = m_history.Seconds();
    snapshot->minutes = m_history.Minutes();

    SumUp(m_earlier, *snapshot);
    snapshot->messages_exact = m_earlier_exact;
    for (const auto& process : m_processes) {
        SumUp(*process, *snapshot);
        snapshot->messages_exact = snapshot->messages_exact && process->exact.has_value();
    }
    if (fallback != nullptr && !snapshot->messages_exact) {
        const auto fired = [fallback](std::uint16_t tracepoint, std::uint64_t& count) {
            if (const auto at{fallback->tallies.find(tracepoint)}; at != fallback->tallies.end()) count = std::max(count, at->second.fired);
        };
        fired(id::UTXOCACHE_ADD, snapshot->utxo.added);
        fired(id::UTXOCACHE_SPENT, snapshot->utxo.spent);
        fired(id::UTXOCACHE_UNCACHE, snapshot->utxo.uncached);
    }
    snapshot->utxo.added = m_shown_added = std::max(m_shown_added, snapshot->utxo.added);
    snapshot->utxo.spent = m_shown_spent = std::max(m_shown_spent, snapshot->utxo.spent);
    snapshot->utxo.uncached = m_shown_uncached = std::max(m_shown_uncached, snapshot->utxo.uncached);
    return snapshot;
}

} // namespace coretap::state
