// Counting by words that others choose, with bounded memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace coretap::state {

/** What is counted under no name of its own. */
inline constexpr std::string_view OTHER{"other"};
/** Bytes kept of a label. */
inline constexpr std::size_t MAX_LABEL{128};

/** The count of `label`; once `limit` labels have theirs, that of `other`. */
template <class Count>
Count& Labelled(std::map<std::string, Count>& counts, std::string_view label, std::size_t limit)
{
    std::string key{label.substr(0, MAX_LABEL)};
    const auto known{counts.find(key)};
    if (known != counts.end()) return known->second;
    return counts[counts.size() < limit ? std::move(key) : std::string{OTHER}];
}

/**
 * Counts by words that anybody may make up as many of as he likes: a word gets a count of its own when it is seen the third time, and
 * only so many do. Before that, and beyond, it counts as `other`; so no count ever falls, and their sum is exact.
 */
class FrequentLabels {
    static constexpr std::size_t LIMIT{40};
    static constexpr std::uint8_t PROMOTE_AT{3};
    static constexpr std::size_t CANDIDATES{1024};
    struct Candidate {
        std::size_t hash{0};
        std::uint8_t count{0};
    };
    std::map<std::string, std::uint64_t> m_counts;
    std::array<Candidate, CANDIDATES> m_candidates{}; //!< by hash: the newest displaces what was there

public:
    void Add(std::string_view label)
    {
        std::string key{label};
        if (const auto known{m_counts.find(key)}; known != m_counts.end()) {
            ++known->second;
            return;
        }
        if (m_counts.size() <= LIMIT) { // `other` is one of them
            const std::size_t hash{std::hash<std::string_view>{}(label)};
            Candidate& candidate{m_candidates[hash % CANDIDATES]};
            if (candidate.hash != hash) candidate = {hash, 0};
            if (++candidate.count >= PROMOTE_AT) {
                m_counts.emplace(std::move(key), 1);
                return;
            }
        }
        ++m_counts[std::string{OTHER}];
    }
    const std::map<std::string, std::uint64_t>& Counts() const { return m_counts; }
};

} // namespace coretap::state
