// Writes the members of a decoded message in either of two markups: JSON, or `key=value` text on one line. Used by
// message_fields.h only, so that both say the same.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "util/text.h"

namespace coretap::event {

enum class Markup : std::uint8_t {
    Json, //!< {"txid":"00ab","inputs":[1,2]}
    Text, //!< txid=00ab inputs=[1 2]
};

/**
 * Appends members to a buffer, one call each; in a list the name is empty. It grows the buffer once a member: this is where most
 * of the time goes when everything is decoded.
 */
template <Markup MARKUP>
class FieldWriter {
    static constexpr bool JSON{MARKUP == Markup::Json};
    static constexpr std::size_t QUOTES{JSON ? 2 : 0};

    std::string& m_out;
    bool m_first; //!< nothing stands before the next member in its object or list

public:
    FieldWriter(std::string& out, bool first) : m_out{out}, m_first{first} {}

    template <std::integral Integer>
    void Number(std::string_view name, Integer value)
    {
        std::array<char, 20> digits;
        const auto size = static_cast<std::size_t>(std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr - digits.data());
        std::memcpy(Open(name, size), digits.data(), size);
    }
    void Bool(std::string_view name, bool value) { Bare(name, value ? "true" : "false"); }
    /** One of our own words: there is nothing to escape in it. */
    void Word(std::string_view name, std::string_view word)
    {
        char* at{Open(name, word.size() + QUOTES)};
        Quote(at);
        at = std::copy(word.begin(), word.end(), at);
        Quote(at);
    }
    /** A value by its name, or the number where it has none. */
    void NameOr(std::string_view name, std::string_view word, std::uint64_t number)
    {
        if (word.empty()) {
            Number(name, number);
        } else {
            Word(name, word);
        }
    }
    void Hex(std::string_view name, std::span<const std::byte> bytes)
    {
        char* at{Open(name, 2 * bytes.size() + QUOTES)};
        Quote(at);
        at = util::PutHex(at, bytes);
        Quote(at);
    }
    /** Last byte first, as Bitcoin Core shows hashes. */
    void HexReversed(std::string_view name, std::span<const std::byte> bytes)
    {
        char* at{Open(name, 2 * bytes.size() + QUOTES)};
        Quote(at);
        at = util::PutHexReversed(at, bytes);
        Quote(at);
    }
    /** A number as hex digits, all that its type has. */
    template <std::unsigned_integral Integer>
    void HexNumber(std::string_view name, Integer value)
    {
        HexReversed(name, std::as_bytes(std::span{&value, 1}));
    }
    /** What a peer wrote. Where it is not UTF-8, JSON has the bytes too: `name_hex`. */
    void Text(std::string_view name, std::span<const std::byte> bytes)
    {
        const std::string_view text{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
        Open(name, 0);
        if constexpr (JSON) {
            util::AppendJsonString(m_out, text);
            if (!name.empty() && !util::IsUtf8(text)) {
                Open(name, 0, "_hex");
                m_first = true; // its value follows, no separator
                Hex({}, bytes);
            }
        } else {
            util::AppendPrintableQuoted(m_out, text);
        }
    }
    /** `append(out)` appends a word of harmless characters. */
    template <class Append>
    void WordBy(std::string_view name, Append append)
    {
        Open(name, 0);
        if constexpr (JSON) m_out += '"';
        append(m_out);
        if constexpr (JSON) m_out += '"';
    }

    void BeginObject(std::string_view name = {}) { Begin(name, '{'); }
    void EndObject() { End('}'); }
    void BeginList(std::string_view name) { Begin(name, '['); }
    void EndList() { End(']'); }

private:
    void Bare(std::string_view name, std::string_view value) { std::copy(value.begin(), value.end(), Open(name, value.size())); }

    void Begin(std::string_view name, char bracket)
    {
        *Open(name, 1) = bracket;
        m_first = true;
    }
    void End(char bracket)
    {
        m_out += bracket;
        m_first = false;
    }

    static void Quote(char*& at)
    {
        if constexpr (JSON) *at++ = '"';
    }

    /** Appends a separator and the name, and makes room for `room` bytes: returns where they go. */
    char* Open(std::string_view name, std::size_t room, std::string_view suffix = {})
    {
        const std::size_t around{JSON ? 3u : 1u}; // "": or =
        const std::size_t label{name.empty() ? 0 : name.size() + suffix.size() + around};
        const std::size_t start{m_out.size()};
        m_out.resize(start + (m_first ? 0 : 1) + label + room);
        char* at{m_out.data() + start};
        if (!m_first) *at++ = JSON ? ',' : ' ';
        m_first = false;
        if (label == 0) return at;
        Quote(at);
        std::memcpy(at, name.data(), name.size());
        at += name.size();
        at = std::copy(suffix.begin(), suffix.end(), at);
        Quote(at);
        *at++ = JSON ? ':' : '=';
        return at;
    }
};

} // namespace coretap::event
