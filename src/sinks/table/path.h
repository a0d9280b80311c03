// Where in an event's JSON a value stands: `args.peer_id`, `decoded.entries[0].hash`.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <boost/json/value.hpp>

#include "util/result.h"

namespace coretap::sinks::table {

/** Names of members and indices of elements, from the root inwards. Begins with a name. */
class Path {
    using Step = std::variant<std::string, std::size_t>;
    std::vector<Step> m_steps;

public:
    /** Names joined by dots, indices in brackets behind them. Fails with Usage. */
    static util::Result<Path> Parse(std::string_view text);

    const std::string& First() const { return std::get<std::string>(m_steps.front()); }
    /** How many steps lead there; 1: a member of the root. */
    std::size_t Depth() const noexcept { return m_steps.size(); }
    /** The name that is the step `at`, empty if it is an index or beyond the end. */
    std::string_view Name(std::size_t at) const noexcept;
    /** The same path, one member further in. */
    Path Under(std::string_view member) const;
    /** The value, if `root` has one there, at step `from` of the path; else null. */
    const boost::json::value* Find(const boost::json::value& root, std::size_t from = 0) const noexcept;
};

} // namespace coretap::sinks::table
