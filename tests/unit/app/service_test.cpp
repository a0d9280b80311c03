// The words to a service manager.
#include <cstddef>
#include <cstdlib>
#include <string>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/service.h"
#include "util/fd.h"

namespace coretap {
namespace {

using namespace std::chrono_literals;

class Service : public testing::Test {
protected:
    util::Fd m_manager{::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    const std::string m_name{"coretap-service-test-" + std::to_string(::getpid())};

    void SetUp() override
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        m_name.copy(address.sun_path + 1, m_name.size()); // abstract: nothing is left behind
        const auto size{static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + m_name.size())};
        ASSERT_EQ(::bind(m_manager.Get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
        ::setenv("NOTIFY_SOCKET", ("@" + m_name).c_str(), 1);
    }
    void TearDown() override
    {
        for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
    }
    std::string Said()
    {
        std::string text(1000, '\0');
        const ssize_t size{::recv(m_manager.Get(), text.data(), text.size(), 0)};
        text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
        return text;
    }
};

TEST_F(Service, IsToldAndTheEnvironmentIsNotPassedOn)
{
    ::setenv("WATCHDOG_USEC", "3000000", 1);
    app::ServiceManager service;
    EXPECT_EQ(std::getenv("NOTIFY_SOCKET"), nullptr);
    EXPECT_EQ(std::getenv("WATCHDOG_USEC"), nullptr);
    service.Ready("well");
    EXPECT_EQ(Said(), "READY=1\nSTATUS=well");
    service.Stopping();
    EXPECT_EQ(Said(), "STOPPING=1\nSTATUS=stopping");
}

TEST_F(Service, IsToldOfAReload)
{
    app::ServiceManager service;
    const auto now = [] {
        return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch());
    };
    const auto before{now()};
    service.Reloading();
    const std::string said{Said()}, expected{"RELOADING=1\nMONOTONIC_USEC="};
    ASSERT_TRUE(said.starts_with(expected)) << said;
    const std::chrono::microseconds at{std::stoll(said.substr(expected.size()))};
    EXPECT_GE(at, before);
    EXPECT_LE(at, now());
}

TEST_F(Service, IsGivenASignOfLifeWhenOneIsDue)
{
    ::setenv("WATCHDOG_USEC", "3000000", 1);
    ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
    app::ServiceManager service;
    EXPECT_EQ(service.Patience(), 1s);
    const auto start{std::chrono::steady_clock::now()};
    service.StillAlive(start);
    EXPECT_EQ(Said(), "WATCHDOG=1");
    service.StillAlive(start + 900ms);
    EXPECT_EQ(Said(), "");
    service.StillAlive(start + 1s);
    EXPECT_EQ(Said(), "WATCHDOG=1");
}

TEST_F(Service, DoesNotWatchWhoWasNotMeant)
{
    ::setenv("WATCHDOG_USEC", "3000000", 1);
    ::setenv("WATCHDOG_PID", "1", 1);
    app::ServiceManager service;
    EXPECT_EQ(service.Patience(), std::nullopt);
    service.StillAlive();
    EXPECT_EQ(Said(), "");
}

TEST_F(Service, MayBeAbsentOrGone)
{
    ::setenv("NOTIFY_SOCKET", "relative", 1);
    app::ServiceManager{}.Ready("nobody hears");
    ::setenv("NOTIFY_SOCKET", ("/" + std::string(200, 'x')).c_str(), 1);
    app::ServiceManager{}.Ready("nobody hears");
    EXPECT_EQ(Said(), "");
    ::setenv("NOTIFY_SOCKET", ("@" + m_name).c_str(), 1);
    app::ServiceManager service;
    m_manager.Reset();
    service.Ready("nobody hears"); // and nobody dies
}

} // namespace
} // namespace coretap
