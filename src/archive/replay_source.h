// Recordings as a Source: what was recorded flows through the same pipeline again.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "archive/open_file.h"
#include "archive/session_info.h"
#include "event/catalogue.h"
#include "pipeline/pipeline.h"
#include "util/fd.h"

namespace coretap::archive {

struct ReplayOptions {
    std::optional<std::int64_t> since_utc_ns{}; //!< events from then on
    std::optional<std::int64_t> until_utc_ns{}; //!< events before that
    double speed{0};                            //!< 1: as recorded, 10: ten times as fast, 0: as fast as it goes
};

/** A sentence for the user, no newline. */
using OnNotice = std::function<void(const std::string&)>;

/**
 * One or several recordings, merged in order of UTC. Several files of one session (a rotated recording) are one stream, put in order
 * by their parts. Recordings of different sessions have different origins (event::Event::Origin(), from 1). Files are opened
 * at once; reading them needs no privileges. A file that cannot be sought in, as a pipe, is read from its start; stdin is `-`.
 *
 * Damage is skipped, and said in a notice and, where it stood, by a `coretap:lost` (tracepoint `recording`, reason
 * `damaged`, the number of records as far as the block's header still tells). A node that was found before `since` is introduced
 * before the first event. Memory does not grow with the length of the recordings.
 */
class ReplaySource final : public pipeline::Source {
    class Impl;
    std::unique_ptr<Impl> m_impl;

    explicit ReplaySource(std::unique_ptr<Impl> impl);

public:
    /**
     * Reads what the files' sessions say. Rows of tracepoints that `catalogue` does not know, or knows in
     * another form, are added to it (as Origin::User); records are given its ids as they are read. Fails with NotFound, Permission, Io, and Malformed: no
     * recording, or one of a newer version of coretap.
     */
    static util::Result<std::unique_ptr<ReplaySource>> Open(std::vector<OpenFile> files, event::Catalogue& catalogue, ReplayOptions options,
                                                            OnNotice notice);
    /** Opens the files besides. */
    static util::Result<std::unique_ptr<ReplaySource>> Open(const std::vector<std::filesystem::path>& paths, event::Catalogue& catalogue,
                                                            ReplayOptions options, OnNotice notice);
    ~ReplaySource() override;

    /** Another since and until than Open's; before the first Pull. For times that count from the sessions' start. */
    void SetRange(std::optional<std::int64_t> since_utc_ns, std::optional<std::int64_t> until_utc_ns);
    /** As Source. With a speed, waits until what comes next is due, at most `patience`. Batches have about a block's records. */
    util::Result<Step> Pull(pipeline::Batch& batch, std::chrono::milliseconds patience) override;
    /** What was handed over, and what the recording says was lost, between since and until. */
    const pipeline::Ledger& Losses() const override;
    /** Pull says End from now on. */
    void Stop();

    // Moving in it, between two Pulls.
    /** Whether GoTo() can be: there is no pipe among them. */
    bool Seekable() const;
    /** At the end Pull says Idle until Stop(), since GoTo() may lead back. Only if Seekable(). */
    void StayAtEnd();
    bool AtEnd() const;
    void SetSpeed(double speed);
    /** Nothing more is due until it goes on. */
    void SetPaused(bool paused);
    double Speed() const;
    bool Paused() const;
    /** The time up to which it has come; nothing: at the beginning. */
    std::optional<std::int64_t> PositionUtcNs() const;

    struct Move {
        bool anew{false};                           //!< what was handed over before does not count any more, nor do losses
        std::optional<std::int64_t> since_utc_ns{}; //!< then: records from there on come; nothing: from the beginning
    };
    /**
     * Hands over without waiting what comes before `utc_ns`, and goes on from there as before. If that is back, or beyond `max_bytes` of the
     * files, begins anew: at the beginning of the range, or where at most so many bytes lie before `utc_ns`. Only if Seekable().
     */
    Move GoTo(std::int64_t utc_ns, std::uint64_t max_bytes);
    /** What GoTo() is on the way to. */
    std::optional<std::int64_t> GoingTo() const;

    /** The sessions, in the order of their origins (the first is 1). */
    const std::vector<SessionInfo>& Sessions() const;
    /** Time of the last record, between since and until or not; not known of what is read from a pipe. */
    std::optional<std::int64_t> LastUtcNs() const;
};

} // namespace coretap::archive
