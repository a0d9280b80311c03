// What `coretap serve` is told, and by whom: the command line goes before the environment, that before the configuration file. The
// options as such are the command line's business (cli/serve_options.h); here is what they share.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "util/result.h"

namespace coretap::app {

/** An option that may be said elsewhere than on the command line. */
struct SettingDef {
    enum class Kind : std::uint8_t { Text, Number, Flag, List, NumberList };
    enum : std::uint8_t {
        PATH = 1,    //!< a file or directory; `-` is none
        RELOADS = 2, //!< may change while coretap runs
        SOURCE = 4,  //!< says where events come from
        REPLAY = 8,  //!< is about the recordings that were named where this was said
        LIVE = 16,   //!< means nothing where recordings are shown
    };
    std::string_view name;    //!< of the option, without its dashes; the key in the file
    std::string_view section; //!< of the file
    Kind kind{Kind::Text};
    std::uint8_t flags{0};
    std::string_view by_default{}; //!< for people
    /** Whether a value makes sense, as far as it can be told without the others. */
    util::Result<> (*check)(std::string_view value){nullptr};
    std::string_view example{}; //!< of a list
};

/** All of them: every option of `coretap serve` but those for trying things out. */
std::span<const SettingDef> SettingDefs();
/** Null if there is none of that name. */
const SettingDef* FindSetting(std::string_view name);
/** `CORETAP_TOKEN_FILE` for `token-file`. */
std::string VariableOf(std::string_view name);

enum class SaidBy : std::uint8_t { File, Environment, CommandLine };
std::string_view ToString(SaidBy by);

/** What was said of an option. A flag has the value `true` or `false`. */
struct Setting {
    std::vector<std::string> values;
    SaidBy by{SaidBy::CommandLine};
    std::string where; //!< `c.toml:2:1`, `CORETAP_LISTEN`, `--listen`
};
/** By name; options that nobody speaks of are not in it. */
using Settings = std::map<std::string, Setting, std::less<>>;

/** A variable's value; null if it is not set. */
using Environment = std::function<const char*(const std::string& name)>;

/**
 * What is in force of what the three say. Where events come from is one matter: if the command line says something about that, what the others
 * say of it does not count; nor does what they say of tracing if it asks for recordings. Fails with Usage and where the value was said that makes no sense.
 */
util::Result<Settings> GatherSettings(const Settings& command_line, const Environment& environment, const Settings& file);

/** Names of settings that differ. */
std::vector<std::string> Differences(const Settings& a, const Settings& b);

} // namespace coretap::app
