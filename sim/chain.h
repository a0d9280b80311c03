// The chain the stand-in follows: coins, transactions that spend them, blocks that contain those.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sim/hash.h"
#include "sim/wire_encode.h"

namespace coretap::sim {

class Probes;

struct Coin {
    OutPoint outpoint;
    std::int64_t value{0};
    std::uint32_t height{0};
    bool is_coinbase{false};
};

struct ChainTx {
    TxBytes bytes;
    std::vector<Coin> spent;
    std::vector<std::int64_t> values; //!< of the outputs
    std::int64_t fee{0};
    std::int64_t entered_at{0}; //!< when it entered our mempool, 0 if it did not
    bool in_mempool{false};
    bool requested{false};             //!< asked of a peer, or had already
    bool is_bad{false};                //!< will be rejected
    std::shared_ptr<ChainTx> replaces; //!< spends the same coins for a lower fee
};
using TxRef = std::shared_ptr<ChainTx>;

struct Block {
    BlockHeader header;
    Hash256 hash{};
    std::int32_t height{0};
    std::vector<TxRef> txs; //!< the coinbase first

    std::vector<const TxBytes*> TxPointers() const;
};

class Chain {
    Rng& m_rng;
    std::vector<Coin> m_coins; //!< unspent and not yet promised to a transaction
    BlockHeader m_tip;
    Hash256 m_tip_hash{};
    std::int32_t m_height;

    Coin TakeCoin();

public:
    /** `rng` must outlive the chain. */
    Chain(Rng& rng, std::int32_t height);

    std::int32_t Height() const { return m_height; }
    const Hash256& TipHash() const { return m_tip_hash; }
    const BlockHeader& Tip() const { return m_tip; }

    /** A transaction of coins nobody else spends. */
    TxRef MakeTx();
    /** Spends the same coins as `old`, for a higher fee. */
    TxRef MakeReplacement(const TxRef& old);
    /** A block on top of the tip, at this time. */
    Block MakeBlock(std::vector<TxRef> txs, std::int64_t time);
    /** Make it the tip: `utxocache:spent` and `add` for its transactions, then `validation:block_connected`. */
    void Connect(Probes& probes, const Block& block);
};

} // namespace coretap::sim
