// An RPC server that answers as a test wants it, over plain sockets. And a folder that is gone afterwards.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/fd.h"

namespace coretap::poll_test {

struct Request {
    std::string head;
    std::string body;
    bool Has(std::string_view text) const { return head.find(text) != std::string::npos; }
};

struct Reply {
    std::string bytes;
    bool close{false};                //!< after sending
    std::chrono::milliseconds wait{}; //!< before sending
    bool endless{false};              //!< send `bytes` again and again
};

inline Reply Http(int status, std::string_view body, std::string_view more_headers = "")
{
    return {"HTTP/1.1 " + std::to_string(status) + " Words\r\nContent-Type: application/json\r\n" + std::string{more_headers} +
            "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string{body}};
}

/** Method -> its result as JSON text. */
using Results = std::map<std::string, std::string>;

inline boost::json::object OneAnswer(const boost::json::value& request, const Results& results)
{
    const auto found{results.find(std::string{request.at("method").as_string()})};
    if (found == results.end()) {
        return {{"result", nullptr}, {"error", {{"code", -32601}, {"message", "Method not found"}}}, {"id", request.at("id")}};
    }
    return {{"result", boost::json::parse(found->second)}, {"error", nullptr}, {"id", request.at("id")}};
}

/** As Bitcoin Core answers: a single error is an HTTP status, one in a batch is not. */
inline Reply Answer(const Request& request, const Results& results)
{
    const boost::json::value body = boost::json::parse(request.body);
    if (body.is_array()) {
        boost::json::array all;
        for (const auto& one : body.as_array()) all.emplace_back(OneAnswer(one, results));
        return Http(200, boost::json::serialize(all));
    }
    const auto answer{OneAnswer(body, results)};
    return Http(answer.at("error").is_null() ? 200 : 404, boost::json::serialize(answer) + "\n");
}

class FakeRpc {
    util::Fd m_listener;
    std::uint16_t m_port{0};
    std::function<Reply(const Request&)> m_handler;
    std::atomic<bool> m_stop{false};
    std::mutex m_mutex;
    std::vector<Request> m_requests;
    std::atomic<int> m_connections{0};
    std::thread m_thread;

public:
    explicit FakeRpc(std::function<Reply(const Request&)> handler, std::uint16_t port = 0) : m_handler{std::move(handler)}
    {
        m_listener = util::Fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        const int on{1};
        ::setsockopt(m_listener.Get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size{sizeof(address)};
        EXPECT_EQ(0, ::bind(m_listener.Get(), reinterpret_cast<sockaddr*>(&address), size));
        EXPECT_EQ(0, ::listen(m_listener.Get(), 8));
        ::getsockname(m_listener.Get(), reinterpret_cast<sockaddr*>(&address), &size);
        m_port = ntohs(address.sin_port);
        m_thread = std::thread{[this] { Run(); }};
    }
    ~FakeRpc()
    {
        m_stop = true;
        m_thread.join();
    }
    FakeRpc(const FakeRpc&) = delete;
    FakeRpc& operator=(const FakeRpc&) = delete;

    std::uint16_t Port() const { return m_port; }
    int Connections() const { return m_connections; }
    std::vector<Request> Requests()
    {
        const std::lock_guard lock{m_mutex};
        return m_requests;
    }
    /** How often a method was asked, in batches or not. */
    std::size_t Asked(const std::string& method)
    {
        std::size_t count{0};
        for (const Request& request : Requests()) {
            for (std::size_t at{0}; (at = request.body.find('"' + method + '"', at)) != std::string::npos; ++at) ++count;
        }
        return count;
    }

private:
    bool Readable(int fd)
    {
        while (!m_stop) {
            pollfd look{fd, POLLIN, 0};
            if (::poll(&look, 1, 10) > 0) return true;
        }
        return false;
    }
    void Run()
    {
        while (Readable(m_listener.Get())) {
            const util::Fd connection{::accept4(m_listener.Get(), nullptr, nullptr, SOCK_CLOEXEC)};
            ++m_connections;
            std::string buffer;
            while (ServeOne(connection.Get(), buffer)) {
            }
        }
    }
    bool ServeOne(int fd, std::string& buffer)
    {
        Request request;
        std::size_t need{std::string::npos};
        for (;;) {
            if (const std::size_t end{buffer.find("\r\n\r\n")}; end != std::string::npos && need == std::string::npos) {
                request.head = buffer.substr(0, end);
                const std::size_t at{request.head.find("Content-Length: ")};
                need = end + 4 + std::stoul(request.head.substr(at + 16));
            }
            if (need != std::string::npos && buffer.size() >= need) break;
            char piece[4096];
            if (!Readable(fd)) return false;
            const ssize_t got{::recv(fd, piece, sizeof(piece), 0)};
            if (got <= 0) return false;
            buffer.append(piece, static_cast<std::size_t>(got));
        }
        request.body = buffer.substr(request.head.size() + 4, need - request.head.size() - 4);
        buffer.erase(0, need);
        {
            const std::lock_guard lock{m_mutex};
            m_requests.push_back(request);
        }
        const Reply reply{m_handler(request)};
        const auto until{std::chrono::steady_clock::now() + reply.wait};
        while (!m_stop && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(std::chrono::milliseconds{5});
        do {
            for (std::size_t sent{0}; sent < reply.bytes.size();) {
                const ssize_t part{::send(fd, reply.bytes.data() + sent, reply.bytes.size() - sent, MSG_NOSIGNAL)};
                if (part <= 0) return false;
                sent += static_cast<std::size_t>(part);
            }
        } while (reply.endless && !m_stop);
        return !reply.close;
    }
};

class TemporaryFolder {
    std::filesystem::path m_path;

public:
    TemporaryFolder()
    {
        std::string name{(std::filesystem::temp_directory_path() / "coretap-poll-XXXXXX").string()};
        EXPECT_NE(nullptr, ::mkdtemp(name.data()));
        m_path = name;
    }
    ~TemporaryFolder() { std::filesystem::remove_all(m_path); }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    std::string Path(const std::string& name = "") const { return name.empty() ? m_path.string() : (m_path / name).string(); }
    void Write(const std::string& name, std::string_view text, bool append = false) const
    {
        std::filesystem::create_directories((m_path / name).parent_path());
        std::ofstream{Path(name), append ? std::ios::binary | std::ios::app : std::ios::binary} << text;
    }
};

/** Whether it becomes true within ten seconds. */
inline bool Eventually(const std::function<bool()>& look)
{
    const auto until{std::chrono::steady_clock::now() + std::chrono::seconds{10}};
    while (!look()) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    return true;
}

} // namespace coretap::poll_test
