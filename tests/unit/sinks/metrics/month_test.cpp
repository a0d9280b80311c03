// A month of strangers, as it is scraped: neither the text nor the memory behind it may grow.
#include <malloc.h>

#include <algorithm>

#include <gtest/gtest.h>

#include "sinks/metrics/metrics.h"
#include "unit/state/state_fixture.h"

namespace coretap::sinks::metrics {
namespace {

using state::PeerKind;
using state::Script;
using state::VersionOf;
namespace id = event::id;

constexpr std::int64_t PEERS{1'000'000};
constexpr std::int64_t AGENTS{100'000};
constexpr double BETWEEN_PEERS_MS{30.0 * 86'400'000 / PEERS};

/** One that comes, says who it is, makes something up, and goes: mostly seen to. */
void Visit(Script& script, std::int64_t peer)
{
    const auto byte = [](std::int64_t value) { return std::to_string(value % 256); };
    const PeerKind kind{std::to_string(1 + peer % 200) + "." + byte(peer >> 8) + "." + byte(peer >> 16) + ".9:8333", "inbound"};
    script.After(BETWEEN_PEERS_MS).Connection(id::INBOUND_CONNECTION, peer, 100, kind);
    const std::string agent{"/mayfly\xff\n\":" + std::to_string(peer / (PEERS / AGENTS)) + "/"}; // each by ten, of ten networks
    auto version{VersionOf(agent)};
    version.version = static_cast<std::int32_t>(peer % 7 == 0 ? 70'016 : peer);
    version.services = static_cast<std::uint64_t>(peer) * 0x9e3779b97f4a7c15;
    script.In(peer, "version", sim::EncodeVersion(version), kind).In(peer, "verack", {}, kind);
    if (peer % 5 == 0)
        script.In(peer, "feefilter", sim::EncodeFeeFilter(peer), kind)
            .In(peer, "ping", sim::EncodeNonce(static_cast<std::uint64_t>(peer)), kind);
    if (peer % 7 == 0)
        script.In(peer, "inv", state::InvOf(2, {static_cast<std::uint8_t>(peer), static_cast<std::uint8_t>(peer >> 8)}), kind);
    if (peer % 11 == 0) script.In(peer, "made-up" + byte(peer), sim::Bytes(3), kind).In(peer, "headers", sim::Bytes(3), kind);
    if (peer % 13 == 0) script.In(peer, "reject", sim::EncodeReject("t" + byte(peer), static_cast<std::uint8_t>(peer), "why", {}), kind);
    if (peer % 50 == 0) script.Misbehaving(peer, "reason " + std::to_string(peer));
    if (peer % 50 == 1) {
        script.Fire(id::MEMPOOL_REJECTED,
                    [&](event::RecordBuilder& to) { to.Bytes(std::vector<std::byte>(32)).Str("reject " + std::to_string(peer)); });
    }
    if (peer % 100 != 0) script.Closed(peer, state::START_NS / 1'000'000'000, kind);
}

struct Scraped {
    std::size_t bytes{0}, series{0}, heap{0};
};
Scraped Of(Script& script)
{
    Scraped scrape;
    {
        const std::string text{Render(*script.Take(), {}, Format::OpenMetrics)};
        scrape.bytes = text.size();
        scrape.series = static_cast<std::size_t>(std::ranges::count(text, '\n') - std::ranges::count(text, '#'));
    }
    scrape.heap = ::mallinfo2().uordblks;
    return scrape;
}

TEST(Month, AMillionPeersAndAHundredThousandUserAgents)
{
    Script script;
    script.Found();
    Scraped early;
    for (std::int64_t peer{0}; peer < PEERS; ++peer) {
        Visit(script, peer);
        if (peer % 5000 == 0) script.Take();
        if (peer == PEERS / 5) early = Of(script);
    }
    const Scraped late{Of(script)};
    EXPECT_LT(late.bytes, early.bytes + (4U << 10)) << "more than digits";
    EXPECT_NEAR(static_cast<double>(late.series), static_cast<double>(early.series), 2) << "but for who is connected at the moment";
    EXPECT_LT(late.heap, early.heap + (1U << 20));
    EXPECT_LT(late.bytes, 150U << 10);
    EXPECT_GT(late.series, 700U);
    // bench/state.py shows them
    RecordProperty("metrics_bytes", std::to_string(late.bytes));
    RecordProperty("metrics_growth_bytes", std::to_string(static_cast<std::ptrdiff_t>(late.bytes - early.bytes)));
    RecordProperty("heap_bytes", std::to_string(late.heap));
    RecordProperty("heap_growth_bytes", std::to_string(static_cast<std::ptrdiff_t>(late.heap - early.heap)));
}

} // namespace
} // namespace coretap::sinks::metrics
