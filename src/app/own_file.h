// coretap's own files: configuration, token, certificate, key, password. Whoever may read them may be gone when they are read again.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "util/fd.h"
#include "util/result.h"

namespace coretap::app {

/** How one of these is opened. */
using OpenOwn = std::function<util::Result<util::Fd>(const std::string& path)>;

/** With the rights of this process. */
util::Result<util::Fd> OpenOwnFile(const std::string& path);

/**
 * All of a file, at most 1 MiB. Fails with `cannot read WHAT from PATH: why`: NotFound, Permission, Io, or Usage if it is larger.
 */
util::Result<std::string> ReadOwnFile(const std::string& path, std::string_view what, const OpenOwn& open = OpenOwnFile);

/** Its first line, without blanks at the end. An empty one is an error. */
util::Result<std::string> ReadFirstLine(const std::string& path, std::string_view what, const OpenOwn& open = OpenOwnFile);

} // namespace coretap::app
