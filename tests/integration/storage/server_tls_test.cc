// Who knocks at a storage node's port, and what becomes of it: one connection ends, with a reason
// in the log, and a good client's connection goes on.
#include "tests/integration/storage/hand_writer.h"
#include "tests/integration/storage/storage_process.h"

#include <boost/asio/read.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

namespace sextant::storage {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using net::testing::CertificateFiles;
using net::testing::Eventually;
using net::testing::Party;
using sextant::testing::CertificateAuthority;
using testing::HandWriter;
using testing::StorageProcess;

// Reads to the end and returns what came; `error` is how it ended.
template <class Stream>
protocol::Bytes ReadAll(Stream& stream, boost::system::error_code& error) {
  protocol::Bytes bytes;
  asio::read(stream, asio::dynamic_buffer(bytes), error);
  return bytes;
}

class ServerTlsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    good_.Dial({node_.address()});
    const auto connection = good_.NextOpened();
    ASSERT_TRUE(connection) << node_.Output();
    writer_.emplace(good_, *connection, 1, testing::Deciding({node_.member()}));
    ASSERT_TRUE(writer_->Open());
  }
  // The good client was not disturbed.
  void TearDown() override {
    EXPECT_TRUE(writer_->Append(100, 1));
    EXPECT_TRUE(node_.process().IsRunning()) << node_.Output();
  }

  // Waits for a line of the log with this event and these words in its reason.
  [[nodiscard]] bool Logged(const std::string& event, const std::string& reason) {
    return Eventually([&] {
      for (const auto& line : node_.LogLines(event)) {
        if (line.value("reason", "").contains(reason)) {
          return true;
        }
      }
      return false;
    });
  }
  [[nodiscard]] tcp::socket Connect() {
    tcp::socket socket(io_);
    socket.connect({asio::ip::make_address("127.0.0.1"), node_.address().port});
    return socket;
  }
  // A TLS client with the good client's certificate, of at most this version.
  [[nodiscard]] std::unique_ptr<ssl::stream<tcp::socket>> ConnectTls(int version) {
    SSL_CTX_set_max_proto_version(tls_.native_handle(), version);
    tls_.use_certificate_chain_file(client_files_.files().certificate.string());
    tls_.use_private_key_file(client_files_.files().key.string(), ssl::context::pem);
    return std::make_unique<ssl::stream<tcp::socket>>(Connect(), tls_);
  }
  // Says Hello over TLS, then these bytes, and reads until the node ends it.
  void SendRaw(const protocol::Bytes& bytes) {
    const auto stream = ConnectTls(TLS1_3_VERSION);
    stream->handshake(ssl::stream_base::client);
    asio::write(*stream, asio::buffer(net::EncodeHello(hello_)));
    asio::write(*stream, asio::buffer(bytes));
    boost::system::error_code error;
    ReadAll(*stream, error);
    EXPECT_TRUE(error);
  }
  [[nodiscard]] protocol::Bytes FrameToNode() const {
    return protocol::EncodeFrame({.from = hello_.uuid,
                                  .to = node_.member(),
                                  .message = protocol::Pull{.branch = 1, .from = 0}});
  }

  const net::Hello hello_{.kind = net::PartyKind::kClient, .uuid = {7, 7}};
  asio::io_context io_;
  ssl::context tls_{ssl::context::tls};
  sextant::testing::TemporaryDirectory directory_;
  CertificateAuthority authority_{"authority"};
  CertificateFiles node_files_{authority_,
                               {.common_name = "storage-0",
                                .hosts = {"127.0.0.1"},
                                .uris = {std::string(net::kStorageRole)}}};
  CertificateFiles client_files_{authority_, {.common_name = "writer"}};
  StorageProcess node_{{.data = directory_.Path() / "data",
                        .tls = node_files_.files(),
                        .more = "limits: {connections: 3}\n"}};
  Party good_{net::PartyKind::kClient, client_files_.Load()};
  std::optional<HandWriter> writer_;
};

TEST_F(ServerTlsTest, AnotherAuthoritysCertificateIsRefused) {
  const CertificateAuthority theirs("theirs");
  const CertificateFiles files(theirs, {.common_name = "stranger"});
  // It trusts our authority, so that only its own certificate is wrong.
  const net::TlsFiles mixed{.ca = client_files_.files().ca,
                            .certificate = files.files().certificate,
                            .key = files.files().key};
  Party stranger(net::PartyKind::kClient, std::move(*net::Credentials::Load(mixed)));
  stranger.Dial({node_.address()});
  EXPECT_TRUE(stranger.NextFailure());
  EXPECT_TRUE(Logged("no connection", "unable to get local issuer certificate")) << node_.Output();
}

TEST_F(ServerTlsTest, AClientThatTrustsAnotherAuthorityDoesNotTalk) {
  const CertificateAuthority theirs("theirs");
  const CertificateFiles files(theirs, {.common_name = "stranger"});
  Party stranger(net::PartyKind::kClient, files.Load());
  stranger.Dial({node_.address()});
  const auto why = stranger.NextFailure();
  ASSERT_TRUE(why);
  EXPECT_NE(why->find("certificate"), std::string::npos) << *why;
}

TEST_F(ServerTlsTest, AnExpiredCertificateIsRefused) {
  const CertificateFiles files(authority_, {.common_name = "late"},
                               {.begin = -std::chrono::hours(2), .end = -std::chrono::hours(1)});
  Party late(net::PartyKind::kClient, files.Load());
  late.Dial({node_.address()});
  EXPECT_TRUE(late.NextFailure());
  EXPECT_TRUE(Logged("no connection", "certificate has expired")) << node_.Output();
}

TEST_F(ServerTlsTest, TlsBefore13IsRefused) {
  const auto stream = ConnectTls(TLS1_2_VERSION);
  boost::system::error_code error;
  stream->handshake(ssl::stream_base::client, error);
  EXPECT_TRUE(error);
  EXPECT_TRUE(Logged("no connection", "unsupported protocol")) << node_.Output();
}

TEST_F(ServerTlsTest, PlainTcpIsRefused) {
  tcp::socket socket = Connect();
  asio::write(socket, asio::buffer(net::EncodeHello(hello_)));
  boost::system::error_code error;
  EXPECT_FALSE(net::DecodeHello(ReadAll(socket, error)));
  EXPECT_TRUE(Logged("no connection", "TLS: ")) << node_.Output();
}

TEST_F(ServerTlsTest, AMalformedFrameEndsItsConnection) {
  protocol::Bytes frame = FrameToNode();
  frame.back() ^= 1;
  SendRaw(frame);
  EXPECT_TRUE(Logged("connection closed", "a frame has a wrong checksum")) << node_.Output();
  EXPECT_EQ(node_.Metric("connections_malformed_total"), 1);
}

TEST_F(ServerTlsTest, AHugeLengthEndsItsConnection) {
  protocol::Bytes frame = FrameToNode();
  std::fill_n(frame.begin() + 8, 4, 0xFF);
  SendRaw(frame);
  EXPECT_TRUE(Logged("connection closed", "a frame is too large")) << node_.Output();
}

TEST_F(ServerTlsTest, WhoNeverFinishesTheHandshakeIsLeft) {
  tcp::socket socket = Connect();
  boost::system::error_code error;
  ReadAll(socket, error);  // the node ends it
  EXPECT_TRUE(Logged("no connection", "it said no Hello in time")) << node_.Output();
}

TEST_F(ServerTlsTest, ConnectionsAboveTheLimitAreClosed) {
  tcp::socket second = Connect();
  tcp::socket third = Connect();
  tcp::socket fourth = Connect();
  boost::system::error_code error;
  EXPECT_TRUE(ReadAll(fourth, error).empty());
  EXPECT_EQ(node_.Metric("connections_refused_total"), 1);
}

}  // namespace
}  // namespace sextant::storage
