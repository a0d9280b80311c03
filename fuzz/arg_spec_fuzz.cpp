// Argument operands of a USDT note: the text is whatever an ELF file holds.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <elf.h>

#include "tracer/arg_spec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    for (const auto machine : {std::uint16_t{EM_X86_64}, std::uint16_t{EM_AARCH64}}) {
        const auto specs = coretap::tracer::ParseArgSpecs(text, machine);
        if (!specs) continue;
        // What the kernel program relies on.
        if (specs->size() > CT_MAX_ARGS) std::abort();
        const unsigned words{machine == EM_X86_64 ? 21U : 33U};
        for (const ct_arg_spec& spec : *specs) {
            const bool no_base{spec.where == CT_ARG_MEM_SIB && spec.reg == coretap::tracer::NO_BASE};
            if (spec.where > CT_ARG_MEM_SIB || (spec.reg >= words && !no_base) || spec.index >= words || spec.scale > 3) std::abort();
            if (spec.size != 1 && spec.size != 2 && spec.size != 4 && spec.size != 8) std::abort();
            if (spec.reg_shift != 0 && spec.reg_shift != 8) std::abort();
        }
    }
    return 0;
}
