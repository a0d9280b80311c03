// Giving up privileges for good.
#pragma once

#include <string>

#include "util/result.h"

namespace coretap::util {

/**
 * Become `user` (a name or a number), with no groups but its own, no capabilities, and no way back (no_new_privs).
 * "-" keeps the user; one that is not root loses its capabilities all the same. Needs CAP_SETUID and CAP_SETGID unless it is the present user.
 */
Result<> DropPrivileges(const std::string& user);

} // namespace coretap::util
