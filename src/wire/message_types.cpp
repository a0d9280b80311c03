// Names of message types and inventory types.
#include <array>

#include "wire/message.h"

namespace coretap::wire {
namespace {

constexpr std::array<std::string_view, MESSAGE_TYPE_COUNT> NAMES{
    "other",
    // src/protocol.h of Bitcoin Core, NetMsgType
    "version", "verack", "addr", "addrv2", "sendaddrv2", "inv", "getdata", "merkleblock", "getblocks", "getheaders", "tx", "headers",
    "block", "getaddr", "mempool", "ping", "pong", "notfound", "filterload", "filteradd", "filterclear", "sendheaders", "feefilter",
    "sendcmpct", "cmpctblock", "getblocktxn", "blocktxn", "getcfilters", "cfilter", "getcfheaders", "cfheaders", "getcfcheckpt",
    "cfcheckpt", "wtxidrelay", "sendtxrcncl",
    // accepted once, or new
    "feature",                                            // BIP 434
    "reject", "alert",                                    // BIP 61; removed
    "checkorder", "submitorder", "reply", "sendpackages", // never relayed, or proposed
};
static_assert(!NAMES.back().empty() && static_cast<std::size_t>(MessageType::SendPackages) == MESSAGE_TYPE_COUNT - 1);

/** Open hashing by length, first and last letter, made by the compiler: most names are found, or ruled out, at the first look. */
struct Index {
    static constexpr std::size_t SLOTS{128};
    std::array<std::uint8_t, SLOTS> ids{}; //!< 0: free

    static constexpr std::size_t SlotOf(std::string_view name)
    {
        const auto first = static_cast<unsigned char>(name.front()), last = static_cast<unsigned char>(name.back());
        return (name.size() * 29 + first * 7u + last * 3u) % SLOTS;
    }
    constexpr Index()
    {
        for (std::size_t id{1}; id < NAMES.size(); ++id) {
            std::size_t slot{SlotOf(NAMES[id])};
            while (ids[slot] != 0) slot = (slot + 1) % SLOTS;
            ids[slot] = static_cast<std::uint8_t>(id);
        }
    }
};
constexpr Index INDEX;

} // namespace

std::span<const std::string_view> MessageTypeNames() { return NAMES; }

MessageType MessageTypeOf(std::string_view name)
{
    if (name.empty()) return MessageType::Other;
    for (std::size_t slot{Index::SlotOf(name)}; INDEX.ids[slot] != 0; slot = (slot + 1) % Index::SLOTS) {
        if (NAMES[INDEX.ids[slot]] == name) return static_cast<MessageType>(INDEX.ids[slot]);
    }
    return MessageType::Other;
}

std::string_view InvTypeName(std::uint32_t type)
{
    constexpr std::uint32_t WITNESS{1u << 30};
    switch (type) {
    case 1: return "tx";
    case 2: return "block";
    case 3: return "filtered_block";
    case 4: return "cmpct_block";
    case 5: return "wtx";
    case 1 | WITNESS: return "witness_tx";
    case 2 | WITNESS: return "witness_block";
    case 3 | WITNESS: return "witness_filtered_block";
    default: return {};
    }
}

} // namespace coretap::wire
