// Moving in a recording that `coretap serve` shows: what clients ask for, on its way from the web server's thread to the pipeline's.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "archive/replay_source.h"
#include "state/tracker.h"
#include "util/result.h"
#include "web/replay_command.h"
#include "web/streams.h"

namespace coretap::app {

struct ReplayControlOptions {
    std::int64_t from_utc_ns{0};
    std::optional<std::int64_t> to_utc_ns{};    //!< not known of a pipe
    std::string why_not_moved{};                //!< not empty: it cannot go to another time, for this reason
    std::function<void(std::string)> publish{}; //!< the section `replay`; any thread
    /** Of the files, read to make up the state of a time: about a second's work. Where more lies before it, the state begins later. */
    std::uint64_t most_bytes{128U << 20};
};

/**
 * The state at a time is that of a replay which came there from the beginning; in a large recording from a while before, which
 * `state_since_utc_ms` says. The source, the tracker and the streams are the pipeline thread's, as is everything here but Post().
 */
class ReplayControl {
    /** What the section `replay` says. */
    struct State {
        std::int64_t at_utc_ns{0}; //!< of what is shown
        double speed{0};
        bool paused{false};
        bool ended{false};
        std::int64_t since_utc_ns{0};
        std::uint64_t moves{0};
        std::optional<std::int64_t> going_to_utc_ns{};
        std::int64_t come_to_utc_ns{0}; //!< on the way there
    };

    archive::ReplaySource& m_source;
    state::Tracker& m_tracker;
    web::Streams& m_streams;
    const ReplayControlOptions m_options;
    bool m_untold{false}; //!< clients of the streams have not heard of the last move

    std::mutex m_mutex;
    web::ReplayCommand m_asked; //!< the last of each kind
    State m_state;
    std::string m_closed;

public:
    ReplayControl(archive::ReplaySource& source, state::Tracker& tracker, web::Streams& streams, ReplayControlOptions options);

    /**
     * Any thread; never waits. Publishes and gives the section as it will be, or says why that cannot be. Of what is not done yet the last
     * counts.
     */
    util::Result<std::string> Post(const web::ReplayCommand& command);

    /** Between two Pulls: does what was asked for, and looks how far it is. True if it is worth being shown at once. */
    bool Apply();
    /** On the way to another time: what the tracker has is of neither. */
    bool Moving() const noexcept { return m_state.going_to_utc_ns.has_value(); }
    bool Ended() const noexcept { return m_state.ended; }
    /** Publishes the section `replay`. */
    void Publish();
    /** The snapshot of now is published: whoever follows the events is told of a move. */
    void Shown();
    /** Nothing can be asked for any more. */
    void Close(std::string why);

private:
    void GoTo(std::int64_t utc_ns);
    /** As it will be when what was asked for is done. Under the mutex. */
    std::string Json() const;
};

} // namespace coretap::app
