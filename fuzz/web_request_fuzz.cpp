// What a client can say beyond what Beast reads: a line each for target, Host, Origin, Cookie, Accept-Encoding and If-None-Match; the rest
// is a WebSocket message, or the body that changes a replay.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include <strings.h>

#include "util/text.h"
#include "web/published.h"
#include "web/replay_command.h"
#include "web/site.h"
#include "web/subscription.h"

using namespace coretap;

namespace {

web::ServerOptions Options()
{
    web::ServerOptions options;
    options.token = "0123456789abcdef";
    options.hosts = {"node.example.org"};
    return options;
}

/** A recording is shown, and may be changed as often as the fuzzer can. */
web::ServerOptions WithReplay()
{
    web::ServerOptions options;
    options.limits.controls_burst = options.limits.controls_per_s = 1e15;
    options.control_replay = [](const web::ReplayCommand&) -> util::Result<std::string> { return std::string{"{}"}; };
    return options;
}

/** Two nodes, one of them with a peer. */
std::shared_ptr<const state::Snapshot> Snapshot()
{
    auto node = std::make_shared<state::NodeSnapshot>();
    node->identity.label = "main";
    node->identity.pid = 1;
    node->peers.resize(1);
    auto snapshot = std::make_shared<state::Snapshot>();
    snapshot->nodes = {node, std::make_shared<state::NodeSnapshot>()};
    return snapshot;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static const event::Catalogue CATALOGUE;
    static const web::ServerOptions WITH_TOKEN{Options()};
    static const web::ServerOptions OPEN{};
    static web::Published published;
    static web::Counters counters;
    static web::Site site{OPEN, CATALOGUE, published, counters};
    static const web::ServerOptions CONTROLLED{WithReplay()};
    static web::Site controlled_site{CONTROLLED, CATALOGUE, published, counters};
    static web::Site closed_site{WITH_TOKEN, CATALOGUE, published, counters};
    if (!published.Snapshot()) published.SetSnapshot(Snapshot(), {});

    std::string_view text{reinterpret_cast<const char*>(data), size};
    const auto next_line = [&text] {
        const std::string_view line{text.substr(0, text.find('\n'))};
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        return std::string{line};
    };
    web::Request request;
    request.method = "GET";
    request.target = next_line();
    request.host = next_line();
    request.origin = next_line();
    request.cookie = next_line();
    request.accept_encoding = next_line();
    request.if_none_match = next_line();
    request.local_address = "192.0.2.5";
    const web::Response response{site.Answer(request)};
    if (!util::IsUtf8(web::Head(response, true))) std::abort();
    static_cast<void>(site.RefuseWebSocket(request));
    // without the token nothing is shown but this
    request.authorization = request.cookie;
    const unsigned status{closed_site.Answer(request).status};
    const auto target = web::ParseTarget(request.target);
    const bool open{target && (target->path == "/healthz" || target->path == "/readyz" || target->path == "/plain.css")};
    const bool knows{request.target.find("0123456789abcdef") != std::string::npos ||
                     request.cookie.find("0123456789abcdef") != std::string::npos || request.target.find('%') != std::string::npos};
    if (status == 200 && !open && !knows) std::abort();

    if (const auto subscription = web::ParseSubscription(text, CATALOGUE)) {
        if (subscription->key.empty() || subscription->max_events_per_s < 0) std::abort();
    }
    if (const auto command = web::ParseReplayCommand(text)) {
        if (!command->paused && !command->speed && !command->at_utc_ns) std::abort();
        if (command->speed && !(std::isfinite(*command->speed) && *command->speed >= 0)) std::abort();
    }
    // only our own page, or no page at all, may send it, whatever the two names look like
    request.method = "POST";
    request.target = "/api/v1/replay";
    request.content_type = "application/json";
    if (!controlled_site.RefuseControl(request) && !request.origin.empty() &&
        (request.origin.size() <= request.host.size() || !request.origin.starts_with("http") ||
         ::strcasecmp(request.origin.c_str() + request.origin.size() - request.host.size(), request.host.c_str()) != 0))
        std::abort();
    return 0;
}
