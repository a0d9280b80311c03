// Hand-written over pread() and <elf.h> rather than with libelf: libelf allocates by the counts a file
// claims, before they can be judged, and this runs as root over files of anybody.
#include "tracer/elf_probes.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>
#include <span>

#include <elf.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracer/arg_spec.h"

namespace coretap::tracer {
namespace {

using util::Errc;
using util::Error;
using util::Result;

// What no sane executable exceeds; bitcoind has 13 segments, 45 sections and a note section of 2 KiB.
constexpr std::size_t MAX_SEGMENTS{1024};
constexpr std::uint64_t MAX_SECTION_NAMES{1 << 20};
constexpr std::uint64_t MAX_NOTE_SECTION{16 << 20};
constexpr std::uint64_t MAX_NOTE_SEGMENT{64 << 10};
constexpr std::size_t MAX_SITES{16384};
constexpr std::size_t MAX_BUILD_ID{64};

constexpr std::string_view NOTE_SECTION{".note.stapsdt"};
constexpr std::string_view BASE_SECTION{".stapsdt.base"};
constexpr std::string_view STAPSDT{"stapsdt"};
constexpr std::uint32_t STAPSDT_TYPE{3};
constexpr std::size_t NOTE_ALIGN{4};
constexpr std::size_t SEMAPHORE_SIZE{2};

using Bytes = std::span<const char>;

/** A trivially copyable T from the start of `bytes`, which is long enough. */
template <class T>
T Load(Bytes bytes)
{
    T value;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

/** The headers of an ELF file, and bounded reads of the rest. */
class ElfFile {
    int m_fd;
    std::string m_what;
    std::uint64_t m_size{0};
    Elf64_Ehdr m_header{};

    ElfFile(int fd, std::string_view what) : m_fd{fd}, m_what{what} {}

    /** Fills `out` from `offset` on. */
    Result<> ReadAt(std::uint64_t offset, std::span<char> out) const
    {
        while (!out.empty()) {
            const ssize_t got{::pread(m_fd, out.data(), out.size(), static_cast<off_t>(offset))};
            if (got < 0) {
                const int err{errno};
                if (err == EINTR) continue;
                return Error{Errc::Io, "reading " + m_what + ": " + std::strerror(err), err};
            }
            if (got == 0) return Malformed("it became shorter while it was read");
            out = out.subspan(static_cast<std::size_t>(got));
            offset += static_cast<std::uint64_t>(got);
        }
        return {};
    }

    template <class Row>
    Result<std::vector<Row>> ReadTable(std::uint64_t offset, std::size_t count, std::string_view name) const
    {
        if (offset > m_size || count > (m_size - offset) / sizeof(Row))
            return Malformed("its " + std::string{name} + " end after the file");
        std::vector<Row> rows(count);
        const auto read = ReadAt(offset, std::span{reinterpret_cast<char*>(rows.data()), count * sizeof(Row)});
        if (!read) return read.GetError();
        return rows;
    }

public:
    Error Malformed(const std::string& why) const { return {Errc::Malformed, m_what + " is not a valid ELF file: " + why}; }
    Error Unsupported(const std::string& why) const { return {Errc::Unsupported, m_what + ": " + why}; }

    std::uint64_t Size() const { return m_size; }
    std::uint16_t Machine() const { return m_header.e_machine; }

    /** Reads and judges the ELF header. */
    static Result<ElfFile> Open(int fd, std::string_view what)
    {
        ElfFile file{fd, what};
        struct stat status {};
        if (::fstat(fd, &status) != 0) {
            const int err{errno};
            return Error{Errc::Io, "reading " + file.m_what + ": " + std::strerror(err), err};
        }
        // A pipe or a device would block, or change by being read.
        if (!S_ISREG(status.st_mode)) return file.Malformed("not a regular file");
        file.m_size = static_cast<std::uint64_t>(status.st_size);
        if (file.m_size < sizeof(Elf64_Ehdr)) return file.Malformed("it has no header");
        if (auto read = file.ReadAt(0, std::span{reinterpret_cast<char*>(&file.m_header), sizeof(Elf64_Ehdr)}); !read)
            return read.GetError();

        const Elf64_Ehdr& header{file.m_header};
        if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return file.Malformed("it does not start as one");
        if (header.e_ident[EI_CLASS] != ELFCLASS64) return file.Unsupported("only 64-bit binaries can be traced");
        if (header.e_ident[EI_DATA] != ELFDATA2LSB) return file.Unsupported("only little-endian binaries can be traced");
        if (header.e_type != ET_EXEC && header.e_type != ET_DYN) return file.Unsupported("neither an executable nor a shared library");
        return file;
    }

    Result<std::vector<Elf64_Phdr>> Segments() const
    {
        if (m_header.e_phnum == 0) return std::vector<Elf64_Phdr>{};
        if (m_header.e_phentsize != sizeof(Elf64_Phdr)) return Malformed("its program headers have the wrong size");
        if (m_header.e_phnum > MAX_SEGMENTS) return Malformed("it has too many program headers");
        return ReadTable<Elf64_Phdr>(m_header.e_phoff, m_header.e_phnum, "program headers");
    }

    Result<std::vector<Elf64_Shdr>> Sections() const
    {
        if (m_header.e_shoff == 0) return std::vector<Elf64_Shdr>{}; // stripped of section headers
        if (m_header.e_shentsize != sizeof(Elf64_Shdr)) return Malformed("its section headers have the wrong size");
        if (m_header.e_shnum == 0 || m_header.e_shstrndx == SHN_XINDEX) return Unsupported("it has too many sections");
        return ReadTable<Elf64_Shdr>(m_header.e_shoff, m_header.e_shnum, "section headers");
    }

    /** The section that holds the others' names. */
    Result<std::vector<char>> SectionNames(std::span<const Elf64_Shdr> sections) const
    {
        if (sections.empty() || m_header.e_shstrndx == SHN_UNDEF) return std::vector<char>{};
        if (m_header.e_shstrndx >= sections.size()) return Malformed("it has no section names");
        return Read(sections[m_header.e_shstrndx].sh_offset, sections[m_header.e_shstrndx].sh_size, MAX_SECTION_NAMES, "section names");
    }

    /** `size` bytes at `offset`, at most `most`. */
    Result<std::vector<char>> Read(std::uint64_t offset, std::uint64_t size, std::uint64_t most, std::string_view name) const
    {
        if (offset > m_size || size > m_size - offset) return Malformed("its " + std::string{name} + " end after the file");
        if (size > most) return Malformed("its " + std::string{name} + " are too long");
        std::vector<char> bytes(static_cast<std::size_t>(size));
        if (auto read = ReadAt(offset, bytes); !read) return read.GetError();
        return bytes;
    }
};

bool HasName(const Elf64_Shdr& section, Bytes names, std::string_view name)
{
    if (section.sh_name >= names.size() || names.size() - section.sh_name <= name.size()) return false;
    const Bytes found{names.subspan(section.sh_name)};
    return std::equal(name.begin(), name.end(), found.begin()) && found[name.size()] == '\0';
}

/** The two sections that matter here; the linker makes one of each. */
struct SdtSections {
    std::optional<Elf64_Shdr> notes;
    std::optional<Elf64_Shdr> base;
};

Result<SdtSections> FindSdtSections(const ElfFile& file)
{
    const auto sections = file.Sections();
    if (!sections) return sections.GetError();
    const auto names = file.SectionNames(*sections);
    if (!names) return names.GetError();
    SdtSections found;
    for (const Elf64_Shdr& section : *sections) {
        if (!found.notes && section.sh_type == SHT_NOTE && HasName(section, *names, NOTE_SECTION)) found.notes = section;
        if (!found.base && HasName(section, *names, BASE_SECTION)) found.base = section;
    }
    return found;
}

struct Note {
    std::uint32_t type;
    std::string_view name; //!< without its NUL
    Bytes desc;
};

/** Hands each note to `visit` until that returns false. Returns false if the notes do not add up. */
template <class Visit>
bool WalkNotes(Bytes bytes, std::size_t align, Visit visit)
{
    // 32-bit sizes in 64-bit arithmetic: nothing below can wrap.
    const auto take = [&bytes, align](std::uint64_t size) -> std::optional<Bytes> {
        if (size > bytes.size()) return std::nullopt;
        const Bytes taken{bytes.first(static_cast<std::size_t>(size))};
        const std::uint64_t padded{(size + align - 1) / align * align};
        bytes =
            bytes.subspan(static_cast<std::size_t>(std::min<std::uint64_t>(padded, bytes.size()))); // the last one's padding may be cut off
        return taken;
    };
    while (!bytes.empty()) {
        if (bytes.size() < sizeof(Elf64_Nhdr)) return false;
        const auto header = Load<Elf64_Nhdr>(bytes);
        bytes = bytes.subspan(sizeof header);
        const auto name = take(header.n_namesz);
        if (!name) return false;
        const auto desc = take(header.n_descsz);
        if (!desc) return false;
        std::string_view text{name->data(), name->size()};
        if (text.ends_with('\0')) text.remove_suffix(1);
        if (!visit(Note{header.n_type, text, *desc})) return true;
    }
    return true;
}

/** A stapsdt note as it is written: three addresses, three strings. */
struct RawSite {
    std::uint64_t location;
    std::uint64_t base;
    std::uint64_t semaphore;
    std::string_view provider;
    std::string_view name;
    std::string_view args;
};

std::optional<RawSite> ParseSite(Bytes desc)
{
    if (desc.size() < 3 * sizeof(std::uint64_t)) return std::nullopt;
    const auto addresses = Load<std::array<std::uint64_t, 3>>(desc);
    std::string_view rest{desc.data() + sizeof addresses, desc.size() - sizeof addresses};
    std::array<std::string_view, 3> strings;
    for (std::string_view& string : strings) {
        const auto end = rest.find('\0');
        if (end == std::string_view::npos) return std::nullopt;
        string = rest.substr(0, end);
        rest.remove_prefix(end + 1);
    }
    return RawSite{addresses[0], addresses[1], addresses[2], strings[0], strings[1], strings[2]};
}

bool IsPrintable(char c) { return c >= ' ' && c <= '~'; }
bool IsProbeName(std::string_view name)
{
    return !name.empty() && std::ranges::all_of(name, [](char c) { return IsPrintable(c) && c != ' '; });
}

/** Where `size` bytes at `address` are in the file, if they are in a segment with `flag`. */
std::optional<std::uint64_t> FileOffset(std::span<const Elf64_Phdr> segments, std::uint64_t file_size, std::uint64_t address,
                                        std::uint64_t size, std::uint32_t flag)
{
    for (const Elf64_Phdr& segment : segments) {
        if (segment.p_type != PT_LOAD || (segment.p_flags & flag) == 0 || address < segment.p_vaddr) continue;
        const std::uint64_t inside{address - segment.p_vaddr};
        if (inside >= segment.p_filesz || size > segment.p_filesz - inside) continue;
        if (segment.p_offset > file_size || inside > file_size - segment.p_offset) continue;
        const std::uint64_t offset{segment.p_offset + inside};
        if (size <= file_size - offset) return offset;
    }
    return std::nullopt;
}

/** Lower-case hex of the build id, empty if there is none. Its absence or damage is no reason not to trace. */
std::string FindBuildId(const ElfFile& file, std::span<const Elf64_Phdr> segments)
{
    constexpr std::string_view DIGITS{"0123456789abcdef"};
    std::string hex;
    for (const Elf64_Phdr& segment : segments) {
        if (segment.p_type != PT_NOTE || !hex.empty()) continue;
        const auto bytes = file.Read(segment.p_offset, segment.p_filesz, MAX_NOTE_SEGMENT, "notes");
        if (!bytes) continue;
        WalkNotes(*bytes, segment.p_align == 8 ? 8 : NOTE_ALIGN, [&](const Note& note) {
            if (note.type != NT_GNU_BUILD_ID || note.name != ELF_NOTE_GNU || note.desc.size() > MAX_BUILD_ID) return true;
            for (const char byte : note.desc) {
                hex += DIGITS[static_cast<unsigned char>(byte) >> 4];
                hex += DIGITS[static_cast<unsigned char>(byte) & 0xf];
            }
            return false;
        });
    }
    return hex;
}

class SiteReader {
    const ElfFile& m_file;
    std::span<const Elf64_Phdr> m_segments;
    std::optional<std::uint64_t> m_base; //!< where .stapsdt.base is now

public:
    SiteReader(const ElfFile& file, std::span<const Elf64_Phdr> segments, const std::optional<Elf64_Shdr>& base)
        : m_file{file}, m_segments{segments}
    {
        if (base) m_base = base->sh_addr;
    }

    Result<ProbeSite> Read(const RawSite& raw) const
    {
        if (!IsProbeName(raw.provider) || !IsProbeName(raw.name)) return m_file.Malformed("a probe has an impossible name");
        ProbeSite site{.provider = std::string{raw.provider}, .name = std::string{raw.name}};

        // Prelink moves code without rewriting the notes; the section tells by how much.
        const std::uint64_t moved{m_base && *m_base != 0 && raw.base != 0 ? *m_base - raw.base : 0};
        site.location = raw.location + moved;
        const auto offset = FileOffset(m_segments, m_file.Size(), site.location, 1, PF_X);
        if (!offset) return m_file.Malformed("probe " + site.FullName() + " is not in its code");
        site.file_offset = *offset;
        if (raw.semaphore != 0) {
            site.semaphore = raw.semaphore + moved;
            const auto semaphore_offset = FileOffset(m_segments, m_file.Size(), site.semaphore, SEMAPHORE_SIZE, PF_W);
            if (!semaphore_offset) return m_file.Malformed("the semaphore of probe " + site.FullName() + " is not in its data");
            site.semaphore_offset = *semaphore_offset;
        }

        site.arg_text = raw.args;
        std::ranges::replace_if(
            site.arg_text, [](char c) { return !IsPrintable(c); }, '?');
        auto args = ParseArgSpecs(site.arg_text, m_file.Machine());
        if (args) {
            site.args = *std::move(args);
        } else {
            site.arg_error = args.GetError().what;
        }
        return site;
    }
};

} // namespace

std::vector<const ProbeSite*> BinaryProbes::Find(std::string_view provider, std::string_view name) const
{
    std::vector<const ProbeSite*> found;
    for (const ProbeSite& site : sites) {
        if (site.provider == provider && site.name == name) found.push_back(&site);
    }
    return found;
}

Result<BinaryProbes> ReadProbes(int fd, std::string_view what)
{
    const auto file = ElfFile::Open(fd, what);
    if (!file) return file.GetError();
    const auto segments = file->Segments();
    if (!segments) return segments.GetError();
    const auto sections = FindSdtSections(*file);
    if (!sections) return sections.GetError();

    BinaryProbes probes;
    probes.machine = file->Machine();
    probes.build_id = FindBuildId(*file, *segments);
    probes.has_note_section = sections->notes.has_value();
    if (!sections->notes) return probes;
    const auto bytes = file->Read(sections->notes->sh_offset, sections->notes->sh_size, MAX_NOTE_SECTION, "probe notes");
    if (!bytes) return bytes.GetError();

    const SiteReader reader{*file, *segments, sections->base};
    std::optional<Error> error;
    const bool whole{WalkNotes(*bytes, NOTE_ALIGN, [&](const Note& note) {
        if (note.type != STAPSDT_TYPE || note.name != STAPSDT) return true;
        const auto raw = ParseSite(note.desc);
        if (!raw) {
            error = file->Malformed("a probe note is too short");
        } else if (raw->location == 0) {
            return true; // the linker dropped the code (--gc-sections) and kept the note
        } else if (probes.sites.size() == MAX_SITES) {
            error = file->Malformed("it has too many probes");
        } else if (auto site = reader.Read(*raw)) {
            probes.sites.push_back(*std::move(site));
        } else {
            error = site.GetError();
        }
        return !error;
    })};
    if (error) return *error;
    if (!whole) return file->Malformed("its probe notes are damaged");
    return probes;
}

bool LooksLikeNode(int fd)
{
    const auto file = ElfFile::Open(fd, "");
    if (!file) return false;
    const auto sections = FindSdtSections(*file);
    if (!sections || !sections->notes) return false;
    const auto bytes = file->Read(sections->notes->sh_offset, sections->notes->sh_size, MAX_NOTE_SECTION, "probe notes");
    if (!bytes) return false;
    bool found{false};
    const bool whole{WalkNotes(*bytes, NOTE_ALIGN, [&found](const Note& note) {
        if (note.type != STAPSDT_TYPE || note.name != STAPSDT) return true;
        const auto raw = ParseSite(note.desc);
        found = raw && raw->provider == "net" && raw->name == "inbound_message";
        return !found;
    })};
    return whole && found;
}

bool SiteIsNop(int fd, const ProbeSite& site, std::uint16_t machine)
{
    std::array<unsigned char, 8> code{};
    if (site.file_offset > static_cast<std::uint64_t>(std::numeric_limits<off_t>::max())) return false;
    const ssize_t got{::pread(fd, code.data(), code.size(), static_cast<off_t>(site.file_offset))};
    if (got <= 0) return false;
    std::span<const unsigned char> rest{code.data(), static_cast<std::size_t>(got)};
    if (machine == EM_AARCH64) {
        constexpr std::array<unsigned char, 4> NOP{0x1f, 0x20, 0x03, 0xd5};
        return rest.size() >= NOP.size() && std::ranges::equal(rest.first(NOP.size()), NOP);
    }
    if (machine != EM_X86_64) return false;
    // 90, 66 90, 0f 1f /0 with operand-size and segment prefixes: the nops of the processor manuals.
    while (!rest.empty() && (rest[0] == 0x66 || rest[0] == 0x2e)) rest = rest.subspan(1);
    return (!rest.empty() && rest[0] == 0x90) || (rest.size() >= 2 && rest[0] == 0x0f && rest[1] == 0x1f);
}

} // namespace coretap::tracer
