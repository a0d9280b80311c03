// Snapshots for the tests of metrics: one where everything has a small value of its own, one where every label is at its bound.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "event/catalogue.h"
#include "sinks/metrics/metrics.h"
#include "wire/message.h"

namespace coretap::sinks::metrics {

using state::NodeSnapshot;
using state::Peer;
using state::Snapshot;

inline constexpr std::int64_t NOW_NS{1'795'338'904'250'000'000};
inline constexpr std::int64_t NOW_S{NOW_NS / 1'000'000'000};

inline Peer MakePeer(std::int64_t id, bool inbound)
{
    Peer peer;
    peer.id = id;
    peer.address = "192.0." + std::to_string(id % 200) + ".7:8333";
    peer.network = "ipv4";
    peer.inbound = inbound;
    peer.conn_type = inbound ? "inbound" : "outbound-full-relay";
    peer.last_in_utc_ns = NOW_NS - 1'000'000'000;
    peer.version = state::VersionFacts{.version = 70016, .services = 0x409, .user_agent = "/Satoshi:31.0.0/", .time_offset_s = -1};
    peer.handshake_done = true;
    peer.addrv2 = true;
    peer.ping.last_ns = 20'000'000 + id * 1'000'000;
    peer.ping.min_ns = 10'000'000 + id * 1'000'000;
    peer.fee_filter_sat_per_kvb = inbound ? 1000 : 100;
    return peer;
}

/** A node in which everything has happened, a little. */
inline NodeSnapshot SmallNode(std::string label = "main")
{
    NodeSnapshot node;
    node.identity = {.pid = 1234,
                     .label = std::move(label),
                     .executable = "/usr/bin/bitcoind",
                     .build_id = "0123abcd",
                     .datadir = "/data",
                     .chain = "main",
                     .started_at_s = NOW_S - 3600,
                     .starts = 2,
                     .running = true};
    node.peers = {MakePeer(1, true), MakePeer(2, true), MakePeer(3, false)};
    node.peers[0].ping.waiting_since_utc_ns = NOW_NS - 8'000'000'000;
    node.peers[1].addr.rate_limited = 3;
    const auto type{[](wire::MessageType which) { return static_cast<std::size_t>(which); }};
    node.messages[0][1][type(wire::MessageType::Inv)] = {10, 370};
    node.messages[0][1][type(wire::MessageType::Other)] = {1, 5};
    node.messages[1][4][type(wire::MessageType::Ping)] = {3, 24};
    node.messages_exact = true;
    node.utc_ns = NOW_NS;
    node.fired = {{event::id::INBOUND_MESSAGE, 11}, {event::id::ADDRMAN_MOVE_TO_GOOD, 1}, {event::id::ADDRMAN_MOVE_TO_GOOD_2023, 1}};
    node.lists = {{"spies", {3, 0}, {}}, {"tor-exits", {0, 1}, {}}};
    node.lists[0].messages[0][type(wire::MessageType::GetAddr)] = {4, 0};
    node.lists[0].messages[1][type(wire::MessageType::AddrV2)] = {4, 12'000};
    node.peers[0].lists = 1;
    node.peers[2].lists = 3;
    node.connections.inbound = {{"ipv4", 5}, {"onion", 1}};
    node.connections.outbound = {{"outbound-full-relay", 2}, {"feeler", 9}};
    node.connections.closed = {{"inbound", 4}};
    node.connections.outbound_networks = {{"ipv4", 11}};
    node.connections.closed_networks = {{"ipv6", 4}};
    node.connections.evicted = 1;
    node.connections.misbehaving = {{"headers message size", 2}};
    node.connections.closed_age_seconds.Observe(0.5);
    node.connections.closed_age_seconds.Observe(90);
    node.connections.inbound_now = 2;
    node.connections.outbound_now = 1;
    node.mempool.added = {7, 1400, 2800};
    node.mempool.removed = {{"block", {2, 400, 900}}, {"sizelimit", {1, 150, 151}}, {"patched", {1, 100, 100}}};
    node.mempool.rejected = {{"min relay fee not met", 3}};
    node.mempool.replaced = {1, 200, 300};
    node.mempool.replacements_by_package = 1;
    node.mempool.added_feerate_sat_per_vb.Observe(2, 7);
    node.mempool.block_removal_age_seconds.Observe(65, 2);
    node.chain = {
        .height = 930'000, .tip_utc_ns = NOW_NS - 60'000'000'000, .blocks = 1, .transactions = 2113, .inputs = 5321, .sigops = 8500};
    node.chain.connect_seconds.Observe(0.12);
    node.block_totals.announce_to_deliver_seconds.Observe(0.004);
    node.block_totals.deliver_to_connect_seconds.Observe(0.125);
    node.block_totals.announce_to_relay_seconds.Observe(0.02);
    node.block_totals.first_announced_via = {0, 0, 1, 1, 1};
    node.block_totals.not_announced = 3;
    node.block_totals.delivered_unknown = 4;
    node.block_totals.delivered_compact_partial = 1;
    node.block_totals.missing_transactions.Observe(3);
    node.utxo.added = 100;
    node.utxo.spent = 60;
    node.utxo.uncached = 4;
    auto& flush{node.utxo.flushes[{"PERIODIC", false}]};
    flush.count = 1;
    flush.coins = 160;
    flush.seconds.Observe(0.3);
    flush.last_memory_bytes = 45'000;
    flush.last_coins = 160;
    flush.last_utc_ns = NOW_NS - 30'000'000'000;
    node.coins.selected = {{"bnb", 2}};
    node.coins.created = 2;
    node.coins.failed = 1;
    node.coins.aps_attempts = 2;
    node.coins.aps_used = 1;
    node.addrman = {.new_inserted = 5, .new_refused = 6, .tried = 2};
    auto& gossip{node.gossip};
    gossip.addr.entries[1][0].Observe(12);
    gossip.addr.time_offset_seconds[1][0].Observe(-4000, 12);
    gossip.addr.networks[1][0] = {{"ipv4", 9}, {"onion", 3}};
    gossip.addr.networks[0][1] = {{"ipv4", 1}};
    gossip.addr.service_bits[1][0][0] = 12;
    gossip.addr.service_bits[1][0][3] = 12;
    gossip.addr.service_bits[1][0][24] = 1;
    gossip.addr.service_bits[1][0][40] = 1;
    gossip.addr.service_sets[0] = {{0x9, 11}, {0x409, 1}, {0, 2}};
    gossip.addr.self_announcements[0] = {{"ipv4", 1}};
    gossip.addr.subnet_announcements[0] = {{"ipv6", 2}};
    gossip.addr.rate_limited = 3;
    gossip.addr.processed = 9;
    gossip.addr.empty[1][0] = 1;
    gossip.inv.entries[0] = {{"wtx", 10}, {"tx", 1}};
    gossip.inv.size[0].Observe(11);
    gossip.inv.mixed[0] = 1;
    gossip.ping_seconds.Observe(0.021, 3);
    gossip.old_pings = 1;
    gossip.ping_nonces = {0, 1, 2, 3, 40};
    gossip.notfound_entries = {2, 5};
    gossip.fee_filter_sat_per_vb[0].Observe(1);
    gossip.user_agents = {{"/Satoshi:31.0.0/", 3}, {"other", 2}};
    gossip.protocol_versions = {{70016, 4}, {-1, 1}};
    gossip.version_services[0] = 4;
    gossip.rejects = {{"insufficient_fee", 1}};
    gossip.reject_types[type(wire::MessageType::Tx)] = 1;
    gossip.findings = {{{"inv", "limit exceeded"}, 1}};
    auto& inv{node.message_times.types[type(wire::MessageType::Inv)]};
    inv.count = 10;
    inv.seconds.Observe(0.00004, 10);
    inv.ended_in_wait = 1;
    inv.idle = 2;
    inv.total_at_least_ns = 250'000;
    auto& pong{node.message_times.types[type(wire::MessageType::Pong)]};
    pong.count = 3;
    pong.seconds.Observe(0.000005, 3);
    return node;
}

inline Snapshot SnapshotOf(std::vector<NodeSnapshot> nodes)
{
    Snapshot snapshot;
    snapshot.utc_ns = NOW_NS;
    snapshot.events = 1000;
    for (NodeSnapshot& node : nodes) snapshot.nodes.push_back(std::make_shared<const NodeSnapshot>(std::move(node)));
    snapshot.ledger.ring_high_water_bytes = 65'536;
    snapshot.ledger.kernel_run_time_ns = 1'500'000'000;
    snapshot.ledger.kernel_run_count = 1010;
    snapshot.ledger.tallies[event::id::INBOUND_MESSAGE] = {
        .fired = 1000, .delivered = 990, .withheld = 6, .lost = {3, 1, 0, 0, 0}, .payload_shed = 5};
    snapshot.ledger.tallies[event::id::ADDRMAN_MOVE_TO_GOOD] = {.fired = 1, .delivered = 1};
    snapshot.ledger.tallies[event::id::ADDRMAN_MOVE_TO_GOOD_2023] = {.fired = 2, .delivered = 2, .arg_faults = 1};
    return snapshot;
}

inline poll::NodeFacts SmallRpc()
{
    poll::NodeFacts facts;
    facts.state = poll::RpcState::Ok;
    facts.reconnects = 1;
    auto& method{facts.methods[0]};
    method.availability = poll::MethodFacts::Availability::Yes;
    method.successes = 10;
    method.failures = 2;
    method.odd_values = 1;
    method.last_success_utc_ns = NOW_NS - 2'000'000'000;
    method.duration_total_ns = 40'000'000;
    facts.methods[8].availability = poll::MethodFacts::Availability::Missing;
    facts.methods[10].availability = poll::MethodFacts::Availability::Off;
    poll::PeerFacts peer;
    peer.id = 1;
    peer.network = "ipv4";
    peer.mapped_as = 64'500;
    peer.inv_to_send = 40;
    peer.timeoffset_s = 14;
    peer.pingtime_s = 0.02;
    peer.minping_s = 0.01;
    peer.pingwait_s = 8;
    peer.inbound = true;
    peer.bip152_hb_from = true;
    peer.inflight = 2;
    peer.addr_relay_enabled = true;
    peer.addr_processed = 100;
    peer.addr_rate_limited = 7;
    peer.minfeefilter_sat_per_kvb = 100;
    peer.connection_type = "inbound";
    peer.transport_protocol_type = "v2";
    peer.permissions = {"noban", "relay", "unheard-of"};
    facts.peers = poll::PeersFacts{.peers = {peer, peer, {}}, .blocks_in_flight = 3};
    facts.peers->peers[1].mapped_as = 64'501;
    facts.net_totals =
        poll::NetTotalsFacts{.totalbytesrecv = 5000, .totalbytessent = 6000, .uploadtarget_bytes = 1000, .uploadtarget_bytes_left = 400};
    facts.mempool = poll::MempoolFacts{.loaded = true,
                                       .size = 12,
                                       .bytes = 3000,
                                       .usage_bytes = 9000,
                                       .maxmempool_bytes = 300'000'000,
                                       .total_fee_sat = 4567,
                                       .mempoolminfee_sat_per_kvb = 100,
                                       .minrelaytxfee_sat_per_kvb = 100,
                                       .incrementalrelayfee_sat_per_kvb = 1000,
                                       .unbroadcastcount = 1};
    auto& blockchain{facts.blockchain.emplace()};
    blockchain.blocks = 930'000;
    blockchain.headers = 930'001;
    blockchain.difficulty = 146'472'570'619'930.8;
    blockchain.time_utc_s = NOW_S - 100;
    blockchain.verificationprogress = 0.999;
    blockchain.initialblockdownload = false;
    blockchain.size_on_disk_bytes = 800'000'000'000;
    blockchain.pruned = true;
    blockchain.pruneheight = 900'000;
    blockchain.prune_target_size_bytes = 550'000'000;
    blockchain.warnings = {"unknown new rules activated"};
    auto& network{facts.network.emplace()};
    network.version = 310'000;
    network.protocolversion = 70016;
    network.networkactive = true;
    network.timeoffset_s = -1;
    network.connections_in = 2;
    network.connections_out = 1;
    network.relayfee_sat_per_kvb = 100;
    network.localaddresses = 1;
    network.networks["ipv4"].reachable = true;
    network.networks["i2p"].reachable = false;
    facts.uptime_s = 3600;
    facts.memory =
        poll::MemoryFacts{.used_bytes = 1, .free_bytes = 2, .total_bytes = 3, .locked_bytes = 3, .chunks_used = 4, .chunks_free = 5};
    facts.addrman = poll::AddrmanFacts{{{"ipv4", {10, 5, 15}}, {"all_networks", {10, 5, 15}}}};
    facts.orphans.emplace().count = 2;
    facts.orphans->bytes = 500;
    facts.orphans->vsize = 400;
    facts.orphans->weight = 1600;
    facts.chain_tips.emplace().status = {{"active", 1}, {"valid-fork", 2}};
    facts.raw_addrman = poll::RawAddrmanFacts{};
    facts.raw_addrman->in_new.all = {.entries = 10, .future = 1, .too_old = 2, .age_s = {1, 2, 3, 4, 5, 6, 7, 8}};
    facts.raw_addrman->in_new.by_network = {{"ipv4", {.entries = 7}}, {"unheard-of", {.entries = 3}}};
    return facts;
}

inline poll::LogTotals SmallLog()
{
    poll::LogTotals log;
    log.following = true;
    log.bytes = 12'345;
    log.skipped_bytes = 7;
    log.rotations = 1;
    log.categories = {{"net", {.lines = 5}}, {"", {.lines = 2}}};
    log.levels = {0, 5, 1, 1, 0};
    log.tips = 4;
    log.new_headers = 6;
    log.new_headers_compact = 5;
    log.reconstructions = 3;
    log.reconstructions_complete = 2;
    log.reconstruction_prefilled = 3;
    log.reconstruction_from_mempool = 6000;
    log.reconstruction_from_extra_pool = 4;
    log.reconstruction_requested = 11;
    log.reconstruction_requested_bytes = 4000;
    log.bench[0] = {.count = 3, .total_ms = 450.5, .last_ms = 150};
    return log;
}

inline Self SmallSelf()
{
    Self self;
    self.version = "0.1.0";
    self.commit = "abc123";
    self.tracepoints = {{event::id::INBOUND_MESSAGE, "net:inbound_message", 1},
                        {event::id::BLOCK_CONNECTED, "validation:block_connected", 0},
                        {event::id::ADDRMAN_MOVE_TO_GOOD, "addrman:move_to_good", 0},
                        {event::id::ADDRMAN_MOVE_TO_GOOD_2023, "addrman:move_to_good", 1}};
    self.ring_bytes = 16 << 20;
    self.ring_used_bytes = 4096;
    self.queues = {{"recorder", {3, 64}}};
    self.process = Self::Process{.cpu_seconds = 1.25,
                                 .resident_bytes = 20 << 20,
                                 .virtual_bytes = 100 << 20,
                                 .threads = 3,
                                 .open_fds = 30,
                                 .start_time_utc_s = static_cast<double>(NOW_S - 600)};
    self.web = Self::Web{.connections = 2,
                         .connections_total = 9,
                         .websockets = 1,
                         .websockets_total = 4,
                         .responses_total = {0, 1, 20, 0, 3, 0},
                         .refusals_total = {{"bad-host", 1}, {"slow-reader", 0}},
                         .sent_bytes_total = 100'000,
                         .events_formatted_total = 500,
                         .events_sampled_out_total = 50,
                         .events_dropped_total = 5};
    self.recording = Self::Recording{.active = true, .bytes_total = 7777, .files_total = 2};
    self.nodes["main"] = {std::make_shared<const poll::NodeFacts>(SmallRpc()), SmallLog()};
    self.config_reloaded_utc_s = NOW_S - 500;
    self.config_failures_total = 1;
    return self;
}

/** 125 peers, and every label that a peer can make up, at its bound, with values of many digits. */
inline NodeSnapshot BusyNode()
{
    constexpr std::uint64_t MANY{12'345'678};
    NodeSnapshot node{SmallNode()};
    node.peers.clear();
    for (std::int64_t id{0}; id < 125; ++id) node.peers.push_back(MakePeer(id, id >= 10));
    node.message_times = {};
    for (auto& direction : node.messages) {
        for (std::size_t conn_type{0}; conn_type < event::ConnectionTypes().size(); ++conn_type) {
            for (std::size_t type{0}; type < wire::MESSAGE_TYPE_COUNT; ++type) direction[conn_type][type] = {MANY * 100, MANY * 10'000};
        }
    }
    for (auto& type : node.message_times.types) {
        type.count = MANY;
        type.total_at_least_ns = 123'456'789'012;
        type.seconds.Observe(0.0123, MANY);
    }
    const auto reason{[](std::size_t i) { return "a-reason-that-is-as-long-as-reasons-are-" + std::to_string(i); }};
    for (std::size_t i{0}; i < state::MempoolTotals::MAX_REASONS; ++i) {
        node.mempool.removed[reason(i)] = {MANY, MANY, static_cast<std::int64_t>(MANY)};
        node.mempool.rejected[reason(i)] = MANY;
    }
    for (std::size_t i{0}; i < state::ConnectionTotals::MAX_MISBEHAVIOURS; ++i) node.connections.misbehaving[reason(i)] = MANY;
    for (const std::string_view type : wire::MessageTypeNames()) {
        node.gossip.findings[{std::string{type}, "ends early"}] = MANY; // the others are seeds
    }
    for (std::size_t i{0}; i < 40; ++i) node.gossip.user_agents[std::to_string(i) + std::string(254, '\xff')] = MANY;
    for (auto i{state::GossipTotals::FIRST_PROTOCOL}; i <= state::GossipTotals::LAST_PROTOCOL; ++i) node.gossip.protocol_versions[i] = MANY;
    node.gossip.rejects["other"] = MANY;
    node.gossip.version_services.fill(MANY);
    for (auto& type : node.gossip.addr.service_bits) {
        for (auto& bits : type) bits.fill(MANY);
    }
    for (std::uint64_t set{0}; set < 32; ++set) { // those of five bits
        const std::uint64_t services{(set & 1) | (set & 2) << 2 | (set & 4) << 4 | (set & 24) << 7};
        for (auto& sets : node.gossip.addr.service_sets) sets[services] = MANY;
    }
    for (const bool prune : {false, true}) {
        for (std::uint64_t mode{1}; mode < 5; ++mode) // 0, NONE, is no flush
            node.utxo.flushes[{std::string{event::FlushModeName(mode)}, prune}].count = MANY;
    }
    return node;
}

/** Every built-in tracepoint is traced. */
inline Self BusySelf()
{
    Self self{SmallSelf()};
    self.tracepoints.clear();
    const event::Catalogue catalogue;
    for (const event::TracepointDef* row : catalogue.Rows()) self.tracepoints.push_back({row->id, row->FullName(), 1});
    return self;
}

} // namespace coretap::sinks::metrics
