// The names the kernel program knows: message types by perfect hash, connection types.
#pragma once

#include "abi/coretap_abi.h"

namespace coretap::tracer {

/** Fill in msg_types, msg_ids, msg_mult and conn_types from the catalogue's names. */
void FillNames(ct_config& config);

} // namespace coretap::tracer
