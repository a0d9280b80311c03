#include "app/own_file.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace coretap::app {
namespace {

using util::Errc;
using util::Error;

constexpr std::size_t LARGEST_FILE{1 << 20};

Error Failed(int error)
{
    const Errc code{error == ENOENT || error == ENOTDIR ? Errc::NotFound : error == EACCES || error == EPERM ? Errc::Permission : Errc::Io};
    return {code, std::strerror(error), error};
}

} // namespace

util::Result<util::Fd> OpenOwnFile(const std::string& path)
{
    util::Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)};
    if (!fd) return Failed(errno);
    return fd;
}

util::Result<std::string> ReadOwnFile(const std::string& path, std::string_view what, const OpenOwn& open)
{
    const auto failed = [&](const Error& error) {
        return Error{error.code, fmt::format("cannot read {} from {}: {}", what, path, error.what), error.sys_errno};
    };
    const auto fd{open(path)};
    if (!fd) return failed(fd.GetError());
    std::string text(LARGEST_FILE + 1, '\0');
    std::size_t size{0};
    for (ssize_t got{1}; got != 0 && size < text.size();) {
        got = ::read(fd->Get(), text.data() + size, text.size() - size);
        if (got < 0 && errno != EINTR) return failed(Failed(errno));
        if (got > 0) size += static_cast<std::size_t>(got);
    }
    if (size > LARGEST_FILE) return failed({Errc::Usage, fmt::format("at most {} bytes are expected", LARGEST_FILE)});
    text.resize(size);
    return text;
}

util::Result<std::string> ReadFirstLine(const std::string& path, std::string_view what, const OpenOwn& open)
{
    auto text{ReadOwnFile(path, what, open)};
    if (!text) return text;
    std::string line{text->substr(0, text->find('\n'))};
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.empty())
        return Error{Errc::Usage, fmt::format("cannot read {} from {}: {} is empty", what, path, text->empty() ? "it" : "its first line")};
    return line;
}

} // namespace coretap::app
