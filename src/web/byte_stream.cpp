#include "web/byte_stream.h"

namespace coretap::web {
ByteStream::ByteStream(asio::ip::tcp::socket socket, asio::ssl::context* tls) : m_tcp{std::move(socket)}
{
    if (tls) m_tls.emplace(m_tcp, *tls);
}

ByteStream::~ByteStream() = default;

void ByteStream::ReadSome(const Some<asio::mutable_buffer>& to, ByteHandler handler)
{
    if (m_tls) {
        m_tls->async_read_some(to, std::move(handler));
    } else {
        m_tcp.async_read_some(to, std::move(handler));
    }
}

void ByteStream::WriteSome(const Some<asio::const_buffer>& from, ByteHandler handler)
{
    if (m_tls) {
        m_tls->async_write_some(from, std::move(handler));
    } else {
        m_tcp.async_write_some(from, std::move(handler));
    }
}

void ByteStream::Handshake(ByteHandler handler)
{
    m_tls->async_handshake(asio::ssl::stream_base::server, [handler = std::move(handler)](error_code error) mutable { handler(error, 0); });
}

void ByteStream::ReadBelow(asio::mutable_buffer to, ByteHandler handler) { m_tcp.async_read_some(to, std::move(handler)); }

} // namespace coretap::web
