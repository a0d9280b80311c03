#include "app/config.h"

#include <cmath>
#include <filesystem>

#include "app/toml_reader.h"
#include "pipeline/filter.h"
#include "util/time.h"

namespace coretap::app {
namespace {

using Kind = SettingDef::Kind;

/** The target of the file's top level. */
struct RawFile {
    Config config;
    event::Catalogue catalogue; //!< the built-in rows, then the file's
    const toml::table* trace{nullptr};
};

// ---- [trace] and [serve] -------------------------------------------------------------------------------------------

bool TakesNumbers(Kind kind) { return kind == Kind::Number || kind == Kind::NumberList; }

/** A string, or a number where one may be written. */
Result<std::string> Scalar(const Source& source, const toml::node& value, std::string_view key, Kind kind)
{
    if (const auto* text{value.as_string()}) return text->get();
    if (const auto* number{value.as_integer()}; number != nullptr && TakesNumbers(kind)) return fmt::to_string(number->get());
    if (const auto* number{value.as_floating_point()}; number != nullptr && TakesNumbers(kind)) return fmt::to_string(number->get());
    return source.At(value, fmt::format("'{}' is a string{}, not {}", key, TakesNumbers(kind) ? " or a number" : "", TypeName(value)));
}

/** A value that has been checked. Relative paths are from where the file is. */
Result<std::string> Checked(const Source& source, const toml::node& value, const SettingDef& def, std::string text)
{
    if (def.check != nullptr) {
        if (const auto checked{def.check(text)}; !checked)
            return source.At(value, fmt::format("{}: {}", def.name, checked.GetError().what));
    }
    if ((def.flags & SettingDef::PATH) == 0 || text == "-") return text;
    return (std::filesystem::path{source.name}.parent_path() / text).string();
}

Result<std::vector<std::string>> Values(const Source& source, const toml::node& value, const SettingDef& def)
{
    if (def.kind == Kind::Flag) {
        const auto* flag{value.as_boolean()};
        if (flag == nullptr) return source.At(value, fmt::format("'{}' is true or false, not {}", def.name, TypeName(value)));
        return std::vector<std::string>{flag->get() ? "true" : "false"};
    }
    std::vector<std::string> values;
    const auto add = [&](const toml::node& item, std::string_view key) -> Result<> {
        auto text{Scalar(source, item, key, def.kind)};
        if (!text) return text.GetError();
        auto checked{Checked(source, item, def, std::move(*text))};
        if (!checked) return checked.GetError();
        values.push_back(std::move(*checked));
        return {};
    };
    if (def.kind != Kind::List && def.kind != Kind::NumberList) {
        if (const auto added{add(value, def.name)}; !added) return added.GetError();
        return values;
    }
    const toml::array* array{value.as_array()};
    if (array == nullptr) return source.At(value, fmt::format("'{}' is an array, like {}, not {}", def.name, def.example, TypeName(value)));
    for (const toml::node& item : *array) {
        if (const auto added{add(item, fmt::format("{}[]", def.name))}; !added) return added.GetError();
    }
    return values;
}

Result<> ReadSection(const Source& source, std::string_view section, const toml::node& value, Config& config)
{
    const toml::table* table{value.as_table()};
    if (table == nullptr) return source.At(value, fmt::format("'{}' is a table, [{}], not {}", section, section, TypeName(value)));
    std::vector<std::string_view> names;
    for (const SettingDef& def : SettingDefs()) {
        if (def.section == section) names.push_back(def.name);
    }
    for (const auto& [key, item] : *table) {
        const SettingDef* const def{FindSetting(key.str())};
        if (def == nullptr || def->section != section) return UnknownKey(source, key, fmt::format("[{}]", section), names);
        auto values{Values(source, item, *def)};
        if (!values) return values.GetError();
        // an empty list says nothing
        if (values->empty()) continue;
        const toml::source_region& where{key.source()};
        config.settings[std::string{key.str()}] = {std::move(*values), SaidBy::File,
                                                   fmt::format("{}:{}:{}", source.name, where.begin.line, where.begin.column)};
    }
    return {};
}

Result<> SetServe(const Source& source, const toml::node& value, RawFile& file) { return ReadSection(source, "serve", value, file.config); }

Result<> SetTrace(const Source& source, const toml::node& value, RawFile& file)
{
    Config& config{file.config};
    if (auto read{ReadSection(source, "trace", value, config)}; !read) return read;
    file.trace = value.as_table();
    const auto list = [&config](std::string_view name) {
        const auto setting{config.settings.find(name)};
        return setting == config.settings.end() ? std::vector<std::string>{} : setting->second.values;
    };
    const auto text = [&list](std::string_view name) -> std::optional<std::string> {
        const auto values{list(name)};
        return values.empty() ? std::nullopt : std::optional{values.front()};
    };
    if (const auto ring{text("ring")}) config.ring_bytes = *util::ParseSize(*ring);
    if (const auto payload{text("payload")}) config.payload = *ParsePayloadPolicy(*payload);
    config.user = text("user");
    config.only = list("only");
    config.enable = list("enable");
    config.count_only = list("count-only");
    config.measure_cost = text("measure-cost") == "true";
    config.perf_uprobes = text("perf-uprobes") == "true";
    return {};
}

// ---- the file ------------------------------------------------------------------------------------------------------

Result<> SetTracepoints(const Source& source, const toml::node& value, RawFile& file)
{
    return ReadTracepoints(source, value, file.catalogue, file.config.tracepoints);
}

constexpr KeyDef<RawFile> FILE_KEYS[]{{"trace", SetTrace}, {"serve", SetServe}, {"tracepoint", SetTracepoints}};

/** Names of tracepoints must be of some that exist; known only now that the file's own are. */
Result<> CheckNames(const Source& source, const RawFile& file)
{
    if (file.trace == nullptr) return {};
    for (const std::string_view key : {"only", "enable", "count-only"}) {
        const toml::node* value{file.trace->get(key)};
        if (value == nullptr) continue;
        for (const toml::node& item : *value->as_array()) { // Values() has seen to its shape
            const auto found = pipeline::ResolveTracepoints(item.as_string()->get(), file.catalogue);
            if (!found) return source.At(item, found.GetError().what);
        }
    }
    return {};
}

} // namespace

Result<Config> ParseConfig(std::string_view text, std::string_view source_name)
{
    const Source source{std::string{source_name}};
    const toml::parse_result parsed{toml::parse(text, source.name)};
    if (!parsed) {
        std::string what{"not valid TOML: "};
        util::AppendPrintable(what, parsed.error().description()); // it quotes the file
        return source.At(parsed.error().source(), what);
    }
    RawFile file;
    if (auto read = ReadTable<RawFile>(source, parsed.table(), "the file", FILE_KEYS, file); !read) return read.GetError();
    if (auto checked = CheckNames(source, file); !checked) return checked.GetError();
    return std::move(file.config);
}

Result<Config> LoadConfig(const std::string& path, const OpenOwn& open)
{
    const auto text{ReadOwnFile(path, "the configuration", open)};
    if (!text) return text.GetError();
    return ParseConfig(*text, path);
}

Result<> AddUserTracepoints(const Config& config, event::Catalogue& catalogue)
{
    for (const event::TracepointDef& def : config.tracepoints) {
        if (const auto added = catalogue.AddUser(def); !added) return added.GetError();
    }
    return {};
}

} // namespace coretap::app
