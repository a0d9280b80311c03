// The kernel's counts by process, through the real kernel: of nodes that run and of those that ended.
#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>

#include "state/tracker.h"
#include "tracer/live_source.h"

namespace coretap {
namespace {

pid_t Spawn(const std::string& program)
{
    std::vector<std::string> words{program, "--scenario", "mainnet", "--rate", "0", "--count", "20000"};
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_t pid{-1};
    ::posix_spawn(&pid, program.c_str(), nullptr, nullptr, argv.data(), environ);
    return pid;
}

TEST(ExactCountersBpfTest, AgreeWithTheEventsAndOutliveTheProcess)
{
    const std::string sim{CORETAP_BIN_DIR "/coretap-sim"};
    const event::Catalogue catalogue;
    tracer::TraceOptions options;
    options.binary = sim;
    for (const event::TracepointDef* def : catalogue.Rows()) {
        if (def->origin == event::Origin::Core) options.modes[def->id] = def->on_by_default ? CT_MODE_DELIVER : CT_MODE_COUNT;
    }
    options.snap.fill(CT_MAX_PAYLOAD);
    options.snap[event::MessageTypeId("ping")] = CT_SNAP_WITHHOLD;
    auto source{tracer::LiveSource::Start(catalogue, options, [](const std::string&) {})};
    if (!source) {
        if (std::getenv("CORETAP_REQUIRE_BPF") != nullptr) FAIL() << source.GetError().what;
        GTEST_SKIP() << "tracing is not possible here: " << source.GetError().what;
    }

    state::Tracker tracker;
    pipeline::Batch batch;
    std::vector<event::Event> events;
    std::vector<pipeline::ProcessCounters> counters;
    for (int run{0}; run < 2; ++run) {
        const pid_t pid{Spawn(sim)};
        ASSERT_GT(pid, 0);
        bool ended{false};
        for (auto until{std::chrono::steady_clock::now() + std::chrono::seconds{30}}; std::chrono::steady_clock::now() < until;) {
            const auto step{(*source)->Pull(batch, std::chrono::milliseconds{300})};
            ASSERT_TRUE(step) << step.GetError().what;
            pipeline::ParseBatch(batch, catalogue, events);
            ASSERT_TRUE(tracker.Write(events));
            (*source)->ExactCounters(counters);
            tracker.SetExact(counters);
            ended = ended || ::waitpid(pid, nullptr, WNOHANG) == pid;
            if (ended && *step == pipeline::Source::Step::Idle) break;
        }
        ASSERT_TRUE(ended);
    }

    ASSERT_EQ(counters.size(), 2U);
    const pipeline::Ledger ledger{(*source)->Losses()};
    const auto snapshot{tracker.Take(0, {})}; // without the ledger: what is counted is the counters'
    ASSERT_EQ(snapshot->nodes.size(), 1U);
    const state::NodeSnapshot& node{*snapshot->nodes[0]};
    EXPECT_EQ(node.identity.starts, 2U);
    EXPECT_TRUE(node.messages_exact);
    std::uint64_t fired{0}, pings{0};
    for (const auto& direction : node.messages) {
        for (const auto& counts : direction) {
            for (std::size_t type{0}; type < CT_MAX_MSG_TYPES; ++type) fired += counts[type].count;
            pings += counts[event::MessageTypeId("ping")].count;
        }
    }
    EXPECT_EQ(fired, ledger.tallies.at(event::id::INBOUND_MESSAGE).fired + ledger.tallies.at(event::id::OUTBOUND_MESSAGE).fired);
    EXPECT_GT(pings, 0U); // withheld, and counted
    EXPECT_EQ(node.utxo.added, ledger.tallies.at(event::id::UTXOCACHE_ADD).fired);
    EXPECT_GT(node.utxo.added, 0U);
    EXPECT_GT(node.chain.blocks, 0U);
}

} // namespace
} // namespace coretap
