#include "app/service.h"

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace coretap::app {
namespace {

std::string TakeFromEnvironment(const char* name)
{
    const char* const value{std::getenv(name)};
    std::string text{value == nullptr ? "" : value};
    ::unsetenv(name);
    return text;
}

long long NumberOf(const std::string& text)
{
    long long number{0};
    const auto [end, error]{std::from_chars(text.data(), text.data() + text.size(), number)};
    return error == std::errc{} && end == text.data() + text.size() ? number : 0;
}

} // namespace

ServiceManager::ServiceManager()
{
    const std::string path{TakeFromEnvironment("NOTIFY_SOCKET")};
    const long long usec{NumberOf(TakeFromEnvironment("WATCHDOG_USEC"))};
    const std::string pid{TakeFromEnvironment("WATCHDOG_PID")};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() < 2 || path.size() >= sizeof(address.sun_path) || (path.front() != '/' && path.front() != '@')) return;
    std::memcpy(address.sun_path, path.data(), path.size());
    if (path.front() == '@') address.sun_path[0] = '\0'; // an abstract one
    util::Fd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    const auto size{static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size())};
    if (!socket || ::connect(socket.Get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return;
    m_socket = std::move(socket);
    if (usec > 0 && (pid.empty() || NumberOf(pid) == ::getpid())) m_watchdog = std::chrono::microseconds{usec};
}

void ServiceManager::Ready(std::string_view status) { Send("READY=1\nSTATUS=" + std::string{status}); }
void ServiceManager::Status(std::string_view status) { Send("STATUS=" + std::string{status}); }
void ServiceManager::Reloading()
{
    // the manager compares the time with that of its own request
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    Send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(static_cast<std::int64_t>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000));
}
void ServiceManager::Stopping() { Send("STOPPING=1\nSTATUS=stopping"); }

void ServiceManager::StillAlive(std::chrono::steady_clock::time_point now)
{
    const auto patience{Patience()};
    if (!patience || now < m_next) return;
    m_next = now + *patience;
    Send("WATCHDOG=1");
}

std::optional<std::chrono::microseconds> ServiceManager::Patience() const
{
    return m_watchdog.count() == 0 ? std::nullopt : std::optional{m_watchdog / 3};
}

void ServiceManager::Send(const std::string& text)
{
    if (m_socket)
        (void)::send(m_socket.Get(), text.data(), text.size(), MSG_NOSIGNAL); // a manager that does not listen is no reason to stop
}

} // namespace coretap::app
