// How far a message was read that is cut or malformed. Used by the two forms of a decoded message: what was not reached
// must not be shown as a zero that nobody sent.
#pragma once

#include <cstdint>

#include "wire/message.h"

namespace coretap::event {

/** The fixed fields up to this offset were read: they lie one behind the other. */
inline bool Reached(const wire::Decoded& decoded, std::uint64_t end)
{
    return decoded.status == wire::Status::Whole || end <= decoded.problem_at;
}

/** The count at this offset was read. Of a 0 near the place of a cut nobody can tell: it may be the rest of a larger one that is missing. */
inline bool CountReached(const wire::Decoded& decoded, std::uint64_t offset, std::uint64_t claimed)
{
    constexpr std::uint64_t LONGEST{9};
    return claimed != 0 || Reached(decoded, offset + (decoded.status == wire::Status::Cut ? LONGEST : 1));
}

/** A string or byte array that other fields follow was read. */
inline bool StringReached(const wire::Decoded& decoded, wire::ByteView bytes) { return decoded.status == wire::Status::Whole || !bytes.empty(); }

} // namespace coretap::event
