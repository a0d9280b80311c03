// Shapes that occur in several of the API's answers.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "state/snapshot.h"
#include "web/api_json.h"
#include "web/json_writer.h"

namespace coretap::web {

inline constexpr std::array<std::string_view, state::DIRECTIONS> DIRECTION_NAMES{"in", "out"};

/** An object as text; `write(json)` writes its members. */
template <class Write>
std::string JsonObject(Write write)
{
    std::string out;
    JsonWriter json{out};
    json.Object([&] { write(json); });
    return out;
}

template <std::size_t N>
void WriteHistogram(JsonWriter& json, std::string_view name, const state::Histogram<N>& histogram)
{
    json.Object(name, [&] {
        json.List("bounds", [&] {
            for (const double bound : histogram.Bounds()) json.Value(bound);
        });
        json.List("counts", [&] {
            for (const std::uint64_t count : histogram.counts) json.Value(count);
        });
        json.Member("sum", histogram.sum);
        json.Member("count", histogram.count);
    });
}

/** A map from names to numbers. Names may be a stranger's. */
template <class Map>
void WriteCounts(JsonWriter& json, std::string_view name, const Map& map)
{
    json.Object(name, [&] {
        for (const auto& [key, value] : map) json.Member(key, value);
    });
}

/** `{"in":...,"out":...}`; `write(json, "in", item)` writes a member. */
template <class Item, class Write>
void WriteByDirection(JsonWriter& json, std::string_view name, const std::array<Item, state::DIRECTIONS>& items, Write write)
{
    json.Object(name, [&] {
        for (std::size_t i{0}; i < items.size(); ++i) write(json, DIRECTION_NAMES[i], items[i]);
    });
}
inline void WriteNumber(JsonWriter& json, std::string_view name, std::uint64_t value) { json.Member(name, value); }

/** Counts by service bit, those that occurred, by name. */
inline void WriteServiceBits(JsonWriter& json, std::string_view name, const std::array<std::uint64_t, 64>& bits)
{
    json.Object(name, [&] {
        for (unsigned bit{0}; bit < bits.size(); ++bit) {
            if (bits[bit] != 0) json.Member(ServiceName(bit), bits[bit]);
        }
    });
}

} // namespace coretap::web
