#include "sinks/metrics/shared.h"
#include "wire/message.h"

namespace coretap::sinks::metrics {
namespace {

using state::ListTotals;
using state::NodeSnapshot;
using enum Type;

void OpenPeers(const NodeSnapshot& node, Samples& out)
{
    for (std::size_t i{0}; i < node.lists.size(); ++i) {
        std::array<std::uint64_t, state::DIRECTIONS> peers{};
        for (const state::Peer& peer : node.peers) {
            if ((peer.lists >> i & 1) != 0) ++peers[peer.inbound ? 0 : 1];
        }
        for (std::size_t direction{0}; direction < peers.size(); ++direction) {
            out.Add(peers[direction], {node.lists[i].name, DIRECTION_NAMES[direction]});
        }
    }
}

void Connections(const NodeSnapshot& node, Samples& out)
{
    for (const ListTotals& list : node.lists) {
        for (std::size_t direction{0}; direction < list.connections.size(); ++direction) {
            out.Add(list.connections[direction], {list.name, DIRECTION_NAMES[direction]});
        }
    }
}

void Messages(const NodeSnapshot& node, Samples& out)
{
    for (const ListTotals& list : node.lists) {
        for (std::size_t direction{0}; direction < list.messages.size(); ++direction) {
            const state::MessageCounts& types{list.messages[direction]};
            for (std::size_t type{0}; type < wire::MESSAGE_TYPE_COUNT; ++type) {
                if (types[type].count == 0) continue;
                out.Add(types[type].count, {list.name, DIRECTION_NAMES[direction], wire::MessageTypeNames()[type]});
            }
        }
    }
}

void Bytes(const NodeSnapshot& node, Samples& out)
{
    for (const ListTotals& list : node.lists) {
        for (std::size_t direction{0}; direction < list.messages.size(); ++direction) {
            std::uint64_t bytes{0};
            for (const auto& messages : list.messages[direction]) bytes += messages.bytes;
            out.Add(bytes, {list.name, DIRECTION_NAMES[direction]});
        }
    }
}

// clang-format off
constexpr Family FAMILIES[]{
    {"listed_peers", Gauge, "list,direction", "Connected peers whose address is on a list, by who opened the connection", OpenPeers},
    {"listed_connections", Counter, "list,direction", "Connections with addresses on a list, by who opened them", Connections},
    {"listed_messages", Counter, "list,direction,type", "P2P messages from and to addresses on a list, of types that occurred", Messages},
    {"listed_message_bytes", Counter, "list,direction", "Payload of P2P messages from and to addresses on a list", Bytes},
};
// clang-format on

} // namespace

FamilyGroup ListFamilies()
{
    return {
        "Lists of addresses",
        "Of the lists that `--address-list` names, up to eight ([serve.md](serve.md#lists-of-addresses)); absent without. They are of the "
        "events that came since a list has been there. A peer may be on several.",
        FAMILIES};
}

} // namespace coretap::sinks::metrics
