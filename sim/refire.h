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
    /**
     * We are one process, in which a peer's id means one peer, as in Bitcoin Core (CConnman::nLastNodeId): a tracer may rely on it. So
     * peers of the second recorded process get this much more, of the third twice as much.
     */
    static constexpr std::uint64_t PEERS_OF_A_PROCESS{1'000'000'000};

    /** `probes` must outlive it. */
    explicit Refirer(Probes& probes) : m_probes{probes} {}

    /** The event of the recorded process that was the `process`th to come, from 0. The catalogue of its row must outlive us. */
    void Fire(const event::Event& event, std::size_t process = 0);
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
        std::uint64_t m_peer_offset{0};
        std::array<std::string, CT_MAX_ARGS> m_texts; // kept, for their memory
        std::array<Zeros, CT_MAX_ARGS> m_zeros;

        const char* Text(std::size_t i);
        const std::uint8_t* Pointer(std::size_t i);

    public:
        /** `peer_offset` is added to ids of peers. */
        void Of(const event::Event& event, std::uint64_t peer_offset)
        {
            m_event = &event;
            m_peer_offset = peer_offset;
        }
        template <class T>
        T Get(std::size_t i)
        {
            if constexpr (std::is_same_v<T, const char*>) {
                return Text(i);
            } else if constexpr (std::is_same_v<T, const std::uint8_t*>) {
                return Pointer(i);
            } else {
                const bool peer{m_event->Def().args[i].unit == event::Unit::PeerId};
                return static_cast<T>(m_event->Faulted(i) ? 0 : m_event->Uint(i) + (peer ? m_peer_offset : 0));
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
