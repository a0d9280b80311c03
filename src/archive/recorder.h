// Records a session: a Sink that keeps what passes as canonical records in blocks on disk. docs/archive.md has the format.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "archive/part_files.h"
#include "archive/session_info.h"
#include "pipeline/pipeline.h"

namespace coretap::archive {

struct RecorderOptions {
    std::uint64_t block_bytes{1U << 20};               //!< records are compressed and checksummed in blocks of about so many bytes
    std::chrono::nanoseconds block_age{1'000'000'000}; //!< a block that is older is written as it is: what a SIGKILL can cost
    std::uint64_t queue_bytes{64U << 20};              //!< records waiting for the writer's thread, at most
    bool wait_when_full{false};                        //!< a source that can wait, as another recording: no loss, but waiting
    std::uint64_t rotate_bytes{0};                     //!< a new part when one reaches this size; 0: never
    std::chrono::nanoseconds rotate_age{0};            //!< a new part when one is that old; 0: never
    int level{1};                                      //!< of zstd
    const std::atomic<bool>* stop{nullptr};            //!< once true, a pipe that nobody reads from is given up after two seconds
};

/** How the recording went. */
struct RecorderTotals {
    std::uint64_t offered{0};      //!< events that came to Write()
    std::uint64_t events{0};       //!< of them, in the file
    std::uint64_t record_bytes{0}; //!< before compression
    std::uint64_t file_bytes{0};   //!< all parts
    std::uint32_t parts{0};
    std::string trouble;                                 //!< PartFiles::Trouble()
    std::map<std::uint16_t, std::uint64_t> not_recorded; //!< by tracepoint id: dropped because the disk was slow; said in the recording too
};

/**
 * Write copies records into a bounded queue; a thread of its own compresses and writes. If the queue is full the newest batch is
 * dropped and counted, in the recording as `coretap:lost` with reason `recorder-slow`, and in Totals(). A failed write (disk full)
 * fails every later Write with Errc::Io and the errno; what was written before stays readable. Each part stands alone: it begins
 * with the session's info and the nodes known by then.
 */
class Recorder final : public pipeline::Sink {
    class Impl;
    std::unique_ptr<Impl> m_impl;

    explicit Recorder(std::unique_ptr<Impl> impl);

public:
    /** Opens the first part and writes the session's info, so that what fails fails before anything is traced. Starts the thread at the first Write. */
    static util::Result<std::unique_ptr<Recorder>> Start(SessionInfo info, const event::Catalogue& catalogue,
                                                         std::unique_ptr<PartFiles> files, RecorderOptions options);
    ~Recorder() override;

    std::string_view Name() const noexcept override { return "recording"; }
    util::Result<> Write(std::span<const event::Event> batch) override;
    /** Waits until what was handed over is in the file. */
    util::Result<> Flush() override;
    /** Flush, then write the index and the final ledger, and close. The recording is complete after it; without it (a crash) it is readable all the same. */
    util::Result<> Finish(const pipeline::Ledger& ledger);
    RecorderTotals Totals() const;
    /** The error with which a write has failed: nothing more gets into the recording. */
    util::Result<> Outcome() const;
};

} // namespace coretap::archive
