// Turns events into what state/snapshot.h says. docs/state.md: what is kept, for how long, what is inferred.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "event/event.h"
#include "pipeline/counters.h"
#include "pipeline/ledger.h"
#include "pipeline/pipeline.h"
#include "state/snapshot.h"
#include "util/result.h"

namespace coretap::state {

class Node;
class AddressLists;

struct TrackerOptions {
    /** A peer of which nothing was seen for so long is taken for closed. Bitcoin Core disconnects after 20 minutes of silence. */
    std::int64_t peer_silence_ns{21 * 60 * 1'000'000'000LL};
};

/** Memory is bounded by the limits in state/snapshot.h, whatever peers send. One thread; what Take() gives may go to any. */
class Tracker : public pipeline::Sink {
    TrackerOptions m_options;
    std::shared_ptr<const AddressLists> m_lists;
    std::vector<std::unique_ptr<Node>> m_nodes; //!< in the order of their newest processes
    Node* m_last{nullptr};                      //!< of the event before: events come in runs of one node
    std::uint64_t m_events{0};
    std::uint32_t m_appeared{0}; //!< nodes so far
    std::int64_t m_last_utc_ns{0};
    bool m_lost{false};

public:
    /** Most nodes that are kept; beyond, the one that has been gone or silent the longest is forgotten. */
    static constexpr std::size_t MAX_NODES{64};
    /** Of nodes that ended, so many are kept, each for so long; the only node there is stays. */
    static constexpr std::size_t MAX_ENDED{8};
    static constexpr std::int64_t KEEP_ENDED_NS{24 * 3600 * 1'000'000'000LL};

    explicit Tracker(TrackerOptions options = {});
    Tracker(const Tracker&) = delete;
    Tracker& operator=(const Tracker&) = delete;
    ~Tracker() override;

    std::string_view Name() const noexcept override { return "state"; }
    /** Never fails. */
    util::Result<> Write(std::span<const event::Event> batch) override;
    util::Result<> Flush() override { return {}; }

    /** Forgets everything: what is written from now on is the beginning. */
    void Reset();

    /** From now on; Reset() does not forget them. */
    void SetLists(std::shared_ptr<const AddressLists> lists);

    /** Exact counts, as pipeline::Source::ExactCounters() gives them; from then on they stand for the tracker's own sums. */
    void SetExact(std::span<const pipeline::ProcessCounters> counters);

    /**
     * All of it as of now. `now_utc_ns` ends seconds in which nothing happened; 0: the time of the last event, as for a recording. Peers
     * that are silent for too long are closed here.
     */
    std::shared_ptr<const Snapshot> Take(std::int64_t now_utc_ns, const pipeline::Ledger& ledger);

private:
    void OnEvent(const event::Event& event);
    /** The node whose process fired it; null if it is not known. */
    Node* Find(const event::Event& event);
    Node& Add(const event::Event& event);
    void OnNodeFound(const event::Event& event);
    void OnLost(const event::Event& event);
    void ForgetEnded(std::int64_t now_utc_ns);
};

} // namespace coretap::state
