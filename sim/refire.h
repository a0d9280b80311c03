// Fires a recorded event again: through the probe of the same name, with the arguments it was recorded with.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "event/event.h"
#include "sim/probes.h"
#include "util/fd.h"

namespace coretap::sim {

/** How often, by tracepoint (`provider:name`) and reason. */
using Tally = std::map<std::string, std::map<std::string, std::uint64_t>>;

/**
 * What cannot be fired is counted, and so is what is fired with less than the node had. One thread.
 *
 * A pointer that could not be read is passed as null, which faults again in a tracer. Of a payload or byte array that was
 * cut when recorded, the size is the node's, and zeros stand for the bytes that nobody captured. A string that was cut is one byte longer than what
 * was captured, so that who cuts it at the same bound sees the same.
 */
class Refirer {
public:
    /** `probes` must outlive it. */
    explicit Refirer(Probes& probes) : m_probes{probes} {}

    /** The catalogue of the event's row must outlive us. */
    void Fire(const event::Event& event);
    /** For what is no event, or of no row. */
    void CountNotReplayed(const std::string& tracepoint, std::string_view reason);
    /** Events that were not fired. */
    const Tally& NotReplayed() const { return m_not_replayed; }
    /** Arguments that were fired with something else than what the node had. */
    const Tally& Altered() const { return m_altered; }

    /** The arguments of the event at hand, as a probe takes them. Pointers are valid until the next event. */
    class Arguments {
        /** Readable zeros, with room for the longest payload in front, and behind them a page that nobody can read. */
        class Zeros {
            util::Mapping m_mapping;
            std::size_t m_dirty{0};

        public:
            const std::uint8_t* With(std::span<const std::byte> head);
        };

        const event::Event* m_event{nullptr};
        std::array<std::string, CT_MAX_ARGS> m_texts; // kept, for their memory
        std::array<Zeros, CT_MAX_ARGS> m_zeros;

        const char* Text(std::size_t i);
        const std::uint8_t* Pointer(std::size_t i);

    public:
        void Of(const event::Event& event) { m_event = &event; }
        template <class T>
        T Get(std::size_t i)
        {
            if constexpr (std::is_same_v<T, const char*>) {
                return Text(i);
            } else if constexpr (std::is_same_v<T, const std::uint8_t*>) {
                return Pointer(i);
            } else {
                return static_cast<T>(m_event->Faulted(i) ? 0 : m_event->Uint(i));
            }
        }
    };

private:
    using FireFunction = void (*)(Probes&, Arguments&);
    /** What becomes of the events of a row of the catalogue. */
    struct Plan {
        FireFunction fire{nullptr};
        std::string_view why_not; //!< if it is null
    };
    static Plan PlanFor(const event::TracepointDef& def);
    void CountAltered(const event::Event& event);

    Probes& m_probes;
    Arguments m_arguments;
    std::unordered_map<const event::TracepointDef*, Plan> m_plans;
    Tally m_not_replayed;
    Tally m_altered;
};

} // namespace coretap::sim
