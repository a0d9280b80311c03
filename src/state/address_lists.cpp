#include "state/address_lists.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "util/text.h"

namespace coretap::state {
namespace {

util::Error Wrong(std::string what) { return {util::Errc::Usage, std::move(what)}; }

std::string_view Trimmed(std::string_view text)
{
    constexpr std::string_view BLANKS{" \t\r"};
    const std::size_t from{text.find_first_not_of(BLANKS)};
    return from == std::string_view::npos ? std::string_view{} : text.substr(from, text.find_last_not_of(BLANKS) - from + 1);
}

std::array<std::byte, 16> Mapped(const void* ipv4)
{
    std::array<std::byte, 16> ip{};
    ip[10] = ip[11] = std::byte{0xff};
    std::memcpy(&ip[12], ipv4, 4);
    return ip;
}

bool IsName(std::string_view name)
{
    const auto is_fit = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    };
    return !name.empty() && name.size() <= AddressLists::MAX_NAME && std::ranges::all_of(name, is_fit);
}

} // namespace

bool AddressLists::AddEntry(List& list, std::string_view entry)
{
    const std::size_t slash{entry.find('/')};
    const std::string host{entry.substr(0, slash)};
    Range range;
    std::size_t fixed{0}; //!< bits
    if (in_addr ipv4{}; ::inet_pton(AF_INET, host.c_str(), &ipv4) == 1) {
        range.first = Mapped(&ipv4);
        fixed = 96;
    } else if (::inet_pton(AF_INET6, host.c_str(), range.first.data()) != 1) {
        const PeerAddress named{ParsePeerAddress(host + ":0")};
        if (slash != std::string_view::npos || named.size != 32) return false;
        list.hosts.emplace_back(named.network, named.raw);
        return true;
    }
    std::size_t bits{128};
    if (slash != std::string_view::npos) {
        const char* const end{entry.data() + entry.size()};
        const auto [at, error]{std::from_chars(entry.data() + slash + 1, end, bits)};
        if (error != std::errc{} || at != end || bits > 128 - fixed) return false;
        bits += fixed;
    }
    range.last = range.first;
    for (std::size_t bit{bits}; bit < 128; ++bit) {
        const std::byte mask{static_cast<std::byte>(0x80 >> bit % 8)};
        range.first[bit / 8] &= ~mask;
        range.last[bit / 8] |= mask;
    }
    list.ranges.push_back(range);
    return true;
}

util::Result<> AddressLists::Add(std::string_view name, std::string_view text)
{
    if (!IsName(name))
        return Wrong(fmt::format("{} is no name of a list: up to {} letters, digits, _ and -", util::Quoted(name), MAX_NAME));
    if (std::ranges::find(m_lists, name, &List::name) != m_lists.end())
        return Wrong(fmt::format("there are two lists of the name {}", name));
    if (m_lists.size() >= MAX_LISTS) return Wrong(fmt::format("there are more than {} lists of addresses", MAX_LISTS));
    List list{.name = std::string{name}, .ranges = {}, .hosts = {}};
    for (std::size_t number{1}; !text.empty(); ++number) {
        const std::string_view line{text.substr(0, text.find('\n'))};
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        const std::string_view entry{Trimmed(line.substr(0, line.find('#')))};
        if (!entry.empty() && !AddEntry(list, entry))
            return Wrong(
                fmt::format("line {}: {} is neither an address nor a network, as 203.0.113.7, 2001:db8::/32, or a name that ends in "
                            ".onion or .b32.i2p",
                            number, util::Quoted(entry.substr(0, 100))));
    }
    std::ranges::sort(list.hosts);
    std::ranges::sort(list.ranges, {}, &Range::first);
    std::vector<Range> apart;
    for (const Range& range : list.ranges) {
        if (!apart.empty() && range.first <= apart.back().last) {
            apart.back().last = std::max(apart.back().last, range.last);
        } else {
            apart.push_back(range);
        }
    }
    list.ranges = std::move(apart);
    m_lists.push_back(std::move(list));
    return {};
}

bool AddressLists::Contains(const List& list, const PeerAddress& address)
{
    switch (address.network) {
    case wire::Network::Ipv4:
    case wire::Network::Ipv6:
    case wire::Network::Cjdns: {
        Ip ip{};
        std::copy_n(address.raw.begin(), ip.size(), ip.begin());
        if (address.network == wire::Network::Ipv4) ip = Mapped(address.raw.data());
        const auto after{std::ranges::upper_bound(list.ranges, ip, {}, &Range::first)};
        return after != list.ranges.begin() && ip <= std::prev(after)->last;
    }
    default: return std::ranges::binary_search(list.hosts, Host{address.network, address.raw});
    }
}

std::uint8_t AddressLists::Find(const PeerAddress& address) const
{
    unsigned found{0};
    for (std::size_t i{0}; i < m_lists.size(); ++i) {
        if (Contains(m_lists[i], address)) found |= 1U << i;
    }
    return static_cast<std::uint8_t>(found);
}

} // namespace coretap::state
