#include "cli/help.h"

#include <algorithm>
#include <string_view>

namespace coretap::cli {
namespace {

constexpr std::size_t LEFT{30}; // where descriptions begin

/** `left` and, from column `margin` on, `text` in lines of WIDTH at most. */
std::string HelpRow(std::string left, std::string_view text, std::size_t margin = LEFT)
{
    std::string out{std::move(left)};
    if (!out.empty() && out.size() + 1 >= margin) out += '\n';
    std::size_t column{out.ends_with('\n') ? 0 : out.size()};
    while (!text.empty()) {
        out.append(margin - column, ' ');
        std::string_view line{text};
        if (line.size() > HelpFormatter::WIDTH - margin) {
            const std::size_t space{line.rfind(' ', HelpFormatter::WIDTH - margin)};
            line = line.substr(0, space == std::string_view::npos ? line.find(' ') : space);
        }
        out += line;
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        if (!text.empty()) out += '\n';
        column = 0;
    }
    return out + '\n';
}

} // namespace

HelpFormatter::HelpFormatter() { column_width(LEFT); }

std::string HelpFormatter::make_option_opts(const CLI::Option* option) const
{
    std::string text;
    if (const std::string type{option->get_type_name()}; option->get_type_size() != 0 && !type.empty()) {
        text += ' ' + type.substr(0, type.find(':')); // what follows describes how it is checked
        if (option->get_expected_max() > 1) text += "...";
    }
    if (!option->get_default_str().empty()) text += " [" + option->get_default_str() + "]";
    return text;
}

std::string HelpFormatter::make_option(const CLI::Option* option, bool is_positional) const
{
    std::string name{make_option_name(option, is_positional)};
    if (const std::size_t value{name.find('{')}; value != std::string::npos) name.erase(value); // of a flag that says no
    return HelpRow("  " + name + (is_positional ? "" : make_option_opts(option)), option->get_description());
}

std::string HelpFormatter::make_description(const CLI::App* command) const { return HelpRow("", command->get_description(), 0); }

std::string HelpFormatter::make_subcommand(const CLI::App* command) const
{
    return HelpRow("  " + command->get_name(), command->get_description());
}

CLI::Validator NotEmpty()
{
    return CLI::Validator{[](std::string& text) { return text.empty() ? std::string{"is empty: there is no such file"} : std::string{}; },
                          ""};
}

} // namespace coretap::cli
