// The API's answers: a snapshot as JSON (docs/api.md). Pure functions. Names are those of state/snapshot.h; they are added to, never
// changed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "event/catalogue.h"
#include "state/snapshot.h"

namespace coretap::web {

class JsonWriter;

/** JSON that others publish, by name. */
using Sections = std::map<std::string, std::string, std::less<>>;

/** Blocks in the snapshots of the WebSocket. */
inline constexpr std::size_t SNAPSHOT_BLOCKS{10};

/** /api/v1/snapshot; `lists`: with peers and the newest blocks, and the sections, as the WebSocket has it. */
std::string SnapshotJson(const state::Snapshot& snapshot, const event::Catalogue& catalogue, const Sections& sections, bool lists);
std::string NodesJson(const state::Snapshot& snapshot);
std::string LossesJson(const state::Snapshot& snapshot, const event::Catalogue& catalogue);
std::string PeersJson(const state::NodeSnapshot& node, bool closed);
/** Empty if the node has no such peer, connected or closed. */
std::string PeerJson(const state::NodeSnapshot& node, std::int64_t id);
std::string BlocksJson(const state::NodeSnapshot& node, std::size_t limit);
std::string MempoolJson(const state::NodeSnapshot& node);
std::string UtxoJson(const state::NodeSnapshot& node);
std::string MessagesJson(const state::NodeSnapshot& node);
std::string AddrJson(const state::NodeSnapshot& node);
/** Intervals that begin at `since_utc_ns` or later. */
std::string HistoryJson(const state::NodeSnapshot& node, std::int64_t since_utc_ns = 0);

// Parts of these, as members of the object or list that is being written.
void WritePeer(JsonWriter& json, const state::NodeSnapshot& node, const state::Peer& peer, bool whole);
void WriteBlock(JsonWriter& json, const state::NodeSnapshot& node, const state::BlockJourney& block);
void WriteMempool(JsonWriter& json, const state::MempoolTotals& mempool);
void WriteConnections(JsonWriter& json, const state::ConnectionTotals& connections);
void WriteChain(JsonWriter& json, const state::ChainTotals& chain);
void WriteMessageCounts(JsonWriter& json, std::string_view name, const state::MessageCounts& counts);
void WriteMessageCount(JsonWriter& json, std::string_view name, const state::MessageCount& count);
/** Bits that are set by name, as getpeerinfo names them. */
std::string ServiceName(unsigned bit);

} // namespace coretap::web
