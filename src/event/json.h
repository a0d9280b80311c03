// Events as JSON, one object each. The names are an interface: docs/json.md; they are added to, never changed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "event/decode.h"
#include "event/event.h"

namespace coretap::event {

/** Which node an event is of, as far as it is known. */
struct NodeLabel {
    std::string_view label;     //!< short name; empty if not known
    std::int64_t started_at{0}; //!< when the process started, UTC seconds; 0 if not known
};

/** What is shown of P2P messages. */
struct JsonOptions {
    Decode decode{Decode::Off};
    const PayloadBounds* shown_payload{nullptr}; //!< null: all that was captured; else it must outlive its users
};

/**
 * Append the event as one JSON object, without a newline:
 *
 *   {"ts":"2026-11-22T09:15:04.123456789Z","mono_ns":123,"event":"net:inbound_message","node":"main","pid":1234,
 *    "node_started_at":1763802901,"tid":1240,"args":{"peer_id":12,...},"cut":["addr"],"faults":["payload"],"shed":true}
 *
 * `args` has the arguments in the catalogue's order: integers as exact numbers (64 bits: beyond 2^53 for some
 * readers), bools, strings (invalid UTF-8 becomes U+FFFD), hashes as reversed hex, bytes as hex, networks and flush
 * modes by name (a number where the name is not known). An argument that could not be read is null and named in `faults`.
 * Bytes of which nothing was captured are left out. `cut` names strings and bytes that are longer than what was
 * captured, but not a payload that the capture policy cut: its `size` tells. `shed`: the payload was left out under
 * pressure. `cut`, `faults` and `shed` are there only where there is something to say; `node` and
 * `node_started_at` are null while not known.
 *
 * A P2P message whose payload could be read has besides, if `decode` asks for it, `"decoded":{"summary":"3 wtx"}`, or with Decode::Full
 * all of its content (event/message_json.h).
 *
 * Allocates nothing but the buffer.
 */
void AppendJson(std::string& out, const Event& event, const NodeLabel& node, const JsonOptions& options = {});

} // namespace coretap::event
