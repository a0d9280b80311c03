// Counts that are exact whatever happened to the events: a live source has them from the kernel.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

namespace coretap::pipeline {

struct MessageCount {
    std::uint64_t count{0};
    std::uint64_t bytes{0}; //!< payload, without the transport's header
    MessageCount& operator+=(const MessageCount& other) noexcept
    {
        count += other.count;
        bytes += other.bytes;
        return *this;
    }
    bool operator==(const MessageCount&) const = default;
};

/** What one process has fired since the source began, withheld and lost included. */
struct ProcessCounters {
    /** Messages of one kind; kinds that did not occur are left out. */
    struct Messages {
        std::uint8_t direction{0};    //!< 0: from peers, 1: to peers
        std::uint8_t conn_type{0};    //!< event::ConnectionTypes(), 0: other
        std::uint8_t message_type{0}; //!< event::MessageTypes(), 0: other
        MessageCount total;
    };
    std::uint32_t pid{0};
    std::int64_t started_at_s{0}; //!< as coretap:node_found has it: a pid may come again
    std::vector<Messages> messages{};
    /** By id, of the built-in tracepoints; those that did not fire are left out. */
    std::map<std::uint16_t, std::uint64_t> fired{};
    std::uint64_t coins_added{0};    //!< utxocache:add
    std::uint64_t coins_spent{0};    //!< utxocache:spent
    std::uint64_t coins_uncached{0}; //!< utxocache:uncache
};

} // namespace coretap::pipeline
