#include "web/streams.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "web/stream_channel.h"

namespace coretap::web {
namespace {

using Clock = std::chrono::steady_clock;
using util::Errc;
using util::Error;
using util::Result;

/** What may be spent at once after a quiet time. */
constexpr double TIME_BURST_NS{50e6};

} // namespace

Streams::Streams(const event::Catalogue& catalogue, StreamsOptions options)
    : m_catalogue{catalogue}, m_options{options}, m_scratch{std::make_unique<StreamScratch>()}, m_time{TIME_BURST_NS, Clock::now()}
{}

Streams::~Streams() = default;

std::size_t Streams::Channels()
{
    const std::lock_guard lock{m_mutex};
    m_writing = m_channels;
    return std::min(m_options.channel_bytes, m_options.total_bytes / std::max<std::size_t>(m_writing.size(), 1));
}

Result<> Streams::Write(std::span<const event::Event> batch)
{
    for (const event::Event& event : batch) m_nodes.Observe(event);
    if (m_quiet || m_active.load(std::memory_order_relaxed) == 0) return {};
    const std::size_t share{Channels()};
    std::uint64_t events{0};
    Clock::time_point now{Clock::now()};
    for (const auto& channel : m_writing) {
        const double budget_ns{std::max(0.0, m_time.Refill(m_options.max_time_share * 1e9, TIME_BURST_NS, now))};
        const auto deadline = now + std::chrono::nanoseconds{static_cast<std::int64_t>(budget_ns)};
        const auto appended = channel->Append(batch, m_nodes, now, deadline, share, *m_scratch);
        events += appended.events;
        Counters::Add(m_formatted, appended.events);
        Counters::Add(m_sampled_out, appended.sampled_out);
        Counters::Add(m_shed, appended.shed);
        const auto after = Clock::now();
        m_time.Charge(std::chrono::duration<double, std::nano>(after - now).count());
        now = after;
    }
    m_writing.clear();
    if (events != 0) Wake();
    return {};
}

void Streams::Moved(std::string_view members)
{
    const std::size_t share{Channels()};
    for (const auto& channel : m_writing) channel->Moved(members, share, *m_scratch);
    m_writing.clear();
    Wake();
}

void Streams::Wake()
{
    if (m_wake_pending.exchange(true)) return;
    const std::lock_guard lock{m_wake_mutex};
    if (m_wake) m_wake();
}

void Streams::SetWake(std::function<void()> wake)
{
    const std::lock_guard lock{m_wake_mutex};
    m_wake = std::move(wake);
}

Result<Streams::Followed> Streams::Follow(const Subscription& subscription)
{
    std::shared_ptr<StreamChannel> made_room; // its memory is given back outside the lock, which the pipeline's thread takes
    const std::lock_guard lock{m_mutex};
    if (m_clients.load(std::memory_order_relaxed) >= m_options.max_clients)
        return Error{Errc::Usage, fmt::format("there are {} subscribers already, no more are served", m_options.max_clients)};
    auto found = std::ranges::find_if(m_channels, [&](const auto& channel) { return channel->m_subscription.key == subscription.key; });
    if (found == m_channels.end()) {
        if (m_channels.size() >= m_options.max_channels) {
            // one that is only held for a client to come back makes room
            const auto longest = std::ranges::min_element(m_channels, {}, [](const auto& channel) {
                return channel->m_clients == 0 ? channel->m_idle_since : Clock::time_point::max();
            });
            if ((*longest)->m_clients != 0)
                return Error{Errc::Usage,
                             fmt::format("there are {} different subscriptions already, no more are served", m_channels.size())};
            made_room = std::move(*longest);
            m_channels.erase(longest);
        }
        const auto now_us = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch());
        m_newest_seq = std::max(m_newest_seq + 1, static_cast<std::uint64_t>(now_us.count()));
        m_channels.push_back(std::make_shared<StreamChannel>(subscription, m_options, m_newest_seq));
        found = std::prev(m_channels.end());
        m_active.store(m_channels.size(), std::memory_order_relaxed);
    }
    StreamChannel& channel{**found};
    ++channel.m_clients;
    Counters::Add(m_clients);

    Followed out;
    out.cursor.reset(new StreamCursor{*this, *found});
    StreamCursor& cursor{*out.cursor};
    const std::lock_guard channel_lock{channel.m_mutex};
    cursor.m_next = channel.m_next_seq;
    cursor.m_sampled_out = channel.m_sampled_out;
    if (subscription.resume_after) {
        const std::uint64_t wanted{*subscription.resume_after + 1};
        out.resumed = wanted >= channel.m_first_seq && wanted <= channel.m_next_seq;
        if (wanted <= channel.m_next_seq) { // of an older channel: all that this one holds came after it
            const std::uint64_t oldest{channel.m_chunks.empty() ? channel.m_next_seq : channel.m_chunks.front()->first_seq};
            out.missed = oldest > wanted ? oldest - wanted : 0;
            cursor.m_next = std::max(oldest, wanted);
            const auto after =
                std::ranges::upper_bound(channel.m_chunks, cursor.m_next, {}, [](const auto& chunk) { return chunk->first_seq; });
            if (cursor.m_next < channel.m_next_seq) cursor.m_sampled_out = (*std::prev(after))->sampled_out;
        }
        if (!out.resumed) out.missed.reset();
    }
    out.seq = cursor.m_next - 1;
    return out;
}

void Streams::Leave(StreamChannel& channel)
{
    const std::lock_guard lock{m_mutex};
    --channel.m_clients;
    channel.m_idle_since = Clock::now();
    Counters::Sub(m_clients);
}

void Streams::Expire(Clock::time_point now)
{
    std::vector<std::shared_ptr<StreamChannel>> expired; // memory is given back outside the lock
    const std::lock_guard lock{m_mutex};
    const auto keep = std::stable_partition(m_channels.begin(), m_channels.end(), [&](const auto& channel) {
        return channel->m_clients != 0 || now - channel->m_idle_since < m_options.linger;
    });
    expired.assign(std::make_move_iterator(keep), std::make_move_iterator(m_channels.end()));
    m_channels.erase(keep, m_channels.end());
    m_active.store(m_channels.size(), std::memory_order_relaxed);
}

StreamPositions Streams::Positions() const
{
    StreamPositions positions;
    const std::lock_guard lock{m_mutex};
    for (const auto& channel : m_channels) {
        const std::lock_guard channel_lock{channel->m_mutex};
        positions.push_back({channel->m_first_seq, channel->m_next_seq, channel->m_sampled_out});
    }
    return positions;
}

StreamStats Streams::Stats() const
{
    StreamStats stats;
    {
        const std::lock_guard lock{m_mutex};
        stats.channels = m_channels.size();
        for (const auto& channel : m_channels) stats.held_bytes += channel->HeldBytes();
    }
    stats.clients = m_clients.load(std::memory_order_relaxed);
    stats.formatted_total = m_formatted.load(std::memory_order_relaxed);
    stats.sampled_out_total = m_sampled_out.load(std::memory_order_relaxed);
    stats.shed_total = m_shed.load(std::memory_order_relaxed);
    stats.client_dropped_total = m_dropped.load(std::memory_order_relaxed);
    return stats;
}

StreamCursor::~StreamCursor() { m_streams.Leave(*m_channel); }

std::optional<std::uint64_t> StreamCursor::SeqAt(const StreamPositions& moment) const
{
    const auto position = std::ranges::find(moment, m_channel->m_first_seq, &StreamPosition::channel);
    return position == moment.end() ? std::nullopt : std::optional{position->next_seq - 1};
}

bool StreamCursor::MoveTo(const StreamPositions& moment)
{
    const auto position = std::ranges::find(moment, m_channel->m_first_seq, &StreamPosition::channel);
    if (position == moment.end()) return false;
    m_next = position->next_seq;
    m_sampled_out = position->sampled_out;
    return true;
}

StreamCursor::Taken StreamCursor::Take(std::size_t max_bytes)
{
    Taken taken;
    {
        StreamChannel& channel{*m_channel};
        const std::lock_guard lock{channel.m_mutex};
        if (m_next == channel.m_next_seq) return taken;
        const std::uint64_t oldest{channel.m_chunks.front()->first_seq};
        if (oldest > m_next) {
            taken.dropped = oldest - m_next;
            m_next = oldest;
        }
        auto at = std::prev(std::ranges::upper_bound(channel.m_chunks, m_next, {}, [](const auto& chunk) { return chunk->first_seq; }));
        taken.skip = static_cast<std::size_t>(m_next - (*at)->first_seq);
        std::size_t bytes{0};
        taken.moved = (*at)->moved;
        for (; at != channel.m_chunks.end() && (bytes == 0 || bytes + (*at)->json.size() <= max_bytes); ++at) {
            if (bytes != 0 && (taken.moved || (*at)->moved)) break; // a message of its own
            bytes += (*at)->json.size();
            taken.chunks.push_back(*at);
        }
        const EventChunk& last{*taken.chunks.back()};
        const std::uint64_t next{last.first_seq + last.starts.size()};
        taken.events = next - m_next;
        m_next = next;
        const std::uint64_t sampled_out{at == channel.m_chunks.end() ? channel.m_sampled_out : (*at)->sampled_out};
        taken.sampled_out = sampled_out - m_sampled_out;
        m_sampled_out = sampled_out;
    }
    Counters::Add(m_streams.m_dropped, taken.dropped);
    return taken;
}

} // namespace coretap::web
