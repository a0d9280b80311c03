// The pieces a line is made of: an event's arguments with their units, padding, colour. Used by text_format.cpp only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "event/event.h"
#include "sinks/log/text_format.h"
#include "wire/message.h"

namespace coretap::sinks::log {

/** A line being written. Every Put appends and returns the line, so that a rendering reads like its sentence. */
class TextLine {
    std::string& m_out;
    const event::Event& m_event;
    const TextOptions& m_options;
    const Style& m_style;

public:
    TextLine(std::string& out, const event::Event& event, const TextOptions& options, const Style& style)
        : m_out{out}, m_event{event}, m_options{options}, m_style{style}
    {}

    const event::Event& Event() const { return m_event; }
    const TextOptions& Options() const { return m_options; }
    const Style& Colors() const { return m_style; }

    /** Text of our own. */
    TextLine& Put(std::string_view text);
    TextLine& Pad(std::size_t written, std::size_t width);
    /** A colour, or `Colors().reset`. */
    TextLine& Color(std::string_view code) { return Put(code); }

    /** The process that fired. */
    TextLine& Pid();
    /** An argument with its unit: `1,234 sat`, `2.31 ms`, `ipv4`. Strings are not quoted. */
    TextLine& Arg(std::size_t arg);
    /** The same, padded on the right to at least `width` characters. */
    TextLine& ArgPadded(std::size_t arg, std::size_t width);
    /** The same, padded on the left. */
    TextLine& ArgRight(std::size_t arg, std::size_t width);
    /** A number without its unit: `1,234`. */
    TextLine& Number(std::size_t arg);
    /** A number and a noun that agrees with it: `1 input`, `2 inputs`. */
    TextLine& Counted(std::size_t arg, std::string_view one, std::string_view many);
    /** A string argument in double quotes. */
    TextLine& QuotedArg(std::size_t arg);
    /** `yes` or `no` by a bool argument; `?` if it could not be read. */
    TextLine& Choice(std::size_t arg, std::string_view yes, std::string_view no);
    /** Time from an argument in Unix seconds to the event: `12m 34s`; `?` if it lies ahead of the event. */
    TextLine& Since(std::size_t arg);
    /** ` (8.75 sat/vB)`, if both arguments are known and the size is positive. */
    TextLine& FeeRate(std::size_t fee, std::size_t vsize);
    /** Bytes as hex; an ellipsis behind them if that is not all. */
    TextLine& Hex(std::span<const std::byte> bytes, bool cut);
    /** A message's phrase, padded on the right to at least `width` characters, and two blanks. Blank if not `shown`. */
    TextLine& Phrase(const wire::Decoded& decoded, std::size_t width, bool shown);
    /** Two blanks and all of a message's content, if it has any. */
    TextLine& Content(const wire::Decoded& decoded);
    /** Two blanks and what is wrong with a message, if anything is. */
    TextLine& Findings(const wire::Decoded& decoded);
    /** `name=value`, strings quoted. */
    TextLine& KeyValue(std::size_t arg);

private:
    TextLine& Duration(std::int64_t ns);
    TextLine& Ellipsis() { return Put(m_options.ascii ? "..." : "…"); }
    void Integer(event::Unit unit, std::int64_t value);
    void Unsigned(event::Unit unit, std::uint64_t value);
    void ByteArray(std::size_t arg);
};

/** Characters in `text`, valid UTF-8 of our own making: what a terminal needs for it, as far as padding cares. */
std::size_t Columns(std::string_view text);

} // namespace coretap::sinks::log
