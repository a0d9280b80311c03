// What is rendered: the golden text in both formats, its size, the time it takes, and what promtool says of it.
// CORETAP_UPDATE_GOLDEN=1 in the environment writes the golden files anew. CORETAP_REQUIRE_PROMTOOL=1: fail where there is no promtool.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "sinks/metrics/family.h"
#include "state/address_lists.h"
#include "unit/sinks/metrics/metrics_fixture.h"

namespace coretap::sinks::metrics {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

bool IsSet(const char* name)
{
    const char* value{std::getenv(name)};
    return value != nullptr && *value == '1';
}

void ExpectGolden(const std::string& name, const std::string& text)
{
    const std::string path{CORETAP_SOURCE_DIR "/tests/golden/" + name};
    if (IsSet("CORETAP_UPDATE_GOLDEN")) {
        std::ofstream file{path, std::ios::binary};
        file << text;
        ASSERT_TRUE(file.flush()) << path;
    }
    std::ostringstream golden;
    golden << std::ifstream{path, std::ios::binary}.rdbuf();
    EXPECT_TRUE(golden.str() == text) << path
                                      << " is not what is rendered. Write it anew with CORETAP_UPDATE_GOLDEN=1, and look at `git diff`.";
}

TEST(Render, Text) { ExpectGolden("metrics.txt", Render(SnapshotOf({SmallNode()}), SmallSelf(), Format::Text)); }
TEST(Render, OpenMetrics) { ExpectGolden("metrics_open.txt", Render(SnapshotOf({SmallNode()}), SmallSelf(), Format::OpenMetrics)); }

TEST(Render, EveryFamilyOfTheTableIsThere)
{
    const std::string text{Render(SnapshotOf({SmallNode()}), SmallSelf(), Format::Text)};
    std::set<std::string> names;
    for (const FamilyGroup& group : FamilyGroups()) {
        for (const Family& family : group.families) {
            const std::string name{std::string{PREFIX} + std::string{family.name} + std::string{family.Suffix()}};
            EXPECT_TRUE(names.insert(name).second) << name << " is in the table twice";
            EXPECT_THAT(text, HasSubstr("# TYPE " + name + " ")) << "nothing was rendered of it";
            EXPECT_EQ(family.help.find_first_of("\"\\\n"), std::string_view::npos) << name;
            EXPECT_FALSE(family.help.ends_with('.')) << name;
        }
    }
}

TEST(Render, NetworksThatSomebodyMadeUpAreAddedUp)
{
    auto rpc{SmallRpc()};
    rpc.addrman->networks[std::string(100, 'x') + "a"] = {1, 2, 3};
    rpc.addrman->networks[std::string(100, 'x') + "b"] = {10, 20, 30};
    rpc.network->networks["one"].reachable = true;
    rpc.network->networks["two"].reachable = false;
    Self self{SmallSelf()};
    self.nodes["main"].rpc = std::make_shared<const poll::NodeFacts>(rpc);
    const std::string text{Render(SnapshotOf({SmallNode()}), self, Format::Text)};
    EXPECT_THAT(text, HasSubstr("coretap_rpc_addrman_addresses{node=\"main\",network=\"other\",table=\"new\"} 11\n"));
    EXPECT_THAT(text, HasSubstr("coretap_rpc_addrman_addresses{node=\"main\",network=\"other\",table=\"tried\"} 22\n"));
    EXPECT_THAT(text, HasSubstr("coretap_rpc_network_reachable{node=\"main\",network=\"other\"} 1\n"));
    EXPECT_THAT(text, Not(HasSubstr("xxx")));
    EXPECT_THAT(text, Not(HasSubstr("network=\"one\"")));
}

TEST(Render, NoSessionYetIsWellFormed)
{
    const std::string text{Render({}, {}, Format::OpenMetrics)};
    EXPECT_THAT(text, HasSubstr("coretap_ring_high_water_bytes 0\n"));
    EXPECT_THAT(text, Not(HasSubstr("node=")));
    EXPECT_TRUE(text.ends_with("\n# EOF\n"));
}

TEST(Render, AFamilysSamplesOfAllNodesStandTogether)
{
    const std::string text{Render(SnapshotOf({SmallNode("a"), SmallNode("b")}), SmallSelf(), Format::Text)};
    EXPECT_THAT(
        text,
        HasSubstr("# TYPE coretap_node_running gauge\ncoretap_node_running{node=\"a\"} 1\ncoretap_node_running{node=\"b\"} 1\n# HELP"));
    EXPECT_THAT(text, Not(HasSubstr("coretap_rpc_up"))); // what Self has is of a node `main`
}

TEST(Render, TwoNodesOfOneLabelAreTwoSeries)
{
    const std::string text{Render(SnapshotOf({SmallNode(), SmallNode(), SmallNode()}), {}, Format::Text)};
    EXPECT_THAT(text, HasSubstr("coretap_node_running{node=\"main\"} 1\ncoretap_node_running{node=\"main-2\"} 1\n"
                                "coretap_node_running{node=\"main-3\"} 1\n"));
}

TEST(Render, NothingThatIsNotKnownIsZero)
{
    NodeSnapshot node;
    node.identity.label = "main";
    const std::string text{Render(SnapshotOf({node}), {}, Format::Text)};
    EXPECT_THAT(text, Not(HasSubstr("coretap_block_height")));
    EXPECT_THAT(text, Not(HasSubstr("coretap_open_connections")));
    EXPECT_THAT(text, Not(HasSubstr("coretap_process")));
    EXPECT_THAT(text, Not(HasSubstr("coretap_peers_ping_median_seconds")));
}

TEST(Render, CountersBeginAtZero)
{
    NodeSnapshot node;
    node.identity.label = "main";
    const std::string text{Render(SnapshotOf({node}), {}, Format::Text)};
    for (const std::string_view sample :
         {"coretap_p2p_traffic_messages_total{node=\"main\",direction=\"in\"} 0\n",
          "coretap_mempool_removed_total{node=\"main\",reason=\"sizelimit\"} 0\n",
          "coretap_inbound_connections_total{node=\"main\",network=\"onion\"} 0\n",
          "coretap_misbehaving_total{node=\"main\",reason=\"other\"} 0\n",
          "coretap_misbehaving_total{node=\"main\",reason=\"mutated block\"} 0\n",
          "coretap_mempool_rejected_total{node=\"main\",reason=\"min relay fee not met\"} 0\n",
          "coretap_decode_findings_total{node=\"main\",problem=\"ends early\"} 0\n",
          "coretap_decode_findings_by_type_total{node=\"main\",type=\"cmpctblock\"} 0\n",
          "coretap_reject_messages_total{node=\"main\",code=\"dust\"} 0\n",
          "coretap_version_protocol_messages_total{node=\"main\",protocol_version=\"70016\"} 0\n",
          "coretap_addr_entries_total{node=\"main\",direction=\"in\",type=\"addrv2\",network=\"onion\"} 0\n",
          "coretap_node_events_total{node=\"main\",tracepoint=\"net:misbehaving_connection\"} 0\n",
          "coretap_utxo_cache_flush_seconds_count{node=\"main\",mode=\"PERIODIC\",for_prune=\"false\"} 0\n",
          "coretap_blocks_delivered_total{node=\"main\",via=\"cmpctblock\"} 0\n"}) {
        EXPECT_THAT(text, HasSubstr(std::string{sample}));
    }
    EXPECT_THAT(text, Not(HasSubstr("coretap_p2p_messages_total"))); // those that occur: there are too many
}

TEST(Render, TypesThatNobodySendsAreOther)
{
    NodeSnapshot node;
    node.identity.label = "main";
    node.messages[0][1][static_cast<std::size_t>(wire::MessageType::Alert)] = {2, 20};
    node.messages[0][1][static_cast<std::size_t>(wire::MessageType::SendPackages)] = {3, 30};
    node.messages[0][1][static_cast<std::size_t>(wire::MessageType::Other)] = {4, 40};
    const std::string text{Render(SnapshotOf({node}), {}, Format::Text)};
    EXPECT_THAT(text,
                HasSubstr("coretap_p2p_messages_total{node=\"main\",direction=\"in\",conn_type=\"inbound\",type=\"other\"} 9\n# HELP"));
    EXPECT_THAT(
        text, HasSubstr("coretap_p2p_message_bytes_total{node=\"main\",direction=\"in\",conn_type=\"inbound\",type=\"other\"} 90\n# HELP"));
}

TEST(Render, CounterThatARecordMadeNegativeIsZero)
{
    NodeSnapshot node{SmallNode()};
    node.mempool.added.fee = -5;
    node.mempool.removed["block"].fee = -5;
    const std::string text{Render(SnapshotOf({node}), {}, Format::OpenMetrics)};
    EXPECT_THAT(text, HasSubstr("coretap_mempool_added_fees_satoshis_total{node=\"main\"} 0\n"));
    EXPECT_THAT(text, HasSubstr("coretap_mempool_removed_fees_satoshis_total{node=\"main\",reason=\"block\"} 0\n"));
}

TEST(Render, SizeIsBounded)
{
    constexpr std::size_t LIMIT{300 << 10};
    for (const Format format : {Format::Text, Format::OpenMetrics}) {
        const std::string text{Render(SnapshotOf({BusyNode()}), BusySelf(), format)};
        EXPECT_LT(text.size(), LIMIT);
        EXPECT_GT(text.size(), LIMIT / 2) << "not everything is at its bound any more";
    }
    RecordProperty("bytes", static_cast<int>(Render(SnapshotOf({BusyNode()}), BusySelf(), Format::Text).size()));
}

TEST(Render, AListOfAddressesAddsLittle)
{
    NodeSnapshot node{BusyNode()};
    const std::size_t without{Render(SnapshotOf({node}), BusySelf(), Format::Text).size()};
    constexpr std::uint64_t MANY{999'999'999'999'999};
    for (std::size_t i{0}; i < state::AddressLists::MAX_LISTS; ++i) {
        state::ListTotals& list{node.lists.emplace_back()};
        list.name = std::string(state::AddressLists::MAX_NAME - 1, 'x') + std::to_string(i);
        list.connections = {MANY, MANY};
        for (auto& types : list.messages) types.fill({MANY, MANY});
    }
    const std::size_t with{Render(SnapshotOf({node}), BusySelf(), Format::Text).size()};
    EXPECT_LT(with - without, state::AddressLists::MAX_LISTS * 12 << 10);
    RecordProperty("bytes_a_list", static_cast<int>((with - without) / state::AddressLists::MAX_LISTS));
}

TEST(Render, SizeDoesNotDependOnPeers)
{
    NodeSnapshot few{BusyNode()};
    NodeSnapshot many{BusyNode()};
    for (std::int64_t id{125}; id < 4096; ++id) many.peers.push_back(MakePeer(id, true));
    const auto size{[](const NodeSnapshot& node) { return Render(SnapshotOf({node}), BusySelf(), Format::Text).size(); }};
    EXPECT_NEAR(static_cast<double>(size(few)), static_cast<double>(size(many)), 32); // digits
}

TEST(Render, IsQuick)
{
#ifndef NDEBUG
    GTEST_SKIP() << "a debug build says nothing of time";
#endif
    const Snapshot snapshot{SnapshotOf({BusyNode()})};
    const Self self{BusySelf()};
    auto best{std::chrono::nanoseconds::max()};
    for (int i{0}; i < 20; ++i) { // the machine may be busy: the best of many is what rendering takes
        const auto begin{std::chrono::steady_clock::now()};
        ASSERT_FALSE(Render(snapshot, self, Format::Text).empty());
        best = std::min<std::chrono::nanoseconds>(best, std::chrono::steady_clock::now() - begin);
    }
    RecordProperty("microseconds", static_cast<int>(best.count() / 1000));
    EXPECT_LT(best, std::chrono::milliseconds{2});
}

/** What promtool says of the text; empty: nothing to say. */
std::string PromtoolSays(const std::string& text)
{
    const std::filesystem::path folder{std::filesystem::temp_directory_path()};
    const std::string path{(folder / ("metrics_unit_test." + std::to_string(::getpid()))).string()};
    std::ofstream{path, std::ios::binary} << text;
    std::string said;
    FILE* pipe{::popen(("promtool check metrics < '" + path + "' 2>&1").c_str(), "r")};
    if (pipe == nullptr) return "popen failed";
    for (int c{std::fgetc(pipe)}; c != EOF; c = std::fgetc(pipe)) said += static_cast<char>(c);
    const int status{::pclose(pipe)};
    std::filesystem::remove(path);
    return status == 0 ? said : said + "exit status " + std::to_string(status);
}

TEST(Promtool, HasNothingToSay)
{
    if (std::system("command -v promtool > /dev/null") != 0) {
        ASSERT_FALSE(IsSet("CORETAP_REQUIRE_PROMTOOL")) << "CORETAP_REQUIRE_PROMTOOL=1, and there is no promtool";
        GTEST_SKIP() << "there is no promtool: scripts/install-deps.sh test";
    }
    EXPECT_EQ(PromtoolSays(Render(SnapshotOf({SmallNode()}), SmallSelf(), Format::Text)), "");
    EXPECT_EQ(PromtoolSays(Render(SnapshotOf({BusyNode(), BusyNode()}), BusySelf(), Format::Text)), "");
    EXPECT_NE(PromtoolSays("coretap_x{a=\"\n\"} 1\n"), "") << "promtool would find nothing";
}

} // namespace
} // namespace coretap::sinks::metrics
