// Lists of addresses: what a file may say, whom it finds, and what is counted of them.
#include "state/address_lists.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/state/state_fixture.h"
#include "wire/message.h"

namespace coretap::state {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view ONION{"pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"};

std::string Found(const AddressLists& lists, std::string_view address)
{
    std::string names;
    const std::uint8_t found{lists.Find(ParsePeerAddress(address))};
    for (std::size_t i{0}; i < lists.Size(); ++i) {
        if ((found >> i & 1) != 0) names += (names.empty() ? "" : " ") + lists.Name(i);
    }
    return names;
}

std::shared_ptr<const AddressLists> ListOf(std::initializer_list<std::pair<std::string_view, std::string_view>> texts)
{
    auto lists{std::make_shared<AddressLists>()};
    for (const auto& [name, text] : texts) EXPECT_TRUE(lists->Add(name, text)) << name;
    return lists;
}

TEST(AddressLists, FindWhoIsOnThem)
{
    const auto lists{ListOf({{"spies", "# known ones\n203.0.113.7\r\n\t198.51.100.128/25 # a network\n\n2001:db8:1::/48\nfc00:1::5"},
                             {"tor", std::string{ONION} + "\n198.51.100.200\n10.0.0.9/8"},
                             {"none", ""}})};
    EXPECT_EQ(Found(*lists, "203.0.113.7:8333"), "spies");
    EXPECT_EQ(Found(*lists, "203.0.113.7:1"), "spies") << "ports mean nothing";
    EXPECT_EQ(Found(*lists, "203.0.113.6:8333"), "");
    EXPECT_EQ(Found(*lists, "203.0.113.8:8333"), "");
    EXPECT_EQ(Found(*lists, "198.51.100.127:8333"), "");
    EXPECT_EQ(Found(*lists, "198.51.100.128:8333"), "spies");
    EXPECT_EQ(Found(*lists, "198.51.100.200:8333"), "spies tor");
    EXPECT_EQ(Found(*lists, "198.51.100.255:8333"), "spies");
    EXPECT_EQ(Found(*lists, "198.51.101.0:8333"), "");
    EXPECT_EQ(Found(*lists, "10.255.255.255:8333"), "tor") << "bits behind the prefix mean nothing";
    EXPECT_EQ(Found(*lists, "[2001:db8:1:ffff::1]:8333"), "spies");
    EXPECT_EQ(Found(*lists, "[2001:db8:2::1]:8333"), "");
    EXPECT_EQ(Found(*lists, "[fc00:1::5]:8333"), "spies") << "CJDNS";
    EXPECT_EQ(Found(*lists, std::string{ONION} + ":8333"), "tor");
    EXPECT_EQ(Found(*lists, "udhdrtrcetjm5sxzskjyr5ztpeszydbh4dpl3pl4utgqqw2v4jna.b32.i2p:0"), "");
    EXPECT_EQ(Found(*lists, "node.example.org:8333"), "");
    EXPECT_EQ(Found(*lists, ""), "");
}

TEST(AddressLists, NetworksMayOverlap)
{
    const auto lists{ListOf({{"a", "10.0.0.0/8\n10.1.0.0/16\n10.1.2.3\n11.0.0.0/24\n0.0.0.0/32\n255.255.255.255"}, {"all", "0.0.0.0/0"}})};
    EXPECT_EQ(Found(*lists, "10.1.2.3:1"), "a all");
    EXPECT_EQ(Found(*lists, "10.1.2.4:1"), "a all");
    EXPECT_EQ(Found(*lists, "10.200.0.0:1"), "a all") << "the wide one holds behind the narrow ones";
    EXPECT_EQ(Found(*lists, "11.0.0.255:1"), "a all");
    EXPECT_EQ(Found(*lists, "11.0.1.0:1"), "all");
    EXPECT_EQ(Found(*lists, "255.255.255.255:1"), "a all");
    EXPECT_EQ(Found(*lists, "[2001:db8::1]:1"), "") << "IPv4 alone";
    EXPECT_EQ(Found(*ListOf({{"six", "::/0"}}), "[2001:db8::1]:1"), "six");
}

TEST(AddressLists, WhatIsWrongIsSaidWithItsLine)
{
    AddressLists lists;
    const auto what = [&lists](std::string_view name, std::string_view text) {
        const auto added{lists.Add(name, text)};
        return added ? std::string{} : added.GetError().what;
    };
    for (const std::string_view entry : {"203.0.113.7:8333", "1.2.3", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/-1", "1.2.3.4/2x", "::1/129",
                                         "[::1]", "example.org", "short.onion", "1.2.3.4 5.6.7.8", "\xff\n"}) {
        EXPECT_THAT(what("x", "1.2.3.4\n\n" + std::string{entry}), HasSubstr("line 3: ")) << entry;
    }
    EXPECT_THAT(what("x", std::string{ONION} + "/8"), HasSubstr("line 1: "));
    EXPECT_EQ(lists.Size(), 0u) << "without effect";
    for (const std::string_view name : {"", "a b", "tor.exits", "\"", "a234567890123456789012345678901234"}) {
        EXPECT_THAT(what(name, ""), HasSubstr("is no name of a list"));
    }
    EXPECT_EQ(what("tor", ""), "");
    EXPECT_THAT(what("tor", ""), HasSubstr("two lists of the name tor"));
    for (std::size_t i{1}; i < AddressLists::MAX_LISTS; ++i) EXPECT_EQ(what("list-" + std::to_string(i), ""), "");
    EXPECT_THAT(what("one-more", ""), HasSubstr("more than 8 lists"));
}

TEST(AddressLists, PeersOnThemAreCounted)
{
    constexpr std::size_t IN{0}, OUT{1};
    const Script::Kind spy{"203.0.113.7:8333", "inbound"};
    Script script;
    script.GetTracker().SetLists(ListOf({{"other", "192.0.2.1"}, {"spies", "203.0.113.0/24"}}));
    script.Found();
    script.Connection(event::id::INBOUND_CONNECTION, 1, 1, spy).In(1, "version", {}, spy).Out(1, "ping", {}, spy).Out(1, "ping", {}, spy);
    script.Connection(event::id::OUTBOUND_CONNECTION, 2, 1).In(2, "verack");
    script.Connection(event::id::INBOUND_CONNECTION, 3, 2, spy).Closed(3, START_NS / 1'000'000'000, spy);
    {
        const auto node{script.Node()};
        ASSERT_EQ(node->lists.size(), 2u);
        EXPECT_EQ(node->lists[0].name, "other");
        EXPECT_EQ(node->lists[0].connections[IN], 0u);
        EXPECT_EQ(node->lists[1].name, "spies");
        EXPECT_THAT(node->lists[1].connections, ElementsAre(2u, 0u));
        EXPECT_EQ(node->lists[1].messages[IN][static_cast<std::size_t>(wire::MessageType::Version)].count, 1u);
        EXPECT_EQ(node->lists[1].messages[OUT][static_cast<std::size_t>(wire::MessageType::Ping)].count, 2u);
        EXPECT_EQ(node->lists[1].messages[IN][static_cast<std::size_t>(wire::MessageType::Verack)].count, 0u);
        EXPECT_EQ(PeerOf(*node, 1).lists, 2u);
        EXPECT_EQ(PeerOf(*node, 2).lists, 0u);
        EXPECT_EQ(node->closed_peers.at(0).lists, 2u);
    }

    // other lists: what stays goes on at its new place, who is connected is looked up again
    script.GetTracker().SetLists(ListOf({{"spies", "203.0.113.0/24"}, {"mine", "192.0.43.7"}}));
    script.Out(1, "ping", {}, spy).Connection(event::id::OUTBOUND_CONNECTION, 4, 1);
    {
        const auto node{script.Node()};
        ASSERT_EQ(node->lists.size(), 2u);
        EXPECT_EQ(node->lists[0].name, "spies");
        EXPECT_EQ(node->lists[0].messages[OUT][static_cast<std::size_t>(wire::MessageType::Ping)].count, 3u);
        EXPECT_THAT(node->lists[0].connections, ElementsAre(2u, 0u));
        EXPECT_THAT(node->lists[1].connections, ElementsAre(0u, 1u));
        EXPECT_EQ(PeerOf(*node, 1).lists, 1u);
        EXPECT_EQ(PeerOf(*node, 2).lists, 2u);
    }

    // a recording goes to another time: the lists stay, the counts begin anew
    script.GetTracker().Reset();
    script.Found().Connection(event::id::INBOUND_CONNECTION, 1, 1, spy);
    EXPECT_THAT(script.Node()->lists.at(0).connections, ElementsAre(1u, 0u));
    script.GetTracker().SetLists(ListOf({}));
    EXPECT_TRUE(script.Node()->lists.empty());
    EXPECT_EQ(PeerOf(*script.Node(), 1).lists, 0u);
}

} // namespace
} // namespace coretap::state
