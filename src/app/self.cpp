#include "app/self.h"

#include <array>
#include <cstdlib>
#include <fstream>
#include <map>
#include <vector>

#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/ledger_text.h"
#include "web/json_writer.h"

namespace coretap::app {
namespace {

namespace metrics = sinks::metrics;
using web::JsonWriter;

constexpr std::size_t MOST_FDS{4096}; //!< more are not looked for

/** /proc/self/fd is not readable for who gave up privileges, but poll() tells descriptors that are none. */
std::uint64_t OpenFds()
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    std::vector<pollfd> fds(std::min<rlim_t>(limit.rlim_cur, MOST_FDS));
    for (std::size_t i{0}; i < fds.size(); ++i) fds[i] = {static_cast<int>(i), 0, 0};
    if (::poll(fds.data(), fds.size(), 0) < 0) return 0;
    std::uint64_t open{0};
    for (const pollfd& fd : fds) open += (fd.revents & POLLNVAL) == 0 ? 1 : 0;
    return open;
}

double BootTimeUtcS()
{
    std::ifstream file{"/proc/stat"};
    for (std::string word; file >> word;) {
        if (double seconds{0}; word == "btime" && file >> seconds) return seconds;
    }
    return 0;
}

struct ProcessStat {
    std::uint64_t threads{0};
    double start_time_utc_s{0};
};

/** /proc/self/stat: what comes after the name, which may hold anything. */
ProcessStat ReadStat()
{
    ProcessStat stat;
    std::string text;
    std::getline(std::ifstream{"/proc/self/stat"}, text);
    const std::size_t name_end{text.rfind(')')};
    if (name_end == std::string::npos) return stat;
    const char* at{text.c_str() + name_end + 1};
    std::vector<double> fields; // from the third, state, which is a letter
    while (*at == ' ' || (*at >= 'A' && *at <= 'Z')) ++at;
    for (char* end{nullptr};; at = end) {
        const double value{std::strtod(at, &end)};
        if (end == at) break;
        fields.push_back(value);
    }
    constexpr std::size_t FIRST{4}, THREADS{20}, START{22}; // proc(5) counts from 1
    if (fields.size() <= START - FIRST) return stat;
    static const double BOOT_UTC_S{BootTimeUtcS()};
    stat.threads = static_cast<std::uint64_t>(fields[THREADS - FIRST]);
    stat.start_time_utc_s = BOOT_UTC_S + fields[START - FIRST] / static_cast<double>(::sysconf(_SC_CLK_TCK));
    return stat;
}

std::map<std::uint16_t, std::uint64_t> AttachedProcesses(const pipeline::SourceHealth& health)
{
    std::map<std::uint16_t, std::uint64_t> processes;
    for (const auto& attachment : health.attachments) {
        for (const std::uint16_t row : attachment.tracepoints) processes[row] += attachment.processes;
    }
    return processes;
}

} // namespace

metrics::Self::Process OwnProcess()
{
    metrics::Self::Process process;
    process.cpu_seconds = std::chrono::duration<double>(OwnCpuTime()).count();
    std::uint64_t size{0}, resident{0};
    std::ifstream{"/proc/self/statm"} >> size >> resident;
    const auto page{static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))};
    process.virtual_bytes = size * page;
    process.resident_bytes = resident * page;
    const ProcessStat stat{ReadStat()};
    process.threads = stat.threads;
    process.start_time_utc_s = stat.start_time_utc_s;
    process.open_fds = OpenFds();
    return process;
}

metrics::Self DescribeSelf(const SelfSources& sources)
{
    metrics::Self self;
    self.version = CORETAP_VERSION;
    std::map<std::uint16_t, std::uint64_t> processes;
    if (sources.health) processes = AttachedProcesses(*sources.health);
    for (const event::TracepointDef* row : sources.catalogue.Rows()) {
        if (row->origin == event::Origin::Coretap || sources.modes[row->id] == CT_MODE_OFF) continue;
        metrics::Self::Tracepoint tracepoint{.id = row->id, .name = row->FullName(), .attached = {}};
        if (sources.health) tracepoint.attached = processes[row->id];
        self.tracepoints.push_back(std::move(tracepoint));
    }
    if (sources.health) {
        self.ring_bytes = sources.health->ring_bytes;
        self.ring_used_bytes = sources.health->ring_used_bytes;
    }
    self.process = OwnProcess();

    metrics::Self::Web web{};
    web.connections = sources.server.connections;
    web.connections_total = sources.server.connections_total;
    web.websockets = sources.server.websockets;
    web.websockets_total = sources.server.websockets_total;
    web.responses_total = sources.server.responses_total;
    for (std::size_t i{0}; i < web::REJECTS; ++i)
        web.refusals_total[std::string{web::ToString(static_cast<web::Reject>(i))}] = sources.server.rejected_total[i];
    web.sent_bytes_total = sources.server.sent_bytes_total;
    web.events_formatted_total = sources.streams.formatted_total;
    web.events_sampled_out_total = sources.streams.sampled_out_total;
    web.events_dropped_total = sources.streams.client_dropped_total;
    self.web = std::move(web);

    if (sources.recorder != nullptr) {
        const archive::RecorderTotals totals{sources.recorder->Totals()};
        self.recording = {.active = !sources.recorder->Failure(), .bytes_total = totals.file_bytes, .files_total = totals.parts};
    }
    self.config_reloaded_utc_s = static_cast<double>(sources.reloads.taken_utc_ns) / 1e9;
    self.config_failures_total = sources.reloads.failures;
    return self;
}

std::string SelfJson(const metrics::Self& self, const SelfSources& sources, const pipeline::Ledger& ledger, std::chrono::nanoseconds uptime)
{
    std::string text;
    JsonWriter json{text};
    json.Object([&] {
        json.Member("version", self.version);
        json.Member("uptime_ns", uptime.count());
        json.Object("process", [&] {
            const auto& process{*self.process};
            json.UtcMs("started_utc_ms", static_cast<std::int64_t>(process.start_time_utc_s * 1e9));
            json.Member("cpu_ns", static_cast<std::int64_t>(process.cpu_seconds * 1e9));
            json.Member("resident_bytes", process.resident_bytes);
            json.Member("virtual_bytes", process.virtual_bytes);
            json.Member("threads", process.threads);
            json.Member("open_fds", process.open_fds);
        });
        if (sources.health) {
            json.Object("ring", [&] {
                json.Member("bytes", sources.health->ring_bytes);
                json.Member("used_bytes", sources.health->ring_used_bytes);
                json.Member("high_water_bytes", ledger.ring_high_water_bytes);
            });
            json.Object("tracepoints", [&] {
                std::map<std::string, std::uint64_t> by_name; // rows of a name are layouts of one probe
                for (const auto& tracepoint : self.tracepoints) by_name[tracepoint.name] += tracepoint.attached.value_or(0);
                for (const auto& entry : by_name) json.Object(entry.first, [&] { json.Member("attached_processes", entry.second); });
            });
            json.List("attachments", [&] {
                for (const auto& attachment : sources.health->attachments) {
                    json.Object([&] {
                        json.Member("path", attachment.path);
                        json.Member("build_id", attachment.build_id);
                        json.Member("tracepoints", attachment.tracepoints.size());
                        json.Member("processes", attachment.processes);
                        json.List("problems", [&] {
                            for (const std::string& problem : attachment.problems) json.Value(problem);
                        });
                    });
                }
            });
        }
        json.Object("server", [&] {
            const web::ServerStats& server{sources.server};
            json.Member("connections", server.connections);
            json.Member("connections_total", server.connections_total);
            json.Member("websockets", server.websockets);
            json.Member("websockets_total", server.websockets_total);
            json.Member("requests_total", server.requests_total);
            json.Member("sent_bytes_total", server.sent_bytes_total);
            json.Member("failures_total", server.failures_total);
            json.Object("responses_total", [&] {
                constexpr std::array<std::string_view, 6> CLASSES{"", "1xx", "2xx", "3xx", "4xx", "5xx"};
                for (std::size_t i{1}; i < CLASSES.size(); ++i) json.Member(CLASSES[i], server.responses_total[i]);
            });
            json.Object("rejected_total", [&] {
                for (const auto& [reason, count] : self.web->refusals_total) json.Member(reason, count);
            });
        });
        json.Object("streams", [&] {
            const web::StreamStats& streams{sources.streams};
            json.Member("channels", streams.channels);
            json.Member("clients", streams.clients);
            json.Member("held_bytes", streams.held_bytes);
            json.Member("formatted_total", streams.formatted_total);
            json.Member("sampled_out_total", streams.sampled_out_total);
            json.Member("shed_total", streams.shed_total);
            json.Member("client_dropped_total", streams.client_dropped_total);
        });
        if (const auto& reload{sources.reloads.last}) {
            json.Object("reload", [&] {
                json.UtcMs("at_utc_ms", reload->at_utc_ns);
                json.Member("outcome", reload->problem.empty() ? "taken" : "refused");
                json.Member("problem", reload->problem.empty() ? std::nullopt : std::optional{reload->problem});
                json.List("needs_restart", [&] {
                    for (const std::string& name : reload->needs_restart) json.Value(name);
                });
            });
        }
        if (self.recording) {
            json.Object("recording", [&] {
                json.Member("active", self.recording->active);
                json.Member("bytes_total", self.recording->bytes_total);
                json.Member("files_total", self.recording->files_total);
                const auto failure{sources.recorder->Failure()};
                json.Member("problem", failure ? std::optional{failure->what} : std::nullopt);
            });
        }
    });
    return text;
}

} // namespace coretap::app
