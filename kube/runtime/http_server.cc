#include "sextant/kube/runtime/http_server.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <chrono>
#include <thread>
#include <utility>

namespace sextant::kube::runtime {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kRequestTime = std::chrono::seconds(5);
constexpr auto kAcceptPause = std::chrono::milliseconds(100);
constexpr std::uint32_t kMaxHeader = 8 << 10;

using Handlers = std::map<std::string, HttpHandler>;

// One connection; it lives as long as an operation of it is pending.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, const Handlers& handlers, std::function<void()> on_end)
      : stream_(std::move(socket)), handlers_(handlers), on_end_(std::move(on_end)) {
    parser_.header_limit(kMaxHeader);
    parser_.body_limit(0);
  }
  ~Session() { on_end_(); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void Run() {
    stream_.expires_after(kRequestTime);
    http::async_read(stream_, buffer_, parser_,
                     [self = shared_from_this()](const error_code& error, std::size_t) {
                       if (!error) self->Answer();
                     });
  }

 private:
  void Answer() {
    const http::request<http::empty_body>& request = parser_.get();
    const std::string_view target = request.target();
    const auto handler = handlers_.find(std::string(target.substr(0, target.find('?'))));
    HttpAnswer answer;
    if (request.method() != http::verb::get && request.method() != http::verb::head) {
      answer = {.status = 405, .body = "only GET\n"};
    } else if (handler == handlers_.end()) {
      answer = {.status = 404, .body = "no such page\n"};
    } else {
      answer = handler->second();
    }
    response_.version(11);
    response_.result(static_cast<unsigned>(answer.status));
    response_.set(http::field::content_type, answer.content_type);
    response_.keep_alive(false);
    response_.content_length(answer.body.size());
    if (request.method() != http::verb::head) response_.body() = std::move(answer.body);
    http::async_write(stream_, response_,
                      [self = shared_from_this()](error_code error, std::size_t) {
                        self->stream_.socket().shutdown(tcp::socket::shutdown_both, error);
                      });
  }

  beast::tcp_stream stream_;
  const Handlers& handlers_;
  const std::function<void()> on_end_;
  beast::flat_buffer buffer_{kMaxHeader};
  http::request_parser<http::empty_body> parser_;
  http::response<http::string_body> response_;
};

}  // namespace

HttpHandler AnswerChecks(std::map<std::string, std::function<bool()>> checks) {
  return [checks = std::move(checks)] {
    HttpAnswer answer;
    for (const auto& [name, check] : checks) {
      const bool holds = check();
      if (!holds) answer.status = 503;
      answer.body += (holds ? "[+] " : "[-] ") + name + "\n";
    }
    answer.body += answer.status == 200 ? "ok\n" : "failed\n";
    return answer;
  };
}

class HttpServer::Impl {
 public:
  Impl(const HttpServerOptions& options, Handlers handlers)
      : handlers_(std::move(handlers)),
        free_(options.max_connections),
        acceptor_(context_, tcp::endpoint(asio::ip::make_address(options.address), options.port)),
        port_(acceptor_.local_endpoint().port()) {
    Accept();
    thread_ = std::jthread([this] { context_.run(); });
  }

  ~Impl() {
    context_.stop();
    thread_.join();
    is_ending_ = true;  // connections that are still open end with the context
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  [[nodiscard]] std::uint16_t Port() const { return port_; }

 private:
  void Accept() {
    is_accepting_ = true;
    acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
      is_accepting_ = false;
      if (error) return AcceptLater();
      --free_;
      std::make_shared<Session>(std::move(socket), handlers_, [this] {
        ++free_;
        if (!is_ending_ && !is_accepting_) Accept();
      })->Run();
      if (free_ > 0 && !is_accepting_) Accept();
    });
  }

  // After an error such as having too many files open, which trying again at once would not end.
  void AcceptLater() {
    is_accepting_ = true;
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([this](const error_code&) { Accept(); });
  }

  const Handlers handlers_;
  int free_;  // connections that may be opened; of the thread, as are:
  bool is_accepting_ = false;
  bool is_ending_ = false;
  asio::io_context context_{1};
  tcp::acceptor acceptor_;
  asio::steady_timer pause_{context_};
  const std::uint16_t port_;
  std::jthread thread_;  // last: it uses all of the above
};

std::expected<std::unique_ptr<HttpServer>, std::string> HttpServer::Start(
    const HttpServerOptions& options, std::map<std::string, HttpHandler> handlers) {
  try {
    return std::unique_ptr<HttpServer>(
        new HttpServer(std::make_unique<Impl>(options, std::move(handlers))));
  } catch (const boost::system::system_error& error) {
    return std::unexpected(std::string(error.what()));
  }
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() = default;

std::uint16_t HttpServer::Port() const { return impl_->Port(); }

}  // namespace sextant::kube::runtime
