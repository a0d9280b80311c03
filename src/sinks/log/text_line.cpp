#include "sinks/log/text_line.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include <fmt/format.h>

#include "event/message_text.h"
#include "util/text.h"
#include "util/time.h"

namespace coretap::sinks::log {

using event::ArgDef;
using event::ArgType;
using event::Unit;

std::size_t Columns(std::string_view text)
{
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

TextLine& TextLine::Put(std::string_view text)
{
    m_out += text;
    return *this;
}

TextLine& TextLine::Pad(std::size_t written, std::size_t width)
{
    if (written < width) m_out.append(width - written, ' ');
    return *this;
}

TextLine& TextLine::Pid()
{
    util::AppendNumber(m_out, std::uint64_t{m_event.Pid()});
    return *this;
}

TextLine& TextLine::Duration(std::int64_t ns)
{
    struct Scale {
        double ns;
        std::string_view unit;
        std::string_view ascii_unit;
    };
    static constexpr Scale SCALES[]{{1e9, "s", "s"}, {1e6, "ms", "ms"}, {1e3, "µs", "us"}};
    const double magnitude{std::abs(static_cast<double>(ns))};
    for (const Scale& scale : SCALES) {
        if (magnitude < scale.ns) continue;
        const double value{static_cast<double>(ns) / scale.ns};
        fmt::format_to(std::back_inserter(m_out), "{:.{}f} {}", value, magnitude < 10 * scale.ns ? 2 : 1,
                       m_options.ascii ? scale.ascii_unit : scale.unit);
        return *this;
    }
    util::AppendNumber(m_out, ns);
    return Put(" ns");
}

void TextLine::Integer(Unit unit, std::int64_t value)
{
    switch (unit) {
    case Unit::None:
    case Unit::PeerId:
    case Unit::Index:
    case Unit::Bucket: util::AppendNumber(m_out, value); break;
    case Unit::Height:
    case Unit::Count: util::AppendGrouped(m_out, value); break;
    case Unit::Bytes: util::AppendGrouped(m_out, value), Put(" B"); break;
    case Unit::VBytes: util::AppendGrouped(m_out, value), Put(" vB"); break;
    case Unit::Satoshi: util::AppendGrouped(m_out, value), Put(" sat"); break;
    case Unit::Nanoseconds: Duration(value); break;
    case Unit::Microseconds: {
        std::int64_t ns{0};
        if (__builtin_mul_overflow(value, 1000, &ns)) {
            util::AppendGrouped(m_out, value), Put(m_options.ascii ? " us" : " µs");
        } else {
            Duration(ns);
        }
        break;
    }
    case Unit::UnixSeconds: {
        std::int64_t ns{0};
        if (value < 0 || __builtin_mul_overflow(value, 1'000'000'000, &ns)) {
            util::AppendNumber(m_out, value);
        } else {
            util::AppendUtc(m_out, ns, 0);
        }
        break;
    }
    case Unit::NetworkId:
    case Unit::FlushMode: {
        const auto number{static_cast<std::uint64_t>(value)};
        const std::string_view name{unit == Unit::NetworkId ? event::NetworkName(number) : event::FlushModeName(number)};
        if (name.empty()) {
            Put(unit == Unit::NetworkId ? "network " : "mode ");
            util::AppendNumber(m_out, value);
        } else {
            Put(name);
        }
        break;
    }
    case Unit::Asn:
        if (value == 0) {
            Put("no AS"); // not in the node's map, or there is no map
        } else {
            Put("AS");
            util::AppendNumber(m_out, value);
        }
        break;
    }
}

void TextLine::Unsigned(Unit unit, std::uint64_t value)
{
    if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        Integer(unit, static_cast<std::int64_t>(value));
        return;
    }
    util::AppendGrouped(m_out, value);
    if (const std::string_view name{event::ToString(unit)}; !name.empty()) Put(" ").Put(name);
}

void TextLine::ByteArray(std::size_t arg)
{
    constexpr std::size_t SHOWN{32}; // enough to know it by; all of it on demand
    const std::span<const std::byte> bytes{m_event.Bytes(arg)};
    const std::size_t shown{m_options.payload_hex ? bytes.size() : std::min(bytes.size(), SHOWN)};
    util::AppendHex(m_out, bytes.first(shown));
    if (shown < bytes.size()) {
        Ellipsis().Put(" (");
        util::AppendGrouped(m_out, std::uint64_t{bytes.size()});
        Put(" B)");
    }
}

TextLine& TextLine::Arg(std::size_t arg)
{
    if (m_event.Faulted(arg)) return Put("?");
    const ArgDef& def{m_event.Def().args[arg]};
    switch (def.type) {
    case ArgType::Int: Integer(def.unit, m_event.Int(arg)); break;
    case ArgType::Uint: Unsigned(def.unit, m_event.Uint(arg)); break;
    case ArgType::Bool: Put(m_event.Uint(arg) != 0 ? "true" : "false"); break;
    case ArgType::String: util::AppendPrintable(m_out, m_event.Str(arg)); break;
    case ArgType::Hash:
        if (m_event.Bytes(arg).empty()) return Put("?");
        util::AppendHexReversed(m_out, m_event.Bytes(arg));
        break;
    case ArgType::Bytes: ByteArray(arg); break;
    }
    if (m_event.Cut(arg)) Ellipsis();
    return *this;
}

TextLine& TextLine::ArgPadded(std::size_t arg, std::size_t width)
{
    const std::size_t start{m_out.size()};
    Arg(arg);
    return Pad(Columns(std::string_view{m_out}.substr(start)), width);
}

TextLine& TextLine::ArgRight(std::size_t arg, std::size_t width)
{
    const std::size_t start{m_out.size()};
    Arg(arg);
    const std::size_t columns{Columns(std::string_view{m_out}.substr(start))};
    if (columns < width) m_out.insert(start, width - columns, ' ');
    return *this;
}

TextLine& TextLine::Number(std::size_t arg)
{
    if (m_event.Faulted(arg)) return Put("?");
    if (m_event.Def().args[arg].type == ArgType::Int) {
        util::AppendGrouped(m_out, m_event.Int(arg));
    } else {
        util::AppendGrouped(m_out, m_event.Uint(arg));
    }
    return *this;
}

TextLine& TextLine::Counted(std::size_t arg, std::string_view one, std::string_view many)
{
    return Number(arg).Put(" ").Put(m_event.Uint(arg) == 1 && !m_event.Faulted(arg) ? one : many);
}

TextLine& TextLine::QuotedArg(std::size_t arg)
{
    if (m_event.Faulted(arg)) return Put("?");
    m_out += '"';
    for (std::string_view rest{m_event.Str(arg)};;) {
        const std::size_t quote{rest.find('"')};
        util::AppendPrintable(m_out, rest.substr(0, quote));
        if (quote == std::string_view::npos) break;
        m_out += "\\\"";
        rest.remove_prefix(quote + 1);
    }
    if (m_event.Cut(arg)) Ellipsis();
    m_out += '"';
    return *this;
}

TextLine& TextLine::Choice(std::size_t arg, std::string_view yes, std::string_view no)
{
    if (m_event.Faulted(arg)) return Put("?");
    return Put(m_event.Uint(arg) != 0 ? yes : no);
}

TextLine& TextLine::Since(std::size_t arg)
{
    const std::int64_t now_s{m_event.UtcNs() / 1'000'000'000};
    const std::int64_t then_s{m_event.Int(arg)};
    if (m_event.Faulted(arg) || then_s <= 0 || then_s > now_s) return Put("?"); // a node's clock can be mocked
    const std::int64_t age_s{now_s - then_s};
    auto out = std::back_inserter(m_out);
    if (age_s < 60) {
        fmt::format_to(out, "{}s", age_s);
    } else if (age_s < 3600) {
        fmt::format_to(out, "{}m {:02}s", age_s / 60, age_s % 60);
    } else if (age_s < 86400) {
        fmt::format_to(out, "{}h {:02}m", age_s / 3600, age_s / 60 % 60);
    } else {
        fmt::format_to(out, "{}d {:02}h", age_s / 86400, age_s / 3600 % 24);
    }
    return *this;
}

TextLine& TextLine::FeeRate(std::size_t fee, std::size_t vsize)
{
    if (m_event.Faulted(fee) || m_event.Faulted(vsize) || m_event.Int(vsize) <= 0) return *this;
    fmt::format_to(std::back_inserter(m_out), " ({:.2f} sat/vB)",
                   static_cast<double>(m_event.Int(fee)) / static_cast<double>(m_event.Int(vsize)));
    return *this;
}

TextLine& TextLine::Hex(std::span<const std::byte> bytes, bool cut)
{
    util::AppendHex(m_out, bytes);
    return cut ? Ellipsis() : *this;
}

TextLine& TextLine::Phrase(const wire::Decoded& decoded, std::size_t width, bool shown)
{
    const std::size_t start{m_out.size()};
    if (shown) event::AppendPhrase(m_out, decoded, m_options.ascii);
    return Pad(Columns(std::string_view{m_out}.substr(start)), width).Put("  ");
}

TextLine& TextLine::Content(const wire::Decoded& decoded)
{
    const std::size_t end{m_out.size()};
    Put("  ");
    const std::size_t start{m_out.size()};
    event::AppendContent(m_out, decoded);
    if (m_out.size() == start) m_out.resize(end);
    return *this;
}

TextLine& TextLine::Findings(const wire::Decoded& decoded)
{
    const std::size_t end{m_out.size()};
    const bool severe{decoded.status == wire::Status::Malformed || decoded.limit_exceeded != 0};
    Put("  ").Color(severe ? m_style.warn : m_style.dim);
    if (event::AppendFindings(m_out, decoded)) return Color(m_style.reset);
    m_out.resize(end);
    return *this;
}

TextLine& TextLine::KeyValue(std::size_t arg)
{
    const ArgDef& def{m_event.Def().args[arg]};
    Put(def.name).Put("=");
    return def.type == ArgType::String ? QuotedArg(arg) : Arg(arg);
}

} // namespace coretap::sinks::log
