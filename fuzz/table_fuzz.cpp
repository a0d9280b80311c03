// A table of one P2P message: fields and --each from the first two lines, the message's type from the next byte, its
// payload from the rest. CSV is read back by a reader of its own, and must have the cells that JSON has.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>
#include <sys/mman.h>
#include <unistd.h>

#include "sinks/table/table_sink.h"
#include "util/fd.h"

using namespace coretap;
using sinks::table::Format;

namespace {

void Check(bool condition)
{
    if (!condition) std::abort();
}

/** What a sink of this format writes of the event. */
std::string Export(sinks::table::TableOptions options, Format format, const event::Catalogue& catalogue, const event::Event& event)
{
    static const util::Fd FILE{::memfd_create("table", MFD_CLOEXEC)};
    static const auto FILTER = pipeline::Filter::Make({.only = {"net:inbound_message"}}, catalogue);
    options.format = format;
    auto layout = sinks::table::Layout::Make(options, catalogue, *FILTER);
    if (!layout) return {};
    Check(::ftruncate(FILE.Get(), 0) == 0 && ::lseek(FILE.Get(), 0, SEEK_SET) == 0);
    sinks::table::TableSink sink{FILE.Get(), std::move(*layout)};
    Check(static_cast<bool>(sink.Write({&event, 1})));
    static_cast<void>(sink.Notices());
    std::string text(static_cast<std::size_t>(::lseek(FILE.Get(), 0, SEEK_END)), '\0');
    Check(::pread(FILE.Get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
    return text;
}

/** One cell of strict RFC 4180 with LF, and the byte behind it. */
std::string TakeCell(std::string_view& text, char& end)
{
    std::string cell;
    const bool quoted{text.starts_with('"')};
    if (quoted) text.remove_prefix(1);
    while (true) {
        Check(!text.empty());
        const char c{text.front()};
        text.remove_prefix(1);
        if (quoted && c == '"') {
            Check(!text.empty());
            end = text.front();
            text.remove_prefix(1);
            if (end != '"') break;
        } else if (!quoted && (c == ',' || c == '\n')) {
            end = c;
            break;
        } else {
            Check(quoted || (c != '"' && c != '\r'));
        }
        Check(c != '\0');
        cell += c;
    }
    Check(end == ',' || end == '\n');
    return cell;
}

/** The cell that a value of the JSON should be. */
bool IsCellOf(const std::string& cell, const boost::json::value& value)
{
    if (value.is_null()) return cell.empty();
    if (value.is_structured()) return boost::json::parse(cell) == value;
    if (!value.is_string()) return cell == boost::json::serialize(value);
    std::string text;
    for (const char c : value.get_string()) {
        if (c == '\0') {
            text += "\xef\xbf\xbd";
        } else {
            text += c;
        }
    }
    return cell == text;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static const event::Catalogue CATALOGUE;
    std::string_view text{reinterpret_cast<const char*>(data), size};
    const auto next_line = [&text] {
        const std::string_view line{text.substr(0, text.find('\n'))};
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        return line;
    };
    sinks::table::TableOptions options;
    const std::string_view fields{next_line()};
    if (!fields.empty() && !sinks::table::ParseFields(fields, options.fields)) return 0;
    options.each = next_line();
    if (text.empty()) return 0;
    const auto types = event::MessageTypes();
    const std::string_view type{types[static_cast<unsigned char>(text.front()) % types.size()]};
    text.remove_prefix(1);

    std::vector<std::byte> record;
    event::RecordBuilder builder{record, event::id::INBOUND_MESSAGE, 6, 1, 1234, 1};
    builder.Int(12).Str(text.substr(0, 40)).Str("inbound").Str(type).Uint(text.size()).Str(text);
    const auto event = event::ParseRecord(builder.Finish(), CATALOGUE, 0);
    Check(static_cast<bool>(event));

    std::string csv{Export(options, Format::Csv, CATALOGUE, *event)};
    if (csv.empty()) return 0; // fields that cannot be
    std::string jsonl{Export(options, Format::JsonLines, CATALOGUE, *event)};
    if (options.fields.empty() && options.each.empty()) return 0; // the event as it is
    std::string_view rows{csv};
    std::vector<std::string> header;
    for (char end{','}; end == ',';) header.push_back(TakeCell(rows, end));
    std::string_view lines{jsonl};
    while (!lines.empty()) {
        const std::size_t line_end{lines.find('\n')};
        Check(line_end != std::string_view::npos);
        const boost::json::value object = boost::json::parse(lines.substr(0, line_end));
        lines.remove_prefix(line_end + 1);
        Check(object.as_object().size() == header.size());
        for (std::size_t i{0}; i < header.size(); ++i) {
            char end{0};
            const std::string cell{TakeCell(rows, end)};
            Check(end == (i + 1 == header.size() ? '\n' : ','));
            Check(IsCellOf(cell, object.at(header[i])));
        }
    }
    Check(rows.empty());
    return 0;
}
