// Which node a pid is, learned from the stream itself: coretap:node_found says so before the node's first event.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "event/event.h"
#include "event/json.h"

namespace coretap::pipeline {

/** Labels and start times of the nodes in a stream. Each consumer keeps its own. One thread. */
class NodeNames {
    struct Entry {
        std::uint32_t origin{0};
        std::uint32_t pid{0};
        std::string label;
        std::int64_t started_at{0};
        std::uint64_t gone_at_ns{0}; //!< monotonic; 0: still there
    };
    std::vector<Entry> m_entries;
    std::size_t m_last{0}; //!< where the last search ended: events come in runs of one node

    std::vector<Entry>::iterator Locate(const event::Event& event) noexcept;

public:
    /** Learn from coretap:node_found and coretap:node_gone; other events are passed over at once. */
    void Observe(const event::Event& event);
    /**
     * What is known of the process that fired the event; empty if nothing. Known for a while after node_gone too, since a node's last events
     * may come behind it. Valid until the next Observe.
     */
    event::NodeLabel Find(const event::Event& event) noexcept;
    /** Whether nodes with different labels run at the moment. */
    bool Several() const noexcept;
};

} // namespace coretap::pipeline
