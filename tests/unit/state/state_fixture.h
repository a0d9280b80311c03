// A node's life as a script: events one after the other, and what the tracker makes of them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "event/event.h"
#include "sim/wire_encode.h"
#include "state/tracker.h"

namespace coretap::state {

inline constexpr std::int64_t START_NS{1'795'338'904'000'000'000}; //!< UTC of the script's time 0
inline constexpr std::uint64_t START_MONO_NS{5'000'000'000'000};
inline constexpr std::uint32_t PID{1234};
inline constexpr std::uint32_t MSGHAND{1240}; //!< the thread that takes messages
inline constexpr std::uint32_t NET{1241};

/** Milliseconds of the script as what snapshots have. */
constexpr std::int64_t AtMs(double ms) { return START_NS + static_cast<std::int64_t>(ms * 1e6); }

/** What a peer's messages say of it. */
struct PeerKind {
    std::string address{"192.0.43.7:8333"};
    std::string conn_type{"outbound-full-relay"};
};

class Script {
    event::Catalogue m_catalogue;
    Tracker m_tracker;
    std::vector<std::byte> m_record;
    std::uint64_t m_now_ns{0};
    std::int64_t m_fast_ns{0};

public:
    using Kind = PeerKind;
    std::uint32_t pid{PID};
    std::uint32_t tid{MSGHAND};
    std::uint32_t origin{0};
    std::uint64_t events{0};

    explicit Script(TrackerOptions options = {}) : m_tracker{options} {}

    Tracker& GetTracker() { return m_tracker; }
    /** Time from the start; the events that follow have it. */
    Script& At(double ms)
    {
        m_now_ns = static_cast<std::uint64_t>(ms * 1e6);
        return *this;
    }
    /** The system's clock is so much fast from now on. */
    Script& SetClock(double fast_ms)
    {
        m_fast_ns = static_cast<std::int64_t>(fast_ms * 1e6);
        return *this;
    }
    Script& After(double ms) { return At(static_cast<double>(m_now_ns) / 1e6 + ms); }

    /** Fire an event: `fill` gives its arguments to a RecordBuilder. */
    template <class Fill>
    Script& Fire(std::uint16_t tracepoint, Fill fill, std::uint16_t faults = 0, std::uint16_t cut = 0)
    {
        m_record.clear();
        event::RecordBuilder builder{m_record, tracepoint, m_catalogue.Find(tracepoint)->args.size(), START_MONO_NS + m_now_ns, pid, tid};
        fill(builder);
        builder.Finish(faults, cut);
        const auto parsed{
            event::ParseRecord(m_record, m_catalogue, START_NS - static_cast<std::int64_t>(START_MONO_NS) + m_fast_ns, origin)};
        EXPECT_TRUE(parsed) << tracepoint;
        if (parsed) {
            const event::Event event{*parsed};
            EXPECT_TRUE(m_tracker.Write({&event, 1}));
            ++events;
        }
        std::ranges::fill(m_record, std::byte{0xdd}); // nobody may still look at it
        return *this;
    }

    Script& Message(bool in, std::int64_t peer, std::string_view type, const sim::Bytes& payload = {}, const Kind& kind = {},
                    std::size_t captured = SIZE_MAX, std::uint16_t faults = 0)
    {
        const auto bytes{std::as_bytes(std::span{payload}).first(std::min(captured, payload.size()))};
        return Fire(
            in ? event::id::INBOUND_MESSAGE : event::id::OUTBOUND_MESSAGE,
            [&](event::RecordBuilder& to) {
                to.Int(peer).Str(kind.address).Str(kind.conn_type).Str(type).Uint(payload.size()).Bytes(bytes);
            },
            faults, bytes.size() < payload.size() ? 1U << event::message_arg::PAYLOAD : 0);
    }
    Script& In(std::int64_t peer, std::string_view type, const sim::Bytes& payload = {}, const Kind& kind = {})
    {
        return Message(true, peer, type, payload, kind);
    }
    Script& Out(std::int64_t peer, std::string_view type, const sim::Bytes& payload = {}, const Kind& kind = {})
    {
        return Message(false, peer, type, payload, kind);
    }

    /** inbound_connection, outbound_connection, evicted_inbound_connection, closed_connection: `last` is connections or connected_at. */
    Script& Connection(std::uint16_t tracepoint, std::int64_t peer, std::int64_t last, const Kind& kind = {}, std::uint64_t network = 1)
    {
        return Fire(tracepoint,
                    [&](event::RecordBuilder& to) { to.Int(peer).Str(kind.address).Str(kind.conn_type).Uint(network).Int(last); });
    }
    Script& Closed(std::int64_t peer, std::int64_t connected_at = START_NS / 1'000'000'000, const Kind& kind = {})
    {
        return Connection(event::id::CLOSED_CONNECTION, peer, connected_at, kind);
    }
    Script& Misbehaving(std::int64_t peer, std::string_view reason)
    {
        return Fire(event::id::MISBEHAVING_CONNECTION, [&](event::RecordBuilder& to) { to.Int(peer).Str(reason); });
    }
    Script& BlockConnected(const sim::Hash256& hash, std::int64_t height, double duration_ms = 100)
    {
        return Fire(event::id::BLOCK_CONNECTED, [&](event::RecordBuilder& to) {
            to.Bytes(std::as_bytes(std::span{hash}))
                .Int(height)
                .Uint(2113)
                .Int(5321)
                .Int(8500)
                .Int(static_cast<std::int64_t>(duration_ms * 1e6));
        });
    }
    Script& Lost(std::string_view tracepoint, std::uint64_t count)
    {
        const std::uint32_t mine{pid};
        pid = 0;
        Fire(event::id::CORETAP_LOST, [&](event::RecordBuilder& to) { to.Str(tracepoint).Str("ring-full").Uint(count).Uint(count); });
        pid = mine;
        return *this;
    }
    Script& Found(std::string_view label = "main", std::int64_t started_at = START_NS / 1'000'000'000, std::string_view datadir = "/data",
                  std::string_view executable = "/usr/bin/bitcoind")
    {
        return Fire(event::id::CORETAP_NODE_FOUND,
                    [&](event::RecordBuilder& to) { to.Str(label).Str(executable).Str("0123").Str(datadir).Str("main").Int(started_at); });
    }
    Script& Gone(std::string_view label = "main")
    {
        return Fire(event::id::CORETAP_NODE_GONE, [&](event::RecordBuilder& to) { to.Str(label); });
    }

    std::shared_ptr<const Snapshot> Take(const pipeline::Ledger& ledger = {})
    {
        return m_tracker.Take(START_NS + static_cast<std::int64_t>(m_now_ns) + m_fast_ns, ledger);
    }
    /** The only node. */
    std::shared_ptr<const NodeSnapshot> Node()
    {
        const auto snapshot{Take()};
        EXPECT_EQ(snapshot->nodes.size(), 1U);
        return snapshot->nodes.empty() ? std::make_shared<const NodeSnapshot>() : snapshot->nodes.front();
    }
};

inline sim::VersionFields VersionOf(std::string_view user_agent = {})
{
    sim::VersionFields fields;
    fields.user_agent = user_agent;
    return fields;
}

/** The connected peer with this id. */
inline Peer PeerOf(const NodeSnapshot& node, std::int64_t id)
{
    for (const Peer& peer : node.peers) {
        if (peer.id == id) return peer;
    }
    ADD_FAILURE() << "no peer " << id;
    return {};
}

inline wire::Hash256 Wire(const sim::Hash256& hash)
{
    wire::Hash256 out;
    std::ranges::copy(std::as_bytes(std::span{hash}), out.begin());
    return out;
}

/** A header behind another one. */
inline sim::BlockHeader HeaderBehind(const sim::Hash256& previous, std::uint32_t nonce)
{
    sim::BlockHeader header;
    header.previous = previous;
    header.nonce = nonce;
    return header;
}

inline sim::Bytes InvOf(std::uint32_t type, const sim::Hash256& hash) { return sim::EncodeInv({{type, hash}}); }

} // namespace coretap::state
