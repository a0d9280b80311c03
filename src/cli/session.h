// What every command that reads events has in common: where they come from (a node, the stand-in, recordings), which of them, until
// when, whether they are recorded besides, and what is said at the end.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/config.h"
#include "app/payload_policy.h"
#include "app/session.h"
#include "archive/open_file.h"
#include "archive/part_files.h"
#include "archive/recorder.h"
#include "archive/replay_source.h"
#include "cli/commands.h"
#include "event/decode.h"
#include "pipeline/filter.h"
#include "tracer/attacher.h"
#include "util/fd.h"

namespace coretap::cli {

/** The common options as they stand on the command line. */
struct SessionOptions {
    NodeOptions node;
    bool sim{false};
    bool sim_if_none{false};
    std::string sim_args;
    bool no_wait{false};

    std::vector<std::string> from;
    std::string since, until, speed;

    std::vector<std::string> only, peers, msg_types, directions, conn_types, nodes;
    std::vector<std::string> enable, count_only;
    std::string payload;
    std::string config;

    std::string record;
    std::string rotate, keep;
    bool overwrite{false};

    std::string count, duration;
    bool check{false};
    std::string stats_every{"30s"};
    bool summary{false};
    bool quiet{false};

    std::string ring, user;
    bool measure_cost{false};
    bool perf_uprobes{false};
};

// Each adds one group of options to a command.
/** `--pid` … `--no-wait`: a node or the stand-in. */
void AddLiveOptions(CLI::App& command, SessionOptions& options);
/** `--since`, `--until`, `--speed`: of recordings that are named otherwise. */
void AddReplayOptions(CLI::App& command, SessionOptions& options);
/** All of these, and `--from`: a node, the stand-in, or recordings. */
void AddSourceOptions(CLI::App& command, SessionOptions& options);
// Not `live`: for a command that takes recordings only, without what is for tracing.
/** `--only` … `--config`. */
void AddFilterOptions(CLI::App& command, SessionOptions& options, bool live = true);
/** `--record`, and what goes with it. Without `named_record` the file is the command's own business (positional). */
void AddRecordOptions(CLI::App& command, SessionOptions& options, bool named_record = true);
/** `--count`, `--duration`, `--check`. */
void AddLimitOptions(CLI::App& command, SessionOptions& options, bool live = true);
/** `--summary`, `--stats`, `--quiet`, in a group of the command's. */
void AddReportOptions(CLI::App& command, SessionOptions& options, const std::string& group);
/** `--ring` … `--perf-uprobes`. */
void AddTracingOptions(CLI::App& command, SessionOptions& options, bool live = true);

/** `--decode off|short|full`, into the name that DecodeOf() takes. */
void AddDecodeOption(CLI::App& command, std::string& decode, const std::string& group);
event::Decode DecodeOf(const std::string& name);

/** Whether two paths lead to the same file; `-` is none. */
bool SameFile(const std::string& a, const std::string& b);

/** What a command needs of its session, beyond what the user said. */
struct SessionNeeds {
    bool payloads{false}; //!< captured unless the user says otherwise: as a whole if they are recorded, else as `payload_policy` says
    const char* payload_policy{"all"};
    bool full_speed{true};          //!< of recordings, unless the user says otherwise; else as recorded
    bool shows{true};               //!< the command has data of its own, besides what is recorded
    bool outlives_recording{false}; //!< if that fails (the disk is full), the command goes on without it
    std::string output{};           //!< a file for it, opened while there is the right to, emptied by Run(); none: stdout
};

/** What a command does beside its sinks; all of it on the session's thread. */
struct SessionHooks {
    /** Events are about to come, and privileges are gone: threads may be started. If it fails there is no run. */
    std::function<util::Result<>()> started;
    /** Between batches, at least every 200 ms. */
    std::function<void(pipeline::Source&)> tick;
    /** The recording that is replayed has ended. The run ends when it returns. */
    std::function<void(pipeline::Source&)> replayed;
};

/**
 * A session from the command line to the exit status. Prepare() opens files, gives up privileges if all that is read are recordings, and only
 * then looks into them. Run() traces, for which it gives up privileges in its own way, or replays, and reports on stderr.
 */
class Session {
public:
    /** Of a replay: what is asked for, and how fast (0: as fast as it goes). */
    struct ReplayRange {
        std::int64_t from_utc_ns{0};
        std::optional<std::int64_t> to_utc_ns{}; //!< not known of a pipe
        double speed{0};
    };

private:
    SessionOptions m_options;
    Io m_io;
    app::Config m_config;
    event::Catalogue m_catalogue;
    std::optional<pipeline::Filter> m_filter;
    tracer::TraceOptions m_trace;
    app::RunLimits m_limits;
    std::chrono::nanoseconds m_stats_every{0};
    std::optional<app::PayloadPolicy> m_shown_payload;
    std::unique_ptr<archive::ReplaySource> m_replay;
    std::unique_ptr<archive::PartFiles> m_record_files;
    archive::RecorderOptions m_record_options;
    std::unique_ptr<archive::Recorder> m_recorder;
    std::string m_told_trouble;
    bool m_outlives_recording{false};
    bool m_told_failure{false};
    ReplayRange m_range;
    bool m_stand_in{false};
    util::Fd m_output;

    Session(const SessionOptions& options, Io io) : m_options{options}, m_io{io} {}

public:
    static util::Result<std::unique_ptr<Session>> Prepare(const SessionOptions& options, const SessionNeeds& needs, Io io);

    const event::Catalogue& Catalogue() const noexcept { return m_catalogue; }
    const pipeline::Filter& Filter() const noexcept { return *m_filter; }
    /** The raw payload bytes the user asked to see, by message type; none if `--payload` was not said. */
    const app::PayloadPolicy& ShownPayload() const noexcept { return *m_shown_payload; }
    /** Where the command's data goes: needs.output, or stdout. */
    int OutputFd() const noexcept { return m_output ? m_output.Get() : m_io.out_fd; }
    /** Set when a signal asked to stop. */
    static const std::atomic<bool>* StopFlag() noexcept;

    /** Whether the events are of recordings. */
    bool IsReplay() const noexcept { return m_replay != nullptr; }
    /** What is recorded besides; null if nothing is. */
    const archive::Recorder* Recorder() const noexcept { return m_recorder.get(); }
    const tracer::TraceOptions& TraceOptions() const noexcept { return m_trace; }
    const ReplayRange& Range() const noexcept { return m_range; }
    /** Whether the node is the stand-in; known when SessionHooks::started is called. */
    bool IsStandIn() const noexcept { return m_stand_in; }

    /** Run to the end, with these sinks and the recorder if there is one. Once. */
    Exit Run(std::vector<pipeline::Sink*> sinks, const SessionHooks& hooks = {});

private:
    util::Result<> CheckOptions(const SessionNeeds& needs) const;
    util::Result<std::vector<archive::OpenFile>> OpenRecordings();
    util::Result<> OpenOutputs(const SessionNeeds& needs);
    util::Result<> ReadRecordings(std::vector<archive::OpenFile> files, const SessionNeeds& needs);
    util::Result<> ReadFilterAndPolicy(const SessionNeeds& needs);
    util::Result<> ReadTraceOptions(const app::TracepointChoice& choice, const app::PayloadPolicy& policy);
    util::Result<> ReadLimits();
    util::Result<> StartRecorder();
    Exit RunLive(std::vector<pipeline::Sink*>& sinks, const SessionHooks& hooks);
    Exit RunReplay(std::vector<pipeline::Sink*>& sinks, const SessionHooks& hooks);
    /** What goes wrong with the recording's files though it goes on. */
    void TellTrouble();
    /** Close the recording and say what is in it. */
    Exit FinishRecording(const pipeline::Ledger& ledger, const app::RunResult& result, Exit status);
    Exit FinishRun(const app::RunResult& result);
    void Notice(const std::string& text) const;
};

} // namespace coretap::cli
