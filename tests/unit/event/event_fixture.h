// Events for tests: of any tracepoint by its row, with believable values, or with what a test sets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "event/event.h"

namespace coretap::test {

/** 2026-11-22T09:15:04.123456789Z */
inline constexpr std::int64_t UTC_NS{1'795'338'904'123'456'789};
inline constexpr std::uint64_t MONOTONIC_NS{5'000'000'000'123};
inline constexpr std::uint32_t PID{1234};
inline constexpr std::uint32_t TID{1240};

/** A number or bytes, whatever the argument takes. */
using Value = std::variant<std::int64_t, std::string>;

/** What differs from the defaults. */
struct Change {
    std::map<std::string, Value> args{};
    std::uint16_t fault_mask{0};
    std::uint16_t cut_mask{0};
    std::uint8_t flags{0};
    std::uint32_t pid{PID};
    std::uint64_t ts_ns{MONOTONIC_NS};
    std::uint32_t origin{0};
};

/** Makes events and keeps their records. */
class EventMaker {
    event::Catalogue m_catalogue;
    std::vector<std::unique_ptr<std::vector<std::byte>>> m_records;

public:
    event::Catalogue& Catalogue() { return m_catalogue; }

    event::Event Make(std::uint16_t tracepoint, const Change& change = {})
    {
        const event::TracepointDef* const row{m_catalogue.Find(tracepoint)};
        if (!row) std::abort();
        const event::TracepointDef& def{*row};
        m_records.push_back(std::make_unique<std::vector<std::byte>>(MakeRecord(def, change)));
        auto parsed = event::ParseRecord(*m_records.back(), m_catalogue, UTC_NS - static_cast<std::int64_t>(MONOTONIC_NS), change.origin);
        if (!parsed) std::abort();
        return *parsed;
    }

    /** The record alone, as the ring's reader makes it. */
    static std::vector<std::byte> MakeRecord(const event::TracepointDef& def, const Change& change = {})
    {
        std::vector<std::byte> record;
        event::RecordBuilder builder{record, def.id, def.args.size(), change.ts_ns, change.pid, TID};
        for (const event::ArgDef& arg : def.args) {
            const auto set = change.args.find(arg.name);
            const Value value{set == change.args.end() ? Default(arg) : set->second};
            if (const auto* number = std::get_if<std::int64_t>(&value)) {
                builder.Int(*number);
            } else {
                builder.Str(std::get<std::string>(value));
            }
        }
        record.resize(builder.Finish(change.fault_mask, change.cut_mask, change.flags).size());
        return record;
    }

    static Value Default(const event::ArgDef& arg)
    {
        static const std::map<std::string_view, Value> BY_NAME{{"addr", "203.0.113.7:8333"},
                                                               {"conn_type", "outbound-full-relay"},
                                                               {"msg_type", "inv"},
                                                               {"size", 1234},
                                                               {"payload", ""},
                                                               {"peer_id", 12},
                                                               {"network", 1},
                                                               {"connections", 34},
                                                               {"connected_at", UTC_NS / 1'000'000'000 - 754},
                                                               {"height", 912345},
                                                               {"transactions", 2113},
                                                               {"inputs", 5321},
                                                               {"sigops", 8500},
                                                               {"duration", 231'100'000},
                                                               {"vsize", 141},
                                                               {"fee", 1234},
                                                               {"entered_at", UTC_NS / 1'000'000'000 - 192},
                                                               {"replaced_entered_at", UTC_NS / 1'000'000'000 - 7385},
                                                               {"replaced_vsize", 141},
                                                               {"replaced_fee", 1234},
                                                               {"replacement_vsize", 200},
                                                               {"replacement_fee", 4321},
                                                               {"replacement_is_tx", 1},
                                                               {"mode", 2},
                                                               {"coins", 1234567},
                                                               {"memory", 362'807'296},
                                                               {"index", 1},
                                                               {"value", 5'000'000},
                                                               {"wallet", "savings"},
                                                               {"algorithm", "bnb"},
                                                               {"target", 10'000'000},
                                                               {"waste", -120},
                                                               {"selected", 10'000'500},
                                                               {"success", 1},
                                                               {"change_position", -1},
                                                               {"used", 0},
                                                               {"inserted", 1},
                                                               {"bucket", 712},
                                                               {"position", 33},
                                                               {"asn", 64500},
                                                               {"source", "198.51.100.9"},
                                                               {"source_asn", 0},
                                                               {"tracepoint", "mempool:removed"},
                                                               {"count", 1234},
                                                               {"total", 1300},
                                                               {"label", "main"},
                                                               {"executable", "/usr/bin/bitcoind"},
                                                               {"build_id", "0123abcd"},
                                                               {"datadir", "/home/alice/.bitcoin"},
                                                               {"chain", "main"},
                                                               {"started_at", UTC_NS / 1'000'000'000 - 3}};
        if (arg.name == "reason") return "because";
        if (const auto it = BY_NAME.find(arg.name); it != BY_NAME.end()) return it->second;
        if (arg.type == event::ArgType::Hash) return Hash(arg.name == "replacement_id" ? 0x40 : 0);
        if (arg.type == event::ArgType::String || arg.type == event::ArgType::Bytes) return "abc";
        return 1;
    }

    /** 32 bytes: first, first + 1, ... in wire order. */
    static std::string Hash(unsigned first)
    {
        std::string hash;
        for (unsigned i{0}; i < 32; ++i) hash += static_cast<char>(first + i);
        return hash;
    }
};

/** The golden file's text; with CORETAP_UPDATE_GOLDEN=1 in the environment it is written first, and is `actual`. */
inline std::string Golden(const std::string& name, const std::string& actual)
{
    const std::string path{CORETAP_SOURCE_DIR "/tests/golden/" + name};
    if (const char* update{std::getenv("CORETAP_UPDATE_GOLDEN")}; update != nullptr && *update == '1') {
        std::ofstream{path, std::ios::binary} << actual;
    }
    std::ostringstream text;
    text << std::ifstream{path, std::ios::binary}.rdbuf();
    return text.str();
}

} // namespace coretap::test
