// Reading members of JSON that somebody may have tampered with: what is not there, or is something else, leaves the target as it was.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "util/text.h"

namespace coretap::archive {

/** Text for people, from a file that may be anybody's: as it is if it is printable, escaped if not. Doing it again changes nothing. */
inline void MakePrintable(std::string& text)
{
    std::string printable;
    util::AppendPrintable(printable, text);
    if (printable.size() != text.size() + static_cast<std::size_t>(std::count(text.begin(), text.end(), '\\'))) text = std::move(printable);
}

template <class T>
bool ReadNumber(const boost::json::value& value, T& target)
{
    static_assert(std::is_integral_v<T>);
    if (const auto* number{value.if_int64()}) {
        if (!std::in_range<T>(*number)) return false;
        target = static_cast<T>(*number);
        return true;
    }
    if (const auto* number{value.if_uint64()}) {
        if (!std::in_range<T>(*number)) return false;
        target = static_cast<T>(*number);
        return true;
    }
    return false;
}

template <class T>
void Read(const boost::json::object& object, const char* name, T& target)
{
    const boost::json::value* value{object.if_contains(name)};
    if (value == nullptr) return;
    if constexpr (std::is_same_v<T, std::string>) {
        if (const auto* text{value->if_string()}) target.assign(text->data(), text->size());
    } else if constexpr (std::is_same_v<T, bool>) {
        if (const auto* flag{value->if_bool()}) target = *flag;
    } else {
        ReadNumber(*value, target);
    }
}

} // namespace coretap::archive
