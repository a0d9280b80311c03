// A decoded P2P message for people: a phrase, what is wrong with it in words, or all of its content on one line.
#pragma once

#include <string>

#include "wire/message.h"

namespace coretap::event {

/**
 * Append the one thing worth knowing of a message: `3 wtx`, `000000…a1af3c 2,113 short ids, 1 prefilled`, `1,000 sat/kvB`. What was
 * not there (cut by us, malformed) is left out of it, so it may be empty. `ascii`: `...` for `…`. What peers wrote is escaped
 * (util::AppendPrintable). docs/messages.md has the phrase of every type. Allocates nothing but the buffer.
 */
void AppendPhrase(std::string& out, const wire::Decoded& decoded, bool ascii);

/**
 * Append what is wrong with it, in words: `malformed at byte 12: ends early`, `cut by us at byte 64`, `5 trailing bytes`, `more than the
 * 1,000 allowed`. Nothing if all is well. Returns whether anything was appended.
 */
bool AppendFindings(std::string& out, const wire::Decoded& decoded);

/** Append the phrase and the findings: `10 (7 ipv4, 3 onion); malformed at byte 12: ends early`. */
void AppendSummary(std::string& out, const wire::Decoded& decoded, bool ascii);

/**
 * Append all of the content on one line: `count=2 entries=[{type=wtx hash=…} {type=tx hash=…}]`, with the members that the JSON has
 * (event/message_json.h); what peers wrote in double quotes. Findings are not in it.
 */
void AppendContent(std::string& out, const wire::Decoded& decoded);

} // namespace coretap::event
