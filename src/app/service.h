// What a service tells the manager that started it (systemd's sd_notify protocol: datagrams on a socket named by NOTIFY_SOCKET).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "util/fd.h"

namespace coretap::app {

/** Does nothing where no manager waits for it. One thread. */
class ServiceManager {
    util::Fd m_socket;
    std::chrono::microseconds m_watchdog{0};
    std::chrono::steady_clock::time_point m_next{};

public:
    /**
     * From NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, which are taken out of the environment: they are not for children. Connects,
     * so that privileges may be given up afterwards.
     */
    ServiceManager();

    /** It serves now. `status` is for people, one line. */
    void Ready(std::string_view status);
    void Status(std::string_view status);
    /** The configuration is read anew; Ready() says that it was. */
    void Reloading();
    void Stopping();
    /** At least as often as Patience() says; sends only when due. What does not come here hangs, and is started anew by the manager. */
    void StillAlive(std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now());
    /** Between two signs of life at most; nothing if none are asked for. */
    std::optional<std::chrono::microseconds> Patience() const;

private:
    void Send(const std::string& text);
};

} // namespace coretap::app
