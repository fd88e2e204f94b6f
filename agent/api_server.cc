#include "agent/api_server.h"

#include "net/openssl.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <format>
#include <thread>

namespace sextant::agent {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kRequestTime = std::chrono::seconds(10);
constexpr auto kAcceptPause = std::chrono::milliseconds(100);
constexpr std::uint32_t kMaxHeader = 8U << 10;
constexpr std::uint64_t kMaxBody = 64U << 10;
constexpr int kMaxConnections = 32;

// One connection; it lives as long as an operation of it, or its answer, is pending.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, net::TlsContext context, const ApiHandler& handler,
          std::function<void()> on_end)
      : context_(std::move(context)),
        stream_(beast::tcp_stream(std::move(socket)), *context_),
        handler_(handler),
        on_end_(std::move(on_end)) {
    parser_.header_limit(kMaxHeader);
    parser_.body_limit(kMaxBody);
  }
  ~Session() { on_end_(); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void Run() {
    beast::get_lowest_layer(stream_).expires_after(kRequestTime);
    stream_.async_handshake(asio::ssl::stream_base::server,
                            [self = shared_from_this()](const error_code& error) {
                              if (!error) {
                                self->Read();
                              }
                            });
  }

 private:
  void Read() {
    http::async_read(stream_, buffer_, parser_,
                     [self = shared_from_this()](const error_code& error, std::size_t) {
                       if (error == http::error::body_limit) {
                         self->Write({.status = 413, .body = "{\"error\":\"body too large\"}"});
                       } else if (!error) {
                         self->Handle();
                       }
                     });
  }

  void Handle() {
    const auto peer = net::ReadPeerCertificate(stream_.native_handle());
    if (std::ranges::find(peer.uris, kOperatorRole) == peer.uris.end()) {
      Write({.status = 403,
             .body = nlohmann::json{{"error",
                                     std::format("the certificate must name {}", kOperatorRole)}}
                         .dump()});
      return;
    }
    // An answer may take longer than a request; whoever gives it has a bound on its time.
    beast::get_lowest_layer(stream_).expires_never();
    auto& request = parser_.get();
    handler_({.method = std::string(request.method_string()),
              .target = std::string(request.target()),
              .body = std::move(request.body())},
             [self = shared_from_this()](ApiAnswer answer) {
               asio::post(self->stream_.get_executor(),
                          [self, answer = std::move(answer)] { self->Write(answer); });
             });
  }

  void Write(const ApiAnswer& answer) {
    beast::get_lowest_layer(stream_).expires_after(kRequestTime);
    response_.version(11);
    response_.result(static_cast<unsigned>(answer.status));
    response_.set(http::field::content_type, "application/json");
    response_.keep_alive(false);
    response_.body() = answer.body + "\n";
    response_.prepare_payload();
    http::async_write(stream_, response_,
                      [self = shared_from_this()](const error_code& error, std::size_t) {
                        if (!error) {
                          self->stream_.async_shutdown([self](const error_code&) {});
                        }
                      });
  }

  const net::TlsContext context_;  // first: the stream uses it
  beast::ssl_stream<beast::tcp_stream> stream_;
  const ApiHandler& handler_;
  const std::function<void()> on_end_;
  beast::flat_buffer buffer_{kMaxHeader + kMaxBody};
  http::request_parser<http::string_body> parser_;
  http::response<http::string_body> response_;
};

}  // namespace

class ApiServer::Impl {
 public:
  Impl(const net::Address& listen, std::unique_ptr<net::Credentials> credentials,
       ApiHandler handler)
      : credentials_(std::move(credentials)),
        handler_(std::move(handler)),
        acceptor_(context_, tcp::endpoint(asio::ip::make_address(listen.host), listen.port)),
        port_(acceptor_.local_endpoint().port()) {
    Accept();
    thread_ = std::jthread([this] { context_.run(); });
  }

  ~Impl() {
    context_.stop();
    thread_.join();
    is_ending_ = true;
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  void Accept() {
    is_accepting_ = true;
    acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
      is_accepting_ = false;
      if (error) {
        return AcceptLater();
      }
      --free_;
      std::make_shared<Session>(std::move(socket), credentials_->Current(), handler_, [this] {
        ++free_;
        if (!is_ending_ && !is_accepting_) {
          Accept();
        }
      })->Run();
      if (free_ > 0 && !is_accepting_) {
        Accept();
      }
    });
  }

  // After an error such as having too many files open, which trying again at once would not end.
  void AcceptLater() {
    is_accepting_ = true;
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([this](const error_code&) { Accept(); });
  }

  const std::unique_ptr<net::Credentials> credentials_;
  const ApiHandler handler_;
  int free_ = kMaxConnections;  // of the thread, as are:
  bool is_accepting_ = false;
  bool is_ending_ = false;
  asio::io_context context_{1};
  tcp::acceptor acceptor_;
  asio::steady_timer pause_{context_};
  const std::uint16_t port_;
  std::jthread thread_;  // last: it uses all of the above
};

std::expected<std::unique_ptr<ApiServer>, std::string> ApiServer::Start(const net::Address& listen,
                                                                        const net::TlsFiles& tls,
                                                                        ApiHandler handler) {
  auto credentials = net::Credentials::Load(tls);
  if (!credentials) {
    return std::unexpected(credentials.error());
  }
  try {
    return std::unique_ptr<ApiServer>(
        new ApiServer(std::make_shared<Impl>(listen, std::move(*credentials), std::move(handler))));
  } catch (const boost::system::system_error& error) {
    return std::unexpected(std::format("listen on {}: {}", net::ToString(listen), error.what()));
  }
}

ApiServer::ApiServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

ApiServer::~ApiServer() = default;

std::uint16_t ApiServer::port() const { return impl_->port(); }

}  // namespace sextant::agent
