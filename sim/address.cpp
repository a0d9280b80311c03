#include "sim/address.h"

#include <fmt/format.h>

namespace coretap::sim {
namespace {

std::string Base32(ByteView bytes)
{
    static constexpr std::string_view ALPHABET{"abcdefghijklmnopqrstuvwxyz234567"};
    std::string text;
    std::uint32_t bits{0};
    int held{0};
    for (const std::uint8_t byte : bytes) {
        bits = (bits << 8) | byte;
        held += 8;
        while (held >= 5) {
            held -= 5;
            text += ALPHABET[(bits >> held) & 31];
        }
        bits &= (1u << held) - 1;
    }
    if (held > 0) text += ALPHABET[(bits << (5 - held)) & 31];
    return text;
}

/** rend-spec-v3: base32(PUBKEY | CHECKSUM[2] | VERSION). */
std::string OnionV3(const Bytes& pubkey)
{
    static constexpr std::string_view PREFIX{".onion checksum"};
    Bytes input{PREFIX.begin(), PREFIX.end()};
    input.insert(input.end(), pubkey.begin(), pubkey.end());
    input.push_back(3);
    const Hash256 checksum{Sha3(input)};
    Bytes all{pubkey};
    all.insert(all.end(), {checksum[0], checksum[1], 3});
    return Base32(all) + ".onion";
}

/** RFC 5952: the longest run of two or more zero groups becomes `::`. */
std::string Ipv6Text(const Bytes& raw)
{
    const auto group = [&raw](int i) { return (raw[2 * i] << 8) | raw[2 * i + 1]; };
    int best{-1}, best_length{1};
    for (int i{0}; i < 8; ++i) {
        int length{0};
        while (i + length < 8 && group(i + length) == 0) ++length;
        if (length > best_length) best = i, best_length = length;
    }
    std::string text;
    for (int i{0}; i < 8; ++i) {
        if (i == best) {
            text += "::";
            i += best_length - 1;
            continue;
        }
        if (!text.empty() && text.back() != ':') text += ':';
        text += fmt::format("{:x}", group(i));
    }
    return text;
}

} // namespace

std::string NetAddress::ToStringAddr() const
{
    switch (network) {
    case Network::Ipv4: return fmt::format("{}.{}.{}.{}", raw[0], raw[1], raw[2], raw[3]);
    case Network::Ipv6:
    case Network::Cjdns: return Ipv6Text(raw);
    case Network::Onion: return OnionV3(raw);
    case Network::I2p: return Base32(raw) + ".b32.i2p";
    case Network::Internal:
    case Network::Unroutable: break;
    }
    return "127.0.0.1";
}

std::string NetAddress::ToStringAddrPort() const
{
    const bool brackets{network == Network::Ipv6 || network == Network::Cjdns};
    return fmt::format(fmt::runtime(brackets ? "[{}]:{}" : "{}:{}"), ToStringAddr(), port);
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
