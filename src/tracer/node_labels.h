// Short names for nodes that are told apart by them, and keep them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tracer/node_info.h"

namespace coretap::tracer {

/**
 * A node is its data directory and chain; whatever runs there, and whenever, has the label that was given first. A label that another node has
 * is lengthened by the directories above: `.bitcoin` is `alice/.bitcoin`. Nothing of a process is ever in it.
 */
class NodeLabels {
    struct Named {
        std::string datadir, chain, label;
        bool operator==(const Named&) const = default;
    };
    std::vector<Named> m_named; //!< the newest last

public:
    static constexpr std::size_t MOST{1024}; //!< nodes that are remembered

    /** Labels for all of these at once, so that it does not matter which is found first. */
    void Introduce(std::span<const NodeInfo> nodes);
    /** The label of a node; `in_use` are those of nodes that run. Two that cannot be told apart (containers) are `label` and `label-2`. */
    std::string LabelOf(const NodeInfo& node, std::span<const std::string> in_use);

private:
    const Named* Find(const NodeInfo& node) const;
};

} // namespace coretap::tracer
