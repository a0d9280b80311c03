// Finds the USDT probes of an ELF file: its .note.stapsdt section. Called for every process of a host, often
// as root, so a file is an adversary's until shown otherwise: every size and offset in it is checked, what
// is read is bounded, and the file may shrink while we look.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "abi/coretap_abi.h"
#include "util/result.h"

namespace coretap::tracer {

/** One place in a binary that fires a tracepoint. Addresses are the file's own, before it is loaded anywhere. */
struct ProbeSite {
    std::string provider{};            //!< printable ASCII, not empty
    std::string name{};                //!< printable ASCII, not empty
    std::uint64_t location{0};         //!< address of the nop
    std::uint64_t file_offset{0};      //!< where that is in the file: what an uprobe attaches to
    std::uint64_t semaphore{0};        //!< address of its 16-bit counter of tracers; 0 = none
    std::uint64_t semaphore_offset{0}; //!< where that is in the file; 0 = none
    std::string arg_text{};            //!< the operands as the compiler wrote them; unprintable bytes are replaced by '?'
    std::vector<ct_arg_spec> args{};   //!< the same, parsed; empty if arg_error is not
    std::string arg_error{};           //!< why the operands could not be parsed

    std::string FullName() const { return provider + ":" + name; }
};

struct BinaryProbes {
    std::string build_id;         //!< lower-case hex; empty if the file has none
    std::uint16_t machine{0};     //!< EM_X86_64, EM_AARCH64, or another
    bool has_note_section{false}; //!< false: built without tracepoints, or they were stripped
    std::vector<ProbeSite> sites; //!< in the order of the notes

    /** The sites of a probe. The pointers live as long as `sites` is not touched. */
    std::vector<const ProbeSite*> Find(std::string_view provider, std::string_view name) const;
};

/**
 * Read all probes of the ELF file behind `fd` (any file position; it is not moved). `what` names the file in
 * messages.
 *
 * A file without probes is a success with no sites. Probes whose code the linker dropped (location 0) are
 * left out. Fails with Unsupported for 32-bit, big-endian and unlinked files, with Malformed for what is no
 * ELF file or contradicts itself, with Io if reading fails.
 */
util::Result<BinaryProbes> ReadProbes(int fd, std::string_view what);

/**
 * Whether the file behind `fd` carries net:inbound_message, as Bitcoin Core's nodes do. Reads the headers, the section
 * names and .note.stapsdt, nothing else. False for whatever cannot be read.
 */
bool LooksLikeNode(int fd);

/**
 * Whether the site's instruction is a nop, as it must be to be patched safely. False on arm64 and x86-64 if it is
 * anything else, if it cannot be read, and for other machines.
 */
bool SiteIsNop(int fd, const ProbeSite& site, std::uint16_t machine);

} // namespace coretap::tracer
