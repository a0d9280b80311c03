#include "web/site.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <limits>

#include <fmt/format.h>

#include "util/text.h"
#include "web/gzip.h"

namespace coretap::web {
namespace {

constexpr std::size_t GZIP_FROM{1024};
constexpr std::size_t DEFAULT_BLOCKS{20};
constexpr std::string_view API{"/api/v1/"};
constexpr std::string_view REPLAY{"/api/v1/replay"};

Response Json(std::string body)
{
    Response response;
    response.body = std::move(body);
    response.body += '\n';
    return response;
}

Response Plain(unsigned status, std::string body)
{
    Response response;
    response.status = status;
    response.content_type = "text/plain; charset=utf-8";
    response.body = std::move(body);
    return response;
}

Response FromAsset(const Asset& asset, const Request& request)
{
    Response response;
    response.content_type = asset.content_type;
    const bool gzip{!asset.gzip.empty() && AcceptsGzip(request.accept_encoding)};
    std::string etag{asset.etag};
    if (gzip) etag.insert(etag.size() - 1, "-gz"); // other bytes
    response.headers.emplace_back("ETag", etag);
    response.headers.emplace_back("Vary", "Accept-Encoding");
    response.headers.emplace_back("Cache-Control", asset.immutable ? "private, max-age=31536000, immutable" : "no-cache");
    if (EtagMatches(request.if_none_match, etag)) {
        response.status = 304;
    } else if (gzip) {
        response.headers.emplace_back("Content-Encoding", "gzip");
        response.fixed_body = asset.gzip;
    } else {
        response.fixed_body = asset.bytes;
    }
    return response;
}

void Compress(Response& response, const Request& request)
{
    if (response.status != 200 || !response.fixed_body.empty() || response.body.size() < GZIP_FROM) return;
    response.headers.emplace_back("Vary", "Accept-Encoding");
    if (!AcceptsGzip(request.accept_encoding)) return;
    std::string gzip{Gzip(response.body)};
    if (gzip.empty()) return;
    response.body = std::move(gzip);
    response.headers.emplace_back("Content-Encoding", "gzip");
}

/** The first parameter that is none of `known`; empty if there is none. */
std::string_view UnknownParameter(const Target& target, std::initializer_list<std::string_view> known)
{
    for (const auto& [name, value] : target.query) {
        if (std::ranges::find(known, name) == known.end()) return name;
    }
    return {};
}

/** By label or pid, or the first where none is named; null if there is none. */
const state::NodeSnapshot* FindNode(const state::Snapshot& snapshot, const Target& target)
{
    const auto wanted = target.query.find("node");
    for (const auto& node : snapshot.nodes) {
        if (wanted == target.query.end() || node->identity.label == wanted->second ||
            ParseNumber(wanted->second) == std::uint64_t{node->identity.pid})
            return node.get();
    }
    return nullptr;
}

/** `application/json`, with whatever parameters. */
bool IsJson(std::string_view content_type)
{
    content_type = content_type.substr(0, content_type.find_first_of("; \t"));
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return std::ranges::equal(content_type, std::string_view{"application/json"}, {}, lower);
}

std::string SectionNames(const Sections& sections)
{
    std::string out;
    for (const auto& [name, json] : sections) out += ", " + name;
    return out;
}

} // namespace

Site::Site(const ServerOptions& options, const event::Catalogue& catalogue, const Published& published, Counters& counters)
    : m_options{options},
      m_catalogue{catalogue},
      m_published{published},
      m_counters{counters},
      m_guard{options.token, options.hosts},
      m_controls{options.limits.controls_burst, TokenBucket::Clock::now()}
{}

Response Site::Refuse(Reject reason, unsigned status, std::string_view code, std::string_view message)
{
    m_counters.Count(reason);
    Response response{ErrorResponse(status, code, message)};
    response.close = reason != Reject::NotFound; // who may not be here shall not hold a connection
    return response;
}

Response Site::NotFound()
{
    return Refuse(Reject::NotFound, 404, "not_found", "there is nothing here; /api/v1/openapi.json lists what there is");
}

Response Site::BadQuery(std::string_view message)
{
    m_counters.Count(Reject::BadRequest);
    return ErrorResponse(400, "bad_request", message);
}

bool Site::IsWebSocket(const Request& request) { return request.target.substr(0, request.target.find('?')) == "/ws"; }

bool Site::IsControl(const Request& request) { return request.method == "POST" && request.target == REPLAY; }

std::optional<Response> Site::CheckMethod(const Request& request)
{
    if (request.method == "GET" || request.method == "HEAD") return std::nullopt;
    Response response{Refuse(Reject::BadMethod, 405, "method_not_allowed", "only GET and HEAD: nothing can be changed from here")};
    response.headers.emplace_back("Allow", "GET, HEAD");
    response.close = true; // there may be a body, which nobody reads
    return response;
}

std::optional<Response> Site::CheckRequest(const Request& request, const std::optional<Target>& target)
{
    if (request.host.empty()) return Refuse(Reject::BadRequest, 400, "bad_request", "a request needs a Host header");
    if (request.ambiguous) return Refuse(Reject::BadRequest, 400, "bad_request", "a request has one Host header, and one Origin at most");
    if (!m_guard.HostAllowed(request)) {
        return Refuse(Reject::BadHost, 421, "unknown_host",
                      fmt::format("this server does not go by the name {}; if it should, configure the name (docs/api.md)",
                                  util::Quoted(request.host)));
    }
    if (Guard::IsOfAnotherSite(request)) return Refuse(Reject::BadOrigin, 403, "bad_origin", "another site's page may not look here");
    if (!target) return Refuse(Reject::BadRequest, 400, "bad_request", "the request's target cannot be read");
    return std::nullopt;
}

bool Site::MaySee(const Request& request, const Target& target) const
{
    // the page that asks for a token needs the style
    if (target.path == "/healthz" || target.path == "/readyz" || target.path == "/plain.css") return true;
    if (target.path == "/") {
        if (const auto token = target.query.find("token"); token != target.query.end() && m_guard.NeedsToken())
            return m_guard.TokenIs(token->second);
    }
    return m_guard.Authorized(request);
}

Budget Site::BudgetOf(const Request& request) const
{
    const auto target = ParseTarget(request.target);
    const bool welcome{target && !request.ambiguous && m_guard.HostAllowed(request) && !Guard::IsOfAnotherSite(request) &&
                       MaySee(request, *target) && (!IsWebSocket(request) || Guard::OriginAllowed(request))};
    if (!welcome) return Budget::Refused;
    return target->path == "/metrics" ? Budget::Metrics : Budget::Answers;
}

Response Site::Unauthorized(const Request& request)
{
    Response response{Refuse(Reject::Unauthorized, 401, "unauthorized",
                             "a token is needed: Authorization: Bearer TOKEN, or open /?token=TOKEN in a browser once")};
    const Asset* const page{FindAsset("static/token.html")};
    if (page && request.accept.find("text/html") != std::string::npos) {
        response.content_type = page->content_type;
        response.fixed_body = page->bytes;
    }
    response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"coretap\"");
    return response;
}

std::optional<Response> Site::RefuseControl(const Request& request)
{
    if (auto refused = CheckRequest(request, ParseTarget(request.target))) return refused;
    // A page of another site can make a browser send a POST, but not this content type without our leave, which we give nobody; and the
    // browser says where it comes from.
    if (!Guard::OriginAllowed(request)) return Refuse(Reject::BadOrigin, 403, "bad_origin", "another site's page may change nothing here");
    if (!m_guard.Authorized(request)) return Unauthorized(request);
    if (!m_options.control_replay)
        return Refuse(Reject::NotFound, 404, "not_found", "no recording is shown, and of a node nothing can be changed from here");
    if (!IsJson(request.content_type))
        return Refuse(Reject::BadRequest, 415, "unsupported_media_type", "the body is JSON: Content-Type: application/json");
    if (!m_controls.Take(m_options.limits.controls_per_s, m_options.limits.controls_burst, TokenBucket::Clock::now())) {
        Response response{Refuse(Reject::RateLimited, 429, "too_many_requests", "too many changes")};
        response.headers.emplace_back("Retry-After", "1");
        return response;
    }
    return std::nullopt;
}

Response Site::Control(std::string_view body)
{
    const auto command = ParseReplayCommand(body);
    if (!command) return Refuse(Reject::BadRequest, 400, "bad_request", command.GetError().what);
    auto section = m_options.control_replay(*command);
    return section ? Json(std::move(*section)) : ErrorResponse(409, "conflict", section.GetError().what);
}

std::optional<Response> Site::RefuseWebSocket(const Request& request)
{
    if (auto refused = CheckMethod(request)) return refused;
    const auto target = ParseTarget(request.target);
    if (auto refused = CheckRequest(request, target)) return refused;
    if (!Guard::OriginAllowed(request)) return Refuse(Reject::BadOrigin, 403, "bad_origin", "another site's page may not listen here");
    if (!m_guard.Authorized(request)) return Unauthorized(request);
    return std::nullopt;
}

Response Site::Answer(const Request& request)
{
    if (auto refused = CheckMethod(request)) return std::move(*refused);
    const auto target = ParseTarget(request.target);
    if (auto refused = CheckRequest(request, target)) return std::move(*refused);
    Response response{Route(request, *target)};
    Compress(response, request);
    return response;
}

Response Site::Route(const Request& request, const Target& target)
{
    const std::string_view path{target.path};
    if (!MaySee(request, target)) return Unauthorized(request);
    if (path == "/healthz") return Plain(200, "ok\n");
    if (path == "/readyz") return Ready();
    if (path == "/plain.css") {
        if (const Asset* const asset{FindAsset("static/plain.css")}) return FromAsset(*asset, request);
    }
    if (path == "/" && m_guard.NeedsToken()) {
        if (target.query.contains("token")) {
            Response response{Plain(303, "")};
            response.headers.emplace_back("Location", "/"); // the token leaves the address bar
            response.headers.emplace_back("Set-Cookie", m_guard.SetCookie(request.tls));
            return response;
        }
    }
    if (path == "/metrics") return Metrics(request);
    if (path.starts_with(API)) {
        const std::string_view name{path.substr(API.size())};
        if (name == "openapi.json") {
            if (const Asset* const asset{FindAsset("static/openapi.json")}) return FromAsset(*asset, request);
        }
        return Api(name, target);
    }
    if (const Asset* const asset{FindAsset("page" + (path == "/" ? std::string{"/index.html"} : target.path))})
        return FromAsset(*asset, request);
    if (path == "/") { // no page was built
        if (const Asset* const asset{FindAsset("static/index.html")}) return FromAsset(*asset, request);
    }
    return NotFound();
}

Response Site::Ready() const
{
    const std::string why{m_options.why_not_ready ? m_options.why_not_ready() : std::string{}};
    return why.empty() ? Plain(200, "ready\n") : Plain(503, why + "\n");
}

Response Site::Metrics(const Request& request) const
{
    const auto snapshot = m_published.Snapshot();
    if (!m_options.metrics) return ErrorResponse(404, "not_found", "metrics are switched off");
    if (!snapshot) return ErrorResponse(503, "not_ready", "nothing was measured yet: a second more");
    Response response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = m_options.metrics(*snapshot, request.accept, response.content_type);
    return response;
}

Response Site::Api(std::string_view name, const Target& target)
{
    if (name == "config") {
        const auto config = m_published.Config();
        return Json(config ? *config : m_options.config_json);
    }
    const auto sections = m_published.AllSections();
    if (const auto section = sections->find(name); section != sections->end()) return Json(section->second);

    const auto snapshot = m_published.Snapshot();
    if (!snapshot) return ErrorResponse(503, "not_ready", "nothing was seen yet: a second more");
    if (name == "snapshot" || name == "nodes" || name == "losses") {
        if (const auto unknown = UnknownParameter(target, {}); !unknown.empty())
            return BadQuery(fmt::format("{} has no parameter {}", name, util::Quoted(unknown)));
        if (name == "snapshot") return Json(SnapshotJson(*snapshot, m_catalogue, *sections, false));
        return Json(name == "nodes" ? NodesJson(*snapshot) : LossesJson(*snapshot, m_catalogue));
    }
    constexpr std::array<std::string_view, 7> OF_A_NODE{"peers", "blocks", "mempool", "utxo", "messages", "addr", "history"};
    if (name.starts_with("peers/") || std::ranges::find(OF_A_NODE, name) != OF_A_NODE.end()) return NodeApi(name, target, *snapshot);
    m_counters.Count(Reject::NotFound);
    return ErrorResponse(
        404, "not_found",
        fmt::format("no {} here; there are snapshot, nodes, peers, peers/ID, blocks, mempool, utxo, messages, addr, history, "
                    "losses, config, openapi.json{}",
                    util::Quoted(name), SectionNames(*sections)));
}

Response Site::NodeApi(std::string_view name, const Target& target, const state::Snapshot& snapshot)
{
    const std::string_view own{name == "peers" ? "closed" : name == "blocks" ? "limit" : name == "history" ? "since_utc_ms" : "node"};
    if (const auto unknown = UnknownParameter(target, {"node", own}); !unknown.empty())
        return BadQuery(fmt::format("{} has no parameter {}", name, util::Quoted(unknown)));
    const state::NodeSnapshot* const node{FindNode(snapshot, target)};
    if (!node) {
        const auto wanted = target.query.find("node");
        m_counters.Count(Reject::NotFound);
        return ErrorResponse(404, "no_such_node",
                             wanted == target.query.end() ? "no node was seen yet" :
                                                            fmt::format("no node {}", util::Quoted(wanted->second)));
    }
    if (name == "peers") {
        const auto closed = target.query.find("closed");
        const bool given{closed != target.query.end()};
        if (given && closed->second != "0" && closed->second != "1") return BadQuery("closed is 0 or 1");
        return Json(PeersJson(*node, given && closed->second == "1"));
    }
    if (name == "blocks") {
        const auto given = target.query.find("limit");
        const auto limit = given == target.query.end() ? std::optional<std::uint64_t>{DEFAULT_BLOCKS} : ParseNumber(given->second);
        if (!limit || *limit == 0 || *limit > state::NodeSnapshot::MAX_BLOCKS)
            return BadQuery(fmt::format("limit is a number from 1 to {}", state::NodeSnapshot::MAX_BLOCKS));
        return Json(BlocksJson(*node, *limit));
    }
    if (name == "mempool") return Json(MempoolJson(*node));
    if (name == "utxo") return Json(UtxoJson(*node));
    if (name == "messages") return Json(MessagesJson(*node));
    if (name == "addr") return Json(AddrJson(*node));
    if (name == "history") {
        const auto given = target.query.find("since_utc_ms");
        const auto since = given == target.query.end() ? std::optional<std::uint64_t>{0} : ParseNumber(given->second);
        constexpr std::uint64_t LATEST_MS{std::numeric_limits<std::int64_t>::max() / 1'000'000};
        if (!since || *since > LATEST_MS) return BadQuery("since_utc_ms is a time in milliseconds since 1970, without a fraction");
        return Json(HistoryJson(*node, static_cast<std::int64_t>(*since * 1'000'000)));
    }

    const std::string_view text{name.substr(std::string_view{"peers/"}.size())};
    const auto id = ParseNumber(text);
    if (!id || *id > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return BadQuery("a peer's id is a number");
    std::string peer{PeerJson(*node, static_cast<std::int64_t>(*id))};
    if (!peer.empty()) return Json(std::move(peer));
    m_counters.Count(Reject::NotFound);
    return ErrorResponse(404, "no_such_peer", fmt::format("no peer {}: it was never seen, or closed long ago", *id));
}

std::shared_ptr<const SnapshotFrame> Site::Frame()
{
    auto [snapshot, positions] = m_published.SnapshotAndPositions();
    if (!snapshot) return nullptr;
    if (snapshot != m_framed) {
        m_framed = std::move(snapshot);
        std::string json{R"(,"snapshot":)"};
        json += SnapshotJson(*m_framed, m_catalogue, *m_published.AllSections(), true);
        json += '}';
        m_frame = std::make_shared<const SnapshotFrame>(SnapshotFrame{std::move(json), std::move(positions), ++m_frames});
        Counters::Add(m_counters.snapshots);
    }
    return m_frame;
}

} // namespace coretap::web
