#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <variant>

#include "sinks/metrics/family.h"
#include "sinks/metrics/samples.h"

namespace coretap::sinks::metrics {
namespace {

constexpr std::array UNITS{std::string_view{"seconds"},    std::string_view{"bytes"}, std::string_view{"vbytes"},
                           std::string_view{"sat_per_vb"}, std::string_view{"ratio"}, std::string_view{"satoshis"}};

/** A node and what else is known of it. */
struct NodeView {
    std::string label;
    const state::NodeSnapshot* node{nullptr};
    const Self::Node* more{nullptr};
};

std::vector<NodeView> Views(const Context& context)
{
    std::vector<NodeView> views;
    std::set<std::string> labels;
    for (const auto& node : context.snapshot.nodes) {
        const std::string& given{node->identity.label};
        const auto more{context.self.nodes.find(given)};
        std::string label{given};
        // A label is what a series is told by, and recordings that are replayed together may each have a `main`
        std::string text;
        AppendLabelValue(text, label);
        for (int n{2}; !labels.insert(text).second; ++n) {
            label = given.substr(0, MAX_LABEL_CHARACTERS / 4) + "-" + std::to_string(n);
            text.clear();
            AppendLabelValue(text, label);
        }
        views.push_back({std::move(label), node.get(), more == context.self.nodes.end() ? nullptr : &more->second});
    }
    return views;
}

void Emit(const Family& family, const Context& context, const std::vector<NodeView>& views, Samples& samples)
{
    samples.Begin(family);
    if (const OfSelf* const self{std::get_if<OfSelf>(&family.emit)}) return (*self)(context, samples);
    for (const NodeView& view : views) {
        samples.Of(view.label);
        if (const OfNode* const of_node{std::get_if<OfNode>(&family.emit)}) {
            (*of_node)(*view.node, samples);
        } else if (view.more == nullptr) {
            continue;
        } else if (const OfRpc* const of_rpc{std::get_if<OfRpc>(&family.emit)}) {
            if (view.more->rpc != nullptr) (*of_rpc)(*view.more->rpc, samples);
        } else if (view.more->log) {
            std::get<OfLog>(family.emit)(*view.more->log, samples);
        }
    }
}

std::string_view Trim(std::string_view text)
{
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

/** What stands before the first `mark`; `rest` becomes what stands behind it. */
std::string_view Take(std::string_view& rest, char mark)
{
    const std::size_t at{rest.find(mark)};
    const std::string_view taken{rest.substr(0, at)};
    rest = at == std::string_view::npos ? std::string_view{} : rest.substr(at + 1);
    return Trim(taken);
}

bool EqualNoCase(std::string_view a, std::string_view b)
{
    const auto lower{[](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }};
    return std::ranges::equal(a, b, {}, lower, lower);
}

/** RFC 9110, 12.4.2. What is no weight is 0: better too plain than unreadable. */
double Weight(std::string_view text)
{
    double weight{0};
    const auto [end, error]{std::from_chars(text.data(), text.data() + text.size(), weight)};
    return error == std::errc{} && end == text.data() + text.size() && weight >= 0 && weight <= 1 ? weight : 0;
}

} // namespace

std::string_view ToString(Type type)
{
    switch (type) {
    case Type::Counter: return "counter";
    case Type::Gauge: return "gauge";
    case Type::Histogram: return "histogram";
    case Type::Info: return "info";
    }
    return "";
}

std::string_view Family::Unit() const
{
    if (type == Type::Info) return {};
    for (const std::string_view unit : UNITS) {
        if (name.ends_with(unit) && name.size() > unit.size() && name[name.size() - unit.size() - 1] == '_') return unit;
    }
    return {};
}

std::string_view Family::Suffix() const
{
    switch (type) {
    case Type::Counter: return "_total";
    case Type::Info: return "_info";
    default: return "";
    }
}

std::span<const FamilyGroup> FamilyGroups()
{
    static const std::array GROUPS{NodeFamilies(),    MessageFamilies(), AddressFamilies(), ConnectionFamilies(), ListFamilies(),
                                   MempoolFamilies(), BlockFamilies(),   UtxoFamilies(),    WalletFamilies(),     RpcFamilies(),
                                   RpcPeerFamilies(), LogFamilies(),     TraceFamilies(),   ProcessFamilies()};
    return GROUPS;
}

Format ChooseFormat(std::string_view accept)
{
    double open{0};
    double text{0};
    while (!accept.empty()) {
        std::string_view range{Take(accept, ',')};
        const std::string_view type{Take(range, ';')};
        double weight{1};
        bool version_known{true};
        while (!range.empty()) {
            std::string_view value{Take(range, ';')};
            const std::string_view name{Take(value, '=')};
            if (EqualNoCase(name, "q")) weight = Weight(value);
            if (EqualNoCase(name, "version")) version_known = value == "1.0.0";
        }
        if (EqualNoCase(type, "application/openmetrics-text")) {
            if (version_known) open = std::max(open, weight);
        } else if (EqualNoCase(type, "text/plain") || EqualNoCase(type, "text/*") || type == "*/*") {
            text = std::max(text, weight);
        }
    }
    return open > 0 && open >= text ? Format::OpenMetrics : Format::Text;
}

std::string_view ContentType(Format format)
{
    return format == Format::OpenMetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8" :
                                           "text/plain; version=0.0.4; charset=utf-8";
}

std::string Render(const state::Snapshot& snapshot, const Self& self, Format format)
{
    constexpr std::size_t USUAL{128 << 10};
    std::string out;
    out.reserve(USUAL);
    const Context context{snapshot, self};
    const std::vector<NodeView> views{Views(context)};
    Samples samples{out, format};
    for (const FamilyGroup& group : FamilyGroups()) {
        for (const Family& family : group.families) Emit(family, context, views, samples);
    }
    if (format == Format::OpenMetrics) out += "# EOF\n";
    return out;
}

} // namespace coretap::sinks::metrics
