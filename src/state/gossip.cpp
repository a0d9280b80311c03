#include "state/gossip.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>

#include "event/message_names.h"

namespace coretap::state {
namespace {

/** MAX_ADDR_TO_SEND, src/net_processing.cpp: of a message with more Bitcoin Core takes none, and we look at no more. */
constexpr std::uint64_t MAX_ADDRESSES{1000};

void CountBits(std::array<std::uint64_t, 64>& bits, std::uint64_t value)
{
    for (; value != 0; value &= value - 1) ++bits[static_cast<std::size_t>(std::countr_zero(value))];
}

std::size_t InvIndex(std::uint32_t type)
{
    constexpr std::uint32_t WITNESS{1U << 30};
    if (type >= 1 && type <= 5) return type - 1;
    if (type >= (WITNESS | 1) && type <= (WITNESS | 3)) return (type & ~WITNESS) + 4;
    return INV_UNKNOWN;
}

} // namespace

InvCounts CountInv(const wire::InvEntries& entries)
{
    constexpr std::size_t ENTRY_SIZE{36};
    InvCounts counts;
    const wire::ByteView bytes{entries.Bytes()};
    for (std::size_t i{0}; i < entries.size(); ++i) { // only the types are read
        std::uint32_t type;
        std::memcpy(&type, bytes.data() + i * ENTRY_SIZE, sizeof(type));
        ++counts.entries[InvIndex(type)];
    }
    return counts;
}

void Gossip::OnAddress(const wire::AddressEntry& entry, bool v2, Direction direction, const PeerState& peer, std::int64_t now_s)
{
    const auto at = static_cast<std::size_t>(direction);
    const std::size_t type{v2 ? 1U : 0U};
    AddrRelayTotals& addr{m_totals.addr};
    addr.time_offset_seconds[type][at].Observe(static_cast<double>(entry.time) - static_cast<double>(now_s));
    const std::size_t network{static_cast<std::size_t>(entry.address.network) % m_self[at].size()};
    ++m_networks[type][at][network];
    CountBits(addr.service_bits[type][at], entry.services);
    ++addr.service_sets[at][entry.services & AddrRelayTotals::KNOWN_SERVICES];
    if (!peer.own.SameHost(entry.address)) {
        m_subnet[at][network] += peer.own.SameGroup(entry.address) ? 1 : 0;
    } else if (peer.peer.inbound ||
               peer.own.port == entry.address.port) { // an inbound peer's connection comes from a port that nobody listens on
        ++m_self[at][network];
    }
}

template <class Entries>
void Gossip::OnAddr(const Entries& entries, bool v2, Direction direction, const PeerState& peer, std::int64_t utc_ns)
{
    const auto at = static_cast<std::size_t>(direction);
    m_totals.addr.entries[v2 ? 1 : 0][at].Observe(static_cast<double>(entries.size()));
    if (entries.empty()) ++m_totals.addr.empty[v2 ? 1 : 0][at];
    std::uint64_t left{MAX_ADDRESSES};
    for (const wire::AddressEntry entry : entries) {
        if (left-- == 0) break;
        OnAddress(entry, v2, direction, peer, utc_ns / 1'000'000'000);
    }
}
template void Gossip::OnAddr(const decltype(wire::AddrMsg::entries)&, bool, Direction, const PeerState&, std::int64_t);
template void Gossip::OnAddr(const decltype(wire::AddrV2Msg::entries)&, bool, Direction, const PeerState&, std::int64_t);

void Gossip::OnAddrLimit(std::uint64_t processed, std::uint64_t rate_limited)
{
    m_totals.addr.processed += processed;
    m_totals.addr.rate_limited += rate_limited;
}

void Gossip::OnInv(const InvCounts& counts, Direction direction)
{
    const auto at = static_cast<std::size_t>(direction);
    std::uint64_t sum{0};
    int kinds{0};
    for (std::size_t i{0}; i < counts.entries.size(); ++i) {
        m_inv[at][i] += counts.entries[i];
        sum += counts.entries[i];
        kinds += counts.entries[i] != 0 ? 1 : 0;
    }
    m_totals.inv.size[at].Observe(static_cast<double>(sum));
    if (kinds > 1) ++m_totals.inv.mixed[at];
}

void Gossip::OnVersion(const wire::VersionMsg& version, const PeerAddress& from, std::int64_t utc_ns)
{
    CountBits(m_totals.version_services, version.services);
    const bool known{version.version >= GossipTotals::FIRST_PROTOCOL && version.version <= GossipTotals::LAST_PROTOCOL};
    ++m_totals.protocol_versions[known ? version.version : -1];
    const wire::ByteView agent{version.user_agent.value_or(wire::ByteView{})};
    m_user_agents.Add({reinterpret_cast<const char*>(agent.data()), agent.size()}, from.Group(), utc_ns);
}

void Gossip::OnPing(const wire::PingMsg& ping)
{
    if (!ping.nonce) {
        ++m_totals.old_pings;
        return;
    }
    const auto bits{std::bit_width(*ping.nonce)};
    ++m_totals.ping_nonces[bits == 0 ? 0 : bits <= 8 ? 1 : bits <= 16 ? 2 : bits <= 32 ? 3 : 4];
}

void Gossip::OnReject(const wire::RejectMsg& reject)
{
    const std::string_view name{event::RejectCodeName(reject.code)};
    ++m_totals.rejects[std::string{name.empty() ? OTHER : name}];
    const std::string_view type{reinterpret_cast<const char*>(reject.message.data()), reject.message.size()};
    ++m_totals.reject_types[static_cast<std::size_t>(wire::MessageTypeOf(type))];
}

bool Gossip::OnFindings(const wire::Decoded& decoded)
{
    std::string_view problem;
    if (decoded.status == wire::Status::Malformed) {
        problem = wire::ToString(decoded.problem);
    } else if (decoded.limit_exceeded != 0) {
        problem = "limit exceeded";
    } else if (decoded.trailing != 0 && decoded.type != wire::MessageType::Other) {
        problem = wire::ToString(wire::Problem::TrailingBytes);
    } else {
        return false;
    }
    const std::string_view type{wire::MessageTypeNames()[static_cast<std::size_t>(decoded.type)]};
    ++m_totals.findings[{std::string{type}, std::string{problem}}];
    return true;
}

GossipTotals Gossip::Totals() const
{
    GossipTotals totals{m_totals};
    totals.user_agents = m_user_agents.Counts();
    const auto by_name = [](const ByNetwork& counts, AddrRelayTotals::Networks& names) {
        for (std::size_t at{0}; at < DIRECTIONS; ++at) {
            for (std::size_t network{0}; network < counts[at].size(); ++network) {
                names[at][std::string{wire::NetworkName(static_cast<wire::Network>(network))}] += counts[at][network];
            }
        }
    };
    for (std::size_t type{0}; type < m_networks.size(); ++type) by_name(m_networks[type], totals.addr.networks[type]);
    by_name(m_self, totals.addr.self_announcements);
    by_name(m_subnet, totals.addr.subnet_announcements);
    for (std::size_t at{0}; at < DIRECTIONS; ++at) {
        for (std::size_t i{0}; i < INV_TYPES.size(); ++i)
            totals.inv.entries[at][std::string{wire::InvTypeName(INV_TYPES[i])}] = m_inv[at][i];
        totals.inv.entries[at]["unknown"] = m_inv[at][INV_UNKNOWN];
    }
    return totals;
}

} // namespace coretap::state
