// WebSocket clients. Beast speaks the protocol; what is sent, and when, is decided here.
#include "web/websocket.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <fmt/format.h>

#include "util/text.h"
#include "web/subscription.h"

namespace coretap::web {
namespace {

namespace websocket = beast::websocket;
using Clock = std::chrono::steady_clock;

constexpr auto TOKEN = asio::as_tuple(asio::use_awaitable);
/** Events that go into one message, roughly. */
constexpr std::size_t FRAME_BYTES{128 << 10};
/** What the kernel may hold for a client: it is to be noticed soon that it does not read. */
constexpr int SEND_BUFFER_BYTES{256 << 10};

class Session final : public WebSocketSession, public std::enable_shared_from_this<Session> {
    Context& m_context;
    std::shared_ptr<Connection> m_connection;
    websocket::stream<ByteStream&, false> m_ws; // false: no permessage-deflate, which would double what is compiled
    beast::flat_buffer m_incoming;
    TokenBucket m_messages;
    TokenBucket m_controls; //!< pings and pongs

    WantSnapshots m_wanted{WantSnapshots::None};    //!< as the subscription says
    WantSnapshots m_snapshots{WantSnapshots::None}; //!< what of it is still to come
    bool m_snapshot_due{false};
    std::uint64_t m_snapshot_number{0};                //!< of the last that was sent
    std::unique_ptr<StreamCursor> m_cursor;            //!< null if no events are wanted
    std::uint64_t m_moved_seq{0};                      //!< of the last message that the time was moved
    bool m_events_wait{false};                         //!< for the first snapshot, which says where they begin
    std::deque<std::string> m_control;                 //!< hellos and errors: as many as the client may send messages
    std::optional<websocket::close_code> m_close_with; //!< when m_control is sent
    bool m_open{false};                                //!< the handshake is done
    bool m_ending{false};

    // what is being sent
    bool m_writing{false};
    Clock::time_point m_writing_since{};
    bool m_cut_off{false};
    std::string m_prefix, m_suffix;
    std::shared_ptr<const SnapshotFrame> m_frame;
    StreamCursor::Taken m_taken;
    std::uint64_t m_sampled_out_before{0}, m_dropped_before{0}; //!< not told yet
    std::vector<asio::const_buffer> m_buffers;

public:
    Session(Context& context, std::shared_ptr<Connection> connection)
        : m_context{context},
          m_connection{std::move(connection)},
          m_ws{m_connection->stream},
          m_messages{context.options.limits.messages_burst, Clock::now()},
          m_controls{m_messages}
    {
        m_context.sessions.insert(this);
        Counters::Add(m_context.counters.websockets);
        Counters::Add(m_context.counters.websockets_total);
    }
    ~Session() override
    {
        m_context.sessions.erase(this);
        Counters::Sub(m_context.counters.websockets);
    }

    asio::awaitable<void> Run(const beast::http::request<beast::http::empty_body>& request)
    {
        const Limits& limits{m_context.options.limits};
        m_connection->stream.ExpiresNever(); // Beast's WebSocket has timers of its own
        error_code ignored;
        m_connection->stream.Socket().set_option(asio::socket_base::send_buffer_size{SEND_BUFFER_BYTES}, ignored);
        websocket::stream_base::timeout timeout{};
        timeout.handshake_timeout = limits.header_timeout;
        timeout.idle_timeout = limits.idle_timeout;
        timeout.keep_alive_pings = true;
        m_ws.set_option(timeout);
        m_ws.set_option(websocket::stream_base::decorator{
            [](websocket::response_type& response) { response.set(beast::http::field::server, "coretap"); }});
        m_ws.read_message_max(limits.message_bytes);
        m_connection->stream.LimitReading(limits.websocket_bytes_per_s); // frames need have no content
        m_ws.control_callback([this](websocket::frame_type type, beast::string_view) { OnControl(type); });
        m_ws.auto_fragment(false); // else it copies
        m_ws.text(true);

        if (const auto [error] = co_await m_ws.async_accept(request, TOKEN); error) {
            m_context.counters.Count(Reject::BadRequest);
            co_return;
        }
        m_open = true;
        if (m_close_with) End(*m_close_with); // in the meantime
        for (;;) {
            m_incoming.clear();
            const auto [error, size] = co_await m_ws.async_read(m_incoming, TOKEN);
            if (error) {
                if (!m_cut_off) CountEnd(error);
                break;
            }
            OnMessage({static_cast<const char*>(m_incoming.data().data()), m_incoming.size()});
        }
        m_cursor.reset();
        m_ending = true; // nothing more is sent
    }

    void Pump() override
    {
        if (!m_open || m_writing || m_ending) return;
        if (!m_control.empty()) {
            m_prefix = std::move(m_control.front());
            m_control.pop_front();
            m_buffers.assign({asio::buffer(m_prefix)});
        } else if (m_close_with) {
            End(*m_close_with);
            return;
        } else if (!(m_snapshot_due && TakeSnapshot()) && !(m_cursor && !m_events_wait && TakeEvents())) {
            return;
        }
        m_writing = true;
        m_writing_since = Clock::now();
        m_ws.async_write(m_buffers, [self = shared_from_this()](error_code error, std::size_t sent) { self->OnWritten(error, sent); });
    }

    void OnPublished() override
    {
        if (m_snapshots == WantSnapshots::None) return;
        m_snapshot_due = true;
        Pump();
    }

    void Sweep(Clock::time_point now) override
    {
        if (m_writing && now - m_writing_since >= m_context.options.limits.write_timeout) CutOff(Reject::SlowReader);
    }

    void GoAway() override
    {
        m_close_with = websocket::close_code::going_away;
        if (m_open) End(*m_close_with); // else once it is: Beast is still writing the handshake
    }

private:
    /** At once, without goodbye. */
    void CutOff(Reject reason)
    {
        if (!std::exchange(m_cut_off, true)) m_context.counters.Count(reason);
        m_connection->stream.Close();
    }

    void OnControl(websocket::frame_type type)
    {
        const Limits& limits{m_context.options.limits};
        if (type != websocket::frame_type::close && !m_controls.Take(limits.messages_per_s, limits.messages_burst, Clock::now()))
            CutOff(Reject::RateLimited);
    }

    void End(websocket::close_code code)
    {
        if (m_ending) return;
        m_ending = true;
        m_ws.async_close(websocket::close_reason{code}, [self = shared_from_this()](error_code) {});
    }

    void CountEnd(error_code error)
    {
        if (error == beast::error::timeout) {
            m_context.counters.Count(Reject::PingTimeout);
        } else if (error != websocket::error::closed &&
                   error.category() == websocket::make_error_code(websocket::error::closed).category()) {
            m_context.counters.Count(Reject::BadFrame);
        }
    }

    void OnWritten(error_code error, std::size_t sent)
    {
        m_writing = false;
        Counters::Add(m_context.counters.sent_bytes, sent);
        m_frame.reset();
        m_taken = {};
        if (!error) Pump(); // else the read ends with an error too
    }

    /** A snapshot into m_buffers. False if there is none that knows the subscription yet. */
    bool TakeSnapshot()
    {
        auto frame = m_context.site.Frame();
        if (!frame) return false;
        const auto seq = m_cursor ? m_cursor->SeqAt(frame->positions) : std::nullopt;
        if (m_cursor && !seq) return false;
        if (seq && *seq < m_moved_seq) return false; // of the time before
        m_snapshot_due = false;
        if (std::exchange(m_snapshot_number, frame->number) == frame->number) return false; // it came while it was being published
        if (std::exchange(m_events_wait, false)) m_cursor->MoveTo(frame->positions);
        m_frame = std::move(frame);
        if (m_snapshots == WantSnapshots::First) m_snapshots = WantSnapshots::None;
        m_prefix = R"({"type":"snapshot","seq":)";
        m_prefix += seq ? fmt::to_string(*seq) : "null";
        m_buffers.assign({asio::buffer(m_prefix), asio::buffer(m_frame->json)});
        return true;
    }

    /** Events into m_buffers, straight from the chunks that all clients share. False if there is nothing new. */
    bool TakeEvents()
    {
        m_taken = m_cursor->Take(FRAME_BYTES);
        if (m_taken.chunks.empty()) return false;
        if (m_taken.moved) { // whoever wants to know how things stand wants to know it anew
            m_snapshots = m_wanted;
            m_snapshot_due = m_snapshots != WantSnapshots::None;
            m_moved_seq = m_taken.chunks.front()->first_seq;
            m_sampled_out_before += m_taken.sampled_out;
            m_dropped_before += m_taken.dropped;
            m_buffers.assign({asio::buffer(m_taken.chunks.front()->json)});
            return true;
        }
        m_prefix = R"({"type":"events","events":[)";
        m_suffix = fmt::format(R"(],"sampled_out":{},"dropped":{}}})", std::exchange(m_sampled_out_before, 0) + m_taken.sampled_out,
                               std::exchange(m_dropped_before, 0) + m_taken.dropped);
        m_buffers.assign({asio::buffer(m_prefix)});
        std::size_t skip{m_taken.skip};
        for (const auto& chunk : m_taken.chunks) {
            if (m_buffers.size() > 1) m_buffers.push_back(asio::buffer(",", 1));
            m_buffers.emplace_back(asio::buffer(chunk->json) + chunk->starts[skip]);
            skip = 0;
        }
        m_buffers.emplace_back(asio::buffer(m_suffix));
        return true;
    }

    void Say(std::string text)
    {
        m_control.push_back(std::move(text));
        Pump();
    }

    void Complain(std::string_view code, std::string_view message)
    {
        std::string text{R"({"type":"error","code":)"};
        util::AppendJsonString(text, code);
        text += R"(,"message":)";
        util::AppendJsonString(text, message);
        text += '}';
        Say(std::move(text));
    }

    /** An error that ends the connection. */
    void Expel(Reject reason, websocket::close_code code, std::string_view message)
    {
        m_context.counters.Count(reason);
        m_close_with = code;
        m_cursor.reset();
        m_snapshots = WantSnapshots::None;
        Complain(ToString(reason), message);
    }

    void OnMessage(std::string_view text)
    {
        if (m_close_with) return;
        const Limits& limits{m_context.options.limits};
        if (!m_messages.Take(limits.messages_per_s, limits.messages_burst, Clock::now()))
            return Expel(Reject::RateLimited, websocket::close_code::policy_error, "too many messages");
        if (!m_ws.got_text()) return Expel(Reject::BadFrame, websocket::close_code::unknown_data, "messages are text");
        auto subscription = ParseSubscription(text, m_context.streams.Catalogue());
        if (!subscription) {
            m_context.counters.Count(Reject::BadMessage);
            return Complain("bad_message", subscription.GetError().what);
        }
        Follow(*subscription);
        Pump();
    }

    void Follow(const Subscription& subscription)
    {
        m_cursor.reset(); // makes room for the new one
        m_events_wait = false;
        m_sampled_out_before = m_dropped_before = 0;
        m_moved_seq = 0;
        m_snapshots = m_wanted = subscription.snapshots;
        m_snapshot_number = 0;
        m_snapshot_due = m_snapshots != WantSnapshots::None;
        Streams::Followed followed;
        if (subscription.events) {
            auto result = m_context.streams.Follow(subscription);
            if (!result) return Complain("too_many_subscriptions", result.GetError().what); // snapshots come all the same
            followed = std::move(*result);
            m_cursor = std::move(followed.cursor);
            if (m_snapshot_due && !subscription.resume_after) {
                m_events_wait = true; // those that come are those that are not in the snapshot
                if (const auto frame = m_context.site.Frame()) m_cursor->MoveTo(frame->positions);
            }
        }
        std::string hello{R"({"type":"hello","version":)"};
        util::AppendJsonString(hello, m_context.options.version);
        hello += fmt::format(R"(,"seq":{},"resumed":{},"missed":{}}})", m_cursor ? fmt::to_string(m_cursor->Seq()) : "null",
                             followed.resumed, followed.missed ? fmt::to_string(*followed.missed) : "null");
        m_control.push_back(std::move(hello));
    }
};

} // namespace

asio::awaitable<void> ServeWebSocket(Context& context, std::shared_ptr<Connection> connection,
                                     const beast::http::request<beast::http::empty_body>& request)
{
    const auto session = std::make_shared<Session>(context, std::move(connection));
    co_await session->Run(request);
}

} // namespace coretap::web
