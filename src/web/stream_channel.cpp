#include "web/stream_channel.h"

#include <algorithm>

#include "util/text.h"

namespace coretap::web {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t CHUNK_BYTES{64 << 10};
/** Of longer payloads (blocks) clients get the summary: their JSON would be megabytes. */
constexpr std::size_t MAX_FULL_PAYLOAD{128 << 10};
/** Payloads are not shown as hex: whoever wants bytes makes a recording. */
constexpr event::PayloadBounds NO_PAYLOAD{};

bool AlwaysTaken(const event::Event& event) { return event.Def().origin == event::Origin::Coretap; }

event::JsonOptions OptionsFor(const event::Event& event, event::Decode decode)
{
    if (decode == event::Decode::Full && event::HasPayload(event) && event.Bytes(event::message_arg::PAYLOAD).size() > MAX_FULL_PAYLOAD)
        decode = event::Decode::Short;
    return {decode, &NO_PAYLOAD};
}

} // namespace

std::size_t EventChunk::Bytes() const noexcept
{
    constexpr std::size_t OF_THE_ALLOCATOR{3 * 2 * sizeof(void*) + 4 * sizeof(void*)}; // three pieces; pointer and counters of shared_ptr
    return sizeof(*this) + OF_THE_ALLOCATOR + json.capacity() + starts.capacity() * sizeof(starts[0]);
}

StreamChannel::StreamChannel(Subscription subscription, const StreamsOptions& options, std::uint64_t first_seq)
    : m_subscription{std::move(subscription)},
      m_rate{m_subscription.max_events_per_s > 0 ? std::min(m_subscription.max_events_per_s, options.max_events_per_s) :
                                                   options.max_events_per_s},
      m_burst{std::max(1.0, m_rate / 4)},
      m_max_events{options.channel_events},
      m_allowed{m_burst, Clock::now()},
      m_next_seq{first_seq},
      m_first_seq{first_seq}
{}

StreamChannel::Appended StreamChannel::Append(std::span<const event::Event> batch, pipeline::NodeNames& nodes, Clock::time_point now,
                                              Clock::time_point deadline, std::size_t max_bytes, StreamScratch& scratch)
{
    scratch.matching.clear();
    std::size_t countable{0};
    for (const event::Event& event : batch) {
        if (!m_subscription.filter.Matches(event, nodes.Find(event).label)) continue;
        scratch.matching.push_back(&event);
        if (!AlwaysTaken(event)) ++countable;
    }
    if (scratch.matching.empty() && m_bytes <= max_bytes) return {};

    // Spread evenly over the batch: what is shown is like what happened. Only this thread writes the members read without lock.
    const double tokens{std::max(0.0, m_allowed.Refill(m_rate, m_burst, now))};
    const std::size_t allowed{std::min(countable, static_cast<std::size_t>(tokens))};
    Appended result;
    EventChunk& chunk{scratch.chunk};
    std::uint64_t seq{m_next_seq};
    std::size_t index{0};
    std::size_t taken{0};
    const auto finish_chunk = [&] {
        if (chunk.starts.empty()) return;
        scratch.done.push_back(std::make_shared<EventChunk>(chunk));
        chunk.json.clear();
        chunk.starts.clear();
    };
    for (const event::Event* const event : scratch.matching) {
        if (!AlwaysTaken(*event)) {
            const bool wanted{(index + 1) * allowed / countable != index * allowed / countable};
            ++index;
            const bool late{wanted && Clock::now() > deadline};
            if (!wanted || late) {
                ++result.sampled_out;
                result.shed += late ? 1 : 0;
                continue;
            }
            ++taken;
        }
        if (chunk.json.size() >= CHUNK_BYTES) finish_chunk();
        if (chunk.starts.empty()) {
            chunk.first_seq = seq;
            chunk.sampled_out = m_sampled_out + result.sampled_out;
        }
        std::string& json{chunk.json};
        if (!json.empty()) json += ',';
        chunk.starts.push_back(static_cast<std::uint32_t>(json.size()));
        json += "{\"seq\":";
        util::AppendNumber(json, seq++);
        const std::size_t brace{json.size()};
        event::AppendJson(json, *event, nodes.Find(*event), OptionsFor(*event, m_subscription.decode));
        json[brace] = ','; // where the event's own object began
    }
    m_allowed.Charge(static_cast<double>(taken));
    finish_chunk();
    result.events = seq - m_next_seq;
    Keep(scratch, seq, m_sampled_out + result.sampled_out, max_bytes);
    return result;
}

void StreamChannel::Keep(StreamScratch& scratch, std::uint64_t next_seq, std::uint64_t sampled_out, std::size_t max_bytes)
{
    {
        const std::lock_guard lock{m_mutex};
        m_next_seq = next_seq;
        m_sampled_out = sampled_out;
        for (auto& done : scratch.done) {
            m_bytes += done->Bytes();
            m_events += done->starts.size();
            m_chunks.push_back(std::move(done));
        }
        while (m_chunks.size() > 1 && (m_bytes > max_bytes || m_events > m_max_events)) {
            m_bytes -= m_chunks.front()->Bytes();
            m_events -= m_chunks.front()->starts.size();
            scratch.evicted.push_back(std::move(m_chunks.front()));
            m_chunks.pop_front();
        }
    }
    scratch.done.clear();
    scratch.evicted.clear(); // memory is given back outside the lock
}

void StreamChannel::Moved(std::string_view members, std::size_t max_bytes, StreamScratch& scratch)
{
    auto chunk{std::make_shared<EventChunk>()};
    chunk->json = R"({"type":"moved","seq":)";
    util::AppendNumber(chunk->json, m_next_seq);
    chunk->json += ',';
    chunk->json += members;
    chunk->json += '}';
    chunk->starts.push_back(0);
    chunk->first_seq = m_next_seq;
    chunk->sampled_out = m_sampled_out;
    chunk->moved = true;
    scratch.done.push_back(std::move(chunk));
    Keep(scratch, m_next_seq + 1, m_sampled_out, max_bytes);
}

std::size_t StreamChannel::HeldBytes() const
{
    const std::lock_guard lock{m_mutex};
    return m_bytes;
}

} // namespace coretap::web
