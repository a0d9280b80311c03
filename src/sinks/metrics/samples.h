// Writes the samples of a family: names, labels, values, histograms.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "sinks/metrics/family.h"
#include "state/histogram.h"

namespace coretap::sinks::metrics {

/** Most characters of a label value; what is longer is cut and ends in `...`. */
inline constexpr std::size_t MAX_LABEL_CHARACTERS{80};

/**
 * Append a label's value, as it stands between the quotes. What is not printable, invalid UTF-8 included, becomes `\xNN`; the backslash of
 * that, and others, is escaped as the format wants it.
 */
void AppendLabelValue(std::string& out, std::string_view value);

using Counts = std::map<std::string, std::uint64_t>;
using LabelValues = std::initializer_list<std::string_view>;

class Samples {
    std::string& m_out;
    Format m_format;
    const Family* m_family{nullptr};
    std::vector<std::string_view> m_names; //!< of the family's labels
    std::string m_scope;                   //!< `node="main"`, or nothing
    std::string m_name;                    //!< of the family
    bool m_begun{false};                   //!< its head is written

public:
    Samples(std::string& out, Format format) : m_out{out}, m_format{format} {}

    /** The samples that follow are of this family; its head is written with the first. */
    void Begin(const Family& family);
    /** The samples that follow are of this node; empty: of none. */
    void Of(std::string_view node);

    /** A counter or gauge. Values of the family's labels in their order. A negative counter is 0. */
    template <class T>
        requires std::is_arithmetic_v<T>
    void Add(T value, LabelValues labels = {})
    {
        Line(m_family->Suffix(), {labels.begin(), labels.size()}, {});
        if constexpr (std::is_floating_point_v<T>) {
            Number(value);
        } else if constexpr (std::is_signed_v<T>) {
            Integer(m_family->type == Type::Counter && value < 0 ? 0 : std::int64_t{value});
        } else {
            Natural(value);
        }
    }
    /** Nothing where it is not known. */
    template <class T>
    void Add(const std::optional<T>& value, LabelValues labels = {})
    {
        if (value) Add(*value, labels);
    }
    /**
     * One sample for each entry, with its key as the last label. The keys may be a stranger's words: entries that look alike once they are
     * printable and cut are added up. `seeds` are there even if they did not occur.
     */
    void AddEach(const Counts& counts, std::span<const std::string_view> seeds = {}, LabelValues before = {});

    template <std::size_t N>
    void Add(const state::Histogram<N>& histogram, LabelValues labels = {})
    {
        AddHistogram(histogram.Bounds(), histogram.counts, histogram.sum, labels);
    }

private:
    void Head();
    /** Name and labels, up to the value. */
    void Line(std::string_view suffix, std::span<const std::string_view> labels, std::string_view last_label);
    void AddHistogram(std::span<const double> bounds, std::span<const std::uint64_t> counts, double sum, LabelValues labels);
    void Natural(std::uint64_t value);
    void Integer(std::int64_t value);
    void Number(double value);
};

} // namespace coretap::sinks::metrics
