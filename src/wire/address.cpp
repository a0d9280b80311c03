#include "wire/address.h"

#include <algorithm>
#include <array>
#include <memory>

#include <openssl/evp.h>

#include "util/text.h"

namespace coretap::wire {
namespace {

// Prefixes of addresses that stand for others (src/netaddress.h).
constexpr std::array<std::uint8_t, 12> IPV4_IN_IPV6{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::array<std::uint8_t, 6> TORV2_IN_IPV6{0xfd, 0x87, 0xd8, 0x7e, 0xeb, 0x43};
constexpr std::array<std::uint8_t, 6> INTERNAL_IN_IPV6{0xfd, 0x6b, 0x88, 0xc0, 0x87, 0x24};

bool HasPrefix(ByteView bytes, std::span<const std::uint8_t> prefix)
{
    return bytes.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), reinterpret_cast<const std::uint8_t*>(bytes.data()));
}

std::uint8_t At(ByteView bytes, std::size_t index) { return std::to_integer<std::uint8_t>(bytes[index]); }

/** RFC 4648, lower case, without padding. */
void AppendBase32(std::string& out, ByteView bytes)
{
    static constexpr char DIGITS[]{"abcdefghijklmnopqrstuvwxyz234567"};
    std::uint32_t held{0};
    unsigned bits{0};
    for (const std::byte byte : bytes) {
        held = held << 8 | std::to_integer<std::uint32_t>(byte);
        for (bits += 8; bits >= 5; bits -= 5) out += DIGITS[held >> (bits - 5) & 31];
    }
    if (bits > 0) out += DIGITS[held << (5 - bits) & 31];
}

void AppendIpv4(std::string& out, ByteView raw)
{
    for (std::size_t i{0}; i < 4; ++i) {
        if (i > 0) out += '.';
        util::AppendNumber(out, std::uint64_t{At(raw, i)});
    }
}

/** RFC 5952, but for addresses with an IPv4 address in them: Bitcoin Core writes those in hex as well. */
void AppendIpv6(std::string& out, ByteView raw)
{
    std::array<unsigned, 8> groups;
    for (std::size_t i{0}; i < groups.size(); ++i) groups[i] = static_cast<unsigned>(At(raw, i * 2) << 8 | At(raw, i * 2 + 1));
    // The longest run of zeros, the first of several, is left out if it is of two groups or more.
    std::size_t gap{0}, gap_size{1};
    for (std::size_t i{0}, run{0}; i < groups.size(); ++i) {
        run = groups[i] == 0 ? run + 1 : 0;
        if (run > gap_size) {
            gap_size = run;
            gap = i + 1 - run;
        }
    }
    for (std::size_t i{0}; i < groups.size(); ++i) {
        if (gap_size > 1 && i == gap) {
            out += "::";
            i += gap_size - 1;
            continue;
        }
        if (i > 0 && out.back() != ':') out += ':';
        static constexpr char HEX[]{"0123456789abcdef"};
        bool leading{true};
        for (int shift{12}; shift >= 0; shift -= 4) {
            const unsigned digit{groups[i] >> shift & 15};
            leading = leading && digit == 0 && shift > 0;
            if (!leading) out += HEX[digit];
        }
    }
}

/** A key with its checksum and version (Tor's rend-spec-v3, section 6). */
void AppendTorV3(std::string& out, ByteView key)
{
    static constexpr std::string_view TAG{".onion checksum"};
    static constexpr std::uint8_t VERSION{3};
    static const EVP_MD* const SHA3{EVP_MD_fetch(nullptr, "SHA3-256", nullptr)};
    struct Free {
        void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
    };
    thread_local const std::unique_ptr<EVP_MD_CTX, Free> CONTEXT{EVP_MD_CTX_new()};
    std::array<std::byte, 32> checksum{};
    EVP_DigestInit_ex2(CONTEXT.get(), SHA3, nullptr);
    EVP_DigestUpdate(CONTEXT.get(), TAG.data(), TAG.size());
    EVP_DigestUpdate(CONTEXT.get(), key.data(), key.size());
    EVP_DigestUpdate(CONTEXT.get(), &VERSION, 1);
    EVP_DigestFinal_ex(CONTEXT.get(), reinterpret_cast<unsigned char*>(checksum.data()), nullptr);
    std::array<std::byte, 35> address;
    std::copy(key.begin(), key.end(), address.begin());
    address[32] = checksum[0];
    address[33] = checksum[1];
    address[34] = std::byte{VERSION};
    AppendBase32(out, address);
    out += ".onion";
}

/** Bytes of an address of this network; 0 if unknown: any. */
std::size_t SizeOf(Network network)
{
    switch (network) {
    case Network::Ipv4: return 4;
    case Network::Ipv6:
    case Network::Cjdns: return 16;
    case Network::TorV2:
    case Network::Internal: return 10;
    case Network::TorV3:
    case Network::I2p: return 32;
    case Network::Unknown: break;
    }
    return 0;
}

Network NetworkOfBip155(std::uint8_t network_id)
{
    return network_id >= 1 && network_id <= 6 ? static_cast<Network>(network_id) : Network::Unknown;
}

} // namespace

std::string_view NetworkName(Network network)
{
    switch (network) {
    case Network::Unknown: return "unknown";
    case Network::Ipv4: return "ipv4";
    case Network::Ipv6: return "ipv6";
    case Network::TorV2: return "torv2";
    case Network::TorV3: return "onion";
    case Network::I2p: return "i2p";
    case Network::Cjdns: return "cjdns";
    case Network::Internal: return "internal";
    }
    return "unknown";
}

NetAddress FromLegacy(ByteView sixteen, std::uint16_t port)
{
    if (HasPrefix(sixteen, IPV4_IN_IPV6)) return {Network::Ipv4, 0, sixteen.subspan(IPV4_IN_IPV6.size()), port};
    if (HasPrefix(sixteen, TORV2_IN_IPV6)) return {Network::TorV2, 0, sixteen.subspan(TORV2_IN_IPV6.size()), port};
    if (HasPrefix(sixteen, INTERNAL_IN_IPV6)) return {Network::Internal, 0, sixteen.subspan(INTERNAL_IN_IPV6.size()), port};
    return {Network::Ipv6, 0, sixteen, port};
}

bool IsBip155Size(std::uint8_t network_id, std::uint64_t size)
{
    const Network network{NetworkOfBip155(network_id)};
    return network == Network::Unknown || network == Network::TorV2 || size == SizeOf(network);
}

NetAddress FromBip155(std::uint8_t network_id, ByteView raw, std::uint16_t port)
{
    NetAddress address{NetworkOfBip155(network_id), network_id, raw, port};
    if (raw.size() != SizeOf(address.network)) address.network = Network::Unknown;
    if (address.network == Network::Ipv6 && HasPrefix(raw, INTERNAL_IN_IPV6)) {
        address.network = Network::Internal;
        address.raw = raw.subspan(INTERNAL_IN_IPV6.size());
    }
    return address;
}

void AppendHost(std::string& out, const NetAddress& address)
{
    const std::size_t size{SizeOf(address.network)};
    if (size == 0 || address.raw.size() != size) return util::AppendHex(out, address.raw);
    switch (address.network) {
    case Network::Unknown: break;
    case Network::Ipv4: return AppendIpv4(out, address.raw);
    case Network::Ipv6:
    case Network::Cjdns: return AppendIpv6(out, address.raw);
    case Network::TorV3: return AppendTorV3(out, address.raw);
    case Network::TorV2:
        AppendBase32(out, address.raw);
        out += ".onion";
        return;
    case Network::I2p:
        AppendBase32(out, address.raw);
        out += ".b32.i2p";
        return;
    case Network::Internal:
        AppendBase32(out, address.raw);
        out += ".internal";
        return;
    }
}

void AppendHostPort(std::string& out, const NetAddress& address)
{
    const bool brackets{address.network == Network::Ipv6 || address.network == Network::Cjdns};
    if (brackets) out += '[';
    AppendHost(out, address);
    out += brackets ? "]:" : ":";
    util::AppendNumber(out, std::uint64_t{address.port});
}

} // namespace coretap::wire
