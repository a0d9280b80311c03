// Files named by a user, opened for reading: by whoever has the right to. What is in them is read later, without privileges.
#pragma once

#include <filesystem>
#include <string>

#include "util/fd.h"
#include "util/result.h"

namespace coretap::archive {

struct OpenFile {
    util::Fd fd;
    std::string name; //!< for messages
};

/** Opens and looks at nothing; `-` is stdin. Fails with NotFound, Permission, Io, and with Malformed if it is a directory. */
util::Result<OpenFile> OpenForReading(const std::filesystem::path& path);

/** Whether there is such a file, and it begins like a recording. */
bool IsRecording(const std::filesystem::path& path) noexcept;

} // namespace coretap::archive
