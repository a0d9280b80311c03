// A running server, and a client that speaks as badly as a test wants: plain sockets, frames by hand.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "unit/event/event_fixture.h"
#include "util/fd.h"
#include "web/server.h"

namespace coretap::test {

using namespace std::chrono_literals;

struct Reply {
    int status{0}; //!< 0: the connection ended without a response
    std::map<std::string, std::string> headers;
    std::string body;
};

/** Bytes to and from a server. */
class Wire {
public:
    virtual ~Wire() = default;
    virtual bool Write(std::string_view bytes) = 0;
    /** Empty: ended, or nothing came in time. */
    virtual std::string Read(std::chrono::milliseconds patience) = 0;
};

class TcpWire final : public Wire {
    util::Fd m_fd;

public:
    explicit TcpWire(std::uint16_t port, int receive_buffer = 0)
    {
        m_fd.Reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (receive_buffer != 0) ::setsockopt(m_fd.Get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(m_fd.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) m_fd.Reset();
    }
    int Fd() const { return m_fd.Get(); }
    bool Write(std::string_view bytes) override
    {
        while (!bytes.empty()) {
            const ssize_t n{::send(m_fd.Get(), bytes.data(), bytes.size(), MSG_NOSIGNAL)};
            if (n <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(n));
        }
        return true;
    }
    std::string Read(std::chrono::milliseconds patience) override
    {
        pollfd wait{m_fd.Get(), POLLIN, 0};
        if (::poll(&wait, 1, static_cast<int>(patience.count())) <= 0) return {};
        std::string bytes(65536, '\0');
        const ssize_t n{::recv(m_fd.Get(), bytes.data(), bytes.size(), 0)};
        bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
        return bytes;
    }
};

/** An HTTP client. */
class Client {
    std::unique_ptr<Wire> m_wire;
    std::string m_buffer;

public:
    explicit Client(std::unique_ptr<Wire> wire) : m_wire{std::move(wire)} {}
    explicit Client(std::uint16_t port) : Client{std::make_unique<TcpWire>(port)} {}

    Wire& Raw() { return *m_wire; }
    std::string& Buffer() { return m_buffer; }
    bool Write(std::string_view bytes) { return m_wire->Write(bytes); }
    /** More bytes in the buffer; false: the end. */
    bool More(std::chrono::milliseconds patience = 5s)
    {
        const std::string bytes{m_wire->Read(patience)};
        m_buffer += bytes;
        return !bytes.empty();
    }

    Reply Read(bool head_only = false)
    {
        Reply reply;
        std::size_t end;
        while ((end = m_buffer.find("\r\n\r\n")) == std::string::npos) {
            if (!More()) return reply;
        }
        std::string_view head{std::string_view{m_buffer}.substr(0, end + 2)};
        reply.status = std::stoi(std::string{head.substr(9, 3)});
        head.remove_prefix(head.find("\r\n") + 2);
        while (!head.empty()) {
            const std::string_view line{head.substr(0, head.find("\r\n"))};
            head.remove_prefix(line.size() + 2);
            const std::size_t colon{line.find(": ")};
            reply.headers[std::string{line.substr(0, colon)}] = line.substr(colon + 2);
        }
        m_buffer.erase(0, end + 4);
        if (head_only || reply.status == 304 || reply.status == 101) return reply;
        const std::size_t length{std::stoul(reply.headers.at("Content-Length"))};
        while (m_buffer.size() < length) {
            if (!More()) return {};
        }
        reply.body = m_buffer.substr(0, length);
        m_buffer.erase(0, length);
        return reply;
    }

    Reply Get(std::string_view target, std::string_view headers = {}, std::string_view method = "GET")
    {
        Write(fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\n{}\r\n", method, target, headers));
        return Read(method == "HEAD");
    }
    /** Whether the server ends the connection within that time, whatever it says before. */
    bool Ends(std::chrono::milliseconds patience)
    {
        const auto until = std::chrono::steady_clock::now() + patience;
        while (std::chrono::steady_clock::now() < until) {
            if (!More(100ms)) {
                std::string probe{m_wire->Read(0ms)};
                if (!probe.empty()) continue;
                if (auto* tcp = dynamic_cast<TcpWire*>(m_wire.get())) {
                    char byte;
                    const ssize_t n{::recv(tcp->Fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT)};
                    if (n == 0 || (n < 0 && errno != EAGAIN)) return true;
                }
            }
        }
        return false;
    }
};

/** A WebSocket client. */
class WsClient {
    Client m_client;

public:
    Reply handshake;

    explicit WsClient(std::uint16_t port, std::string_view headers = {}, int receive_buffer = 0)
        : WsClient{std::make_unique<TcpWire>(port, receive_buffer), headers}
    {}
    WsClient(std::unique_ptr<Wire> wire, std::string_view headers) : m_client{std::move(wire)}
    {
        handshake = m_client.Get("/ws", fmt::format("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{}",
                                                    headers));
    }

    Client& Http() { return m_client; }
    bool Send(std::string_view text, std::uint8_t opcode = 1)
    {
        std::string frame{static_cast<char>(0x80 | opcode)};
        if (text.size() < 126) {
            frame += static_cast<char>(0x80 | text.size());
        } else {
            frame += static_cast<char>(0x80 | 126);
            frame += static_cast<char>(text.size() >> 8);
            frame += static_cast<char>(text.size() & 0xff);
        }
        frame += std::string(4, '\0'); // a mask that changes nothing
        frame += text;
        return m_client.Write(frame);
    }

    struct Frame {
        int opcode{-1}; //!< -1: nothing came, or the end
        std::string payload;
    };
    Frame ReadFrame(std::chrono::milliseconds patience = 5s)
    {
        std::string& buffer{m_client.Buffer()};
        const auto need = [&](std::size_t size) {
            while (buffer.size() < size) {
                if (!m_client.More(patience)) return false;
            }
            return true;
        };
        if (!need(2)) return {};
        std::size_t length{static_cast<unsigned char>(buffer[1])};
        std::size_t head{2};
        if (length >= 126) {
            const std::size_t bytes{length == 126 ? 2u : 8u};
            if (!need(2 + bytes)) return {};
            length = 0;
            for (std::size_t i{0}; i < bytes; ++i) length = length << 8 | static_cast<unsigned char>(buffer[2 + i]);
            head += bytes;
        }
        if (!need(head + length)) return {};
        Frame frame{buffer[0] & 0xf, buffer.substr(head, length)};
        buffer.erase(0, head + length);
        return frame;
    }
    /** The next message, passing over pings and pongs; null if there is none in time. */
    boost::json::value Read(std::chrono::milliseconds patience = 5s)
    {
        for (;;) {
            const Frame frame{ReadFrame(patience)};
            if (frame.opcode == 9 || frame.opcode == 10) continue;
            if (frame.opcode != 1) return nullptr;
            return boost::json::parse(frame.payload);
        }
    }
    /** The next message of that type. */
    boost::json::object ReadType(std::string_view type, std::chrono::milliseconds patience = 5s)
    {
        for (;;) {
            const boost::json::value value(Read(patience));
            if (value.is_null()) return {};
            if (std::string_view{value.at("type").as_string()} == type) return value.as_object();
        }
    }
    /** The code of the close frame that ends the connection; 0: it ended without. */
    int CloseCode(std::chrono::milliseconds patience = 5s)
    {
        for (;;) {
            const Frame frame{ReadFrame(patience)};
            if (frame.opcode == -1) return 0;
            if (frame.opcode != 8) continue;
            return static_cast<unsigned char>(frame.payload[0]) << 8 | static_cast<unsigned char>(frame.payload[1]);
        }
    }
};

/** Streams without limit of time: where others take the processor away, events would be left out. */
inline web::StreamsOptions AllTheTime()
{
    web::StreamsOptions options;
    options.max_time_share = 1e9;
    return options;
}

/** A server on a free port of loopback, its streams, and events for them. */
struct WebFixture {
    EventMaker maker;
    web::Streams streams;
    std::unique_ptr<web::Server> server;

    explicit WebFixture(web::ServerOptions options = {}, web::StreamsOptions stream_options = AllTheTime())
        : streams{maker.Catalogue(), stream_options}
    {
        options.port = 0;
        if (options.version.empty()) options.version = "1.2.3";
        auto started = web::Server::Start(std::move(options), streams);
        EXPECT_TRUE(started) << (started ? std::string{} : started.GetError().what);
        if (started) server = std::move(*started);
    }
    std::uint16_t Port() const { return server->Port(); }
    std::uint64_t Rejected(web::Reject reason) const { return server->Stats().rejected_total[static_cast<std::size_t>(reason)]; }

    /** Messages from peer 12, one batch. */
    void Emit(std::size_t count, const Change& change = {})
    {
        std::vector<event::Event> events;
        for (std::size_t i{0}; i < count; ++i) events.push_back(maker.Make(event::id::INBOUND_MESSAGE, change));
        ASSERT_TRUE(streams.Write(events));
    }
};

/** Waits for something that another thread brings about. */
template <class Condition>
bool Eventually(Condition condition, std::chrono::milliseconds patience = 5s)
{
    const auto until = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::sleep_for(5ms);
    }
    return true;
}

} // namespace coretap::test
