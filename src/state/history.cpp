#include "state/history.h"

#include <array>
#include <string_view>

#include "wire/message.h"

namespace coretap::state {

std::string_view ToString(HistoryKind kind)
{
    constexpr std::array<std::string_view, HISTORY_KINDS> NAMES{"inventory", "transactions", "blocks",  "headers",
                                                                "addresses", "pings",        "filters", "other"};
    return NAMES[static_cast<std::size_t>(kind)];
}

HistoryKind KindOf(std::uint8_t message_type)
{
    using wire::MessageType;
    switch (static_cast<MessageType>(message_type)) {
    case MessageType::Inv:
    case MessageType::GetData:
    case MessageType::NotFound: return HistoryKind::Inventory;
    case MessageType::Tx:
    case MessageType::Mempool:
    case MessageType::FeeFilter:
    case MessageType::SendTxRcncl: return HistoryKind::Transactions;
    case MessageType::Block:
    case MessageType::CmpctBlock:
    case MessageType::GetBlockTxn:
    case MessageType::BlockTxn:
    case MessageType::MerkleBlock:
    case MessageType::GetBlocks: return HistoryKind::Blocks;
    case MessageType::Headers:
    case MessageType::GetHeaders:
    case MessageType::SendHeaders:
    case MessageType::SendCmpct: return HistoryKind::Headers;
    case MessageType::Addr:
    case MessageType::AddrV2:
    case MessageType::GetAddr:
    case MessageType::SendAddrV2: return HistoryKind::Addresses;
    case MessageType::Ping:
    case MessageType::Pong: return HistoryKind::Pings;
    case MessageType::FilterLoad:
    case MessageType::FilterAdd:
    case MessageType::FilterClear:
    case MessageType::GetCFilters:
    case MessageType::CFilter:
    case MessageType::GetCFHeaders:
    case MessageType::CFHeaders:
    case MessageType::GetCFCheckpt:
    case MessageType::CFCheckpt: return HistoryKind::Filters;
    default: return HistoryKind::Other;
    }
}

void History::Steps::Advance(std::int64_t utc_ns, std::uint32_t peers_in, std::uint32_t peers_out)
{
    const std::int64_t start{utc_ns - utc_ns % length_ns};
    if (now.utc_ns == 0) now.utc_ns = start;
    if (utc_ns < now.utc_ns - CLOCK_SET_NS) return GoBack(start);
    if (start <= now.utc_ns) return;
    now.peers_in = peers_in;
    now.peers_out = peers_out;
    // A gap longer than all that is kept (a clock that was set, a recording with a hole) leaves nothing but zeros.
    const auto steps = static_cast<std::uint64_t>((start - now.utc_ns) / length_ns);
    if (steps > limit) {
        past.clear();
        now = {};
        now.utc_ns = start - static_cast<std::int64_t>(limit) * length_ns;
        now.peers_in = peers_in;
        now.peers_out = peers_out;
    }
    while (now.utc_ns < start) {
        past.push_back(now);
        if (past.size() > limit) past.pop_front();
        now = {};
        now.utc_ns = past.back().utc_ns + length_ns;
        now.peers_in = peers_in;
        now.peers_out = peers_out;
    }
}

void History::Steps::GoBack(std::int64_t start_ns)
{
    while (!past.empty() && past.back().utc_ns >= start_ns) past.pop_back();
    const HistoryPoint future{now};
    now = {};
    now.utc_ns = start_ns;
    now.peers_in = future.peers_in;
    now.peers_out = future.peers_out;
}

void History::Advance(std::int64_t utc_ns, std::size_t peers_in, std::size_t peers_out)
{
    m_seconds.Advance(utc_ns, static_cast<std::uint32_t>(peers_in), static_cast<std::uint32_t>(peers_out));
    m_minutes.Advance(utc_ns, static_cast<std::uint32_t>(peers_in), static_cast<std::uint32_t>(peers_out));
}

} // namespace coretap::state
