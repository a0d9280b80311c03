#include "archive/sniff.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

namespace coretap::archive {
namespace {

struct Kind {
    std::string_view begins;
    const char* is;
};
constexpr Kind COMPRESSED[]{
    {"\x28\xb5\x2f\xfd", "it is compressed with zstd (`zstd -dc FILE | coretap ... -` unpacks it)"},
    {"\x1f\x8b", "it is compressed with gzip (`gzip -dc FILE | coretap ... -` unpacks it)"},
    {"\xfd"
     "7zXZ",
     "it is compressed with xz (`xz -dc FILE | coretap ... -` unpacks it)"},
    {"BZh", "it is compressed with bzip2 (`bzip2 -dc FILE | coretap ... -` unpacks it)"},
};
constexpr Kind KINDS[]{
    {"PK\x03\x04", "it is a zip archive"},
    {"\x7f"
     "ELF",
     "it is a program"},
    {"SQLite format 3", "it is an SQLite database"},
    {"\xd4\xc3\xb2\xa1", "it is a capture of packets (pcap)"},
    {"\x0a\x0d\x0d\x0a", "it is a capture of packets (pcapng)"},
    {"\xf9\xbe\xb4\xd9", "it looks like a block file of Bitcoin Core"},
    {"{\"ts\":", "it looks like what `coretap log --json` writes, which is for reading, not for replaying"},
    {"{", "it looks like JSON"},
    {"[", "it looks like JSON"},
    {"#!", "it is a script"},
};

std::string_view TextOf(std::span<const std::byte> bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

} // namespace

bool IsCompressed(std::span<const std::byte> bytes)
{
    return std::ranges::any_of(COMPRESSED, [&](const Kind& kind) { return TextOf(bytes).starts_with(kind.begins); });
}

std::string LooksLike(std::span<const std::byte> bytes)
{
    const std::string_view text{TextOf(bytes)};
    for (const Kind& kind : COMPRESSED) {
        if (text.starts_with(kind.begins)) return kind.is;
    }
    for (const Kind& kind : KINDS) {
        if (text.starts_with(kind.begins)) return kind.is;
    }
    if (std::ranges::all_of(text, [](char c) { return c == '\0'; })) return "it begins with nothing but zeros";
    const auto readable = [](char c) { return static_cast<unsigned char>(c) >= 0x20 ? c != 0x7f : c == '\n' || c == '\r' || c == '\t'; };
    if (std::ranges::all_of(text, readable)) return "it looks like text";
    return "it is of a kind unknown here";
}

} // namespace coretap::archive
