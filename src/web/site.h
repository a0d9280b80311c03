// What there is to see: from a request to a response. Knows nothing of sockets. The server's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "event/catalogue.h"
#include "web/assets.h"
#include "web/guard.h"
#include "web/http.h"
#include "web/published.h"
#include "web/server.h"
#include "web/stats.h"

namespace coretap::web {

/** What WebSocket clients get of a snapshot. */
struct SnapshotFrame {
    std::string json; //!< `,"snapshot":{...}}`
    StreamPositions positions;
    std::uint64_t number{0}; //!< from 1
};

/** Requests of one address are counted by kind, so that one kind does not use up what another needs. */
enum class Budget : std::uint8_t {
    Answers,
    Metrics, //!< whoever asks much of the rest shall not keep Prometheus away
    Refused, //!< anybody can send those, also other sites' pages in a browser of this machine
};
inline constexpr std::size_t BUDGETS{3};

class Site {
    const ServerOptions& m_options;
    const event::Catalogue& m_catalogue;
    const Published& m_published;
    Counters& m_counters;
    Guard m_guard;
    TokenBucket m_controls;

    // the WebSocket's snapshot, once for all clients
    std::shared_ptr<const state::Snapshot> m_framed;
    std::shared_ptr<const SnapshotFrame> m_frame;
    std::uint64_t m_frames{0};

public:
    Site(const ServerOptions& options, const event::Catalogue& catalogue, const Published& published, Counters& counters);

    /** Who may ask from now on. */
    void SetGuard(Guard guard) { m_guard = std::move(guard); }
    /** Whether the request would change a replay: with RefuseControl() and Control() instead of Answer(). */
    static bool IsControl(const Request& request);
    /** Whether its body may be sent at all, before it is read: nothing, or the refusal. */
    std::optional<Response> RefuseControl(const Request& request);
    Response Control(std::string_view body);

    /** Which budget a request is charged to. */
    Budget BudgetOf(const Request& request) const;
    /** Everything else but /ws. Rejects are counted. */
    Response Answer(const Request& request);
    /** Whether a WebSocket may be opened with this request: nothing, or the refusal. */
    std::optional<Response> RefuseWebSocket(const Request& request);
    /** Whether the request is for /ws. */
    static bool IsWebSocket(const Request& request);
    /** Of what was published last; null if nothing was. */
    std::shared_ptr<const SnapshotFrame> Frame();

private:
    Response Refuse(Reject reason, unsigned status, std::string_view code, std::string_view message);
    std::optional<Response> CheckMethod(const Request& request);
    std::optional<Response> CheckRequest(const Request& request, const std::optional<Target>& target);
    bool MaySee(const Request& request, const Target& target) const;
    Response Unauthorized(const Request& request);
    Response Route(const Request& request, const Target& target);
    Response Api(std::string_view name, const Target& target);
    Response NodeApi(std::string_view name, const Target& target, const state::Snapshot& snapshot);
    Response Ready() const;
    Response Metrics(const Request& request) const;
    Response NotFound();
    Response BadQuery(std::string_view message);
};

} // namespace coretap::web
