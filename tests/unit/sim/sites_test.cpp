// The notes in the built binaries: one site a tracepoint, with the sizes and signs Bitcoin Core has. A tracer that
// works with the stand-in is only worth something if these are the same.
#include <cstdio>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "event/catalogue.h"
#include "sim/probes.h"

namespace coretap::sim {
namespace {

struct Site {
    std::string args;      //!< `-8 8 4`
    std::string semaphore; //!< address, hex
};

std::multimap<std::string, Site> ReadSites(const std::string& binary)
{
    std::multimap<std::string, Site> sites;
    std::FILE* pipe{::popen(("readelf -n '" + binary + "'").c_str(), "r")};
    if (!pipe) return sites;
    std::string provider, name, semaphore;
    char line[4096];
    const auto after = [&line](const char* key) -> std::string {
        const std::string text{line};
        const std::size_t at{text.find(key)};
        if (at == std::string::npos) return {};
        const std::size_t from{at + std::string_view{key}.size()};
        return text.substr(from, text.find('\n') - from);
    };
    while (std::fgets(line, sizeof(line), pipe)) {
        if (const std::string value{after("Provider: ")}; !value.empty()) provider = value;
        if (const std::string value{after("Name: ")}; !value.empty()) name = value;
        if (const std::string value{after("Semaphore: ")}; !value.empty()) semaphore = value;
        if (const std::string value{after("Arguments: ")}; !value.empty()) {
            std::istringstream words{value};
            std::string args;
            for (std::string word; words >> word;) args += (args.empty() ? "" : " ") + word.substr(0, word.find('@'));
            sites.emplace(provider + ":" + name, Site{args, semaphore});
        }
    }
    ::pclose(pipe);
    return sites;
}

/** As `readelf -n` shows them for Bitcoin Core's bitcoind (d84fc352cb, x86_64). */
std::map<std::string, std::string> Expected()
{
    return {
        {"net:inbound_message", "-8 8 8 8 8 8"},
        {"net:outbound_message", "-8 8 8 8 8 8"},
        {"net:inbound_connection", "-8 8 8 4 8"},
        {"net:outbound_connection", "-8 8 8 4 8"},
        {"net:evicted_inbound_connection", "-8 8 8 4 -8"},
        {"net:misbehaving_connection", "-8 8"},
        {"net:closed_connection", "-8 8 8 4 -8"},
        {"validation:block_connected", "8 -4 8 -4 -8 -8"},
        {"mempool:added", "8 -4 -8"},
        {"mempool:removed", "8 8 -4 -8 8"},
        {"mempool:replaced", "8 -4 -8 8 8 -4 -8 1"},
        {"mempool:rejected", "8 8"},
        {"utxocache:flush", "-8 4 8 8 1"},
        {"utxocache:add", "8 4 4 -8 1"},
        {"utxocache:spent", "8 4 4 -8 1"},
        {"utxocache:uncache", "8 4 4 -8 1"},
        {"coin_selection:selected_coins", "8 8 -8 -8 -8"},
        {"coin_selection:normal_create_tx_internal", "8 1 -8 -4"},
        {"coin_selection:attempting_aps_create_tx", "8"},
        {"coin_selection:aps_create_tx_internal", "8 1 1 -8 -4"},
        {"addrman:attempt_add", "1 -4 -4 8 4 8 4"},
        {"addrman:move_to_good", "-4 -4 8 4 8 4"},
        {"simnode:demo", "8 -4 8 8 8 8"},
    };
}

void ExpectSites(const std::string& binary, const std::map<std::string, std::string>& expected)
{
    const auto sites = ReadSites(binary);
    EXPECT_EQ(sites.size(), TP_COUNT);
    std::map<std::string, std::string> semaphores;
    for (const auto& [name, args] : expected) {
        ASSERT_EQ(sites.count(name), 1u) << name;
        const Site& site{sites.find(name)->second};
        EXPECT_EQ(site.args, args) << name;
        EXPECT_NE(std::stoull(site.semaphore, nullptr, 16), 0u) << name;
        EXPECT_TRUE(semaphores.emplace(site.semaphore, name).second) << name << " shares its semaphore";
    }
}

TEST(Sites, AsBitcoinCore) { ExpectSites(CORETAP_SIM_BINARY, Expected()); }

TEST(Sites, OldAddrmanLayout)
{
    auto expected = Expected();
    expected["addrman:move_to_good"] = "8 -4 -4 4 8 4";
    ExpectSites(CORETAP_SIM_2023_BINARY, expected);
}

TEST(Sites, AsTheCatalogue)
{
    const auto sites = ReadSites(CORETAP_SIM_BINARY);
    const event::Catalogue catalogue;
    for (const event::TracepointDef* row : catalogue.Rows()) {
        if (row->origin == event::Origin::Coretap || row->id == event::id::ADDRMAN_MOVE_TO_GOOD_2023) continue;
        std::string args;
        for (const event::ArgDef& arg : row->args)
            args += (args.empty() ? "" : " ") + std::string{arg.type == event::ArgType::Int ? "-" : ""} + std::to_string(arg.size);
        ASSERT_EQ(sites.count(row->FullName()), 1u) << row->FullName();
        EXPECT_EQ(sites.find(row->FullName())->second.args, args) << row->FullName();
    }
}

} // namespace
} // namespace coretap::sim
