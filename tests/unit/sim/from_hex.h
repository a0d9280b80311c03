// Bytes from hexadecimal digits in lower case.
#pragma once

#include <cstdint>
#include <string_view>

#include "sim/wire_encode.h"

namespace coretap::sim {

inline Bytes FromHex(std::string_view hex)
{
    const auto nibble = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    Bytes bytes;
    bytes.reserve(hex.size() / 2);
    for (std::size_t i{0}; i < hex.size(); i += 2) bytes.push_back(static_cast<std::uint8_t>(nibble(hex[i]) << 4 | nibble(hex[i + 1])));
    return bytes;
}

} // namespace coretap::sim
