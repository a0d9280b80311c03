#include "poll/json_reader.h"

#include <charconv>
#include <cmath>
#include <limits>

#include <boost/json/array.hpp>
#include <boost/json/string.hpp>
#include <fmt/format.h>

#include "poll/node_facts.h"

namespace coretap::poll {
namespace {

namespace json = boost::json;

constexpr double COIN{100'000'000};
constexpr double MAX_MONEY{21'000'000};

std::string Cut(const json::string& text) { return {text.data(), std::min(text.size(), MAX_STRING)}; }

/** A whole number, if it is one and fits. */
template <class T>
std::optional<T> Whole(const json::value& value)
{
    if (const std::int64_t * number{value.if_int64()}) {
        if (std::in_range<T>(*number)) return static_cast<T>(*number);
    } else if (const std::uint64_t * large{value.if_uint64()}) {
        if (std::in_range<T>(*large)) return static_cast<T>(*large);
    }
    return std::nullopt;
}

std::optional<double> Number(const json::value& value)
{
    if (const double* number{value.if_double()}) return std::isfinite(*number) ? std::optional{*number} : std::nullopt;
    if (const std::int64_t * number{value.if_int64()}) return static_cast<double>(*number);
    if (const std::uint64_t * number{value.if_uint64()}) return static_cast<double>(*number);
    return std::nullopt;
}

} // namespace

std::string_view KindName(const json::value& value)
{
    switch (value.kind()) {
    case json::kind::null: return "null";
    case json::kind::bool_: return "true or false";
    case json::kind::int64:
    case json::kind::uint64: return "a whole number";
    case json::kind::double_: return "a number";
    case json::kind::string: return "a string";
    case json::kind::array: return "an array";
    case json::kind::object: return "an object";
    }
    return "nothing known";
}

const json::value* ObjectReader::Find(std::string_view name) const
{
    const json::value* value{m_object.if_contains({name.data(), name.size()})};
    return value == nullptr || value->is_null() ? nullptr : value;
}

void ObjectReader::Odd(std::string_view name, std::string_view expected, const json::value& is) const
{
    m_odd.Add(fmt::format("{}: {} should be {} and is {}", m_where, name, expected, KindName(is)));
}

void ObjectReader::Get(std::string_view name, std::optional<bool>& out) const
{
    const json::value* value{Find(name)};
    if (value == nullptr) return;
    if (!value->is_bool()) return Odd(name, "true or false", *value);
    out = value->get_bool();
}

void ObjectReader::Get(std::string_view name, std::optional<std::int64_t>& out) const
{
    const json::value* value{Find(name)};
    if (value == nullptr) return;
    if (!(out = Whole<std::int64_t>(*value))) Odd(name, "a whole number of 64 bits", *value);
}

void ObjectReader::Get(std::string_view name, std::optional<std::int32_t>& out) const
{
    const json::value* value{Find(name)};
    if (value == nullptr) return;
    if (!(out = Whole<std::int32_t>(*value))) Odd(name, "a whole number of 32 bits", *value);
}

void ObjectReader::Get(std::string_view name, std::optional<std::uint64_t>& out) const
{
    const json::value* value{Find(name)};
    if (value == nullptr) return;
    if (!(out = Whole<std::uint64_t>(*value))) Odd(name, "a whole number, not negative", *value);
}

void ObjectReader::Get(std::string_view name, std::optional<std::uint32_t>& out) const
{
    const json::value* value{Find(name)};
    if (value == nullptr) return;
    if (!(out = Whole<std::uint32_t>(*value))) Odd(name, "a whole number of 32 bits, not negative", *value);
}

void ObjectReader::Get(std::string_view name, std::optional<double>& out) const
{
    const json::value* value{Find(name)};
    if (value == nullptr) return;
    if (!(out = Number(*value))) Odd(name, "a number", *value);
}

void ObjectReader::Get(std::string_view name, std::string& out) const
{
    const json::value* value{Find(name)};
    if (value == nullptr) return;
    if (!value->is_string()) return Odd(name, "a string", *value);
    out = Cut(value->get_string());
}

void ObjectReader::Words(std::string_view name, std::vector<std::string>& out, bool one_too) const
{
    const json::value* value{Find(name)};
    if (value == nullptr) return;
    if (one_too && value->is_string()) {
        if (!value->get_string().empty()) out.push_back(Cut(value->get_string()));
        return;
    }
    if (!value->is_array()) return Odd(name, "an array of strings", *value);
    for (const json::value& word : value->get_array()) {
        if (out.size() == MAX_WORDS) return m_odd.Add(fmt::format("{}: {} has more than {} entries", m_where, name, MAX_WORDS));
        if (word.is_string()) {
            out.push_back(Cut(word.get_string()));
        } else {
            Odd(name, "an array of strings", word);
        }
    }
}

void ObjectReader::Hex(std::string_view name, std::optional<std::uint64_t>& out) const
{
    const json::value* value{Find(name)};
    if (value == nullptr) return;
    if (!value->is_string()) return Odd(name, "hex digits", *value);
    const json::string& text{value->get_string()};
    std::uint64_t number{0};
    const auto [end, error]{std::from_chars(text.data(), text.data() + text.size(), number, 16)};
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return Odd(name, "up to 16 hex digits", *value);
    out = number;
}

void ObjectReader::Amount(std::string_view name, std::optional<std::int64_t>& out) const
{
    const json::value* value{Find(name)};
    if (value == nullptr) return;
    const auto number{Number(*value)};
    if (!number || std::abs(*number) > MAX_MONEY) return Odd(name, "an amount of bitcoin", *value);
    out = std::llround(*number * COIN);
}

void ObjectReader::Counts(std::string_view name, std::map<std::string, std::uint64_t>& out) const
{
    const json::object* object{Object(name)};
    if (object == nullptr) return;
    for (const auto& [key, value] : *object) {
        const auto count{Whole<std::uint64_t>(value)};
        if (!count) {
            Odd(name, "whole numbers, not negative", value);
            continue;
        }
        std::string text{key.data(), std::min(key.size(), MAX_STRING)};
        if (out.size() >= MAX_WORDS && !out.contains(text)) text = "*other*";
        out[text] += *count;
    }
}

std::size_t ObjectReader::Length(std::string_view name) const
{
    const json::value* value{Find(name)};
    if (value == nullptr) return 0;
    if (!value->is_array()) {
        Odd(name, "an array", *value);
        return 0;
    }
    return value->get_array().size();
}

const json::object* ObjectReader::Object(std::string_view name) const
{
    const json::value* value{Find(name)};
    if (value == nullptr) return nullptr;
    if (!value->is_object()) Odd(name, "an object", *value);
    return value->if_object();
}

} // namespace coretap::poll
