#include <iostream>
#include <vector>

#include <unistd.h>

#include "cli/cli.h"

int main(int argc, char** argv)
{
    const std::vector<std::string_view> args(argv + (argc > 0 ? 1 : 0), argv + argc);
    return static_cast<int>(coretap::cli::Main(args, {STDOUT_FILENO, std::cout, std::cerr, ::isatty(STDOUT_FILENO) == 1, ::isatty(STDERR_FILENO) == 1}));
}
