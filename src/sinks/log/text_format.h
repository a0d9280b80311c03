// An event as a line for people: aligned, calm, one event a line whatever peers wrote into it.
#pragma once

#include <string>
#include <string_view>

#include "event/decode.h"
#include "event/event.h"
#include "event/json.h"

namespace coretap::sinks::log {

/** What turns colour on and off around a piece of text. Empty: no colour. */
struct Style {
    std::string_view reset;
    std::string_view dim;      //!< time, addresses, what is of little interest
    std::string_view inbound;  //!< from a peer
    std::string_view outbound; //!< to a peer
    std::string_view warn;     //!< rejected, evicted, misbehaving
    std::string_view bad;      //!< losses

    static Style Colored();
    static Style Plain() { return {}; }
};

struct TextOptions {
    bool color{false};
    bool ascii{false};       //!< no arrows, no ellipsis, no micro sign: the terminal is not UTF-8
    bool show_node{false};   //!< a column that says which node
    bool payload_hex{false}; //!< payloads and byte arrays in full, as hex
    event::Decode decode{event::Decode::Off};
    const event::PayloadBounds* shown_payload{nullptr}; //!< of payload_hex; null: all that was captured
};

/**
 * Formats events:
 *
 *   09:15:04.123456  ← inv                 1,234 B  peer    12  outbound-full-relay  203.0.113.7:8333
 *   09:15:04.123460  mempool:added     <txid> 141 vB 1,234 sat (8.75 sat/vB)
 *
 * With Decode::Short a phrase stands before the address, where it can be read down the screen; with Decode::Full the whole content
 * stands behind it. What is wrong with a message follows in words (event/message_text.h):
 *
 *   09:15:04.123456  ← inv                   109 B  peer    12  outbound-full-relay  3 wtx                 203.0.113.7:8333
 *   09:15:04.123456  ← inv                   109 B  peer    12  outbound-full-relay  203.0.113.7:8333  count=3 entries=[…]
 *
 * The time of day is UTC. Values that could not be read are `?`, strings that were cut end in `…`. What others wrote is
 * escaped (util::AppendPrintable). Allocates nothing but the buffer.
 */
class TextFormat {
    TextOptions m_options;
    Style m_style;

public:
    explicit TextFormat(TextOptions options) : m_options{options}, m_style{options.color ? Style::Colored() : Style::Plain()} {}

    /** From now on a column says which node. */
    void ShowNode() { m_options.show_node = true; }
    /** Append one line, with its newline. A node whose label is not known is shown as `pid NNN`. */
    void Append(std::string& out, const event::Event& event, const event::NodeLabel& node) const;
};

} // namespace coretap::sinks::log
