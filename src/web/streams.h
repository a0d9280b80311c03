// Live events for WebSocket clients. The pipeline's thread formats each event once for all clients that asked for the same; clients
// read at their own pace, and whoever is too slow misses events and is told how many.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/node_names.h"
#include "pipeline/pipeline.h"
#include "web/guard.h"
#include "web/stats.h"
#include "web/subscription.h"

namespace coretap::web {

class StreamChannel;
struct StreamScratch;

struct StreamsOptions {
    std::size_t max_channels{16}; //!< distinct subscriptions at a time
    std::size_t max_clients{128};
    // What a channel holds for clients that are behind or come back, and all of them together: then each has an equal share.
    std::size_t channel_bytes{4 << 20};
    std::size_t total_bytes{32 << 20};
    std::size_t channel_events{16384};
    double max_events_per_s{20'000}; //!< of a channel, whatever its clients ask for
    double max_time_share{0.25};     //!< of the pipeline's thread, for all channels together; beyond, events are left out and counted
    std::chrono::steady_clock::duration linger{std::chrono::seconds{60}}; //!< how long a channel is held after its last client
};

/** Some events one after the other, as JSON: `{...},{...}`. Immutable once it is in a channel. */
struct EventChunk {
    std::string json;
    std::vector<std::uint32_t> starts; //!< where each event begins
    std::uint64_t first_seq{0};        //!< the others follow without a gap
    std::uint64_t sampled_out{0};      //!< by the channel, before its first event
    bool moved{false};                 //!< not events, but members for a message that the time was moved; one number, as an event

    /** What it takes in memory, all in all. */
    std::size_t Bytes() const noexcept;
};

/** How far a channel was at some moment. */
struct StreamPosition {
    std::uint64_t channel{0}; //!< its first number, which no other has
    std::uint64_t next_seq{0};
    std::uint64_t sampled_out{0};
};
using StreamPositions = std::vector<StreamPosition>;

/** One client's place in a channel. The web thread's. */
class StreamCursor {
    class Streams& m_streams;
    std::shared_ptr<StreamChannel> m_channel;
    std::uint64_t m_next{0};
    std::uint64_t m_sampled_out{0};

    friend class Streams;
    StreamCursor(Streams& streams, std::shared_ptr<StreamChannel> channel) : m_streams{streams}, m_channel{std::move(channel)} {}

public:
    struct Taken {
        std::vector<std::shared_ptr<const EventChunk>> chunks; //!< empty: nothing new
        std::size_t skip{0};                                   //!< events of the first chunk that are not meant
        std::uint64_t events{0};
        std::uint64_t dropped{0};     //!< events that are gone, because this came too late
        std::uint64_t sampled_out{0}; //!< events that max_events_per_s left out, since the last time
        bool moved{false};            //!< the one chunk is no event, but says that the time was moved
    };
    ~StreamCursor();
    StreamCursor(const StreamCursor&) = delete;
    StreamCursor& operator=(const StreamCursor&) = delete;

    /** Of the last event before what comes next. */
    std::uint64_t Seq() const noexcept { return m_next - 1; }
    /** Of the last event of its channel at that moment; nothing if there was no such channel yet. */
    std::optional<std::uint64_t> SeqAt(const StreamPositions& moment) const;
    /** What comes next is what came after that moment, as far as it is held. False if there was no such channel yet. */
    bool MoveTo(const StreamPositions& moment);
    /** What comes next: at least one chunk if there is any, and others up to `max_bytes`. */
    Taken Take(std::size_t max_bytes);
};

/**
 * Events for subscribers. `seq` numbers the events of one channel without a gap, so that whoever sees a gap has missed something; a new
 * channel begins at the present time in microseconds, so a number of an older one is never mistaken for one of it.
 *
 * Write is the pipeline thread's and costs next to nothing while nobody listens; it never waits for a client: the locks are held by
 * the other side only while a few pointers are copied. Follow, Expire, Awake and cursors are the web thread's. Must outlive the cursors.
 */
class Streams final : public pipeline::Sink {
    const event::Catalogue& m_catalogue;
    const StreamsOptions m_options;

    // the pipeline thread's
    bool m_quiet{false};
    pipeline::NodeNames m_nodes;
    std::vector<std::shared_ptr<StreamChannel>> m_writing;
    std::unique_ptr<StreamScratch> m_scratch;
    TokenBucket m_time; //!< nanoseconds

    mutable std::mutex m_mutex; //!< m_channels and what Streams keeps in them
    std::vector<std::shared_ptr<StreamChannel>> m_channels;
    std::uint64_t m_newest_seq{0};
    std::atomic<std::size_t> m_active{0}; //!< m_channels.size()

    std::mutex m_wake_mutex;
    std::function<void()> m_wake;
    std::atomic<bool> m_wake_pending{false};

    std::atomic<std::uint64_t> m_clients{0}, m_formatted{0}, m_sampled_out{0}, m_shed{0}, m_dropped{0};

    friend class StreamCursor;
    /** m_channels into m_writing. What each of them may hold, in bytes. The pipeline thread. */
    std::size_t Channels();
    void Leave(StreamChannel& channel);
    void Wake();

public:
    explicit Streams(const event::Catalogue& catalogue, StreamsOptions options = {});
    ~Streams() override;

    std::string_view Name() const noexcept override { return "streams"; }
    util::Result<> Write(std::span<const event::Event> batch) override;
    util::Result<> Flush() override { return {}; }

    // Of a recording; the pipeline's thread.
    /** While it is, events are not for clients: they only lead to another time. */
    void SetQuiet(bool quiet) noexcept { m_quiet = quiet; }
    /** Tells the clients, between what was written before and after, that it is another time now: these members of a JSON object. */
    void Moved(std::string_view members);
    /** How far the channels are: of what was written so far. The pipeline's thread. */
    StreamPositions Positions() const;

    /** What to call, from the pipeline's thread and briefly, when there is something new: once until Awake(). Empty: nothing. */
    void SetWake(std::function<void()> wake);
    void Awake() noexcept { m_wake_pending.store(false); }

    struct Followed {
        std::unique_ptr<StreamCursor> cursor;
        std::uint64_t seq{0};                   //!< of the last event before the first that the cursor gives
        bool resumed{false};                    //!< it goes on where resume_after was
        std::optional<std::uint64_t> missed{0}; //!< events after resume_after that are not held any more; unknown: of another channel
    };
    /** From now on, or from after `resume_after` as far as it is held. Fails with Usage if there are too many channels or clients. */
    util::Result<Followed> Follow(const Subscription& subscription);
    /** Let go of channels that nobody has followed for long enough. */
    void Expire(std::chrono::steady_clock::time_point now);

    const event::Catalogue& Catalogue() const noexcept { return m_catalogue; }
    /** Any thread. */
    StreamStats Stats() const;
};

} // namespace coretap::web
