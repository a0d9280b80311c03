// A channel of Streams: one subscription, its latest events, and how many follow it.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "pipeline/node_names.h"
#include "web/guard.h"
#include "web/streams.h"

namespace coretap::web {

/** What the pipeline thread needs while it appends to one channel after the other. */
struct StreamScratch {
    std::vector<const event::Event*> matching;
    EventChunk chunk; //!< being made; what is kept is a copy that is no larger than it must be
    std::vector<std::shared_ptr<const EventChunk>> done, evicted;
};

class StreamChannel {
    const Subscription m_subscription;
    const double m_rate;
    const double m_burst;
    const std::size_t m_max_events;

    // the pipeline thread's
    TokenBucket m_allowed;

    mutable std::mutex m_mutex;
    std::deque<std::shared_ptr<const EventChunk>> m_chunks;
    std::size_t m_bytes{0};
    std::size_t m_events{0};
    std::uint64_t m_next_seq;
    std::uint64_t m_sampled_out{0};

    friend class StreamCursor;
    friend class Streams;
    const std::uint64_t m_first_seq;
    // under the mutex of Streams
    std::size_t m_clients{0};
    std::chrono::steady_clock::time_point m_idle_since{};

public:
    struct Appended {
        std::uint64_t events{0};
        std::uint64_t sampled_out{0};
        std::uint64_t shed{0}; //!< of those, because `deadline` had passed
    };

    StreamChannel(Subscription subscription, const StreamsOptions& options, std::uint64_t first_seq);
    /** The pipeline thread. Formats what matches, until `deadline`; the rest is left out. Holds no more than `max_bytes` afterwards. */
    Appended Append(std::span<const event::Event> batch, pipeline::NodeNames& nodes, std::chrono::steady_clock::time_point now,
                    std::chrono::steady_clock::time_point deadline, std::size_t max_bytes, StreamScratch& scratch);
    /** The pipeline thread. Goes between the events before and after. */
    void Moved(std::string_view members, std::size_t max_bytes, StreamScratch& scratch);
    std::size_t HeldBytes() const;

private:
    void Keep(StreamScratch& scratch, std::uint64_t next_seq, std::uint64_t sampled_out, std::size_t max_bytes);
};

} // namespace coretap::web
