#include <map>

#include "pipeline/ledger.h"
#include "sinks/metrics/shared.h"

namespace coretap::sinks::metrics {
namespace {

using pipeline::Tally;
using enum Type;

/** What the ledger says of each traced tracepoint; rows of one name, as two layouts of a probe are, are added up. */
std::map<std::string_view, Tally> ByTracepoint(const Context& context)
{
    std::map<std::string_view, Tally> tallies;
    for (const Self::Tracepoint& tracepoint : context.self.tracepoints) {
        Tally& sum{tallies[tracepoint.name]};
        const auto found{context.snapshot.ledger.tallies.find(tracepoint.id)};
        if (found == context.snapshot.ledger.tallies.end()) continue;
        const Tally& tally{found->second};
        sum.fired += tally.fired;
        sum.delivered += tally.delivered;
        sum.withheld += tally.withheld;
        sum.payload_shed += tally.payload_shed;
        sum.arg_faults += tally.arg_faults;
        for (std::size_t i{0}; i < sum.lost.size(); ++i) sum.lost[i] += tally.lost[i];
    }
    return tallies;
}

void EachTracepoint(const Context& context, Samples& out, std::uint64_t Tally::*count)
{
    for (const auto& [name, tally] : ByTracepoint(context)) out.Add(tally.*count, {name});
}

void Lost(const Context& context, Samples& out)
{
    for (const auto& [name, tally] : ByTracepoint(context)) {
        for (const pipeline::LossReason reason : pipeline::LOSS_REASONS) {
            out.Add(tally.lost[static_cast<std::size_t>(reason)], {name, ToString(reason)});
        }
    }
}

void Attached(const Context& context, Samples& out)
{
    std::map<std::string_view, std::uint64_t> processes;
    for (const Self::Tracepoint& tracepoint : context.self.tracepoints) {
        if (tracepoint.attached) processes[tracepoint.name] += *tracepoint.attached;
    }
    for (const auto& [name, count] : processes) out.Add(count, {name});
}

template <class Member>
void OfProcess(const Context& context, Samples& out, Member member)
{
    if (context.self.process) out.Add((*context.self.process).*member);
}
template <class Member>
void OfWeb(const Context& context, Samples& out, Member member)
{
    if (context.self.web) out.Add((*context.self.web).*member);
}

void Responses(const Context& context, Samples& out)
{
    constexpr std::array<std::string_view, 6> CLASSES{"", "1xx", "2xx", "3xx", "4xx", "5xx"};
    if (!context.self.web) return;
    for (std::size_t i{1}; i < CLASSES.size(); ++i) out.Add(context.self.web->responses_total[i], {CLASSES[i]});
}

// clang-format off
constexpr Family TRACE[]{
    {"events_fired", Counter, "tracepoint", "Probe executions, counted in the kernel: delivered + withheld + lost",
     [](const Context& context, Samples& out) { EachTracepoint(context, out, &Tally::fired); }},
    {"events_delivered", Counter, "tracepoint", "Events that came",
     [](const Context& context, Samples& out) { EachTracepoint(context, out, &Tally::delivered); }},
    {"events_withheld", Counter, "tracepoint", "Events counted in the kernel and not sent, as asked",
     [](const Context& context, Samples& out) { EachTracepoint(context, out, &Tally::withheld); }},
    {"events_lost", Counter, "tracepoint,reason", "Events lost", Lost},
    {"payloads_shed", Counter, "tracepoint", "Events that came without payload, because the ring was filling up",
     [](const Context& context, Samples& out) { EachTracepoint(context, out, &Tally::payload_shed); }},
    {"argument_faults", Counter, "tracepoint", "Events that came with an argument that could not be read",
     [](const Context& context, Samples& out) { EachTracepoint(context, out, &Tally::arg_faults); }},
    {"tracepoint_attached_processes", Gauge, "tracepoint", "Processes in which the tracepoint is attached; 0: asked for, and nowhere attached", Attached},
    {"events_seen", Counter, "", "Events that the state behind these metrics has taken in",
     [](const Context& context, Samples& out) { out.Add(context.snapshot.events); }},
    {"last_event_time_seconds", Gauge, "", "Time of the snapshot: of the last event, or now in a live session, Unix time",
     [](const Context& context, Samples& out) { if (context.snapshot.utc_ns != 0) out.Add(UtcSeconds(context.snapshot.utc_ns)); }},
    {"ring_size_bytes", Gauge, "", "Size of the ring between kernel and reader",
     [](const Context& context, Samples& out) { out.Add(context.self.ring_bytes); }},
    {"ring_used_bytes", Gauge, "", "What of the ring is full now",
     [](const Context& context, Samples& out) { out.Add(context.self.ring_used_bytes); }},
    {"ring_high_water_bytes", Gauge, "", "What of the ring was full at most",
     [](const Context& context, Samples& out) { out.Add(context.snapshot.ledger.ring_high_water_bytes); }},
    {"kernel_run_seconds", Counter, "", "Time spent in coretap's kernel programs; counts only with kernel.bpf_stats_enabled",
     [](const Context& context, Samples& out) { out.Add(static_cast<double>(context.snapshot.ledger.kernel_run_time_ns) / 1e9); }},
    {"kernel_runs", Counter, "", "Runs of coretap's kernel programs; counts only with kernel.bpf_stats_enabled",
     [](const Context& context, Samples& out) { out.Add(context.snapshot.ledger.kernel_run_count); }},
};

constexpr Family PROCESS[]{
    {"build", Info, "version,commit", "What coretap this is",
     [](const Context& context, Samples& out) { out.Add(1, {context.self.version, context.self.commit}); }},
    {"process_cpu_seconds", Counter, "", "Processor time of coretap, user and system",
     [](const Context& context, Samples& out) { OfProcess(context, out, &Self::Process::cpu_seconds); }},
    {"process_resident_memory_bytes", Gauge, "", "Resident memory of coretap",
     [](const Context& context, Samples& out) { OfProcess(context, out, &Self::Process::resident_bytes); }},
    {"process_virtual_memory_bytes", Gauge, "", "Address space of coretap",
     [](const Context& context, Samples& out) { OfProcess(context, out, &Self::Process::virtual_bytes); }},
    {"process_threads", Gauge, "", "Threads of coretap",
     [](const Context& context, Samples& out) { OfProcess(context, out, &Self::Process::threads); }},
    {"process_open_fds", Gauge, "", "Open file descriptors of coretap",
     [](const Context& context, Samples& out) { OfProcess(context, out, &Self::Process::open_fds); }},
    {"process_start_time_seconds", Gauge, "", "When coretap started, Unix time",
     [](const Context& context, Samples& out) { OfProcess(context, out, &Self::Process::start_time_utc_s); }},
    {"queue_depth", Gauge, "queue", "What waits in a queue of coretap",
     [](const Context& context, Samples& out) { for (const auto& [name, queue] : context.self.queues) out.Add(queue.depth, {name}); }},
    {"queue_capacity", Gauge, "queue", "What fits into a queue of coretap",
     [](const Context& context, Samples& out) { for (const auto& [name, queue] : context.self.queues) out.Add(queue.capacity, {name}); }},
    {"http_connections", Gauge, "", "Open connections to coretap's web server",
     [](const Context& context, Samples& out) { OfWeb(context, out, &Self::Web::connections); }},
    {"http_connections_opened", Counter, "", "Connections to coretap's web server",
     [](const Context& context, Samples& out) { OfWeb(context, out, &Self::Web::connections_total); }},
    {"http_responses", Counter, "code", "Answers of coretap's web server, by class of status", Responses},
    {"http_refusals", Counter, "reason", "Clients that were turned away or cut off",
     [](const Context& context, Samples& out) { if (context.self.web) out.AddEach(context.self.web->refusals_total); }},
    {"http_sent_bytes", Counter, "", "Bodies and WebSocket payloads sent",
     [](const Context& context, Samples& out) { OfWeb(context, out, &Self::Web::sent_bytes_total); }},
    {"websocket_clients", Gauge, "", "Open WebSockets",
     [](const Context& context, Samples& out) { OfWeb(context, out, &Self::Web::websockets); }},
    {"websocket_clients_opened", Counter, "", "WebSockets that were opened",
     [](const Context& context, Samples& out) { OfWeb(context, out, &Self::Web::websockets_total); }},
    {"websocket_events_formatted", Counter, "", "Events made ready for WebSocket clients, once a subscription",
     [](const Context& context, Samples& out) { OfWeb(context, out, &Self::Web::events_formatted_total); }},
    {"websocket_events_sampled_out", Counter, "", "Events left out, as a client asked or because there were too many",
     [](const Context& context, Samples& out) { OfWeb(context, out, &Self::Web::events_sampled_out_total); }},
    {"websocket_events_dropped", Counter, "", "Events that a client was too slow for",
     [](const Context& context, Samples& out) { OfWeb(context, out, &Self::Web::events_dropped_total); }},
    {"recording_active", Gauge, "", "Whether a recording is being written: 0 once it has failed",
     [](const Context& context, Samples& out) { if (context.self.recording) out.Add(context.self.recording->active ? 1 : 0); }},
    {"recording_written_bytes", Counter, "", "Bytes written to the recording",
     [](const Context& context, Samples& out) { if (context.self.recording) out.Add(context.self.recording->bytes_total); }},
    {"recording_files", Counter, "", "Files begun for the recording",
     [](const Context& context, Samples& out) { if (context.self.recording) out.Add(context.self.recording->files_total); }},
    {"config_reload_time_seconds", Gauge, "", "When a configuration was last taken over, Unix time",
     [](const Context& context, Samples& out) { out.Add(context.self.config_reloaded_utc_s); }},
    {"config_reload_failures", Counter, "", "Reloads that were refused, the old configuration standing",
     [](const Context& context, Samples& out) { out.Add(context.self.config_failures_total); }},
};
// clang-format on

} // namespace

FamilyGroup TraceFamilies()
{
    return {
        "Tracing",
        "Of all nodes together, by `tracepoint` (`net:inbound_message`). For each, fired = delivered + withheld + lost, but for lost of reason "
        "`recorder-slow`: those events were delivered, and are missing in the recording.",
        TRACE};
}
FamilyGroup ProcessFamilies() { return {"coretap itself", "", PROCESS}; }

} // namespace coretap::sinks::metrics
