#include "tracer/conformance.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "site_of_row.h"

namespace coretap::tracer {
namespace {

namespace id = event::id;
using event::ArgDef;
using event::ArgType;
using test::CoreBinary;
using test::SiteOf;

class ConformanceTest : public ::testing::Test {
protected:
    event::Catalogue m_catalogue;

    const event::TracepointDef& Row(std::uint16_t row_id) const { return *m_catalogue.Find(row_id); }

    static const ProbeCheck& Find(const Conformance& conformance, std::string_view name)
    {
        const auto it = std::ranges::find(conformance.probes, name, &ProbeCheck::FullName);
        EXPECT_NE(it, conformance.probes.end()) << name;
        return *it;
    }
    static ProbeSite& Site(BinaryProbes& probes, std::string_view name)
    {
        return *std::ranges::find(probes.sites, name, &ProbeSite::FullName);
    }
};

TEST_F(ConformanceTest, AWholeBinaryMatches)
{
    const auto conformance = Check(CoreBinary(m_catalogue), m_catalogue);
    EXPECT_EQ(conformance.Count(Verdict::Matches), 20U);
    EXPECT_EQ(conformance.Count(Verdict::Absent), 2U); // attempt_add, and move_to_good in either layout
    EXPECT_EQ(conformance.probes.size(), 22U);
    EXPECT_EQ(conformance.SiteCount(), 20U);
    EXPECT_EQ(conformance.build_id, "0123abcd");
    for (const ProbeCheck& check : conformance.probes) {
        EXPECT_TRUE(check.differences.empty()) << check.FullName();
        EXPECT_NE(check.row, nullptr);
        for (const SiteCheck& site : check.sites) EXPECT_EQ(site.row, check.row);
    }
    EXPECT_TRUE(std::ranges::none_of(conformance.probes, [](const ProbeCheck& check) { return check.provider == "coretap"; }));
}

TEST_F(ConformanceTest, MissingAndUnknown)
{
    auto probes = CoreBinary(m_catalogue);
    std::erase_if(probes.sites, [](const ProbeSite& site) { return site.name == "rejected"; });
    probes.sites.push_back({.provider = "mempool", .name = "brand_new"});
    probes.sites.push_back({.provider = "other", .name = "one", .arg_error = "argument 1: odd"});
    probes.sites.push_back({.provider = "mempool", .name = "brand_new"});
    const auto conformance = Check(probes, m_catalogue);
    EXPECT_EQ(Find(conformance, "mempool:rejected").verdict, Verdict::Missing);
    EXPECT_EQ(Find(conformance, "mempool:rejected").differences,
              std::vector<std::string>{"not in this binary; Bitcoin Core has it since 25.0"});
    EXPECT_EQ(Find(conformance, "mempool:brand_new").verdict, Verdict::Unknown);
    EXPECT_EQ(Find(conformance, "mempool:brand_new").sites.size(), 2U);
    EXPECT_EQ(Find(conformance, "mempool:brand_new").row, nullptr);
    EXPECT_EQ(Find(conformance, "other:one").verdict, Verdict::Unknown);
    EXPECT_EQ(conformance.Count(Verdict::Unknown), 2U);
}

TEST_F(ConformanceTest, DifferencesInPlainWords)
{
    const auto& row = Row(id::MEMPOOL_ADDED); // hash, Int 4, Int 8
    const auto differences = [&row](auto change) {
        ProbeSite site{SiteOf(row)};
        change(site);
        return Differences(row, site);
    };
    using Lines = std::vector<std::string>;
    EXPECT_EQ(differences([](ProbeSite&) {}), Lines{});
    EXPECT_EQ(differences([](ProbeSite& site) { site.args[1].size = 8; }), Lines{"argument 2 (vsize): size 4 -> 8"});
    EXPECT_EQ(differences([](ProbeSite& site) { site.args[1].is_signed = 0; }), Lines{"argument 2 (vsize): signed -> unsigned"});
    EXPECT_EQ(differences([](ProbeSite& site) {
                  site.args[1].size = 8;
                  site.args[1].is_signed = 0;
              }),
              Lines{"argument 2 (vsize): size 4 -> 8, signed -> unsigned"});
    EXPECT_EQ(differences([](ProbeSite& site) { site.args[0].is_signed = 1; }), Lines{}) << "the sign of a pointer means nothing";
    EXPECT_EQ(differences([](ProbeSite& site) { site.args[0].size = 4; }), Lines{"argument 1 (txid): size 8 -> 4"});
    EXPECT_EQ(differences([](ProbeSite& site) { site.args.pop_back(); }), Lines{"arguments: 3 -> 2"});
    EXPECT_EQ(differences([](ProbeSite& site) { site.args.emplace_back(); }), Lines{"arguments: 3 -> 4"});

    const auto& coin = Row(id::UTXOCACHE_ADD);
    ProbeSite site{SiteOf(coin)};
    site.args[4].is_signed = 1;
    EXPECT_TRUE(Differences(coin, site).empty()) << "a bool is a byte of either sign";
    site.args[4].size = 4;
    EXPECT_EQ(Differences(coin, site), Lines{"argument 5 (is_coinbase): size 1 -> 4"});
    site = SiteOf(coin);
    site.args[1].is_signed = 1;
    EXPECT_EQ(Differences(coin, site), Lines{"argument 2 (index): unsigned -> signed"});
}

TEST_F(ConformanceTest, ChangedAndUnsupported)
{
    auto probes = CoreBinary(m_catalogue);
    Site(probes, "mempool:added").args[1].size = 8;
    auto& flush = Site(probes, "utxocache:flush");
    flush.args.clear();
    flush.arg_error = "argument 1, \"8f@%rax\": floating-point arguments cannot be captured";
    const auto conformance = Check(probes, m_catalogue);
    const ProbeCheck& added{Find(conformance, "mempool:added")};
    EXPECT_EQ(added.verdict, Verdict::Changed);
    EXPECT_EQ(added.row, &Row(id::MEMPOOL_ADDED));
    EXPECT_EQ(added.sites.at(0).row, nullptr);
    const ProbeCheck& unsupported{Find(conformance, "utxocache:flush")};
    EXPECT_EQ(unsupported.verdict, Verdict::Unsupported);
    EXPECT_EQ(unsupported.differences, std::vector<std::string>{flush.arg_error});
    EXPECT_EQ(MatchRow(m_catalogue, flush), nullptr);
    EXPECT_EQ(conformance.Count(Verdict::Matches), 18U);
}

TEST_F(ConformanceTest, OneOddSiteSpoilsTheProbe)
{
    auto probes = CoreBinary(m_catalogue);
    ProbeSite second{SiteOf(Row(id::MEMPOOL_ADDED), 0x9000)};
    second.args[1].size = 8;
    probes.sites.push_back(second);
    second.location = 0xa000;
    probes.sites.push_back(second);
    const auto conformance = Check(probes, m_catalogue);
    const ProbeCheck& added{Find(conformance, "mempool:added")};
    EXPECT_EQ(added.verdict, Verdict::Changed);
    EXPECT_EQ(added.differences.size(), 1U) << "said once";
    ASSERT_EQ(added.sites.size(), 3U);
    EXPECT_NE(added.sites[0].row, nullptr);
    EXPECT_EQ(added.sites[1].row, nullptr);
}

TEST_F(ConformanceTest, TellsTheLayoutsOfMoveToGoodApart)
{
    const auto& now = Row(id::ADDRMAN_MOVE_TO_GOOD);
    const auto& then = Row(id::ADDRMAN_MOVE_TO_GOOD_2023);
    EXPECT_EQ(MatchRow(m_catalogue, SiteOf(now)), &now);
    EXPECT_EQ(MatchRow(m_catalogue, SiteOf(then)), &then);

    auto probes = CoreBinary(m_catalogue);
    probes.sites.push_back(SiteOf(then));
    auto conformance = Check(probes, m_catalogue);
    EXPECT_EQ(Find(conformance, "addrman:move_to_good").verdict, Verdict::Matches);
    EXPECT_EQ(Find(conformance, "addrman:move_to_good").row, &then);

    // Neither: told against the closer one.
    probes.sites.back().args[5].size = 8;
    conformance = Check(probes, m_catalogue);
    EXPECT_EQ(Find(conformance, "addrman:move_to_good").verdict, Verdict::Changed);
    EXPECT_EQ(Find(conformance, "addrman:move_to_good").row, &then);
    EXPECT_EQ(Find(conformance, "addrman:move_to_good").differences, std::vector<std::string>{"argument 6 (source_asn): size 4 -> 8"});
}

TEST_F(ConformanceTest, UserRowsMayBeAbsent)
{
    event::TracepointDef def;
    def.provider = "mine";
    def.name = "probe";
    def.args = {ArgDef{"value", ArgType::Uint, event::Unit::None, 8, 0, 0, ""}};
    const auto row = m_catalogue.AddUser(def);
    ASSERT_TRUE(row);
    auto probes = CoreBinary(m_catalogue);
    EXPECT_EQ(Find(Check(probes, m_catalogue), "mine:probe").verdict, Verdict::Absent);
    probes.sites.push_back(SiteOf(**row));
    EXPECT_EQ(Find(Check(probes, m_catalogue), "mine:probe").verdict, Verdict::Matches);
}

TEST_F(ConformanceTest, CoretapsOwnRowsAreNobodysProbes)
{
    BinaryProbes probes;
    probes.sites.push_back(SiteOf(Row(id::CORETAP_LOST)));
    EXPECT_EQ(MatchRow(m_catalogue, probes.sites[0]), nullptr);
    EXPECT_EQ(Find(Check(probes, m_catalogue), "coretap:lost").verdict, Verdict::Unknown);
}

} // namespace
} // namespace coretap::tracer
