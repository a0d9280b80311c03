#include "state/message_times.h"

#include <algorithm>

#include "wire/message.h"

namespace coretap::state {

MessageSpans::Span* MessageSpans::Locate(std::uint32_t tid) noexcept
{
    for (Span& span : m_spans) {
        if (span.tid == tid && span.start_ns != 0) return &span;
    }
    return nullptr;
}

const MessageSpans::Span* MessageSpans::Find(std::uint32_t tid) const noexcept { return const_cast<MessageSpans*>(this)->Locate(tid); }

std::optional<MessageSpans::Ended> MessageSpans::End(Span& span, std::uint64_t now_ns)
{
    MessageTimes::PerType& type{m_totals.types[span.type]};
    const bool waited{now_ns - span.last_ns >= WAIT_NS};
    const auto at_least_ns = static_cast<std::int64_t>(span.last_ns - span.start_ns);
    const std::int64_t at_most_ns{waited ? at_least_ns : static_cast<std::int64_t>(now_ns - span.start_ns)};
    const std::int64_t peer_id{span.peer_id};
    span.start_ns = 0;
    constexpr std::int64_t DAY_NS{86'400'000'000'000}; // longer is no message's time but a record's invention
    const bool idle{waited && at_least_ns == 0};
    if (idle || at_most_ns < 0 || at_most_ns > DAY_NS) {
        ++type.idle;
        if (idle) type.at_least_seconds.Observe(0);
        return std::nullopt;
    }
    ++type.count;
    if (waited) ++type.ended_in_wait;
    type.total_ns += at_most_ns;
    type.max_ns = std::max(type.max_ns, at_most_ns);
    type.seconds.Observe(static_cast<double>(at_most_ns) / 1e9);
    type.total_at_least_ns += at_least_ns;
    type.at_least_seconds.Observe(static_cast<double>(at_least_ns) / 1e9);
    return Ended{peer_id, at_most_ns, at_least_ns};
}

std::optional<MessageSpans::Ended> MessageSpans::OnInbound(std::uint32_t tid, std::uint64_t now_ns, std::int64_t peer_id, std::uint8_t type)
{
    std::optional<Ended> ended;
    auto at{std::ranges::find(m_spans, tid, &Span::tid)};
    if (at == m_spans.end()) {
        if (m_spans.size() >= MAX_THREADS) m_spans.erase(m_spans.begin());
        at = m_spans.insert(m_spans.end(), Span{.tid = tid});
    } else if (at->start_ns != 0 && now_ns >= at->last_ns) {
        ended = End(*at, now_ns);
    }
    *at = {tid, now_ns, now_ns, peer_id, type};
    return ended;
}

std::optional<MessageSpans::Ended> MessageSpans::OnOutbound(std::uint32_t tid, std::uint64_t now_ns, std::int64_t peer_id,
                                                            std::uint8_t type)
{
    Span* const span{Locate(tid)};
    if (span == nullptr || now_ns < span->last_ns) return std::nullopt;
    // To others go from within a message: a compact block as soon as its header is good, and who shall announce blocks so from now on.
    const auto message{static_cast<wire::MessageType>(type)};
    const bool within{peer_id == span->peer_id || message == wire::MessageType::CmpctBlock || message == wire::MessageType::SendCmpct};
    if (!within || now_ns - span->last_ns >= WAIT_NS) return End(*span, now_ns);
    span->last_ns = now_ns;
    return std::nullopt;
}

void MessageSpans::OnOther(std::uint32_t tid, std::uint64_t now_ns) noexcept
{
    if (Span* const span{Locate(tid)}; span != nullptr && now_ns > span->last_ns) span->last_ns = now_ns;
}

} // namespace coretap::state
