// Network addresses of peers, as messages carry them and as Bitcoin Core prints them (src/netaddress.cpp, BIP 155).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "wire/reader.h"

namespace coretap::wire {

/** Network of an address. Values of BIP 155 where it has one. */
enum class Network : std::uint8_t {
    Unknown = 0, //!< a network id nobody here knows
    Ipv4 = 1,
    Ipv6 = 2,
    TorV2 = 3, //!< gone since 2021; still in old messages
    TorV3 = 4,
    I2p = 5,
    Cjdns = 6,
    Internal = 7, //!< Bitcoin Core's own fd6b:88c0:8724::/48; never to be sent
};
/** Bitcoin Core's name (GetNetworkName(), src/netbase.cpp): ipv4, ipv6, onion, i2p, cjdns; torv2, internal and unknown besides. */
std::string_view NetworkName(Network network);

struct NetAddress {
    Network network{Network::Unknown};
    std::uint8_t network_id{0}; //!< as sent in addrv2; 0 if it came in another message
    ByteView raw;               //!< the address: 4, 16, 10 or 32 bytes, what an unknown network has, or none where it was cut
    std::uint16_t port{0};
};

/**
 * Take an address from the 16 bytes of `addr` and `version`: IPv4 and Tor v2 are embedded in IPv6 there (SetLegacyIPv6(),
 * src/netaddress.cpp). The view is into `sixteen`.
 */
NetAddress FromLegacy(ByteView sixteen, std::uint16_t port);

/**
 * Whether Bitcoin Core reads an address of so many bytes in `addrv2` (SetNetFromBIP155Network(), src/netaddress.cpp): a known
 * network must have its own size. Addresses of networks it does not know it passes over; Tor v2 is one of those by now.
 */
bool IsBip155Size(std::uint8_t network_id, std::uint64_t size);
/**
 * Take an address of `addrv2`, of a size that is right. An IPv6 address that has an IPv4 or a Tor v2 address in it stays
 * Ipv6 here; Bitcoin Core passes over it.
 */
NetAddress FromBip155(std::uint8_t network_id, ByteView raw, std::uint16_t port);

/** Append the address without port: `203.0.113.7`, `2001:db8::1`, `….onion`, `….b32.i2p`; hex of an unknown network's. */
void AppendHost(std::string& out, const NetAddress& address);
/** Append address and port: `203.0.113.7:8333`, `[2001:db8::1]:8333`. */
void AppendHostPort(std::string& out, const NetAddress& address);

} // namespace coretap::wire
