#include "state/peer_address.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <string>

#include <arpa/inet.h>

namespace coretap::state {
namespace {

/** RFC 4648 in lower case, without padding; false if it is something else or too short for `out`. */
bool Base32(std::string_view text, std::span<std::byte> out)
{
    std::size_t filled{0};
    std::uint32_t bits{0};
    int have{0};
    for (const char c : text) {
        std::uint32_t value{};
        if (c >= 'a' && c <= 'z') {
            value = static_cast<std::uint32_t>(c - 'a');
        } else if (c >= '2' && c <= '7') {
            value = static_cast<std::uint32_t>(c - '2') + 26;
        } else {
            return false;
        }
        bits = bits << 5 | value;
        have += 5;
        if (have < 8) continue;
        have -= 8;
        if (filled < out.size()) out[filled++] = static_cast<std::byte>(bits >> have);
    }
    return filled == out.size();
}

PeerAddress Make(wire::Network network, const void* raw, std::uint8_t size, std::uint16_t port)
{
    PeerAddress address{network, {}, size, port};
    std::memcpy(address.raw.data(), raw, size);
    return address;
}

struct Prefix {
    std::uint8_t bytes[4];
    unsigned bits;
};
bool Within(std::span<const std::byte> raw, const Prefix& prefix)
{
    for (unsigned bit{0}; bit < prefix.bits; ++bit) {
        if (((std::to_integer<unsigned>(raw[bit / 8]) ^ prefix.bytes[bit / 8]) >> (7 - bit % 8) & 1) != 0) return false;
    }
    return true;
}

/** !IsRoutable(): RFCs 1122, 1918, 2544, 3927, 5737, 6598. */
constexpr Prefix LOCAL_IPV4[]{{{0}, 8},         {{10}, 8},       {{127}, 8},        {{169, 254}, 16},     {{172, 16}, 12},
                              {{192, 168}, 16}, {{198, 18}, 15}, {{192, 0, 2}, 24}, {{198, 51, 100}, 24}, {{203, 0, 113}, 24},
                              {{100, 64}, 10}};
/** RFCs 3849, 3964 and others: documentation, link-local, unique local, ORCHID. */
constexpr Prefix LOCAL_IPV6[]{
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, {{0xfe, 0x80}, 16}, {{0xfc}, 7}, {{0x20, 0x01, 0x00, 0x10}, 28}, {{0x20, 0x01, 0x00, 0x20}, 28}};

/** `raw` has four bytes at least. */
std::uint64_t GroupOf(wire::Network network, std::span<const std::byte> raw)
{
    std::uint64_t group{0};
    const std::size_t bytes{network == wire::Network::Ipv4 ? 2U : network == wire::Network::Ipv6 ? 4U : 1U};
    for (std::size_t i{0}; i < bytes; ++i) group = group << 8 | std::to_integer<std::uint64_t>(raw[i]);
    if (bytes == 1) group >>= 4;
    return group << 8 | static_cast<std::uint64_t>(network);
}

} // namespace

bool PeerAddress::SameHost(const wire::NetAddress& other) const noexcept
{
    return network != wire::Network::Unknown && network == other.network && other.raw.size() == size &&
           std::memcmp(raw.data(), other.raw.data(), size) == 0;
}

std::uint64_t PeerAddress::Group() const noexcept { return GroupOf(network, raw); }

bool PeerAddress::SameGroup(const wire::NetAddress& other) const noexcept
{
    return network != wire::Network::Unknown && network == other.network && other.raw.size() == size &&
           GroupOf(network, other.raw) == Group();
}

PeerAddress ParsePeerAddress(std::string_view text)
{
    const std::size_t colon{text.rfind(':')};
    std::uint16_t port{0};
    if (colon == std::string_view::npos) return {};
    const char* const end{text.data() + text.size()};
    if (const auto [at, error] = std::from_chars(text.data() + colon + 1, end, port); error != std::errc{} || at != end) return {};
    std::string_view host{text.substr(0, colon)};
    std::array<std::byte, 32> key{};
    constexpr std::string_view ONION{".onion"};
    constexpr std::string_view I2P{".b32.i2p"};
    if (host.ends_with(ONION) && Base32(host.substr(0, host.size() - ONION.size()), key))
        return Make(wire::Network::TorV3, key.data(), 32, port);
    if (host.ends_with(I2P) && Base32(host.substr(0, host.size() - I2P.size()), key)) return Make(wire::Network::I2p, key.data(), 32, port);
    if (host.starts_with('[') && host.ends_with(']')) {
        in6_addr raw{};
        if (::inet_pton(AF_INET6, std::string{host.substr(1, host.size() - 2)}.c_str(), &raw) != 1) return {};
        return Make(raw.s6_addr[0] == 0xfc ? wire::Network::Cjdns : wire::Network::Ipv6, &raw, 16, port);
    }
    in_addr raw{};
    if (::inet_pton(AF_INET, std::string{host}.c_str(), &raw) != 1) return {};
    return Make(wire::Network::Ipv4, &raw, 4, port);
}

std::string_view NetworkOf(const PeerAddress& address)
{
    constexpr std::string_view LOCAL{"not_publicly_routable"};
    const std::span<const std::byte> raw{address.raw.data(), address.size};
    const auto within = [raw](const Prefix& prefix) { return Within(raw, prefix); };
    if (address.network == wire::Network::Unknown) return {};
    if (address.network == wire::Network::Ipv4 && std::ranges::any_of(LOCAL_IPV4, within)) return LOCAL;
    if (address.network == wire::Network::Ipv6) {
        const bool loopback{std::ranges::all_of(raw.first(15), [](std::byte b) { return b == std::byte{0}; })};
        if (loopback || std::ranges::any_of(LOCAL_IPV6, within)) return LOCAL;
    }
    return wire::NetworkName(address.network);
}

} // namespace coretap::state
