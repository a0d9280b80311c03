// A peer of the stand-in, as far as the tracepoints and the model need it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "sim/address.h"

namespace coretap::sim {

enum class ConnectionType : std::uint8_t { Inbound, OutboundFullRelay, Manual, Feeler, BlockRelay, AddrFetch, PrivateBroadcast };

struct Peer {
    std::int64_t id{0};
    ConnectionType type{ConnectionType::Inbound};
    NetAddress address;
    std::string addr_name; //!< lives as long as the peer, as CNode::m_addr_name does
    std::int64_t connected_at{0};
    std::string user_agent;
    std::int32_t version{70016};
    std::uint64_t services{0};
    bool wants_addrv2{true};
    bool wtxid_relay{true};
    bool light{false};               //!< a wallet that knows of neither witnesses nor whole blocks
    bool high_bandwidth_to{false};   //!< wants new blocks from us as cmpctblock, at once
    bool high_bandwidth_from{false}; //!< announces new blocks to us that way
    bool ready{false};               //!< handshake done

    bool IsInbound() const { return type == ConnectionType::Inbound; }
    bool RelaysTransactions() const
    {
        return type == ConnectionType::Inbound || type == ConnectionType::OutboundFullRelay || type == ConnectionType::Manual;
    }

    /** By value, as CNode::ConnectionTypeAsString(): a tracepoint sees a temporary. */
    std::string ConnectionTypeAsString() const
    {
        switch (type) {
        case ConnectionType::Inbound: return "inbound";
        case ConnectionType::OutboundFullRelay: return "outbound-full-relay";
        case ConnectionType::Manual: return "manual";
        case ConnectionType::Feeler: return "feeler";
        case ConnectionType::BlockRelay: return "block-relay-only";
        case ConnectionType::AddrFetch: return "addr-fetch";
        case ConnectionType::PrivateBroadcast: return "private-broadcast";
        }
        return {};
    }
};

} // namespace coretap::sim
