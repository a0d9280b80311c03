// Where the parts of a recording go. The files are made with the privileges of whoever started coretap; what is written into them
// is written by the unprivileged reader.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "util/fd.h"
#include "util/result.h"

namespace coretap::archive {

class PartFiles {
public:
    virtual ~PartFiles() = default;
    /** A new, empty file for this part, open for writing. Parts are asked for in order, 1 first. */
    virtual util::Result<util::Fd> Open(std::uint32_t part) = 0;
    /** Path of a part, for messages. */
    virtual std::string Name(std::uint32_t part) const = 0;
    /** What went wrong so far although the parts could be made: an old one that cannot be removed. Empty: nothing. */
    virtual std::string Trouble() const { return {}; }

    /**
     * One file, opened now: while the caller still has its privileges. `-` is stdout, a pipe or a device is written to as it is. An existing regular
     * file is an error (Usage) unless `overwrite`: then it stays what it is until Open(), and Rotating()'s process is there for it. Files are
     * made with mode 0600 (they hold addresses of peers), and belong to the user behind sudo, if any.
     */
    static util::Result<std::unique_ptr<PartFiles>> Single(const std::filesystem::path& path, bool overwrite);
    /**
     * `name.ctap` becomes `name.0001.ctap`, `name.0002.ctap`, …; of the parts of this recording only the newest `keep` stay (0: all). With
     * `overwrite` all parts that are there go when the first is opened; without, they are an error. Forks a small process that keeps the privileges and does nothing but open the next part and remove the oldest: call it before
     * there are threads and before privileges are dropped. It ends with us.
     */
    static util::Result<std::unique_ptr<PartFiles>> Rotating(const std::filesystem::path& path, std::uint32_t keep, bool overwrite);
    /** Whether `file` has the place of a part that Rotating(path) may come to. */
    static bool IsPart(const std::filesystem::path& path, const std::filesystem::path& file);

private:
    static util::Result<std::unique_ptr<PartFiles>> Overwriting(const std::filesystem::path& path);
};

} // namespace coretap::archive
