// What the privileged attacher and the unprivileged reader say to each other, over a socket pair: a JSON object a
// message, descriptors beside it where needed.
#pragma once

#include <optional>
#include <vector>

#include <boost/json/object.hpp>

#include "util/fd.h"
#include "util/result.h"

namespace coretap::tracer {

struct Message {
    boost::json::object body;
    std::vector<util::Fd> fds;
};

/** One end of the pair. Keeps message boundaries. */
class Channel {
    util::Fd m_socket;

public:
    Channel() = default;
    explicit Channel(util::Fd socket) : m_socket{std::move(socket)} {}
    static util::Result<std::pair<Channel, Channel>> MakePair();

    int PollFd() const noexcept { return m_socket.Get(); }
    /** Fails when the other end is gone. */
    util::Result<> Send(const boost::json::object& body, const std::vector<int>& fds = {});
    /** The next message, or nothing if there is none now. Fails when the other end is gone. */
    util::Result<std::optional<Message>> Receive();
};

} // namespace coretap::tracer
