#include "tracer/names.h"

#include <cstring>

#include "event/catalogue.h"

namespace coretap::tracer {

void FillNames(ct_config& config)
{
    const auto to_name = [](std::string_view text) {
        ct_name name{};
        std::memcpy(&name, text.data(), text.size());
        return name;
    };
    const auto types{event::MessageTypes()};
    // A multiplier under which no two known types share a row; with 40 types in 256 rows one of some dozens does.
    for (std::uint64_t multiplier{0x9E3779B97F4A7C15ULL};; multiplier = multiplier * 6364136223846793005ULL + 1442695040888963407ULL) {
        std::memset(config.msg_types, 0, sizeof(config.msg_types));
        std::memset(config.msg_ids, 0, sizeof(config.msg_ids));
        config.msg_mult = multiplier | 1;
        bool apart{true};
        for (std::size_t i{1}; i < types.size() && apart; ++i) {
            const ct_name name{to_name(types[i])};
            const auto row{ct_msg_hash(name.word[0], name.word[1], config.msg_mult)};
            apart = config.msg_ids[row] == 0;
            config.msg_types[row] = name;
            config.msg_ids[row] = static_cast<std::uint8_t>(i);
        }
        if (apart) break;
    }
    const auto conn_types{event::ConnectionTypes()};
    for (std::size_t i{1}; i < conn_types.size(); ++i) config.conn_types[i] = to_name(conn_types[i]);
}

} // namespace coretap::tracer
