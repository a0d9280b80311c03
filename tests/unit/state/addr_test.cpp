#include "unit/state/state_fixture.h"

#include "state/addr_bucket.h"
#include "state/peer_address.h"

namespace coretap::state {
namespace {

sim::Bytes AddrV2(std::size_t entries)
{
    sim::GossipAddress entry{static_cast<std::uint32_t>(START_NS / 1'000'000'000), 1, {}};
    entry.address.raw = {1, 2, 3, 4};
    return sim::EncodeAddrV2(std::vector<sim::GossipAddress>(entries, entry));
}

/** Its peer 1 is connected, seen from the start. */
struct Handshaken : Script {
    Handshaken() { At(0).Connection(event::id::OUTBOUND_CONNECTION, 1, 1).Out(1, "version").In(1, "verack"); }
};

TEST(AddrLimit, StartsWithOneToken)
{
    Handshaken script;
    const Peer peer{PeerOf(*script.In(1, "addrv2", AddrV2(3)).Node(), 1)};
    EXPECT_EQ(peer.addr.entries_in, 3U);
    EXPECT_EQ(peer.addr.processed, 1U);
    EXPECT_EQ(peer.addr.rate_limited, 2U);
    EXPECT_DOUBLE_EQ(peer.addr.bucket, 0);
    EXPECT_TRUE(peer.addr.exact);
}

TEST(AddrLimit, OurGetaddrIsWorthAThousandAndIsNotCapped)
{
    Handshaken script;
    script.Out(1, "getaddr").In(1, "addrv2", AddrV2(1000)).In(1, "addrv2", AddrV2(2));
    const Peer peer{PeerOf(*script.Node(), 1)};
    EXPECT_EQ(peer.addr.processed, 1001U);
    EXPECT_EQ(peer.addr.rate_limited, 1U);
    script.Out(1, "getaddr").Out(1, "getaddr");
    EXPECT_DOUBLE_EQ(PeerOf(*script.Node(), 1).addr.bucket, 2000);
}

TEST(AddrLimit, RefillsByATenthASecondUpToAThousand)
{
    Handshaken script;
    script.In(1, "addrv2", AddrV2(1)).At(15'000).In(1, "addrv2", AddrV2(2));
    const Peer peer{PeerOf(*script.Node(), 1)};
    EXPECT_EQ(peer.addr.processed, 2U);
    EXPECT_EQ(peer.addr.rate_limited, 1U);
    EXPECT_DOUBLE_EQ(peer.addr.bucket, 0.5);
    // 10,000 s would be 1,000 tokens more
    script.At(20'000'000).In(1, "ping", sim::EncodeNonce(1)).In(1, "addrv2", AddrV2(0));
    EXPECT_DOUBLE_EQ(PeerOf(*script.Node(), 1).addr.bucket, 1000);
}

TEST(AddrLimit, TheSameFloatingPointNumberAsBitcoinCore)
{
    AddrBucket bucket{0};
    double tokens{1.0};
    std::int64_t last{0};
    for (std::int64_t now{0}; now < 10'000'000'000'000; now += 7'123'456'789) {
        tokens = std::min(tokens + static_cast<double>(now - last) / 1e9 * 0.1, 1000.0);
        last = now;
        const std::uint64_t entries{static_cast<std::uint64_t>(now) % 3};
        std::uint64_t passed{0};
        for (std::uint64_t i{0}; i < entries; ++i) {
            if (tokens < 1.0) continue;
            tokens -= 1.0;
            ++passed;
        }
        ASSERT_EQ(bucket.Take(entries, now), passed) << now;
        ASSERT_EQ(bucket.Tokens(), tokens) << now;
    }
}

TEST(AddrLimit, WhatBitcoinCorePassesOverTakesNoToken)
{
    Script script;
    script.At(0).Connection(event::id::OUTBOUND_CONNECTION, 1, 1).In(1, "addrv2", AddrV2(1)); // before verack
    script.In(1, "verack").In(1, "addrv2", AddrV2(1001));                                     // too many
    const Peer peer{PeerOf(*script.Node(), 1)};
    EXPECT_EQ(peer.addr.entries_in, 1002U);
    EXPECT_EQ(peer.addr.processed + peer.addr.rate_limited, 0U);
    EXPECT_DOUBLE_EQ(peer.addr.bucket, 1);
    EXPECT_EQ(peer.undecodable, 1U);

    const Script::Kind quiet{.conn_type = "block-relay-only"};
    script.Connection(event::id::OUTBOUND_CONNECTION, 2, 2, quiet).In(2, "verack", {}, quiet).In(2, "addrv2", AddrV2(1), quiet);
    EXPECT_EQ(PeerOf(*script.Node(), 2).addr.processed, 0U);
}

TEST(AddrLimit, ExactOnlyIfNothingIsMissing)
{
    Handshaken script;
    EXPECT_TRUE(PeerOf(*script.Node(), 1).addr.exact);
    script.Lost("mempool:added", 3);
    EXPECT_TRUE(PeerOf(*script.Node(), 1).addr.exact);
    script.Lost("net:inbound_message", 1);
    EXPECT_FALSE(PeerOf(*script.Node(), 1).addr.exact);

    script.In(2, "ping", sim::EncodeNonce(1)); // was connected before
    EXPECT_FALSE(PeerOf(*script.Node(), 2).addr.exact);

    const Script::Kind inbound{.conn_type = "inbound"};
    script.In(3, "version", {}, inbound).Out(3, "version", {}, inbound).In(3, "verack", {}, inbound);
    EXPECT_TRUE(PeerOf(*script.Node(), 3).addr.exact);
    script.Message(true, 3, "addrv2", AddrV2(3), inbound, 5);
    const Peer cut{PeerOf(*script.Node(), 3)};
    EXPECT_FALSE(cut.addr.exact);
    EXPECT_EQ(cut.addr.entries_in, 3U);
}

TEST(AddrRelay, WhatIsInTheEntries)
{
    Handshaken script;
    const auto now = static_cast<std::uint32_t>(START_NS / 1'000'000'000);
    sim::Rng rng{1};
    const sim::NetAddress onion{sim::RandomAddress(rng, sim::Network::Onion)};
    const sim::NetAddress ipv4{sim::RandomAddress(rng, sim::Network::Ipv4)};
    script.In(1, "addrv2", sim::EncodeAddrV2({{now - 500, 1, onion}, {now - 7200, 0x409, ipv4}})).Out(1, "addr", sim::EncodeAddr({}));
    const auto node{script.Node()};
    const AddrRelayTotals& addr{node->gossip.addr};
    EXPECT_EQ(addr.networks[1][0].at("onion"), 1U);
    EXPECT_EQ(addr.networks[1][0].at("ipv4"), 1U);
    EXPECT_EQ(addr.networks[1][0].at("i2p"), 0U);
    EXPECT_EQ(addr.service_bits[1][0][0], 2U);
    EXPECT_EQ(addr.service_bits[1][0][3], 1U);
    EXPECT_EQ(addr.service_bits[1][0][10], 1U);
    EXPECT_EQ(addr.entries[1][0].count, 1U);
    EXPECT_EQ(addr.entries[1][0].sum, 2);
    EXPECT_EQ(addr.time_offset_seconds[1][0].sum, -7700);
    EXPECT_EQ(addr.empty[0][1], 1U);
    EXPECT_EQ(addr.empty[1][1], 0U);
    EXPECT_THAT(addr.service_sets[0], testing::ElementsAre(testing::Pair(1, 1), testing::Pair(0x409, 1)));
    EXPECT_EQ(addr.processed, 1U);
    EXPECT_EQ(addr.rate_limited, 1U);
}

TEST(AddrRelay, SelfAnnouncementsCountThePortOnlyWhereWeConnected)
{
    sim::Rng rng{1};
    for (const auto kind : {sim::Network::Ipv4, sim::Network::Ipv6, sim::Network::Onion, sim::Network::I2p, sim::Network::Cjdns}) {
        sim::NetAddress address{sim::RandomAddress(rng, kind)};
        const auto of = [&address](const std::string& conn_type) { return Script::Kind{address.ToStringAddrPort(), conn_type}; };
        const auto outbound{of("outbound-full-relay")};
        const auto inbound{of("inbound")};
        const sim::Bytes same{sim::EncodeAddrV2({{1, 1, address}})};
        address.port = static_cast<std::uint16_t>(address.port + 1);
        const sim::Bytes other_port{sim::EncodeAddrV2({{1, 1, address}})};
        Script script;
        script.In(1, "addrv2", same, outbound).In(1, "addrv2", other_port, outbound).In(2, "addrv2", other_port, inbound);
        const auto self{script.Node()->gossip.addr.self_announcements[0]};
        EXPECT_EQ(self.at(std::string{wire::NetworkName(ParsePeerAddress(outbound.address).network)}), 2U) << outbound.address;
    }
}

TEST(AddrRelay, NeighboursOfThePeer)
{
    Script script;
    const auto of = [](std::uint8_t second, std::uint8_t last) {
        sim::GossipAddress entry{1, 1, {}};
        entry.address.raw = {192, second, 43, last};
        entry.address.port = 8333;
        return sim::EncodeAddrV2({entry});
    };
    script.In(1, "addrv2", of(0, 7)).In(1, "addrv2", of(0, 8)).In(1, "addrv2", of(1, 7)); // its own, a neighbour's, a stranger's
    const auto addr{script.Node()->gossip.addr};
    EXPECT_EQ(addr.self_announcements[0].at("ipv4"), 1U);
    EXPECT_EQ(addr.subnet_announcements[0].at("ipv4"), 1U);
}

} // namespace
} // namespace coretap::state
