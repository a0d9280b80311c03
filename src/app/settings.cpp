#include "app/settings.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "app/option_values.h"
#include "app/payload_policy.h"
#include "pipeline/filter.h"
#include "tracer/kernel.h"
#include "util/text.h"
#include "util/time.h"

namespace coretap::app {
namespace {

using util::Result;
using Kind = SettingDef::Kind;
constexpr std::uint8_t PATH{SettingDef::PATH}, RELOADS{SettingDef::RELOADS}, SOURCE{SettingDef::SOURCE}, REPLAY{SettingDef::REPLAY},
    LIVE{SettingDef::LIVE};

util::Error Wrong(std::string what) { return {util::Errc::Usage, std::move(what)}; }

template <auto PARSE>
Result<> Parses(std::string_view value)
{
    const auto parsed{PARSE(value)};
    return parsed ? Result<>{} : parsed.GetError();
}

/** By a function that adds to a filter. */
template <auto PARSE>
Result<> Filters(std::string_view value)
{
    pipeline::FilterSpec spec;
    return PARSE(value, spec);
}

Result<> IsName(std::string_view value)
{
    return value.empty() || value.find('\0') != std::string_view::npos ? Wrong("it is empty, or no text") : Result<>{};
}
Result<> IsPid(std::string_view value)
{
    std::int32_t pid{0};
    const auto [end, error]{std::from_chars(value.data(), value.data() + value.size(), pid)};
    return error == std::errc{} && end == value.data() + value.size() && pid > 0 ? Result<>{} :
                                                                                   Wrong(util::Quoted(value) + " is no process id");
}
Result<> IsRing(std::string_view value)
{
    const auto bytes{util::ParseSize(value)};
    if (!bytes) return bytes.GetError();
    return *bytes >= tracer::MIN_RING_BYTES && *bytes <= tracer::MAX_RING_BYTES ? Result<>{} : Wrong("a ring has 128KiB to 1GiB");
}
Result<> IsEdge(std::string_view value)
{
    return Parses<[](std::string_view text) { return ParseEdge(text, 0); }>(value);
}
Result<> IsParts(std::string_view value)
{
    return Parses<[](std::string_view text) { return ParseCount(text, "parts"); }>(value);
}
Result<> IsEvents(std::string_view value)
{
    return Parses<[](std::string_view text) { return ParseCount(text, "events"); }>(value);
}
Result<> IsAutoOrOff(std::string_view value)
{
    return value == "auto" || value == "off" ? Result<>{} : Wrong(util::Quoted(value) + " is neither auto nor off");
}

constexpr SettingDef DEFS[]{
    {"pid", "serve", Kind::Number, SOURCE, "every node found", IsPid},
    {"binary", "serve", Kind::Text, PATH | SOURCE, "every node found", IsName},
    {"datadir", "serve", Kind::Text, PATH | SOURCE, "every node found", IsName},
    {"no-wait", "serve", Kind::Flag, LIVE, "false"},
    {"from", "serve", Kind::List, PATH | SOURCE, "a node", IsName, R"(["day.ctap"])"},
    {"since", "serve", Kind::Text, REPLAY, "the start", IsEdge},
    {"until", "serve", Kind::Text, REPLAY, "the end", IsEdge},
    {"speed", "serve", Kind::Number, REPLAY, "1", Parses<ParseSpeed>},
    {"peer", "serve", Kind::NumberList, 0, "all", Filters<pipeline::ParsePeers>, R"([1, 2])"},
    {"msg", "serve", Kind::List, 0, "all", Filters<pipeline::ParseMessageTypes>, R"(["inv", "tx"])"},
    {"direction", "serve", Kind::List, 0, "both", Filters<pipeline::ParseDirection>, R"(["in"])"},
    {"conn-type", "serve", Kind::List, 0, "all", Filters<pipeline::ParseConnectionTypes>, R"(["inbound"])"},
    {"node", "serve", Kind::List, 0, "all", Filters<pipeline::ParseNodes>, R"(["main"])"},
    {"listen", "serve", Kind::Number, 0, "127.0.0.1:8338", Parses<ParseListen>},
    {"token-file", "serve", Kind::Text, PATH | RELOADS, "none", IsName},
    {"insecure", "serve", Kind::Flag, RELOADS, "false"},
    {"tls-cert", "serve", Kind::Text, PATH | RELOADS, "none", IsName},
    {"tls-key", "serve", Kind::Text, PATH | RELOADS, "none", IsName},
    {"host", "serve", Kind::List, RELOADS, "none", IsName, R"(["node.example.org"])"},
    {"rpc", "serve", Kind::Text, RELOADS, "auto", Parses<ParseRpcWhere>},
    {"rpc-user", "serve", Kind::Text, RELOADS, "the cookie", IsName},
    {"rpc-password-file", "serve", Kind::Text, PATH | RELOADS, "the cookie", IsName},
    {"rpc-cookie", "serve", Kind::Text, PATH, "where the node puts it", IsName},
    {"debug-log", "serve", Kind::Text, RELOADS, "auto", IsAutoOrOff},
    {"address-list", "serve", Kind::List, PATH | RELOADS, "none", IsName, R"(["tor-exits.txt"])"},
    {"summary", "serve", Kind::Flag, 0, "false"},
    {"stats", "serve", Kind::Text, RELOADS, "0", Parses<ParseEvery>},
    {"quiet", "serve", Kind::Flag, RELOADS, "false"},
    {"record", "serve", Kind::Text, PATH, "nothing", IsName},
    {"rotate", "serve", Kind::Text, 0, "never", Parses<ParseRotation>},
    {"keep", "serve", Kind::Number, 0, "all", IsParts},
    {"overwrite", "serve", Kind::Flag, 0, "false"},
    {"count", "serve", Kind::Number, 0, "no end", IsEvents},
    {"duration", "serve", Kind::Text, 0, "no end", Parses<util::ParseDuration>},
    {"ring", "trace", Kind::Text, LIVE, "16MiB", IsRing},
    {"only", "trace", Kind::List, 0, "everything that is on by default", IsName, R"(["net", "mempool:added"])"},
    {"enable", "trace", Kind::List, LIVE, "none", IsName, R"(["utxocache:spent"])"},
    {"count-only", "trace", Kind::List, LIVE, "none", IsName, R"(["utxocache:add"])"},
    {"payload", "trace", Kind::Text, LIVE, "what the page and the metrics need", Parses<ParsePayloadPolicy>},
    {"user", "trace", Kind::Text, 0, "nobody", IsName},
    {"measure-cost", "trace", Kind::Flag, LIVE, "false"},
    {"perf-uprobes", "trace", Kind::Flag, LIVE, "false"},
};

/** The stand-in is a source too, which only the command line can ask for. */
bool NamesSource(const Settings& settings)
{
    return std::ranges::any_of(settings, [](const auto& setting) {
        const SettingDef* const def{FindSetting(setting.first)};
        return def == nullptr ? setting.first.starts_with("sim") : (def->flags & SOURCE) != 0;
    });
}

Result<> Check(const SettingDef& def, const Setting& setting)
{
    if (def.check == nullptr) return {};
    for (const std::string& value : setting.values) {
        if (const auto checked{def.check(value)}; !checked) return Wrong(fmt::format("{}: {}", setting.where, checked.GetError().what));
    }
    return {};
}

Result<Settings> ReadEnvironment(const Environment& environment)
{
    Settings settings;
    for (const SettingDef& def : DEFS) {
        const std::string variable{VariableOf(def.name)};
        const char* const text{environment(variable)};
        if (text == nullptr || *text == '\0') continue;
        Setting setting{{text}, SaidBy::Environment, variable};
        if (def.kind == Kind::List || def.kind == Kind::NumberList) setting.values = Split(text, ',');
        if (def.kind == Kind::Flag) {
            const auto is = [text](std::initializer_list<std::string_view> words) { return std::ranges::find(words, text) != words.end(); };
            const bool yes{is({"1", "true", "yes", "on"})};
            if (!yes && !is({"0", "false", "no", "off"}))
                return Wrong(fmt::format("{}: {} is neither true nor false", variable, util::Quoted(text)));
            setting.values = {yes ? "true" : "false"};
        }
        settings[std::string{def.name}] = std::move(setting);
    }
    return settings;
}

} // namespace

std::span<const SettingDef> SettingDefs() { return DEFS; }

const SettingDef* FindSetting(std::string_view name)
{
    const auto def{std::ranges::find(DEFS, name, &SettingDef::name)};
    return def == std::end(DEFS) ? nullptr : &*def;
}

std::string VariableOf(std::string_view name)
{
    std::string variable{"CORETAP_"};
    for (const char c : name) variable += c == '-' ? '_' : static_cast<char>(c - 'a' + 'A');
    return variable;
}

std::string_view ToString(SaidBy by)
{
    switch (by) {
    case SaidBy::File: return "file";
    case SaidBy::Environment: return "environment";
    case SaidBy::CommandLine: return "command line";
    }
    return {};
}

Result<Settings> GatherSettings(const Settings& command_line, const Environment& environment, const Settings& file)
{
    auto of_environment{ReadEnvironment(environment)};
    if (!of_environment) return of_environment;
    Settings gathered;
    bool source_said{false};
    for (const Settings* const said : std::initializer_list<const Settings*>{&command_line, &*of_environment, &file}) {
        for (const auto& [name, setting] : *said) {
            const SettingDef* const def{FindSetting(name)};
            if (def != nullptr) {
                if (const auto checked{Check(*def, setting)}; !checked) return checked.GetError();
                if (source_said && (def->flags & (SOURCE | REPLAY)) != 0) continue;
            }
            gathered.try_emplace(name, setting);
        }
        source_said = source_said || NamesSource(*said);
    }
    if (gathered.contains("from")) {
        std::erase_if(gathered, [](const auto& setting) {
            const SettingDef* const def{FindSetting(setting.first)};
            return def != nullptr && (def->flags & LIVE) != 0 && setting.second.by != SaidBy::CommandLine;
        });
    }
    return gathered;
}

std::vector<std::string> Differences(const Settings& a, const Settings& b)
{
    std::vector<std::string> names;
    const auto differs = [](const Settings& from, const std::string& name, const Setting& setting) {
        const auto other{from.find(name)};
        return other == from.end() || other->second.values != setting.values;
    };
    for (const auto& [name, setting] : a) {
        if (differs(b, name, setting)) names.push_back(name);
    }
    for (const auto& [name, setting] : b) {
        if (!a.contains(name)) names.push_back(name);
    }
    std::ranges::sort(names);
    return names;
}

} // namespace coretap::app
