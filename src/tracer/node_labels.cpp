#include "tracer/node_labels.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

namespace coretap::tracer {
namespace {

/** The last `components` of a path; all of it where it has no more. */
std::string_view Tail(std::string_view path, std::size_t components)
{
    std::size_t from{path.size()};
    for (std::size_t i{0}; i < components && from != std::string_view::npos && from != 0; ++i) from = path.rfind('/', from - 1);
    return from == std::string_view::npos ? path : path.substr(from + (from < path.size() ? 1 : 0));
}

std::size_t Components(std::string_view path) { return static_cast<std::size_t>(std::ranges::count(path, '/')); }

bool IsSame(const NodeInfo& a, const NodeInfo& b) { return a.datadir == b.datadir && a.chain == b.chain; }

} // namespace

const NodeLabels::Named* NodeLabels::Find(const NodeInfo& node) const
{
    const auto at{
        std::ranges::find_if(m_named, [&](const Named& named) { return named.datadir == node.datadir && named.chain == node.chain; })};
    return at == m_named.end() ? nullptr : &*at;
}

void NodeLabels::Introduce(std::span<const NodeInfo> nodes)
{
    struct Candidate {
        const NodeInfo* node;
        std::size_t depth{1}; //!< directories in the label
        std::string label;
        bool clashes{false};
    };
    std::vector<Candidate> candidates;
    for (const NodeInfo& node : nodes) {
        const bool again{std::ranges::any_of(candidates, [&](const Candidate& other) { return IsSame(*other.node, node); })};
        if (!again && Find(node) == nullptr) candidates.push_back({&node, 1, node.label});
    }
    const auto shares_datadir = [&](const NodeInfo& node) {
        const auto other_chain = [&](const std::string& datadir, const std::string& chain) {
            return datadir == node.datadir && chain != node.chain;
        };
        return std::ranges::any_of(m_named, [&](const Named& named) { return other_chain(named.datadir, named.chain); }) ||
               std::ranges::any_of(candidates, [&](const Candidate& other) { return other_chain(other.node->datadir, other.node->chain); });
    };
    for (bool changed{true}; changed;) {
        changed = false;
        for (Candidate& candidate : candidates) {
            candidate.clashes = std::ranges::any_of(m_named, [&](const Named& named) { return named.label == candidate.label; }) ||
                                std::ranges::any_of(candidates, [&](const Candidate& other) {
                                    return &other != &candidate && other.label == candidate.label;
                                });
        }
        for (Candidate& candidate : candidates) {
            const NodeInfo& node{*candidate.node};
            if (!candidate.clashes || candidate.depth > Components(node.datadir)) continue;
            changed = true;
            if (candidate.depth == 1 && candidate.label == node.label && shares_datadir(node)) {
                candidate.label = node.label + '-' + node.chain;
                continue;
            }
            candidate.label = Tail(node.datadir, ++candidate.depth);
            if (shares_datadir(node)) candidate.label += '-' + node.chain;
        }
    }
    for (const Candidate& candidate : candidates) m_named.push_back({candidate.node->datadir, candidate.node->chain, candidate.label});
    if (m_named.size() > MOST) m_named.erase(m_named.begin(), m_named.end() - MOST);
}

std::string NodeLabels::LabelOf(const NodeInfo& node, std::span<const std::string> in_use)
{
    Introduce({&node, 1});
    const Named* named{Find(node)};
    const std::string given{named != nullptr ? named->label : node.label};
    std::string label{given};
    for (int n{2}; std::ranges::find(in_use, label) != in_use.end(); ++n) label = fmt::format("{}-{}", given, n);
    return label;
}

} // namespace coretap::tracer
