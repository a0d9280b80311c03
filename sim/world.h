// The model behind scenario `mainnet`: a node among peers, as a queue of things that happen at a model time.
// Deterministic: the same options give the same firings in the same order. Not thread-safe.
//
// What follows what is as in Bitcoin Core: the messages of a handshake, inv → getdata → tx → mempool, replaced →
// removed → added, uncache → rejected, spent and add → block_connected → removed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <string>
#include <tuple>
#include <vector>

#include "sim/chain.h"
#include "sim/peer.h"
#include "sim/probes.h"

namespace coretap::sim {

struct WorldOptions {
    std::uint64_t seed{1};
    std::uint64_t peers{24};
    std::int64_t epoch{1'750'000'000}; //!< unix time at which the model starts
    double block_interval_s{60};       //!< mean; real ones would make for a long wait
    double ping_interval_s{120};
    bool traffic{true}; //!< all but connections, handshakes and pings
};

class World {
public:
    World(Probes& probes, const WorldOptions& options);
    ~World();

    /** Let the next thing happen. True if it was a burst, which a node fires at once (a block's removals). */
    bool Step();
    /** Model seconds from the start to the next thing that happens. */
    double NextAt() const { return static_cast<double>(m_events.empty() ? m_now_us : m_events.top().at_us) / 1e6; }
    /** What a node does last: flush, disconnect everybody. */
    void Shutdown();
    std::size_t ReadyPeers() const;

private:
    struct WorldPeer : Peer {
        std::vector<TxRef> they_announce; //!< waiting for their next inv to us
        std::vector<TxRef> we_announce;   //!< waiting for our next inv to them
        std::uint64_t ping_nonce{0};
    };
    using Action = std::function<void()>;
    struct Event {
        std::int64_t at_us;
        std::uint64_t order;
        Action action;
        bool operator<(const Event& other) const { return std::tie(at_us, order) > std::tie(other.at_us, other.order); }
    };

    // scheduling
    void In(double seconds, Action action);
    /** As In(), dropped if the peer has gone by then. */
    void InPeer(double seconds, std::int64_t id, std::function<void(WorldPeer&)> action);
    void Every(double mean_seconds, Action action);
    void EveryPeer(double mean_seconds, std::int64_t id, std::function<void(WorldPeer&)> action);
    std::int64_t Now() const { return m_options.epoch + m_now_us / 1'000'000; }
    void Send(const Peer& peer, const std::string& type, const Bytes& payload) { m_probes.OutboundMessage(peer, type, payload); }
    void Receive(const Peer& peer, const std::string& type, const Bytes& payload) { m_probes.InboundMessage(peer, type, payload); }
    template <class Predicate>
    std::vector<WorldPeer*> ReadyWhere(Predicate predicate)
    {
        std::vector<WorldPeer*> found;
        for (auto& [id, peer] : m_peers) {
            if (peer->ready && predicate(*peer)) found.push_back(peer.get());
        }
        return found;
    }

    // connections (world.cpp)
    WorldPeer& Connect(ConnectionType type);
    void Close(std::int64_t id);
    void ReceiveVersion(WorldPeer& peer);
    void SendVersion(WorldPeer& peer);
    void HandshakeInbound(WorldPeer& peer);
    void HandshakeOutbound(WorldPeer& peer);
    void HandshakeDone(WorldPeer& peer);
    void MoveToGood(const NetAddress& address, const std::string& source);
    void StartPings(WorldPeer& peer);
    void InboundAttempt();
    void Feeler();
    void Misbehave();

    // gossip, wallet (world_extra.cpp)
    void Gossip(WorldPeer& peer, std::size_t count);
    void WalletSpend();
    void RareMessage();

    // transactions and blocks (world_relay.cpp)
    void FillMempool();
    void NewTransaction();
    void TheirInv(WorldPeer& peer);
    void OurInv(WorldPeer& peer);
    void ReceiveTx(WorldPeer& peer, const TxRef& tx);
    void Accept(const TxRef& tx, std::int64_t from);
    void Reject(const TxRef& tx);
    void AnnounceToPeers(const TxRef& tx, std::int64_t except);
    void Remove(const TxRef& tx, const char* reason);
    void TrimMempool();
    void NewBlock();
    void BlockArrived(const std::shared_ptr<Block>& block, std::int64_t from);
    void RelayBlock(const std::shared_ptr<Block>& block, std::int64_t from);
    void Flush(std::uint32_t mode);

    Probes& m_probes;
    WorldOptions m_options;
    Rng m_rng;
    Chain m_chain;
    std::int64_t m_now_us{0};
    std::uint64_t m_order{0};
    std::priority_queue<Event> m_events;
    bool m_burst{false};
    std::map<std::int64_t, std::unique_ptr<WorldPeer>> m_peers;
    std::int64_t m_next_peer_id{0};
    std::vector<TxRef> m_mempool;
    std::uint64_t m_coins_cached{1'200'000};
};

} // namespace coretap::sim
