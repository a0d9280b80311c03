// How much of a P2P message's payload is shown, and the payload decoded. Used by the forms of an event (event/json.h,
// event/message_text.h), by the sinks that choose among them, and by the command line.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "abi/coretap_abi.h"
#include "event/event.h"
#include "wire/message.h"

namespace coretap::event {

/** What is said of a payload besides its bytes. */
enum class Decode : std::uint8_t {
    Off,   //!< nothing
    Short, //!< a phrase: `3 wtx`
    Full,  //!< everything that is in it
};

/**
 * Most bytes of a payload that are shown as hex, by message type (wire::MessageType, event::MessageTypeId()). Decoding
 * captures payloads whose bytes nobody asked to see.
 */
using PayloadBounds = std::array<std::uint32_t, CT_MAX_MSG_TYPES>;

/**
 * Whether there is a payload to decode: the event is a P2P message of either direction, and its payload could be read. True of
 * a message without payload, and of one of which nothing was captured: that one is decoded as cut at its start.
 */
inline bool HasPayload(const Event& event) noexcept { return IsMessage(event) && !event.Faulted(message_arg::PAYLOAD); }

/** Decode the payload of an event for which HasPayload(). The views are into the event's record. */
wire::Decoded DecodeMessage(const Event& event) noexcept;

/** What of a message's payload is shown as hex: all that was captured if `bounds` is null. */
std::span<const std::byte> ShownPayload(const Event& event, const PayloadBounds* bounds) noexcept;

} // namespace coretap::event
