#include "tracer/live_source.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

#include <boost/json/array.hpp>
#include <boost/json/value_to.hpp>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "util/privileges.h"

namespace coretap::tracer {
namespace {

namespace json = boost::json;
using pipeline::LossReason;

constexpr std::chrono::milliseconds BUSY_SLEEP{10};
constexpr std::chrono::milliseconds IDLE_SLEEP{25};
// A firing takes its time, then its place in the ring; another may come in between. This long we hold records back
// to put them in order.
constexpr std::uint64_t SETTLE_NS{2'000'000};
constexpr std::uint64_t DRAIN_BYTES{1U << 20}; //!< at a time: what follows works in the cache, and memory stays bounded
constexpr std::chrono::milliseconds START_PATIENCE{30'000};
constexpr std::chrono::milliseconds GIVE_BACK_AFTER{100};

std::uint64_t Now(clockid_t clock)
{
    timespec time{};
    ::clock_gettime(clock, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(time.tv_nsec);
}

std::string Text(const json::object& body, std::string_view key)
{
    const json::value* value{body.if_contains(key)};
    return value != nullptr && value->is_string() ? std::string{value->get_string()} : std::string{};
}

std::int64_t Number(const json::object& body, std::string_view key)
{
    const json::value* value{body.if_contains(key)};
    if (value == nullptr) return 0;
    if (value->is_int64()) return value->get_int64();
    if (value->is_uint64()) return static_cast<std::int64_t>(value->get_uint64());
    return value->is_double() ? static_cast<std::int64_t>(value->get_double()) : 0;
}

std::uint64_t Load(const __u64& counter) { return __atomic_load_n(&counter, __ATOMIC_RELAXED); }

} // namespace

void PeerStrings::Put(const ct_ring_peer& peer)
{
    auto& entries{m_slots[CT_PEER_SLOT(peer.tgid, static_cast<std::uint64_t>(peer.peer_id))]};
    // the newest first, the oldest falls out
    auto at{
        std::ranges::find_if(entries, [&peer](const Entry& entry) { return entry.tgid == peer.tgid && entry.peer_id == peer.peer_id; })};
    if (at == entries.end()) at = std::prev(entries.end());
    std::rotate(entries.begin(), at, at + 1);
    Entry& entry{entries.front()};
    entry.tgid = peer.tgid;
    entry.peer_id = peer.peer_id;
    entry.addr.assign(peer.addr, std::min<std::size_t>(peer.addr_size, sizeof(peer.addr)));
    entry.conn_type.assign(peer.conn_type, std::min<std::size_t>(peer.conn_type_size, sizeof(peer.conn_type)));
    entry.cut_mask = peer.cut_mask;
    entry.fault_mask = peer.fault_mask;
}

const PeerStrings::Entry* PeerStrings::Find(std::uint32_t tgid, std::int64_t peer_id) const noexcept
{
    for (const Entry& entry : m_slots[CT_PEER_SLOT(tgid, static_cast<std::uint64_t>(peer_id))]) {
        if (entry.tgid == tgid && entry.peer_id == peer_id) return &entry;
    }
    return nullptr;
}

void PeerStrings::Forget(std::uint32_t tgid)
{
    for (auto& entries : m_slots) {
        for (Entry& entry : entries) {
            if (entry.tgid == tgid) entry = Entry{};
        }
    }
}

LiveSource::LiveSource(const event::Catalogue& catalogue, OnNotice notice, TraceOptions options)
    : m_catalogue{catalogue}, m_notice{std::move(notice)}, m_options{std::move(options)}
{}

LiveSource::~LiveSource()
{
    m_channel = Channel{}; // the attacher sees that we are gone, detaches and ends
    if (m_attacher > 0) ::waitpid(m_attacher, nullptr, 0);
}

util::Result<std::unique_ptr<LiveSource>> LiveSource::Start(const event::Catalogue& catalogue, TraceOptions options, OnNotice notice)
{
    auto pair{Channel::MakePair()};
    if (!pair) return pair.GetError();
    std::unique_ptr<LiveSource> source{new LiveSource{catalogue, std::move(notice), std::move(options)}};
    const pid_t parent{::getpid()};
    const pid_t child{::fork()};
    if (child < 0) return util::Error{util::Errc::Io, fmt::format("cannot start the attacher: {}", std::strerror(errno)), errno};
    if (child == 0) {
        ::prctl(PR_SET_NAME, "coretap-attach");
        // Ctrl-C reaches both; only the reader decides when to stop, and if it dies we do.
        for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT}) std::signal(signal, SIG_IGN);
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) ::_exit(0);
        pair->first = Channel{};
        RunAttacher(std::move(pair->second), source->m_options, catalogue);
        ::_exit(0);
    }
    source->m_attacher = child;
    source->m_channel = std::move(pair->first);
    pair->second = Channel{};
    // as root the attacher has what it needs; from here on this process needs nothing
    if (const auto dropped{util::DropPrivileges(source->m_options.user)}; !dropped) return dropped.GetError();

    const auto deadline{std::chrono::steady_clock::now() + START_PATIENCE};
    while (!source->m_ready) {
        if (const auto read{source->ReadChannel(std::chrono::milliseconds{1000})}; !read) return read.GetError();
        if (std::chrono::steady_clock::now() > deadline) return util::Error{util::Errc::Io, "the attacher did not get ready within 30 s"};
    }
    return source;
}

util::Result<> LiveSource::ReadChannel(std::chrono::milliseconds patience)
{
    if (m_dead) return util::Error{util::Errc::Io, m_dead_reason};
    if (patience.count() > 0) {
        pollfd fd{m_channel.PollFd(), POLLIN, 0};
        ::poll(&fd, 1, static_cast<int>(patience.count()));
    }
    for (;;) {
        auto message{m_channel.Receive()};
        if (!message) {
            m_dead = true;
            m_dead_reason = message.GetError().what + "; nothing is attached any more";
            return m_ended ? util::Result<>{} : util::Result<>{util::Error{util::Errc::Io, m_dead_reason}};
        }
        if (!*message) return {};
        Message& received{**message};
        const std::string kind{Text(received.body, "kind")};
        if (kind == "maps" && received.fds.size() == 3) {
            m_doorbell = std::move(received.fds[2]);
            auto ring{Ring::Open(received.fds[0].Get(), received.fds[1].Get(), m_doorbell.Get(),
                                 static_cast<std::uint32_t>(Number(received.body, "elem_bytes")),
                                 static_cast<std::uint32_t>(Number(received.body, "ring_elems")))};
            if (!ring) return ring.GetError();
            m_ring.emplace(std::move(*ring));
            ct_shared& shared{m_ring->Shared()};
            shared.wake_bytes = static_cast<std::uint32_t>(m_ring->SizeBytes() / 8);
            shared.shed_bytes = static_cast<std::uint32_t>(m_ring->SizeBytes() / 4 * 3);
            shared.tgid_filter = static_cast<std::uint32_t>(m_options.pid.value_or(m_options.only_pid.value_or(0)));
            std::ranges::copy(m_options.snap, shared.snap);
        } else if (kind == "fatal") {
            m_dead = true;
            m_dead_reason = Text(received.body, "text");
            return util::Error{static_cast<util::Errc>(Number(received.body, "code")), m_dead_reason};
        } else {
            OnMessage(received);
        }
    }
}

void LiveSource::OnMessage(const Message& message)
{
    const json::object& body{message.body};
    const std::string kind{Text(body, "kind")};
    if (kind == "ready") {
        m_ready = true;
    } else if (kind == "notice") {
        m_notice(Text(body, "text"));
    } else if (kind == "attached") {
        pipeline::SourceHealth::Attachment& attachment{m_attachments[Text(body, "image")]};
        attachment.path = Text(body, "path");
        attachment.build_id = Text(body, "build_id");
        if (const json::value * rows{body.if_contains("rows")}; rows != nullptr && rows->is_array()) {
            for (const json::value& row : rows->get_array())
                if (row.is_int64()) attachment.tracepoints.push_back(static_cast<std::uint16_t>(row.get_int64()));
        }
        m_notice(fmt::format("attached to {} tracepoints of {} ({}, {} ms)", Number(body, "tracepoints"), Text(body, "path"),
                             Text(body, "attach_kind"), Number(body, "attach_ms")));
        if (const json::value * problems{body.if_contains("problems")}; problems != nullptr && problems->is_array()) {
            for (const json::value& problem : problems->get_array()) {
                if (!problem.is_string()) continue;
                attachment.problems.emplace_back(problem.get_string());
                m_notice(attachment.problems.back());
            }
        }
    } else if (kind == "detached") {
        m_attachments.erase(Text(body, "image"));
        m_notice(fmt::format("let go of {}: {}", Text(body, "path"), Text(body, "why")));
    } else if (kind == "ended") {
        m_notice(Text(body, "text"));
        Stop();
    } else if (kind == "stopped") {
        m_ledger.kernel_run_time_ns = static_cast<std::uint64_t>(Number(body, "run_time_ns"));
        m_ledger.kernel_run_count = static_cast<std::uint64_t>(Number(body, "run_count"));
        m_ended = true;
    } else if (kind == "node") {
        const auto pid{static_cast<std::uint32_t>(Number(body, "pid"))};
        const json::value* wanted{body.if_contains("wanted")};
        Known& known{m_nodes[pid]};
        known.wanted = wanted == nullptr || (wanted->is_bool() && wanted->get_bool());
        known.label = Text(body, "label");
        known.started_at_s = Number(body, "started_at");
        known.image = Text(body, "image");
        m_gone.erase(pid);
        m_last_tgid = 0;
        if (!known.wanted) return;
        // its introduction comes before its first event, and not before what has been handed over
        const std::uint64_t at{
            std::max(m_asked_at_ns != 0 ? m_asked_at_ns : static_cast<std::uint64_t>(Number(body, "at_ns")), m_emitted_ns)};
        const std::size_t start{m_bytes.size()};
        event::RecordBuilder{m_bytes, event::id::CORETAP_NODE_FOUND, 6, at, pid, pid}
            .Str(known.label)
            .Str(Text(body, "executable"))
            .Str(Text(body, "build_id"))
            .Str(Text(body, "datadir"))
            .Str(Text(body, "chain"))
            .Int(Number(body, "started_at"))
            .Finish();
        Push(start, at);
    } else if (kind == "gone") {
        const auto pid{static_cast<std::uint32_t>(Number(body, "pid"))};
        const auto known{m_nodes.find(pid)};
        m_gone[pid] = {std::chrono::steady_clock::now(), __atomic_load_n(&m_ring->Shared().produced, __ATOMIC_ACQUIRE)};
        ClearPeerTags(pid); // another program may go on under this pid (execve), with other peers
        if (known == m_nodes.end()) return;
        if (known->second.wanted) {
            const std::size_t start{m_bytes.size()};
            const std::uint64_t now{Now(CLOCK_MONOTONIC)};
            event::RecordBuilder{m_bytes, event::id::CORETAP_NODE_GONE, 1, now, pid, pid}.Str(known->second.label).Finish();
            Push(start, now);
        }
    }
}

bool LiveSource::Wanted(std::uint32_t tgid, std::uint64_t ts_ns)
{
    if (tgid == m_last_tgid) return m_last_wanted;
    auto known{m_nodes.find(tgid)};
    if (known == m_nodes.end()) {
        // A process that fired before its notice came: ask, so that its events come after its introduction.
        if (m_channel.Send({{"kind", "who"}, {"pid", tgid}})) {
            m_asked_at_ns = ts_ns;
            for (int tries{0}; tries < 20 && !m_nodes.contains(tgid) && !m_gone.contains(tgid); ++tries) {
                if (!ReadChannel(std::chrono::milliseconds{10})) break;
            }
            m_asked_at_ns = 0;
        }
        known = m_nodes.find(tgid);
        if (known == m_nodes.end())
            known = m_nodes.emplace(tgid, Known{.wanted = !m_options.datadir, .label = {}, .started_at_s = 0, .image = {}})
                        .first; // gone too fast to be asked
    }
    m_last_tgid = tgid;
    m_last_wanted = known->second.wanted;
    return m_last_wanted;
}

void LiveSource::Push(std::size_t start, std::uint64_t ts_ns)
{
    if (!m_pending.empty() && ts_ns < m_pending.back().ts_ns) m_in_order = false;
    m_pending.push_back({ts_ns, static_cast<std::uint32_t>(start), static_cast<std::uint32_t>(m_bytes.size() - start)});
}

void LiveSource::OnRecord(std::uint32_t kind, std::span<const std::byte> bytes)
{
    if (kind == CT_RING_MESSAGE) {
        OnP2pMessage(bytes);
    } else if (kind == CT_RING_EVENT && bytes.size() >= sizeof(ct_ring_event)) {
        ct_record head;
        std::memcpy(&head, bytes.data() + offsetof(ct_ring_event, record), sizeof(head));
        const std::span<const std::byte> record{bytes.subspan(offsetof(ct_ring_event, record))};
        if (head.size > record.size() || head.tracepoint >= CT_MAX_TRACEPOINTS) return;
        pipeline::Tally& tally{m_tallies[head.tracepoint]};
        if (!Wanted(head.tgid, head.ts_ns)) {
            ++tally.withheld;
            return;
        }
        const std::size_t start{m_bytes.size()};
        m_bytes.insert(m_bytes.end(), record.begin(), record.begin() + head.size);
        m_bytes.resize((m_bytes.size() + 7) / 8 * 8);
        Push(start, head.ts_ns);
        ++tally.delivered;
    } else if (kind == CT_RING_PEER && bytes.size() >= sizeof(ct_ring_peer)) {
        ct_ring_peer peer;
        std::memcpy(&peer, bytes.data(), sizeof(peer));
        m_peers.Put(peer);
    }
}

void LiveSource::OnP2pMessage(std::span<const std::byte> bytes)
{
    ct_ring_message head;
    if (bytes.size() < sizeof(head)) return;
    std::memcpy(&head, bytes.data(), sizeof(head));
    if (head.payload_size > bytes.size() - sizeof(head) || head.tracepoint >= CT_MAX_TRACEPOINTS) return;
    pipeline::Tally& tally{m_tallies[head.tracepoint]};
    if (!Wanted(head.tgid, head.ts_ns)) {
        ++tally.withheld;
        return;
    }
    const PeerStrings::Entry* peer{m_peers.Find(head.tgid, head.peer_id)};
    std::uint16_t faults{head.fault_mask};
    std::uint16_t cut{0};
    std::string_view addr;
    std::string_view conn_type;
    if (peer != nullptr) {
        addr = peer->addr;
        conn_type = peer->conn_type;
        faults = static_cast<std::uint16_t>(faults | peer->fault_mask);
        cut = peer->cut_mask;
    } else { // cannot be, but must not be made up
        faults |= 1U << event::message_arg::ADDR | 1U << event::message_arg::CONN_TYPE;
    }
    if (head.type_cut != 0) cut |= 1U << event::message_arg::MSG_TYPE;
    if (head.payload_size < head.msg_size && (faults >> event::message_arg::PAYLOAD & 1) == 0) cut |= 1U << event::message_arg::PAYLOAD;
    const std::size_t start{m_bytes.size()};
    event::RecordBuilder{m_bytes, head.tracepoint, 6, head.ts_ns, head.tgid, head.tid}
        .Int(head.peer_id)
        .Str(addr)
        .Str(conn_type)
        .Str({head.type, ::strnlen(head.type, sizeof(head.type))})
        .Uint(head.msg_size)
        .Bytes(bytes.subspan(sizeof(head), head.payload_size))
        .Finish(faults, cut, head.flags);
    Push(start, head.ts_ns);
    ++tally.delivered;
}

void LiveSource::Emit(pipeline::Batch& batch, std::uint64_t horizon_ns)
{
    batch.Clear();
    batch.utc_offset_ns = m_utc_offset_ns;
    if (m_pending.empty()) return;
    if (!m_in_order) {
        std::ranges::stable_sort(m_pending, {}, &Pending::ts_ns);
    } else if (m_pending.back().ts_ns <= horizon_ns) { // nearly always: hand over the buffer as it is
        std::swap(batch.bytes, m_bytes);
        batch.count = m_pending.size();
        m_emitted_ns = m_pending.back().ts_ns;
        m_bytes.clear();
        m_pending.clear();
        return;
    }
    const auto until{std::ranges::upper_bound(m_pending, horizon_ns, {}, &Pending::ts_ns)};
    const auto copy = [this](auto from, auto to, std::vector<std::byte>& out) {
        for (; from != to; ++from) out.insert(out.end(), m_bytes.begin() + from->offset, m_bytes.begin() + from->offset + from->size);
    };
    copy(m_pending.begin(), until, batch.bytes);
    batch.count = static_cast<std::size_t>(until - m_pending.begin());
    if (batch.count != 0) m_emitted_ns = std::max(m_emitted_ns, std::prev(until)->ts_ns);
    std::vector<std::byte> rest;
    copy(until, m_pending.end(), rest);
    m_pending.erase(m_pending.begin(), until);
    std::uint32_t offset{0};
    for (Pending& pending : m_pending) {
        pending.offset = offset;
        offset += pending.size;
    }
    m_bytes = std::move(rest);
    m_in_order = true; // sorted
}

util::Result<pipeline::Source::Step> LiveSource::Pull(pipeline::Batch& batch, std::chrono::milliseconds patience)
{
    const auto give_up{std::chrono::steady_clock::now() + patience};
    for (;;) {
        const auto read{ReadChannel(std::chrono::milliseconds{0})};
        if (!read && !m_stopping) {
            // What was in the ring when the attacher died is still good.
            m_stopping = m_ended = true;
            m_failure = read.GetError();
        } else if (!read) {
            m_ended = true;
        }
        // UTC moves against the kernel's clock when somebody sets it; small corrections are not worth a jump.
        const auto offset{static_cast<std::int64_t>(Now(CLOCK_REALTIME)) - static_cast<std::int64_t>(Now(CLOCK_MONOTONIC))};
        if (std::abs(offset - m_utc_offset_ns) > 1'000'000) m_utc_offset_ns = offset;

        const std::uint64_t before{Now(CLOCK_MONOTONIC)};
        const bool last{m_ended}; // detached before this drain: nothing comes after it
        m_ledger.ring_high_water_bytes = std::max(m_ledger.ring_high_water_bytes, m_ring->FillBytes());
        const std::uint64_t consumed_before{m_ring->Shared().consumed};
        const bool all{m_ring->Drain([this](std::uint32_t kind, std::span<const std::byte> bytes) { OnRecord(kind, bytes); }, DRAIN_BYTES)};
        TellLosses();
        GiveBackCounters();
        // what is still in the ring may have fired a little before what was just read
        const std::uint64_t newest{all || m_pending.empty() ? before : std::min(before, m_pending.back().ts_ns)};
        Emit(batch, last && all ? ~std::uint64_t{0} : newest - SETTLE_NS);
        if (batch.count != 0) return Step::Ready;
        const std::uint64_t fill{m_ring->FillBytes()};
        const bool jammed{last && fill != 0 && ++m_stuck > 100}; // detached, and still a record half written: cannot be
        if (jammed) m_notice(fmt::format("{} bytes in the ring were never finished and are not shown; please report this", fill));
        if (last && (fill == 0 || jammed)) return m_failure ? util::Result<Step>{*m_failure} : util::Result<Step>{Step::End};
        const auto now{std::chrono::steady_clock::now()};
        if (now >= give_up) return Step::Idle;
        if (!all && m_ring->Shared().consumed != consumed_before) continue; // there is more to take
        const auto left{std::chrono::ceil<std::chrono::milliseconds>(give_up - now)};
        const auto sleep{m_pending.empty() ? IDLE_SLEEP : std::chrono::milliseconds{2}};
        m_ring->Wait(std::min(left, sleep), m_channel.PollFd());
    }
}

void LiveSource::TellLosses()
{
    // Only rows and tracepoints in use are read: this happens at every drain.
    const ct_shared& shared{m_ring->Shared()};
    std::array<std::array<std::uint64_t, pipeline::LOSS_REASONS.size()>, CT_MAX_TRACEPOINTS> lost{};
    for (std::size_t row{0}; row < CT_MAX_NODES; ++row) {
        if (row != CT_NODE_OTHER && shared.nodes[row] == 0) continue;
        for (std::size_t tracepoint{0}; tracepoint < CT_MAX_TRACEPOINTS; ++tracepoint) {
            if (m_options.modes[tracepoint] != CT_MODE_DELIVER) continue;
            const ct_counters& counters{shared.counters[row][tracepoint]};
            lost[tracepoint][static_cast<std::size_t>(LossReason::RingFull)] += Load(counters.lost_ring_full);
            lost[tracepoint][static_cast<std::size_t>(LossReason::Contended)] += Load(counters.lost_contended);
        }
    }
    for (std::uint16_t tracepoint{0}; tracepoint < CT_MAX_TRACEPOINTS; ++tracepoint) {
        for (const LossReason reason : pipeline::LOSS_REASONS) {
            const auto index{static_cast<std::size_t>(reason)};
            const std::uint64_t total{lost[tracepoint][index] + m_tallies[tracepoint].lost[index]};
            if (total == 0) continue;
            std::uint64_t& told{m_losses_told[{tracepoint, index}]};
            if (total <= told) continue;
            const std::size_t start{m_bytes.size()};
            const std::uint64_t now{Now(CLOCK_MONOTONIC)};
            event::RecordBuilder{m_bytes, event::id::CORETAP_LOST, 4, now, 0, 0}
                .Str(m_catalogue.Find(tracepoint)->FullName())
                .Str(pipeline::ToString(reason))
                .Uint(total - told)
                .Uint(total)
                .Finish();
            Push(start, now);
            told = total;
        }
    }
}

void LiveSource::AddCounters(std::uint32_t row, std::array<pipeline::Tally, CT_MAX_TRACEPOINTS>& tallies) const
{
    const ct_shared& shared{m_ring->Shared()};
    const auto messages = [&shared, row](std::size_t direction) {
        std::uint64_t sum{0};
        for (const auto& by_conn_type : shared.messages[row][direction]) {
            for (const ct_msg_counters& counters : by_conn_type) sum += Load(counters.count);
        }
        return sum;
    };
    for (std::size_t tracepoint{0}; tracepoint < CT_MAX_TRACEPOINTS; ++tracepoint) {
        if (m_options.modes[tracepoint] == CT_MODE_OFF) continue;
        const ct_counters& counters{shared.counters[row][tracepoint]};
        pipeline::Tally& tally{tallies[tracepoint]};
        std::uint64_t fired{Load(counters.fired)};
        if (tracepoint == event::id::INBOUND_MESSAGE) fired += messages(0);
        if (tracepoint == event::id::OUTBOUND_MESSAGE) fired += messages(1);
        tally.fired += fired;
        tally.withheld += m_options.modes[tracepoint] == CT_MODE_COUNT ? fired : Load(counters.withheld);
        tally.lost[static_cast<std::size_t>(LossReason::RingFull)] += Load(counters.lost_ring_full);
        tally.lost[static_cast<std::size_t>(LossReason::Contended)] += Load(counters.lost_contended);
        tally.payload_shed += Load(counters.payload_shed);
        tally.arg_faults += Load(counters.arg_faults);
    }
}

pipeline::ProcessCounters LiveSource::CountersOf(std::uint32_t row) const
{
    const ct_shared& shared{m_ring->Shared()};
    pipeline::ProcessCounters counters;
    counters.pid = shared.nodes[row];
    if (const auto known{m_nodes.find(counters.pid)}; known != m_nodes.end()) counters.started_at_s = known->second.started_at_s;
    for (std::uint8_t direction{0}; direction < 2; ++direction) {
        for (std::uint8_t conn_type{0}; conn_type < CT_MAX_CONN_TYPES; ++conn_type) {
            for (std::uint8_t type{0}; type < CT_MAX_MSG_TYPES; ++type) {
                const ct_msg_counters& cell{shared.messages[row][direction][conn_type][type]};
                const pipeline::MessageCount total{Load(cell.count), Load(cell.bytes)};
                if (total.count != 0) counters.messages.push_back({direction, conn_type, type, total});
            }
        }
    }
    for (std::uint16_t tracepoint{0}; tracepoint < CT_USER_BASE; ++tracepoint) {
        if (const std::uint64_t fired{Load(shared.counters[row][tracepoint].fired)}; fired != 0) counters.fired[tracepoint] = fired;
    }
    for (const pipeline::ProcessCounters::Messages& cell : counters.messages) {
        counters.fired[cell.direction == 0 ? event::id::INBOUND_MESSAGE : event::id::OUTBOUND_MESSAGE] += cell.total.count;
    }
    counters.coins_added = Load(shared.counters[row][event::id::UTXOCACHE_ADD].fired);
    counters.coins_spent = Load(shared.counters[row][event::id::UTXOCACHE_SPENT].fired);
    counters.coins_uncached = Load(shared.counters[row][event::id::UTXOCACHE_UNCACHE].fired);
    return counters;
}

std::optional<pipeline::SourceHealth> LiveSource::Health() const
{
    pipeline::SourceHealth health;
    health.ring_bytes = m_ring ? m_ring->SizeBytes() : 0;
    health.ring_used_bytes = m_ring ? m_ring->FillBytes() : 0;
    for (const auto& [image, attachment] : m_attachments) {
        health.attachments.push_back(attachment);
        for (const auto& [pid, known] : m_nodes)
            health.attachments.back().processes += known.wanted && known.image == image && !m_gone.contains(pid) ? 1 : 0;
    }
    return health;
}

void LiveSource::ExactCounters(std::vector<pipeline::ProcessCounters>& counters) const
{
    counters.assign(m_ended_counters.begin(), m_ended_counters.end());
    // the last row is of many processes
    for (std::uint32_t row{0}; row < CT_NODE_OTHER; ++row) {
        if (m_ring->Shared().nodes[row] != 0) counters.push_back(CountersOf(row));
    }
}

void LiveSource::ClearPeerTags(std::uint32_t tgid)
{
    for (auto& tag : m_ring->Shared().peers) {
        if ((tag ^ CT_PEER_TAG(tgid, 0)) >> 42 == 0) __atomic_store_n(&tag, 0, __ATOMIC_RELAXED);
    }
}

void LiveSource::GiveBackCounters()
{
    const auto now{std::chrono::steady_clock::now()};
    std::erase_if(m_gone, [&](const auto& gone) {
        const auto& [tgid, end]{gone};
        ct_shared& shared{m_ring->Shared()};
        // it fires no more, but a sink that is slow may have left its last records in the ring: their peers' strings are needed
        if (now - end.since < GIVE_BACK_AFTER || shared.consumed < end.produced) return false;
        for (std::uint32_t row{0}; row < CT_NODE_OTHER; ++row) {
            if (shared.nodes[row] != tgid) continue;
            AddCounters(row, m_tallies);
            m_ended_counters.push_back(CountersOf(row));
            if (m_ended_counters.size() > MAX_ENDED) m_ended_counters.pop_front();
            std::memset(static_cast<void*>(&shared.counters[row]), 0, sizeof(shared.counters[row]));
            std::memset(static_cast<void*>(&shared.messages[row]), 0, sizeof(shared.messages[row]));
            __atomic_store_n(&shared.nodes[row], 0, __ATOMIC_RELEASE);
        }
        ClearPeerTags(tgid);
        m_peers.Forget(tgid);
        m_nodes.erase(tgid);
        m_last_tgid = 0;
        return true;
    });
}

const pipeline::Ledger& LiveSource::Losses() const
{
    auto tallies{m_tallies};
    for (std::uint32_t row{0}; row < CT_MAX_NODES; ++row) {
        if (row == CT_NODE_OTHER || m_ring->Shared().nodes[row] != 0) AddCounters(row, tallies);
    }
    m_ledger.tallies.clear();
    for (std::uint16_t tracepoint{0}; tracepoint < CT_MAX_TRACEPOINTS; ++tracepoint) {
        if (tallies[tracepoint].fired != 0 || tallies[tracepoint].delivered != 0) m_ledger.tallies[tracepoint] = tallies[tracepoint];
    }
    return m_ledger;
}

void LiveSource::Stop()
{
    if (m_stopping) return;
    m_stopping = true;
    if (!m_channel.Send({{"kind", "stop"}})) m_ended = true;
}

} // namespace coretap::tracer
