// [[tracepoint]] of the configuration file.
#include "abi/coretap_abi.h"
#include "app/toml_reader.h"

namespace coretap::app {
namespace {

using event::ArgDef;
using event::ArgType;
using event::TracepointDef;
using event::Unit;

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

} // namespace

Result<> ReadTracepoints(const Source& source, const toml::node& value, event::Catalogue& catalogue,
                         std::vector<event::TracepointDef>& tracepoints)
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
        if (const auto added = catalogue.AddUser(tracepoint.def); !added) return source.At(*table, added.GetError().what);
        tracepoints.push_back(std::move(tracepoint.def));
    }
    return {};
}

} // namespace coretap::app
