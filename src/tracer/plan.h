// From a row of the catalogue and a site of a binary to the plan the kernel program follows.
#pragma once

#include "abi/coretap_abi.h"
#include "event/catalogue.h"
#include "tracer/elf_probes.h"
#include "util/result.h"

namespace coretap::tracer {

/**
 * The plan for tracing `site` as `row`, with CT_MODE_DELIVER; the caller may lower the mode. Arguments the site has
 * beyond the row's are ignored.
 *
 * Fails with Unsupported if the site's operands cannot be read, are fewer than the row's, or differ from them
 * in size or sign; integers of user-defined rows may differ, the binary is then right. Fails with Usage if the
 * row itself cannot be followed (limits of abi/coretap_abi.h, a length argument that is none).
 *
 * Bounds are clipped to the limits; a bound of 0 means the limit.
 */
util::Result<ct_plan> MakePlan(const event::TracepointDef& row, const ProbeSite& site);

} // namespace coretap::tracer
