// The live Source: reads the ring without privileges, turns ring records into canonical ones in the order of firing,
// keeps the ledger. The privileged work is done by the attacher, a child process.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <sys/types.h>

#include "event/catalogue.h"
#include "pipeline/pipeline.h"
#include "tracer/attacher.h"
#include "tracer/channel.h"
#include "tracer/ring.h"

namespace coretap::tracer {

/** What the reader tells the user beside the events; one sentence, no newline. */
using OnNotice = std::function<void(const std::string&)>;

/** The strings of peers whose messages come without them; as many as the kernel's peer cache can know, and some. */
class PeerStrings {
public:
    struct Entry {
        std::uint32_t tgid{0};
        std::int64_t peer_id{0};
        std::string addr;
        std::string conn_type;
        std::uint16_t cut_mask{0};
        std::uint16_t fault_mask{0};
    };

private:
    // Two CPUs may fill one slot at the same time, and the last in the ring need not be the last in the cache.
    static constexpr std::size_t DEPTH{4};
    std::vector<std::array<Entry, DEPTH>> m_slots{CT_PEER_SLOTS};

public:
    void Put(const ct_ring_peer& peer);
    const Entry* Find(std::uint32_t tgid, std::int64_t peer_id) const noexcept;
    void Forget(std::uint32_t tgid);
};

class LiveSource : public pipeline::Source {
    const event::Catalogue& m_catalogue;
    OnNotice m_notice;
    TraceOptions m_options;
    Channel m_channel;
    pid_t m_attacher{-1};
    util::Fd m_doorbell;
    std::optional<Ring> m_ring;
    PeerStrings m_peers;

    struct Known {
        bool wanted{true};
        std::string label;
        std::int64_t started_at_s{0};
        std::string image; //!< of m_attachments
    };
    std::map<std::uint32_t, Known> m_nodes;
    std::map<std::string, pipeline::SourceHealth::Attachment> m_attachments; //!< by the attacher's name for the file
    struct Gone {
        std::chrono::steady_clock::time_point since;
        std::uint64_t produced{0}; //!< where in the ring its last record ends at the latest
    };
    std::map<std::uint32_t, Gone> m_gone;                   //!< ended, counters not yet given back
    std::deque<pipeline::ProcessCounters> m_ended_counters; //!< of processes whose counters were given back, the newest MAX_ENDED
    static constexpr std::size_t MAX_ENDED{16};
    std::uint64_t m_asked_at_ns{0}; //!< time of the record whose process the attacher was asked for
    std::uint64_t m_emitted_ns{0};  //!< time of the last record handed over
    std::uint32_t m_last_tgid{0};   //!< of the record before: saves looking up its node
    bool m_last_wanted{true};

    struct Pending {
        std::uint64_t ts_ns;
        std::uint32_t offset;
        std::uint32_t size;
    };
    std::vector<std::byte> m_bytes; //!< canonical records, each at a multiple of 8
    std::vector<Pending> m_pending; //!< by order of reservation, nearly that of firing
    bool m_in_order{true};
    std::int64_t m_utc_offset_ns{0};

    mutable pipeline::Ledger m_ledger;
    std::array<pipeline::Tally, CT_MAX_TRACEPOINTS> m_tallies{}; //!< what the reader knows: delivered, malformed, given-back counters
    std::map<std::pair<std::uint16_t, std::size_t>, std::uint64_t> m_losses_told;
    int m_stuck{0};         //!< drains after the end that met an unfinished record
    bool m_ready{false};    //!< what could be found is attached
    bool m_stopping{false}; //!< perhaps before it was ready: a process of --pid may end at any time
    bool m_ended{false};
    bool m_dead{false};
    std::optional<util::Error> m_failure; //!< the attacher died; told once what it left in the ring has been read
    std::string m_dead_reason;

    LiveSource(const event::Catalogue& catalogue, OnNotice notice, TraceOptions options);

public:
    LiveSource(const LiveSource&) = delete;
    LiveSource& operator=(const LiveSource&) = delete;
    ~LiveSource() override;

    /**
     * Start the attacher, wait until what can be found is attached, give up this process's privileges. Must be called
     * while the process has one thread.
     */
    static util::Result<std::unique_ptr<LiveSource>> Start(const event::Catalogue& catalogue, TraceOptions options, OnNotice notice);

    /** As Source. Sleeps at most 10 ms while events flow, 25 ms otherwise. */
    util::Result<Step> Pull(pipeline::Batch& batch, std::chrono::milliseconds patience) override;
    const pipeline::Ledger& Losses() const override;
    /** Of all processes that are traced, and of the last that ended. Reading them costs the nodes nothing. */
    void ExactCounters(std::vector<pipeline::ProcessCounters>& counters) const override;
    std::optional<pipeline::SourceHealth> Health() const override;
    /** Detach from everything. Pull goes on with what is in the ring, and then says End. */
    void Stop();
    /** Nodes being traced now. */
    std::size_t NodeCount() const noexcept { return m_nodes.size(); }

private:
    util::Result<> ReadChannel(std::chrono::milliseconds patience);
    void OnMessage(const Message& message);
    bool Wanted(std::uint32_t tgid, std::uint64_t ts_ns);
    void OnRecord(std::uint32_t kind, std::span<const std::byte> bytes);
    void OnP2pMessage(std::span<const std::byte> bytes);
    void Push(std::size_t start, std::uint64_t ts_ns);
    void Emit(pipeline::Batch& batch, std::uint64_t horizon_ns);
    void TellLosses();
    void GiveBackCounters();
    /** Have the kernel send the strings of this process's peers again. */
    void ClearPeerTags(std::uint32_t tgid);
    pipeline::ProcessCounters CountersOf(std::uint32_t row) const;
    void AddCounters(std::uint32_t row, std::array<pipeline::Tally, CT_MAX_TRACEPOINTS>& tallies) const;
};

} // namespace coretap::tracer
