// Every payload of every scenario, read by the decoders: what the stand-in sends is what a node could have sent.
#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "from_hex.h"
#include "sim/address.h"
#include "sim/scenarios.h"
#include "sim/wire_samples.h"
#include "sim_run.h"
#include "wire/message.h"

namespace coretap::sim {
namespace {

struct Message {
    std::string type;
    std::uint64_t size;
    Bytes payload;
    bool readable;
};

std::vector<Message> MessagesOf(const Outcome& outcome)
{
    std::vector<Message> messages;
    for (std::size_t i{0}; i < outcome.lines.size(); ++i) {
        const std::string event{outcome.Event(i)};
        if (event != "net:inbound_message" && event != "net:outbound_message") continue;
        const std::string& line{outcome.lines[i]};
        const bool readable{line.find("\"payload\":null") == std::string::npos};
        messages.push_back({Outcome::Field(line, "msg_type"), std::stoull(Outcome::Field(line, "size")),
                            readable ? FromHex(Outcome::Field(line, "payload")) : Bytes{}, readable});
    }
    return messages;
}

wire::Decoded Decode(std::string_view type, const Bytes& payload)
{
    return wire::Decode(wire::MessageTypeOf(type), std::as_bytes(std::span{payload}), payload.size());
}

bool IsMalformedSample(const Message& message)
{
    return std::ranges::any_of(MalformedMessages(), [&message](const MalformedMessage& sample) {
        return sample.type == message.type && sample.payload == message.payload;
    });
}

/** Blocks of scenario `every` that are there for their size: the bytes count up. */
bool IsCountingBlock(const Message& message)
{
    if (message.type != "block") return false;
    for (std::size_t i{0}; i < message.payload.size(); ++i) {
        if (message.payload[i] != i % 251) return false;
    }
    return true;
}

/** Scenario `faults`: letters where a message ought to be, and what cannot be read at all. */
bool IsOfFaults(const Message& message) { return !message.readable || message.type != "ping"; }

bool Never(const Message&) { return false; }

struct Round {
    std::string_view scenario;
    std::string_view count;
    bool (*may_be_broken)(const Message&);
    std::size_t least_messages;
};

constexpr Round ROUNDS[]{
    {"mainnet", "30000", IsMalformedSample, 5'000},
    {"every", "1000000", IsCountingBlock, 100},
    {"firehose", "11000", Never, 11'000},
    {"messages", "8000", Never, 8'000},
    {"blocks", "5000", Never, 0},
    {"ibd", "5000", Never, 0},
    {"faults", "1000000", IsOfFaults, 50},
    {"burst", "5000", Never, 0},
    {"restart-hello", "5000", Never, 30},
    // by its own clock, and with no more than restart-hello has
    {"idle", "60", Never, 30},
};

TEST(Payloads, EveryScenarioIsLookedAt)
{
    for (const Scenario& scenario : Scenarios()) EXPECT_EQ(std::ranges::count(ROUNDS, scenario.name, &Round::scenario), 1) << scenario.name;
}

TEST(Payloads, AreWhatANodeCouldHaveSent)
{
    for (const Round& round : ROUNDS) {
        SCOPED_TRACE(round.scenario);
        const auto messages = MessagesOf(RunSim({"--scenario", round.scenario, "--rate", "0", "--count", round.count}));
        EXPECT_GE(messages.size(), round.least_messages);
        std::size_t wrong{0};
        for (const Message& message : messages) {
            if (round.may_be_broken(message)) continue;
            EXPECT_EQ(message.size, message.payload.size());
            const wire::Decoded decoded{Decode(message.type, message.payload)};
            if (decoded.status == wire::Status::Whole && decoded.trailing == 0) continue;
            if (++wrong > 5) break;
            ADD_FAILURE() << message.type << " of " << message.size << " bytes: " << wire::ToString(decoded.problem) << " at "
                          << decoded.problem_at << ", " << decoded.trailing << " trailing";
        }
    }
}

TEST(Payloads, ScenarioMessagesHasAllTypes)
{
    std::set<std::string> types;
    for (const Message& message : MessagesOf(RunSim({"--scenario", "messages", "--rate", "0", "--count", "5000"})))
        types.insert(message.type);
    for (const std::string_view type : wire::MessageTypeNames().subspan(1)) EXPECT_TRUE(types.contains(std::string{type})) << type;
    EXPECT_EQ(types.size(), wire::MESSAGE_TYPE_COUNT) << "and one that nobody knows";
}

TEST(Payloads, MalformedOnesAre)
{
    std::set<wire::Problem> problems;
    for (const MalformedMessage& message : MalformedMessages()) {
        const wire::Decoded decoded{Decode(message.type, message.payload)};
        EXPECT_EQ(decoded.status, wire::Status::Malformed) << message.type;
        problems.insert(decoded.problem);
    }
    EXPECT_GE(problems.size(), 4u);
}

TEST(Payloads, MisdeedsCanBeRead)
{
    Rng rng{1};
    std::map<std::string_view, std::uint32_t> limits;
    for (const Misdeed& misdeed : Misdeeds()) {
        const Message message{std::string{misdeed.type}, 0, misdeed.make(rng), true};
        const wire::Decoded decoded{Decode(message.type, message.payload)};
        EXPECT_TRUE(decoded.status == wire::Status::Whole || IsMalformedSample(message)) << misdeed.reason;
        EXPECT_EQ(decoded.trailing, 0u) << misdeed.reason;
        limits[misdeed.reason] = decoded.limit_exceeded;
    }
    EXPECT_EQ(limits["inv message size = 50001"], 50'000u);
    EXPECT_EQ(limits["headers message size = 2001"], 2'000u);
    EXPECT_EQ(limits["addrv2 message size = 1001"], 1'000u);
    EXPECT_NE(limits["too-large bloom filter"], 0u);
}

TEST(Payloads, MainnetShowsWhatThereIs)
{
    std::set<wire::Network> networks;
    std::set<std::string> inventory, user_agents;
    std::size_t malformed{0}, empty_pings{0}, stripped{0}, limits{0};
    // a quiet chain, so that the events are those of peers
    for (const Message& message :
         MessagesOf(RunSim({"--scenario", "mainnet", "--rate", "0", "--count", "80000", "--block-interval", "300"}))) {
        const wire::Decoded decoded{Decode(message.type, message.payload)};
        malformed += IsMalformedSample(message);
        limits += decoded.limit_exceeded != 0;
        if (const auto* addresses = std::get_if<wire::AddrV2Msg>(&decoded.message)) {
            for (const wire::AddressEntry& entry : addresses->entries) networks.insert(entry.address.network);
        } else if (const auto* inv = std::get_if<wire::InvMsg>(&decoded.message)) {
            for (const wire::InvEntry& entry : inv->entries)
                inventory.insert(message.type + ' ' + std::string{wire::InvTypeName(entry.type)});
        } else if (const auto* version = std::get_if<wire::VersionMsg>(&decoded.message); version && version->user_agent) {
            user_agents.emplace(reinterpret_cast<const char*>(version->user_agent->data()), version->user_agent->size());
        } else if (const auto* ping = std::get_if<wire::PingMsg>(&decoded.message)) {
            empty_pings += !ping->nonce;
        } else if (const auto* tx = std::get_if<wire::TxMsg>(&decoded.message)) {
            stripped += !tx->tx.has_witness;
        }
    }
    using wire::Network;
    for (const auto network :
         {Network::Ipv4, Network::Ipv6, Network::TorV2, Network::TorV3, Network::I2p, Network::Cjdns, Network::Unknown})
        EXPECT_TRUE(networks.contains(network)) << wire::NetworkName(network);
    for (const char* const entry : {"inv wtx", "inv tx", "getdata wtx", "getdata tx", "getdata witness_tx", "getdata witness_block",
                                    "getdata cmpct_block", "getdata filtered_block"})
        EXPECT_TRUE(inventory.contains(entry)) << entry;
    EXPECT_GE(user_agents.size(), 8u);
    EXPECT_GT(malformed, 0u);
    EXPECT_GT(limits, 0u);
    EXPECT_GT(empty_pings, 0u);
    EXPECT_GT(stripped, 0u);
}

std::string Key(wire::ByteView hash) { return {reinterpret_cast<const char*>(hash.data()), hash.size()}; }

TEST(Payloads, TheFirehosesBlockIsABlock)
{
    std::map<std::string, wire::BlockMsg> blocks;
    std::vector<wire::CmpctBlockMsg> compact;
    const auto messages = MessagesOf(RunSim({"--scenario", "firehose", "--count", "11000"}));
    for (const Message& message : messages) {
        const wire::Decoded decoded{Decode(message.type, message.payload)};
        if (const auto* block = std::get_if<wire::BlockMsg>(&decoded.message)) {
            EXPECT_GE(block->raw.size(), 1'000'000u);
            EXPECT_LT(block->raw.size(), 1'010'000u);
            std::vector<Hash256> txids, wtxids;
            bool witness{false};
            for (const wire::Tx& tx : block->txs) {
                const auto txid = wire::Txid(tx), wtxid = wire::Wtxid(tx);
                Hash256 id;
                std::ranges::copy(std::as_bytes(std::span{txid}), std::as_writable_bytes(std::span{id}).begin());
                txids.push_back(id);
                std::ranges::copy(std::as_bytes(std::span{wtxid}), std::as_writable_bytes(std::span{id}).begin());
                wtxids.push_back(wtxids.empty() ? Hash256{} : id); // the coinbase counts as zero
                witness |= tx.has_witness;
            }
            EXPECT_TRUE(witness);
            EXPECT_EQ(txids.size(), block->claimed);
            const auto root = MerkleRoot(txids);
            EXPECT_EQ(Key(std::as_bytes(std::span{root})), Key(block->header.merkle_root));
            blocks.emplace(Key(block->header.raw), *block);
        } else if (const auto* announced = std::get_if<wire::CmpctBlockMsg>(&decoded.message)) {
            compact.push_back(*announced);
        }
    }
    ASSERT_EQ(blocks.size(), 1u);
    ASSERT_FALSE(compact.empty());
    const wire::BlockMsg& block{blocks.begin()->second};
    for (const wire::CmpctBlockMsg& announced : compact) {
        ASSERT_EQ(Key(announced.header.raw), Key(block.header.raw));
        // BIP 152: the key is the first half of the hash of header and nonce
        Encoder input;
        const auto* header = reinterpret_cast<const std::uint8_t*>(announced.header.raw.data());
        const Hash256 key{Sha256(input.Raw({header, 80}).U64(announced.nonce).Take())};
        std::uint64_t k0{0}, k1{0};
        std::memcpy(&k0, key.data(), 8);
        std::memcpy(&k1, key.data() + 8, 8);
        std::vector<std::uint64_t> expected;
        for (const wire::Tx& tx : block.txs) {
            const auto wtxid = wire::Wtxid(tx);
            Hash256 id;
            std::ranges::copy(std::as_bytes(std::span{wtxid}), std::as_writable_bytes(std::span{id}).begin());
            expected.push_back(SipHash(k0, k1, id) & 0xffffffffffff);
        }
        std::vector<std::uint64_t> ids;
        for (const std::uint64_t id : announced.short_ids) ids.push_back(id);
        expected.erase(expected.begin()); // the coinbase is sent whole
        EXPECT_EQ(ids, expected);
    }
}

} // namespace
} // namespace coretap::sim
