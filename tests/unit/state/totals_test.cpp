#include "unit/state/state_fixture.h"

#include "state/history.h"

namespace coretap::state {
namespace {

namespace id = event::id;
using Builder = event::RecordBuilder;

const std::vector<std::byte> TXID(32);

Script& Removed(Script& script, std::string_view reason, std::int64_t age_s)
{
    return script.Fire(id::MEMPOOL_REMOVED,
                       [&](Builder& to) { to.Bytes(TXID).Str(reason).Int(200).Int(400).Int(START_NS / 1'000'000'000 - age_s); });
}
Script& Rejected(Script& script, std::string_view reason)
{
    return script.Fire(id::MEMPOOL_REJECTED, [&](Builder& to) { to.Bytes(TXID).Str(reason); });
}

TEST(Totals, Mempool)
{
    Script script;
    script.At(0).Fire(id::MEMPOOL_ADDED, [](Builder& to) { to.Bytes(TXID).Int(100).Int(250); });
    script.Fire(id::MEMPOOL_ADDED, [](Builder& to) { to.Bytes(TXID).Int(0).Int(250); });
    Removed(Removed(script, "block", 120), "expiry", 9);
    for (const std::uint64_t is_tx : {1, 0}) {
        script.Fire(id::MEMPOOL_REPLACED,
                    [&](Builder& to) { to.Bytes(TXID).Int(150).Int(300).Uint(1).Bytes(TXID).Int(160).Int(900).Uint(is_tx); });
    }
    Rejected(Rejected(script, "mandatory-script-verify-flag-failed (Witness program hash mismatch)"), "min relay fee not met");
    const auto mempool{script.Node()->mempool};
    EXPECT_EQ(mempool.added.count, 2U);
    EXPECT_EQ(mempool.added.vsize, 100U);
    EXPECT_EQ(mempool.added.fee, 500);
    EXPECT_EQ(mempool.added_feerate_sat_per_vb.count, 1U);
    EXPECT_EQ(mempool.added_feerate_sat_per_vb.sum, 2.5);
    EXPECT_EQ(mempool.removed.at("block").count, 1U);
    EXPECT_EQ(mempool.removed.at("expiry").fee, 400);
    EXPECT_EQ(mempool.block_removal_age_seconds.sum, 120);
    EXPECT_EQ(mempool.block_removal_age_seconds.count, 1U);
    EXPECT_EQ(mempool.replaced.count, 2U);
    EXPECT_EQ(mempool.replaced.vsize, 300U);
    EXPECT_EQ(mempool.replacements_by_package, 1U);
    EXPECT_EQ(mempool.rejected.at("mandatory-script-verify-flag-failed"), 1U);
    EXPECT_EQ(mempool.rejected.at("min relay fee not met"), 1U);
}

TEST(Totals, FlushesByModeAndPruning)
{
    Script script;
    const auto flush = [](std::uint64_t mode, bool prune) {
        return [=](Builder& to) { to.Int(2'500'000).Uint(mode).Uint(1000).Uint(123'456).Uint(prune ? 1 : 0); };
    };
    script.At(5)
        .Fire(id::UTXOCACHE_FLUSH, flush(2, false))
        .Fire(id::UTXOCACHE_FLUSH, flush(2, false))
        .Fire(id::UTXOCACHE_FLUSH, flush(77, true));
    const auto flushes{script.Node()->utxo.flushes};
    ASSERT_EQ(flushes.size(), 2U);
    const FlushTotals& periodic{flushes.at({"PERIODIC", false})};
    EXPECT_EQ(periodic.count, 2U);
    EXPECT_EQ(periodic.coins, 2000U);
    EXPECT_EQ(periodic.seconds.sum, 5);
    EXPECT_EQ(periodic.last_memory_bytes, 123'456U);
    EXPECT_EQ(periodic.last_utc_ns, AtMs(5));
    EXPECT_EQ(flushes.at({"other", true}).count, 1U);
}

TEST(Totals, WalletAndAddrman)
{
    Script script;
    script.Fire(id::SELECTED_COINS, [](Builder& to) { to.Str("w").Str("bnb").Int(1).Int(2).Int(3); });
    script.Fire(id::NORMAL_CREATE_TX_INTERNAL, [](Builder& to) { to.Str("w").Uint(1).Int(2).Int(3); });
    script.Fire(id::NORMAL_CREATE_TX_INTERNAL, [](Builder& to) { to.Str("w").Uint(0).Int(2).Int(3); });
    script.Fire(id::ATTEMPTING_APS_CREATE_TX, [](Builder& to) { to.Str("w"); });
    script.Fire(id::APS_CREATE_TX_INTERNAL, [](Builder& to) { to.Str("w").Uint(1).Uint(1).Int(2).Int(3); });
    for (const std::uint64_t inserted : {1, 1, 0}) {
        script.Fire(id::ADDRMAN_ATTEMPT_ADD, [&](Builder& to) { to.Uint(inserted).Int(1).Int(2).Str("a").Uint(1).Str("b").Uint(2); });
    }
    const auto node{script.Node()};
    EXPECT_EQ(node->coins.selected.at("bnb"), 1U);
    EXPECT_EQ(node->coins.created, 1U);
    EXPECT_EQ(node->coins.failed, 1U);
    EXPECT_EQ(node->coins.aps_attempts, 1U);
    EXPECT_EQ(node->coins.aps_used, 1U);
    EXPECT_EQ(node->addrman.new_inserted, 2U);
    EXPECT_EQ(node->addrman.new_refused, 1U);
}

TEST(Totals, FindingsAndRejects)
{
    Script script;
    script.In(1, "ping", sim::Bytes(3)).In(1, "feefilter", sim::Bytes(9)).Out(1, "ping", sim::Bytes(3));
    script.In(1, "reject", sim::EncodeReject("tx", 0x42, "insufficient fee", {})).In(1, "feefilter", sim::EncodeFeeFilter(1000));
    const auto node{script.Node()};
    EXPECT_EQ(node->gossip.findings.size(), 2U);
    EXPECT_EQ((node->gossip.findings.at({"ping", std::string{wire::ToString(wire::Problem::EndsEarly)}})), 1U);
    EXPECT_EQ((node->gossip.findings.at({"feefilter", std::string{wire::ToString(wire::Problem::TrailingBytes)}})), 1U);
    EXPECT_EQ(PeerOf(*node, 1).undecodable, 2U);
    EXPECT_EQ(node->gossip.rejects.size(), 1U);
    EXPECT_EQ(node->gossip.fee_filter_sat_per_vb[0].count, 2U);
}

TEST(History, SecondsAndMinutes)
{
    Script script;
    const Script::Kind inbound{.conn_type = "inbound"};
    script.At(100).In(1, "inv", sim::EncodeInv({})).In(1, "tx", sim::Bytes(10)).Out(2, "inv", {}, inbound);
    script.At(1500).In(1, "ping").BlockConnected({1}, 5).Lost("net:inbound_message", 7);
    EXPECT_EQ(script.Node()->seconds.size(), 1U);
    const auto node{script.At(4000).Node()};
    ASSERT_EQ(node->seconds.size(), 4U);
    const HistoryPoint& first{node->seconds[0]};
    EXPECT_EQ(first.utc_ns, AtMs(0));
    EXPECT_EQ(first.messages[0], (MessageCount{2, 11}));
    EXPECT_EQ(first.messages[1].count, 1U);
    EXPECT_EQ(first.messages_in_by_kind[static_cast<std::size_t>(HistoryKind::Inventory)], 1U);
    EXPECT_EQ(first.messages_in_by_kind[static_cast<std::size_t>(HistoryKind::Transactions)], 1U);
    EXPECT_EQ(first.peers_in, 1U);
    EXPECT_EQ(first.peers_out, 1U);
    EXPECT_EQ(node->seconds[1].blocks, 1U);
    EXPECT_EQ(node->seconds[1].lost, 7U);
    EXPECT_EQ(node->seconds[3].messages[0].count, 0U);
    EXPECT_EQ(node->seconds[3].peers_in, 1U);
    EXPECT_TRUE(node->minutes.empty());
    const auto later{script.At(120'000).Node()};
    ASSERT_EQ(later->minutes.size(), 2U);
    EXPECT_EQ(later->minutes[0].messages[0].count, 3U);
    EXPECT_EQ(later->seconds.size(), 120U);
}

TEST(History, AClockThatIsSet)
{
    History history;
    history.Advance(AtMs(0), 1, 1);
    history.Advance(AtMs(5000), 1, 1);
    history.Advance(AtMs(1000), 1, 1); // a little back: passed over
    EXPECT_EQ(history.Seconds().size(), 5U);
    history.Advance(AtMs(1e12), 2, 3);
    const auto seconds{history.Seconds()};
    ASSERT_EQ(seconds.size(), NodeSnapshot::MAX_SECONDS);
    for (std::size_t i{1}; i < seconds.size(); ++i) EXPECT_EQ(seconds[i].utc_ns - seconds[i - 1].utc_ns, 1'000'000'000);
    EXPECT_EQ(seconds.back().utc_ns, AtMs(1e12 - 1000));
    EXPECT_EQ(history.Minutes().size(), NodeSnapshot::MAX_MINUTES);
}

TEST(History, AClockThatIsSetBack)
{
    History history;
    const auto at = [](int second) { return AtMs((56 + second) * 1000); }; // from the beginning of a minute
    const auto count = [&history] { history.Count([](HistoryPoint& point) { ++point.messages[0].count; }); };
    for (int second{0}; second <= 600; ++second) {
        history.Advance(at(second), 1, 1);
        count();
    }
    for (int second{300}; second <= 330; ++second) { // five minutes back: they are lived a second time
        history.Advance(at(second), 2, 1);
        count();
    }
    const auto seconds{history.Seconds()};
    ASSERT_EQ(seconds.size(), 30U) << "of the two minutes before the time it was set to nothing is held any more";
    EXPECT_EQ(seconds.back().utc_ns, at(329));
    const auto minutes{history.Minutes()};
    ASSERT_EQ(minutes.size(), 5U) << "what is held of before stays";
    for (std::size_t i{0}; i < minutes.size(); ++i) {
        EXPECT_EQ(minutes[i].utc_ns, at(static_cast<int>(i) * 60));
        EXPECT_EQ(minutes[i].messages[0].count, 60U);
    }
    for (const HistoryPoint& point : seconds) EXPECT_EQ(point.messages[0].count, 1U);
}

TEST(History, EveryKindHasAName)
{
    for (std::size_t i{0}; i < HISTORY_KINDS; ++i) EXPECT_FALSE(ToString(static_cast<HistoryKind>(i)).empty());
    EXPECT_EQ(KindOf(event::MessageTypeId("cfilter")), HistoryKind::Filters);
    EXPECT_EQ(KindOf(0), HistoryKind::Other);
}

} // namespace
} // namespace coretap::state
