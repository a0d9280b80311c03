// A snapshot in which everything has happened, some of it with a stranger's bytes.
#pragma once

#include <memory>
#include <string>

#include "event/catalogue.h"
#include "state/snapshot.h"
#include "wire/message.h"

namespace coretap::test {

inline constexpr std::int64_t NOW_NS{1'795'338'904'123'456'789};
inline constexpr std::string_view HOSTILE{"</script>\"\\\x01\xff\xe2\x80\xa8"};

inline state::Peer FullPeer(std::int64_t id)
{
    state::Peer peer;
    peer.id = id;
    peer.address = "203.0.113.7:8333";
    peer.network = "ipv4";
    peer.conn_type = "outbound-full-relay";
    peer.connected_utc_ns = NOW_NS - 5'000'000'000;
    peer.first_seen_utc_ns = NOW_NS - 5'000'000'000;
    peer.last_in_utc_ns = NOW_NS;
    const auto inv = static_cast<std::size_t>(wire::MessageType::Inv);
    const auto ping = static_cast<std::size_t>(wire::MessageType::Ping);
    peer.messages[0][inv] = {3, 111};
    peer.messages[0][ping] = {1, 8};
    peer.messages[1][ping] = {2, 16};
    peer.version = {70016, 0x0c09, std::string{HOSTILE}, 912'000, true, -3};
    peer.ping.last_ns = 12'345'678;
    peer.ping.min_ns = 9'000'000;
    peer.ping.answered = 4;
    peer.ping.waiting_since_utc_ns = NOW_NS - 1'000'000;
    peer.fee_filter_sat_per_kvb = 1000;
    peer.height = 912'345;
    peer.last_misbehaviour = std::string{HOSTILE};
    return peer;
}

inline std::shared_ptr<state::Snapshot> FullSnapshot()
{
    auto node = std::make_shared<state::NodeSnapshot>();
    node->identity = {0, 1234, 0, "main", "/usr/bin/bitcoind", "0123abcd", "/home/alice/.bitcoin", "main", 1'795'338'000, 1, true};
    node->lists.resize(2);
    node->lists[0].name = "spies";
    node->lists[1].name = "tor-exits";
    node->peers.push_back(FullPeer(12));
    node->peers.back().lists = 2;
    node->peers.push_back({});
    node->peers.back().id = 13;
    node->peers.back().inbound = true;
    node->closed_peers.push_back(FullPeer(7));
    node->closed_peers.back().closed_utc_ns = NOW_NS - 1;
    const auto inv = static_cast<std::size_t>(wire::MessageType::Inv);
    node->messages[0][1][inv] = {3, 111};
    node->connections.inbound["ipv4"] = 5;
    node->connections.outbound["manual"] = 1;
    node->connections.closed["inbound"] = 2;
    node->connections.misbehaving["bad"] = 1;
    node->connections.inbound_now = 34;
    node->connections.outbound_now = 10;
    node->mempool.added = {10, 1410, 12'340};
    node->mempool.removed["block"] = {4, 564, 5000};
    node->mempool.rejected[std::string{HOSTILE}] = 2;
    node->mempool.added_feerate_sat_per_vb.Observe(8.75);
    node->chain.height = 912'345;
    node->chain.tip[0] = std::byte{1};
    node->chain.tip_utc_ns = NOW_NS;
    node->chain.blocks = 1;
    state::BlockJourney block;
    block.hash[31] = std::byte{0xab};
    block.height = 912'345;
    block.first_utc_ns = NOW_NS - 400'000'000;
    block.announcements.push_back({12, state::BlockVia::CmpctBlock, NOW_NS - 400'000'000});
    block.announcements_total = 1;
    block.requests.push_back({12, state::BlockVia::Block, NOW_NS - 300'000'000});
    block.compact.push_back({12, NOW_NS - 400'000'000, 9000, 2000, 1, 3, 700, NOW_NS - 200'000'000, false});
    block.delivered_peer = 12;
    block.delivered_utc_ns = NOW_NS - 200'000'000;
    block.connected_utc_ns = NOW_NS;
    block.connect_ns = 123'000'000;
    block.first_relay_utc_ns = NOW_NS - 100'000'000;
    node->blocks.push_back(block);
    node->block_totals.first_announced_via[2] = 1;
    node->utxo.flushes[{"periodic", false}].count = 2;
    node->utxo.flushes[{"periodic", false}].last_utc_ns = NOW_NS;
    node->coins.selected["bnb"] = 1;
    node->gossip.user_agents["/Satoshi:27.0.0/"] = 2;
    node->gossip.protocol_versions[70016] = 2;
    node->gossip.protocol_versions[-1] = 1;
    node->gossip.version_services[0] = 2;
    node->gossip.version_services[40] = 1;
    node->gossip.rejects["duplicate"] = 1;
    node->gossip.findings[{"tx", "trailing bytes"}] = 1;
    node->gossip.inv.entries[0]["wtx"] = 35;
    node->gossip.addr.networks[1][0]["onion"] = 3;
    node->gossip.addr.service_bits[1][0][3] = 3;
    auto& times = node->message_times.types[inv];
    times.count = 3;
    times.total_ns = 300'000;
    times.max_ns = 200'000;
    times.seconds.Observe(0.0001, 3);
    state::HistoryPoint point;
    point.utc_ns = NOW_NS - NOW_NS % 1'000'000'000;
    point.messages[0] = {4, 119};
    node->seconds.push_back(point);
    node->minutes.push_back(point);

    auto second = std::make_shared<state::NodeSnapshot>();
    second->identity.pid = 99;
    second->identity.label = "test";

    auto snapshot = std::make_shared<state::Snapshot>();
    snapshot->utc_ns = NOW_NS;
    snapshot->events = 1234;
    snapshot->nodes = {node, second};
    auto& tally = snapshot->ledger.tallies[event::id::INBOUND_MESSAGE];
    tally.fired = 100;
    tally.delivered = 97;
    tally.lost[0] = 3;
    return snapshot;
}

} // namespace coretap::test
