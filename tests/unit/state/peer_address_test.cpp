#include <gtest/gtest.h>

#include "state/peer_address.h"

namespace coretap::state {
namespace {

TEST(PeerAddress, NetworkFromItsForm)
{
    const std::pair<const char*, std::string_view> cases[]{
        {"1.2.3.4:8333", "ipv4"},
        {"127.0.0.1:40112", "not_publicly_routable"},
        {"192.168.7.1:8333", "not_publicly_routable"},
        {"172.32.0.1:8333", "ipv4"},
        {"[2a01:4f8::1]:8333", "ipv6"},
        {"[::1]:8333", "not_publicly_routable"},
        {"[fe80::1]:8333", "not_publicly_routable"},
        {"[fd00::1]:8333", "not_publicly_routable"},
        {"[fc32:17ea:e415:c3bf:9808:149d:b5a2:c9aa]:8333", "cjdns"},
        {"pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:8333", "onion"},
        {"ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p:0", "i2p"},
        {"seed.example.org:8333", ""},
        {"1.2.3.4", ""},
        {"1.2.3.4:", ""},
        {"1.2.3.4:99999", ""},
        {"[::1:8333", ""},
        {"short.onion:8333", ""},
        {"PG6MMJIYJMCRSSLVYKFWNNTLARU7P5SVN6Y2YMMJU6NUBXNDF4PSCRYD.onion:1", ""},
        {"", ""},
    };
    for (const auto& [text, network] : cases) EXPECT_EQ(NetworkOf(ParsePeerAddress(text)), network) << text;
    EXPECT_EQ(ParsePeerAddress("1.2.3.4:8333").port, 8333);
}

TEST(PeerAddress, UnknownIsNobodysHost) { EXPECT_FALSE(PeerAddress{}.SameHost(wire::NetAddress{})); }

} // namespace
} // namespace coretap::state
