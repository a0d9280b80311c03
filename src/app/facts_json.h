// What NodeWatch knows, as JSON for the API: sections `rpc` and `log` (docs/serve.md). Names are Bitcoin Core's, those of poll/node_facts.h
// and poll/log_follower.h; times are milliseconds since 1970, what is not known is null.
#pragma once

#include <map>
#include <string>

#include "app/node_watch.h"

namespace coretap::app {

using KnownNodes = std::map<std::string, NodeWatch::Known>;

/** {"nodes":{LABEL:{...}}}; nodes that are not asked are left out. */
std::string RpcJson(const KnownNodes& nodes);
/** Likewise, of debug.log. */
std::string LogJson(const KnownNodes& nodes);

} // namespace coretap::app
