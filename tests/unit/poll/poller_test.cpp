#include "poll/poller.h"

#include <atomic>
#include <condition_variable>
#include <mutex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "poll/log_thread.h"
#include "unit/poll/fake_rpc.h"

namespace coretap::poll_test {
namespace {

using namespace poll;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using Availability = MethodFacts::Availability;

const Results GOOD{{"getpeerinfo", R"([{"id":1,"addr":"a:1","subver":"/x/"}])"},
                   {"getnettotals", R"({"totalbytesrecv":1,"totalbytessent":2})"},
                   {"getmempoolinfo", R"({"size":3})"},
                   {"getblockchaininfo", R"({"chain":"regtest","blocks":4})"},
                   {"getnetworkinfo", R"({"version":310000})"},
                   {"uptime", "5"},
                   {"getmemoryinfo", R"({"locked":{"used":6}})"},
                   {"getaddrmaninfo", R"({"ipv4":{"new":7,"tried":0,"total":7}})"},
                   {"getorphantxs", R"([{"bytes":8,"from":[1]}])"},
                   {"getchaintips", R"([{"height":4,"hash":"h","branchlen":0,"status":"active"}])"},
                   {"getrawaddrman", R"({"new":{"0/0":{"time":1,"network":"ipv4","source_network":"ipv4"}},"tried":{}})"}};

Results Without(const std::string& method)
{
    Results results{GOOD};
    results.erase(method);
    return results;
}

/** A data directory with a cookie, a poller with short intervals, and what it warned. */
class PollerTest : public testing::Test {
protected:
    TemporaryFolder m_datadir;
    std::mutex m_mutex;
    std::vector<std::string> m_warnings;

    void SetUp() override { SetCookie("one"); }
    void SetCookie(const std::string& password) const { m_datadir.Write("regtest/.cookie", "__cookie__:" + password); }
    static std::string AuthorizationOf(const std::string& password)
    {
        return password == "one" ? "Basic X19jb29raWVfXzpvbmU=" : "Basic X19jb29raWVfXzp0d28="; // by base64(1)
    }
    PollerOptions Options(std::uint16_t port, std::chrono::milliseconds every = 30ms)
    {
        PollerOptions options{.place = {0, m_datadir.Path(), "regtest"}};
        options.rpc.port = port;
        options.intervals.fill(every);
        options.http = {.connect_timeout = 1000ms, .answer_timeout = 300ms};
        options.warn = [this](std::string_view text) {
            const std::lock_guard lock{m_mutex};
            m_warnings.emplace_back(text);
        };
        return options;
    }
    std::vector<std::string> Warnings()
    {
        const std::lock_guard lock{m_mutex};
        return m_warnings;
    }
    static const MethodFacts& Of(const NodeFacts& facts, RpcMethod method) { return facts.methods[static_cast<std::size_t>(method)]; }
};

TEST_F(PollerTest, EverythingIsAskedAndShown)
{
    FakeRpc server{[](const Request& request) { return request.Has(AuthorizationOf("one")) ? Answer(request, GOOD) : Http(401, ""); }};
    const Poller poller{Options(server.Port())};
    ASSERT_TRUE(Eventually([&] { return poller.Latest()->raw_addrman && Of(*poller.Latest(), RpcMethod::Uptime).successes > 3; }));
    const auto facts{poller.Latest()};
    EXPECT_EQ(RpcState::Ok, facts->state);
    EXPECT_EQ("", facts->state_text);
    EXPECT_EQ("127.0.0.1:" + std::to_string(server.Port()), facts->rpc_address);
    EXPECT_EQ(1, facts->peers->peers.at(0).id);
    EXPECT_EQ(2u, facts->net_totals->totalbytessent);
    EXPECT_EQ(3u, facts->mempool->size);
    EXPECT_EQ(4, facts->blockchain->blocks);
    EXPECT_EQ(310000, facts->network->version);
    EXPECT_EQ(5, facts->uptime_s);
    EXPECT_EQ(6u, facts->memory->used_bytes);
    EXPECT_EQ(7u, facts->addrman->networks.at("ipv4").in_new);
    EXPECT_EQ(8u, facts->orphans->bytes);
    EXPECT_EQ("active", facts->chain_tips->tips.at(0).status);
    EXPECT_EQ(1u, facts->raw_addrman->in_new.all.too_old);
    for (const MethodFacts& method : facts->methods) {
        EXPECT_EQ(Availability::Yes, method.availability);
        EXPECT_GT(method.duration_ns, 0);
        EXPECT_TRUE(method.last_success_utc_ns);
        EXPECT_EQ(0u, method.failures) << method.last_error;
    }
    EXPECT_EQ(1, server.Connections());
    EXPECT_THAT(Warnings(), ElementsAre());
    EXPECT_EQ('[', server.Requests().at(0).body.at(0)); // small ones together
}

TEST_F(PollerTest, AMissingMethodIsSaidOnceAndNotAskedAgain)
{
    FakeRpc server{[](const Request& request) { return Answer(request, Without("getorphantxs")); }};
    const Poller poller{Options(server.Port())};
    ASSERT_TRUE(Eventually([&] { return Of(*poller.Latest(), RpcMethod::Uptime).successes > 5; }));
    EXPECT_EQ(Availability::Missing, Of(*poller.Latest(), RpcMethod::OrphanTxs).availability);
    EXPECT_FALSE(poller.Latest()->orphans);
    EXPECT_EQ(RpcState::Ok, poller.Latest()->state);
    EXPECT_EQ(1u, server.Asked("getorphantxs"));
    EXPECT_THAT(Warnings(), ElementsAre(AllOf(HasSubstr("no RPC getorphantxs"), HasSubstr("not asked again"))));
}

TEST_F(PollerTest, AWhitelistThatLacksAMethodCostsThatMethodOnly)
{
    FakeRpc server{[](const Request& request) { // bitcoind forbids a whole batch for one of its methods
        return request.body.find("getmemoryinfo") != std::string::npos ? Http(403, "") : Answer(request, GOOD);
    }};
    const Poller poller{Options(server.Port())};
    ASSERT_TRUE(Eventually([&] { return Of(*poller.Latest(), RpcMethod::Uptime).successes > 5; }));
    EXPECT_EQ(Availability::Forbidden, Of(*poller.Latest(), RpcMethod::MemoryInfo).availability);
    EXPECT_EQ(2u, server.Asked("getmemoryinfo"));
    EXPECT_TRUE(poller.Latest()->mempool);
    EXPECT_THAT(Warnings(), ElementsAre(HasSubstr("forbids getmemoryinfo")));
}

TEST_F(PollerTest, EverythingForbiddenIsAState)
{
    FakeRpc server{[](const Request&) { return Http(403, ""); }};
    const Poller poller{Options(server.Port())};
    ASSERT_TRUE(Eventually([&] { return poller.Latest()->state == RpcState::Forbidden; }));
    EXPECT_THAT(poller.Latest()->state_text, HasSubstr("-rpcallowip"));
}

TEST_F(PollerTest, ARestartWithAnotherCookieIsFollowed)
{
    std::optional<FakeRpc> server{
        std::in_place, [](const Request& request) { return request.Has(AuthorizationOf("one")) ? Answer(request, GOOD) : Http(401, ""); }};
    const std::uint16_t port{server->Port()};
    const Poller poller{Options(port)};
    ASSERT_TRUE(Eventually([&] { return poller.Latest()->state == RpcState::Ok; }));
    server.reset();
    ASSERT_TRUE(Eventually([&] { return poller.Latest()->state == RpcState::Unreachable; }));
    EXPECT_THAT(poller.Latest()->state_text, HasSubstr("nobody listens"));
    EXPECT_TRUE(poller.Latest()->peers); // as of last_success_utc_ns, for a while
    SetCookie("two");
    server.emplace(
        [](const Request& request) {
            if (!request.Has(AuthorizationOf("two"))) return Http(401, "");
            return Answer(request, GOOD);
        },
        port);
    ASSERT_TRUE(Eventually([&] { return poller.Latest()->state == RpcState::Ok; }));
    EXPECT_EQ(1u, poller.Latest()->reconnects);
    for (const Request& request : server->Requests()) EXPECT_TRUE(request.Has(AuthorizationOf("two")));
    const auto warnings{Warnings()};
    ASSERT_GE(warnings.size(), 2u);
    EXPECT_LE(warnings.size(), 3u); // between them, that the connection ended
    EXPECT_THAT(warnings.back(), HasSubstr("answers again"));
}

TEST_F(PollerTest, ANewCookieUnderARunningConnectionCostsOneRound)
{
    std::atomic<bool> second{false};
    FakeRpc server{[&](const Request& request) {
        return request.Has(AuthorizationOf(second ? "two" : "one")) ? Answer(request, GOOD) : Http(401, "");
    }};
    const Poller poller{Options(server.Port())};
    ASSERT_TRUE(Eventually([&] { return Of(*poller.Latest(), RpcMethod::Uptime).successes > 1; }));
    SetCookie("two");
    second = true;
    const auto before{Of(*poller.Latest(), RpcMethod::Uptime).successes};
    ASSERT_TRUE(Eventually([&] { return Of(*poller.Latest(), RpcMethod::Uptime).successes > before + 3; }));
    EXPECT_THAT(Warnings(), ElementsAre());
}

TEST_F(PollerTest, AWrongPasswordIsTriedOnceAMinute)
{
    FakeRpc server{[](const Request&) { return Http(401, ""); }};
    const Poller poller{Options(server.Port(), 1ms)};
    ASSERT_TRUE(Eventually([&] { return poller.Latest()->state == RpcState::Unauthorized; }));
    EXPECT_THAT(poller.Latest()->state_text, AllOf(HasSubstr("401"), HasSubstr("the node's cookie")));
    std::this_thread::sleep_for(2500ms); // it looks for another cookie meanwhile
    EXPECT_EQ(1u, server.Requests().size());
    EXPECT_EQ(1u, Warnings().size());
    SetCookie("two");
    EXPECT_TRUE(Eventually([&] { return server.Requests().size() > 1; }));
}

TEST_F(PollerTest, NoCookieAndThenOne)
{
    std::filesystem::remove(m_datadir.Path("regtest/.cookie"));
    FakeRpc server{[](const Request& request) { return Answer(request, GOOD); }};
    const Poller poller{Options(server.Port())};
    ASSERT_TRUE(Eventually([&] { return poller.Latest()->state == RpcState::NoPassword; }));
    EXPECT_THAT(poller.Latest()->state_text, HasSubstr(".cookie"));
    SetCookie("one");
    ASSERT_TRUE(Eventually([&] { return poller.Latest()->state == RpcState::Ok; }));
    EXPECT_THAT(Warnings(), ElementsAre(HasSubstr("no RPC password"), HasSubstr("answers again")));
}

TEST_F(PollerTest, WarmingUpOverloadedAndGarbageAreStates)
{
    std::atomic<int> phase{0};
    FakeRpc server{[&](const Request& request) {
        switch (phase.load()) {
        case 0: return Http(200, R"([{"result":null,"error":{"code":-28,"message":"Loading block index…"},"id":0}])");
        case 1: return Http(503, "Work queue depth exceeded");
        case 2: return Reply{"garbage\r\n\r\n", true};
        case 3: return Reply{"", false, 10s};
        default: return Answer(request, GOOD);
        }
    }};
    const Poller poller{Options(server.Port())};
    const std::vector<RpcState> states{RpcState::WarmingUp, RpcState::Overloaded, RpcState::Failing};
    for (const RpcState state : states) {
        ASSERT_TRUE(Eventually([&] { return poller.Latest()->state == state; })) << phase;
        ++phase;
    }
    phase = 4;
    ASSERT_TRUE(Eventually([&] { return poller.Latest()->state == RpcState::Ok; }));
    EXPECT_EQ(1u, poller.Latest()->reconnects);
}

TEST_F(PollerTest, OneMethodThatFailsIsWarnedOfOnceAndTheRestGoesOn)
{
    FakeRpc server{[](const Request& request) {
        Results results{GOOD};
        results["getpeerinfo"] = R"("surprise")";
        results["getrawaddrman"] = "7";
        return Answer(request, results);
    }};
    const Poller poller{Options(server.Port(), 2ms)};
    ASSERT_TRUE(Eventually([&] {
        const auto facts{poller.Latest()};
        return Of(*facts, RpcMethod::PeerInfo).failures > 2 && Of(*facts, RpcMethod::RawAddrman).failures > 2;
    }));
    const auto facts{poller.Latest()};
    EXPECT_EQ(RpcState::Ok, facts->state);
    EXPECT_TRUE(facts->mempool);
    EXPECT_FALSE(facts->peers);
    EXPECT_THAT(Of(*facts, RpcMethod::PeerInfo).last_error, HasSubstr("should be an array and is a string"));
    EXPECT_THAT(Warnings(), testing::UnorderedElementsAre(HasSubstr("getpeerinfo"), HasSubstr("getrawaddrman")));
    // more and more seldom
    EXPECT_LT(Of(*facts, RpcMethod::PeerInfo).failures * 2, Of(*facts, RpcMethod::Uptime).successes + 10);
}

TEST_F(PollerTest, MethodsCanBeOff)
{
    FakeRpc server{[](const Request& request) { return Answer(request, GOOD); }};
    PollerOptions options{Options(server.Port())};
    options.intervals[static_cast<std::size_t>(RpcMethod::RawAddrman)] = 0ms;
    std::atomic<int> rounds{0};
    options.on_facts = [&](const std::shared_ptr<const NodeFacts>& facts) {
        EXPECT_GT(facts->utc_ns, 0);
        ++rounds;
    };
    const Poller poller{std::move(options)};
    ASSERT_TRUE(Eventually([&] { return rounds > 3; }));
    EXPECT_EQ(Availability::Off, Of(*poller.Latest(), RpcMethod::RawAddrman).availability);
    EXPECT_EQ(0u, server.Asked("getrawaddrman"));
}

TEST_F(PollerTest, ItEndsAtOnceInTheMiddleOfACall)
{
    FakeRpc server{[](const Request&) { return Reply{"", false, 60s}; }};
    PollerOptions options{Options(server.Port())};
    options.http.answer_timeout = 60s;
    const auto began{std::chrono::steady_clock::now()};
    {
        const Poller poller{std::move(options)};
        ASSERT_TRUE(Eventually([&] { return !server.Requests().empty(); }));
    }
    EXPECT_LT(std::chrono::steady_clock::now() - began, 10s);
}

TEST_F(PollerTest, CountersGoOnWithAnotherPoller)
{
    FakeRpc server{[](const Request& request) { return Answer(request, GOOD); }};
    NodeFacts before;
    {
        Poller poller{Options(server.Port())};
        ASSERT_TRUE(Eventually([&] { return Of(*poller.Latest(), RpcMethod::Uptime).successes > 2; }));
        before = CountersOf(*poller.Latest());
        EXPECT_FALSE(before.peers);
        EXPECT_GT(Of(before, RpcMethod::Uptime).successes, 2U);
    }
    PollerOptions options{Options(server.Port(), 1h)};
    options.before = before;
    Poller poller{std::move(options)};
    const std::uint64_t uptimes{Of(before, RpcMethod::Uptime).successes};
    EXPECT_GE(Of(*poller.Latest(), RpcMethod::Uptime).successes, uptimes); // from its beginning
    ASSERT_TRUE(Eventually([&] { return Of(*poller.Latest(), RpcMethod::Uptime).successes == uptimes + 1; }));
    EXPECT_GT(Of(*poller.Latest(), RpcMethod::Uptime).duration_total_ns, Of(before, RpcMethod::Uptime).duration_total_ns);
}

/** Hangs in every open() until the test ends, and counts them. */
struct HangingFiles {
    std::mutex mutex;
    std::condition_variable changed;
    std::atomic<int> opens{0};
    bool hang{true};

    util::Result<util::Fd> Open()
    {
        std::unique_lock lock{mutex};
        ++opens;
        changed.notify_all();
        changed.wait(lock, [this] { return !hang; });
        return util::Error{util::Errc::NotFound, "it was nothing"};
    }
    void WaitForBoth()
    {
        std::unique_lock lock{mutex};
        changed.wait(lock, [this] { return opens == 2; }); // the poller's and the log's
    }
    void GoOn()
    {
        const std::lock_guard lock{mutex};
        hang = false;
        changed.notify_all();
    }
};

TEST_F(PollerTest, AFileSystemThatHangsHoldsNobodyUp)
{
    const auto files{std::make_shared<HangingFiles>()};
    PollerOptions options{Options(1)};
    options.open = [files](const OpenRequest&) { return files->Open(); };
    auto poller{std::make_unique<Poller>(std::move(options))};
    auto log{std::make_unique<LogThread>(LogFollowerOptions{.open = [files] { return files->Open(); }})};
    files->WaitForBoth();
    const auto start{std::chrono::steady_clock::now()};
    poller->Stop();
    log->Stop();
    EXPECT_LT(std::chrono::steady_clock::now() - start, 200ms);
    EXPECT_FALSE(poller->Ended());
    poller.reset();
    log.reset();
    const auto took{std::chrono::steady_clock::now() - start};
    EXPECT_GE(took, LEAVE_PATIENCE); // for those who can end
    EXPECT_LT(took, LEAVE_PATIENCE + 1s);
    // it is left to itself, asks for no other file, and says nothing more
    const int opens{files->opens};
    const auto warnings{Warnings()};
    files->GoOn();
    ASSERT_TRUE(Eventually([&] { return files.use_count() == 1; }));
    EXPECT_EQ(opens, files->opens.load());
    EXPECT_EQ(warnings, Warnings());
}

} // namespace
} // namespace coretap::poll_test
