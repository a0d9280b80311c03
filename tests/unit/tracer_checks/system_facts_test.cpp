#include "tracer/system_facts.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace coretap::tracer {
namespace {

constexpr std::string_view STATUS{
    "Name:\tcoretap\nUid:\t1000\t1000\t1000\t1000\nCapInh:\t0000000000000000\nCapPrm:\t000000c000080000\n"
    "CapEff:\t000000c000080000\nCapBnd:\t000001ffffffffff\nNoNewPrivs:\t0\nSeccomp:\t2\nSeccomp_filters:\t1\n"};

TEST(SystemFactsTest, StatusFields)
{
    EXPECT_EQ(StatusField(STATUS, "CapEff"), "000000c000080000");
    EXPECT_EQ(StatusField(STATUS, "Seccomp"), "2") << "not Seccomp_filters";
    EXPECT_EQ(StatusField(STATUS, "Name"), "coretap");
    EXPECT_EQ(StatusField(STATUS, "Cap"), "");
    EXPECT_EQ(StatusField(STATUS, "Missing"), "");
    EXPECT_EQ(StatusField("", "Name"), "");
    EXPECT_EQ(StatusField("Name:", "Name"), "");
}

TEST(SystemFactsTest, Capabilities)
{
    const auto set = ParseCapabilities(StatusField(STATUS, "CapEff"));
    ASSERT_TRUE(set);
    EXPECT_EQ(CapabilityNames(*set), "CAP_SYS_PTRACE CAP_PERFMON CAP_BPF");
    EXPECT_EQ(CapabilityNames(0), "none");
    EXPECT_EQ(CapabilityName(cap::SYS_ADMIN), "CAP_SYS_ADMIN");
    EXPECT_EQ(CapabilityName(cap::DAC_READ_SEARCH), "CAP_DAC_READ_SEARCH");
    EXPECT_EQ(CapabilityName(cap::SETUID), "CAP_SETUID");
    EXPECT_EQ(CapabilityName(40), "CAP_CHECKPOINT_RESTORE");
    EXPECT_EQ(CapabilityNames(std::uint64_t{1} << 63), "CAP_63");
    EXPECT_FALSE(ParseCapabilities(""));
    EXPECT_FALSE(ParseCapabilities("12 34"));
    EXPECT_FALSE(ParseCapabilities("0x12"));
    EXPECT_FALSE(ParseCapabilities("fffffffffffffffff")) << "65 bits and more";
}

TEST(SystemFactsTest, AdminStandsForBpfAndPerfmonOnly)
{
    HostFacts facts;
    facts.status = "CapEff:\t0000000000200000\n";
    EXPECT_TRUE(facts.Has(cap::SYS_ADMIN));
    EXPECT_TRUE(facts.Has(cap::BPF));
    EXPECT_TRUE(facts.Has(cap::PERFMON));
    EXPECT_FALSE(facts.Has(cap::SYS_PTRACE));
    facts.status = "nothing";
    EXPECT_FALSE(facts.Has(cap::SYS_ADMIN));
}

TEST(SystemFactsTest, Release)
{
    EXPECT_EQ(ParseRelease("6.18.44-fc-v669"), (KernelRelease{6, 18}));
    EXPECT_EQ(ParseRelease("5.15.0-91-generic"), (KernelRelease{5, 15}));
    EXPECT_EQ(ParseRelease("6.1"), (KernelRelease{6, 1}));
    EXPECT_EQ(ParseRelease("7.0-rc1"), (KernelRelease{7, 0}));
    EXPECT_LT((KernelRelease{5, 15}), (KernelRelease{6, 1}));
    EXPECT_LT((KernelRelease{6, 6}), (KernelRelease{6, 18})) << "as numbers, not as text";
    for (const std::string_view bad : {"", "6", "6.", ".1", "six.one", "6.x", "-6.1", "99999999999.1"})
        EXPECT_FALSE(ParseRelease(bad)) << bad;
}

TEST(SystemFactsTest, Lockdown)
{
    EXPECT_EQ(ParseLockdown("[none] integrity confidentiality\n"), Lockdown::None);
    EXPECT_EQ(ParseLockdown("none [integrity] confidentiality\n"), Lockdown::Integrity);
    EXPECT_EQ(ParseLockdown("none integrity [confidentiality]\n"), Lockdown::Confidentiality);
    EXPECT_EQ(ParseLockdown("none integrity confidentiality"), Lockdown::Unknown);
    EXPECT_EQ(ParseLockdown(""), Lockdown::Unknown);
}

TEST(SystemFactsTest, IdMap)
{
    EXPECT_TRUE(IsWholeIdMap("         0          0 4294967295\n"));
    EXPECT_FALSE(IsWholeIdMap("         0       1000          1\n"));
    EXPECT_FALSE(IsWholeIdMap("         0     100000      65536\n"));
    EXPECT_FALSE(IsWholeIdMap("         0          0      65536\n"));
    EXPECT_FALSE(IsWholeIdMap("         0          0 4294967295\n 1 1 1\n"));
    EXPECT_FALSE(IsWholeIdMap(""));
}

TEST(SystemFactsTest, ProcMount)
{
    const ProcMount plain{ParseProcMount("22 27 0:21 / /proc rw,relatime - proc proc rw\n23 27 0:22 / /sys rw - sysfs sysfs rw\n")};
    EXPECT_FALSE(plain.Hides());
    const ProcMount hiding{ParseProcMount("22 27 0:21 / /proc rw,relatime shared:5 master:1 - proc proc rw,gid=42,hidepid=invisible\n")};
    EXPECT_TRUE(hiding.Hides());
    EXPECT_EQ(hiding.hidepid, "invisible");
    EXPECT_EQ(hiding.gid, 42U);
    // the last mount is on top; others that contain /proc in their path do not count
    const ProcMount covered{
        ParseProcMount("22 27 0:21 / /proc rw - proc proc rw,hidepid=2\n30 27 0:21 / /proc rw - proc proc rw,hidepid=0\n"
                       "31 27 0:21 / /chroot/proc rw - proc proc rw,hidepid=2\nnonsense\n32 27 0:5 / /proc rw - tmpfs tmpfs hidepid=2\n")};
    EXPECT_FALSE(covered.Hides());
    EXPECT_FALSE(ParseProcMount("").Hides());
}

TEST(SystemFactsTest, Numbers)
{
    EXPECT_EQ(ParseNumber("2\n"), 2);
    EXPECT_EQ(ParseNumber(" -1 "), -1);
    EXPECT_FALSE(ParseNumber("2 3"));
    EXPECT_FALSE(ParseNumber(""));
}

constexpr std::string_view MAPS{"55d0a0000000-55d0a0039000 r--p 00000000 fe:00 1234                       /opt/my node/bitcoind (deleted)\n"
                                "55d0a0ce1000-55d0a0cec000 r--p 00ce0000 fe:00 1234                       /opt/my node/bitcoind (deleted)\n"
                                "55d0a0cec000-55d0a0cfc000 rw-p 00ceb000 fe:00 1234                       /opt/my node/bitcoind (deleted)\n"
                                "55d0a0cfc000-55d0a0d08000 rw-p 00000000 00:00 0 \n"
                                "7f0000000000-7f0000001000 rw-p 00cfa000 fe:00 99                         /lib/other.so\n"
                                "7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0                          [stack]\n"};

TEST(SystemFactsTest, FindsAByteOfAFileInAProcess)
{
    constexpr std::string_view PATH{"/opt/my node/bitcoind (deleted)"};
    EXPECT_EQ(FindWritableAddress(MAPS, PATH, 1234, 0xcfac94), 0x55d0a0cfbc94U);
    EXPECT_EQ(FindWritableAddress(MAPS, PATH, 5, 0xcfac94), 0x55d0a0cfbc94U) << "by its path";
    EXPECT_EQ(FindWritableAddress(MAPS, "/elsewhere", 1234, 0xceb000), 0x55d0a0cec000U) << "by its inode; the first byte of the mapping";
    EXPECT_FALSE(FindWritableAddress(MAPS, PATH, 1234, 0x100)) << "mapped read-only";
    EXPECT_FALSE(FindWritableAddress(MAPS, PATH, 1234, 0xcfb000)) << "one past the end";
    EXPECT_FALSE(FindWritableAddress(MAPS, "/elsewhere", 5, 0xcfac94));
    EXPECT_FALSE(FindWritableAddress(MAPS, "", 0, 0x10)) << "anonymous memory has inode 0";
    EXPECT_FALSE(FindWritableAddress("", PATH, 1234, 0));
}

RC_GTEST_PROP(SystemFactsProperty, ParsersTakeAnything, (const std::string& text))
{
    (void)ParseCapabilities(StatusField(text, "CapEff"));
    (void)ParseRelease(text);
    (void)ParseLockdown(text);
    (void)IsWholeIdMap(text);
    (void)ParseProcMount(text);
    (void)FindWritableAddress(text, "/x", 1, 0);
}

} // namespace
} // namespace coretap::tracer
