// Names of numbers in P2P messages, as Bitcoin Core and the BIPs have them. Used by the two forms of a decoded message.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace coretap::event {

/** Append the name of service bit `bit`, as getpeerinfo's servicesnames (serviceFlagToStr(), src/protocol.cpp): `NETWORK`, `UNKNOWN[2^24]`. */
void AppendServiceName(std::string& out, unsigned bit);

/** BIP 158: `basic`; empty if unknown. */
std::string_view FilterTypeName(std::uint8_t type);

/** BIP 61, and what Bitcoin Core sent before 0.20: `insufficient_fee`; empty if unknown. */
std::string_view RejectCodeName(std::uint8_t code);

/** Bytes of a CompactSize in its canonical form (src/serialize.h). */
constexpr std::uint64_t CompactSizeBytes(std::uint64_t value) { return value < 253 ? 1 : value <= 0xffff ? 3 : value <= 0xffff'ffff ? 5 : 9; }

} // namespace coretap::event
