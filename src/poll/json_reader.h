// Reading members of a JSON object whose maker is trusted little: a member of the wrong type is left out and noted, never fatal.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

namespace coretap::poll {

/** Values that were not what they should be. */
struct Oddities {
    std::uint64_t count{0};
    std::string first; //!< in words
    void Add(std::string what)
    {
        if (count++ == 0) first = std::move(what);
    }
};

/** Members of one object. What is absent, or null, leaves `out` alone: other versions say less. */
class ObjectReader {
    const boost::json::object& m_object;
    std::string_view m_where; //!< for messages: `getpeerinfo`
    Oddities& m_odd;

public:
    /** All must outlive this. */
    ObjectReader(const boost::json::object& object, std::string_view where, Oddities& odd) : m_object{object}, m_where{where}, m_odd{odd} {}

    void Get(std::string_view name, std::optional<bool>& out) const;
    void Get(std::string_view name, std::optional<std::int64_t>& out) const;
    void Get(std::string_view name, std::optional<std::int32_t>& out) const;
    void Get(std::string_view name, std::optional<std::uint64_t>& out) const; //!< a negative number is odd
    void Get(std::string_view name, std::optional<std::uint32_t>& out) const;
    void Get(std::string_view name, std::optional<double>& out) const; //!< whole numbers too
    void Get(std::string_view name, std::string& out) const;           //!< cut at MAX_STRING
    /** Up to MAX_WORDS strings. `one_too`: a plain string is a list of one, an empty one of none (`warnings` before v28). */
    void Words(std::string_view name, std::vector<std::string>& out, bool one_too = false) const;
    /** A number in hex: `services`. */
    void Hex(std::string_view name, std::optional<std::uint64_t>& out) const;
    /** Bitcoin in a decimal fraction, as satoshi. */
    void Amount(std::string_view name, std::optional<std::int64_t>& out) const;
    /** Up to MAX_WORDS numbers by name; further ones are summed up under `*other*`, as Bitcoin Core does. */
    void Counts(std::string_view name, std::map<std::string, std::uint64_t>& out) const;
    std::size_t Length(std::string_view name) const; //!< of an array; 0 if there is none
    const boost::json::object* Object(std::string_view name) const;

private:
    const boost::json::value* Find(std::string_view name) const;
    void Odd(std::string_view name, std::string_view expected, const boost::json::value& is) const;
};

/** `a number`, `an object`, ... */
std::string_view KindName(const boost::json::value& value);

} // namespace coretap::poll
