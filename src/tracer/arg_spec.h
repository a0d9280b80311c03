// Reads the argument operands a compiler wrote into a USDT note ("-4@%eax 8@16(%rbp)") into the form the
// kernel program follows. The text comes out of a file somebody else controls: nothing in it is trusted.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "abi/coretap_abi.h"
#include "util/result.h"

namespace coretap::tracer {

/** ct_arg_spec::reg of an address without a base register, `8@(,%rbx,8)`: the kernel program takes 0 for it. */
inline constexpr std::uint8_t NO_BASE{0xff};

/**
 * The arguments of a probe site, in order. `elf_machine` is EM_X86_64 or EM_AARCH64.
 *
 * An operand is `N@where`: N is the size in bytes, negative if the value is signed; without `N@` it is an
 * unsigned word. `where` is an assembler operand: a constant, a register, memory a register points to. The
 * size before the `@` decides, not the width of the named register (see the note in <sys/sdt.h>).
 *
 * Constants come back cut to their size and extended by their sign, as an argument in a register would be.
 *
 * Fails with Unsupported for operands that are well-formed but cannot be fetched (floating point, symbols,
 * vector registers, absolute addresses), with Malformed for everything else. The
 * message names the operand, with unprintable bytes replaced.
 */
util::Result<std::vector<ct_arg_spec>> ParseArgSpecs(std::string_view text, std::uint16_t elf_machine);

/**
 * Cuts the next operand off `rest`, empty at the end. Blanks separate operands, except inside brackets: `8@[sp, 16]`
 * is one.
 */
std::string_view NextOperand(std::string_view& rest);

} // namespace coretap::tracer
