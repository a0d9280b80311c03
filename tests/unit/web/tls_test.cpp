// TLS with a certificate made for the occasion.
#include <csignal>
#include <cstring>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "unit/web/web_fixture.h"

namespace coretap {
namespace {

using namespace std::chrono_literals;
using test::Client;
using test::Eventually;
using test::WebFixture;

template <auto FREE>
struct Free {
    template <class T>
    void operator()(T* pointer) const
    {
        FREE(pointer);
    }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;

template <class Write>
std::string Pem(Write write)
{
    const std::unique_ptr<BIO, Free<BIO_free>> bio{BIO_new(BIO_s_mem())};
    write(bio.get());
    char* text{nullptr};
    const auto size{BIO_get_mem_data(bio.get(), &text)};
    return {text, static_cast<std::size_t>(size)};
}

/** A self-signed certificate and its key. */
struct Certificate {
    std::string cert;
    std::string key;

    explicit Certificate(const std::string& name = "localhost", const char* password = nullptr)
    {
        const Key pair{EVP_EC_gen("P-256")};
        const std::unique_ptr<X509, Free<X509_free>> x509{X509_new()};
        X509_set_version(x509.get(), 2);
        ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), 1);
        X509_gmtime_adj(X509_getm_notBefore(x509.get()), -60);
        X509_gmtime_adj(X509_getm_notAfter(x509.get()), 3600);
        X509_set_pubkey(x509.get(), pair.get());
        X509_NAME* const subject{X509_get_subject_name(x509.get())};
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
        X509_set_issuer_name(x509.get(), subject);
        X509_sign(x509.get(), pair.get(), EVP_sha256());
        cert = Pem([&](BIO* bio) { PEM_write_bio_X509(bio, x509.get()); });
        key = Pem([&](BIO* bio) {
            PEM_write_bio_PKCS8PrivateKey(bio, pair.get(), password ? EVP_aes_256_cbc() : nullptr, password,
                                          password ? static_cast<int>(std::strlen(password)) : 0, nullptr, nullptr);
        });
    }
};

class TlsWire final : public test::Wire {
    test::TcpWire m_tcp;
    std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>> m_context{SSL_CTX_new(TLS_client_method())};
    std::unique_ptr<SSL, Free<SSL_free>> m_ssl;

public:
    bool connected{false};

    explicit TlsWire(std::uint16_t port, int max_version = 0) : m_tcp{port}
    {
        (void)std::signal(SIGPIPE, SIG_IGN); // OpenSSL writes to whoever has gone
        SSL_CTX_set_min_proto_version(m_context.get(), TLS1_VERSION);
        SSL_CTX_set_max_proto_version(m_context.get(), max_version);
        SSL_CTX_set_cipher_list(m_context.get(), "DEFAULT:@SECLEVEL=0");
        m_ssl.reset(SSL_new(m_context.get()));
        SSL_set_fd(m_ssl.get(), m_tcp.Fd());
        connected = SSL_connect(m_ssl.get()) == 1;
    }
    std::string Version() const { return SSL_get_version(m_ssl.get()); }
    std::string Name() const
    {
        const std::unique_ptr<X509, Free<X509_free>> peer{SSL_get1_peer_certificate(m_ssl.get())};
        char name[100]{};
        X509_NAME_get_text_by_NID(X509_get_subject_name(peer.get()), NID_commonName, name, sizeof(name));
        return name;
    }
    bool Write(std::string_view bytes) override { return SSL_write(m_ssl.get(), bytes.data(), static_cast<int>(bytes.size())) > 0; }
    std::string Read(std::chrono::milliseconds patience) override
    {
        pollfd wait{m_tcp.Fd(), POLLIN, 0};
        if (SSL_pending(m_ssl.get()) == 0 && ::poll(&wait, 1, static_cast<int>(patience.count())) <= 0) return {};
        std::string bytes(16384, '\0');
        const int n{SSL_read(m_ssl.get(), bytes.data(), static_cast<int>(bytes.size()))};
        bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
        return bytes;
    }
};

web::ServerOptions With(const Certificate& certificate)
{
    web::ServerOptions options;
    options.tls_certificate = certificate.cert;
    options.tls_key = certificate.key;
    options.limits.header_timeout = 500ms;
    return options;
}

TEST(Tls, HandshakesOfAnAddressAreLimited)
{
    const Certificate certificate{"limited"};
    web::ServerOptions options{With(certificate)};
    options.limits.handshakes_per_s = 0.001;
    options.limits.handshakes_burst = 3;
    WebFixture f{options};
    for (int i{0}; i < 3; ++i) EXPECT_TRUE(TlsWire{f.Port()}.connected);
    EXPECT_FALSE(TlsWire{f.Port()}.connected);
    EXPECT_EQ(f.Rejected(web::Reject::TooManyOfAddress), 1u);
}

TEST(Tls, ServesPagesAndSockets)
{
    const Certificate certificate;
    WebFixture f{With(certificate)};
    EXPECT_TRUE(f.server->Url().starts_with("https://127.0.0.1:"));
    auto wire = std::make_unique<TlsWire>(f.Port());
    ASSERT_TRUE(wire->connected);
    EXPECT_EQ(wire->Version(), "TLSv1.3");
    Client client{std::move(wire)};
    const test::Reply reply{client.Get("/")};
    EXPECT_EQ(reply.status, 200);
    EXPECT_FALSE(reply.headers.contains("Strict-Transport-Security")) << "it would be for all ports of this host";
    EXPECT_EQ(client.Get("/healthz").status, 200);

    test::WsClient socket{std::make_unique<TlsWire>(f.Port(), TLS1_2_VERSION), "Origin: https://localhost\r\n"};
    ASSERT_EQ(socket.handshake.status, 101);
    socket.Send(R"({"type":"subscribe","snapshot":false})");
    EXPECT_EQ(socket.Read().at("type").as_string(), "hello");
    std::size_t events{0};
    for (std::size_t sent{100}; sent <= 1000; sent += 100) {
        f.Emit(100); // not all at once: on a slow machine that takes longer than clients are worth
        while (events < sent) {
            const auto frame = socket.Read();
            ASSERT_TRUE(frame.is_object());
            events += frame.at("events").as_array().size();
        }
    }
    EXPECT_EQ(events, 1000u);
}

TEST(Tls, OldVersionsAndOtherProtocolsAreRefused)
{
    const Certificate certificate;
    WebFixture f{With(certificate)};
    EXPECT_FALSE(TlsWire(f.Port(), TLS1_1_VERSION).connected);
    Client plain{f.Port()};
    plain.Write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_TRUE(plain.Ends(2s));
    Client silent{f.Port()};
    EXPECT_TRUE(silent.Ends(2s));
    EXPECT_TRUE(Eventually([&] { return f.Rejected(web::Reject::TlsHandshake) == 3; }));
}

TEST(Tls, TheKeyMustBelongToTheCertificate)
{
    const Certificate one;
    const Certificate other;
    web::ServerOptions options{With(one)};
    options.tls_key = other.key;
    options.port = 0;
    const event::Catalogue catalogue;
    web::Streams streams{catalogue};
    const auto started = web::Server::Start(options, streams);
    ASSERT_FALSE(started);
    EXPECT_THAT(started.GetError().what, testing::HasSubstr("the TLS key is not that of the certificate"));
}

TEST(Tls, AKeyWithAPasswordIsRefusedAndNotAskedFor)
{
    const Certificate locked{"localhost", "secret"};
    web::ServerOptions options{With(locked)};
    const auto checked = web::Server::Check(options);
    ASSERT_FALSE(checked);
    EXPECT_THAT(checked.GetError().what, testing::HasSubstr("the TLS key is of no use"));
}

TEST(Tls, AnotherCertificateIsForNewConnections)
{
    const Certificate old{"old"}, fresh{"fresh"}, stray;
    WebFixture f{With(old)};
    auto wire = std::make_unique<TlsWire>(f.Port());
    EXPECT_EQ(wire->Name(), "old");
    Client client{std::move(wire)};
    EXPECT_EQ(client.Get("/").status, 200);

    web::Access access;
    access.tls_certificate = fresh.cert;
    access.tls_key = stray.key;
    EXPECT_FALSE(f.server->Change(access));
    EXPECT_EQ(TlsWire(f.Port()).Name(), "old") << "an error changes nothing";
    access.tls_key = fresh.key;
    ASSERT_TRUE(f.server->Change(access));
    EXPECT_TRUE(Eventually([&] { return TlsWire(f.Port()).Name() == "fresh"; }));
    EXPECT_EQ(client.Get("/").status, 200) << "who was there stays";

    ASSERT_TRUE(f.server->Change({}));
    EXPECT_TRUE(f.server->Url().starts_with("http://"));
    EXPECT_TRUE(Eventually([&] { return Client{f.Port()}.Get("/").status == 200; }));
}

} // namespace
} // namespace coretap
