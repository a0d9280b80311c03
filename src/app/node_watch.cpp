#include "app/node_watch.h"

#include <algorithm>

#include <fmt/format.h>

#include "util/text.h"

namespace coretap::app {
namespace {

constexpr std::size_t MOST_WARNINGS{32}; //!< waiting to be fetched
constexpr std::size_t MOST_EARLIER{64};  //!< nodes that have gone, of which counters are kept

} // namespace

void NodeWatch::Change(NodeWatchOptions options)
{
    while (!m_sides.empty()) Leave(std::string{m_sides.begin()->first});
    m_named.clear();
    m_options = std::move(options);
}

void NodeWatch::Side::Stop() const
{
    if (poller) poller->Stop();
    if (log) log->Stop();
}

bool NodeWatch::Side::Ended() const { return (!poller || poller->Ended()) && (!log || log->Ended()); }

NodeWatch::~NodeWatch()
{
    for (const auto& [label, side] : m_sides) side.Stop(); // all of them before one is waited for
}

void NodeWatch::Leave(const std::string& label)
{
    const auto leaving{m_sides.extract(label)};
    const Side& side{leaving.mapped()};
    side.Stop();
    if (m_earlier.size() >= MOST_EARLIER && !m_earlier.contains(label)) m_earlier.erase(m_earlier.begin());
    m_earlier[label] = {side.poller ? std::make_shared<const poll::NodeFacts>(CountersOf(*side.poller->Latest())) : nullptr,
                        side.log ? side.log->Totals() : nullptr};
    m_leaving.insert_or_assign(label, std::move(leaving.mapped()));
    // that a node which has ended does not answer is no news
    const std::lock_guard lock{m_mutex};
    std::erase_if(m_warnings, [&label](const Warning& warning) { return warning.label == label; });
}

void NodeWatch::Update(const state::Snapshot& snapshot)
{
    const auto of = [&snapshot](const std::string& label) -> const state::NodeIdentity* {
        for (const auto& node : snapshot.nodes) {
            if (node->identity.running && node->identity.label == label) return &node->identity;
        }
        return nullptr;
    };
    std::vector<std::string> gone;
    for (const auto& [label, side] : m_sides) {
        const state::NodeIdentity* const node{of(label)};
        if (node == nullptr || node->pid != side.pid || node->started_at_s != side.started_at_s) gone.push_back(label);
    }
    for (const std::string& label : gone) Leave(label);
    std::erase_if(m_leaving, [](const auto& leaving) { return leaving.second.Ended(); });
    for (const auto& node : snapshot.nodes) {
        const state::NodeIdentity& identity{node->identity};
        if (!identity.running || m_sides.contains(identity.label) || m_sides.size() + m_leaving.size() >= MAX_NODES) continue;
        if (m_leaving.contains(identity.label)) continue; // where its thread hangs, another would hang too
        m_sides.emplace(identity.label, Begin(identity));
    }
}

bool NodeWatch::WantsRpc(const std::string& label)
{
    if (!m_options.rpc) return false;
    if (!m_options.overrides.host) return true;
    if (m_named.empty()) m_named = label;
    if (m_named != label) Warn(label, fmt::format("its RPC is not asked: the address that was given is taken for that of {}", m_named));
    return m_named == label;
}

NodeWatch::Side NodeWatch::Begin(const state::NodeIdentity& node)
{
    Side side{.pid = node.pid, .started_at_s = node.started_at_s, .poller = {}, .log = {}};
    const poll::NodePlace place{static_cast<pid_t>(node.pid), node.datadir, node.chain};
    const auto warn = [this, label = node.label](std::string_view text) { Warn(label, text); };
    const Known& earlier{m_earlier[node.label]};
    if (WantsRpc(node.label))
        side.poller = std::make_unique<poll::Poller>(poll::PollerOptions{.place = place,
                                                                         .rpc = m_options.overrides,
                                                                         .open = m_options.open,
                                                                         .warn = warn,
                                                                         .before = earlier.rpc ? *earlier.rpc : poll::NodeFacts{}});
    if (m_options.debug_log)
        side.log = std::make_unique<poll::LogThread>(poll::LogFollowerOptions{
            .open = [place, open = m_options.open] { return poll::OpenDebugLog(poll::FindNodeSettings(place, open), open); },
            .warn = warn,
            .before = earlier.log ? *earlier.log : poll::LogTotals{}});
    m_earlier.erase(node.label);
    return side;
}

std::map<std::string, NodeWatch::Known> NodeWatch::Latest() const
{
    std::map<std::string, Known> known;
    for (const auto& [label, side] : m_sides)
        known[label] = {side.poller ? side.poller->Latest() : nullptr, side.log ? side.log->Totals() : nullptr};
    return known;
}

void NodeWatch::Warn(const std::string& label, std::string_view text)
{
    const std::lock_guard lock{m_mutex};
    if (m_warnings.size() < MOST_WARNINGS) m_warnings.push_back({label, std::string{text}});
}

std::vector<std::string> NodeWatch::TakeWarnings()
{
    std::vector<Warning> warnings;
    {
        const std::lock_guard lock{m_mutex};
        warnings.swap(m_warnings);
    }
    std::vector<std::string> lines;
    for (const Warning& warning : warnings) {
        util::AppendPrintable(lines.emplace_back(), warning.label);
        lines.back() += ": " + warning.text;
    }
    return lines;
}

} // namespace coretap::app
