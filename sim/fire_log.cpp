#include "sim/fire_log.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include <sys/uio.h>
#include <unistd.h>

#include <fmt/format.h>

#include "event/catalogue.h"
#include "sim/probes.h"

namespace coretap::sim {
namespace {

constexpr std::size_t PAGE{4096};

/** Read our own memory the way a tracer has to: an address may be anything. Bytes read, at most `size`. */
std::size_t ReadSelf(const void* at, std::uint8_t* out, std::size_t size)
{
    const iovec local{out, size};
    const iovec remote{const_cast<void*>(at), size};
    const ssize_t got{::process_vm_readv(::getpid(), &local, 1, &remote, 1, 0)};
    return got < 0 ? 0 : static_cast<std::size_t>(got);
}

std::optional<Bytes> ReadBytes(const void* at, std::uint64_t size)
{
    // grows as it goes: `size` may be a lie
    static constexpr std::size_t CHUNK{1 << 16};
    Bytes bytes;
    while (bytes.size() < size) {
        const std::size_t done{bytes.size()};
        const std::size_t want{static_cast<std::size_t>(std::min<std::uint64_t>(CHUNK, size - done))};
        bytes.resize(done + want);
        if (ReadSelf(static_cast<const std::uint8_t*>(at) + done, bytes.data() + done, want) != want) return std::nullopt;
    }
    return bytes;
}

/** Up to the NUL; nothing if there is an unreadable byte before it. */
std::optional<std::string> ReadString(const char* at)
{
    std::string text;
    while (true) {
        // never read across a page boundary in one go: the next page may not be there
        std::array<std::uint8_t, PAGE> chunk;
        const std::size_t size{PAGE - reinterpret_cast<std::uintptr_t>(at) % PAGE};
        const std::size_t got{ReadSelf(at, chunk.data(), size)};
        const void* nul{std::memchr(chunk.data(), 0, got)};
        text.append(reinterpret_cast<const char*>(chunk.data()), nul ? static_cast<const std::uint8_t*>(nul) - chunk.data() : got);
        if (nul) return text;
        if (got < size) return std::nullopt;
        at += got;
    }
}

/** Length of the well-formed UTF-8 sequence at the start, 0 if it is none. */
std::size_t Utf8Length(std::string_view text)
{
    const auto byte = [&text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const std::uint8_t lead{byte(0)};
    if (lead < 0x80) return 1;
    const std::size_t length{lead >= 0xf0 && lead <= 0xf4 ? 4u : lead >= 0xe0 && lead < 0xf0 ? 3u : lead >= 0xc2 && lead < 0xe0 ? 2u : 0u};
    if (length == 0 || text.size() < length) return 0;
    for (std::size_t i{1}; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return 0;
    }
    // no overlong forms, no surrogates, nothing beyond U+10FFFF
    if ((lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) > 0x9f) || (lead == 0xf0 && byte(1) < 0x90) ||
        (lead == 0xf4 && byte(1) > 0x8f))
        return 0;
    return length;
}

std::string ToJson(bool value) { return value ? "true" : "false"; }
std::string ToJson(std::int32_t value) { return fmt::to_string(value); }
std::string ToJson(std::uint32_t value) { return fmt::to_string(value); }
std::string ToJson(std::int64_t value) { return fmt::to_string(value); }
std::string ToJson(std::uint64_t value) { return fmt::to_string(value); }
std::string ToJson(FireLog::Str value)
{
    const auto text = ReadString(value.at);
    return text ? JsonString(*text) : "null";
}
std::string ToJson(FireLog::Hash value)
{
    auto bytes = ReadBytes(value.at, 32);
    if (!bytes) return "null";
    std::reverse(bytes->begin(), bytes->end());
    return '"' + Hex(*bytes) + '"';
}
std::string ToJson(FireLog::Payload value)
{
    const auto bytes = ReadBytes(value.at, value.size);
    return bytes ? '"' + Hex(*bytes) + '"' : "null";
}

} // namespace

std::string JsonString(std::string_view text)
{
    std::string out{"\""};
    while (!text.empty()) {
        const std::size_t length{Utf8Length(text)};
        const char c{text.front()};
        if (length == 0) {
            out += "\xef\xbf\xbd";
        } else if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<std::uint8_t>(c) < 0x20) {
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
            out += text.substr(0, length);
        }
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return out + '"';
}

std::string Hex(ByteView bytes)
{
    static constexpr char DIGITS[]{"0123456789abcdef"};
    std::string hex;
    hex.reserve(bytes.size() * 2);
    for (const std::uint8_t byte : bytes) {
        hex += DIGITS[byte >> 4];
        hex += DIGITS[byte & 15];
    }
    return hex;
}

FireLog::FireLog(std::FILE* file) : m_file{file}
{
    // The names are the catalogue's: a test that compares the two files compares like with like.
    const event::Catalogue catalogue;
    m_names.resize(TP_COUNT);
    for (std::size_t i{0}; i < TP_COUNT; ++i) {
        const std::string_view name{TpName(static_cast<Tp>(i))};
        const std::size_t colon{name.find(':')};
        const auto rows = catalogue.FindAll(name.substr(0, colon), name.substr(colon + 1));
        if (rows.empty()) continue;
        const bool old_layout{ADDRMAN_2023 && static_cast<Tp>(i) == Tp::AddrmanMoveToGood};
        for (const event::ArgDef& arg : (old_layout ? rows.back() : rows.front())->args) m_names[i].push_back(arg.name);
    }
    m_names[static_cast<std::size_t>(Tp::SimnodeDemo)] = {"counter", "number", "text", "hash", "size", "bytes"};
}

util::Result<std::unique_ptr<FireLog>> FireLog::Open(const std::string& path)
{
    std::FILE* file{std::fopen(path.c_str(), "we")};
    if (!file) {
        const int error{errno};
        return util::Error{util::Errc::Io, fmt::format("cannot write {}: {}", path, std::strerror(error)), error};
    }
    return std::unique_ptr<FireLog>{new FireLog{file}};
}

void FireLog::Write(Tp tp, std::initializer_list<Arg> args)
{
    thread_local const int TID{::gettid()};
    std::string fields;
    const auto& names = m_names[static_cast<std::size_t>(tp)];
    std::size_t i{0};
    for (const Arg& arg : args) {
        fields += fmt::format("{}\"{}\":", i ? "," : "", i < names.size() ? names[i] : fmt::format("arg{}", i));
        fields += std::visit([](const auto& value) { return ToJson(value); }, arg);
        ++i;
    }
    const std::scoped_lock lock{m_mutex};
    const std::string line{fmt::format("{{\"seq\":{},\"tid\":{},\"event\":\"{}\",\"args\":{{{}}}}}\n", m_seq++, TID, TpName(tp), fields)};
    std::fwrite(line.data(), 1, line.size(), m_file.get());
}

} // namespace coretap::sim
