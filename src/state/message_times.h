// How long the node's message-handler thread is at a peer's message, from the firings on it alone.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "state/snapshot.h"

namespace coretap::state {

/**
 * Two bounds of it: MessageTimes. Bitcoin Core's thread does, for each peer, ProcessMessages() (one message, whose firing is its beginning) and SendMessages(), and when
 * nothing is left to do waits up to 100 ms. So a message's time ends at the first firing on its thread that cannot be of it: the
 * next message, or one to another peer. What fires in between and can only come from processing (validation, mempool, UTXO cache)
 * or is to the same peer belongs to it. Where 100 ms or more lie before a firing that need not be of the message, the thread
 * may have waited: the time ends at the firing before, or is left out if there is none.
 */
class MessageSpans {
public:
    /** A message under way. */
    struct Span {
        std::uint32_t tid{0};
        std::uint64_t start_ns{0}; //!< kernel time; 0: none
        std::uint64_t last_ns{0};  //!< last firing that is of it
        std::int64_t peer_id{0};
        std::uint8_t type{0};
    };
    /** Time of one that ended. */
    struct Ended {
        std::int64_t peer_id{0};
        std::int64_t at_most_ns{0};
        std::int64_t at_least_ns{0};
    };
    /** The wait of an idle thread (condMsgProc.wait_until, src/net.cpp). */
    static constexpr std::uint64_t WAIT_NS{100'000'000};

    /** The thread's message under way, if there is one. */
    const Span* Find(std::uint32_t tid) const noexcept;
    /** A message from a peer fires: what was under way on the thread ends. */
    std::optional<Ended> OnInbound(std::uint32_t tid, std::uint64_t now_ns, std::int64_t peer_id, std::uint8_t type);
    std::optional<Ended> OnOutbound(std::uint32_t tid, std::uint64_t now_ns, std::int64_t peer_id, std::uint8_t type);
    /** Something fires that is no message. */
    void OnOther(std::uint32_t tid, std::uint64_t now_ns) noexcept;
    /** Firings are missing, or the process ended: nobody knows when what is under way ends. */
    void Abandon() { m_spans.clear(); }

    const MessageTimes& Totals() const noexcept { return m_totals; }

private:
    static constexpr std::size_t MAX_THREADS{16}; //!< a node has one that takes messages
    std::vector<Span> m_spans;
    MessageTimes m_totals;

    Span* Locate(std::uint32_t tid) noexcept;
    std::optional<Ended> End(Span& span, std::uint64_t now_ns);
};

} // namespace coretap::state
