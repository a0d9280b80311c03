// Addresses of all networks Bitcoin Core speaks: raw bytes as addrv2 carries them, text as Bitcoin Core prints them.
#pragma once

#include <cstdint>
#include <string>

#include "sim/hash.h"

namespace coretap::sim {

/** Values of Bitcoin Core's Network enum (src/netaddress.h); the tracepoints pass them as 4 unsigned bytes. */
enum class Network : std::uint32_t { Unroutable = 0, Ipv4 = 1, Ipv6 = 2, Onion = 3, I2p = 4, Cjdns = 5, Internal = 6 };

struct NetAddress {
    Network network{Network::Ipv4};
    Bytes raw; //!< 4, 16 or 32 bytes, as in addrv2 (BIP 155); of an unknown network any number
    std::uint16_t port{8333};
    std::uint32_t asn{0};       //!< as an asmap would give it; 0 for networks without
    std::uint8_t unknown_id{0}; //!< not 0: of a network Bitcoin Core does not know, with this id in addrv2

    /** Without the port. */
    std::string ToStringAddr() const;
    /** As CNode::m_addr_name: `1.2.3.4:8333`, `[2001:db8::1]:8333`, `….onion:8333`. */
    std::string ToStringAddrPort() const;
};

/** Network id in addrv2 (BIP 155): 1 IPv4, 2 IPv6, 4 Tor v3, 5 I2P, 6 CJDNS. */
std::uint8_t Bip155Id(const NetAddress& address);
/** An address of this network. */
NetAddress RandomAddress(Rng& rng, Network network);
/** An address of any network, mixed about as peers of a mainnet node are. */
NetAddress RandomAddress(Rng& rng);
/** What some nodes gossip and Bitcoin Core passes over: Tor v2, which is gone, or a network of the future. */
NetAddress UnknownAddress(Rng& rng);

} // namespace coretap::sim
