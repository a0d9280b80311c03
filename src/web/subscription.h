// What a WebSocket client says: one kind of message, `subscribe`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "event/catalogue.h"
#include "event/decode.h"
#include "pipeline/filter.h"
#include "util/result.h"

namespace coretap::web {

/** When a client wants snapshots. */
enum class WantSnapshots : std::uint8_t {
    None,        //!< "snapshot":false
    First,       //!< nothing said: one, before the first event
    EverySecond, //!< "snapshot":true
};

struct Subscription {
    pipeline::Filter filter;
    event::Decode decode{event::Decode::Off};
    bool events{true};          //!< false: snapshots only
    double max_events_per_s{0}; //!< 0: what the server allows
    WantSnapshots snapshots{WantSnapshots::First};
    std::optional<std::uint64_t> resume_after{};
    std::string key; //!< the same for all subscriptions that get the same events
};

/**
 * Reads `{"type":"subscribe","filter":{...},...}` (docs/api.md). Strict: members that are not known, values of the wrong kind, more
 * than 64 values in a list are errors; the filter's names are checked against the catalogue. Fails with Usage or Malformed.
 */
util::Result<Subscription> ParseSubscription(std::string_view json, const event::Catalogue& catalogue);

} // namespace coretap::web
