#include "sim/chain.h"

#include <algorithm>
#include <numeric>

#include "sim/probes.h"

namespace coretap::sim {
namespace {

constexpr std::size_t MAX_COINS{20'000};
constexpr std::int64_t DUST{600};

TxRef Finish(Rng& rng, std::vector<Coin> spent, double feerate)
{
    auto tx = std::make_shared<ChainTx>();
    const std::int64_t total{
        std::accumulate(spent.begin(), spent.end(), std::int64_t{0}, [](std::int64_t sum, const Coin& coin) { return sum + coin.value; })};
    const std::size_t outputs{static_cast<std::size_t>(1 + rng.Below(3))};
    // close enough: the fee is what the outputs leave over
    const double size{11.0 + 68.0 * static_cast<double>(spent.size()) + 37.0 * static_cast<double>(outputs)};
    std::int64_t rest{std::max<std::int64_t>(DUST, total - static_cast<std::int64_t>(feerate * size))};
    for (std::size_t i{0}; i + 1 < outputs && rest > 2 * DUST; ++i) {
        const std::int64_t value{rng.Range(DUST, rest / 2)};
        tx->values.push_back(value);
        rest -= value;
    }
    tx->values.push_back(rest);
    tx->fee = total - std::accumulate(tx->values.begin(), tx->values.end(), std::int64_t{0});
    std::vector<OutPoint> outpoints;
    for (const Coin& coin : spent) outpoints.push_back(coin.outpoint);
    tx->bytes = Serialize(RandomTx(rng, outpoints, tx->values));
    tx->spent = std::move(spent);
    return tx;
}

} // namespace

std::vector<const TxBytes*> Block::TxPointers() const
{
    std::vector<const TxBytes*> pointers;
    pointers.reserve(txs.size());
    for (const TxRef& tx : txs) pointers.push_back(&tx->bytes);
    return pointers;
}

Chain::Chain(Rng& rng, std::int32_t height) : m_rng{rng}, m_height{height}
{
    m_tip.previous = rng.Hash();
    m_tip.merkle_root = rng.Hash();
    m_tip.time = 1'749'999'000;
    Mine(m_tip);
    m_tip_hash = HashOf(m_tip);
}

Coin Chain::TakeCoin()
{
    // a coin we saw being made, or one of the many of before
    if (!m_coins.empty() && m_rng.Chance(0.5)) {
        std::swap(m_coins[m_rng.Below(m_coins.size())], m_coins.back());
        const Coin coin{m_coins.back()};
        m_coins.pop_back();
        return coin;
    }
    const double value{std::exp(std::log(20'000.0) + m_rng.Fraction() * std::log(50'000.0))};
    return {{m_rng.Hash(), static_cast<std::uint32_t>(m_rng.Below(6))},
            static_cast<std::int64_t>(value),
            static_cast<std::uint32_t>(m_height - m_rng.Range(1, 90'000)),
            m_rng.Chance(0.003)};
}

TxRef Chain::MakeTx()
{
    std::vector<Coin> spent;
    do {
        spent.push_back(TakeCoin());
    } while (spent.size() < 12 && m_rng.Chance(0.35));
    return Finish(m_rng, std::move(spent), 1.0 + m_rng.Exponential(8.0));
}

TxRef Chain::MakeReplacement(const TxRef& old)
{
    const double feerate{static_cast<double>(old->fee) / std::max(1, old->bytes.vsize)};
    TxRef tx{Finish(m_rng, old->spent, feerate * 1.5 + 2.0)};
    tx->replaces = old;
    return tx;
}

Block Chain::MakeBlock(std::vector<TxRef> txs, std::int64_t time)
{
    Block block;
    block.height = m_height + 1;
    std::int64_t fees{0};
    std::vector<Hash256> wtxids{Hash256{}}; // the coinbase counts as zero (BIP 141)
    for (const TxRef& tx : txs) {
        fees += tx->fee;
        wtxids.push_back(tx->bytes.wtxid);
    }
    auto coinbase = std::make_shared<ChainTx>();
    coinbase->values = {(std::int64_t{5'000'000'000} >> std::min(63, block.height / 210'000)) + fees};
    coinbase->bytes = Serialize(CoinbaseTx(m_rng, block.height, coinbase->values[0], MerkleRoot(std::move(wtxids))));
    block.txs.push_back(std::move(coinbase));
    block.txs.insert(block.txs.end(), txs.begin(), txs.end());
    std::vector<Hash256> txids;
    for (const TxRef& tx : block.txs) txids.push_back(tx->bytes.txid);
    block.header.previous = m_tip_hash;
    block.header.merkle_root = MerkleRoot(std::move(txids));
    block.header.time = static_cast<std::uint32_t>(time);
    Mine(block.header);
    block.hash = HashOf(block.header);
    return block;
}

void Chain::Connect(Probes& probes, const Block& block)
{
    const auto height = static_cast<std::uint32_t>(block.height);
    std::int32_t inputs{0};
    std::int64_t sigops{0};
    for (std::size_t i{0}; i < block.txs.size(); ++i) {
        const ChainTx& tx{*block.txs[i]};
        for (const Coin& coin : tx.spent) {
            probes.UtxocacheSpent(coin.outpoint.txid.data(), coin.outpoint.index, coin.height, coin.value, coin.is_coinbase);
        }
        for (std::size_t n{0}; n < tx.values.size(); ++n) {
            const auto index = static_cast<std::uint32_t>(n);
            probes.UtxocacheAdd(tx.bytes.txid.data(), index, height, tx.values[n], i == 0);
            // a coinbase has to mature first; we do not wait for it
            if (i > 0 && m_coins.size() < MAX_COINS) m_coins.push_back({{tx.bytes.txid, index}, tx.values[n], height, false});
        }
        // ConnectBlock() counts the coinbase's one input too
        inputs += std::max<std::int32_t>(1, static_cast<std::int32_t>(tx.spent.size()));
        sigops += static_cast<std::int64_t>(tx.spent.size());
    }
    m_tip = block.header;
    m_tip_hash = block.hash;
    m_height = block.height;
    const std::int64_t duration_ns{4'000'000 + inputs * std::int64_t{21'000} + m_rng.Range(0, 9'000'000)};
    probes.BlockConnected(block.hash.data(), block.height, block.txs.size(), inputs, sigops, duration_ns);
}

} // namespace coretap::sim
