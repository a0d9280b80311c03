// How fast payloads become views, and what their ids cost. bench/wire.py runs this beside Bitcoin Core's own benchmark and
// writes build/bench/wire.json; bench/README.md says what the figures mean.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "sim/firehose.h"
#include "sim/wire_samples.h"
#include "wire/message.h"

namespace coretap::wire {
namespace {

// ---- what is decoded --------------------------------------------------------------------------------------------

struct Payload {
    MessageType type;
    sim::Bytes bytes;
    ByteView View() const { return std::as_bytes(std::span{bytes}); }
};

/** Mainnet block 413567, as a `block` message has it; empty if there is no such file. */
const Payload& Block413567()
{
    static const Payload BLOCK = [] {
        const char* const shared{std::getenv("CORETAP_SHARED")};
        std::ifstream file{(shared ? std::string{shared} : CORETAP_SOURCE_DIR "/../shared") + "/data/block413567.raw", std::ios::binary};
        return Payload{MessageType::Block, sim::Bytes{std::istreambuf_iterator<char>{file}, {}}};
    }();
    return BLOCK;
}

/** What a busy node sees: the stand-in's firehose. */
struct Mix {
    std::vector<Payload> pool;
    std::vector<std::uint32_t> order;
    std::uint64_t bytes{0}; //!< of one round through the order

    Mix()
    {
        sim::Rng rng{413'567};
        const sim::Firehose firehose{rng};
        for (const sim::Prebuilt& message : firehose.pool) pool.push_back({MessageTypeOf(message.type), message.payload});
        for (const std::uint32_t pick : firehose.order) {
            order.push_back(pick & ~sim::Firehose::OUTBOUND);
            bytes += pool[order.back()].bytes.size();
        }
    }
};

// ---- walking: every field of every element, added up so that nothing is left out --------------------------------------------

std::uint64_t Walk(const Tx& tx)
{
    std::uint64_t sum{tx.lock_time};
    for (const TxIn& in : tx.inputs)
        sum += in.prevout_index + in.script_sig.size() + in.sequence + std::to_integer<unsigned>(in.prevout_txid[0]);
    for (const TxOut& out : tx.outputs) sum += static_cast<std::uint64_t>(out.value) + out.script_pubkey.size();
    for (const WitnessItems& stack : tx.witness) {
        for (const ByteView& item : stack) sum += item.size();
    }
    return sum;
}

std::uint64_t Walk(const Decoded& decoded)
{
    std::uint64_t sum{0};
    if (const auto* inv = std::get_if<InvMsg>(&decoded.message)) {
        for (const InvEntry& entry : inv->entries) sum += entry.type + std::to_integer<unsigned>(entry.hash[0]);
    } else if (const auto* tx = std::get_if<TxMsg>(&decoded.message)) {
        sum += Walk(tx->tx);
    } else if (const auto* block = std::get_if<BlockMsg>(&decoded.message)) {
        for (const Tx& each : block->txs) sum += Walk(each);
    } else if (const auto* ping = std::get_if<PingMsg>(&decoded.message)) {
        sum += ping->nonce.value_or(0);
    } else if (const auto* headers = std::get_if<HeadersMsg>(&decoded.message)) {
        for (const HeaderEntry& entry : headers->entries) sum += entry.header.nonce + entry.tx_count;
    } else if (const auto* addr = std::get_if<AddrV2Msg>(&decoded.message)) {
        for (const AddressEntry& entry : addr->entries) sum += entry.time + entry.services + entry.address.port;
    } else if (const auto* cmpct = std::get_if<CmpctBlockMsg>(&decoded.message)) {
        for (const std::uint64_t id : cmpct->short_ids) sum += id;
        for (const PrefilledTx& each : cmpct->prefilled) sum += each.difference + Walk(each.tx);
    }
    return sum;
}

Decoded DecodeOf(const Payload& payload) { return Decode(payload.type, payload.View(), payload.bytes.size()); }

// ---- benchmarks --------------------------------------------------------------------------------------------------

bool HaveBlock(benchmark::State& state)
{
    if (!Block413567().bytes.empty()) return true;
    state.SkipWithError("no data/block413567.raw below ../shared or CORETAP_SHARED");
    return false;
}

void BlockViews(benchmark::State& state)
{
    if (!HaveBlock(state)) return;
    for ([[maybe_unused]] auto _ : state) {
        const Decoded decoded{DecodeOf(Block413567())};
        if (decoded.status != Status::Whole) std::abort();
        benchmark::DoNotOptimize(Walk(decoded));
    }
}
BENCHMARK(BlockViews)->Name("block413567/views")->Unit(benchmark::kMillisecond);

void BlockIds(benchmark::State& state)
{
    if (!HaveBlock(state)) return;
    for ([[maybe_unused]] auto _ : state) {
        const Decoded decoded{DecodeOf(Block413567())};
        std::uint64_t sum{Walk(decoded)};
        for (const Tx& tx : std::get<BlockMsg>(decoded.message).txs) {
            const TxIds ids{IdsOf(tx)};
            sum += std::to_integer<unsigned>(ids.txid[0]) + std::to_integer<unsigned>(ids.wtxid[0]);
        }
        benchmark::DoNotOptimize(sum);
    }
}
BENCHMARK(BlockIds)->Name("block413567/ids")->Unit(benchmark::kMillisecond);

template <bool WALK>
void MixOf(benchmark::State& state)
{
    static const Mix MIX;
    for ([[maybe_unused]] auto _ : state) {
        for (const std::uint32_t pick : MIX.order) {
            const Decoded decoded{DecodeOf(MIX.pool[pick])};
            benchmark::DoNotOptimize(&decoded);
            benchmark::ClobberMemory();
            if constexpr (WALK) benchmark::DoNotOptimize(Walk(decoded));
        }
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * MIX.order.size()));
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * MIX.bytes));
}
BENCHMARK(MixOf<false>)->Name("mix/views");
BENCHMARK(MixOf<true>)->Name("mix/walk");

void OneType(benchmark::State& state, MessageType type)
{
    sim::Rng rng{1};
    std::vector<Payload> payloads;
    for (int i{0}; i < 64; ++i) payloads.push_back({type, sim::SamplePayload(MessageTypeNames()[static_cast<std::size_t>(type)], rng)});
    std::size_t next{0};
    for ([[maybe_unused]] auto _ : state) {
        const Decoded decoded{DecodeOf(payloads[next++ % payloads.size()])};
        benchmark::DoNotOptimize(&decoded);
        benchmark::ClobberMemory();
    }
}

void Sha256dOf(benchmark::State& state)
{
    sim::Rng rng{1};
    const sim::Bytes bytes{rng.Blob(static_cast<std::size_t>(state.range(0)))};
    for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(Sha256d(std::as_bytes(std::span{bytes})));
}
BENCHMARK(Sha256dOf)->Name("sha256d")->Arg(80)->Arg(250)->Arg(640)->Arg(1'000'000);

void HostPort(benchmark::State& state, sim::Network network)
{
    sim::Rng rng{1};
    const sim::Bytes bytes{sim::EncodeAddrV2({{0, 0, sim::RandomAddress(rng, network)}})};
    const Decoded decoded{Decode(MessageType::AddrV2, std::as_bytes(std::span{bytes}), bytes.size())};
    const NetAddress address{std::get<AddrV2Msg>(decoded.message).entries.begin()->address};
    std::string text;
    for ([[maybe_unused]] auto _ : state) {
        text.clear();
        AppendHostPort(text, address);
        benchmark::DoNotOptimize(text.data());
    }
}

/** Types that matter, and those with a payload that is not of a kind with another's. */
constexpr MessageType TIMED[]{
    MessageType::Version, MessageType::Inv,       MessageType::Tx,         MessageType::Ping,        MessageType::Headers,
    MessageType::Addr,    MessageType::AddrV2,    MessageType::Block,      MessageType::CmpctBlock,  MessageType::BlockTxn,
    MessageType::Verack,  MessageType::CFilter,   MessageType::CFCheckpt,  MessageType::GetBlockTxn, MessageType::GetHeaders,
    MessageType::Reject,  MessageType::SendCmpct, MessageType::FilterLoad, MessageType::MerkleBlock, MessageType::FeeFilter,
};

} // namespace
} // namespace coretap::wire

int main(int argc, char** argv)
{
    using namespace coretap;
    for (const wire::MessageType type : wire::TIMED) {
        const std::string name{wire::MessageTypeNames()[static_cast<std::size_t>(type)]};
        benchmark::RegisterBenchmark(("message/" + name).c_str(), wire::OneType, type);
    }
    benchmark::RegisterBenchmark("address/ipv4", wire::HostPort, sim::Network::Ipv4);
    benchmark::RegisterBenchmark("address/ipv6", wire::HostPort, sim::Network::Ipv6);
    benchmark::RegisterBenchmark("address/onion", wire::HostPort, sim::Network::Onion);
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
