#include "poll/rpc_answers.h"

#include <boost/json/parse.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace coretap::poll {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Optional;
using testing::Pair;

struct Outcome {
    bool ok{false};
    NodeFacts facts;
    Oddities odd;
};
Outcome Read(RpcMethod method, std::string_view text)
{
    Outcome out;
    out.ok = ReadResult(method, boost::json::parse({text.data(), text.size()}), out.facts, out.odd);
    return out;
}

constexpr std::string_view PEER{
    R"({"id":7,"addr":"1.2.3.4:8333","addrbind":"10.0.0.1:1","addrlocal":"5.6.7.8:2","network":"ipv4","mapped_as":64496,
 "services":"0000000000000c09","servicesnames":["NETWORK","WITNESS"],"relaytxes":true,"last_inv_sequence":12,"inv_to_send":3,
 "lastsend":1800000001,"lastrecv":1800000002,"last_transaction":1800000003,"last_block":0,"bytessent":100,"bytesrecv":18446744073709551615,
 "conntime":1800000000,"timeoffset":-2,"pingtime":0.25,"minping":0.125,"pingwait":5,"version":70016,"subver":"/Satoshi:31.0.0/","inbound":false,
 "bip152_hb_to":true,"bip152_hb_from":false,"presynced_headers":-1,"synced_headers":900000,"synced_blocks":900000,"inflight":[900001,900002],
 "addr_relay_enabled":true,"addr_processed":5,"addr_rate_limited":6,"permissions":["noban"],"minfeefilter":0.00001000,
 "bytessent_per_msg":{"ping":32,"*other*":1},"bytesrecv_per_msg":{"pong":32},"connection_type":"outbound-full-relay",
 "transport_protocol_type":"v2","session_id":"ab"})"};

TEST(RpcAnswers, PeersAsTheyAre)
{
    const auto out{Read(RpcMethod::PeerInfo, fmt::format("[{}]", PEER))};
    ASSERT_TRUE(out.ok);
    EXPECT_EQ(0u, out.odd.count) << out.odd.first;
    ASSERT_EQ(1u, out.facts.peers->peers.size());
    const PeerFacts& peer{out.facts.peers->peers[0]};
    EXPECT_EQ(7, peer.id);
    EXPECT_EQ("1.2.3.4:8333", peer.addr);
    EXPECT_THAT(peer.mapped_as, Optional(64496));
    EXPECT_THAT(peer.services, Optional(0xc09));
    EXPECT_THAT(peer.servicesnames, ElementsAre("NETWORK", "WITNESS"));
    EXPECT_THAT(peer.inv_to_send, Optional(3));
    EXPECT_THAT(peer.bytesrecv, Optional(18446744073709551615ULL));
    EXPECT_THAT(peer.timeoffset_s, Optional(-2));
    EXPECT_THAT(peer.pingtime_s, Optional(0.25));
    EXPECT_THAT(peer.pingwait_s, Optional(5.0));
    EXPECT_THAT(peer.version, Optional(70016));
    EXPECT_THAT(peer.inbound, Optional(false));
    EXPECT_THAT(peer.bip152_hb_to, Optional(true));
    EXPECT_THAT(peer.presynced_headers, Optional(-1));
    EXPECT_EQ(2u, peer.inflight);
    EXPECT_THAT(peer.permissions, ElementsAre("noban"));
    EXPECT_THAT(peer.minfeefilter_sat_per_kvb, Optional(1000));
    EXPECT_THAT(peer.bytessent_per_msg, ElementsAre(Pair("*other*", 1), Pair("ping", 32)));
    EXPECT_EQ("outbound-full-relay", peer.connection_type);
    EXPECT_EQ("v2", peer.transport_protocol_type);
    EXPECT_EQ("ab", peer.session_id);
}

TEST(RpcAnswers, AnOlderNodeSaysLess)
{
    const auto out{Read(RpcMethod::PeerInfo, R"([{"id":1,"addr":"x"}])")};
    ASSERT_TRUE(out.ok);
    EXPECT_EQ(0u, out.odd.count);
    EXPECT_EQ(std::nullopt, out.facts.peers->peers[0].inv_to_send);
    EXPECT_EQ("", out.facts.peers->peers[0].transport_protocol_type);
}

TEST(RpcAnswers, WrongTypesAreLeftOutAndNamed)
{
    // every member of another type, one after the other
    const boost::json::value good = boost::json::parse({PEER.data(), PEER.size()});
    for (const auto& [key, value] : good.as_object()) {
        for (const boost::json::value& wrong :
             {boost::json::value{boost::json::object{{"a", nullptr}}}, boost::json::value{true}, boost::json::value{"text"},
              boost::json::value{1e300}, boost::json::value{boost::json::array{boost::json::array{}}}}) {
            if (wrong.kind() == value.kind()) continue;
            boost::json::value changed = good;
            changed.as_object()[key] = wrong;
            NodeFacts facts;
            Oddities odd;
            ASSERT_TRUE(ReadResult(RpcMethod::PeerInfo, boost::json::array{changed, good}, facts, odd));
            const bool number{value.is_double() || value.is_int64()}; // where any number will do
            if (key == "inflight" && wrong.is_array()) continue;
            if (!(number && wrong.is_double() && odd.count == 0)) {
                EXPECT_EQ(1u, odd.count) << key << " " << wrong;
                EXPECT_THAT(odd.first, HasSubstr(std::string{key}));
                EXPECT_THAT(odd.first, HasSubstr("getpeerinfo"));
            }
            EXPECT_EQ(key == "id" ? 1u : 2u, facts.peers->peers.size());
            EXPECT_EQ(key == "id" ? 1u : 0u, facts.peers->left_out);
        }
    }
}

TEST(RpcAnswers, AnotherTypeOfTheWholeLeavesWhatWasKnown)
{
    for (std::size_t i{0}; i < RPC_METHODS; ++i) {
        const auto method{static_cast<RpcMethod>(i)};
        if (method == RpcMethod::RawAddrman) continue;
        NodeFacts facts;
        facts.peers.emplace().left_out = 9;
        facts.uptime_s = 5;
        for (const std::string_view text : {"null", "true", "\"x\"", "1.5"}) {
            Oddities odd;
            EXPECT_FALSE(ReadResult(method, boost::json::parse({text.data(), text.size()}), facts, odd)) << MethodName(method) << text;
            EXPECT_THAT(odd.first, HasSubstr(std::string{MethodName(method)}));
        }
        EXPECT_EQ(9u, facts.peers->left_out);
        EXPECT_THAT(facts.uptime_s, Optional(5));
    }
    EXPECT_FALSE(Read(RpcMethod::PeerInfo, "{}").ok);
    EXPECT_FALSE(Read(RpcMethod::MempoolInfo, "[]").ok);
}

TEST(RpcAnswers, StrangersStringsAndListsAreBounded)
{
    std::string many{"["};
    for (int i{0}; i < 5000; ++i) many += fmt::format("{}{{\"id\":{}}}", i == 0 ? "" : ",", i);
    const auto out{Read(RpcMethod::PeerInfo, many + "]")};
    EXPECT_EQ(MAX_PEERS, out.facts.peers->peers.size());
    EXPECT_EQ(5000 - MAX_PEERS, out.facts.peers->left_out);

    std::string words{"["}, counts{"{"};
    for (int i{0}; i < 500; ++i) {
        words += fmt::format("{}\"{}\"", i == 0 ? "" : ",", i);
        counts += fmt::format("{}\"{}\":1", i == 0 ? "" : ",", i);
    }
    const auto large{Read(RpcMethod::PeerInfo, fmt::format(R"([{{"id":1,"subver":"{}","permissions":{}],"bytessent_per_msg":{}}}}}])",
                                                           std::string(100'000, 'x'), words, counts))};
    ASSERT_TRUE(large.ok);
    const PeerFacts& peer{large.facts.peers->peers[0]};
    EXPECT_EQ(MAX_STRING, peer.subver.size());
    EXPECT_EQ(MAX_WORDS, peer.permissions.size());
    EXPECT_EQ(MAX_WORDS + 1, peer.bytessent_per_msg.size());
    EXPECT_EQ(500 - MAX_WORDS, peer.bytessent_per_msg.at("*other*"));
    // a user agent's bytes are kept as they are: whoever shows them escapes them
    EXPECT_EQ("/\x1b[2J\xc3\xa9/",
              Read(RpcMethod::PeerInfo, "[{\"id\":1,\"subver\":\"/\\u001b[2J\xc3\xa9/\"}]").facts.peers->peers[0].subver);
}

TEST(RpcAnswers, TheOtherMethods)
{
    const auto mempool{
        Read(RpcMethod::MempoolInfo, R"({"loaded":true,"size":2,"bytes":300,"usage":4000,"total_fee":0.00012345,"maxmempool":300000000,
        "mempoolminfee":0.00001000,"minrelaytxfee":0.00000100,"incrementalrelayfee":0.00000100,"unbroadcastcount":1,"fullrbf":true})")};
    EXPECT_EQ(0u, mempool.odd.count);
    EXPECT_THAT(mempool.facts.mempool->total_fee_sat, Optional(12345));
    EXPECT_THAT(mempool.facts.mempool->minrelaytxfee_sat_per_kvb, Optional(100));

    for (const auto& [warnings, count] :
         std::map<std::string, std::size_t>{{R"("")", 0}, {R"("old")", 1}, {R"(["a","b"])", 2}, {"[]", 0}}) {
        const auto chain{
            Read(RpcMethod::BlockchainInfo,
                 R"({"chain":"regtest","blocks":5,"headers":6,"difficulty":4.6e-10,"pruned":false,"warnings":)" + warnings + "}")};
        EXPECT_EQ(0u, chain.odd.count) << warnings; // a string until v27
        EXPECT_EQ(count, chain.facts.blockchain->warnings.size()) << warnings;
        EXPECT_THAT(chain.facts.blockchain->headers, Optional(6));
    }
    const auto network{
        Read(RpcMethod::NetworkInfo, R"({"version":310000,"subversion":"/S/","localservices":"0000000000000409","connections_in":3,
        "networks":[{"name":"ipv4","limited":false,"reachable":true,"proxy":""},{"name":"onion","reachable":false},7],"localaddresses":[{},{}],"relayfee":0.00001})")};
    EXPECT_THAT(network.facts.network->localservices, Optional(0x409));
    EXPECT_THAT(network.facts.network->networks.at("onion").reachable, Optional(false));
    EXPECT_THAT(network.facts.network->localaddresses, Optional(2));
    EXPECT_EQ(1u, network.odd.count);

    const auto totals{Read(
        RpcMethod::NetTotals,
        R"({"totalbytesrecv":1,"totalbytessent":2,"timemillis":3,"uploadtarget":{"target":4,"target_reached":false,"bytes_left_in_cycle":5}})")};
    EXPECT_THAT(totals.facts.net_totals->uploadtarget_bytes_left, Optional(5));
    EXPECT_THAT(Read(RpcMethod::Uptime, "77").facts.uptime_s, Optional(77));
    EXPECT_THAT(Read(RpcMethod::MemoryInfo, R"({"locked":{"used":1,"chunks_free":2}})").facts.memory->chunks_free, Optional(2));
    const auto addrman{
        Read(RpcMethod::AddrmanInfo, R"({"ipv4":{"new":1,"tried":2,"total":3},"all_networks":{"new":1,"tried":2,"total":3},"x":5})")};
    EXPECT_THAT(addrman.facts.addrman->networks.at("ipv4").tried, Optional(2));
    EXPECT_EQ(1u, addrman.odd.count);
    const auto orphans{
        Read(RpcMethod::OrphanTxs,
             R"([{"txid":"a","bytes":100,"vsize":80,"weight":320,"from":[1,2]},{"bytes":50,"from":[2]},{"bytes":-1,"from":["x"]},3])")};
    EXPECT_EQ(3u, orphans.facts.orphans->count);
    EXPECT_EQ(150u, orphans.facts.orphans->bytes);
    EXPECT_EQ(80u, orphans.facts.orphans->vsize);
    EXPECT_EQ(320u, orphans.facts.orphans->weight);
    EXPECT_THAT(orphans.facts.orphans->announced_by, ElementsAre(Pair(1, 1), Pair(2, 2)));
    EXPECT_EQ(3u, orphans.odd.count);
    EXPECT_EQ((boost::json::array{1}), MethodParams(RpcMethod::OrphanTxs));
}

TEST(RpcAnswers, ABlockThatSeveralAreAskedForIsOne)
{
    const auto out{
        Read(RpcMethod::PeerInfo, R"([{"id":1,"inflight":[7,8]},{"id":2,"inflight":[8]},{"id":3,"inflight":["x",9]},{"id":4}])")};
    EXPECT_EQ(3u, out.facts.peers->blocks_in_flight);
}

TEST(RpcAnswers, TheHighestTipsAreKept)
{
    std::string many{"["};
    for (int i{0}; i < 1000; ++i)
        many += fmt::format(R"({}{{"height":{},"hash":"h","branchlen":1,"status":"{}"}})", i == 0 ? "" : ",", i,
                            i == 999 ? "active" : "headers-only");
    const auto out{Read(RpcMethod::ChainTips, many + "]")};
    ASSERT_TRUE(out.ok);
    EXPECT_EQ(MAX_CHAIN_TIPS, out.facts.chain_tips->tips.size());
    EXPECT_EQ(999, out.facts.chain_tips->tips[0].height);
    EXPECT_EQ("active", out.facts.chain_tips->tips[0].status);
    EXPECT_EQ(1000 - MAX_CHAIN_TIPS, out.facts.chain_tips->left_out);
    EXPECT_THAT(out.facts.chain_tips->status, ElementsAre(Pair("active", 1), Pair("headers-only", 999)));
    EXPECT_LT(out.facts.chain_tips->tips.capacity(), 4 * MAX_CHAIN_TIPS); // whatever the answer's length
}

} // namespace
} // namespace coretap::poll
