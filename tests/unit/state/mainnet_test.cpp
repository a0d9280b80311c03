// The stand-in's scenario `mainnet`, in this process: what the tracker says must agree with what was fired.
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include <boost/json/parse.hpp>

#include "sim/sim_main.h"
#include "unit/state/state_fixture.h"
#include "wire/message.h"

namespace coretap::state {
namespace {

namespace json = boost::json;

std::vector<std::byte> Bytes(std::string_view hex, bool reversed)
{
    std::vector<std::byte> bytes;
    const auto nibble = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
    for (std::size_t i{0}; i + 1 < hex.size(); i += 2) bytes.push_back(std::byte(nibble(hex[i]) << 4 | nibble(hex[i + 1])));
    if (reversed) std::ranges::reverse(bytes);
    return bytes;
}

/** The record of a line of --log-fired. */
void FireLine(Script& script, const event::TracepointDef& def, const json::object& args)
{
    script.Fire(def.id, [&](event::RecordBuilder& to) {
        for (const event::ArgDef& arg : def.args) {
            const json::value& value{args.at(arg.name)};
            if (value.is_string()) {
                const std::string_view text{value.get_string()};
                if (arg.type == event::ArgType::String) {
                    to.Str(text);
                } else {
                    to.Bytes(Bytes(text, arg.type == event::ArgType::Hash));
                }
            } else if (value.is_bool()) {
                to.Uint(value.get_bool() ? 1 : 0);
            } else {
                value.is_uint64() ? to.Uint(value.get_uint64()) : to.Int(value.get_int64());
            }
        }
    });
}

TEST(Mainnet, AgreesWithWhatWasFired)
{
    const auto path{std::filesystem::temp_directory_path() / ("state_unit_test." + std::to_string(::getpid()) + ".jsonl")};
    const std::string name{path.string()};
    std::ostringstream out, err;
    ASSERT_EQ(sim::Main(std::vector<std::string_view>{"--scenario", "mainnet", "--rate", "0", "--count", "40000", "--block-interval", "30",
                                                      "--force-active", "--log-fired", name},
                        out, err),
              0)
        << err.str();

    const event::Catalogue catalogue;
    Script script;
    std::map<std::string, std::uint64_t> fired;
    std::map<std::string, std::uint64_t> by_type; //!< of messages from peers
    std::set<std::int64_t> connected;
    std::ifstream file{path};
    for (std::string line; std::getline(file, line);) {
        const json::object event{json::parse(line).as_object()};
        const std::string full{event.at("event").as_string()};
        const json::object& args{event.at("args").as_object()};
        const auto rows{catalogue.FindAll(full.substr(0, full.find(':')), full.substr(full.find(':') + 1))};
        const auto row{std::ranges::find_if(rows, [&](const auto* def) {
            return std::ranges::all_of(def->args, [&](const auto& arg) { return args.contains(arg.name); });
        })};
        ASSERT_NE(row, rows.end()) << full;
        FireLine(script.After(0.5), **row, args);
        ++fired[full];
        if (full == "net:inbound_message") ++by_type[std::string{args.at("msg_type").as_string()}];
        if (full.ends_with("bound_connection") && !full.starts_with("net:evicted")) connected.insert(args.at("peer_id").as_int64());
        if (full == "net:closed_connection") connected.erase(args.at("peer_id").as_int64());
    }
    std::filesystem::remove(path);

    const auto node{script.Node()};
    std::set<std::int64_t> peers;
    for (const Peer& peer : node->peers) {
        peers.insert(peer.id);
        EXPECT_TRUE(peer.addr.exact) << peer.id;
        EXPECT_TRUE(peer.connected_utc_ns) << peer.id;
        EXPECT_EQ(peer.undecodable, 0U) << peer.id;
    }
    EXPECT_EQ(peers, connected);
    std::map<std::string, std::uint64_t> counted;
    for (const auto& counts : node->messages[0]) {
        for (std::size_t type{0}; type < wire::MESSAGE_TYPE_COUNT; ++type) {
            if (counts[type].count != 0) counted[std::string{event::MessageTypes()[type]}] += counts[type].count;
        }
    }
    EXPECT_EQ(counted, by_type);
    EXPECT_EQ(node->mempool.added.count, fired["mempool:added"]);
    EXPECT_EQ(node->mempool.replaced.count, fired["mempool:replaced"]);
    EXPECT_EQ(node->chain.blocks, fired["validation:block_connected"]);
    EXPECT_EQ(node->utxo.spent, fired["utxocache:spent"]);

    // every block came from somebody, and the way is whole
    ASSERT_GT(node->chain.blocks, 3U);
    std::size_t connected_blocks{0};
    for (const BlockJourney& journey : node->blocks) {
        if (!journey.connected_utc_ns) continue;
        ++connected_blocks;
        ASSERT_FALSE(journey.announcements.empty()) << *journey.height;
        ASSERT_TRUE(journey.delivered_utc_ns) << *journey.height;
        EXPECT_LE(journey.announcements.front().utc_ns, *journey.delivered_utc_ns);
        EXPECT_LE(*journey.delivered_utc_ns, *journey.connected_utc_ns);
        EXPECT_TRUE(journey.first_relay_utc_ns) << *journey.height;
    }
    EXPECT_EQ(connected_blocks, node->chain.blocks);
    const BlockTotals& totals{node->block_totals};
    EXPECT_EQ(totals.delivered_block + totals.delivered_compact_full + totals.delivered_compact_partial, node->chain.blocks);
}

} // namespace
} // namespace coretap::state
