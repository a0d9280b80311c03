// Hex in, decoded message out.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "unit/wire/walk.h"
#include "util/text.h"

namespace coretap::wire {

/** Spaces are passed over. */
inline Buffer FromHex(std::string_view hex)
{
    const auto nibble = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
    std::string digits;
    for (const char c : hex) {
        if (c != ' ') digits += c;
    }
    Buffer bytes;
    for (std::size_t i{0}; i + 1 < digits.size(); i += 2) bytes.push_back(std::byte(nibble(digits[i]) << 4 | nibble(digits[i + 1])));
    return bytes;
}

/** In the order of the bytes. */
inline std::string Hex(ByteView bytes)
{
    std::string out;
    util::AppendHex(out, bytes);
    return out;
}
/** As Bitcoin Core shows hashes. */
inline std::string HashText(ByteView bytes)
{
    std::string out;
    util::AppendHexReversed(out, bytes);
    return out;
}
inline std::string Text(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
inline std::string HostPort(const NetAddress& address)
{
    std::string out;
    AppendHostPort(out, address);
    return out;
}
inline std::string Repeated(std::string_view hex, std::size_t times)
{
    std::string out;
    while (times-- > 0) out += hex;
    return out;
}

/** A payload and what was decoded of it, which is views into it. */
struct Read {
    Buffer payload;
    Decoded decoded;

    explicit Read(MessageType type, std::string_view hex, std::optional<std::uint64_t> size = std::nullopt)
        : payload{FromHex(hex)}, decoded{Decode(type, payload, size.value_or(payload.size()))}
    {
        EXPECT_EQ(Complaint(type, payload, size.value_or(payload.size())), "") << hex.substr(0, 200);
    }
    Read(const Read&) = delete;
    Read& operator=(const Read&) = delete;

    template <class Msg>
    const Msg& Whole(std::uint64_t trailing = 0) const
    {
        EXPECT_EQ(decoded.status, Status::Whole) << ToString(decoded.problem) << " at " << decoded.problem_at;
        EXPECT_EQ(decoded.trailing, trailing);
        return std::get<Msg>(decoded.message);
    }
    template <class Msg>
    const Msg& Cut() const
    {
        EXPECT_EQ(decoded.status, Status::Cut) << ToString(decoded.problem);
        EXPECT_EQ(decoded.problem_at, payload.size());
        return std::get<Msg>(decoded.message);
    }
    template <class Msg>
    const Msg& Malformed(Problem problem, std::uint64_t at) const
    {
        EXPECT_EQ(decoded.status, Status::Malformed);
        EXPECT_EQ(ToString(decoded.problem), ToString(problem));
        EXPECT_EQ(decoded.problem_at, at);
        return std::get<Msg>(decoded.message);
    }
};

/** `status problem` of what is not worth a look at its fields. */
inline std::string Verdict(MessageType type, std::string_view hex)
{
    const Read read{type, hex};
    if (read.decoded.status == Status::Whole) return read.decoded.trailing ? "whole, trailing" : "whole";
    return std::string{ToString(read.decoded.problem)} + " at " + std::to_string(read.decoded.problem_at);
}

} // namespace coretap::wire
