#include "app/config.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <span>

#include <fmt/format.h>

// Errors as values here too, and nothing of toml++ outside this file.
#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include "pipeline/filter.h"
#include "util/suggest.h"
#include "util/text.h"
#include "util/time.h"

namespace coretap::app {
namespace {

using event::ArgDef;
using event::ArgType;
using event::TracepointDef;
using event::Unit;
using util::Errc;
using util::Error;
using util::Quoted;
using util::Result;

constexpr std::size_t LARGEST_FILE{1 << 20};
constexpr std::size_t LONGEST_NAME{64};
constexpr std::uint32_t STRING_BOUND{256}; // where `max` is not given
constexpr std::uint32_t BYTES_BOUND{1024};
constexpr std::uint32_t HASH_SIZE{32};

struct TypeDef {
    std::string_view name;
    ArgType type;
    std::uint8_t size; // of the operand
};
constexpr TypeDef TYPES[]{
    {"int8", ArgType::Int, 1},   {"int16", ArgType::Int, 2},   {"int32", ArgType::Int, 4},     {"int64", ArgType::Int, 8},
    {"uint8", ArgType::Uint, 1}, {"uint16", ArgType::Uint, 2}, {"uint32", ArgType::Uint, 4},   {"uint64", ArgType::Uint, 8},
    {"bool", ArgType::Bool, 1},  {"hash", ArgType::Hash, 8},   {"string", ArgType::String, 8}, {"bytes", ArgType::Bytes, 8},
};

struct UnitDef {
    std::string_view name;
    Unit unit;
};
constexpr UnitDef UNITS[]{
    {"asn", Unit::Asn},         {"bucket", Unit::Bucket},        {"bytes", Unit::Bytes},
    {"count", Unit::Count},     {"flush_mode", Unit::FlushMode}, {"height", Unit::Height},
    {"index", Unit::Index},     {"ns", Unit::Nanoseconds},       {"network", Unit::NetworkId},
    {"peer_id", Unit::PeerId},  {"satoshi", Unit::Satoshi},      {"unix_seconds", Unit::UnixSeconds},
    {"us", Unit::Microseconds}, {"vbytes", Unit::VBytes},
};

template <class Def>
std::vector<std::string_view> NamesOf(std::span<const Def> defs)
{
    std::vector<std::string_view> names;
    for (const Def& def : defs) names.push_back(def.name);
    return names;
}

/** Makes errors that say where. */
struct Source {
    std::string name;

    Error At(const toml::source_region& where, std::string_view what) const
    {
        return Error{Errc::Usage, fmt::format("{}:{}:{}: {}", name, where.begin.line, where.begin.column, what)};
    }
    Error At(const toml::node& node, std::string_view what) const { return At(node.source(), what); }
};

std::string_view TypeName(const toml::node& node)
{
    switch (node.type()) {
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return "an array";
    case toml::node_type::string: return "a string";
    case toml::node_type::integer: return "an integer";
    case toml::node_type::floating_point: return "a floating-point number";
    case toml::node_type::boolean: return "a boolean";
    case toml::node_type::date: return "a date";
    case toml::node_type::time: return "a time";
    case toml::node_type::date_time: return "a date and time";
    default: return "nothing";
    }
}

/** A key of a table and what its value does to the target. The list of allowed keys is the table of these. */
template <class Target>
struct KeyDef {
    std::string_view name;
    Result<> (*set)(const Source& source, const toml::node& value, Target& target);
};

template <class Target>
Result<> ReadTable(const Source& source, const toml::table& table, std::string_view what, std::span<const KeyDef<Target>> keys,
                   Target& target)
{
    for (const auto& [key, value] : table) {
        const auto def = std::ranges::find(keys, key.str(), &KeyDef<Target>::name);
        if (def == keys.end()) {
            const auto names = NamesOf(keys);
            const std::string_view nearest{util::Nearest(key.str(), names)};
            return source.At(key.source(), fmt::format("unknown key {} in {};{} allowed: {}", Quoted(key.str()), what,
                                                       nearest.empty() ? std::string{} : fmt::format(" did you mean '{}'?", nearest),
                                                       fmt::join(names, ", ")));
        }
        if (auto set = def->set(source, value, target); !set) return set;
    }
    return {};
}

Result<std::string> String(const Source& source, const toml::node& value, std::string_view key)
{
    const auto* text = value.as_string();
    if (text == nullptr) return source.At(value, fmt::format("'{}' is a string, not {}", key, TypeName(value)));
    return text->get();
}

// ---- [trace] -------------------------------------------------------------------------------------------------------

Result<> SetRing(const Source& source, const toml::node& value, Config& config)
{
    const auto text = String(source, value, "ring");
    if (!text) return text.GetError();
    const auto bytes = util::ParseSize(*text);
    if (!bytes) return source.At(value, "ring: " + bytes.GetError().what);
    if (*bytes == 0) return source.At(value, "ring: a ring of 0 bytes holds nothing");
    config.ring_bytes = *bytes;
    return {};
}

/** Tracepoint names; checked later, when the file's own are known (CheckNames). */
Result<> SetNames(const Source& source, const toml::node& value, std::string_view key, std::vector<std::string>& names)
{
    const toml::array* array{value.as_array()};
    if (array == nullptr)
        return source.At(value,
                         fmt::format("'{}' is an array of tracepoints like [\"net\", \"mempool:added\"], not {}", key, TypeName(value)));
    for (const toml::node& item : *array) {
        auto name = String(source, item, fmt::format("{}[]", key));
        if (!name) return name.GetError();
        names.push_back(std::move(*name));
    }
    return {};
}

Result<> SetOnly(const Source& source, const toml::node& value, Config& config) { return SetNames(source, value, "only", config.only); }
Result<> SetEnable(const Source& source, const toml::node& value, Config& config)
{
    return SetNames(source, value, "enable", config.enable);
}

Result<> SetPayload(const Source& source, const toml::node& value, Config& config)
{
    const auto text = String(source, value, "payload");
    if (!text) return text.GetError();
    const auto policy = ParsePayloadPolicy(*text);
    if (!policy) return source.At(value, policy.GetError().what);
    config.payload = *policy;
    return {};
}

Result<> SetUser(const Source& source, const toml::node& value, Config& config)
{
    auto user = String(source, value, "user");
    if (!user) return user.GetError();
    if (user->empty() || user->find('\0') != std::string::npos) return source.At(value, "user: the name of an account");
    config.user = std::move(*user);
    return {};
}

constexpr KeyDef<Config> TRACE_KEYS[]{
    {"ring", SetRing}, {"only", SetOnly}, {"enable", SetEnable}, {"payload", SetPayload}, {"user", SetUser},
};

Result<> ReadTrace(const Source& source, const toml::node& value, Config& config)
{
    const toml::table* table{value.as_table()};
    if (table == nullptr) return source.At(value, fmt::format("'trace' is a table, [trace], not {}", TypeName(value)));
    return ReadTable<Config>(source, *table, "[trace]", TRACE_KEYS, config);
}

// ---- [[tracepoint]] ------------------------------------------------------------------------------------------------

/** An argument before its parts have been compared with each other. */
struct RawArg {
    ArgDef def;
    bool has_type{false};
    const toml::node* unit{nullptr};
    const toml::node* max{nullptr};
    const toml::node* length{nullptr};
};

struct RawTracepoint {
    TracepointDef def;
    std::vector<RawArg> args;
};

enum class Letters { Any, Lower };

/** An identifier: it goes into JSON, file names and terminals as it is. Probes of others may have upper case. */
Result<std::string> Identifier(const Source& source, const toml::node& value, std::string_view key, Letters letters)
{
    auto text = String(source, value, key);
    if (!text) return text;
    const bool fits{!text->empty() && text->size() <= LONGEST_NAME && std::ranges::all_of(*text, [letters](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || (letters == Letters::Any && c >= 'A' && c <= 'Z');
    })};
    if (!fits) {
        return source.At(value, fmt::format("{} is no {}: 1 to {} of {}, digits and '_'", Quoted(*text), key, LONGEST_NAME,
                                            letters == Letters::Any ? "letters" : "lower-case letters"));
    }
    return text;
}

Result<> SetArgName(const Source& source, const toml::node& value, RawArg& arg)
{
    auto name = Identifier(source, value, "argument name", Letters::Lower);
    if (!name) return name.GetError();
    arg.def.name = std::move(*name);
    return {};
}

Result<> SetArgType(const Source& source, const toml::node& value, RawArg& arg)
{
    const auto name = String(source, value, "type");
    if (!name) return name.GetError();
    const auto def = std::ranges::find(TYPES, *name, &TypeDef::name);
    if (def == std::end(TYPES)) {
        return source.At(
            value, fmt::format("unknown type {}; one of: {}", Quoted(*name), fmt::join(NamesOf(std::span<const TypeDef>{TYPES}), ", ")));
    }
    arg.def.type = def->type;
    arg.def.size = def->size;
    arg.has_type = true;
    return {};
}

Result<> SetArgUnit(const Source& source, const toml::node& value, RawArg& arg)
{
    const auto name = String(source, value, "unit");
    if (!name) return name.GetError();
    const auto def = std::ranges::find(UNITS, *name, &UnitDef::name);
    if (def == std::end(UNITS)) {
        return source.At(
            value, fmt::format("unknown unit {}; one of: {}", Quoted(*name), fmt::join(NamesOf(std::span<const UnitDef>{UNITS}), ", ")));
    }
    arg.def.unit = def->unit;
    arg.unit = &value;
    return {};
}

Result<> SetArgDoc(const Source& source, const toml::node& value, RawArg& arg)
{
    auto doc = String(source, value, "doc");
    if (!doc) return doc.GetError();
    arg.def.doc = std::move(*doc);
    return {};
}

Result<> SetArgMax(const Source&, const toml::node& value, RawArg& arg)
{
    arg.max = &value;
    return {};
}

Result<> SetArgLength(const Source&, const toml::node& value, RawArg& arg)
{
    arg.length = &value;
    return {};
}

constexpr KeyDef<RawArg> ARG_KEYS[]{
    {"name", SetArgName}, {"type", SetArgType}, {"unit", SetArgUnit}, {"max", SetArgMax}, {"length", SetArgLength}, {"doc", SetArgDoc},
};

/** `max`: most bytes captured of a string or of bytes. */
Result<> FinishBound(const Source& source, RawArg& arg)
{
    const ArgType type{arg.def.type};
    if (type != ArgType::String && type != ArgType::Bytes) {
        arg.def.bound = type == ArgType::Hash ? HASH_SIZE : 0;
        return arg.max == nullptr ? Result<>{} : source.At(*arg.max, "'max' is for arguments of type string or bytes");
    }
    const std::uint32_t largest{type == ArgType::String ? std::uint32_t{CT_MAX_STRING} : std::uint32_t{CT_MAX_BYTES}};
    arg.def.bound = type == ArgType::String ? STRING_BOUND : BYTES_BOUND;
    if (arg.max == nullptr) return {};
    const auto* number = arg.max->as_integer();
    if (number == nullptr) return source.At(*arg.max, fmt::format("'max' is a number of bytes, not {}", TypeName(*arg.max)));
    if (number->get() < 1 || number->get() > largest)
        return source.At(*arg.max, fmt::format("'max' = {}: 1 to {} for {}", number->get(), largest, event::ToString(type)));
    arg.def.bound = static_cast<std::uint32_t>(number->get());
    return {};
}

/** What can be checked of an argument without the others. */
Result<> FinishArg(const Source& source, const toml::table& table, RawArg& arg)
{
    if (arg.def.name.empty()) return source.At(table, "an argument without 'name'");
    if (!arg.has_type) return source.At(table, fmt::format("argument '{}' has no 'type'", arg.def.name));
    if (arg.unit != nullptr && arg.def.type != ArgType::Int && arg.def.type != ArgType::Uint)
        return source.At(*arg.unit, "'unit' is for integer arguments");
    if (arg.def.type == ArgType::Bytes && arg.length == nullptr) {
        return source.At(table,
                         fmt::format("argument '{}' is bytes: 'length' must name the integer argument that says how many", arg.def.name));
    }
    if (arg.def.type != ArgType::Bytes && arg.length != nullptr) return source.At(*arg.length, "'length' is for arguments of type bytes");
    return FinishBound(source, arg);
}

Result<> SetArgs(const Source& source, const toml::node& value, RawTracepoint& tracepoint)
{
    const toml::array* array{value.as_array()};
    if (array == nullptr) return source.At(value, fmt::format("'args' is an array of tables, not {}", TypeName(value)));
    if (array->size() > CT_MAX_ARGS)
        return source.At(value, fmt::format("{} arguments: a tracepoint has at most {}", array->size(), CT_MAX_ARGS));
    for (const toml::node& item : *array) {
        const toml::table* table{item.as_table()};
        if (table == nullptr)
            return source.At(item,
                             fmt::format("an argument is a table like {{ name = \"height\", type = \"int32\" }}, not {}", TypeName(item)));
        RawArg arg;
        if (auto read = ReadTable<RawArg>(source, *table, "an argument", ARG_KEYS, arg); !read) return read;
        if (auto finished = FinishArg(source, *table, arg); !finished) return finished;
        for (const RawArg& earlier : tracepoint.args) {
            if (earlier.def.name == arg.def.name) return source.At(*table, fmt::format("two arguments are called '{}'", arg.def.name));
        }
        tracepoint.args.push_back(std::move(arg));
    }
    return {};
}

Result<> SetProvider(const Source& source, const toml::node& value, RawTracepoint& tracepoint)
{
    auto provider = Identifier(source, value, "provider", Letters::Any);
    if (!provider) return provider.GetError();
    if (*provider == "coretap") return source.At(value, "the provider 'coretap' is for coretap's own events");
    tracepoint.def.provider = std::move(*provider);
    return {};
}

Result<> SetTracepointName(const Source& source, const toml::node& value, RawTracepoint& tracepoint)
{
    auto name = Identifier(source, value, "name", Letters::Any);
    if (!name) return name.GetError();
    tracepoint.def.name = std::move(*name);
    return {};
}

Result<> SetDoc(const Source& source, const toml::node& value, RawTracepoint& tracepoint)
{
    auto doc = String(source, value, "doc");
    if (!doc) return doc.GetError();
    tracepoint.def.doc = std::move(*doc);
    return {};
}

Result<> SetSince(const Source& source, const toml::node& value, RawTracepoint& tracepoint)
{
    auto since = String(source, value, "since");
    if (!since) return since.GetError();
    tracepoint.def.since = std::move(*since);
    return {};
}

constexpr KeyDef<RawTracepoint> TRACEPOINT_KEYS[]{
    {"provider", SetProvider}, {"name", SetTracepointName}, {"doc", SetDoc}, {"since", SetSince}, {"args", SetArgs},
};

/** Resolves `length`, and checks that a record can hold the arguments. */
Result<> FinishTracepoint(const Source& source, const toml::table& table, RawTracepoint& tracepoint)
{
    TracepointDef& def{tracepoint.def};
    if (def.provider.empty()) return source.At(table, "a [[tracepoint]] without 'provider'");
    if (def.name.empty()) return source.At(table, "a [[tracepoint]] without 'name'");
    for (const RawArg& arg : tracepoint.args) def.args.push_back(arg.def);
    std::size_t data_size{0};
    for (std::size_t i{0}; i < def.args.size(); ++i) {
        data_size += sizeof(std::uint64_t) + def.args[i].bound;
        const toml::node* length{tracepoint.args[i].length};
        if (length == nullptr) continue;
        const auto name = String(source, *length, "length");
        if (!name) return name.GetError();
        const auto index = def.ArgIndex(*name);
        if (!index || (def.args[*index].type != ArgType::Int && def.args[*index].type != ArgType::Uint)) {
            return source.At(*length,
                             fmt::format("length = {}: there is no integer argument of that name in {}", Quoted(*name), def.FullName()));
        }
        def.args[i].length_arg = static_cast<std::uint8_t>(*index);
    }
    if (data_size > CT_MAX_DATA) {
        return source.At(table, fmt::format("the arguments of {} may take {} bytes, a record holds {}: lower 'max'", def.FullName(),
                                            data_size, CT_MAX_DATA));
    }
    return {};
}

/** The target of the file's top level. */
struct RawFile {
    Config config;
    event::Catalogue catalogue; //!< the built-in rows, then the file's
    const toml::table* trace{nullptr};
};

Result<> SetTrace(const Source& source, const toml::node& value, RawFile& file)
{
    file.trace = value.as_table();
    return ReadTrace(source, value, file.config);
}

Result<> SetTracepoints(const Source& source, const toml::node& value, RawFile& file)
{
    const toml::array* array{value.as_array()};
    if (array == nullptr)
        return source.At(value, fmt::format("'tracepoint' is an array of tables, [[tracepoint]], not {}", TypeName(value)));
    for (const toml::node& item : *array) {
        const toml::table* table{item.as_table()};
        if (table == nullptr) return source.At(item, fmt::format("a tracepoint is a table, [[tracepoint]], not {}", TypeName(item)));
        RawTracepoint tracepoint;
        if (auto read = ReadTable<RawTracepoint>(source, *table, "[[tracepoint]]", TRACEPOINT_KEYS, tracepoint); !read) return read;
        if (auto finished = FinishTracepoint(source, *table, tracepoint); !finished) return finished;
        tracepoint.def.origin = event::Origin::User;
        tracepoint.def.on_by_default = true;
        if (const auto added = file.catalogue.AddUser(tracepoint.def); !added) return source.At(*table, added.GetError().what);
        file.config.tracepoints.push_back(std::move(tracepoint.def));
    }
    return {};
}

constexpr KeyDef<RawFile> FILE_KEYS[]{{"trace", SetTrace}, {"tracepoint", SetTracepoints}};

/** Names in `only` and `enable` must be of tracepoints that exist. */
Result<> CheckNames(const Source& source, const RawFile& file)
{
    if (file.trace == nullptr) return {};
    for (const std::string_view key : {"only", "enable"}) {
        const toml::node* value{file.trace->get(key)};
        if (value == nullptr) continue;
        for (const toml::node& item : *value->as_array()) { // SetNames has seen to its shape
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
    if (!parsed) return source.At(parsed.error().source(), fmt::format("not valid TOML: {}", parsed.error().description()));
    RawFile file;
    if (auto read = ReadTable<RawFile>(source, parsed.table(), "the file", FILE_KEYS, file); !read) return read.GetError();
    if (auto checked = CheckNames(source, file); !checked) return checked.GetError();
    return std::move(file.config);
}

Result<Config> LoadConfig(const std::filesystem::path& path)
{
    errno = 0;
    std::ifstream stream{path, std::ios::binary};
    std::string text;
    if (stream) {
        text.resize(LARGEST_FILE + 1);
        stream.read(text.data(), static_cast<std::streamsize>(text.size()));
        text.resize(static_cast<std::size_t>(stream.gcount()));
    }
    if (!stream.is_open() || stream.bad() || (stream.fail() && !stream.eof())) {
        const int sys_errno{errno};
        const Errc code{sys_errno == ENOENT ? Errc::NotFound : sys_errno == EACCES ? Errc::Permission : Errc::Io};
        return Error{code, fmt::format("cannot read the configuration {}: {}", path.string(), std::strerror(sys_errno)), sys_errno};
    }
    if (text.size() > LARGEST_FILE)
        return Error{Errc::Usage, fmt::format("{}: a configuration has at most {} bytes", path.string(), LARGEST_FILE)};
    return ParseConfig(text, path.string());
}

Result<> AddUserTracepoints(const Config& config, event::Catalogue& catalogue)
{
    for (const TracepointDef& def : config.tracepoints) {
        if (const auto added = catalogue.AddUser(def); !added) return added.GetError();
    }
    return {};
}

} // namespace coretap::app
