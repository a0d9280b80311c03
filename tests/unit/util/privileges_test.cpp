// What is left after privileges are given up, looked at in child processes.
#include <functional>

#include <grp.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/privileges.h"

namespace coretap {
namespace {

using util::Errc;

constexpr uid_t SERVICE{12345};
constexpr gid_t GROUPS[]{4, 6};

/** What `work` returns in a child process. */
int InChild(const std::function<int()>& work)
{
    const pid_t child{::fork()};
    if (child == 0) ::_exit(work());
    int status{0};
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool NoCapabilities()
{
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2]{};
    return ::syscall(SYS_capget, &header, data) == 0 && data[0].effective == 0 && data[0].permitted == 0 && data[0].inheritable == 0 &&
           data[1].permitted == 0;
}

/** As systemd starts a service with User= and AmbientCapabilities=CAP_SETUID CAP_SETGID. */
bool BecomeService(std::initializer_list<int> ambient)
{
    if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || ::setgroups(std::size(GROUPS), GROUPS) != 0 ||
        ::setresgid(SERVICE, SERVICE, SERVICE) != 0 || ::setresuid(SERVICE, SERVICE, SERVICE) != 0)
        return false;
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2]{};
    for (const int capability : ambient) data[0].permitted |= 1U << capability;
    data[0].effective = data[0].inheritable = data[0].permitted;
    if (::syscall(SYS_capset, &header, data) != 0) return false;
    for (const int capability : ambient) {
        if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) != 0) return false;
    }
    return true;
}

class DropPrivileges : public testing::Test {
    void SetUp() override
    {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    }
};

TEST_F(DropPrivileges, RootBecomesSomebodyElseForGood)
{
    EXPECT_EQ(InChild([] {
                  if (::setgroups(std::size(GROUPS), GROUPS) != 0) return 1;
                  if (!util::DropPrivileges("nobody")) return 2;
                  if (::getuid() == 0 || ::getgid() == 0 || ::getgroups(0, nullptr) != 0) return 3;
                  return NoCapabilities() && ::setuid(0) != 0 ? 0 : 4;
              }),
              0);
}

TEST_F(DropPrivileges, TheNumberThatMeansNobodyAtAllIsRefused)
{
    for (const char* const user : {"4294967295", "4294967296", "-1"}) {
        EXPECT_EQ(InChild([user] {
                      const auto dropped = util::DropPrivileges(user);
                      return dropped ? 1 : dropped.GetError().code == Errc::Usage ? 0 : 2;
                  }),
                  0)
            << user;
    }
}

TEST_F(DropPrivileges, AServiceLosesItsGroupsAndAmbientCapabilities)
{
#ifdef __SANITIZE_THREAD__
    GTEST_SKIP() << "a forked child of ThreadSanitizer's dies of changing its user twice";
#endif
    EXPECT_EQ(InChild([] {
                  if (!BecomeService({CAP_SETUID, CAP_SETGID, CAP_NET_ADMIN})) return 1;
                  if (!util::DropPrivileges("nobody")) return 2;
                  if (::getuid() == SERVICE || ::getgid() == SERVICE) return 3;
                  if (::getgroups(0, nullptr) != 0) return 4;
                  return NoCapabilities() ? 0 : 5;
              }),
              0);
}

TEST_F(DropPrivileges, OneThatCannotShedItsGroupsIsToldSo)
{
    EXPECT_EQ(InChild([] {
                  if (!BecomeService({CAP_SETUID})) return 1;
                  const auto dropped = util::DropPrivileges("nobody");
                  return dropped ? 2 : dropped.GetError().code == Errc::Permission ? 0 : 3;
              }),
              0);
}

TEST_F(DropPrivileges, WhoStaysKeepsItsOwnGroupsAndNoCapabilities)
{
    for (const char* const user : {"-", "12345"}) {
        EXPECT_EQ(InChild([user] {
                      if (!BecomeService({CAP_NET_ADMIN})) return 1;
                      if (!util::DropPrivileges(user)) return 2;
                      if (::getuid() != SERVICE || ::getgroups(0, nullptr) != std::ssize(GROUPS)) return 3;
                      return NoCapabilities() ? 0 : 4;
                  }),
                  0)
            << user;
    }
}

} // namespace
} // namespace coretap
