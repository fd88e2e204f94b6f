// A clear error for each thing that goes wrong on the way, and no crash.
#include "sextant/kube/client.h"
#include "tests/integration/kube/client/transport_fixture.h"
#include "tests/support/loopback.h"
#include "tests/support/temporary_directory.h"

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <format>
#include <string>

namespace sextant::kube {
namespace {

using std::chrono::hours;
using ::testing::AllOf;
using testing::CertificateAuthority;
using ::testing::HasSubstr;
using testing::HttpAnswer;
using testing::KeyPair;
using ::testing::StartsWith;

class TransportFailureTest : public TransportTest {
 protected:
  void ServeAs(const KeyPair& identity) {
    Serve(identity, [](Connection& connection) {
      while (connection.ReadRequest()) connection.Write(HttpAnswer(200, "{}"));
    });
  }
  // The version of TLS that a client and the server agree on when the client takes any.
  std::string NegotiatedWithoutLimits() const {
    namespace asio = boost::asio;
    asio::io_context io;
    asio::ssl::context tls(asio::ssl::context::tls_client);
    SSL_CTX_set_min_proto_version(tls.native_handle(), TLS1_VERSION);
    SSL_CTX_set_cipher_list(tls.native_handle(), "DEFAULT:@SECLEVEL=0");
    asio::ssl::stream<asio::ip::tcp::socket> stream(io, tls);
    const auto port = std::stoi(server_->Url().substr(server_->Url().rfind(':') + 1));
    stream.next_layer().connect(
        {asio::ip::address_v4::loopback(), static_cast<asio::ip::port_type>(port)});
    stream.handshake(asio::ssl::stream_base::client);
    return SSL_get_version(stream.native_handle());
  }
  // Answers with these bytes and closes.
  void ServeBytes(std::string bytes) {
    Serve([bytes = std::move(bytes)](Connection& connection) {
      if (connection.ReadRequest()) connection.Write(bytes);
    });
  }
  void ExpectUnavailable(const std::string& why) {
    const Error error = GetError();
    EXPECT_EQ(error.code, ErrorCode::kUnavailable);
    EXPECT_EQ(error.status, 0);
    EXPECT_THAT(error.message, AllOf(StartsWith(server_->Url()), HasSubstr(why)));
  }
};

TEST_F(TransportFailureTest, ExpiredServerCertificate) {
  ServeAs(authority_.Issue({.common_name = "server", .hosts = {"127.0.0.1"}},
                           {.begin = hours(-2), .end = hours(-1)}));
  Connect();
  ExpectUnavailable("the server's certificate is refused: certificate has expired");
}

TEST_F(TransportFailureTest, WrongAuthority) {
  ServeAnswer(HttpAnswer(200, "{}"));
  Config config = ServerConfig();
  config.authority = CertificateAuthority("another").Certificate();
  Connect(config);
  ExpectUnavailable("the server's certificate is refused: unable to get local issuer certificate");
}

TEST_F(TransportFailureTest, AuthoritiesOfTheSystemAreNotTrusted) {
  ServeAnswer(HttpAnswer(200, "{}"));
  InitializeTransport();
  const testing::TemporaryDirectory directory;
  const std::string file = directory.Write("system.pem", authority_.Certificate());
  setenv("SSL_CERT_FILE", file.c_str(), 1);
  Config config = ServerConfig();
  config.authority = CertificateAuthority("another").Certificate();
  Connect(config);
  ExpectUnavailable("the server's certificate is refused");
  setenv("SSL_CERT_FILE", "/nonexistent", 1);
}

TEST_F(TransportFailureTest, CertificateOfAnotherNameUnlessThatNameIsExpected) {
  ServeAs(authority_.Issue({.common_name = "server", .hosts = {"kubernetes.default.svc"}}));
  Connect();
  ExpectUnavailable("the server's certificate is refused: it is not for this server's name");
  Config config = ServerConfig();
  config.server_name = "kubernetes.default.svc";
  Connect(config);
  EXPECT_TRUE(Get());
}

TEST_F(TransportFailureTest, RefusedConnection) {
  Config config{.server = std::format("https://127.0.0.1:{}", testing::FreeLoopbackPorts(1)[0])};
  config.authority = authority_.Certificate();
  Connect(config);
  const Error error = GetError();
  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_THAT(error.message, AllOf(StartsWith(config.server), HasSubstr("connection refused")));
}

TEST_F(TransportFailureTest, UnknownHost) {
  Config config{.server = "https://no-such-host.invalid:6443"};
  config.authority = authority_.Certificate();
  Connect(config);
  const Error error = GetError();
  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_THAT(error.message, HasSubstr("Error resolving address"));
}

// What the server speaks is seen by a client that is content with it.
TEST_F(TransportFailureTest, TlsBelow12IsRefused) {
  Serve(authority_.Issue({.common_name = "server", .hosts = {"127.0.0.1"}}),
        [](Connection& connection) {
          while (connection.ReadRequest()) connection.Write(HttpAnswer(200, "{}"));
        },
        {.speaks_old_tls = true});
  EXPECT_EQ(NegotiatedWithoutLimits(), "TLSv1.1");
  Connect();
  ExpectUnavailable("Error in SSL handshake");
}

TEST_F(TransportFailureTest, ServerWithoutTls) {
  Serve(std::nullopt, [](Connection& connection) { connection.Write("SSH-2.0-OpenSSH\r\n"); });
  Config config = ServerConfig();
  config.server.replace(0, 4, "https");
  Connect(config);
  const Error error = GetError();
  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_THAT(error.message, HasSubstr("Error in SSL handshake"));
}

TEST_F(TransportFailureTest, ServerThatIsNotHttp) {
  ServeBytes("220 mail.example ESMTP\r\n\r\n");
  Connect();
  ExpectUnavailable("Invalid HTTP status line");
}

TEST_F(TransportFailureTest, ServerThatHangsUp) {
  ServeBytes("");
  Connect();
  ExpectUnavailable("Failed to read HTTP status line: the server closed the connection");
}

TEST_F(TransportFailureTest, ServerThatResets) {
  Serve([](Connection& connection) {
    if (!connection.ReadRequest()) return;
    connection.Write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    connection.Reset();
  });
  Connect();
  const Error error = GetError();
  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
}

TEST_F(TransportFailureTest, TruncatedBody) {
  ServeBytes("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  Connect();
  ExpectUnavailable("Failed to read response body: the server closed the connection");
}

TEST_F(TransportFailureTest, TruncatedChunks) {
  ServeBytes(testing::ChunkedHead(200) + testing::Chunk("half"));
  Connect();
  ExpectUnavailable("Retrieving message chunk header: the server closed the connection");
}

TEST_F(TransportFailureTest, ChunkLengthsThatAreNone) {
  for (const char* length : {"-1", "xyz", "ffffffffffffffff", ""}) {
    ServeBytes(testing::ChunkedHead(200) + length + "\r\nsome bytes\r\n0\r\n\r\n");
    Connect();
    EXPECT_EQ(GetError().code, ErrorCode::kUnavailable) << length;
    transport_.reset();
  }
}

TEST_F(TransportFailureTest, AnswerThatIsNoObjectIsMalformed) {
  for (const std::string& garbage :
       {std::string("<html>login</html>"), std::string(), std::string("{"),
        std::string(R"({"items":[)"), std::string("\xff\xfe{}"), std::string("[]"),
        std::string(1'000'000, '['), std::string(R"({"kind":"PodList"}{})")}) {
    ServeAnswer(HttpAnswer(200, garbage));
    Connect();
    const Client client(std::move(transport_));
    const auto object = client.Get({resources::Pods(), "x", "y"});
    ASSERT_FALSE(object) << garbage.substr(0, 100);
    EXPECT_EQ(object.error().code, ErrorCode::kMalformed);
    EXPECT_EQ(object.error().status, 200);
    EXPECT_THAT(object.error().message, HasSubstr("the answer is no JSON object"));
    const auto list = client.List(resources::Pods());
    ASSERT_FALSE(list) << garbage.substr(0, 100);
    EXPECT_EQ(list.error().code, ErrorCode::kMalformed);
  }
}

TEST_F(TransportFailureTest, BadConfigurationIsRefusedBeforeAnythingIsSent) {
  const auto refusal = [](const Config& config) {
    const auto transport = MakeTransport(config);
    if (transport) return std::string("accepted");
    EXPECT_EQ(transport.error().code, ErrorCode::kConfig);
    return transport.error().message;
  };
  const std::string authority = authority_.Certificate();
  EXPECT_THAT(refusal({.server = "not a url", .authority = authority}), HasSubstr("is no URL"));
  EXPECT_THAT(refusal({.server = "", .authority = authority}), HasSubstr("has no host"));
  EXPECT_THAT(refusal({.server = "ftp://x", .authority = authority}),
              HasSubstr("neither https nor http"));
  EXPECT_THAT(refusal({.server = "https://[::1]:6443", .authority = authority}),
              HasSubstr("IPv6 addresses are not supported"));
  EXPECT_THAT(refusal({.server = "https://x"}), HasSubstr("no PEM certificate"));
  EXPECT_THAT(refusal({.server = "http://x", .token = "secret"}),
              HasSubstr("credentials would travel without TLS"));
  const KeyPair expired =
      authority_.Issue({.common_name = "client"}, {.begin = hours(-2), .end = hours(-1)});
  EXPECT_THAT(refusal({.server = "https://x",
                       .authority = authority,
                       .client_certificate = expired.certificate,
                       .client_key = expired.private_key}),
              HasSubstr("the client certificate has expired on"));
}

}  // namespace
}  // namespace sextant::kube
