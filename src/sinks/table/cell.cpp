#include "sinks/table/cell.h"

#include <algorithm>
#include <array>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "util/text.h"

namespace coretap::sinks::table {
namespace {

constexpr std::string_view REPLACEMENT{"\xef\xbf\xbd"}; // U+FFFD

std::string_view View(const boost::json::string& text) { return {text.data(), text.size()}; }

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

/** Bytes that a cell without quotes cannot have; and of these the ones that a cell in quotes cannot have as they are. */
constexpr std::array<bool, 256> BytesOf(std::string_view bytes)
{
    std::array<bool, 256> table{};
    for (const char c : bytes) table[static_cast<unsigned char>(c)] = true;
    return table;
}
constexpr std::array<bool, 256> TO_QUOTE{BytesOf({"\",\n\r\0", 5})};
constexpr std::array<bool, 256> TO_REPLACE{BytesOf({"\"\0", 2})};

/** Where the first of them is; the size of the text if none is there. */
std::size_t Find(std::string_view text, const std::array<bool, 256>& bytes)
{
    const auto found = std::ranges::find_if(text, [&bytes](char c) { return bytes[static_cast<unsigned char>(c)]; });
    return static_cast<std::size_t>(found - text.begin());
}

bool LooksLikeFormula(std::string_view text)
{
    return !text.empty() && std::string_view{"=+-@\t\r"}.find(text.front()) != std::string_view::npos;
}

} // namespace

void AppendJsonValue(std::string& out, const boost::json::value* value)
{
    if (value == nullptr) {
        out += "null";
        return;
    }
    switch (value->kind()) {
    case boost::json::kind::null: out += "null"; break;
    case boost::json::kind::bool_: out += value->get_bool() ? "true" : "false"; break;
    case boost::json::kind::int64: util::AppendNumber(out, value->get_int64()); break;
    case boost::json::kind::uint64: util::AppendNumber(out, value->get_uint64()); break;
    case boost::json::kind::double_: out += fmt::format("{}", value->get_double()); break;
    case boost::json::kind::string: util::AppendJsonString(out, View(value->get_string())); break;
    case boost::json::kind::array: {
        std::string_view separator{"["};
        for (const boost::json::value& element : value->get_array()) {
            out += separator;
            separator = ",";
            AppendJsonValue(out, &element);
        }
        if (value->get_array().empty()) out += '[';
        out += ']';
        break;
    }
    case boost::json::kind::object: {
        std::string_view separator{"{"};
        for (const auto& member : value->get_object()) {
            out += separator;
            separator = ",";
            util::AppendJsonString(out, {member.key().data(), member.key().size()});
            out += ':';
            AppendJsonValue(out, &member.value());
        }
        if (value->get_object().empty()) out += '{';
        out += '}';
        break;
    }
    }
}

void AppendCsvText(std::string& out, std::string_view text, bool guard)
{
    const bool guarded{guard && LooksLikeFormula(text)};
    if (!text.empty() && Find(text, TO_QUOTE) == text.size() && !IsBlank(text.front()) && !IsBlank(text.back())) {
        if (guarded) out += '\'';
        out += text;
        return;
    }
    out += '"';
    if (guarded) out += '\'';
    for (std::size_t next; (next = Find(text, TO_REPLACE)) != text.size();) {
        out += text.substr(0, next);
        out += text[next] == '"' ? std::string_view{"\"\""} : REPLACEMENT;
        text.remove_prefix(next + 1);
    }
    out += text;
    out += '"';
}

void AppendCsvValue(std::string& out, const boost::json::value* value, bool guard)
{
    if (value == nullptr || value->is_null()) return;
    if (const auto* text = value->if_string()) {
        AppendCsvText(out, View(*text), guard);
    } else if (value->is_structured()) {
        std::string json;
        AppendJsonValue(json, value);
        AppendCsvText(out, json, false);
    } else {
        AppendJsonValue(out, value);
    }
}

} // namespace coretap::sinks::table
