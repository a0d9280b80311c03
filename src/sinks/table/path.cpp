#include "sinks/table/path.h"

#include <algorithm>
#include <charconv>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "util/text.h"

namespace coretap::sinks::table {
namespace {

bool IsOfName(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; }

util::Error NoField(std::string_view text)
{
    return {util::Errc::Usage,
            fmt::format("{} is not a field: names joined by dots, elements by their number in brackets, as in decoded.entries[0].hash",
                        util::Quoted(text))};
}

} // namespace

util::Result<Path> Path::Parse(std::string_view text)
{
    Path path;
    std::string_view rest{text};
    while (true) {
        const auto end = std::ranges::find_if_not(rest, IsOfName);
        if (end == rest.begin()) return NoField(text);
        path.m_steps.emplace_back(std::string{rest.begin(), end});
        rest.remove_prefix(static_cast<std::size_t>(end - rest.begin()));
        while (rest.starts_with('[')) {
            std::size_t index{0};
            const auto parsed = std::from_chars(rest.data() + 1, rest.data() + rest.size(), index);
            const auto used = static_cast<std::size_t>(parsed.ptr - rest.data());
            if (parsed.ec != std::errc{} || used == rest.size() || rest[used] != ']') return NoField(text);
            path.m_steps.emplace_back(index);
            rest.remove_prefix(used + 1);
        }
        if (rest.empty()) return path;
        if (rest.front() != '.') return NoField(text);
        rest.remove_prefix(1);
    }
}

std::string_view Path::Name(std::size_t at) const noexcept
{
    const auto* name = at < m_steps.size() ? std::get_if<std::string>(&m_steps[at]) : nullptr;
    return name == nullptr ? std::string_view{} : *name;
}

Path Path::Under(std::string_view member) const
{
    Path path;
    path.m_steps.emplace_back(std::string{member});
    path.m_steps.insert(path.m_steps.end(), m_steps.begin(), m_steps.end());
    return path;
}

const boost::json::value* Path::Find(const boost::json::value& root, std::size_t from) const noexcept
{
    const boost::json::value* value{&root};
    for (std::size_t i{from}; i < m_steps.size() && value != nullptr; ++i) {
        if (const auto* name = std::get_if<std::string>(&m_steps[i])) {
            const boost::json::object* object{value->if_object()};
            value = object == nullptr ? nullptr : object->if_contains(*name);
        } else {
            const boost::json::array* array{value->if_array()};
            value = array == nullptr ? nullptr : array->if_contains(std::get<std::size_t>(m_steps[i]));
        }
    }
    return value;
}

} // namespace coretap::sinks::table
