// Payloads that are cut, damaged, or not what they say they are.
#include "unit/state/state_fixture.h"

#include "sim/wire_samples.h"

namespace coretap::state {
namespace {

TEST(Hostile, EveryMessageCutAtEveryByte)
{
    sim::Rng rng{7};
    Script script;
    std::uint64_t messages{0};
    for (const sim::MessageSample& sample : sim::MessageSamples()) {
        const std::string_view type{sample.type};
        const sim::Bytes payload{sim::SamplePayload(type, rng)};
        const std::size_t step{std::max<std::size_t>(1, payload.size() / 200)};
        for (std::size_t captured{0}; captured <= payload.size(); captured += step) {
            for (const bool in : {true, false}) {
                script.After(0.1).Message(in, 1, type, payload, {}, captured);
                ++messages;
            }
            sim::Bytes shorter{payload.begin(), payload.begin() + static_cast<std::ptrdiff_t>(captured)};
            script.In(2, type, shorter);
            if (!shorter.empty()) shorter[rng.Below(shorter.size())] ^= static_cast<std::uint8_t>(1U << rng.Below(8));
            script.In(3, type, shorter).Out(3, type, shorter);
            messages += 3;
        }
    }
    const auto node{script.Node()};
    std::uint64_t counted{0};
    for (const Peer& peer : node->peers) {
        for (const auto& direction : peer.messages) {
            for (const MessageCount& count : direction) counted += count.count;
        }
    }
    EXPECT_EQ(counted, messages);
    EXPECT_EQ(PeerOf(*node, 1).undecodable, 0U); // that we cut them is not their fault
    EXPECT_GT(PeerOf(*node, 2).undecodable, 100U);
    EXPECT_LE(node->blocks.size(), NodeSnapshot::MAX_BLOCKS);
}

TEST(Hostile, ArgumentsThatCouldNotBeRead)
{
    Script script;
    for (std::uint16_t faults{0}; faults < 64; ++faults) {
        script.Message(true, 1, "addrv2", sim::EncodeAddrV2({}), {}, SIZE_MAX, faults);
    }
    std::uint64_t total{0};
    const auto node{script.Node()};
    for (const auto& counts : node->messages[0]) {
        for (const MessageCount& count : counts) total += count.count;
    }
    EXPECT_EQ(total, 64U);
    EXPECT_EQ(script.Node()->peers.size(), 1U); // those without an id are nobody's
}

TEST(Hostile, NumbersFromTheEdge)
{
    Script script;
    for (const std::int64_t edge : {INT64_MIN, INT64_MAX, std::int64_t{-1}}) {
        for (int i{0}; i < 3; ++i) {
            script.Connection(event::id::CLOSED_CONNECTION, edge, edge, {}, static_cast<std::uint64_t>(edge));
            script.Connection(event::id::INBOUND_CONNECTION, edge, edge);
            script.BlockConnected({static_cast<std::uint8_t>(i)}, edge, -1);
            script.Fire(event::id::MEMPOOL_ADDED,
                        [&](event::RecordBuilder& to) { to.Bytes(std::vector<std::byte>(32)).Int(edge).Int(edge); });
            script.Fire(event::id::MEMPOOL_REMOVED,
                        [&](event::RecordBuilder& to) { to.Bytes(std::vector<std::byte>(32)).Str("block").Int(edge).Int(edge).Int(edge); });
            script.Fire(event::id::UTXOCACHE_FLUSH,
                        [&](event::RecordBuilder& to) { to.Int(edge).Int(edge).Int(edge).Int(edge).Int(edge); });
            sim::VersionFields version{VersionOf()};
            version.version = INT32_MIN;
            version.services = ~0ULL;
            version.time = edge;
            version.height = INT32_MAX;
            script.In(edge, "version", sim::EncodeVersion(version));
        }
    }
    EXPECT_EQ(script.Node()->mempool.added.count, 9U);
}

} // namespace
} // namespace coretap::state
