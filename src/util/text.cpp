#include "util/text.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <iterator>
#include <limits>

namespace coretap::util {
namespace {

constexpr std::string_view HEX_DIGITS{"0123456789abcdef"};

/** Two hex digits of every byte. */
constexpr std::array<std::array<char, 2>, 256> HEX_PAIRS{[] {
    std::array<std::array<char, 2>, 256> pairs{};
    for (std::size_t i{0}; i < pairs.size(); ++i) pairs[i] = {HEX_DIGITS[i >> 4], HEX_DIGITS[i & 15]};
    return pairs;
}()};

/** The eight hex digits of four bytes, which stand in `four` as in memory: all at once, a digit a byte of 64 bits. */
char* PutDigits(char* at, std::uint32_t four) noexcept
{
    static_assert(std::endian::native == std::endian::little);
    std::uint64_t spread{four};
    spread = (spread | spread << 16) & 0x0000ffff0000ffff;
    spread = (spread | spread << 8) & 0x00ff00ff00ff00ff;
    const std::uint64_t nibbles{(spread >> 4 & 0x000f000f000f000f) | (spread & 0x000f000f000f000f) << 8};
    const std::uint64_t letters{(nibbles + 0x0606060606060606) >> 4 & 0x0101010101010101}; // 1 where it is above 9
    const std::uint64_t digits{nibbles + 0x3030303030303030 + letters * ('a' - '0' - 10)};
    std::memcpy(at, &digits, sizeof(digits));
    return at + sizeof(digits);
}

/** Bytes that stand for themselves: printable ASCII without the characters the output gives a meaning. */
constexpr std::array<bool, 256> PlainBytes(std::string_view special)
{
    std::array<bool, 256> plain{};
    for (std::size_t i{0x20}; i < 0x7f; ++i) plain[i] = special.find(static_cast<char>(i)) == std::string_view::npos;
    return plain;
}
constexpr std::array<bool, 256> PLAIN_IN_JSON{PlainBytes("\"\\")};
constexpr std::array<bool, 256> PLAIN_ON_TERMINAL{PlainBytes("\\")};

/** A character and the bytes it takes; no bytes: what is there is not valid UTF-8. */
struct Character {
    char32_t code{0};
    std::size_t size{0};
};

/** The first character of `text`, which begins with a byte >= 0x80. Strict: RFC 3629, table 3-7 of Unicode. */
Character DecodeMultibyte(std::string_view text)
{
    const auto byte = [&text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead{byte(0)};
    std::size_t size{0};
    // The second byte's range is narrower after some lead bytes: there go overlong forms, surrogates, > U+10FFFF.
    unsigned char low{0x80};
    unsigned char high{0xbf};
    if (lead >= 0xc2 && lead <= 0xdf) {
        size = 2;
    } else if (lead >= 0xe0 && lead <= 0xef) {
        size = 3;
        if (lead == 0xe0) low = 0xa0;
        if (lead == 0xed) high = 0x9f;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
        size = 4;
        if (lead == 0xf0) low = 0x90;
        if (lead == 0xf4) high = 0x8f;
    } else {
        return {};
    }
    if (text.size() < size || byte(1) < low || byte(1) > high) return {};
    char32_t code{static_cast<char32_t>(lead & (0x7f >> size))};
    for (std::size_t i{1}; i < size; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return {};
        code = code << 6 | (byte(i) & 0x3fu);
    }
    return {code, size};
}

struct Range {
    char32_t first;
    char32_t last;
};

// What would hide in a line or rearrange it: controls, format characters (Unicode category Cf), characters that
// are drawn as nothing, line separators, private use, surrogates and non-characters. In order.
constexpr Range UNPRINTABLE[]{
    {0x0080, 0x009f},    // C1 controls
    {0x00ad, 0x00ad},    // soft hyphen
    {0x034f, 0x034f},    // combining grapheme joiner
    {0x0600, 0x0605},    // Arabic number signs (Cf)
    {0x061c, 0x061c},    // Arabic letter mark
    {0x06dd, 0x06dd},    // Arabic end of ayah (Cf)
    {0x070f, 0x070f},    // Syriac abbreviation mark (Cf)
    {0x0890, 0x0891},    // Arabic pound and piastre marks above (Cf)
    {0x08e2, 0x08e2},    // Arabic disputed end of ayah (Cf)
    {0x115f, 0x1160},    // Hangul fillers
    {0x17b4, 0x17b5},    // Khmer inherent vowels
    {0x180b, 0x180f},    // Mongolian selectors
    {0x200b, 0x200f},    // zero-width space, joiners, marks of direction
    {0x2028, 0x202e},    // separators, embeddings and overrides of direction
    {0x2060, 0x206f},    // word joiner, invisible operators, isolates
    {0x3164, 0x3164},    // Hangul filler
    {0xe000, 0xf8ff},    // private use
    {0xfdd0, 0xfdef},    // non-characters
    {0xfe00, 0xfe0f},    // variation selectors
    {0xfeff, 0xfeff},    // byte order mark
    {0xffa0, 0xffa0},    // halfwidth Hangul filler
    {0xfff0, 0xfffb},    // specials
    {0xfffe, 0xffff},    // non-characters
    {0x110bd, 0x110bd},  // Kaithi number sign (Cf)
    {0x110cd, 0x110cd},  // Kaithi number sign above (Cf)
    {0x13430, 0x1345f},  // Egyptian format controls
    {0x1bca0, 0x1bca3},  // shorthand format controls
    {0x1d173, 0x1d17a},  // musical format characters
    {0xe0000, 0x10ffff}, // tags, selectors, private use
};
static_assert(std::ranges::is_sorted(UNPRINTABLE, {}, &Range::first));

bool Printable(char32_t code)
{
    const auto after = std::ranges::upper_bound(UNPRINTABLE, code, {}, &Range::first);
    if (after != std::begin(UNPRINTABLE) && code <= std::prev(after)->last) return false;
    return (code & 0xfffe) != 0xfffe; // the last two of every plane are non-characters
}

void AppendJsonEscape(std::string& out, char32_t code)
{
    switch (code) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
    }
    out += "\\u";
    out.append(HEX_PAIRS[code >> 8 & 0xff].data(), 2);
    out.append(HEX_PAIRS[code & 0xff].data(), 2);
}

void AppendByteEscape(std::string& out, char byte)
{
    out += "\\x";
    out.append(HEX_PAIRS[static_cast<unsigned char>(byte)].data(), 2);
}

/** Bytes at the start of `text` that stand for themselves. */
std::size_t PlainRun(std::string_view text, const std::array<bool, 256>& plain)
{
    std::size_t run{0};
    while (run < text.size() && plain[static_cast<unsigned char>(text[run])]) ++run;
    return run;
}

template <class Integer>
void AppendDecimal(std::string& out, Integer value)
{
    std::array<char, std::numeric_limits<Integer>::digits10 + 2> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    out.append(digits.data(), end);
}

} // namespace

void AppendJsonString(std::string& out, std::string_view text)
{
    out += '"';
    while (!text.empty()) {
        const std::size_t run{PlainRun(text, PLAIN_IN_JSON)};
        out.append(text.data(), run);
        text.remove_prefix(run);
        if (text.empty()) break;
        const auto lead{static_cast<unsigned char>(text.front())};
        if (lead < 0x80) {
            AppendJsonEscape(out, lead);
            text.remove_prefix(1);
            continue;
        }
        const Character character{DecodeMultibyte(text)};
        if (character.size == 0) {
            out += "\xef\xbf\xbd"; // U+FFFD
            text.remove_prefix(1);
            continue;
        }
        // Valid JSON as they are; but C1 controls reach terminals, and JavaScript had the separators end a line.
        if (character.code < 0xa0 || character.code == 0x2028 || character.code == 0x2029) {
            AppendJsonEscape(out, character.code);
        } else {
            out.append(text.data(), character.size);
        }
        text.remove_prefix(character.size);
    }
    out += '"';
}

std::size_t AppendPrintable(std::string& out, std::string_view text)
{
    std::size_t columns{0};
    while (!text.empty()) {
        const std::size_t run{PlainRun(text, PLAIN_ON_TERMINAL)};
        out.append(text.data(), run);
        columns += run;
        text.remove_prefix(run);
        if (text.empty()) break;
        if (text.front() == '\\') {
            out += "\\\\";
            columns += 2;
            text.remove_prefix(1);
            continue;
        }
        const Character character{static_cast<unsigned char>(text.front()) < 0x80 ? Character{} : DecodeMultibyte(text)};
        if (character.size != 0 && Printable(character.code)) {
            out.append(text.data(), character.size);
            ++columns;
            text.remove_prefix(character.size);
            continue;
        }
        for (std::size_t i{0}; i < std::max<std::size_t>(character.size, 1); ++i) {
            AppendByteEscape(out, text.front());
            columns += 4;
            text.remove_prefix(1);
        }
    }
    return columns;
}

std::size_t AppendPrintableQuoted(std::string& out, std::string_view text)
{
    std::size_t columns{2};
    out += '"';
    for (;;) {
        const std::size_t quote{text.find('"')};
        columns += AppendPrintable(out, text.substr(0, quote));
        if (quote == std::string_view::npos) break;
        out += "\\\"";
        columns += 2;
        text.remove_prefix(quote + 1);
    }
    out += '"';
    return columns;
}

std::string Quoted(std::string_view text)
{
    constexpr std::size_t LONGEST{80};
    std::string out{"'"};
    AppendPrintable(out, text.substr(0, LONGEST));
    out += text.size() > LONGEST ? "...'" : "'";
    return out;
}

bool IsUtf8(std::string_view text) noexcept
{
    while (!text.empty()) {
        if (static_cast<unsigned char>(text.front()) < 0x80) {
            text.remove_prefix(1);
            continue;
        }
        const Character character{DecodeMultibyte(text)};
        if (character.size == 0) return false;
        text.remove_prefix(character.size);
    }
    return true;
}

char* PutHex(char* at, std::span<const std::byte> bytes) noexcept
{
    while (bytes.size() >= sizeof(std::uint32_t)) {
        std::uint32_t four;
        std::memcpy(&four, bytes.data(), sizeof(four));
        at = PutDigits(at, four);
        bytes = bytes.subspan(sizeof(four));
    }
    for (const std::byte byte : bytes) at = std::copy_n(HEX_PAIRS[static_cast<unsigned char>(byte)].data(), 2, at);
    return at;
}

char* PutHexReversed(char* at, std::span<const std::byte> bytes) noexcept
{
    while (bytes.size() >= sizeof(std::uint32_t)) {
        std::uint32_t four;
        std::memcpy(&four, bytes.data() + bytes.size() - sizeof(four), sizeof(four));
        at = PutDigits(at, __builtin_bswap32(four));
        bytes = bytes.first(bytes.size() - sizeof(four));
    }
    for (std::size_t i{bytes.size()}; i-- > 0;) at = std::copy_n(HEX_PAIRS[static_cast<unsigned char>(bytes[i])].data(), 2, at);
    return at;
}

void AppendHex(std::string& out, std::span<const std::byte> bytes)
{
    const std::size_t start{out.size()};
    out.resize(start + 2 * bytes.size());
    PutHex(out.data() + start, bytes);
}

void AppendHexReversed(std::string& out, std::span<const std::byte> bytes)
{
    const std::size_t start{out.size()};
    out.resize(start + 2 * bytes.size());
    PutHexReversed(out.data() + start, bytes);
}

void AppendNumber(std::string& out, std::int64_t value) { AppendDecimal(out, value); }
void AppendNumber(std::string& out, std::uint64_t value) { AppendDecimal(out, value); }

void AppendGrouped(std::string& out, std::uint64_t value)
{
    std::array<char, 20> digits;
    const char* const end{std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr};
    for (const char* digit{digits.data()}; digit != end; ++digit) {
        if (digit != digits.data() && (end - digit) % 3 == 0) out += ',';
        out += *digit;
    }
}

void AppendGrouped(std::string& out, std::int64_t value)
{
    if (value < 0) out += '-';
    AppendGrouped(out, value < 0 ? -static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value));
}

} // namespace coretap::util
