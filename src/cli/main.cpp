#include <csignal>
#include <iostream>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "cli/cli.h"

namespace {

/** A closed descriptor 0, 1 or 2 would be taken by the first file we open, and events written into that. */
void KeepStandardDescriptors()
{
    int fd{0};
    while ((fd = ::open("/dev/null", O_RDONLY)) >= 0 && fd <= STDERR_FILENO) {
    }
    if (fd > STDERR_FILENO) ::close(fd);
}

} // namespace

int main(int argc, char** argv)
{
    KeepStandardDescriptors();
    std::signal(SIGPIPE, SIG_IGN); // a reader that goes is an error of writing, and mostly no error
    const std::vector<std::string_view> args(argv + (argc > 0 ? 1 : 0), argv + argc);
    return static_cast<int>(coretap::cli::Main(
        args, {STDOUT_FILENO, std::cout, std::cerr, STDERR_FILENO, ::isatty(STDOUT_FILENO) == 1, ::isatty(STDERR_FILENO) == 1}));
}
