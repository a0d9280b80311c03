// Requests and responses as plain values, and the parts of HTTP that are read here rather than by Beast. Everything that comes from a
// client is a stranger's bytes.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coretap::web {

/** What of a request is looked at. */
struct Request {
    std::string method;
    std::string target;
    std::string host; //!< empty: none came
    std::string origin;
    std::string content_type;
    std::string authorization;
    std::string cookie;
    std::string if_none_match;
    std::string accept;
    std::string accept_encoding;
    std::string fetch_site; //!< Sec-Fetch-Site, which browsers send
    std::string fetch_mode;
    bool ambiguous{false}; //!< a Host or an Origin came more than once
    // of the connection
    std::string client_address; //!< without port
    std::string local_address;  //!< the address the client connected to, without port
    bool tls{false};
};

struct Response {
    unsigned status{200};
    std::string content_type{"application/json"};
    std::string body;
    std::string_view fixed_body{}; //!< if not empty, instead of `body`: bytes that live for ever
    std::vector<std::pair<std::string_view, std::string>> headers{};
    bool close{false}; //!< the connection ends with it

    std::string_view Body() const { return fixed_body.empty() ? std::string_view{body} : fixed_body; }
};

std::string_view ReasonPhrase(unsigned status);

/** `{"error":{"code":"not_found","message":"..."}}` with a status. */
Response ErrorResponse(unsigned status, std::string_view code, std::string_view message);

/** The status line and headers of a response, the strict ones included. */
std::string Head(const Response& response, bool keep_alive);

/** A request's target, decoded. */
struct Target {
    std::string path; //!< begins with '/'
    std::map<std::string, std::string, std::less<>> query;
};
/**
 * Decodes `/path?name=value&...`. Nothing if it is not of that form: escapes that are none, control characters or what is not UTF-8 in
 * the result, a name given twice, or more than 16 of them.
 */
std::optional<Target> ParseTarget(std::string_view target);

/** The value of a cookie in a `Cookie:` header; empty if it is not there. */
std::string_view CookieValue(std::string_view header, std::string_view name);

/** Whether an `Accept-Encoding:` header allows gzip. */
bool AcceptsGzip(std::string_view accept_encoding);

/** Whether an `If-None-Match:` header names the tag (with its quotes). */
bool EtagMatches(std::string_view if_none_match, std::string_view etag);

/** The host of a `Host:` header or of an authority, in lower case: without port, without the brackets of an IPv6 address. Nothing if malformed. */
std::optional<std::string> HostOf(std::string_view authority);

/** Decimal digits only, and no more than fits. */
std::optional<std::uint64_t> ParseNumber(std::string_view text);

} // namespace coretap::web
