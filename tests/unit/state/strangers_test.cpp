// What peers say that they should not, and what becomes of the sums.
#include "unit/state/state_fixture.h"

namespace coretap::state {
namespace {

namespace id = event::id;

const PeerKind INBOUND{"192.0.43.9:50000", "inbound"};

TEST(HighBandwidth, IsNamedAsGetpeerinfoNamesIt)
{
    Script script;
    script.Out(1, "sendcmpct", sim::EncodeSendCmpct(true)); // bip152_hb_to: we selected the peer
    script.In(2, "sendcmpct", sim::EncodeSendCmpct(true));  // bip152_hb_from: it selected us
    const auto node{script.Node()};
    EXPECT_TRUE(PeerOf(*node, 1).compact_hb_to);
    EXPECT_FALSE(PeerOf(*node, 1).compact_hb_from);
    EXPECT_TRUE(PeerOf(*node, 2).compact_hb_from);
    EXPECT_FALSE(PeerOf(*node, 2).compact_hb_to);
}

TEST(HighBandwidth, OnlyVersionTwoCounts)
{
    Script script;
    script.In(1, "sendcmpct", sim::EncodeSendCmpct(true, 1));
    script.In(2, "sendcmpct", sim::EncodeSendCmpct(true, 2)).In(2, "sendcmpct", sim::EncodeSendCmpct(false, 1)); // as old nodes do
    const auto node{script.Node()};
    EXPECT_FALSE(PeerOf(*node, 1).compact_hb_from);
    EXPECT_TRUE(PeerOf(*node, 2).compact_hb_from);
}

TEST(FeeFilter, OutOfRangeIsPassedOver)
{
    Script script;
    script.In(1, "feefilter", sim::EncodeFeeFilter(100'000)).In(1, "feefilter", sim::EncodeFeeFilter(-9'000'000'000'000'000'000));
    script.In(1, "feefilter", sim::EncodeFeeFilter(2'100'000'000'000'001));
    const auto node{script.Node()};
    EXPECT_EQ(PeerOf(*node, 1).fee_filter_sat_per_kvb, 100'000);
    EXPECT_EQ(node->gossip.fee_filter_sat_per_vb[0].count, 1U);
    EXPECT_EQ(node->gossip.fee_filter_sat_per_vb[0].sum, 100);
    const auto later{
        script.In(1, "feefilter", sim::EncodeFeeFilter(2'100'000'000'000'000)).Out(1, "feefilter", sim::EncodeFeeFilter(0)).Node()};
    EXPECT_EQ(later->gossip.fee_filter_sat_per_vb[0].count, 2U); // MAX_MONEY is in the range
    EXPECT_EQ(later->gossip.fee_filter_sat_per_vb[1].count, 1U);
    EXPECT_EQ(PeerOf(*later, 1).fee_filter_sat_per_kvb, 2'100'000'000'000'000); // what it wants, not what we want
}

TEST(NegativeDurations, AreZero)
{
    Script script;
    const auto flush = [](std::int64_t us) { return [us](event::RecordBuilder& to) { to.Int(us).Uint(1).Uint(10).Uint(1000).Uint(0); }; };
    script.Fire(id::UTXOCACHE_FLUSH, flush(5'000'000)).Fire(id::UTXOCACHE_FLUSH, flush(-3'600'000'000)); // the clock was set back meanwhile
    script.BlockConnected({1}, 5, 100).BlockConnected({2}, 6, -5000);
    const auto node{script.Node()};
    EXPECT_EQ(node->utxo.flushes.at({"IF_NEEDED", false}).seconds.sum, 5);
    EXPECT_EQ(node->utxo.flushes.at({"IF_NEEDED", false}).seconds.count, 2U);
    EXPECT_DOUBLE_EQ(node->chain.connect_seconds.sum, 0.1);
}

sim::Bytes Addresses(std::size_t count)
{
    return sim::EncodeAddr(std::vector<sim::GossipAddress>(count, {static_cast<std::uint32_t>(START_NS / 1'000'000'000), 1, {}}));
}

TEST(SecondVersion, DoesNotSwitchTheRateLimitOff)
{
    Script script;
    script.In(1, "ping", sim::EncodeNonce(7), INBOUND); // was connected before
    script.In(1, "version", sim::EncodeVersion(VersionOf()), INBOUND).In(1, "addr", Addresses(1000), INBOUND);
    const AddrFacts late{PeerOf(*script.Node(), 1).addr};
    EXPECT_EQ(late.processed + late.rate_limited, 1000U);
    EXPECT_FALSE(late.exact);
    // not even as the first of it that we see
    script.In(2, "version", sim::EncodeVersion(VersionOf()), INBOUND).In(2, "addr", Addresses(1000), INBOUND);
    const AddrFacts first{PeerOf(*script.Node(), 2).addr};
    EXPECT_EQ(first.processed + first.rate_limited, 1000U);
    EXPECT_FALSE(first.exact);
}

TEST(SecondVersion, OursThatIsTheFirstMessageIsTheStart)
{
    Script script;
    script.In(1, "version", sim::EncodeVersion(VersionOf()), INBOUND).Out(1, "version", {}, INBOUND).In(1, "addr", Addresses(3), INBOUND);
    EXPECT_EQ(PeerOf(*script.Node(), 1).addr.processed, 0U); // before verack
    EXPECT_TRUE(PeerOf(*script.In(1, "verack", {}, INBOUND).Node(), 1).addr.exact);
}

TEST(PrivateBroadcast, AddressesArePassedOver)
{
    Script script;
    const PeerKind kind{"192.0.43.7:8333", "private-broadcast"};
    script.Connection(id::OUTBOUND_CONNECTION, 1, 1, kind).In(1, "verack", {}, kind).In(1, "addr", Addresses(1), kind);
    EXPECT_EQ(PeerOf(*script.Node(), 1).addr.processed, 0U);
    EXPECT_EQ(script.Node()->gossip.addr.processed, 0U);
}

TEST(Pongs, ShortOrZeroEndsTheWait)
{
    for (const sim::Bytes& pong : {sim::Bytes{}, sim::Bytes(5), sim::EncodeNonce(0)}) {
        Script script;
        script.At(0).Out(1, "ping", sim::EncodeNonce(5)).At(20).In(1, "pong", pong);
        EXPECT_FALSE(PeerOf(*script.Node(), 1).ping.waiting_since_utc_ns) << pong.size();
        EXPECT_EQ(PeerOf(*script.In(1, "pong", sim::EncodeNonce(5)).Node(), 1).ping.answered, 0U); // it is over
    }
}

TEST(Versions, OneConnectionCannotTakeTheLabels)
{
    Script script;
    for (int agent{0}; agent < 40; ++agent) {
        for (int i{0}; i < 3; ++i) {
            const std::string words{"/squat:" + std::to_string(agent) + "/"};
            sim::VersionFields version{VersionOf(words)};
            version.version = -5 - agent;
            script.After(1).In(1, "version", sim::EncodeVersion(version), INBOUND);
        }
    }
    EXPECT_EQ(script.Node()->gossip.protocol_versions.size(), 1U); // Bitcoin Core passes over all but the first
    for (int peer{0}; peer < 1000; ++peer) {
        const PeerKind kind{"192." + std::to_string(peer % 200) + ".1.1:8333", "inbound"};
        script.After(1).In(10 + peer, "version", sim::EncodeVersion(VersionOf("/Satoshi:31.0.0/")), kind);
    }
    const auto gossip{script.Node()->gossip};
    EXPECT_EQ(gossip.user_agents.at("/Satoshi:31.0.0/"), 998U); // from the third network on
    EXPECT_EQ(gossip.user_agents.at("other"), 3U);
    EXPECT_EQ(gossip.protocol_versions.at(70016), 1000U);
}

TEST(Versions, ProtocolVersionsAreThoseThatBitcoinCoreHasHad)
{
    Script script;
    for (int peer{0}; peer < 100; ++peer) {
        sim::VersionFields version{VersionOf()};
        version.version = peer == 99 ? 70016 : 1'000'000 + peer;
        script.In(peer, "version", sim::EncodeVersion(version));
    }
    EXPECT_THAT(script.Node()->gossip.protocol_versions, testing::ElementsAre(testing::Pair(-1, 99), testing::Pair(70016, 1)));
}

TEST(UserAgents, ANetworkOfItsOwnGetsNoLabel)
{
    Script script;
    for (int i{0}; i < 100; ++i) {
        const auto last{std::to_string(i)};
        script.In(i, "version", sim::EncodeVersion(VersionOf("/sybil/")), {"192.0." + last + "." + last + ":8333", "inbound"});
    }
    EXPECT_EQ(script.Node()->gossip.user_agents.at("other"), 100U);
    EXPECT_FALSE(script.Node()->gossip.user_agents.contains("/sybil/"));
}

TEST(Pings, BySizeOfTheirNumber)
{
    Script script;
    for (const std::uint64_t nonce : {0ULL, 1ULL, 255ULL, 256ULL, 65'536ULL, 4'294'967'296ULL, ~0ULL}) {
        script.In(1, "ping", sim::EncodeNonce(nonce)).Out(1, "ping", sim::EncodeNonce(nonce));
    }
    EXPECT_THAT(script.In(1, "ping").Node()->gossip.ping_nonces, testing::ElementsAre(1, 2, 1, 1, 2));
    EXPECT_EQ(script.Node()->gossip.old_pings, 1U);
}

TEST(Rejects, ByTheTypeThatIsRejected)
{
    Script script;
    script.In(1, "reject", sim::EncodeReject("tx", 0x42, "insufficient fee", {}))
        .In(1, "reject", sim::EncodeReject("made-up", 0x42, "x", {}));
    const auto types{script.Node()->gossip.reject_types};
    EXPECT_EQ(types[event::MessageTypeId("tx")], 1U);
    EXPECT_EQ(types[0], 1U);
}

TEST(Connections, ByNetworkHoweverTheyBeginAndEnd)
{
    Script script;
    script.Connection(id::OUTBOUND_CONNECTION, 1, 1, {}, 3).Connection(id::CLOSED_CONNECTION, 1, 1, {}, 3);
    const auto connections{script.Connection(id::CLOSED_CONNECTION, 2, 1, INBOUND, 99).Node()->connections};
    EXPECT_THAT(connections.outbound_networks, testing::ElementsAre(testing::Pair("onion", 1)));
    EXPECT_THAT(connections.closed_networks, testing::ElementsAre(testing::Pair("onion", 1), testing::Pair("other", 1)));
}

TEST(Firings, AreCountedByTracepoint)
{
    Script script;
    script.Found().In(1, "ping").In(1, "ping").Misbehaving(1, "mutated block");
    using testing::Pair;
    EXPECT_THAT(script.Node()->fired, testing::ElementsAre(Pair(id::INBOUND_MESSAGE, 2), Pair(id::MISBEHAVING_CONNECTION, 1)));
    const pipeline::ProcessCounters exact{
        .pid = PID, .started_at_s = START_NS / 1'000'000'000, .fired = {{id::MISBEHAVING_CONNECTION, 500}}};
    script.GetTracker().SetExact({&exact, 1});
    EXPECT_THAT(script.Node()->fired, testing::ElementsAre(Pair(id::MISBEHAVING_CONNECTION, 500)));
}

TEST(OpenConnections, FallWithThoseThatClose)
{
    Script script;
    const auto started{START_NS / 1'000'000'000};
    script.Found();
    for (int i{0}; i < 115; ++i) script.After(1).Connection(id::INBOUND_CONNECTION, i, i + 1, INBOUND);
    script.Connection(id::OUTBOUND_CONNECTION, 200, 1);
    for (int i{0}; i < 100; ++i) script.After(1).Closed(i, started, INBOUND);
    EXPECT_EQ(script.Node()->connections.inbound_now, 15U);
    EXPECT_EQ(script.Node()->connections.outbound_now, 1U);
    script.Closed(200, started);
    for (int i{0}; i < 200; ++i) script.After(1).Closed(i, started, INBOUND);
    EXPECT_EQ(script.Node()->connections.inbound_now, 0U); // not below
    EXPECT_EQ(script.Node()->connections.outbound_now, 0U);
    script.Connection(id::INBOUND_CONNECTION, 300, 7, INBOUND).Gone();
    EXPECT_FALSE(script.Node()->connections.inbound_now) << "of a node that has ended nothing is open";
    script.pid = 2000;
    EXPECT_FALSE(script.Found("main", started + 9).Node()->connections.inbound_now);
}

TEST(OpenConnections, AreUnknownUntilOneWasOpened)
{
    Script script;
    EXPECT_FALSE(script.Found().Closed(1, 1, INBOUND).Node()->connections.inbound_now);
}

TEST(UtxoCounts, DoNotFallWhenAnotherNodeAppears)
{
    Script script;
    script.Found("a", 1, "/a");
    pipeline::Ledger ledger;
    ledger.tallies[id::UTXOCACHE_ADD].fired = 1000; // a recording's, of its only node so far
    EXPECT_EQ(script.Take(ledger)->nodes[0]->utxo.added, 1000U);
    script.pid = 2000;
    script.Found("b", 1, "/b");
    EXPECT_EQ(script.Take(ledger)->nodes[0]->utxo.added, 1000U);
    EXPECT_EQ(script.Take(ledger)->nodes[1]->utxo.added, 0U);
}

} // namespace
} // namespace coretap::state
