// Builds the site a compiler would make of a row, for tests.
#pragma once

#include "event/catalogue.h"
#include "tracer/elf_probes.h"

namespace coretap::tracer::test {

inline ct_arg_spec SpecOf(const event::ArgDef& arg)
{
    ct_arg_spec spec{};
    spec.where = CT_ARG_REG;
    spec.size = arg.size;
    spec.is_signed = arg.type == event::ArgType::Int ? 1 : 0;
    return spec;
}

/** A site that fits the row exactly. */
inline ProbeSite SiteOf(const event::TracepointDef& row, std::uint64_t location = 0x1000)
{
    ProbeSite site{.provider = row.provider,
                   .name = row.name,
                   .location = location,
                   .file_offset = location,
                   .semaphore = location * 2,
                   .semaphore_offset = location * 2};
    for (const event::ArgDef& arg : row.args) {
        if (!site.arg_text.empty()) site.arg_text += ' ';
        site.arg_text += (arg.type == event::ArgType::Int ? "-" : "") + std::to_string(arg.size) + "@%rax";
        site.args.push_back(SpecOf(arg));
    }
    return site;
}

/** A binary with a site for every row of Bitcoin Core. */
inline BinaryProbes CoreBinary(const event::Catalogue& catalogue)
{
    BinaryProbes probes;
    probes.machine = 62; // x86-64
    probes.has_note_section = true;
    probes.build_id = "0123abcd";
    for (const event::TracepointDef* row : catalogue.Rows()) {
        if (row->origin == event::Origin::Core) probes.sites.push_back(SiteOf(*row, 0x1000 + row->id));
    }
    return probes;
}

} // namespace coretap::tracer::test
