// Lists of addresses that somebody keeps (known spies, exits of Tor, a cloud), and which of them a peer is on.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "state/peer_address.h"
#include "util/result.h"

namespace coretap::state {

class AddressLists {
    using Ip = std::array<std::byte, 16>; //!< IPv4 as IPv6 has it mapped, ::ffff:0:0/96
    struct Range {
        Ip first{}, last{};
    };
    using Host = std::pair<wire::Network, std::array<std::byte, 32>>; //!< of a network that has no networks in it, and its key
    struct List {
        std::string name;
        std::vector<Range> ranges; //!< ascending, and apart from each other
        std::vector<Host> hosts;   //!< ascending
    };
    std::vector<List> m_lists;

public:
    static constexpr std::size_t MAX_LISTS{8};
    static constexpr std::size_t MAX_NAME{32};

    /**
     * Add a list. Of `text` each line is an address (IPv4, IPv6, CJDNS, .onion, .b32.i2p; no port) or a network (`203.0.113.0/24`); `#`
     * begins a comment. `name`: letters, digits, `_`, `-`, and no list has it yet. Fails, without effect, with what is wrong and the line.
     */
    util::Result<> Add(std::string_view name, std::string_view text);

    std::size_t Size() const noexcept { return m_lists.size(); }
    const std::string& Name(std::size_t list) const { return m_lists[list].name; }
    /** Bit i is set if the address is on list i. Of its host alone; 0 for what cannot be read. */
    std::uint8_t Find(const PeerAddress& address) const;

private:
    static bool AddEntry(List& list, std::string_view entry);
    static bool Contains(const List& list, const PeerAddress& address);
};

} // namespace coretap::state
