// The metrics of a session, as Prometheus reads them: a snapshot, what RPC and debug.log add, and coretap's own health, as text.
// What there is, with types, units and labels, is one table (family.h); docs/metrics.md is made from it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "poll/log_follower.h"
#include "poll/node_facts.h"
#include "state/snapshot.h"

namespace coretap::sinks::metrics {

enum class Format : std::uint8_t {
    Text,        //!< Prometheus' text format 0.0.4
    OpenMetrics, //!< 1.0.0; without `_created`
};

/** What a client wants that sends this `Accept`: OpenMetrics where it likes that at least as well, else text. Empty: text. */
Format ChooseFormat(std::string_view accept);
/** The `Content-Type` of what Render() makes. */
std::string_view ContentType(Format format);

/** coretap's own health: plain values that the caller fills in. What is empty is left out. */
struct Self {
    std::string version;
    std::string commit; //!< empty if not known

    /** A row of the catalogue that is traced, or asked for. Rows of one name are added up. */
    struct Tracepoint {
        std::uint16_t id{0};
        std::string name; //!< provider:name
        /** How many traced processes have it attached; empty where nothing is attached, as in a recording. */
        std::optional<std::uint64_t> attached{};
    };
    std::vector<Tracepoint> tracepoints; //!< tallies of others are left out

    std::optional<std::uint64_t> ring_bytes{};      //!< its size
    std::optional<std::uint64_t> ring_used_bytes{}; //!< now

    struct Queue {
        std::uint64_t depth{0};
        std::uint64_t capacity{0};
    };
    std::map<std::string, Queue> queues; //!< by name, in a unit of its own each

    struct Process {
        double cpu_seconds{0};
        std::uint64_t resident_bytes{0};
        std::uint64_t virtual_bytes{0};
        std::uint64_t threads{0};
        std::uint64_t open_fds{0};
        double start_time_utc_s{0};
    };
    std::optional<Process> process{};

    struct Web {
        std::uint64_t connections{0}, connections_total{0};
        std::uint64_t websockets{0}, websockets_total{0};
        std::array<std::uint64_t, 6> responses_total{};      //!< by the status' first digit; [0] is not used
        std::map<std::string, std::uint64_t> refusals_total; //!< clients turned away or cut off, by reason; with the reasons at zero
        std::uint64_t sent_bytes_total{0};
        std::uint64_t events_formatted_total{0};   //!< for WebSocket clients
        std::uint64_t events_sampled_out_total{0}; //!< as the client or the load asked
        std::uint64_t events_dropped_total{0};     //!< a client was too slow
    };
    std::optional<Web> web{};

    struct Recording {
        bool active{false}; //!< false once it has failed
        std::uint64_t bytes_total{0};
        std::uint64_t files_total{0};
    };
    std::optional<Recording> recording{};

    /** What is known of a node beside its events. */
    struct Node {
        std::shared_ptr<const poll::NodeFacts> rpc; //!< null: not asked
        std::optional<poll::LogTotals> log{};
    };
    std::map<std::string, Node> nodes; //!< by the label of NodeIdentity

    std::optional<double> config_reloaded_utc_s{}; //!< last time a configuration was taken over
    std::uint64_t config_failures_total{0};        //!< reloads that were refused
};

/**
 * All families that have something to say. Pure. Whatever strangers wrote, the text is well-formed: label values are made printable, cut, and
 * escaped, and those that become the same are added up. Two nodes with one label get `label-2` and so on.
 */
std::string Render(const state::Snapshot& snapshot, const Self& self, Format format);

} // namespace coretap::sinks::metrics
