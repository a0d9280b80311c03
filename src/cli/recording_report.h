// What `coretap info` and `coretap verify` say of a recording.
#pragma once

#include <string>

#include "archive/inspect.h"

namespace coretap::cli {

/** Whether something is wrong with it: damage, or an end that was torn off. */
bool IsSound(const archive::FileSummary& summary);
/** What, when, how much, by tracepoint and message type, gaps: for people. Ends with a newline. */
std::string InfoText(const archive::FileSummary& summary);
/** One line, and one for each damage: sound or not. Ends with a newline. */
std::string VerifyText(const archive::FileSummary& summary);
/** Everything, as one JSON object on one line (docs/json.md), without newline. */
std::string RecordingJson(const archive::FileSummary& summary);

} // namespace coretap::cli
