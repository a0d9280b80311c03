// What a part of a recording holds, counted while it is written and again while it is verified; End blocks have it as JSON.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "archive/inspect.h"
#include "event/event.h"

namespace coretap::archive {

/** Counts by message type of one direction. Cheap to add to; types that nobody knows are bounded in number, since peers make them up. */
class MessageAmounts {
    struct Slot {
        std::uint64_t key[3]{}; //!< the type, NUL-padded
        std::uint8_t size{0};
        bool used{false};
        Amount amount;
    };
    static constexpr std::size_t SLOTS{512}; //!< a power of two
    static constexpr std::size_t MOST{256};
    std::vector<Slot> m_slots{SLOTS};
    std::size_t m_used{0};
    Amount m_other; //!< of the types that found no room

public:
    void Add(std::string_view type, std::uint64_t bytes) noexcept;
    /** By type; what found no room is `(other)`. Types are made printable. */
    std::map<std::string, Amount> ByType() const;
};

struct Totals {
    std::uint64_t events{0};
    std::uint64_t record_bytes{0};
    std::int64_t first_utc_ns{0};
    std::int64_t last_utc_ns{0};
    std::map<std::string, Amount> by_tracepoint;
    std::map<std::string, Amount> messages_in;
    std::map<std::string, Amount> messages_out;
    std::map<std::string, std::map<std::string, std::uint64_t>> lost;
    std::vector<RecordedNode> nodes;

    void Merge(const Totals& other);
};

boost::json::object ToJson(const Totals& totals);
/** What is missing or makes no sense stays at its default. */
Totals TotalsFromJson(const boost::json::object& object);

/** Adds up events. One thread. */
class Counter {
    std::array<Amount, CT_MAX_TRACEPOINTS> m_by_id{};
    std::array<const event::TracepointDef*, CT_MAX_TRACEPOINTS> m_defs{};
    MessageAmounts m_in, m_out;
    std::uint64_t m_events{0};
    std::uint64_t m_bytes{0};
    std::int64_t m_first_utc_ns{INT64_MAX};
    std::int64_t m_last_utc_ns{INT64_MIN};
    std::map<std::string, std::map<std::string, std::uint64_t>> m_lost;
    std::vector<RecordedNode> m_nodes;

    void AddOwn(const event::Event& event);

public:
    /** Of a coretap:node_found that is an introduction: the node counts, the event does not. */
    void AddNode(const event::Event& event);
    void Add(const event::Event& event)
    {
        const std::uint64_t bytes{event.Record().size()};
        const std::int64_t utc_ns{event.UtcNs()};
        ++m_events;
        m_bytes += bytes;
        if (utc_ns < m_first_utc_ns) m_first_utc_ns = utc_ns;
        if (utc_ns > m_last_utc_ns) m_last_utc_ns = utc_ns;
        Amount& amount{m_by_id[event.Id() % m_by_id.size()]};
        m_defs[event.Id() % m_defs.size()] = &event.Def();
        ++amount.events;
        amount.bytes += bytes;
        if (event::IsMessage(event)) {
            (event::IsInbound(event) ? m_in : m_out).Add(event.Str(event::message_arg::MSG_TYPE), event.Uint(event::message_arg::SIZE));
        } else if (event.Def().origin == event::Origin::Coretap) {
            AddOwn(event);
        }
    }
    Totals Sum() const;
};

} // namespace coretap::archive
