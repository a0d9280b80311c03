// Text made safe, and text made fast: strings that peers, files and processes wrote are escaped on their way to a
// terminal or into JSON; numbers and hex are appended to a caller's buffer. Nothing here allocates but the buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace coretap::util {

/**
 * Append `text` as a JSON string, quotes included. The result is valid JSON and valid UTF-8 whatever the bytes:
 * each byte that is not part of valid UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF)
 * becomes U+FFFD; controls, DEL, C1 controls, U+2028 and U+2029 are escaped.
 */
void AppendJsonString(std::string& out, std::string_view text);

/**
 * Append `text` for a terminal or a log: printable characters stay, every byte of anything else (controls, C1,
 * characters that have no width or turn the direction of writing, private use, invalid UTF-8) becomes `\xNN`, and
 * a backslash becomes two, so that the original bytes can be told from the result. Returns how many characters were
 * appended, for padding.
 */
std::size_t AppendPrintable(std::string& out, std::string_view text);

/** The same in double quotes; a double quote in it gets a backslash. */
std::size_t AppendPrintableQuoted(std::string& out, std::string_view text);

/** Whether all of it is valid UTF-8, as above. */
bool IsUtf8(std::string_view text) noexcept;

/** `text` in single quotes as it may stand in a message: printable, and cut when it is long. */
std::string Quoted(std::string_view text);

/** Append bytes as lower-case hex. */
void AppendHex(std::string& out, std::span<const std::byte> bytes);
/** Append bytes as lower-case hex, last byte first: the way Bitcoin Core shows hashes. */
void AppendHexReversed(std::string& out, std::span<const std::byte> bytes);
/** The same into memory that has room for two digits a byte. Return where the digits end. */
char* PutHex(char* at, std::span<const std::byte> bytes) noexcept;
char* PutHexReversed(char* at, std::span<const std::byte> bytes) noexcept;

/** Append a decimal number. */
void AppendNumber(std::string& out, std::int64_t value);
void AppendNumber(std::string& out, std::uint64_t value);
/** Append a decimal number with its thousands separated: `1,234,567`. */
void AppendGrouped(std::string& out, std::int64_t value);
void AppendGrouped(std::string& out, std::uint64_t value);

} // namespace coretap::util
