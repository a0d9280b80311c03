// Payloads for tests of what is shown of messages: of every type a good one, and good ones with hostile strings in them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/wire_samples.h"
#include "wire/message.h"

namespace coretap::test {

/** A payload, and the type it claims to be of. */
struct Payload {
    std::string type;
    sim::Bytes bytes;

    wire::Decoded Decode() const { return DecodeCut(bytes.size()); }
    /** As if so much had been captured. */
    wire::Decoded DecodeCut(std::size_t captured) const
    {
        return wire::Decode(wire::MessageTypeOf(type), std::as_bytes(std::span{bytes}.first(captured)), bytes.size());
    }
};

/** What peers write to break terminals, lines and JSON. */
inline const std::vector<std::string>& HostileStrings()
{
    static const std::vector<std::string> STRINGS{"\x1b[2J\x1b]0;owned\a",
                                                  "a\"b\\c\nd\r\te",
                                                  std::string{"nul\0byte", 8},
                                                  "\xff\xfe broken \xe2\x82",
                                                  "\xc0\xaf\xed\xa0\x80",
                                                  "\xe2\x80\xae right to left",
                                                  "\xc2\x9b[31m c1",
                                                  "\xe2\x80\xa8 line separator",
                                                  "é€😀"};
    return STRINGS;
}

/** Every type that there is, with the stand-in's payload. */
inline std::vector<Payload> SamplePayloads()
{
    std::vector<Payload> payloads;
    sim::Rng rng{7};
    for (const sim::MessageSample& sample : sim::MessageSamples())
        payloads.push_back({std::string{sample.type}, sample.make ? sample.make(rng) : sim::Bytes{}});
    return payloads;
}

/** Every message that has text of the peer's, with every hostile string. */
inline std::vector<Payload> HostilePayloads()
{
    std::vector<Payload> payloads;
    for (const std::string& text : HostileStrings()) {
        sim::Encoder version;
        version.U32(70016).U64(9).U64(1'750'000'000).Raw(sim::Bytes(52)).U64(1).Var(text).U32(900'000).U8(1);
        payloads.push_back({"version", version.Take()});
        payloads.push_back({"feature", sim::Encoder{}.Var(text).Var(text).Take()});
        payloads.push_back({"reject", sim::Encoder{}.Var(text.substr(0, 12)).U8(0x10).Var(text).Take()});
        sim::Encoder alert;
        alert.U32(1).U64(1).U64(2).U32(3).U32(4).Compact(0).U32(5).U32(6).Compact(1).Var(text).U32(7).Var(text).Var(text).Var(text);
        payloads.push_back({"alert", sim::Encoder{}.Var(alert.Take()).Var("signature").Take()});
        payloads.push_back({text, sim::Bytes(text.begin(), text.end())});
    }
    return payloads;
}

} // namespace coretap::test
