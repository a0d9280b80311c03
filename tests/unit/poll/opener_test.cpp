#include "poll/opener.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "poll/cookie.h"
#include "unit/poll/fake_rpc.h"

namespace coretap::poll_test {
namespace {

using namespace poll;
using testing::HasSubstr;

std::string TextOf(util::Result<util::Fd> file)
{
    if (!file) return "error: " + file.GetError().what;
    EXPECT_EQ(O_RDONLY, ::fcntl(file->Get(), F_GETFL) & O_ACCMODE);
    EXPECT_EQ(FD_CLOEXEC, ::fcntl(file->Get(), F_GETFD));
    const auto text{ReadAll(file->Get(), 1000)};
    return text ? *text : "unreadable";
}

/** Another process with that name's command line, as a user. Sleeps until this is gone. */
class Process {
    pid_t m_pid;

public:
    Process(const std::vector<std::string>& arguments, uid_t uid)
    {
        int ready[2];
        EXPECT_EQ(0, ::pipe2(ready, O_CLOEXEC)); // its end closes when the program is started
        m_pid = ::fork();
        if (m_pid == 0) {
            if (uid != ::getuid() && (::setgid(uid) != 0 || ::setuid(uid) != 0)) ::_exit(1);
            // `sh -c '...' sh -datadir=...`: the arguments are in its command line, and mean nothing to it
            std::vector<std::string> words{"sh", "-c", "sleep 60; :", "sh"};
            words.insert(words.end(), arguments.begin(), arguments.end());
            std::vector<char*> argv;
            for (std::string& word : words) argv.push_back(word.data());
            argv.push_back(nullptr);
            ::setpgid(0, 0);
            ::execv("/bin/sh", argv.data());
            ::_exit(1);
        }
        ::close(ready[1]);
        char byte{0};
        EXPECT_EQ(0, ::read(ready[0], &byte, 1));
        ::close(ready[0]);
    }
    ~Process()
    {
        ::kill(-m_pid, SIGKILL);
        ::waitpid(m_pid, nullptr, 0);
    }
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    pid_t Pid() const { return m_pid; }
};

TEST(Opener, OpensTheThreeFilesAndNoOther)
{
    const TemporaryFolder datadir;
    datadir.Write("bitcoin.conf", "conf");
    datadir.Write("regtest/.cookie", "cookie");
    datadir.Write("regtest/debug.log", "log");
    datadir.Write("secret", "secret");
    datadir.Write("named", "named");
    const auto opener{Opener::Start({.also = {datadir.Path("named")}})};
    ASSERT_TRUE(opener);
    const NodePlace place{0, datadir.Path(), "regtest"};
    EXPECT_EQ("conf", TextOf((*opener)->Open({place, NodeFile::Conf, {}})));
    EXPECT_EQ("cookie", TextOf((*opener)->Open({place, NodeFile::Cookie, {}})));
    EXPECT_EQ("log", TextOf((*opener)->Open({place, NodeFile::DebugLog, {}})));
    EXPECT_EQ("named", TextOf((*opener)->Open({place, NodeFile::Cookie, datadir.Path("named")})));
    EXPECT_THAT(TextOf((*opener)->Open({place, NodeFile::Cookie, datadir.Path("secret")})), HasSubstr("not among the files"));
    const auto missing{(*opener)->Open({{0, datadir.Path(), "main"}, NodeFile::Cookie, {}})};
    EXPECT_EQ(util::Errc::NotFound, missing.GetError().code);
    EXPECT_EQ(ENOENT, missing.GetError().sys_errno);
    // what does not fit is refused, and the next question is answered all the same
    EXPECT_FALSE((*opener)->Open({{0, std::string(5000, 'x'), "main"}, NodeFile::Cookie, {}}));
    EXPECT_FALSE((*opener)->Open({{0, datadir.Path(), std::string(50, 'x')}, NodeFile::Cookie, {}}));
    EXPECT_FALSE((*opener)->Open({{0, std::string("a\0b", 3), "main"}, NodeFile::Cookie, {}}));
    EXPECT_EQ("conf", TextOf((*opener)->Open({place, NodeFile::Conf, {}})));
}

TEST(Opener, OpensItsCallersOwnFilesIfTheyWereNamedAtTheStart)
{
    const TemporaryFolder folder;
    folder.Write("token", "first");
    folder.Write("cookie", "cookie");
    folder.Write("other", "other");
    ASSERT_EQ(0, ::symlink("token", folder.Path("link").c_str())); // as certificates often are
    const auto opener{Opener::Start({.of_nodes = false,
                                     .also = {folder.Path("cookie")},
                                     .own = {folder.Path("token"), folder.Path("link"), folder.Path("later"), folder.Path()}})};
    ASSERT_TRUE(opener);
    EXPECT_TRUE((*opener)->IsOwn(folder.Path("token")));
    EXPECT_FALSE((*opener)->IsOwn(folder.Path("other")));
    EXPECT_EQ("first", TextOf((*opener)->OpenOwn(folder.Path("token"))));
    EXPECT_EQ("first", TextOf((*opener)->OpenOwn(folder.Path("link"))));
    EXPECT_THAT(TextOf((*opener)->OpenOwn(folder.Path("other"))), HasSubstr("not among the files"));
    EXPECT_THAT(TextOf((*opener)->OpenOwn(folder.Path("cookie"))), HasSubstr("not among the files"));
    EXPECT_THAT(TextOf((*opener)->OpenOwn(folder.Path())), HasSubstr("not a regular file"));
    EXPECT_EQ(ENOENT, (*opener)->OpenOwn(folder.Path("later")).GetError().sys_errno);
    folder.Write("later", "there");
    EXPECT_EQ("there", TextOf((*opener)->OpenOwn(folder.Path("later"))));
    // and not a node's files for the asking
    folder.Write("bitcoin.conf", "conf");
    EXPECT_THAT(TextOf((*opener)->Open({{0, folder.Path(), "main"}, NodeFile::Conf, {}})), HasSubstr("not among the files"));
    EXPECT_THAT(TextOf((*opener)->Open({{0, folder.Path(), "main"}, NodeFile::Cookie, folder.Path("token")})),
                HasSubstr("not among the files"));
}

TEST(Opener, FollowsNoLinkOutAndOpensRegularFilesOnly)
{
    const TemporaryFolder folder;
    folder.Write("outside/secret", "secret");
    folder.Write("data/inside", "inside");
    folder.Write("data/bitcoin.conf", "conf");
    const auto link = [&](const std::string& to, const std::string& name) {
        ASSERT_EQ(0, ::symlink(to.c_str(), folder.Path(name).c_str()));
    };
    const NodePlace place{0, folder.Path("data"), "main"};
    link("inside", "data/.cookie"); // not even within: the last component is never followed
    EXPECT_THAT(TextOf(OpenNodeFile({place, NodeFile::Cookie, {}})), HasSubstr("symbolic link"));
    ASSERT_EQ(0, ::unlink(folder.Path("data/.cookie").c_str()));
    ASSERT_EQ(0, ::mkfifo(folder.Path("data/.cookie").c_str(), 0600));
    EXPECT_THAT(TextOf(OpenNodeFile({place, NodeFile::Cookie, {}})), HasSubstr("regular file")); // and does not wait for a writer
    ASSERT_EQ(0, ::mkdir(folder.Path("data/debug.log").c_str(), 0700));
    EXPECT_THAT(TextOf(OpenNodeFile({place, NodeFile::DebugLog, {}})), HasSubstr("regular file"));
    link("../outside", "data/regtest");
    folder.Write("outside/.cookie", "stolen");
    EXPECT_THAT(TextOf(OpenNodeFile({{0, folder.Path("data"), "regtest"}, NodeFile::Cookie, {}})), HasSubstr("out of the data directory"));
    // the data directory itself is often a link
    link("data", "link");
    EXPECT_EQ("conf", TextOf(OpenNodeFile({{0, folder.Path("link"), "main"}, NodeFile::Conf, {}})));
}

TEST(Opener, OfAProcessTheCommandLineSaysWhere)
{
    const TemporaryFolder folder;
    folder.Write("data/bitcoin.conf", "default conf");
    folder.Write("data/regtest/.cookie", "default cookie");
    folder.Write("data/regtest/c", "a:c");
    folder.Write("etc/b.conf", "[regtest]\nrpcport=77");
    const Process node{{"-datadir=" + folder.Path("data"), "-regtest", "-conf=" + folder.Path("etc/b.conf"), "-rpccookiefile=c"},
                       ::getuid()};
    const Process plain{{}, ::getuid()};
    EXPECT_EQ("[regtest]\nrpcport=77", TextOf(OpenNodeFile({{node.Pid(), folder.Path("data"), "regtest"}, NodeFile::Conf, {}})));
    EXPECT_EQ("a:c", TextOf(OpenNodeFile({{node.Pid(), folder.Path("data"), "regtest"}, NodeFile::Cookie, {}})));
    EXPECT_EQ("default conf", TextOf(OpenNodeFile({{plain.Pid(), folder.Path("data"), "regtest"}, NodeFile::Conf, {}})));
    EXPECT_EQ("default cookie", TextOf(OpenNodeFile({{plain.Pid(), folder.Path("data"), "regtest"}, NodeFile::Cookie, {}})));
    EXPECT_THAT(TextOf(OpenNodeFile({{plain.Pid(), folder.Path("data"), "regtest"}, NodeFile::DebugLog, {}})), HasSubstr("there is no"));

    // all of it together: chain, port and cookie of a node that is known by its process alone
    const auto opener{Opener::Start()};
    ASSERT_TRUE(opener);
    const auto open = [&](const OpenRequest& request) { return (*opener)->Open(request); };
    const NodeSettings settings{FindNodeSettings({node.Pid(), folder.Path("data"), "main"}, open)};
    EXPECT_EQ("regtest", settings.place.chain);
    const auto access{FindRpcAccess(settings, {}, open)};
    ASSERT_TRUE(access) << access.GetError().what;
    EXPECT_EQ("c", access->password);
    EXPECT_EQ(77, access->port);
}

TEST(Opener, OfAProcessOnlyWhatItsUserMayRead)
{
    if (::getuid() != 0) GTEST_SKIP() << "takes root to have other users' processes";
    const TemporaryFolder folder;
    folder.Write("root/.cookie", "of root");
    ASSERT_EQ(0, ::chmod(folder.Path("root/.cookie").c_str(), 0600));
    folder.Write("nobody/.cookie", "of nobody");
    ASSERT_EQ(0, ::chown(folder.Path("nobody/.cookie").c_str(), 65534, 65534));
    ASSERT_EQ(0, ::chmod(folder.Path("nobody/.cookie").c_str(), 0600));
    ASSERT_EQ(0, ::chmod(folder.Path().c_str(), 0755));
    const auto opener{Opener::Start()};
    ASSERT_TRUE(opener);
    const Process nobodys{{}, 65534}, roots{{}, 0};
    for (int i{0}; i < 2; ++i) { // it comes back from each user
        EXPECT_THAT(TextOf((*opener)->Open({{nobodys.Pid(), folder.Path("root"), "main"}, NodeFile::Cookie, {}})),
                    HasSubstr("Permission denied"));
        EXPECT_EQ("of nobody", TextOf((*opener)->Open({{nobodys.Pid(), folder.Path("nobody"), "main"}, NodeFile::Cookie, {}})));
        EXPECT_EQ("of root", TextOf((*opener)->Open({{roots.Pid(), folder.Path("root"), "main"}, NodeFile::Cookie, {}})));
    }
    // In this process, on a thread: the others stay who they are, and nothing stays behind
    std::atomic<bool> stop{false}, changed{false};
    std::thread other{[&] {
        while (!stop) {
            if (::geteuid() != 0) changed = true;
        }
    }};
    for (int i{0}; i < 200; ++i)
        EXPECT_EQ("of nobody", TextOf(OpenNodeFile({{nobodys.Pid(), folder.Path("nobody"), "main"}, NodeFile::Cookie, {}})));
    EXPECT_THAT(TextOf(OpenNodeFile({{nobodys.Pid(), folder.Path("root"), "main"}, NodeFile::Cookie, {}})), HasSubstr("Permission denied"));
    stop = true;
    other.join();
    EXPECT_FALSE(changed);
    EXPECT_EQ(0u, ::geteuid());
    EXPECT_EQ("of root", TextOf(OpenNodeFile({{0, folder.Path("root"), "main"}, NodeFile::Cookie, {}}))); // root's capabilities are back
}

TEST(Opener, AProcessThatIsGone)
{
    pid_t pid{0};
    {
        const Process process{{}, ::getuid()};
        pid = process.Pid();
    }
    EXPECT_THAT(TextOf(OpenNodeFile({{pid, "/", "main"}, NodeFile::Cookie, {}})), HasSubstr("is gone"));
    EXPECT_TRUE(NodeCommandLine(pid).empty());
}

TEST(Opener, ItsEndIsNoticed)
{
    const TemporaryFolder datadir;
    datadir.Write(".cookie", "x");
    const auto opener{Opener::Start()};
    ASSERT_TRUE(opener);
    // it is the only child of this test with that name
    const std::string children{*[] {
        const util::Fd fd{::open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC)};
        return fd ? ReadAll(fd.Get(), 4096) : util::Result<std::string>{std::string{}};
    }()};
    pid_t process{0};
    for (const char* at{children.c_str()}; *at != '\0';) {
        char* end{nullptr};
        const auto pid{static_cast<pid_t>(std::strtol(at, &end, 10))};
        if (end == at) break;
        process = pid;
        at = end + (*end == ' ' ? 1 : 0);
    }
    if (process == 0) GTEST_SKIP() << "this kernel does not list children";
    ::kill(process, SIGKILL);
    for (int i{0}; i < 2; ++i) {
        EXPECT_THAT(TextOf((*opener)->Open({{0, datadir.Path(), "main"}, NodeFile::Cookie, {}})), HasSubstr("is gone"));
    }
}

/** A file system that answers nothing: whoever opens anything in it hangs until this is gone. */
class HangingFileSystem {
    TemporaryFolder m_folder;
    util::Fd m_device{::open("/dev/fuse", O_RDWR | O_CLOEXEC)};
    bool m_mounted{false};

public:
    HangingFileSystem()
    {
        const std::string options{fmt::format("fd={},rootmode=40000,user_id=0,group_id=0,allow_other", m_device.Get())};
        m_mounted = m_device && ::mount("coretap-test", m_folder.Path().c_str(), "fuse", MS_NOSUID | MS_NODEV, options.c_str()) == 0;
    }
    ~HangingFileSystem()
    {
        m_device.Reset();
        if (m_mounted) (void)::umount2(m_folder.Path().c_str(), MNT_DETACH);
    }
    HangingFileSystem(const HangingFileSystem&) = delete;
    HangingFileSystem& operator=(const HangingFileSystem&) = delete;
    explicit operator bool() const { return m_mounted; }
    std::string Path() const { return m_folder.Path(); }
};

TEST(Opener, AFileSystemThatHangsHoldsUpNobodyElse)
{
    using Clock = std::chrono::steady_clock;
    const HangingFileSystem hanging;
    if (!hanging) GTEST_SKIP() << "no FUSE file system can be mounted here: it takes root and /dev/fuse";
    const TemporaryFolder datadir;
    datadir.Write(".cookie", "cookie");
    auto opener{Opener::Start({.own = {datadir.Path(".cookie")}})};
    ASSERT_TRUE(opener);

    std::vector<std::thread> asking;
    std::atomic<int> timed_out{0};
    for (std::size_t i{0}; i < MAX_HANGING; ++i) {
        asking.emplace_back([&] {
            const auto file{(*opener)->Open({{0, hanging.Path(), "main"}, NodeFile::Cookie, {}})};
            if (!file && file.GetError().sys_errno == ETIMEDOUT) ++timed_out;
        });
    }
    const auto start{Clock::now()};
    for (int i{0}; i < 20; ++i) {
        EXPECT_EQ("cookie", TextOf((*opener)->Open({{0, datadir.Path(), "main"}, NodeFile::Cookie, {}})));
        EXPECT_EQ("cookie", TextOf((*opener)->OpenOwn(datadir.Path(".cookie"))));
    }
    EXPECT_LT(Clock::now() - start, OPEN_PATIENCE / 2);
    for (std::thread& thread : asking) thread.join();
    EXPECT_EQ(MAX_HANGING, timed_out);
    EXPECT_GE(Clock::now() - start, OPEN_PATIENCE / 2);

    // they hang still: more are not let in
    const auto again{Clock::now()};
    EXPECT_THAT(TextOf((*opener)->Open({{0, hanging.Path(), "main"}, NodeFile::Conf, {}})), HasSubstr("does not answer"));
    EXPECT_EQ("cookie", TextOf((*opener)->Open({{0, datadir.Path(), "main"}, NodeFile::Cookie, {}})));
    opener = util::Error{util::Errc::Io, "ended"};
    EXPECT_LT(Clock::now() - again, OPEN_PATIENCE / 2) << "nor does the end wait";
}

} // namespace
} // namespace coretap::poll_test
