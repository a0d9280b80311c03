// Compares the probes of a binary with the catalogue: what `coretap probes` shows, and what decides whether a
// site may be traced as the row says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "event/catalogue.h"
#include "tracer/elf_probes.h"

namespace coretap::tracer {

enum class Verdict : std::uint8_t {
    Matches,     //!< every site is as a row of the catalogue says
    Unknown,     //!< in the binary, not in the catalogue
    Missing,     //!< of Bitcoin Core's releases, not in the binary
    Absent,      //!< of patched nodes or the user's configuration, not in the binary: no failure
    Changed,     //!< a site's arguments differ from what the catalogue says
    Unsupported, //!< a site's arguments cannot be read
};
inline constexpr std::size_t VERDICT_COUNT{6};

/** `matches`, `unknown`, ... for text and JSON. */
std::string_view ToString(Verdict verdict);

/** A site and the row that describes it, null if none fits. */
struct SiteCheck {
    ProbeSite site;
    const event::TracepointDef* row{nullptr};
};

/** One probe, whatever number of sites it has in the binary and of layouts in the catalogue. */
struct ProbeCheck {
    std::string provider;
    std::string name;
    Verdict verdict{Verdict::Matches};
    const event::TracepointDef* row{nullptr}; //!< the row that fits, or comes closest; null if Unknown
    std::vector<std::string> differences{};   //!< plain words; empty if it matches
    std::vector<SiteCheck> sites{};

    std::string FullName() const { return provider + ":" + name; }
};

/** Rows point into the catalogue, which must outlive this. */
struct Conformance {
    std::string build_id;
    std::uint16_t machine{0};
    bool has_note_section{false};
    std::vector<ProbeCheck> probes{}; //!< the catalogue's in order of id, then unknown ones in order of the notes

    std::size_t Count(Verdict verdict) const;
    /** Probe sites in the binary. */
    std::size_t SiteCount() const;
};

/**
 * What sets a site apart from a row, in plain words, from the row to the site ("argument 2 (vsize): size 4 -> 8").
 * Empty if argument count, sizes and signs fit exactly. Integers must have their size and sign, bools one byte of
 * either sign, pointers eight bytes of either sign.
 */
std::vector<std::string> Differences(const event::TracepointDef& row, const ProbeSite& site);

/** The row the site fits exactly, or null: also how to tell several layouts of one probe apart. */
const event::TracepointDef* MatchRow(const event::Catalogue& catalogue, const ProbeSite& site);

/** Every probe of the binary and every row of the catalogue, apart from coretap's own. */
Conformance Check(const BinaryProbes& probes, const event::Catalogue& catalogue);

} // namespace coretap::tracer
