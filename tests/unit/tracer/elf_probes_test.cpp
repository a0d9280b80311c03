#include "tracer/elf_probes.h"

#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include <elf.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "event/catalogue.h"
#include "tracer/conformance.h"
#include "util/fd.h"

namespace coretap::tracer {
namespace {

using util::Errc;
using util::Fd;

constexpr std::string_view NOTE_NAME{"stapsdt\0", 8};

Fd FileOf(std::string_view bytes)
{
    Fd fd{::memfd_create("elf_probes_test", MFD_CLOEXEC)};
    if (::write(fd.Get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) fd.Reset();
    return fd;
}

util::Result<BinaryProbes> ReadBytes(std::string_view bytes)
{
    const Fd fd{FileOf(bytes)};
    EXPECT_TRUE(fd);
    return ReadProbes(fd.Get(), "image");
}

template <class T>
T Get(const std::string& bytes, std::size_t at)
{
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
}

template <class T>
void Put(std::string& bytes, std::size_t at, T value)
{
    ASSERT_LE(at + sizeof value, bytes.size());
    std::memcpy(bytes.data() + at, &value, sizeof value);
}

/** A site, for comparing. */
std::string Show(const ProbeSite& site)
{
    return site.FullName() + " " + std::to_string(site.location) + " " + std::to_string(site.file_offset) + " " +
           std::to_string(site.semaphore) + " " + std::to_string(site.semaphore_offset) + " [" + site.arg_text + "] " + site.arg_error;
}

std::vector<std::string> Show(const BinaryProbes& probes)
{
    std::vector<std::string> lines;
    for (const ProbeSite& site : probes.sites) lines.push_back(Show(site));
    return lines;
}

class ElfProbes : public ::testing::Test {
protected:
    std::string m_image;

    void SetUp() override
    {
        std::ifstream file{PROBES_FIXTURE, std::ios::binary};
        m_image.assign(std::istreambuf_iterator<char>{file}, {});
        ASSERT_GT(m_image.size(), sizeof(Elf64_Ehdr));
    }

    Elf64_Ehdr Header() const { return Get<Elf64_Ehdr>(m_image, 0); }

    /** File offset of the header of section `name`, 0 if there is none. */
    std::size_t SectionHeader(std::string_view name) const
    {
        const auto header = Header();
        const auto strings = Get<Elf64_Shdr>(m_image, header.e_shoff + header.e_shstrndx * sizeof(Elf64_Shdr));
        for (std::size_t i{0}; i < header.e_shnum; ++i) {
            const std::size_t at{header.e_shoff + i * sizeof(Elf64_Shdr)};
            if (name == m_image.data() + strings.sh_offset + Get<Elf64_Shdr>(m_image, at).sh_name) return at;
        }
        return 0;
    }

    /** File offsets of the descriptions of the stapsdt notes: location, base, semaphore, strings. */
    std::vector<std::size_t> Descriptions() const
    {
        const auto section = Get<Elf64_Shdr>(m_image, SectionHeader(".note.stapsdt"));
        std::vector<std::size_t> found;
        for (std::size_t at{m_image.find(NOTE_NAME, section.sh_offset)}; at < section.sh_offset + section.sh_size;
             at = m_image.find(NOTE_NAME, at + 1)) {
            found.push_back(at + NOTE_NAME.size());
        }
        return found;
    }
};

TEST_F(ElfProbes, ReadsWhatTheCompilerWrote)
{
    const Fd fd{::open(PROBES_FIXTURE, O_RDONLY | O_CLOEXEC)};
    const auto probes = ReadProbes(fd.Get(), PROBES_FIXTURE);
    ASSERT_TRUE(probes) << probes.GetError().what;
    EXPECT_TRUE(probes->has_note_section);
    EXPECT_EQ(probes->machine, Header().e_machine);
    EXPECT_EQ(probes->build_id.size(), 40U);
    EXPECT_EQ(probes->build_id.find_first_not_of("0123456789abcdef"), std::string::npos);
    EXPECT_EQ(probes->sites.size(), 5U);
    EXPECT_TRUE(LooksLikeNode(fd.Get()));

    const auto semaphores = Get<Elf64_Shdr>(m_image, SectionHeader(".probes"));
    for (const ProbeSite& site : probes->sites) {
        EXPECT_TRUE(SiteIsNop(fd.Get(), site, probes->machine)) << Show(site);
        EXPECT_GE(site.semaphore, semaphores.sh_addr);
        EXPECT_LT(site.semaphore, semaphores.sh_addr + semaphores.sh_size);
        EXPECT_EQ(site.semaphore_offset, site.semaphore - semaphores.sh_addr + semaphores.sh_offset);
        EXPECT_NE(site.semaphore_offset, site.semaphore) << "the fixture is to have differing addresses and offsets";
    }

    const auto messages = probes->Find("net", "inbound_message");
    ASSERT_EQ(messages.size(), 1U);
    EXPECT_EQ(messages[0]->args.size(), 6U);
    const auto added = probes->Find("mempool", "added");
    ASSERT_EQ(added.size(), 2U);
    EXPECT_NE(added[0]->location, added[1]->location);
    EXPECT_EQ(added[0]->semaphore, added[1]->semaphore);
    EXPECT_TRUE(probes->Find("net", "added").empty());
}

TEST_F(ElfProbes, FindsOddOperands)
{
    const auto probes = ReadBytes(m_image);
    ASSERT_TRUE(probes);
    const auto odd = probes->Find("fixture", "odd");
    ASSERT_EQ(odd.size(), 1U);
    EXPECT_EQ(odd[0]->arg_text, "8@(%rax,%rbx,4) -4@$-9 1@%ah 8@-24+8(%rbp) -2@%r9w");
    if (probes->machine == EM_X86_64) {
        EXPECT_EQ(odd[0]->arg_error, "");
        ASSERT_EQ(odd[0]->args.size(), 5U);
        EXPECT_EQ(odd[0]->args[0].where, CT_ARG_MEM_SIB);
        EXPECT_EQ(odd[0]->args[3].off, -16);
    }
    const auto floating = probes->Find("fixture", "floating");
    ASSERT_EQ(floating.size(), 1U);
    EXPECT_NE(floating[0]->arg_error, "");
    EXPECT_TRUE(floating[0]->args.empty());
}

TEST_F(ElfProbes, ItsCoreProbesMatchTheCatalogue)
{
    const auto probes = ReadBytes(m_image);
    ASSERT_TRUE(probes);
    const event::Catalogue catalogue;
    const auto conformance = Check(*probes, catalogue);
    EXPECT_EQ(conformance.Count(Verdict::Matches), 2U);
    EXPECT_EQ(conformance.Count(Verdict::Unknown), 2U);
    EXPECT_EQ(conformance.Count(Verdict::Changed), 0U);
}

TEST_F(ElfProbes, CorrectsAddressesOfPrelinkedFiles)
{
    constexpr std::uint64_t MOVED{0x10000};
    const auto before = ReadBytes(m_image);
    ASSERT_TRUE(before);
    for (const std::size_t at : Descriptions()) {
        for (std::size_t i{0}; i < 3; ++i) Put(m_image, at + 8 * i, Get<std::uint64_t>(m_image, at + 8 * i) + MOVED);
    }
    const auto after = ReadBytes(m_image);
    ASSERT_TRUE(after) << after.GetError().what;
    EXPECT_EQ(Show(*before), Show(*after));
}

TEST_F(ElfProbes, LeavesOutSitesTheLinkerDropped)
{
    const auto descriptions = Descriptions();
    ASSERT_EQ(descriptions.size(), 5U);
    Put(m_image, descriptions[0], std::uint64_t{0});
    const auto probes = ReadBytes(m_image);
    ASSERT_TRUE(probes);
    EXPECT_EQ(probes->sites.size(), 4U);
}

TEST_F(ElfProbes, SemaphoreIsOptional)
{
    for (const std::size_t at : Descriptions()) Put(m_image, at + 16, std::uint64_t{0});
    const auto probes = ReadBytes(m_image);
    ASSERT_TRUE(probes);
    for (const ProbeSite& site : probes->sites) {
        EXPECT_EQ(site.semaphore, 0U);
        EXPECT_EQ(site.semaphore_offset, 0U);
    }
}

TEST_F(ElfProbes, RefusesAddressesOutsideTheirSegments)
{
    const auto at = Descriptions().at(0);
    const auto location = Get<std::uint64_t>(m_image, at);
    const auto semaphore = Get<std::uint64_t>(m_image, at + 16);
    const std::uint64_t bad[]{1, semaphore, 0x7fffffffffffffff, 0xffffffffffffffff};
    for (const std::uint64_t address : bad) {
        std::string image{m_image};
        Put(image, at, address);
        auto probes = ReadBytes(image);
        ASSERT_FALSE(probes) << address;
        EXPECT_EQ(probes.GetError().code, Errc::Malformed);
    }
    std::string image{m_image};
    Put(image, at + 16, location);
    const auto probes = ReadBytes(image);
    ASSERT_FALSE(probes);
    EXPECT_EQ(probes.GetError().code, Errc::Malformed);
}

TEST_F(ElfProbes, RefusesNamesThatAreNone)
{
    const auto at = Descriptions().at(0) + 24;
    m_image[at] = '\033';
    const auto probes = ReadBytes(m_image);
    ASSERT_FALSE(probes);
    EXPECT_EQ(probes.GetError().code, Errc::Malformed);
    m_image[at] = '\0';
    EXPECT_FALSE(ReadBytes(m_image));
}

TEST_F(ElfProbes, RefusesOtherKindsOfFile)
{
    const auto code = [](const std::string& image) {
        const auto probes = ReadBytes(image);
        EXPECT_FALSE(probes);
        return probes ? Errc::Usage : probes.GetError().code;
    };
    std::string image{m_image};
    image[EI_CLASS] = ELFCLASS32;
    EXPECT_EQ(code(image), Errc::Unsupported);
    image = m_image;
    image[EI_DATA] = ELFDATA2MSB;
    EXPECT_EQ(code(image), Errc::Unsupported);
    image = m_image;
    Put(image, offsetof(Elf64_Ehdr, e_type), std::uint16_t{ET_REL});
    EXPECT_EQ(code(image), Errc::Unsupported);
    EXPECT_EQ(code(""), Errc::Malformed);
    EXPECT_EQ(code("#!/bin/sh\n"), Errc::Malformed);
    EXPECT_EQ(code(std::string(4096, '\0')), Errc::Malformed);

    const Fd directory{::open("/", O_RDONLY | O_CLOEXEC)};
    EXPECT_FALSE(ReadProbes(directory.Get(), "/"));
    EXPECT_FALSE(LooksLikeNode(directory.Get()));
    const auto closed = ReadProbes(-1, "nothing");
    ASSERT_FALSE(closed);
    EXPECT_EQ(closed.GetError().code, Errc::Io);
    EXPECT_FALSE(LooksLikeNode(-1));
}

TEST_F(ElfProbes, AFileWithoutProbesIsNoError)
{
    const Fd fd{::open("/bin/true", O_RDONLY | O_CLOEXEC)};
    if (!fd) GTEST_SKIP() << "no /bin/true here";
    const auto probes = ReadProbes(fd.Get(), "/bin/true");
    ASSERT_TRUE(probes) << probes.GetError().what;
    EXPECT_TRUE(probes->sites.empty());
    EXPECT_FALSE(LooksLikeNode(fd.Get()));

    Put(m_image, offsetof(Elf64_Ehdr, e_shoff), std::uint64_t{0}); // stripped of section headers
    const auto stripped = ReadBytes(m_image);
    ASSERT_TRUE(stripped);
    EXPECT_FALSE(stripped->has_note_section);
    EXPECT_FALSE(stripped->build_id.empty());
}

TEST_F(ElfProbes, LooksLikeNodeOnlyForNodes)
{
    const std::size_t at{m_image.find("net\0inbound_message", 0, 19)};
    ASSERT_NE(at, std::string::npos);
    m_image[at] = 'N';
    const Fd fd{FileOf(m_image)};
    EXPECT_FALSE(LooksLikeNode(fd.Get()));
    EXPECT_TRUE(ReadProbes(fd.Get(), "image"));
}

TEST_F(ElfProbes, HugeCountsAndSizesAreRefused)
{
    const std::size_t notes{SectionHeader(".note.stapsdt")};
    const std::uint64_t values[]{
        0, 1, 0x7fffffff, 0xffffffff, 0x7fffffffffffffff, 0xfffffffffffffff0, 0xffffffffffffffff, m_image.size(), m_image.size() - 1};
    for (const std::uint64_t value : values) {
        for (const std::size_t at : {offsetof(Elf64_Ehdr, e_shoff), offsetof(Elf64_Ehdr, e_phoff), notes + offsetof(Elf64_Shdr, sh_offset),
                                     notes + offsetof(Elf64_Shdr, sh_size)}) {
            std::string image{m_image};
            Put(image, at, value);
            (void)ReadBytes(image);
        }
        for (const std::size_t at : {offsetof(Elf64_Ehdr, e_shnum), offsetof(Elf64_Ehdr, e_phnum), offsetof(Elf64_Ehdr, e_shstrndx),
                                     offsetof(Elf64_Ehdr, e_shentsize), offsetof(Elf64_Ehdr, e_phentsize)}) {
            std::string image{m_image};
            Put(image, at, static_cast<std::uint16_t>(value));
            (void)ReadBytes(image);
        }
    }
    // A note that claims more than the section holds.
    for (const std::size_t back : {std::size_t{12}, std::size_t{8}}) {
        std::string image{m_image};
        Put(image, Descriptions().at(1) - NOTE_NAME.size() - back, std::uint32_t{0xfffffff0});
        const auto probes = ReadBytes(image);
        ASSERT_FALSE(probes);
        EXPECT_EQ(probes.GetError().code, Errc::Malformed);
    }
}

TEST_F(ElfProbes, SurvivesTruncationAnywhere)
{
    std::size_t step{1};
    for (std::size_t size{0}; size < m_image.size(); size += step) {
        const Fd fd{FileOf(std::string_view{m_image}.substr(0, size))};
        ASSERT_TRUE(fd);
        const auto probes = ReadProbes(fd.Get(), "image");
        ASSERT_FALSE(probes) << "the section headers come last, " << size << " of " << m_image.size() << " bytes";
        EXPECT_EQ(probes.GetError().code, Errc::Malformed) << probes.GetError().what;
        EXPECT_FALSE(LooksLikeNode(fd.Get()));
        step = size < 1024 || size + 2048 > m_image.size() ? 1 : 13;
    }
}

TEST_F(ElfProbes, SurvivesRandomDamage)
{
    std::mt19937 random{20240601};
    const auto notes = Get<Elf64_Shdr>(m_image, SectionHeader(".note.stapsdt"));
    const auto header = Header();
    const auto pick = [&random](std::size_t from, std::size_t size) { return from + random() % size; };
    std::size_t read{0};
    for (int round{0}; round < 6000; ++round) {
        std::string image{m_image};
        const std::size_t flips{1 + random() % 8};
        for (std::size_t i{0}; i < flips; ++i) {
            // mostly where it matters
            std::size_t at{0};
            switch (random() % 4) {
            case 0: at = pick(0, sizeof(Elf64_Ehdr) + header.e_phnum * sizeof(Elf64_Phdr)); break;
            case 1: at = pick(notes.sh_offset, notes.sh_size); break;
            case 2: at = pick(header.e_shoff, header.e_shnum * sizeof(Elf64_Shdr)); break;
            default: at = pick(0, image.size()); break;
            }
            image[at] = static_cast<char>(random());
        }
        const Fd fd{FileOf(image)};
        ASSERT_TRUE(fd);
        (void)LooksLikeNode(fd.Get());
        const auto probes = ReadProbes(fd.Get(), "image");
        if (!probes) continue;
        ++read;
        for (const ProbeSite& site : probes->sites) {
            ASSERT_LT(site.file_offset, image.size());
            ASSERT_TRUE(site.semaphore_offset == 0 || site.semaphore_offset + 2 <= image.size());
            (void)SiteIsNop(fd.Get(), site, probes->machine);
        }
    }
    EXPECT_GT(read, 100U) << "the damage is to leave some files readable";
}

TEST(SiteIsNop, KnowsTheNops)
{
    const auto is_nop = [](std::string_view code, std::uint16_t machine) {
        const Fd fd{FileOf(code)};
        return SiteIsNop(fd.Get(), ProbeSite{}, machine);
    };
    EXPECT_TRUE(is_nop("\x90", EM_X86_64));
    EXPECT_TRUE(is_nop("\x66\x90", EM_X86_64));
    EXPECT_TRUE(is_nop({"\x0f\x1f\x44\x00\x00", 5}, EM_X86_64));
    EXPECT_TRUE(is_nop({"\x66\x2e\x0f\x1f\x84\x00\x00\x00\x00\x00", 10}, EM_X86_64));
    EXPECT_TRUE(is_nop("\x1f\x20\x03\xd5", EM_AARCH64));
    EXPECT_FALSE(is_nop("\xcc", EM_X86_64));
    EXPECT_FALSE(is_nop("\x55", EM_X86_64));
    EXPECT_FALSE(is_nop("\x0f\x05", EM_X86_64));
    EXPECT_FALSE(is_nop("\x66", EM_X86_64));
    EXPECT_FALSE(is_nop("", EM_X86_64));
    EXPECT_FALSE(is_nop("\x1f\x20\x03", EM_AARCH64));
    EXPECT_FALSE(is_nop("\x90\x90\x90\x90", EM_RISCV));
    ProbeSite far{};
    far.file_offset = 0xffffffffffffffff;
    const Fd fd{FileOf("\x90")};
    EXPECT_FALSE(SiteIsNop(fd.Get(), far, EM_X86_64));
    EXPECT_FALSE(SiteIsNop(-1, ProbeSite{}, EM_X86_64));
}

} // namespace
} // namespace coretap::tracer
