#include "app/replay_control.h"

#include <algorithm>
#include <utility>

#include "web/json_writer.h"

namespace coretap::app {

ReplayControl::ReplayControl(archive::ReplaySource& source, state::Tracker& tracker, web::Streams& streams, ReplayControlOptions options)
    : m_source{source}, m_tracker{tracker}, m_streams{streams}, m_options{std::move(options)}
{
    m_state.at_utc_ns = m_state.since_utc_ns = m_options.from_utc_ns;
    m_state.speed = source.Speed();
    if (m_options.why_not_moved.empty()) source.StayAtEnd();
}

util::Result<std::string> ReplayControl::Post(const web::ReplayCommand& command)
{
    const std::lock_guard lock{m_mutex};
    if (!m_closed.empty()) return util::Error{util::Errc::Unsupported, m_closed};
    if (command.at_utc_ns && !m_options.why_not_moved.empty()) return util::Error{util::Errc::Unsupported, m_options.why_not_moved};
    if (command.paused) m_asked.paused = command.paused;
    if (command.speed) m_asked.speed = command.speed;
    if (command.at_utc_ns) m_asked.at_utc_ns = command.at_utc_ns;
    std::string json{Json()};
    m_options.publish(json);
    return json;
}

void ReplayControl::GoTo(std::int64_t utc_ns)
{
    const std::int64_t to{m_options.to_utc_ns.value_or(INT64_MAX)};
    // clients know times to the microsecond: the last one they can name is the end
    const bool to_end{utc_ns / 1000 >= to / 1000};
    utc_ns = to_end ? INT64_MAX : std::max(utc_ns, m_options.from_utc_ns);
    const archive::ReplaySource::Move move{m_source.GoTo(utc_ns, m_options.most_bytes)};
    if (move.anew) {
        m_tracker.Reset();
        m_state.since_utc_ns = move.since_utc_ns.value_or(m_options.from_utc_ns);
    }
    m_streams.SetQuiet(true);
    m_state.going_to_utc_ns = std::min(utc_ns, to);
}

bool ReplayControl::Apply()
{
    const std::lock_guard lock{m_mutex};
    const web::ReplayCommand asked{std::exchange(m_asked, {})};
    if (asked.speed) m_source.SetSpeed(*asked.speed);
    if (asked.paused) m_source.SetPaused(*asked.paused);
    if (asked.at_utc_ns) GoTo(*asked.at_utc_ns);
    bool news{asked.paused || asked.speed || asked.at_utc_ns};

    const bool there{m_state.going_to_utc_ns && !m_source.GoingTo()};
    if (there) {
        m_state.going_to_utc_ns.reset();
        ++m_state.moves;
        m_untold = news = true;
        m_streams.SetQuiet(false);
    }
    const std::int64_t position{m_source.PositionUtcNs().value_or(m_options.from_utc_ns)};
    if (Moving()) {
        m_state.come_to_utc_ns = position;
    } else {
        const bool ended{m_source.AtEnd() || !m_closed.empty()};
        news |= std::exchange(m_state.ended, ended) != ended;
        m_state.at_utc_ns = m_source.AtEnd() ? m_options.to_utc_ns.value_or(position) : position;
    }
    m_state.paused = m_source.Paused();
    m_state.speed = m_source.Speed();
    return news;
}

void ReplayControl::Publish()
{
    const std::lock_guard lock{m_mutex};
    m_options.publish(Json());
}

void ReplayControl::Shown()
{
    if (!std::exchange(m_untold, false)) return;
    std::string members;
    web::JsonWriter json{members};
    json.UtcMs("at_utc_ms", m_state.at_utc_ns);
    json.UtcMs("state_since_utc_ms", m_state.since_utc_ns);
    m_streams.Moved(members);
}

void ReplayControl::Close(std::string why)
{
    const std::lock_guard lock{m_mutex};
    m_closed = std::move(why);
}

std::string ReplayControl::Json() const
{
    State state{m_state};
    state.paused = m_asked.paused.value_or(state.paused);
    state.speed = m_asked.speed.value_or(state.speed);
    if (m_asked.at_utc_ns) {
        state.going_to_utc_ns = std::max(m_options.from_utc_ns, std::min(*m_asked.at_utc_ns, m_options.to_utc_ns.value_or(INT64_MAX)));
        state.come_to_utc_ns = m_options.from_utc_ns;
    }
    std::string text;
    web::JsonWriter json{text};
    json.Object([&] {
        json.UtcMs("from_utc_ms", m_options.from_utc_ns);
        json.UtcMs("to_utc_ms", m_options.to_utc_ns);
        json.UtcMs("at_utc_ms", state.at_utc_ns);
        json.UtcMs("state_since_utc_ms", state.since_utc_ns);
        json.Member("speed", state.speed);
        json.Member("paused", state.paused);
        json.Member("ended", state.ended);
        json.Member("movable", m_options.why_not_moved.empty() && m_closed.empty());
        json.Member("moves", state.moves);
        if (!state.going_to_utc_ns) return json.Key("moving").Null();
        json.Object("moving", [&] {
            json.UtcMs("to_utc_ms", state.going_to_utc_ns);
            json.UtcMs("come_to_utc_ms", state.come_to_utc_ns);
        });
    });
    return text;
}

} // namespace coretap::app
