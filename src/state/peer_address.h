// A peer's address as Bitcoin Core prints it, read again.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/address.h"

namespace coretap::state {

struct PeerAddress {
    wire::Network network{wire::Network::Unknown}; //!< Unknown: a host name, or nothing we can read
    std::array<std::byte, 32> raw{};
    std::uint8_t size{0}; //!< bytes of `raw`
    std::uint16_t port{0};

    /** Whether an entry of addr or addrv2 has the same host. */
    bool SameHost(const wire::NetAddress& other) const noexcept;
    /**
     * What one network of an attacker's has few of, as NetGroupManager::GetGroup() has it without -asmap: the /16 of IPv4, the /32 of IPv6,
     * four bits of what has no networks. All that comes over a local proxy (inbound Tor, I2P) is one.
     */
    std::uint64_t Group() const noexcept;
    /** Whether an entry of addr or addrv2 is in the same group. */
    bool SameGroup(const wire::NetAddress& other) const noexcept;
};

/** Reads `203.0.113.7:8333`, `[2001:db8::1]:8333`, `….onion:8333`, `….b32.i2p:0`. */
PeerAddress ParsePeerAddress(std::string_view text);

/**
 * The network in Bitcoin Core's words: ipv4, ipv6, onion, i2p, cjdns, or not_publicly_routable for addresses that the internet does not
 * have (IsRoutable(), src/netaddress.cpp); empty if it cannot be told. An inbound Tor peer comes from 127.0.0.1: only the connection
 * event knows.
 */
std::string_view NetworkOf(const PeerAddress& address);

} // namespace coretap::state
