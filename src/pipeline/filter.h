// Which events the user wants to see.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "event/catalogue.h"
#include "event/event.h"
#include "util/result.h"

namespace coretap::pipeline {

enum class Direction : std::uint8_t { In, Out };

/** A filter as the user gave it. Empty: everything. Values of one kind are alternatives, kinds add up. */
struct FilterSpec {
    std::vector<std::string> only{}; //!< `provider`, `provider:name`, or a name that only one provider has
    std::vector<std::int64_t> peers{};
    std::vector<std::string> msg_types{}; //!< names of known message types, or `other`
    std::optional<Direction> direction{};
    std::vector<std::string> conn_types{}; //!< names of known connection types, or `other`
    std::vector<std::string> nodes{};      //!< labels or pids
};

// The values of the command line. Each takes a list separated by commas and adds to `spec`. A value that names nothing
// is an error that says what there is.
/** `--only net,mempool:added`: syntax only; Filter::Make() knows the catalogue. */
util::Result<> ParseOnly(std::string_view text, FilterSpec& spec);
/** `--peer 12,13` */
util::Result<> ParsePeers(std::string_view text, FilterSpec& spec);
/** `--msg inv,tx`; `other` stands for every type that is not Bitcoin Core's. */
util::Result<> ParseMessageTypes(std::string_view text, FilterSpec& spec);
/** `--direction in|out|inbound|outbound` */
util::Result<> ParseDirection(std::string_view text, FilterSpec& spec);
/** `--conn-type inbound,manual` */
util::Result<> ParseConnectionTypes(std::string_view text, FilterSpec& spec);
/** `--node LABEL|PID` */
util::Result<> ParseNodes(std::string_view text, FilterSpec& spec);

/**
 * The rows that `name` stands for: those of a provider, of `provider:name` (several, if the probe has several known
 * layouts), or of a bare name that one provider has. coretap's own events have no probes and are not found. Fails with
 * Usage, near names or what there is.
 */
util::Result<std::vector<const event::TracepointDef*>> ResolveTracepoints(std::string_view name, const event::Catalogue& catalogue);

/**
 * A filter ready for use. An event passes if it has what each given kind asks about, with one of the wanted values:
 *
 * - `only`: the event's tracepoint.
 * - peers: the argument `peer_id`, of any event that has one: messages, connections, a misbehaving peer, a user's.
 * - message types: the type of a P2P message; so with it only messages pass.
 * - connection types: the argument `conn_type`, of messages and of connection events (and of a user's).
 * - direction: who opened the way. Messages by their direction; of connection events, inbound_connection and
 *   evicted_inbound_connection are in, outbound_connection is out, closed_connection goes by its connection type.
 * - nodes: the node's label or pid.
 *
 * What has not the thing asked about does not pass: `--direction in` shows no mempool events, and not
 * misbehaving_connection, which knows a peer id only. Values that could not be read match nothing. coretap's
 * own events (losses, nodes) always pass: nobody may be unaware of a gap. Immutable: any thread.
 */
class Filter {
    /** What is known of a tracepoint before its events come. */
    struct Row {
        bool wanted{false};
        std::optional<Direction> direction; //!< of every event of the tracepoint
        std::int8_t peer_arg{-1};
        std::int8_t conn_type_arg{-1};
    };
    FilterSpec m_spec;
    std::vector<Row> m_rows; //!< by tracepoint id
    bool m_other_messages{false};

public:
    /** Fails with Usage if `spec.only` names nothing in the catalogue, or nothing can pass. */
    static util::Result<Filter> Make(FilterSpec spec, const event::Catalogue& catalogue);

    bool Matches(const event::Event& event, std::string_view node_label) const;
    /** Whether any event of the tracepoint can pass; others need not be traced. Says nothing about on_by_default. */
    bool WantsTracepoint(const event::TracepointDef& def) const;
    /** Whether `only` names the tracepoint: asked for in so many words, even if it is off by default. */
    bool Names(const event::TracepointDef& def) const { return !m_spec.only.empty() && WantsTracepoint(def); }
    /** By message type id, if the filter restricts them: others need not be sent by the kernel. */
    std::optional<std::array<bool, CT_MAX_MSG_TYPES>> WantedMessageTypes() const;
};

} // namespace coretap::pipeline
