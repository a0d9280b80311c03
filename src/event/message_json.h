// A decoded P2P message as JSON. The names are an interface: docs/messages.md; they are added to, never changed.
#pragma once

#include <string>

#include "wire/message.h"

namespace coretap::event {

/** Append `{"summary":"3 wtx"}`: the phrase and the findings (event/message_text.h). */
void AppendSummaryJson(std::string& out, const wire::Decoded& decoded);

/**
 * Append a decoded message as one JSON object, without a newline:
 *
 *   {"summary":"2 wtx","count":2,"entries":[{"type":"wtx","hash":"..."},...]}
 *
 * All of the payload is in it. Hashes are reversed hex as Bitcoin Core shows them, scripts and other bytes hex, amounts satoshi, times
 * Unix seconds; numbers that only identify (nonces, salts, services) are hex digits. Where something is wrong there are besides
 *
 *   "status":"cut","cut_at":64             by us: the capture ends there
 *   "status":"malformed","problem":"ends early","problem_at":12
 *   "trailing_bytes":5                     behind the end of the message
 *   "limit_exceeded":1000                  more entries than this, which the protocol allows
 *
 * and of a message that is cut or malformed the members that came before. Valid UTF-8 and valid JSON whatever the bytes.
 * Allocates nothing but the buffer.
 */
void AppendMessageJson(std::string& out, const wire::Decoded& decoded);

} // namespace coretap::event
