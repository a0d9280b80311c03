// Counting by words that others choose, with bounded memory.
#pragma once

#include <algorithm>
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
 * Counts by words that anybody may make up as many of as he likes: a word gets a count of its own when peers of three
 * networks have said it, and only so many words do. Before that, and beyond, it counts as `other`. When all have been given away, a
 * new word takes the place of the one with the least count of those that nobody has said for a week; that count is then gone.
 */
class FrequentLabels {
    static constexpr std::size_t LIMIT{40};
    static constexpr std::size_t PROMOTE_AT{3}; //!< networks
    static constexpr std::size_t CANDIDATES{1024};
    static constexpr std::int64_t FORGET_AFTER_NS{7 * 86'400 * 1'000'000'000LL};
    struct Candidate {
        std::size_t hash{0};
        std::array<std::uint64_t, PROMOTE_AT - 1> groups{};
        std::size_t count{0}; //!< of `groups`
    };
    std::map<std::string, std::uint64_t> m_counts;
    std::map<std::string, std::int64_t> m_said_at;    //!< of each but `other`, UTC
    std::array<Candidate, CANDIDATES> m_candidates{}; //!< by hash: the newest displaces what was there

public:
    /** Said by a peer of the network `group` (PeerAddress::Group()). */
    void Add(std::string_view label, std::uint64_t group, std::int64_t utc_ns)
    {
        std::string key{label};
        if (const auto known{m_said_at.find(key)}; known != m_said_at.end()) {
            known->second = utc_ns;
            ++m_counts[key];
        } else if (key != OTHER && IsFrequent(label, group) && MakeRoom(utc_ns)) {
            m_said_at.emplace(key, utc_ns);
            m_counts.emplace(std::move(key), 1);
        } else {
            ++m_counts[std::string{OTHER}];
        }
    }
    const std::map<std::string, std::uint64_t>& Counts() const { return m_counts; }

private:
    bool IsFrequent(std::string_view label, std::uint64_t group)
    {
        const std::size_t hash{std::hash<std::string_view>{}(label)};
        Candidate& candidate{m_candidates[hash % CANDIDATES]};
        if (candidate.hash != hash) candidate = {.hash = hash};
        const auto end{candidate.groups.begin() + static_cast<std::ptrdiff_t>(candidate.count)};
        if (std::find(candidate.groups.begin(), end, group) != end) return false;
        if (candidate.count == candidate.groups.size()) return true;
        candidate.groups[candidate.count++] = group;
        return false;
    }
    bool MakeRoom(std::int64_t utc_ns)
    {
        if (m_said_at.size() < LIMIT) return true;
        auto least{m_said_at.end()};
        for (auto at{m_said_at.begin()}; at != m_said_at.end(); ++at) {
            if (utc_ns - at->second < FORGET_AFTER_NS) continue;
            if (least == m_said_at.end() || m_counts[at->first] < m_counts[least->first]) least = at;
        }
        if (least == m_said_at.end()) return false;
        m_counts.erase(least->first);
        m_said_at.erase(least);
        return true;
    }
};

} // namespace coretap::state
