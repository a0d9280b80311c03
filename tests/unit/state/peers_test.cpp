#include "unit/state/state_fixture.h"

#include <rapidcheck/gtest.h>

namespace coretap::state {
namespace {

namespace id = event::id;
using testing::ElementsAre;

std::uint64_t CountIn(const Peer& peer, std::string_view type) { return peer.messages[0][event::MessageTypeId(type)].count; }

TEST(Peers, WhatAnInboundPeerTellsOfItself)
{
    Script script;
    const Script::Kind kind{"127.0.0.1:40112", "inbound"};
    script.At(10).Connection(id::INBOUND_CONNECTION, 7, 12, kind, 3);
    sim::VersionFields version{VersionOf("/Satoshi:29.0.0/")};
    version.services = 0x409;
    version.time = START_NS / 1'000'000'000 + 3;
    version.height = 900'000;
    version.relay = false;
    script.At(11).In(7, "version", sim::EncodeVersion(version), kind);
    script.At(12).Out(7, "version", {}, kind);
    for (const char* type : {"wtxidrelay", "sendaddrv2", "verack", "sendheaders"}) script.In(7, type, {}, kind);
    script.In(7, "sendcmpct", sim::EncodeSendCmpct(true), kind).Out(7, "sendcmpct", sim::EncodeSendCmpct(false), kind);
    script.At(13).In(7, "feefilter", sim::EncodeFeeFilter(1234), kind);

    const auto node{script.Node()};
    const Peer peer{PeerOf(*node, 7)};
    EXPECT_EQ(peer.address, "127.0.0.1:40112");
    EXPECT_EQ(peer.network, "onion"); // the connection event knows better than the address
    EXPECT_EQ(peer.conn_type, "inbound");
    EXPECT_TRUE(peer.inbound);
    EXPECT_EQ(peer.connected_utc_ns, AtMs(10));
    EXPECT_EQ(peer.first_seen_utc_ns, AtMs(10));
    EXPECT_EQ(peer.last_in_utc_ns, AtMs(13));
    EXPECT_EQ(peer.last_out_utc_ns, AtMs(12));
    ASSERT_TRUE(peer.version);
    EXPECT_EQ(peer.version->version, 70016);
    EXPECT_EQ(peer.version->services, 0x409U);
    EXPECT_EQ(peer.version->user_agent, "/Satoshi:29.0.0/");
    EXPECT_EQ(peer.version->start_height, 900'000);
    EXPECT_FALSE(peer.version->relay);
    EXPECT_EQ(peer.version->time_offset_s, 3);
    EXPECT_EQ(peer.height, 900'000);
    EXPECT_TRUE(peer.handshake_done && peer.wtxid_relay && peer.addrv2 && peer.prefers_headers && peer.compact_hb_from);
    EXPECT_FALSE(peer.compact_hb_to);
    EXPECT_EQ(peer.fee_filter_sat_per_kvb, 1234);
    EXPECT_EQ(CountIn(peer, "feefilter"), 1U);
    EXPECT_EQ(peer.messages[0][event::MessageTypeId("feefilter")].bytes, 8U);
    EXPECT_EQ(node->connections.inbound.at("onion"), 1U);
    EXPECT_EQ(node->connections.inbound_now, 12U);
    EXPECT_EQ(node->gossip.version_services[10], 1U);
    EXPECT_EQ(node->gossip.protocol_versions.at(70016), 1U);
}

TEST(Peers, KnownBeforeWeLooked)
{
    Script script;
    const Peer peer{PeerOf(*script.At(5).In(3, "inv", {}, {"[2a01:4f8::1]:8333", "manual"}).Node(), 3)};
    EXPECT_EQ(peer.network, "ipv6");
    EXPECT_EQ(peer.conn_type, "manual");
    EXPECT_FALSE(peer.connected_utc_ns);
    EXPECT_EQ(peer.first_seen_utc_ns, AtMs(5));
}

TEST(Peers, OutboundConnectionIsToldOfAfterItsFirstMessage)
{
    Script script;
    script.At(5).Out(3, "version").At(6).Connection(id::OUTBOUND_CONNECTION, 3, 1);
    const auto node{script.Node()};
    EXPECT_EQ(node->peers.size(), 1U);
    EXPECT_EQ(PeerOf(*node, 3).connected_utc_ns, AtMs(5));
    EXPECT_EQ(node->connections.outbound.at("outbound-full-relay"), 1U);
}

TEST(Peers, PingsAreMatchedByNonce)
{
    Script script;
    script.At(0).Out(1, "ping", sim::EncodeNonce(5)).At(20).In(1, "pong", sim::EncodeNonce(6));
    EXPECT_EQ(PeerOf(*script.Node(), 1).ping.waiting_since_utc_ns, AtMs(0));
    script.At(30).In(1, "pong", sim::EncodeNonce(5)).At(31).In(1, "pong", sim::EncodeNonce(5));
    script.At(100).Out(1, "ping", sim::EncodeNonce(7)).At(140).In(1, "pong", sim::EncodeNonce(7)).In(1, "ping");
    const auto node{script.Node()};
    const PingFacts ping{PeerOf(*node, 1).ping};
    EXPECT_EQ(ping.answered, 2U);
    EXPECT_EQ(ping.last_ns, 40'000'000);
    EXPECT_EQ(ping.min_ns, 30'000'000);
    EXPECT_FALSE(ping.waiting_since_utc_ns);
    EXPECT_EQ(node->gossip.ping_seconds.count, 2U);
    EXPECT_EQ(node->gossip.ping_seconds.counts[4], 2U); // above 25, up to 50 ms
    EXPECT_EQ(node->gossip.old_pings, 1U);              // the last, without nonce
}

TEST(Peers, TransactionsAreCountedByEntry)
{
    using namespace sim::inv_type;
    Script script;
    script.In(1, "inv", sim::EncodeInv({{WTX, {1}}, {TX, {2}}, {BLOCK, {3}}}))
        .Out(1, "getdata", sim::EncodeInv({{WTX, {1}}, {WITNESS_TX, {2}}}));
    script.In(1, "tx").In(1, "notfound", sim::EncodeInv({{WTX, {1}}}));
    script.Out(1, "inv", sim::EncodeInv({{WTX, {4}}})).In(1, "getdata", sim::EncodeInv({{WTX, {4}}})).Out(1, "tx");
    const auto node{script.Node()};
    const Peer peer{PeerOf(*node, 1)};
    EXPECT_THAT((std::vector{peer.tx_inv_in, peer.tx_inv_out, peer.tx_requested_in, peer.tx_requested_out, peer.tx_in, peer.tx_out,
                             peer.notfound_in}),
                ElementsAre(2, 1, 1, 2, 1, 1, 1));
    EXPECT_EQ(node->gossip.inv.entries[0].at("wtx"), 1U);
    EXPECT_EQ(node->gossip.inv.entries[0].at("block"), 1U);
    EXPECT_EQ(node->gossip.inv.entries[1].at("wtx"), 1U);
    EXPECT_EQ(node->gossip.inv.mixed[0], 1U);
    EXPECT_EQ(node->gossip.inv.size[0].sum, 3);
}

TEST(Peers, ClosedAndLastMessagesBehind)
{
    Script script;
    script.At(0).Connection(id::INBOUND_CONNECTION, 1, 1, {"1.2.3.4:5", "inbound"}).In(1, "inv", {}, {"1.2.3.4:5", "inbound"});
    script.Connection(id::EVICTED_INBOUND_CONNECTION, 1, START_NS / 1'000'000'000 - 9, {"1.2.3.4:5", "inbound"});
    script.Misbehaving(1, "headers message size = 2001");
    script.At(10'000).Closed(1, START_NS / 1'000'000'000, {"1.2.3.4:5", "inbound"});
    script.In(1, "ping", {}, {"1.2.3.4:5", "inbound"});
    script.At(11'000).Closed(9, START_NS / 1'000'000'000 - 60); // never heard of
    const auto node{script.Node()};
    EXPECT_TRUE(node->peers.empty());
    ASSERT_EQ(node->closed_peers.size(), 2U);
    EXPECT_EQ(node->closed_peers[0].id, 9);
    EXPECT_EQ(node->closed_peers[0].connected_utc_ns, AtMs(-60'000));
    const Peer& peer{node->closed_peers[1]};
    EXPECT_EQ(peer.closed_utc_ns, AtMs(10'000));
    EXPECT_FALSE(peer.close_inferred);
    EXPECT_TRUE(peer.evicted);
    EXPECT_EQ(CountIn(peer, "ping"), 1U);
    EXPECT_EQ(peer.misbehaving, 1U);
    EXPECT_EQ(peer.last_misbehaviour, "headers message size = 2001");
    EXPECT_EQ(node->connections.evicted, 1U);
    EXPECT_EQ(node->connections.misbehaving.at("headers message size"), 1U);
    EXPECT_EQ(node->connections.closed.at("inbound"), 1U);
    EXPECT_EQ(node->connections.closed_age_seconds.sum, 10 + 71);
}

TEST(Peers, SilentOnesAreTakenForClosed)
{
    Script script;
    script.At(0).In(1, "ping").At(60'000).In(2, "ping").At(1'260'500).In(3, "ping");
    const auto node{script.Node()};
    ASSERT_EQ(node->closed_peers.size(), 1U); // 21 minutes after its last message
    EXPECT_EQ(node->closed_peers[0].id, 1);
    EXPECT_TRUE(node->closed_peers[0].close_inferred);
    EXPECT_EQ(node->closed_peers[0].closed_utc_ns, AtMs(0));
    EXPECT_EQ(node->peers.size(), 2U);
    // and if it was only that: back it is
    const auto later{script.After(1).In(1, "ping").Node()};
    EXPECT_EQ(CountIn(PeerOf(*later, 1), "ping"), 2U);
    EXPECT_TRUE(later->closed_peers.empty());
}

TEST(Peers, TheLongestSilentMakesRoom)
{
    Script script;
    for (std::int64_t id{0}; id < static_cast<std::int64_t>(NodeSnapshot::MAX_PEERS); ++id) script.In(id, "ping");
    script.After(1).In(0, "ping").In(1'000'000, "ping");
    const auto node{script.Node()};
    EXPECT_EQ(node->peers.size(), NodeSnapshot::MAX_PEERS);
    ASSERT_EQ(node->closed_peers.size(), 1U);
    EXPECT_EQ(node->closed_peers[0].id, 1);
}

TEST(Peers, ExactCountsReplaceOurSums)
{
    Script script;
    script.Found().In(1, "inv", sim::Bytes(37)).Fire(id::UTXOCACHE_UNCACHE, [](event::RecordBuilder& to) {
        to.Bytes(std::vector<std::byte>(32)).Uint(0).Uint(1).Int(2).Uint(0);
    });
    const auto inv{event::MessageTypeId("inv")};
    const auto full_relay{event::ConnectionTypeId("outbound-full-relay")};
    EXPECT_FALSE(script.Node()->messages_exact);
    EXPECT_EQ(script.Node()->messages[0][full_relay][inv], (MessageCount{1, 37}));
    EXPECT_EQ(script.Node()->utxo.uncached, 1U);

    pipeline::Ledger ledger;
    ledger.tallies[id::UTXOCACHE_ADD].fired = 55;
    EXPECT_EQ(script.Take(ledger)->nodes[0]->utxo.added, 55U);

    const pipeline::ProcessCounters other{.pid = 99, .started_at_s = 0, .messages = {{0, full_relay, inv, {99, 99}}}};
    const pipeline::ProcessCounters mine{.pid = PID,
                                         .started_at_s = START_NS / 1'000'000'000,
                                         .messages = {{0, full_relay, inv, {3, 100}}, {1, 0, 0, {1, 2}}},
                                         .coins_added = 1000,
                                         .coins_spent = 2000,
                                         .coins_uncached = 3};
    script.GetTracker().SetExact(std::vector{other, mine});
    const auto node{script.Take(ledger)->nodes[0]};
    EXPECT_TRUE(node->messages_exact);
    EXPECT_EQ(node->messages[0][full_relay][inv], (MessageCount{3, 100}));
    EXPECT_EQ(node->messages[1][0][0], (MessageCount{1, 2}));
    EXPECT_EQ(node->utxo.added, 1000U);
    EXPECT_EQ(node->utxo.spent, 2000U);
    EXPECT_EQ(node->utxo.uncached, 3U);
}

/** Whatever the order of connection events and messages, each message is one peer's. */
RC_GTEST_PROP(PeersProperty, TotalsOverPeersAreTheNodes, ())
{
    Script script;
    const auto steps{*rc::gen::container<std::vector<std::pair<int, int>>>(rc::gen::pair(rc::gen::inRange(0, 8), rc::gen::inRange(0, 12)))};
    const Script::Kind kinds[]{{"1.2.3.4:8333", "manual"}, {"5.6.7.8:40000", "inbound"}};
    for (const auto& [what, peer] : steps) {
        const Script::Kind& kind{kinds[peer % 2]};
        script.After(1);
        switch (what) {
        case 0: script.Connection(id::INBOUND_CONNECTION, peer, 1, kind); break;
        case 1: script.Connection(id::OUTBOUND_CONNECTION, peer, 1, kind); break;
        case 2: script.Closed(peer, 1, kind); break;
        case 3: script.Connection(id::EVICTED_INBOUND_CONNECTION, peer, 1, kind); break;
        case 4: script.In(peer, "inv", sim::Bytes(static_cast<std::size_t>(peer)), kind); break;
        case 5: script.Out(peer, "pong", sim::EncodeNonce(3), kind); break;
        case 6: script.In(peer, "nonsense", sim::Bytes(5), kind); break;
        default: script.Take();
        }
    }
    script.In(1, "ping");
    const auto node{script.Node()};
    MessageCounts of_node[DIRECTIONS]{};
    MessageCounts of_peers[DIRECTIONS]{};
    for (std::size_t direction{0}; direction < DIRECTIONS; ++direction) {
        for (std::size_t type{0}; type < CT_MAX_MSG_TYPES; ++type) {
            for (const MessageCounts& counts : node->messages[direction]) of_node[direction][type] += counts[type];
            for (const auto* peers : {&node->peers, &node->closed_peers}) {
                for (const Peer& peer : *peers) of_peers[direction][type] += peer.messages[direction][type];
            }
            RC_ASSERT(of_node[direction][type] == of_peers[direction][type]);
        }
    }
    for (std::size_t i{1}; i < node->peers.size(); ++i) RC_ASSERT(node->peers[i - 1].id < node->peers[i].id);
}

} // namespace
} // namespace coretap::state
