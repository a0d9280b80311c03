// What there is to scrape: one table, from which the rendering, docs/metrics.md and the tests of what is in contrib/ follow.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

#include "sinks/metrics/metrics.h"

namespace coretap::sinks::metrics {

class Samples;

enum class Type : std::uint8_t { Counter, Gauge, Histogram, Info };
std::string_view ToString(Type type);

struct Context {
    const state::Snapshot& snapshot;
    const Self& self;
};

/** Where a family's values come from; those of a node have the label `node` before all others. */
using OfNode = void (*)(const state::NodeSnapshot&, Samples&);
using OfRpc = void (*)(const poll::NodeFacts&, Samples&);
using OfLog = void (*)(const poll::LogTotals&, Samples&);
using OfSelf = void (*)(const Context&, Samples&);

struct Family {
    std::string_view name; //!< without `coretap_`, and without the `_total` or `_info` that its samples have
    Type type{Type::Gauge};
    std::string_view labels; //!< names with commas between, without `node`
    std::string_view help;   //!< a sentence without full stop; no quotes, backslashes or line ends
    std::variant<OfNode, OfRpc, OfLog, OfSelf> emit;

    /** `seconds`, `bytes`, ...: the end of the name, if it is a unit. Empty if not. */
    std::string_view Unit() const;
    /** What the type adds to the name of a sample. */
    std::string_view Suffix() const;
    bool HasNode() const { return !std::holds_alternative<OfSelf>(emit); }
};

struct FamilyGroup {
    std::string_view title;
    std::string_view text; //!< for the docs: what to know about all of them
    std::span<const Family> families;
};

inline constexpr std::string_view PREFIX{"coretap_"};

/** All of them, in the order of rendering. */
std::span<const FamilyGroup> FamilyGroups();

// One a file
FamilyGroup NodeFamilies();
FamilyGroup MessageFamilies();
FamilyGroup AddressFamilies();
FamilyGroup ConnectionFamilies();
FamilyGroup ListFamilies();
FamilyGroup MempoolFamilies();
FamilyGroup BlockFamilies();
FamilyGroup UtxoFamilies();
FamilyGroup WalletFamilies();
FamilyGroup RpcFamilies();
FamilyGroup RpcPeerFamilies();
FamilyGroup LogFamilies();
FamilyGroup TraceFamilies();
FamilyGroup ProcessFamilies();

} // namespace coretap::sinks::metrics
