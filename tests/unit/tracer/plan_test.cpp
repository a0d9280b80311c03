#include "tracer/plan.h"

#include <gtest/gtest.h>

#include "site_of_row.h"

namespace coretap::tracer {
namespace {

namespace id = event::id;
using event::ArgDef;
using event::ArgType;
using test::SiteOf;
using util::Errc;

ArgDef Arg(std::string name, ArgType type, std::uint32_t bound = 0, std::uint8_t length_arg = 0)
{
    return {std::move(name), type, event::Unit::None, 8, bound, length_arg, ""};
}

class PlanTest : public ::testing::Test {
protected:
    event::Catalogue m_catalogue;

    const event::TracepointDef& Row(std::uint16_t row_id) const { return *m_catalogue.Find(row_id); }

    event::TracepointDef UserRow(std::vector<ArgDef> args)
    {
        event::TracepointDef def;
        def.provider = "mine";
        def.name = "probe" + std::to_string(m_catalogue.Rows().size());
        def.args = std::move(args);
        const auto row = m_catalogue.AddUser(def);
        EXPECT_TRUE(row);
        return **row;
    }
};

TEST_F(PlanTest, EveryBuiltInRowHasOne)
{
    for (const event::TracepointDef* row : m_catalogue.Rows()) {
        if (row->origin == event::Origin::Coretap) continue;
        const auto plan = MakePlan(*row, SiteOf(*row));
        ASSERT_TRUE(plan) << plan.GetError().what;
        EXPECT_EQ(plan->tracepoint, row->id);
        EXPECT_EQ(plan->nargs, row->args.size());
        EXPECT_EQ(plan->mode, CT_MODE_DELIVER);
        EXPECT_EQ(plan->reserved, 0);
        EXPECT_EQ(plan->outbound, row->id == id::OUTBOUND_MESSAGE ? 1 : 0);
        for (std::size_t i{0}; i < plan->nargs; ++i) {
            EXPECT_EQ(plan->args[i].spec.size, row->args[i].size);
            EXPECT_EQ(plan->args[i].reserved, 0);
        }
    }
}

TEST_F(PlanTest, Message)
{
    const auto plan = MakePlan(Row(id::INBOUND_MESSAGE), SiteOf(Row(id::INBOUND_MESSAGE)));
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->handler, CT_HANDLER_MESSAGE);
    const auto& payload = plan->args[event::message_arg::PAYLOAD];
    EXPECT_EQ(payload.type, CT_TYPE_BYTES);
    EXPECT_EQ(payload.bound, std::uint32_t{CT_MAX_PAYLOAD});
    EXPECT_EQ(payload.len_arg, event::message_arg::SIZE);
    EXPECT_EQ(plan->args[event::message_arg::PEER_ID].type, CT_TYPE_INT);
    EXPECT_EQ(plan->args[event::message_arg::PEER_ID].bound, 0U);
    EXPECT_EQ(plan->args[event::message_arg::ADDR].type, CT_TYPE_STRING);
    EXPECT_EQ(plan->args[event::message_arg::ADDR].bound, 260U);
}

TEST_F(PlanTest, CoinAndGeneric)
{
    const auto coin = MakePlan(Row(id::UTXOCACHE_SPENT), SiteOf(Row(id::UTXOCACHE_SPENT)));
    ASSERT_TRUE(coin);
    EXPECT_EQ(coin->handler, CT_HANDLER_COIN);
    EXPECT_EQ(coin->args[0].type, CT_TYPE_HASH);
    EXPECT_EQ(coin->args[0].bound, 32U);
    EXPECT_EQ(coin->args[4].type, CT_TYPE_INT);

    const auto generic = MakePlan(Row(id::BLOCK_CONNECTED), SiteOf(Row(id::BLOCK_CONNECTED)));
    ASSERT_TRUE(generic);
    EXPECT_EQ(generic->handler, CT_HANDLER_GENERIC);
}

TEST_F(PlanTest, ASiteThatDiffersIsRefused)
{
    for (const std::uint16_t row_id : {id::INBOUND_MESSAGE, id::UTXOCACHE_ADD, id::MEMPOOL_ADDED, id::ADDRMAN_ATTEMPT_ADD}) {
        const auto& row = Row(row_id);
        ProbeSite site{SiteOf(row)};
        site.args.pop_back();
        auto plan = MakePlan(row, site);
        ASSERT_FALSE(plan) << row.FullName();
        EXPECT_EQ(plan.GetError().code, Errc::Unsupported);

        site = SiteOf(row);
        for (std::size_t i{0}; i < site.args.size(); ++i) {
            site = SiteOf(row);
            site.args[i].size = 2;
            plan = MakePlan(row, site);
            ASSERT_FALSE(plan) << row.FullName() << " " << i;
            EXPECT_NE(plan.GetError().what.find(row.FullName()), std::string::npos);
        }

        site = SiteOf(row);
        site.args.emplace_back();
        EXPECT_TRUE(MakePlan(row, site)) << "an argument more at the end does no harm";

        site = SiteOf(row);
        site.arg_error = "odd";
        EXPECT_FALSE(MakePlan(row, site));
    }
}

TEST_F(PlanTest, UserRowsTolerateOtherIntegersButNoShortPointers)
{
    const auto row = UserRow({Arg("number", ArgType::Int), Arg("text", ArgType::String), Arg("data", ArgType::Bytes, 1 << 30, 0)});
    ProbeSite site{SiteOf(row)};
    site.args[0].size = 4;
    site.args[0].is_signed = 0;
    const auto plan = MakePlan(row, site);
    ASSERT_TRUE(plan) << plan.GetError().what;
    EXPECT_EQ(plan->args[0].spec.size, 4);
    EXPECT_EQ(plan->args[1].bound, std::uint32_t{CT_MAX_STRING}) << "no bound: the limit";
    EXPECT_EQ(plan->args[2].bound, std::uint32_t{CT_MAX_BYTES}) << "clipped";
    EXPECT_EQ(plan->args[2].len_arg, 0);
    EXPECT_GE(plan->tracepoint, CT_USER_BASE);

    site = SiteOf(row);
    site.args[1].size = 4;
    EXPECT_FALSE(MakePlan(row, site));
    site = SiteOf(row);
    site.args.pop_back();
    EXPECT_FALSE(MakePlan(row, site));
}

TEST_F(PlanTest, RowsThatCannotBeFollowed)
{
    const auto code = [](const event::TracepointDef& row) {
        const auto plan = MakePlan(row, SiteOf(row));
        return plan ? Errc::Io : plan.GetError().code;
    };
    EXPECT_EQ(code(UserRow(std::vector<ArgDef>(CT_MAX_ARGS, Arg("n", ArgType::Int)))), Errc::Io) << "just enough";
    EXPECT_EQ(code(UserRow(std::vector<ArgDef>(CT_MAX_ARGS + 1, Arg("n", ArgType::Int)))), Errc::Usage);
    EXPECT_EQ(code(UserRow({Arg("data", ArgType::Bytes, 0, 5)})), Errc::Usage) << "length of nothing";
    EXPECT_EQ(code(UserRow({Arg("data", ArgType::Bytes, 0, 0)})), Errc::Usage) << "length of itself";
}

} // namespace
} // namespace coretap::tracer
