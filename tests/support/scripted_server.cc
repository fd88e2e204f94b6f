#include "tests/support/scripted_server.h"

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>

#include <algorithm>
#include <charconv>
#include <format>
#include <list>
#include <mutex>
#include <poll.h>
#include <sys/socket.h>
#include <thread>

namespace sextant::testing {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::string_view kEndOfHead = "\r\n\r\n";

// The length of the body that a head announces.
std::size_t ContentLength(std::string head) {
  std::ranges::transform(head, head.begin(), [](unsigned char c) { return std::tolower(c); });
  constexpr std::string_view kName = "content-length:";
  const std::size_t at = head.find(kName);
  if (at == std::string::npos) return 0;
  const std::size_t digits = head.find_first_not_of(' ', at + kName.size());
  std::size_t length = 0;
  std::from_chars(head.data() + digits, head.data() + head.size(), length);
  return length;
}

class AsioConnection final : public ScriptedServer::Connection {
 public:
  AsioConnection(tcp::socket socket, asio::ssl::context& tls, bool use_tls)
      : stream_(std::move(socket), tls), use_tls_(use_tls) {}

  bool Handshake() {
    if (!use_tls_) return true;
    error_code error;
    stream_.handshake(asio::ssl::stream_base::server, error);
    return !error;
  }

  std::optional<std::string> ReadRequest() override {
    while (!unread_.contains(kEndOfHead)) {
      if (!ReadSome()) return std::nullopt;
    }
    const std::size_t head = unread_.find(kEndOfHead) + kEndOfHead.size();
    const std::size_t size = head + ContentLength(unread_.substr(0, head));
    while (unread_.size() < size) {
      if (!ReadSome()) return std::nullopt;
    }
    std::string request = unread_.substr(0, size);
    unread_.erase(0, size);
    return request;
  }

  bool Write(std::string_view bytes) override {
    error_code error;
    if (use_tls_) {
      asio::write(stream_, asio::buffer(bytes), error);
    } else {
      asio::write(stream_.next_layer(), asio::buffer(bytes), error);
    }
    return !error;
  }

  bool IsWritable(std::chrono::milliseconds patience) override {
    pollfd descriptor{.fd = stream_.next_layer().native_handle(), .events = POLLOUT, .revents = 0};
    return poll(&descriptor, 1, static_cast<int>(patience.count())) == 1;
  }

  void Reset() override {
    const std::scoped_lock lock(closing_);
    error_code ignored;
    stream_.next_layer().set_option(asio::socket_base::linger(true, 0), ignored);
    stream_.next_layer().close(ignored);
  }

  // From another thread: whatever it waits for ends.
  void Shutdown() {
    const std::scoped_lock lock(closing_);
    if (stream_.next_layer().is_open()) shutdown(stream_.next_layer().native_handle(), SHUT_RDWR);
  }

  // Says goodbye, so that the end is no truncation.
  void Finish() {
    error_code ignored;
    stream_.next_layer().shutdown(tcp::socket::shutdown_send, ignored);
  }

 private:
  bool ReadSome() {
    char buffer[16384];
    error_code error;
    const std::size_t size = use_tls_ ? stream_.read_some(asio::buffer(buffer), error)
                                      : stream_.next_layer().read_some(asio::buffer(buffer), error);
    unread_.append(buffer, size);
    return !error;
  }

  asio::ssl::stream<tcp::socket> stream_;
  const bool use_tls_;
  std::string unread_;
  std::mutex closing_;  // a handler's Reset() and the server's end
};

}  // namespace

struct ScriptedServer::Impl {
  explicit Impl(std::uint16_t wanted_port)
      : acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), wanted_port)) {}

  asio::io_context io;
  asio::ssl::context tls{asio::ssl::context::tls_server};
  tcp::acceptor acceptor;
  std::uint16_t port = acceptor.local_endpoint().port();
  bool use_tls = false;
  Handler handler;
  std::atomic<int> accepted = 0;

  std::mutex mutex;
  bool stopping = false;
  std::list<AsioConnection> connections;
  std::list<std::jthread> threads;
  std::jthread listener;

  void Listen() {
    while (true) {
      error_code error;
      tcp::socket socket = acceptor.accept(error);
      const std::scoped_lock lock(mutex);
      if (error || stopping) return;
      socket.set_option(tcp::no_delay(true), error);
      ++accepted;
      AsioConnection& connection = connections.emplace_back(std::move(socket), tls, use_tls);
      threads.emplace_back([this, &connection] {
        if (connection.Handshake()) handler(connection);
        connection.Finish();
      });
    }
  }
};

ScriptedServer::ScriptedServer(std::optional<KeyPair> identity, Handler handler,
                               const Options& options)
    : impl_(std::make_unique<Impl>(options.port)) {
  impl_->handler = std::move(handler);
  impl_->use_tls = identity.has_value();
  if (identity) {
    impl_->tls.use_certificate_chain(asio::buffer(identity->certificate));
    impl_->tls.use_private_key(asio::buffer(identity->private_key), asio::ssl::context::pem);
  }
  if (options.speaks_old_tls) {
    SSL_CTX* native = impl_->tls.native_handle();
    SSL_CTX_set_min_proto_version(native, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(native, TLS1_1_VERSION);
    SSL_CTX_set_cipher_list(native, "DEFAULT:@SECLEVEL=0");  // OpenSSL's own level forbids it
  }
  impl_->listener = std::jthread([this] { impl_->Listen(); });
}

ScriptedServer::~ScriptedServer() {
  {
    const std::scoped_lock lock(impl_->mutex);
    impl_->stopping = true;
    shutdown(impl_->acceptor.native_handle(), SHUT_RDWR);
    for (AsioConnection& connection : impl_->connections) connection.Shutdown();
  }
  impl_->listener.join();
  impl_->threads.clear();
}

std::string ScriptedServer::Url() const {
  return std::format("{}://127.0.0.1:{}", impl_->use_tls ? "https" : "http", impl_->port);
}

int ScriptedServer::Connections() const { return impl_->accepted; }

std::string HttpAnswer(int status, std::string_view body, std::string_view more_headers) {
  return std::format("HTTP/1.1 {} X\r\nContent-Length: {}\r\n{}\r\n{}", status, body.size(),
                     more_headers, body);
}

std::string ChunkedHead(int status) {
  return std::format("HTTP/1.1 {} X\r\nTransfer-Encoding: chunked\r\n\r\n", status);
}

std::string Chunk(std::string_view bytes) {
  return std::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

}  // namespace sextant::testing
