// How transactions and blocks travel through the node.
#include <algorithm>
#include <numeric>
#include <unordered_set>

#include "sim/world.h"

namespace coretap::sim {
namespace {

constexpr std::size_t MAX_MEMPOOL{6'000};
constexpr std::size_t MAX_BLOCK_TXS{2'500};

constexpr std::string_view REJECT_REASONS[]{
    "bad-txns-inputs-missingorspent",
    "min relay fee not met",
    "txn-already-known",
    "insufficient fee",
    "dust",
    "non-final",
    "mempool min fee not met",
    "too-large-cluster",
    "TRUC-violation",
    "scriptpubkey",
    "bad-witness-nonstandard",
    "mempool-script-verify-flag-failed (Signature must be zero for failed CHECK(MULTI)SIG operation)",
    "max feerate exceeded",
};

InvEntry Announcement(const Peer& peer, const ChainTx& tx)
{
    return peer.wtxid_relay ? InvEntry{inv_type::WTX, tx.bytes.wtxid} : InvEntry{inv_type::TX, tx.bytes.txid};
}

/** What we ask this peer for. */
InvEntry Request(const Peer& peer, const ChainTx& tx)
{
    return peer.wtxid_relay ? InvEntry{inv_type::WTX, tx.bytes.wtxid} : InvEntry{inv_type::WITNESS_TX, tx.bytes.txid};
}

/** What this peer asks us for. */
InvEntry TheirRequest(const Peer& peer, const ChainTx& tx)
{
    return peer.light ? InvEntry{inv_type::TX, tx.bytes.txid} : Request(peer, tx);
}

} // namespace

void World::FillMempool()
{
    // what was there before we looked: no firings
    while (m_mempool.size() < 400) {
        TxRef tx{m_chain.MakeTx()};
        tx->requested = tx->in_mempool = true;
        tx->entered_at = m_options.epoch - m_rng.Range(1, 3'600);
        m_mempool.push_back(std::move(tx));
    }
}

void World::NewTransaction()
{
    TxRef tx;
    if (m_rng.Chance(0.04) && !m_mempool.empty()) {
        tx = m_chain.MakeReplacement(m_rng.Pick(m_mempool));
    } else {
        tx = m_chain.MakeTx();
    }
    tx->is_bad = m_rng.Chance(0.05);
    for (WorldPeer* peer : ReadyWhere([](const Peer& p) { return p.RelaysTransactions(); })) {
        if (m_rng.Chance(0.6)) peer->they_announce.push_back(tx);
    }
}

void World::TheirInv(WorldPeer& peer)
{
    if (peer.they_announce.empty()) return;
    std::vector<TxRef> announced;
    std::swap(announced, peer.they_announce);
    std::vector<InvEntry> entries;
    std::vector<InvEntry> wanted;
    for (const TxRef& tx : announced) {
        entries.push_back(Announcement(peer, *tx));
        // who has sent us an announcement needs none from us
        std::erase(peer.we_announce, tx);
        if (tx->requested) continue;
        tx->requested = true;
        wanted.push_back(Request(peer, *tx));
        InPeer(0.05 + m_rng.Exponential(0.2), peer.id, [this, tx](WorldPeer& p) { ReceiveTx(p, tx); });
    }
    Receive(peer, "inv", EncodeInv(entries));
    if (!wanted.empty()) InPeer(0.01, peer.id, [this, wanted](WorldPeer& p) { Send(p, "getdata", EncodeInv(wanted)); });
}

void World::OurInv(WorldPeer& peer)
{
    if (peer.we_announce.empty()) return;
    std::vector<TxRef> announced;
    std::swap(announced, peer.we_announce);
    // no more than 35 or so at once; the rest waits for the next time
    if (announced.size() > 35) {
        peer.we_announce.assign(announced.begin() + 35, announced.end());
        announced.resize(35);
    }
    std::vector<InvEntry> entries;
    std::vector<TxRef> wanted;
    for (const TxRef& tx : announced) {
        entries.push_back(Announcement(peer, *tx));
        if (m_rng.Chance(0.06)) wanted.push_back(tx);
    }
    Send(peer, "inv", EncodeInv(entries));
    if (wanted.empty()) return;
    InPeer(0.05 + m_rng.Exponential(0.2), peer.id, [this, wanted](WorldPeer& p) {
        std::vector<InvEntry> asked;
        for (const TxRef& tx : wanted) asked.push_back(TheirRequest(p, *tx));
        Receive(p, "getdata", EncodeInv(asked));
        for (const TxRef& tx : wanted) Send(p, "tx", p.light ? StripWitness(tx->bytes) : tx->bytes.raw);
    });
}

void World::ReceiveTx(WorldPeer& peer, const TxRef& tx)
{
    Receive(peer, "tx", tx->bytes.raw);
    if (tx->is_bad) {
        Reject(tx);
        return;
    }
    if (tx->replaces) {
        const TxRef old{std::move(tx->replaces)};
        // too cheap, or the coins are gone: the other was mined, or is replaced already
        if (!old->in_mempool || old->fee >= tx->fee) {
            Reject(tx);
            return;
        }
        m_probes.MempoolReplaced(old->bytes.txid.data(), old->bytes.vsize, old->fee, static_cast<std::uint64_t>(old->entered_at),
                                 tx->bytes.txid.data(), tx->bytes.vsize, tx->fee, true);
        Remove(old, "replaced");
    }
    Accept(tx, peer.id);
}

void World::Accept(const TxRef& tx, std::int64_t from)
{
    tx->entered_at = Now();
    tx->in_mempool = true;
    m_mempool.push_back(tx);
    m_probes.MempoolAdded(tx->bytes.txid.data(), tx->bytes.vsize, tx->fee);
    AnnounceToPeers(tx, from);
}

void World::Reject(const TxRef& tx)
{
    // what was loaded to look at it is unloaded again
    for (const Coin& coin : tx->spent) {
        if (m_rng.Chance(0.6))
            m_probes.UtxocacheUncache(coin.outpoint.txid.data(), coin.outpoint.index, coin.height, coin.value, coin.is_coinbase);
    }
    const std::string reason{m_rng.Pick(REJECT_REASONS)};
    m_probes.MempoolRejected(tx->bytes.txid.data(), reason.c_str());
}

void World::AnnounceToPeers(const TxRef& tx, std::int64_t except)
{
    for (WorldPeer* peer : ReadyWhere([except](const Peer& p) { return p.RelaysTransactions() && p.id != except; })) {
        if (m_rng.Chance(0.7)) peer->we_announce.push_back(tx);
    }
}

void World::Remove(const TxRef& tx, const char* reason)
{
    const auto it = std::ranges::find(m_mempool, tx);
    if (it == m_mempool.end()) return;
    const TxRef held{*it};
    m_mempool.erase(it);
    held->in_mempool = false;
    const std::string text{reason};
    m_probes.MempoolRemoved(held->bytes.txid.data(), text.c_str(), held->bytes.vsize, held->fee,
                            static_cast<std::uint64_t>(held->entered_at));
}

void World::TrimMempool()
{
    if (m_mempool.empty()) return;
    const bool full{m_mempool.size() > MAX_MEMPOOL};
    std::size_t count{full ? m_mempool.size() - MAX_MEMPOOL : static_cast<std::size_t>(m_rng.Below(4))};
    const char* reason{full || m_rng.Chance(0.5) ? "sizelimit" : "expiry"};
    for (; count > 0 && !m_mempool.empty(); --count) {
        // full: the cheapest go first; expired: the oldest
        const auto it =
            reason[0] == 's' ? std::ranges::min_element(m_mempool, {}, [](const TxRef& tx) { return tx->fee; }) : m_mempool.begin();
        Remove(TxRef{*it}, reason);
    }
}

void World::NewBlock()
{
    const std::vector<WorldPeer*> fast{ReadyWhere([](const Peer& peer) { return peer.high_bandwidth_from; })};
    const std::vector<WorldPeer*> all{ReadyWhere([](const Peer&) { return true; })};
    if (all.empty()) return;

    std::vector<TxRef> txs{m_mempool.begin(),
                           m_mempool.begin() + static_cast<std::ptrdiff_t>(std::min(m_mempool.size() * 9 / 10, MAX_BLOCK_TXS))};
    // some that the miner knew and we did not
    std::vector<std::size_t> missing;
    const std::uint64_t unseen{m_rng.Chance(0.6) ? 0 : 1 + m_rng.Below(6)};
    for (std::uint64_t i{0}; i < unseen; ++i) {
        TxRef tx{m_chain.MakeTx()};
        tx->requested = true;
        txs.push_back(std::move(tx));
        missing.push_back(txs.size()); // + 1 for the coinbase, - 1 for being the last
    }
    auto block = std::make_shared<Block>(m_chain.MakeBlock(std::move(txs), Now()));
    const std::vector<const TxBytes*> pointers{block->TxPointers()};

    if (!fast.empty() && m_rng.Chance(0.9)) {
        // announced and sent in one: BIP 152, high bandwidth
        const WorldPeer& first{*m_rng.Pick(fast)};
        const Bytes compact{EncodeCmpctBlock(block->header, m_rng.Next(), pointers)};
        Receive(first, "cmpctblock", compact);
        for (const WorldPeer* other : fast) {
            if (other->id != first.id)
                InPeer(0.05 + m_rng.Exponential(0.2), other->id, [this, compact](WorldPeer& p) { Receive(p, "cmpctblock", compact); });
        }
        if (missing.empty()) {
            BlockArrived(block, first.id);
            return;
        }
        Send(first, "getblocktxn", EncodeGetBlockTxn(block->hash, missing));
        InPeer(0.05 + m_rng.Exponential(0.1), first.id, [this, block, missing](WorldPeer& p) {
            std::vector<const TxBytes*> sent;
            for (const std::size_t index : missing) sent.push_back(&block->txs[index]->bytes);
            Receive(p, "blocktxn", EncodeBlockTxn(block->hash, sent));
            BlockArrived(block, p.id);
        });
        return;
    }
    // announced by its header, fetched whole
    const WorldPeer& first{*m_rng.Pick(all)};
    Receive(first, "headers", EncodeHeaders({block->header}));
    Send(first, "getdata", EncodeInv({{inv_type::WITNESS_BLOCK, block->hash}}));
    InPeer(0.3 + m_rng.Exponential(0.5), first.id, [this, block](WorldPeer& p) {
        Receive(p, "block", EncodeBlock(block->header, block->TxPointers()));
        BlockArrived(block, p.id);
    });
}

void World::BlockArrived(const std::shared_ptr<Block>& block, std::int64_t from)
{
    // another block may have come in between; a real chain would call this one stale
    if (block->header.previous != m_chain.TipHash()) return;
    m_burst = true;
    // high-bandwidth peers get it before it is validated
    const Bytes compact{EncodeCmpctBlock(block->header, m_rng.Next(), block->TxPointers())};
    for (const WorldPeer* peer : ReadyWhere([from](const Peer& p) { return p.high_bandwidth_to && p.id != from; }))
        Send(*peer, "cmpctblock", compact);

    m_chain.Connect(m_probes, *block);
    m_coins_cached += block->txs.size() * 2;

    // removed in the order of the block; a set, since a mempool is searched once a transaction otherwise
    std::unordered_set<const ChainTx*> in_block;
    for (const TxRef& tx : block->txs) in_block.insert(tx.get());
    const std::string reason{"block"};
    for (const TxRef& tx : block->txs) {
        if (!tx->in_mempool) continue;
        tx->in_mempool = false;
        m_probes.MempoolRemoved(tx->bytes.txid.data(), reason.c_str(), tx->bytes.vsize, tx->fee,
                                static_cast<std::uint64_t>(tx->entered_at));
    }
    std::erase_if(m_mempool, [&in_block](const TxRef& tx) { return in_block.contains(tx.get()); });
    if (m_rng.Chance(0.3) && !m_mempool.empty()) Remove(TxRef{m_mempool.back()}, "conflict");
    if (m_rng.Chance(0.1)) Flush(1);
    In(0.02, [this, block, from] { RelayBlock(block, from); });
}

void World::RelayBlock(const std::shared_ptr<Block>& block, std::int64_t from)
{
    const Bytes header{EncodeHeaders({block->header})};
    for (const WorldPeer* peer : ReadyWhere([from](const Peer& p) { return !p.high_bandwidth_to && p.id != from; })) {
        if (!peer->IsInbound() && m_rng.Chance(0.7)) {
            // it had the block before us and says so
            InPeer(m_rng.Exponential(0.3), peer->id, [this, header](WorldPeer& p) { Receive(p, "headers", header); });
            continue;
        }
        Send(*peer, "headers", header);
        if (!peer->light && !m_rng.Chance(0.3)) continue;
        InPeer(0.1 + m_rng.Exponential(0.3), peer->id, [this, block](WorldPeer& p) {
            if (p.light) {
                Receive(p, "getdata", EncodeInv({{inv_type::FILTERED_BLOCK, block->hash}}));
                // nothing of interest: the root alone proves it
                const std::uint8_t flags[]{0};
                Send(p, "merkleblock",
                     EncodeMerkleBlock(block->header, static_cast<std::uint32_t>(block->txs.size()), {block->header.merkle_root}, flags));
                return;
            }
            const bool compact{m_rng.Chance(0.7)};
            Receive(p, "getdata", EncodeInv({{compact ? inv_type::CMPCT_BLOCK : inv_type::WITNESS_BLOCK, block->hash}}));
            if (compact) {
                Send(p, "cmpctblock", EncodeCmpctBlock(block->header, m_rng.Next(), block->TxPointers()));
            } else {
                Send(p, "block", EncodeBlock(block->header, block->TxPointers()));
            }
        });
    }
}

void World::Flush(std::uint32_t mode)
{
    m_probes.UtxocacheFlush(m_rng.Range(200, 60'000) + static_cast<std::int64_t>(m_coins_cached / 3), mode, m_coins_cached,
                            m_coins_cached * 190, mode == 1 && m_rng.Chance(0.3));
    m_coins_cached = mode == 2 ? m_coins_cached : 0;
}

} // namespace coretap::sim
