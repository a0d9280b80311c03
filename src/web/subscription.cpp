#include "web/subscription.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "util/text.h"

namespace coretap::web {
namespace {

namespace json = boost::json;
using util::Errc;
using util::Error;
using util::Result;

constexpr std::size_t MAX_VALUES{64};
constexpr double MIN_RATE{0.01}; // one in a hundred seconds
constexpr double MAX_RATE{1e6};

Error Wrong(std::string_view what, std::string_view expected)
{
    return Error{Errc::Malformed, fmt::format("{} must be {}", util::Quoted(what), expected)};
}

/** The strings of a list, or the one string that stands in its place; sorted, each once: their order means nothing. */
Result<std::vector<std::string>> Strings(std::string_view name, const json::value& value)
{
    std::vector<std::string> out;
    if (const json::string * one{value.if_string()}) {
        out.emplace_back(one->c_str(), one->size());
    } else if (const json::array * list{value.if_array()}; list && list->size() <= MAX_VALUES) {
        for (const json::value& item : *list) {
            const json::string* const text{item.if_string()};
            if (!text) return Wrong(name, "a list of strings");
            out.emplace_back(text->c_str(), text->size());
        }
    } else {
        return Wrong(name, fmt::format("a string or a list of at most {} strings", MAX_VALUES));
    }
    std::ranges::sort(out);
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

Result<> ParsePeers(const json::value& value, std::vector<std::int64_t>& peers)
{
    const json::array* const list{value.if_array()};
    if (!list || list->size() > MAX_VALUES) return Wrong("peer", fmt::format("a list of at most {} peer ids", MAX_VALUES));
    for (const json::value& item : *list) {
        const std::int64_t* const id{item.if_int64()};
        if (!id || *id < 0) return Wrong("peer", "a list of peer ids");
        peers.push_back(*id);
    }
    std::ranges::sort(peers);
    peers.erase(std::unique(peers.begin(), peers.end()), peers.end());
    return {};
}

/** Hands each string to the parser of the command line's option: one place knows the names. A comma would make two of one. */
Result<> Parse(std::string_view name, const json::value& value, Result<> (*parse)(std::string_view, pipeline::FilterSpec&),
               pipeline::FilterSpec& spec)
{
    auto strings = Strings(name, value);
    if (!strings) return strings.GetError();
    for (const std::string& text : *strings) {
        if (text.find(',') != std::string::npos) return Wrong(name, "a list of names, without commas in them");
        if (auto parsed = parse(text, spec); !parsed) return parsed;
    }
    return {};
}

Result<pipeline::FilterSpec> ParseFilter(const json::value& value)
{
    const json::object* const object{value.if_object()};
    if (!object) return Wrong("filter", "an object");
    pipeline::FilterSpec spec;
    for (const auto& [name, member] : *object) {
        Result<> parsed{};
        if (name == "only") {
            parsed = Parse("only", member, pipeline::ParseOnly, spec);
        } else if (name == "peer") {
            parsed = ParsePeers(member, spec.peers);
        } else if (name == "msg") {
            parsed = Parse("msg", member, pipeline::ParseMessageTypes, spec);
        } else if (name == "conn_type") {
            parsed = Parse("conn_type", member, pipeline::ParseConnectionTypes, spec);
        } else if (name == "node") {
            parsed = Parse("node", member, pipeline::ParseNodes, spec);
        } else if (name == "direction") {
            const json::string* const text{member.if_string()};
            if (!text) return Wrong("direction", "\"in\" or \"out\"");
            parsed = pipeline::ParseDirection({text->data(), text->size()}, spec);
        } else {
            return Error{Errc::Usage, fmt::format("the filter has no member {}; there are only, peer, msg, direction, conn_type and node",
                                                  util::Quoted({name.data(), name.size()}))};
        }
        if (!parsed) return parsed.GetError();
    }
    return spec;
}

Result<event::Decode> ParseDecode(const json::value& value)
{
    const json::string* const text{value.if_string()};
    if (text && *text == "off") return event::Decode::Off;
    if (text && *text == "short") return event::Decode::Short;
    if (text && *text == "full") return event::Decode::Full;
    return Wrong("decode", "\"off\", \"short\" or \"full\"");
}

void AppendKey(std::string& key, std::string_view name, const std::vector<std::string>& values)
{
    key += name;
    for (const std::string& value : values) key += fmt::format(" {}:{}", value.size(), value); // lengths: values may hold anything
    key += '\n';
}

std::string Key(const pipeline::FilterSpec& spec, const Subscription& subscription)
{
    std::string key{fmt::format("{} {} {}\npeers", static_cast<int>(subscription.decode), subscription.max_events_per_s,
                                spec.direction ? static_cast<int>(*spec.direction) : -1)};
    for (const std::int64_t peer : spec.peers) key += fmt::format(" {}", peer);
    key += '\n';
    AppendKey(key, "only", spec.only);
    AppendKey(key, "msg", spec.msg_types);
    AppendKey(key, "conn_type", spec.conn_types);
    AppendKey(key, "node", spec.nodes);
    return key;
}

} // namespace

Result<Subscription> ParseSubscription(std::string_view text, const event::Catalogue& catalogue)
{
    boost::system::error_code error;
    json::parse_options options;
    options.max_depth = 8;
    const json::value value(json::parse({text.data(), text.size()}, error, {}, options));
    if (error) return Error{Errc::Malformed, fmt::format("this is no JSON: {}", error.message())};
    const json::object* const object{value.if_object()};
    if (!object) return Error{Errc::Malformed, "a message is a JSON object"};
    const json::value* const type{object->if_contains("type")};
    if (!type || !type->is_string() || type->get_string() != "subscribe")
        return Error{Errc::Usage, R"(a message must have "type":"subscribe", the only kind there is)"};

    pipeline::FilterSpec spec;
    Subscription out{*pipeline::Filter::Make({}, catalogue), event::Decode::Off, true, 0, WantSnapshots::First, {}, {}};
    for (const auto& [name, member] : *object) {
        if (name == "type") continue;
        if (name == "filter") {
            auto parsed = ParseFilter(member);
            if (!parsed) return parsed.GetError();
            spec = std::move(*parsed);
        } else if (name == "decode") {
            auto decode = ParseDecode(member);
            if (!decode) return decode.GetError();
            out.decode = *decode;
        } else if (name == "max_events_per_s") {
            boost::system::error_code not_a_number;
            const double rate{member.to_number<double>(not_a_number)};
            if (not_a_number || !(rate >= MIN_RATE) || rate > MAX_RATE) return Wrong("max_events_per_s", "a number from 0.01 to 1000000");
            out.max_events_per_s = rate;
        } else if (name == "events") {
            if (!member.is_bool()) return Wrong("events", "true or false");
            out.events = member.get_bool();
        } else if (name == "snapshot") {
            if (!member.is_bool()) return Wrong("snapshot", "true or false");
            out.snapshots = member.get_bool() ? WantSnapshots::EverySecond : WantSnapshots::None;
        } else if (name == "resume_after") {
            const std::int64_t* const seq{member.if_int64()};
            if (!seq || *seq < 0) return Wrong("resume_after", "the seq of the last event that was seen");
            out.resume_after = static_cast<std::uint64_t>(*seq);
        } else {
            return Error{Errc::Usage,
                         fmt::format("subscribe has no member {}; there are filter, decode, events, max_events_per_s, snapshot and "
                                     "resume_after",
                                     util::Quoted({name.data(), name.size()}))};
        }
    }
    out.key = Key(spec, out);
    auto filter = pipeline::Filter::Make(std::move(spec), catalogue);
    if (!filter) return filter.GetError();
    out.filter = std::move(*filter);
    return out;
}

} // namespace coretap::web
