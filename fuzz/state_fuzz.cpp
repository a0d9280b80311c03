// Records in any order and of any content, into a tracker: what is kept stays within its limits and agrees with itself.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "pipeline/pipeline.h"
#include "state/tracker.h"

namespace {

void Check(bool holds)
{
    if (!holds) std::abort();
}

void CheckNode(const coretap::state::NodeSnapshot& node)
{
    using namespace coretap::state;
    Check(node.peers.size() <= NodeSnapshot::MAX_PEERS && node.closed_peers.size() <= NodeSnapshot::MAX_CLOSED_PEERS);
    Check(node.blocks.size() <= NodeSnapshot::MAX_BLOCKS && node.seconds.size() <= NodeSnapshot::MAX_SECONDS);
    Check(node.minutes.size() <= NodeSnapshot::MAX_MINUTES);
    for (const Peer& peer : node.peers) Check(peer.addr.processed + peer.addr.rate_limited <= peer.addr.entries_in && !peer.closed_utc_ns);
    for (const Peer& peer : node.closed_peers) Check(peer.closed_utc_ns.has_value());
    for (const BlockJourney& journey : node.blocks) {
        Check(journey.announcements.size() <= BlockJourney::MAX_ANNOUNCEMENTS &&
              journey.announcements.size() <= journey.announcements_total);
        Check(journey.compact.size() <= BlockJourney::MAX_COMPACT && journey.requests.size() <= BlockJourney::MAX_REQUESTS);
        Check(journey.delivered_peer.has_value() == journey.delivered_utc_ns.has_value());
    }
    for (const auto& type : node.message_times.types) {
        Check(type.total_ns >= type.total_at_least_ns && type.total_at_least_ns >= 0 && type.seconds.count == type.count);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static const coretap::event::Catalogue CATALOGUE;
    coretap::pipeline::Batch batch;
    const auto bytes = std::as_bytes(std::span{data, size});
    batch.bytes.assign(bytes.begin(), bytes.end());
    std::vector<coretap::event::Event> events;
    coretap::pipeline::ParseBatch(batch, CATALOGUE, events);

    coretap::state::Tracker tracker;
    for (std::size_t i{0}; i < events.size(); ++i) {
        if (!tracker.Write({&events[i], 1})) std::abort();
        if (i % 16 == 15) tracker.Take(0, {});
    }
    const auto snapshot{tracker.Take(0, {})};
    Check(snapshot->events == events.size() && snapshot->nodes.size() <= coretap::state::Tracker::MAX_NODES);
    for (const auto& node : snapshot->nodes) CheckNode(*node);
    return 0;
}
