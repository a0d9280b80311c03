// Where recordings go: one file or parts, over what is there or not, with rights that the recorder itself has given up.
#include <csignal>
#include <cstdlib>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "archive/format.h"
#include "archive/part_files.h"
#include "unit/archive/archive_fixture.h"

namespace coretap::archive {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(PartFiles, SingleRefusesInWords)
{
    const Folder folder;
    WriteFile(folder / "there", "something");
    const auto refused{PartFiles::Single(folder / "there", false)};
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.GetError().code, util::Errc::Usage);
    EXPECT_EQ(ReadFile(folder / "there"), "something");
    for (const bool overwrite : {false, true}) {
        const auto directory{PartFiles::Single(folder.Path(), overwrite)};
        ASSERT_FALSE(directory);
        EXPECT_THAT(directory.GetError().what, HasSubstr("is a directory"));
        const auto nowhere{PartFiles::Single(folder / "no/such/a.ctap", overwrite)};
        ASSERT_FALSE(nowhere);
        EXPECT_EQ(nowhere.GetError().code, util::Errc::NotFound);
    }
    EXPECT_FALSE(PartFiles::Single("", false));
}

TEST(PartFiles, SingleIsForItsOwnerOnly)
{
    const Folder folder;
    ::umask(0);
    WriteFile(folder / "there", "something");
    std::filesystem::permissions(folder / "there", std::filesystem::perms::all);
    const auto over{PartFiles::Single(folder / "there", true)};
    ASSERT_TRUE(over);
    EXPECT_EQ(ReadFile(folder / "there"), "something") << "whether anything will be recorded is not sure yet";
    ASSERT_TRUE((*over)->Open(1));
    struct stat status {};
    ASSERT_EQ(::stat((folder / "there").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
    EXPECT_EQ(status.st_size, 0);
    EXPECT_FALSE((*over)->Open(2));

    if (::geteuid() != 0) GTEST_SKIP() << "the owner behind sudo can be tested only as root";
    ::setenv("SUDO_UID", "12345", 1);
    ::setenv("SUDO_GID", "54321", 1);
    const auto made{PartFiles::Single(folder / "new", false)};
    ::unsetenv("SUDO_UID");
    ::unsetenv("SUDO_GID");
    ASSERT_TRUE(made);
    ASSERT_EQ(::stat((folder / "new").c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, 12345U);
    EXPECT_EQ(status.st_gid, 54321U);
}

TEST(PartFiles, ALinkIsNotOverwritten)
{
    const Folder folder;
    WriteFile(folder / "target", "something");
    std::filesystem::create_symlink("target", folder / "link");
    const auto over{PartFiles::Single(folder / "link", true)};
    ASSERT_TRUE(over);
    const auto opened{(*over)->Open(1)};
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.GetError().what, HasSubstr("symbolic link"));
    EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
    EXPECT_EQ(ReadFile(folder / "target"), "something");
}

TEST(PartFiles, ReadOnlyDirectory)
{
    const Folder folder;
    std::filesystem::permissions(folder.Path(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
    const pid_t child{::fork()}; // root may write anywhere
    if (child == 0) {
        if (::geteuid() == 0 && (::chown(folder.Path().c_str(), 65534, 65534) != 0 || ::setuid(65534) != 0)) std::_Exit(2);
        const auto single{PartFiles::Single(folder / "a.ctap", false)};
        std::_Exit(!single && single.GetError().code == util::Errc::Permission ? 0 : 1);
    }
    int status{0};
    ::waitpid(child, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

std::vector<std::string> Names(const Folder& folder)
{
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator{folder.Path()}) names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    return names;
}

TEST(PartFiles, RotatingKeepsTheNewestOfItsOwn)
{
    const Folder folder;
    WriteFile(folder / "name.x.ctap", "not a part");
    auto files{PartFiles::Rotating(folder / "name.ctap", 2, false)};
    ASSERT_TRUE(files);
    for (std::uint32_t part{1}; part <= 4; ++part) {
        const auto fd{(*files)->Open(part)};
        ASSERT_TRUE(fd) << fd.GetError().what;
        ASSERT_EQ(::write(fd->Get(), "x", 1), 1);
        if (part == 3) { // somebody puts another file in place of part 3
            std::filesystem::rename(folder / "name.0003.ctap", folder / "moved");
            WriteFile(folder / "name.0003.ctap", "of somebody else");
        }
    }
    EXPECT_THAT(Names(folder), ElementsAre("moved", "name.0003.ctap", "name.0004.ctap", "name.x.ctap"));
    ASSERT_TRUE((*files)->Open(5));
    EXPECT_THAT(Names(folder), ElementsAre("moved", "name.0003.ctap", "name.0004.ctap", "name.0005.ctap", "name.x.ctap"));
    EXPECT_EQ((*files)->Name(7), (folder / "name.0007.ctap").string());

    // another recording of that name must not run into these
    const auto again{PartFiles::Rotating(folder / "name.ctap", 2, false)};
    ASSERT_FALSE(again);
    EXPECT_THAT(again.GetError().what, HasSubstr("name.0003.ctap is there already"));
    auto over{PartFiles::Rotating(folder / "name.ctap", 0, true)};
    ASSERT_TRUE(over);
    ASSERT_TRUE((*over)->Open(3));
    EXPECT_EQ(ReadFile(folder / "name.0003.ctap"), "");
}

TEST(PartFiles, OverwritingTakesAllPartsOfTheEarlierRecording)
{
    const Folder folder;
    const auto part = [](std::uint32_t number) {
        const auto header = EncodeHeader({.part = number});
        return std::string{reinterpret_cast<const char*>(header.data()), header.size()};
    };
    for (const std::uint32_t number : {1U, 2U, 12U}) WriteFile(folder / fmt::format("name.{:04}.ctap", number), part(number));
    WriteFile(folder / "name.2024.ctap", part(1)); // a recording of another kind
    WriteFile(folder / "name.0005.ctap", "no recording at all");
    auto files{PartFiles::Rotating(folder / "name.ctap", 0, true)};
    ASSERT_TRUE(files);
    EXPECT_EQ(Names(folder).size(), 5U) << "whether anything will be recorded is not sure yet";
    ASSERT_TRUE((*files)->Open(1));
    EXPECT_THAT(Names(folder), ElementsAre("name.0001.ctap", "name.0005.ctap", "name.2024.ctap"));
    EXPECT_EQ(ReadFile(folder / "name.0001.ctap"), "");
    EXPECT_EQ((*files)->Trouble(), "");
}

TEST(PartFiles, WhatCannotBeRemovedIsTold)
{
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, to take a file from somebody";
    const Folder folder;
    // as /tmp: everybody may make files, nobody may remove those of others
    ASSERT_EQ(::chmod(folder.Path().c_str(), 01777), 0);
    const pid_t child{::fork()};
    if (child == 0) {
        if (::setuid(65534) != 0) std::_Exit(2);
        auto files{PartFiles::Rotating(folder / "name.ctap", 1, false)};
        if (!files || !(*files)->Open(1)) std::_Exit(3);
        (void)::kill(::getpid(), SIGSTOP); // meanwhile the part becomes root's
        if (!(*files)->Open(2)) std::_Exit(4);
        const std::string trouble{(*files)->Trouble()};
        std::_Exit(trouble.find("name.0001.ctap") != std::string::npos ? 0 : 5);
    }
    int status{0};
    ::waitpid(child, &status, WUNTRACED);
    ASSERT_TRUE(WIFSTOPPED(status));
    ASSERT_EQ(::chown((folder / "name.0001.ctap").c_str(), 0, 0), 0);
    ::kill(child, SIGCONT);
    ::waitpid(child, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(PartFiles, TheKeeperKeepsItsRights)
{
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, to give up being it";
    const Folder folder; // 0700, of root
    const pid_t child{::fork()};
    if (child == 0) {
        auto files{PartFiles::Rotating(folder / "name.ctap", 0, false)};
        if (!files || ::setuid(65534) != 0) std::_Exit(2);
        if (PartFiles::Single(folder / "other", false)) std::_Exit(3);
        std::_Exit((*files)->Open(1) && (*files)->Open(2) ? 0 : 4);
    }
    int status{0};
    ::waitpid(child, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 0);
    EXPECT_THAT(Names(folder), ElementsAre("name.0001.ctap", "name.0002.ctap"));
}

TEST(PartFiles, RotatingRefusesInWords)
{
    EXPECT_FALSE(PartFiles::Rotating("-", 0, false));
    const Folder folder;
    const auto nowhere{PartFiles::Rotating(folder / "no/such.ctap", 0, false)};
    ASSERT_FALSE(nowhere);
    EXPECT_EQ(nowhere.GetError().code, util::Errc::NotFound);
}

} // namespace
} // namespace coretap::archive
