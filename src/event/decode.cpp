#include "event/decode.h"

#include <algorithm>

namespace coretap::event {

wire::Decoded DecodeMessage(const Event& event) noexcept
{
    const std::span<const std::byte> captured{event.Bytes(message_arg::PAYLOAD)};
    // A size that could not be read, or that a damaged record has too small: there is at least what we see.
    const std::uint64_t told{event.Faulted(message_arg::SIZE) ? 0 : event.Uint(message_arg::SIZE)};
    return wire::Decode(wire::MessageTypeOf(event.Str(message_arg::MSG_TYPE)), captured, std::max<std::uint64_t>(told, captured.size()));
}

std::span<const std::byte> ShownPayload(const Event& event, const PayloadBounds* bounds) noexcept
{
    const std::span<const std::byte> captured{event.Bytes(message_arg::PAYLOAD)};
    if (bounds == nullptr || captured.empty()) return captured;
    const auto type = static_cast<std::size_t>(wire::MessageTypeOf(event.Str(message_arg::MSG_TYPE)));
    return captured.first(std::min<std::size_t>(captured.size(), bounds->at(type)));
}

} // namespace coretap::event
