// Reading members of JSON that somebody may have tampered with: what is not there, or is something else, leaves the target as it was.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <boost/json/memory_resource.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/value.hpp>

#include "util/text.h"

namespace coretap::archive {

/**
 * A document, and the memory it may take: a block of a few kilobytes may be JSON of 64 MiB once it is unpacked, and that
 * some gigabytes of values. What we write ourselves takes a few megabytes.
 */
class Document {
    class Memory final : public boost::json::memory_resource {
        std::size_t m_left{MOST_BYTES};

        // Boost asks for one alignment and gives back with another; this has the largest that it asks for.
        void* do_allocate(std::size_t size, std::size_t /*alignment*/) override
        {
            if (size > m_left) throw std::bad_alloc{};
            void* const memory{::operator new(size)};
            m_left -= size;
            return memory;
        }
        void do_deallocate(void* memory, std::size_t size, std::size_t /*alignment*/) override
        {
            ::operator delete(memory);
            m_left += size;
        }
        bool do_is_equal(const boost::json::memory_resource& other) const noexcept override { return this == &other; }
    };
    Memory m_memory;
    std::optional<boost::json::value> m_value;

public:
    static constexpr std::size_t MOST_BYTES{64U << 20};

    explicit Document(std::string_view text)
    {
        try {
            boost::json::parser parser{&m_memory}; // what it needs meanwhile is the larger part
            parser.reset(&m_memory);
            boost::json::error_code error;
            parser.write(text.data(), text.size(), error);
            if (!error) m_value.emplace(parser.release());
        } catch (const std::bad_alloc&) { // then there is no object
        }
    }
    Document(const Document&) = delete;
    Document& operator=(const Document&) = delete;

    /** Null if it is anything else, or takes more. */
    const boost::json::object* Object() const noexcept { return m_value ? m_value->if_object() : nullptr; }
};

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
