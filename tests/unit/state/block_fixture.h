// Blocks for the tests of journeys.
#pragma once

#include "unit/state/state_fixture.h"

namespace coretap::state {

/** A block behind nothing we know, as messages carry it. */
struct Block {
    sim::BlockHeader header;
    sim::Hash256 hash;
    sim::TxBytes coinbase;

    explicit Block(std::uint32_t nonce, const sim::Hash256& previous = {})
        : header{HeaderBehind(previous, nonce)}, hash{sim::HashOf(header)}
    {
        sim::Rng rng{nonce};
        coinbase = sim::Serialize(sim::CoinbaseTx(rng, 7, 1, {}));
    }
    std::vector<const sim::TxBytes*> Txs(std::size_t count) const { return std::vector<const sim::TxBytes*>(count, &coinbase); }
    sim::Bytes Headers() const { return sim::EncodeHeaders({header}); }
    sim::Bytes Whole() const { return sim::EncodeBlock(header, Txs(1)); }
    sim::Bytes Compact(std::size_t txs = 5) const { return sim::EncodeCmpctBlock(header, 1, Txs(txs)); }
    sim::Bytes GetTxn(const std::vector<std::size_t>& indexes) const { return sim::EncodeGetBlockTxn(hash, indexes); }
    sim::Bytes Txn() const { return sim::EncodeBlockTxn(hash, Txs(2)); }
};

inline BlockJourney Journey(Script& script, const Block& block)
{
    const auto node{script.Node()};
    for (const BlockJourney& journey : node->blocks) {
        if (journey.hash == Wire(block.hash)) return journey;
    }
    ADD_FAILURE() << "no such journey";
    return {};
}

} // namespace coretap::state
