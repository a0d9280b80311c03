// From events to text: what a node does, and what is scraped then.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sinks/metrics/metrics.h"
#include "unit/state/state_fixture.h"

namespace coretap::sinks::metrics {
namespace {

using state::Script;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Scrape(Script& script) { return Render(*script.Take(), {}, Format::Text); }

TEST(Events, AreWhatIsScraped)
{
    Script script;
    script.Found();
    script.Connection(event::id::INBOUND_CONNECTION, 7, 12, {"203.0.113.9:50000", "inbound"});
    script.In(7, "version", sim::EncodeVersion(state::VersionOf("/A:1/")), {"203.0.113.9:50000", "inbound"});
    script.After(1).In(7, "ping", sim::Bytes(8), {"203.0.113.9:50000", "inbound"});
    script.After(1).Misbehaving(7, "headers message size = 2001");
    script.After(1).BlockConnected(sim::Hash256{1}, 930'000, 250);
    script.After(1).Fire(event::id::MEMPOOL_REJECTED, [](event::RecordBuilder& to) {
        const sim::Hash256 txid{2};
        to.Bytes(std::as_bytes(std::span{txid})).Str("min relay fee not met (100 < 200)");
    });

    const std::string text{Scrape(script)};
    for (const std::string_view sample : {
             "coretap_node_running{node=\"main\"} 1\n",
             "coretap_inbound_connections_total{node=\"main\",network=\"ipv4\"} 1\n",
             "coretap_open_connections{node=\"main\",direction=\"in\"} 12\n",
             "coretap_p2p_messages_total{node=\"main\",direction=\"in\",conn_type=\"inbound\",type=\"ping\"} 1\n",
             "coretap_p2p_message_bytes_total{node=\"main\",direction=\"in\",conn_type=\"inbound\",type=\"ping\"} 8\n",
             "coretap_p2p_messages_exact{node=\"main\"} 0\n",
             "coretap_peers_by_network{node=\"main\",direction=\"in\",network=\"ipv4\"} 1\n",
             "coretap_misbehaving_total{node=\"main\",reason=\"headers message size\"} 1\n",
             "coretap_mempool_rejected_total{node=\"main\",reason=\"min relay fee not met\"} 1\n",
             "coretap_block_height{node=\"main\"} 930000\n",
             "coretap_block_connect_seconds_bucket{node=\"main\",le=\"0.1\"} 0\n",
             "coretap_block_connect_seconds_bucket{node=\"main\",le=\"0.25\"} 1\n",
             "coretap_block_connect_seconds_sum{node=\"main\"} 0.25\n",
             "coretap_version_messages_total{node=\"main\",user_agent=\"other\"} 1\n",
         }) {
        EXPECT_THAT(text, HasSubstr("\n" + std::string{sample}));
    }
    EXPECT_THAT(text, Not(HasSubstr("203.0.113.9"))); // no address is a label
}

TEST(Events, APeerThatOwesAPongIsSeenWhenNothingElseHappens)
{
    Script script;
    script.Found().Out(7, "ping", sim::EncodeNonce(5));
    EXPECT_THAT(Scrape(script.After(4000)), HasSubstr("coretap_peers_ping_waiting{node=\"main\"} 0\n"));
    EXPECT_THAT(Scrape(script.After(600'000)), HasSubstr("coretap_peers_ping_waiting{node=\"main\"} 1\n")); // the node hangs
}

TEST(Events, HighBandwidthPeersHaveTheSameNamesAsInRpc)
{
    Script script;
    script.Found().Out(7, "sendcmpct", sim::EncodeSendCmpct(true));
    auto facts{std::make_shared<poll::NodeFacts>()};
    facts->peers.emplace().peers.resize(1);
    facts->peers->peers[0].bip152_hb_to = true; // what Bitcoin Core says of it
    Self self;
    self.nodes["main"].rpc = facts;
    const std::string text{Render(*script.Take(), self, Format::Text)};
    for (const std::string_view sample : {"coretap_peers_by_feature{node=\"main\",feature=\"compact_hb_to\"} 1\n",
                                          "coretap_peers_by_feature{node=\"main\",feature=\"compact_hb_from\"} 0\n",
                                          "coretap_rpc_peers_high_bandwidth{node=\"main\",side=\"to\"} 1\n",
                                          "coretap_rpc_peers_high_bandwidth{node=\"main\",side=\"from\"} 0\n"}) {
        EXPECT_THAT(text, HasSubstr(std::string{sample}));
    }
}

TEST(Events, ExactCountersStandForThoseThatWereSeen)
{
    Script script;
    script.Found().In(7, "ping", sim::Bytes(8));
    pipeline::ProcessCounters counters;
    counters.pid = state::PID;
    counters.started_at_s = state::START_NS / 1'000'000'000;
    counters.messages = {{0, event::ConnectionTypeId("feeler"), event::MessageTypeId("inv"), {1000, 36'000}}};
    counters.coins_added = 55;
    script.GetTracker().SetExact({&counters, 1});
    const std::string text{Scrape(script)};
    EXPECT_THAT(text, HasSubstr("coretap_p2p_messages_exact{node=\"main\"} 1\n"));
    EXPECT_THAT(text, HasSubstr("coretap_p2p_messages_total{node=\"main\",direction=\"in\",conn_type=\"feeler\",type=\"inv\"} 1000\n"));
    EXPECT_THAT(text, HasSubstr("coretap_p2p_traffic_bytes_total{node=\"main\",direction=\"in\"} 36000\n"));
    EXPECT_THAT(text, HasSubstr("coretap_utxo_cache_added_total{node=\"main\"} 55\n"));
}

TEST(Events, UserAgentsOfStrangersAreBoundedAndHarmless)
{
    Script script;
    script.Found();
    for (int i{0}; i < 3000; ++i) {                                                            // a thousand names, three times each
        const state::PeerKind kind{"20." + std::to_string(i / 1000) + ".1.1:8333", "inbound"}; // from three networks
        script.After(1).In(i, "version", sim::EncodeVersion(state::VersionOf("/evil\"} 1\n" + std::to_string(i % 1000) + "\xff/")), kind);
    }
    const std::string text{Scrape(script)};
    std::size_t series{0};
    for (std::size_t at{text.find("\ncoretap_version_messages_total")}; at != std::string::npos;
         at = text.find("\ncoretap_version_messages_total", at + 1)) {
        ++series;
    }
    EXPECT_GT(series, 1U);
    EXPECT_LE(series, 42U);
    EXPECT_THAT(text, Not(HasSubstr("/evil\"")));
    EXPECT_THAT(text, HasSubstr("/evil\\\"} 1\\\\x0a"));
}

} // namespace
} // namespace coretap::sinks::metrics
