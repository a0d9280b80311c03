#include "sim/address.h"

#include <span>

#include "wire/address.h"

namespace coretap::sim {
namespace {

/** What the node prints for addresses that were never to be seen. */
constexpr std::uint8_t LOOPBACK[]{127, 0, 0, 1};

wire::NetAddress WireAddress(const NetAddress& address)
{
    const std::uint8_t id{Bip155Id(address)};
    if (id == 0) return {wire::Network::Ipv4, 0, std::as_bytes(std::span{LOOPBACK}), address.port};
    return wire::FromBip155(id, std::as_bytes(std::span{address.raw}), address.port);
}

} // namespace

std::string NetAddress::ToStringAddr() const
{
    std::string text;
    wire::AppendHost(text, WireAddress(*this));
    return text;
}

std::string NetAddress::ToStringAddrPort() const
{
    std::string text;
    wire::AppendHostPort(text, WireAddress(*this));
    return text;
}

std::uint8_t Bip155Id(const NetAddress& address)
{
    switch (address.network) {
    case Network::Ipv4: return 1;
    case Network::Ipv6: return 2;
    case Network::Onion: return 4;
    case Network::I2p: return 5;
    case Network::Cjdns: return 6;
    case Network::Unroutable:
    case Network::Internal: break;
    }
    return address.unknown_id;
}

NetAddress RandomAddress(Rng& rng, Network network)
{
    static constexpr std::uint32_t SOME_ASNS[]{3320, 3356, 7018, 7922, 12876, 13335, 14061, 16276, 16509, 20940, 24940, 51167, 60729, 0};
    NetAddress address{network, {}, 8333, 0};
    switch (network) {
    case Network::Ipv6:
        address.raw = rng.Blob(16);
        address.raw[0] = 0x2a;
        address.raw[1] = static_cast<std::uint8_t>(rng.Below(16));
        if (rng.Chance(0.7)) std::fill(address.raw.begin() + 8, address.raw.begin() + 14, std::uint8_t{0});
        address.asn = rng.Pick(SOME_ASNS);
        break;
    case Network::Cjdns:
        address.raw = rng.Blob(16);
        address.raw[0] = 0xfc;
        break;
    case Network::Onion: address.raw = rng.Blob(32); break;
    case Network::I2p:
        address.raw = rng.Blob(32);
        address.port = 0; // I2P SAM 3.1 has no ports
        break;
    default:
        address.network = Network::Ipv4;
        address.raw = rng.Blob(4);
        // 1 … 126 without 10: never private, never loopback
        address.raw[0] = static_cast<std::uint8_t>(11 + rng.Below(115));
        address.asn = rng.Pick(SOME_ASNS);
    }
    return address;
}

NetAddress RandomAddress(Rng& rng)
{
    const std::uint64_t draw{rng.Below(100)};
    const Network network{draw < 45 ? Network::Ipv4 :
                          draw < 65 ? Network::Ipv6 :
                          draw < 88 ? Network::Onion :
                          draw < 96 ? Network::I2p :
                                      Network::Cjdns};
    return RandomAddress(rng, network);
}

NetAddress UnknownAddress(Rng& rng)
{
    static constexpr std::uint8_t TOR_V2{3}, NOBODYS{9};
    const bool old{rng.Chance(0.5)};
    return {Network::Unroutable, rng.Blob(old ? 10 : 24), 8333, 0, old ? TOR_V2 : NOBODYS};
}

} // namespace coretap::sim
