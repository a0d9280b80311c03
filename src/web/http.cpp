#include "web/http.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "util/text.h"

namespace coretap::web {
namespace {

constexpr std::size_t MAX_QUERY{16};

// The page's scripts and styles are files of ours, nothing is inline, nothing comes from anywhere else.
constexpr std::string_view STRICT_HEADERS{
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"};

std::string Lowered(std::string_view text)
{
    std::string out{text};
    std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return out;
}

std::string_view Trimmed(std::string_view text)
{
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

/** Cuts what comes before the next `separator` off the front of `text`. */
std::string_view NextPart(std::string_view& text, char separator)
{
    const std::string_view part{text.substr(0, text.find(separator))};
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    return part;
}

std::optional<std::string> PercentDecoded(std::string_view text, bool plus_is_space)
{
    std::string out;
    out.reserve(text.size());
    for (std::size_t i{0}; i < text.size(); ++i) {
        char c{text[i]};
        if (c == '%') {
            if (i + 2 >= text.size()) return std::nullopt;
            unsigned value{0};
            const char* const end{text.data() + i + 3};
            if (std::from_chars(text.data() + i + 1, end, value, 16).ptr != end) return std::nullopt;
            c = static_cast<char>(value);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return std::nullopt;
        out += c;
    }
    if (!util::IsUtf8(out)) return std::nullopt;
    return out;
}

} // namespace

std::string_view ReasonPhrase(unsigned status)
{
    switch (status) {
    case 200: return "OK";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 411: return "Length Required";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 421: return "Misdirected Request";
    case 426: return "Upgrade Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 503: return "Service Unavailable";
    default: return "Error";
    }
}

Response ErrorResponse(unsigned status, std::string_view code, std::string_view message)
{
    Response response;
    response.status = status;
    response.body = "{\"error\":{\"code\":";
    util::AppendJsonString(response.body, code);
    response.body += ",\"message\":";
    util::AppendJsonString(response.body, message);
    response.body += "}}\n";
    return response;
}

std::string Head(const Response& response, bool keep_alive)
{
    std::string out{"HTTP/1.1 "};
    out.reserve(1024);
    util::AppendNumber(out, std::uint64_t{response.status});
    out += ' ';
    out += ReasonPhrase(response.status);
    out += "\r\n";
    // 304 has no body, and its length would be that of another
    if (response.status != 304) {
        out += "Content-Type: ";
        out += response.content_type;
        out += "\r\nContent-Length: ";
        util::AppendNumber(out, std::uint64_t{response.Body().size()});
        out += "\r\n";
    }
    bool cached{false};
    for (const auto& [name, value] : response.headers) {
        cached |= name == "Cache-Control";
        out += name;
        out += ": ";
        out += value;
        out += "\r\n";
    }
    if (!cached) out += "Cache-Control: no-store\r\n";
    out += STRICT_HEADERS;
    out += keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
    return out;
}

std::optional<Target> ParseTarget(std::string_view target)
{
    if (target.empty() || target.front() != '/') return std::nullopt;
    const std::size_t mark{target.find('?')};
    auto path = PercentDecoded(target.substr(0, mark), false);
    if (!path) return std::nullopt;
    Target out{std::move(*path), {}};
    if (mark == std::string_view::npos) return out;
    std::string_view rest{target.substr(mark + 1)};
    while (!rest.empty()) {
        std::string_view value{NextPart(rest, '&')};
        if (value.empty()) continue;
        auto name = PercentDecoded(NextPart(value, '='), true);
        auto decoded = PercentDecoded(value, true);
        if (!name || !decoded || out.query.size() == MAX_QUERY) return std::nullopt;
        if (!out.query.emplace(std::move(*name), std::move(*decoded)).second) return std::nullopt;
    }
    return out;
}

std::string_view CookieValue(std::string_view header, std::string_view name)
{
    while (!header.empty()) {
        std::string_view value{Trimmed(NextPart(header, ';'))};
        if (NextPart(value, '=') == name) return value;
    }
    return {};
}

bool AcceptsGzip(std::string_view accept_encoding)
{
    while (!accept_encoding.empty()) {
        std::string_view params{NextPart(accept_encoding, ',')};
        if (const std::string name{Lowered(Trimmed(NextPart(params, ';')))}; name != "gzip" && name != "x-gzip") continue;
        const std::string quality{Lowered(Trimmed(params))};
        // q=0 in any of its spellings means "not that"
        return !quality.starts_with("q=0") || quality.find_first_of("123456789") != std::string::npos;
    }
    return false;
}

bool EtagMatches(std::string_view if_none_match, std::string_view etag)
{
    while (!if_none_match.empty()) {
        std::string_view tag{Trimmed(NextPart(if_none_match, ','))};
        if (tag.starts_with("W/")) tag.remove_prefix(2);
        if (tag == etag || tag == "*") return true;
    }
    return false;
}

std::optional<std::string> HostOf(std::string_view authority)
{
    std::string_view host{authority};
    std::string_view port;
    if (host.starts_with('[')) {
        const std::size_t end{host.find(']')};
        if (end == std::string_view::npos) return std::nullopt;
        port = host.substr(end + 1);
        host = host.substr(1, end - 1);
    } else if (const std::size_t colon{host.find(':')}; colon != std::string_view::npos) {
        port = host.substr(colon);
        host = host.substr(0, colon);
    }
    if (!port.empty()) {
        if (port.front() != ':') return std::nullopt;
        const auto number = port.size() == 1 ? std::optional<std::uint64_t>{0} : ParseNumber(port.substr(1)); // "host:" is allowed
        if (!number || *number > 65535) return std::nullopt;
    }
    if (host.ends_with('.')) host.remove_suffix(1); // the root, said in so many words
    const auto of_names = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == ':';
    };
    std::string name{Lowered(host)};
    if (name.empty() || !std::ranges::all_of(name, of_names)) return std::nullopt;
    return name;
}

std::optional<std::uint64_t> ParseNumber(std::string_view text)
{
    std::uint64_t value{0};
    const char* const end{text.data() + text.size()};
    const auto [at, error] = std::from_chars(text.data(), end, value);
    if (text.empty() || error != std::errc{} || at != end) return std::nullopt;
    return value;
}

} // namespace coretap::web
