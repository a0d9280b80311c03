// Writes JSON member by member into a string. Whatever the bytes of a string: the result is valid.
#pragma once

#include <array>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "util/text.h"

namespace coretap::web {

class JsonWriter {
    std::string& m_out;
    bool m_first{true}; //!< nothing stands before the next value in its object or list

public:
    explicit JsonWriter(std::string& out) : m_out{out} {}

    JsonWriter& Key(std::string_view name)
    {
        Separate();
        util::AppendJsonString(m_out, name);
        m_out += ':';
        m_first = true;
        return *this;
    }
    template <std::integral Integer>
    void Value(Integer value)
    {
        Separate();
        if constexpr (std::same_as<Integer, bool>) {
            m_out += value ? "true" : "false";
        } else {
            std::array<char, 24> digits;
            m_out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr);
        }
    }
    void Value(double value)
    {
        if (!std::isfinite(value)) return Null();
        Separate();
        std::array<char, 32> digits;
        m_out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr);
    }
    void Value(std::string_view text)
    {
        Separate();
        util::AppendJsonString(m_out, text);
    }
    void Value(const char* text) { Value(std::string_view{text}); }
    void Value(const std::string& text) { Value(std::string_view{text}); }
    template <class T>
    void Value(const std::optional<T>& value)
    {
        value ? Value(*value) : Null();
    }
    void Null() { Raw("null"); }
    /** JSON that somebody else has written. */
    void Raw(std::string_view json)
    {
        Separate();
        m_out += json;
    }
    template <class T>
    void Member(std::string_view name, const T& value)
    {
        Key(name).Value(value);
    }

    /** Nanoseconds since 1970 as milliseconds, with a fraction of three digits: a double cannot hold more. */
    void UtcMs(std::string_view name, std::optional<std::int64_t> utc_ns)
    {
        Key(name);
        if (!utc_ns) return Null();
        const std::int64_t us{*utc_ns / 1000};
        Separate();
        util::AppendNumber(m_out, us / 1000);
        const auto rest = static_cast<unsigned>(std::abs(us % 1000));
        if (rest == 0) return;
        m_out += '.';
        m_out += static_cast<char>('0' + rest / 100);
        m_out += static_cast<char>('0' + rest / 10 % 10);
        m_out += static_cast<char>('0' + rest % 10);
    }

    template <class Write>
    void Object(Write write)
    {
        Bracketed('{', '}', write);
    }
    template <class Write>
    void Object(std::string_view name, Write write)
    {
        Key(name).Bracketed('{', '}', write);
    }
    template <class Write>
    void List(std::string_view name, Write write)
    {
        Key(name).Bracketed('[', ']', write);
    }

private:
    void Separate()
    {
        if (!m_first) m_out += ',';
        m_first = false;
    }
    template <class Write>
    void Bracketed(char open, char close, Write write)
    {
        Separate();
        m_out += open;
        m_first = true;
        write();
        m_out += close;
        m_first = false;
    }
};

} // namespace coretap::web
