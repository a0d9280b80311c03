// Making files that hold what only their owner should read.
#pragma once

#include <string>

#include "util/fd.h"
#include "util/result.h"

namespace coretap::archive {

/**
 * A new file called `name` in the directory `dir_fd` (AT_FDCWD with a path), mode 0600, of the user behind sudo if there is
 * one. One that is there already, and not empty, is an error unless `overwrite`, which removes it first: a file that others may read does not
 * become the recording. A symbolic link is not followed. It is
 * locked (flock) as long as it is open: while somebody records into it, it is not overwritten. `shown` is its name in messages.
 */
util::Result<util::Fd> NewFile(int dir_fd, const std::string& name, const std::string& shown, bool overwrite);

/** If we are root through sudo, the file belongs to who called it, as one that a shell's redirection makes. */
void GiveToUserBehindSudo(int fd);

/** Why that went wrong, from its errno. */
util::Error CannotMake(const std::string& shown, int error);

} // namespace coretap::archive
