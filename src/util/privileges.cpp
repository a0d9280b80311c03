#include "util/privileges.h"

#include <cerrno>
#include <charconv>
#include <cstring>

#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace coretap::util {

Result<> DropPrivileges(const std::string& user)
{
    const auto failed = [&user](const char* doing) {
        const int error{errno};
        return Error{Errc::Permission,
                     fmt::format("cannot become user {}: {}: {}; choose another with --user, or --user - to stay", user, doing,
                                 std::strerror(error)),
                     error};
    };
    if (user != "-") {
        uid_t uid{0};
        gid_t gid{0};
        if (const passwd * entry{::getpwnam(user.c_str())}) {
            uid = entry->pw_uid;
            gid = entry->pw_gid;
        } else {
            const auto [end, error]{std::from_chars(user.data(), user.data() + user.size(), uid)};
            if (error != std::errc{} || end != user.data() + user.size()) {
                return Error{Errc::Usage, fmt::format("there is no user {}; choose another with --user, or --user - to stay", user)};
            }
            gid = uid;
        }
        // to the kernel -1 is "leave it as it is", which succeeds
        if (uid == static_cast<uid_t>(-1) || gid == static_cast<gid_t>(-1))
            return Error{Errc::Usage, fmt::format("{} is no user; choose another with --user, or --user - to stay", user)};
        // whoever is that user already, and may not change its groups, keeps its own
        if (::setgroups(0, nullptr) != 0 && !(errno == EPERM && uid == ::geteuid())) return failed("setgroups");
        if (::setresgid(gid, gid, gid) != 0) return failed("setresgid");
        if (::setresuid(uid, uid, uid) != 0) return failed("setresuid");
    }
    if (::geteuid() != 0) { // ambient ones stay through all of the above
        __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
        const __user_cap_data_struct none[2]{};
        (void)::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
        if (::syscall(SYS_capset, &header, none) != 0) return failed("capset");
    }
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("no_new_privs");
    return {};
}

} // namespace coretap::util
