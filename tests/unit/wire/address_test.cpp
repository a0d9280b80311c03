#include "wire/address.h"

#include <gtest/gtest.h>

#include "unit/wire/wire_fixture.h"

namespace coretap::wire {
namespace {

/** As `addr` and `version` have it. */
std::string Legacy(std::string_view hex)
{
    const Buffer bytes{FromHex(hex)};
    const NetAddress address{FromLegacy(bytes, 8333)};
    EXPECT_EQ(address.network_id, 0);
    return std::string{NetworkName(address.network)} + " " + HostPort(address);
}

/** As `addrv2` has it. */
std::string V2(std::uint8_t network_id, std::string_view hex)
{
    const Buffer bytes{FromHex(hex)};
    if (!IsBip155Size(network_id, bytes.size())) return "refused";
    const NetAddress address{FromBip155(network_id, bytes, 8333)};
    EXPECT_EQ(address.network_id, network_id);
    return std::string{NetworkName(address.network)} + " " + HostPort(address);
}

TEST(Address, EmbeddedInIpv6)
{
    EXPECT_EQ(Legacy("00000000000000000000ffff cb007107"), "ipv4 203.0.113.7:8333");
    EXPECT_EQ(Legacy("20010db8000000000000000000000001"), "ipv6 [2001:db8::1]:8333");
    // OnionCat, and Bitcoin Core's own prefix: src/test/net_tests.cpp has this Tor v2 name
    EXPECT_EQ(Legacy("fd87d87eeb43 f1f2f3f4f5f6f7f8f9fa"), "torv2 6hzph5hv6337r6p2.onion:8333");
    EXPECT_EQ(Legacy("fd6b88c08724 ca978112ca1bbdcafac2"), "internal zklycewkdo64v6wc.internal:8333");
    // a bit less than those prefixes
    EXPECT_EQ(Legacy("00000000000000000000fffe cb007107"), "ipv6 [::fffe:cb00:7107]:8333");
    EXPECT_EQ(Legacy("fd87d87eeb42 f1f2f3f4f5f6f7f8f9fa"), "ipv6 [fd87:d87e:eb42:f1f2:f3f4:f5f6:f7f8:f9fa]:8333");
    // CJDNS has no such form: Bitcoin Core takes these for IPv6, too
    EXPECT_EQ(Legacy("fc000001000200030004000500060007"), "ipv6 [fc00:1:2:3:4:5:6:7]:8333");
}

// Cases of src/test/net_tests.cpp and src/test/netbase_tests.cpp.
TEST(Address, Bip155)
{
    EXPECT_EQ(V2(1, "01020304"), "ipv4 1.2.3.4:8333");
    EXPECT_EQ(V2(2, "0102030405060708090a0b0c0d0e0f10"), "ipv6 [102:304:506:708:90a:b0c:d0e:f10]:8333");
    EXPECT_EQ(V2(3, "f1f2f3f4f5f6f7f8f9fa"), "torv2 6hzph5hv6337r6p2.onion:8333");
    EXPECT_EQ(V2(4, "79bcc625184b05194975c28b66b66b0469f7f6556fb1ac3189a79b40dda32f1f"),
              "onion pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:8333");
    EXPECT_EQ(V2(5, "a2894dabaec08c0051a481a6dac88b64f98232ae42d4b6fd2fa81952dfe36a87"),
              "i2p ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p:8333");
    EXPECT_EQ(V2(6, "fc000001000200030004000500060007"), "cjdns [fc00:1:2:3:4:5:6:7]:8333");
    EXPECT_EQ(V2(2, "fd6b88c08724ca978112ca1bbdcafac2"), "internal zklycewkdo64v6wc.internal:8333");
    // Bitcoin Core passes over IPv4 in IPv6 here; what was sent is shown
    EXPECT_EQ(V2(2, "00000000000000000000ffff01020304"), "ipv6 [::ffff:102:304]:8333");
}

TEST(Address, OfAnUnknownNetworkIsPassedOver)
{
    EXPECT_EQ(V2(170, "01020304"), "unknown 01020304:8333");
    EXPECT_EQ(V2(0, ""), "unknown :8333");
    EXPECT_EQ(V2(7, "ca978112ca1bbdcafac2"), "unknown ca978112ca1bbdcafac2:8333") << "7 is our number, not one of BIP 155";
    EXPECT_EQ(V2(3, "f1f2"), "unknown f1f2:8333") << "Tor v2 of another size: Bitcoin Core no longer knows it";
}

TEST(Address, OfAKnownNetworkHasItsSize)
{
    constexpr std::uint64_t SIZES[]{0, 4, 16, 0, 32, 32, 16};
    for (std::uint8_t network_id{1}; network_id <= 6; ++network_id) {
        if (network_id == 3) continue;
        for (std::uint64_t size{0}; size <= 64; ++size)
            EXPECT_EQ(IsBip155Size(network_id, size), size == SIZES[network_id]) << int{network_id};
    }
}

TEST(Address, Ipv6IsShortenedLikeBitcoinCoreDoes)
{
    // src/test/netbase_tests.cpp
    EXPECT_EQ(V2(2, "00000000000000000000000000000000"), "ipv6 [::]:8333");
    EXPECT_EQ(V2(2, "00000000000000000000000000000001"), "ipv6 [::1]:8333");
    EXPECT_EQ(V2(2, "00010000000000000000000000000000"), "ipv6 [1::]:8333");
    EXPECT_EQ(V2(2, "00010000000300040005000600070008"), "ipv6 [1:0:3:4:5:6:7:8]:8333") << "one zero stays";
    EXPECT_EQ(V2(2, "00010000000000040005000000000008"), "ipv6 [1::4:5:0:0:8]:8333") << "the first of two runs";
    EXPECT_EQ(V2(2, "00010000000000040000000000000008"), "ipv6 [1:0:0:4::8]:8333") << "the longer of two runs";
    EXPECT_EQ(V2(2, "20010db8000000000000ff0000428329"), "ipv6 [2001:db8::ff00:42:8329]:8333");
    EXPECT_EQ(V2(2, "00000000000000000000000000010000"), "ipv6 [::1:0]:8333");
}

TEST(Address, ThatWasCutHasNoText)
{
    std::string host;
    AppendHost(host, NetAddress{});
    AppendHost(host, NetAddress{Network::Ipv4, 0, {}, 0});
    EXPECT_EQ(host, "");
}

} // namespace
} // namespace coretap::wire
