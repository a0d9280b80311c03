#include "sinks/metrics/samples.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "util/text.h"

namespace coretap::sinks::metrics {
namespace {

/** Text that needs no change between the quotes. */
bool IsPlain(std::string_view text)
{
    return text.size() <= MAX_LABEL_CHARACTERS &&
           std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
}

void AppendDouble(std::string& out, double value, bool always_fraction)
{
    if (std::isnan(value)) {
        out += "NaN";
        return;
    }
    if (std::isinf(value)) {
        out += value < 0 ? "-Inf" : "+Inf";
        return;
    }
    std::array<char, 32> digits;
    const auto end{std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr};
    const std::string_view text{digits.data(), static_cast<std::size_t>(end - digits.data())};
    out += text;
    if (always_fraction && text.find_first_of(".e") == std::string_view::npos) out += ".0";
}

/** `name="value"`. */
std::string LabelText(std::string_view name, std::string_view value)
{
    std::string text{name};
    text += "=\"";
    AppendLabelValue(text, value);
    text += '"';
    return text;
}

} // namespace

void AppendLabelValue(std::string& out, std::string_view value)
{
    if (IsPlain(value)) {
        out += value;
        return;
    }
    std::string printable;
    util::AppendPrintable(printable, value.substr(0, 4 * MAX_LABEL_CHARACTERS)); // a character is at most four bytes
    std::size_t characters{0};
    for (std::size_t i{0}; i < printable.size(); ++i) {
        const char c{printable[i]};
        if ((static_cast<unsigned char>(c) & 0xc0) != 0x80 && characters++ == MAX_LABEL_CHARACTERS) {
            out += "...";
            return;
        }
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
}

void Samples::Begin(const Family& family)
{
    m_family = &family;
    m_begun = false;
    m_scope.clear();
    m_name.assign(PREFIX);
    m_name += family.name;
    m_names.clear();
    for (std::string_view rest{family.labels}; !rest.empty();) {
        const std::size_t comma{rest.find(',')};
        m_names.push_back(rest.substr(0, comma));
        rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    }
}

void Samples::Of(std::string_view node)
{
    m_scope = "node=\"";
    AppendLabelValue(m_scope, node);
    m_scope += '"';
}

void Samples::Head()
{
    m_begun = true;
    // In OpenMetrics `_total` and `_info` are of the sample, in the older format of the name.
    const bool open{m_format == Format::OpenMetrics};
    const auto line{[&](std::string_view what, std::string_view text) {
        m_out += what;
        m_out += m_name;
        if (!open) m_out += m_family->Suffix();
        m_out += ' ';
        m_out += text;
        m_out += '\n';
    }};
    line("# HELP ", m_family->help);
    line("# TYPE ", m_family->type == Type::Info && !open ? "gauge" : ToString(m_family->type));
    if (open && !m_family->Unit().empty()) line("# UNIT ", m_family->Unit());
}

void Samples::Line(std::string_view suffix, std::span<const std::string_view> labels, std::string_view last_label)
{
    if (!m_begun) Head();
    m_out += m_name;
    m_out += suffix;
    if (!m_scope.empty() || !labels.empty() || !last_label.empty()) {
        m_out += '{';
        m_out += m_scope;
        const std::size_t begin{m_out.size()};
        for (std::size_t i{0}; i < labels.size(); ++i) {
            if (m_out.back() != '{') m_out += ',';
            m_out += m_names[i];
            m_out += "=\"";
            AppendLabelValue(m_out, labels[i]);
            m_out += '"';
        }
        if (!last_label.empty()) {
            if (!m_scope.empty() || m_out.size() != begin) m_out += ',';
            m_out += last_label;
        }
        m_out += '}';
    }
    m_out += ' ';
}

void Samples::AddEach(const Counts& counts, std::span<const std::string_view> seeds, LabelValues before)
{
    Counts by_text; // by the label as it will stand there
    for (const std::string_view seed : seeds) by_text.emplace(LabelText(m_names.back(), seed), 0);
    for (const auto& [key, count] : counts) by_text[LabelText(m_names.back(), key)] += count;
    for (const auto& [label, count] : by_text) {
        Line(m_family->Suffix(), {before.begin(), before.size()}, label);
        Natural(count);
    }
}

void Samples::AddHistogram(std::span<const double> bounds, std::span<const std::uint64_t> counts, double sum, LabelValues labels)
{
    const std::span<const std::string_view> values{labels.begin(), labels.size()};
    std::uint64_t below{0};
    std::string bound;
    for (std::size_t i{0}; i < counts.size(); ++i) {
        below += counts[i];
        bound = "le=\"";
        // OpenMetrics has a canonical form of whole numbers here; the older format has what Prometheus' own libraries write
        if (i < bounds.size()) {
            AppendDouble(bound, bounds[i], m_format == Format::OpenMetrics);
        } else {
            bound += "+Inf";
        }
        bound += '"';
        Line("_bucket", values, bound);
        Natural(below);
    }
    if (bounds.front() < 0) return; // a sum that can fall is none: OpenMetrics forbids it, and the count with it
    Line("_sum", values, {});
    Number(sum);
    Line("_count", values, {});
    Natural(below);
}

void Samples::Natural(std::uint64_t value)
{
    util::AppendNumber(m_out, value);
    m_out += '\n';
}

void Samples::Integer(std::int64_t value)
{
    util::AppendNumber(m_out, value);
    m_out += '\n';
}

void Samples::Number(double value)
{
    AppendDouble(m_out, value, false);
    m_out += '\n';
}

} // namespace coretap::sinks::metrics
