#include "cli/session.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <csignal>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/config.h"
#include "app/ledger_text.h"
#include "app/recording.h"
#include "app/stand_in.h"
#include "archive/new_file.h"
#include "cli/size_text.h"
#include "tracer/elf_probes.h"
#include "tracer/live_source.h"
#include "tracer/node_info.h"
#include "util/privileges.h"
#include "util/text.h"
#include "util/time.h"

namespace coretap::cli {
namespace {

constexpr std::uint64_t LEAST_ROTATE_BYTES{1 << 20};
constexpr std::chrono::seconds LEAST_ROTATE_AGE{1};

std::atomic<bool> g_stop{false};

void OnSignal(int signal)
{
    g_stop.store(true, std::memory_order_relaxed);
    std::signal(signal, SIG_DFL); // a second one ends us at once
}

void HandleSignals()
{
    struct sigaction action {};
    action.sa_handler = OnSignal;
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGHUP, &action, nullptr);
    std::signal(SIGXFSZ, SIG_IGN); // a file that may not grow is an error of writing, as a full disk
}

util::Error UsageError(std::string what) { return {util::Errc::Usage, std::move(what)}; }

util::Result<pipeline::FilterSpec> ParseFilter(const SessionOptions& options, const app::Config& config)
{
    pipeline::FilterSpec spec;
    if (options.only.empty()) spec.only = config.only;
    const std::pair<const std::vector<std::string>*, util::Result<> (*)(std::string_view, pipeline::FilterSpec&)> kinds[]{
        {&options.only, pipeline::ParseOnly},
        {&options.peers, pipeline::ParsePeers},
        {&options.msg_types, pipeline::ParseMessageTypes},
        {&options.directions, pipeline::ParseDirection},
        {&options.conn_types, pipeline::ParseConnectionTypes},
        {&options.nodes, pipeline::ParseNodes},
    };
    for (const auto& [values, parse] : kinds) {
        for (const std::string& value : *values) {
            if (const auto parsed{parse(value, spec)}; !parsed) return parsed.GetError();
        }
    }
    return spec;
}

/** The words that chose events, as they may be said again. */
std::vector<std::string> FilterWords(const SessionOptions& options)
{
    std::vector<std::string> words;
    const std::pair<const char*, const std::vector<std::string>*> kinds[]{
        {"--only", &options.only},
        {"--enable", &options.enable},
        {"--count-only", &options.count_only},
        {"--peer", &options.peers},
        {"--msg", &options.msg_types},
        {"--direction", &options.directions},
        {"--conn-type", &options.conn_types},
        {"--node", &options.nodes},
    };
    for (const auto& [flag, values] : kinds) {
        for (const std::string& value : *values) words.insert(words.end(), {flag, value});
    }
    if (!options.payload.empty() && options.from.empty()) words.insert(words.end(), {"--payload", options.payload});
    return words;
}

void Split(const std::string& text, char separator, std::vector<std::string>& parts)
{
    std::size_t from{0};
    while (from <= text.size()) {
        const std::size_t to{std::min(text.find(separator, from), text.size())};
        if (to > from) parts.push_back(text.substr(from, to - from));
        from = to + 1;
    }
}

std::vector<std::string> SplitNames(const std::vector<std::string>& lists)
{
    std::vector<std::string> names;
    for (const std::string& list : lists) Split(list, ',', names);
    return names;
}

util::Result<std::uint64_t> ParseCount(const std::string& text, const char* flag, const char* what)
{
    std::uint64_t count{0};
    const auto [end, error]{std::from_chars(text.data(), text.data() + text.size(), count)};
    if (error != std::errc{} || end != text.data() + text.size() || count == 0)
        return UsageError(fmt::format("{}: {} is not a number of {}", flag, util::Quoted(text), what));
    return count;
}

util::Result<std::chrono::nanoseconds> ParseTime(const std::string& text, const char* flag)
{
    auto parsed{util::ParseDuration(text)};
    if (!parsed) return UsageError(fmt::format("{}: {}", flag, parsed.GetError().what));
    return *parsed;
}

/** `--since`, `--until`: a time, or `+` and a duration from the start of the recording. */
util::Result<std::optional<std::int64_t>> ParseEdge(const std::string& text, const char* flag, std::int64_t start_utc_ns)
{
    if (text.empty()) return std::optional<std::int64_t>{};
    if (text.front() == '+') {
        const auto after{ParseTime(text.substr(1), flag)};
        if (!after) return after.GetError();
        return std::optional{start_utc_ns + std::min<std::int64_t>(after->count(), INT64_MAX / 2)};
    }
    const auto time{util::ParseUtc(text)};
    if (!time) return UsageError(fmt::format("{}: {}; or +10m from the start", flag, time.GetError().what));
    return std::optional{*time};
}

util::Result<double> ParseSpeed(const std::string& text)
{
    if (text == "max") return 0.0;
    double speed{0};
    const auto [end, error]{std::from_chars(text.data(), text.data() + text.size(), speed)};
    if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(speed) || speed <= 0)
        return UsageError(
            fmt::format("--speed: {} is not a speed: 1 is as recorded, 0.5 half as fast, 10 ten times as fast, max as fast as it goes",
                        util::Quoted(text)));
    return speed;
}

bool AnyNodeRuns()
{
    for (const pid_t pid : tracer::AllProcesses()) {
        const auto file{tracer::OpenExecutable(pid)};
        if (file && tracer::LooksLikeNode(file->Get())) return true;
    }
    return false;
}

/** Of files that are yet to be made, too. */
bool WillBeSameFile(const std::string& a, const std::string& b)
{
    std::error_code error;
    const auto place = [&error](const std::string& name) {
        return std::filesystem::weakly_canonical(std::filesystem::absolute(name, error), error);
    };
    return SameFile(a, b) || (a != "-" && b != "-" && place(a) == place(b) && !error);
}

/** How the run ended, for the exit status. */
Exit ExitOf(const util::Result<>& outcome, const Io& io)
{
    if (outcome) return Exit::Ok;
    const util::Error& error{outcome.GetError()};
    if (error.sys_errno == EPIPE) return Exit::Ok; // `| head` has what it wanted
    if (error.sys_errno == ETIMEDOUT) {
        return Report(io, {util::Errc::Io, "nobody took the output for 2 s after the signal", ETIMEDOUT});
    }
    return Report(io, error);
}

} // namespace

bool SameFile(const std::string& a, const std::string& b)
{
    std::error_code error;
    return a != "-" && b != "-" && std::filesystem::equivalent(a, b, error) && !error;
}

const std::atomic<bool>* Session::StopFlag() noexcept { return &g_stop; }

void Session::Notice(const std::string& text) const
{
    if (!m_options.quiet) m_io.err << "coretap: " << text << std::endl;
}

util::Result<std::unique_ptr<Session>> Session::Prepare(const SessionOptions& options, const SessionNeeds& needs, Io io)
{
    std::unique_ptr<Session> session{new Session{options, io}};
    Session& s{*session};
    if (auto checked{s.CheckOptions(needs)}; !checked) return checked.GetError();
    s.m_outlives_recording = needs.outlives_recording;
    if (!options.config.empty()) {
        auto loaded{app::LoadConfig(options.config)};
        if (!loaded) return loaded.GetError();
        s.m_config = std::move(*loaded);
        if (auto added{app::AddUserTracepoints(s.m_config, s.m_catalogue)}; !added) return added.GetError();
    }
    s.m_trace.user = !options.user.empty() ? options.user : s.m_config.user.value_or(::geteuid() == 0 ? DEFAULT_USER : "-");
    if (auto read{s.ReadLimits()}; !read) return read.GetError();
    if (!options.from.empty()) {
        auto files{s.OpenRecordings()};
        if (!files) return files.GetError();
        if (auto opened{s.OpenOutputs(needs)}; !opened) return opened.GetError();
        // a recording may come from anywhere: who looks into it has no privileges
        if (auto dropped{util::DropPrivileges(s.m_trace.user)}; !dropped) return dropped.GetError();
        if (auto read{s.ReadRecordings(std::move(*files), needs)}; !read) return read.GetError();
    }
    if (auto read{s.ReadFilterAndPolicy(needs)}; !read)
        return read.GetError(); // recordings may know tracepoints that the catalogue does not
    if (options.from.empty()) {
        if (auto opened{s.OpenOutputs(needs)}; !opened) return opened.GetError();
    }
    return session;
}

util::Result<> Session::CheckOptions(const SessionNeeds& needs) const
{
    const SessionOptions& o{m_options};
    if (!o.sim_args.empty() && !o.sim && !o.sim_if_none) return UsageError("--sim-args is for the stand-in: --sim");
    const auto refuse = [](std::initializer_list<std::pair<const char*, bool>> flags, const char* why) -> util::Result<> {
        for (const auto& [flag, given] : flags) {
            if (given) return UsageError(fmt::format("{} {}", flag, why));
        }
        return {};
    };
    if (o.from.empty()) {
        if (auto ok{
                refuse({{"--since", !o.since.empty()}, {"--until", !o.until.empty()}, {"--speed", !o.speed.empty()}}, "is for recordings")};
            !ok)
            return ok;
    } else if (auto ok{refuse({{"--pid", o.node.pid.has_value()},
                               {"--binary", o.node.binary.has_value()},
                               {"--datadir", o.node.datadir.has_value()},
                               {"--sim", o.sim},
                               {"--sim-if-none", o.sim_if_none},
                               {"--sim-args", !o.sim_args.empty()},
                               {"--no-wait", o.no_wait},
                               {"--enable", !o.enable.empty()},
                               {"--count-only", !o.count_only.empty()},
                               {"--check", o.check},
                               {"--ring", !o.ring.empty()},
                               {"--measure-cost", o.measure_cost},
                               {"--perf-uprobes", o.perf_uprobes}},
                              "is for tracing a node; these events are from a recording")};
               !ok) {
        return ok;
    }
    if (o.record.empty())
        return refuse({{"--rotate", !o.rotate.empty()}, {"--keep", !o.keep.empty()}, {"--overwrite", o.overwrite}},
                      "is for recording: --record FILE");
    if (o.check) return UsageError("--check traces nothing, so there is nothing to record");
    if (!needs.shows && !o.from.empty() && !o.payload.empty())
        return UsageError("--payload is for tracing a node; what a recording has of payloads is copied as it is");
    const bool to_stdout{needs.output.empty() || needs.output == "-"};
    if (needs.shows && (to_stdout ? o.record == "-" : WillBeSameFile(needs.output, o.record)))
        return UsageError("the recording and what is shown cannot go to the same place: name another file");
    for (const std::string& from : o.from) {
        if (SameFile(from, o.record) || (!o.rotate.empty() && archive::PartFiles::IsPart(o.record, from)))
            return UsageError(fmt::format("{} cannot be replayed and recorded into at the same time", from));
    }
    return {};
}

util::Result<std::vector<archive::OpenFile>> Session::OpenRecordings()
{
    std::vector<archive::OpenFile> files;
    for (const std::string& name : m_options.from) {
        auto file{archive::OpenForReading(name)};
        if (!file) return file.GetError();
        files.push_back(std::move(*file));
    }
    return files;
}

util::Result<> Session::OpenOutputs(const SessionNeeds& needs)
{
    const SessionOptions& o{m_options};
    if (!needs.output.empty() && needs.output != "-") {
        for (const std::string& from : o.from) {
            if (SameFile(from, needs.output)) return UsageError(fmt::format("{} is the recording: write into another file", from));
        }
        if (archive::IsRecording(needs.output))
            return UsageError(fmt::format("{} is a recording, which a table does not overwrite: write into another file", needs.output));
        m_output =
            util::Fd{::open(needs.output.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600)}; // as recordings: it has addresses
        if (!m_output) {
            const int error{errno};
            const util::Errc code{error == EACCES || error == EPERM || error == EROFS ? util::Errc::Permission :
                                  error == ENOENT || error == ENOTDIR                 ? util::Errc::NotFound :
                                                                                        util::Errc::Io};
            return util::Error{code, fmt::format("cannot write {}: {}", needs.output, std::strerror(error)), error};
        }
        archive::GiveToUserBehindSudo(m_output.Get());
    }
    if (o.record.empty()) return {};
    m_record_options.wait_when_full = !o.from.empty();
    m_record_options.stop = &g_stop;
    std::uint64_t keep{0};
    if (!o.keep.empty()) {
        if (o.rotate.empty()) return UsageError("--keep is for parts: say --rotate 1GiB, or --rotate 1h, besides");
        const auto parsed{ParseCount(o.keep, "--keep", "parts")};
        if (!parsed) return parsed.GetError();
        keep = std::min<std::uint64_t>(*parsed, UINT32_MAX);
    }
    if (!o.rotate.empty()) {
        const auto size{util::ParseSize(o.rotate)};
        const auto age{util::ParseDuration(o.rotate)};
        if (!size && !age)
            return UsageError(fmt::format("--rotate: {} is neither a size, like 1GiB, nor a time, like 1h", util::Quoted(o.rotate)));
        if (size) m_record_options.rotate_bytes = *size;
        if (!size) m_record_options.rotate_age = *age;
        if ((size && *size < LEAST_ROTATE_BYTES) || (!size && *age < LEAST_ROTATE_AGE))
            return UsageError("--rotate: a part has at least 1MiB, or 1s");
        if (o.record == "-") return UsageError("--rotate needs a file's name: stdout has no parts");
    }
    auto files{o.rotate.empty() ? archive::PartFiles::Single(o.record, o.overwrite) :
                                  archive::PartFiles::Rotating(o.record, static_cast<std::uint32_t>(keep), o.overwrite)};
    if (!files) return files.GetError();
    m_record_files = std::move(*files);
    return {};
}

util::Result<> Session::ReadRecordings(std::vector<archive::OpenFile> files, const SessionNeeds& needs)
{
    archive::ReplayOptions replay{.speed = needs.full_speed ? 0.0 : 1.0};
    if (!m_options.speed.empty()) {
        const auto speed{ParseSpeed(m_options.speed)};
        if (!speed) return speed.GetError();
        replay.speed = *speed;
    }
    auto opened{archive::ReplaySource::Open(std::move(files), m_catalogue, replay,
                                            [this](const std::string& text) { m_io.err << "coretap: " << text << std::endl; })};
    if (!opened) return opened.GetError();
    m_replay = std::move(*opened);
    const std::vector<archive::SessionInfo>& sessions{m_replay->Sessions()};
    std::int64_t start{sessions.empty() ? 0 : sessions.front().started_at_utc_ns};
    for (const archive::SessionInfo& session : sessions) start = std::min(start, session.started_at_utc_ns);
    const auto since{ParseEdge(m_options.since, "--since", start)};
    if (!since) return since.GetError();
    const auto until{ParseEdge(m_options.until, "--until", start)};
    if (!until) return until.GetError();
    if (*since && *until && **until <= **since) return UsageError("--until is not after --since: there is nothing between them");
    m_replay->SetRange(*since, *until);
    m_range = {since->value_or(start), m_replay->LastUtcNs(), replay.speed};
    if (*until) m_range.to_utc_ns = std::min(**until, m_range.to_utc_ns.value_or(INT64_MAX));
    return {};
}

util::Result<> Session::ReadFilterAndPolicy(const SessionNeeds& needs)
{
    auto spec{ParseFilter(m_options, m_config)};
    if (!spec) return spec.GetError();
    app::TracepointChoice choice{SplitNames(m_options.enable), SplitNames(m_options.count_only)};
    if (choice.enable.empty()) choice.enable = m_config.enable;
    // what is traced is shown
    if (!spec->only.empty()) spec->only.insert(spec->only.end(), choice.enable.begin(), choice.enable.end());
    auto filter{pipeline::Filter::Make(std::move(*spec), m_catalogue)};
    if (!filter) return filter.GetError();
    m_filter.emplace(std::move(*filter));

    std::optional<app::PayloadPolicy> policy{m_config.payload};
    if (!m_options.payload.empty()) {
        auto parsed{app::ParsePayloadPolicy(m_options.payload)};
        if (!parsed) return parsed.GetError();
        policy = *parsed;
    }
    m_shown_payload = policy.value_or(app::PayloadPolicy{});
    if (!policy && !m_options.record.empty()) policy = *app::ParsePayloadPolicy("all");
    if (!policy && needs.payloads) policy = *app::ParsePayloadPolicy(needs.payload_policy);
    return ReadTraceOptions(choice, policy.value_or(app::PayloadPolicy{}));
}

util::Result<> Session::ReadTraceOptions(const app::TracepointChoice& choice, const app::PayloadPolicy& policy)
{
    auto modes{app::ChooseModes(m_catalogue, *m_filter, choice)};
    if (!modes) return modes.GetError();
    m_trace.modes = *modes;
    m_trace.snap = app::ChooseSnap(policy.snap, *m_filter);

    std::uint64_t ring_bytes{m_config.ring_bytes.value_or(tracer::DEFAULT_RING_BYTES)};
    if (!m_options.ring.empty()) {
        const auto parsed{util::ParseSize(m_options.ring)};
        if (!parsed) return UsageError("--ring: " + parsed.GetError().what);
        ring_bytes = *parsed;
    }
    if (ring_bytes < tracer::MIN_RING_BYTES || ring_bytes > tracer::MAX_RING_BYTES) {
        return UsageError(fmt::format("the ring can have from {} KiB to {} MiB; 16MiB is the default", tracer::MIN_RING_BYTES >> 10,
                                      tracer::MAX_RING_BYTES >> 20));
    }
    m_trace.ring_bytes = static_cast<std::uint32_t>(ring_bytes);
    if (m_options.node.pid) m_trace.pid = *m_options.node.pid;
    m_trace.binary = m_options.node.binary;
    if (m_options.node.datadir) m_trace.datadir = NormalPath(*m_options.node.datadir);
    m_trace.measure_cost = m_options.measure_cost;
    m_trace.force_perf_uprobe = m_options.perf_uprobes;
    m_trace.require_node = m_options.no_wait;
    return {};
}

util::Result<> Session::ReadLimits()
{
    if (!m_options.count.empty()) {
        auto count{ParseCount(m_options.count, "--count", "events")};
        if (!count) return count.GetError();
        m_limits.count = *count;
    }
    if (!m_options.duration.empty()) {
        auto duration{ParseTime(m_options.duration, "--duration")};
        if (!duration) return duration.GetError();
        m_limits.duration = *duration;
    }
    m_limits.stop = &g_stop;
    auto every{ParseTime(m_options.stats_every == "0" ? "0s" : m_options.stats_every, "--stats")};
    if (!every) return every.GetError();
    m_stats_every = *every;
    return {};
}

util::Result<> Session::StartRecorder()
{
    if (!m_record_files) return {};
    tracer::Modes modes{m_trace.modes};
    if (m_replay) { // whatever was recorded passes, on by default or not
        for (const event::TracepointDef* row : m_catalogue.Rows()) {
            if (m_filter->WantsTracepoint(*row)) modes[row->id] = CT_MODE_DELIVER;
        }
    }
    archive::SessionInfo info{app::DescribeSession(m_catalogue, modes, m_trace.snap, FilterWords(m_options))};
    if (m_replay) {
        const std::vector<archive::SessionInfo>& sessions{m_replay->Sessions()};
        if (sessions.size() != 1) {
            return UsageError(fmt::format("{} sessions cannot be recorded into one; record each by itself, or join the files: cat A B > C",
                                          sessions.size()));
        }
        const archive::SessionInfo& first{sessions.front()};
        info.host = first.host;
        info.boot_id = first.boot_id;
        info.started_at_utc_ns = first.started_at_utc_ns;
        info.utc_offset_ns = first.utc_offset_ns;
        info.snap = first.snap;
        info.filter.insert(info.filter.begin(), first.filter.begin(), first.filter.end());
    }
    auto recorder{archive::Recorder::Start(std::move(info), m_catalogue, std::move(m_record_files), m_record_options)};
    if (!recorder) return recorder.GetError();
    m_recorder = std::move(*recorder);
    if (m_outlives_recording) m_limits.expendable = m_recorder.get();
    return {};
}

Exit Session::Run(std::vector<pipeline::Sink*> sinks, const SessionHooks& hooks)
{
    HandleSignals();
    // a recording of a node begins once it is traced: a start that fails leaves nothing behind
    if (m_replay) {
        if (const auto started{StartRecorder()}; !started) return ExitOf(started, m_io);
    }
    // not when it was opened: a recording that is none, or a field that is none, should not cost what was there
    struct stat status {};
    if (m_output && ::fstat(m_output.Get(), &status) == 0 && S_ISREG(status.st_mode) && ::ftruncate(m_output.Get(), 0) != 0)
        return Report(m_io, {util::Errc::Io, fmt::format("cannot empty the output: {}", std::strerror(errno)), errno});
    return m_replay ? RunReplay(sinks, hooks) : RunLive(sinks, hooks);
}

Exit Session::FinishRun(const app::RunResult& result)
{
    if (result.malformed != 0)
        m_io.err << "coretap: " << result.malformed << " records were malformed and are not shown; please report this\n";
    const Exit status{ExitOf(result.outcome, m_io)};
    // what is not in the recording it says itself
    const bool recording_failed{m_recorder && !m_recorder->Outcome()};
    if (status != Exit::Ok && result.unwritten != 0 && !recording_failed)
        m_io.err << "coretap: up to " << Grouped(result.unwritten) << " events were read and are not in the output\n";
    return status;
}

void Session::TellTrouble()
{
    if (!m_recorder) return;
    if (const auto so_far{m_recorder->Outcome()}; !so_far && m_outlives_recording && !std::exchange(m_told_failure, true)) {
        m_io.err << "coretap: nothing more is recorded, all else goes on: " << so_far.GetError().what << std::endl;
    }
    std::string trouble{m_recorder->Totals().trouble};
    if (trouble == m_told_trouble) return;
    m_told_trouble = std::move(trouble);
    m_io.err << "coretap: " << m_told_trouble << std::endl;
}

Exit Session::FinishRecording(const pipeline::Ledger& ledger, const app::RunResult& result, Exit status)
{
    if (!m_recorder) return status;
    const auto finished{m_recorder->Finish(ledger)};
    TellTrouble();
    const archive::RecorderTotals totals{m_recorder->Totals()};
    std::uint64_t dropped{0};
    for (const auto& [tracepoint, count] : totals.not_recorded) dropped += count;
    if (!m_options.quiet) {
        const double ratio{totals.file_bytes == 0 ? 0 : static_cast<double>(totals.record_bytes) / static_cast<double>(totals.file_bytes)};
        std::string line{fmt::format("recorded {} events, {} in ", Grouped(totals.events), SizeText(totals.file_bytes))};
        if (!m_options.rotate.empty()) line += fmt::format("{} part{} of ", totals.parts, totals.parts == 1 ? "" : "s");
        line += m_options.record;
        if (ratio > 1.05) line += fmt::format(", {:.1f} times smaller than the records", ratio);
        m_io.err << "coretap: " << line << '\n';
    }
    if (dropped != 0)
        m_io.err << "coretap: " << Grouped(dropped) << " events are not in the recording, the disk was too slow; it says where\n";
    if (finished) return status;
    const std::uint64_t came{totals.offered + result.missed.back()}; // it is the last of the sinks
    if (const std::uint64_t missing{came - totals.events - dropped}; missing != 0)
        m_io.err << "coretap: " << Grouped(missing) << " events came that are not in the recording\n";
    return status == Exit::Ok ? ExitOf(finished, m_io) : status;
}

Exit Session::RunReplay(std::vector<pipeline::Sink*>& sinks, const SessionHooks& hooks)
{
    if (m_recorder) sinks.push_back(m_recorder.get());
    if (hooks.started) {
        if (const auto started{hooks.started()}; !started) return Report(m_io, started.GetError());
    }
    const auto start{std::chrono::steady_clock::now()};
    auto next_stats{start + m_stats_every};
    const app::RunHooks run_hooks{
        .stop_source = [&] { m_replay->Stop(); },
        .also_stop_when = [] { return false; },
        .tick =
            [&] {
                TellTrouble();
                if (hooks.tick) hooks.tick(*m_replay);
                const auto now{std::chrono::steady_clock::now()};
                if (m_stats_every.count() == 0 || now < next_stats) return;
                next_stats = now + m_stats_every;
                Notice(app::ReplayLine(m_replay->Losses(), m_catalogue, now - start));
            },
    };
    const app::RunResult result{app::Run(*m_replay, sinks, m_catalogue, *m_filter, m_limits, run_hooks)};
    if (hooks.replayed && result.outcome) hooks.replayed(*m_replay);
    const pipeline::Ledger& ledger{m_replay->Losses()};
    if (result.shown == 0 && result.outcome && !(m_options.since.empty() && m_options.until.empty()) && !m_replay->Sessions().empty()) {
        std::string begun;
        util::AppendUtc(begun, m_replay->Sessions().front().started_at_utc_ns, 0);
        Notice(fmt::format(
            "nothing that passes is between --since and --until; the recording begins at {} (`coretap info` says when it ends)", begun));
    }
    if (m_options.summary) m_io.err << app::LedgerTable(ledger, m_catalogue);
    if (!m_options.quiet || m_options.summary || ledger.Total().Lost() != 0)
        m_io.err << "coretap: " << app::ReplayLine(ledger, m_catalogue, std::chrono::steady_clock::now() - start, result.shown) << '\n';
    const Exit status{FinishRecording(ledger, result, FinishRun(result))};
    m_io.err.flush();
    return status;
}

Exit Session::RunLive(std::vector<pipeline::Sink*>& sinks, const SessionHooks& hooks)
{
    const auto notice = [this](const std::string& text) { Notice(text); };
    const bool sim{m_options.sim || (m_options.sim_if_none && !AnyNodeRuns())};
    app::StandIn stand_in;
    m_stand_in = sim;
    if (sim) {
        std::vector<std::string> arguments;
        Split(m_options.sim_args, ' ', arguments);
        auto prepared{app::StandIn::Prepare(arguments, m_trace.user)};
        if (!prepared) return Report(m_io, prepared.GetError());
        stand_in = std::move(*prepared);
        m_trace.binary = stand_in.Path();
        m_trace.only_pid = stand_in.Pid();
        notice(m_options.sim ? "watching the stand-in node, coretap-sim" :
                               "no node with Bitcoin Core's tracepoints runs here: watching the stand-in node, coretap-sim, instead");
    } else if (m_options.sim_if_none) {
        notice("watching the node that runs here");
    }

    auto source{tracer::LiveSource::Start(m_catalogue, m_trace, notice)};
    if (!source) return Report(m_io, source.GetError());
    tracer::LiveSource& live{**source};
    if (const auto started{StartRecorder()}; !started) return ExitOf(started, m_io);
    if (m_recorder) sinks.push_back(m_recorder.get());
    if (hooks.started) {
        if (const auto started{hooks.started()}; !started) return Report(m_io, started.GetError());
    }
    if (sim) stand_in.Go();

    const auto start{std::chrono::steady_clock::now()};
    const auto cpu_before{app::OwnCpuTime()};
    const auto cost = [&] {
        return app::Cost{std::chrono::steady_clock::now() - start, app::OwnCpuTime() - cpu_before, m_trace.ring_bytes};
    };
    auto next_stats{start + m_stats_every};
    const app::RunHooks run_hooks{
        .stop_source = [&] { live.Stop(); },
        .also_stop_when = [&] { return m_options.check || (sim && stand_in.Ended()); },
        .tick =
            [&] {
                TellTrouble();
                if (hooks.tick) hooks.tick(live);
                const auto now{std::chrono::steady_clock::now()};
                if (m_stats_every.count() == 0 || now < next_stats) return;
                next_stats = now + m_stats_every;
                notice(app::LedgerLine(live.Losses(), m_catalogue, cost()));
            },
    };
    const app::RunResult result{app::Run(live, sinks, m_catalogue, *m_filter, m_limits, run_hooks)};
    const pipeline::Ledger& ledger{live.Losses()};
    const std::uint64_t lost{ledger.Total().Lost()};
    if (m_options.summary) m_io.err << app::LedgerTable(ledger, m_catalogue);
    if (!m_options.quiet || m_options.summary || lost != 0) m_io.err << "coretap: " << app::LedgerLine(ledger, m_catalogue, cost()) << '\n';
    Exit status{FinishRun(result)};
    if (sim && status == Exit::Ok && stand_in.ExitStatus() != 0) {
        status = Report(m_io, {stand_in.ExitStatus() == 2 ? util::Errc::Usage : util::Errc::Io,
                               fmt::format("the stand-in node ended with status {}; `{} {}` says why", stand_in.ExitStatus(),
                                           stand_in.Path(), m_options.sim_args)});
    }
    status = FinishRecording(ledger, result, status);
    m_io.err.flush();
    return status;
}

} // namespace coretap::cli
