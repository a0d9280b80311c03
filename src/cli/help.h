// How help looks: options on the left, what they do on the right, nothing wider than a terminal.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace coretap::cli {

class HelpFormatter : public CLI::Formatter {
public:
    static constexpr std::size_t WIDTH{80};

    HelpFormatter();
    /** The value's kind, a default worth knowing, and nothing of the library's own terms. */
    std::string make_option_opts(const CLI::Option* option) const override;
    std::string make_option(const CLI::Option* option, bool is_positional) const override;
    std::string make_description(const CLI::App* command) const override;
    std::string make_subcommand(const CLI::App* command) const override;
};

/** A file's name: not empty, as a variable of a script that is not set. */
CLI::Validator NotEmpty();

} // namespace coretap::cli
