#include "tests/integration/kube/runtime/tcp_proxy.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <set>
#include <thread>

namespace sextant::testing {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

tcp::endpoint Loopback(std::uint16_t port) { return {asio::ip::address_v4::loopback(), port}; }

// A client's connection and the one to the server that belongs to it.
class Link : public std::enable_shared_from_this<Link> {
 public:
  Link(tcp::socket client, asio::io_context& context)
      : client_(std::move(client)), server_(context) {}

  void Run(std::uint16_t server_port) {
    server_.async_connect(Loopback(server_port),
                          [self = shared_from_this()](const error_code& error) {
                            if (error) return self->Reset();
                            error_code ignored;  // a cut may have closed them in between
                            self->server_.set_option(tcp::no_delay(true), ignored);
                            self->client_.set_option(tcp::no_delay(true), ignored);
                            self->Carry(self->client_, self->server_, self->to_server_);
                            self->Carry(self->server_, self->client_, self->to_client_);
                          });
  }

  void Reset() {
    for (tcp::socket* socket : {&client_, &server_}) {
      error_code ignored;
      socket->set_option(asio::socket_base::linger(true, 0), ignored);
      socket->close(ignored);
    }
  }

  void Silence() { silent_ = true; }

 private:
  using Buffer = std::array<char, 64 << 10>;

  void Carry(tcp::socket& from, tcp::socket& to, Buffer& buffer) {
    from.async_read_some(asio::buffer(buffer),
                         [&, self = shared_from_this()](const error_code& error, std::size_t size) {
                           if (error) return self->Reset();
                           if (self->silent_)
                             return self->Carry(from, to, buffer);  // lost on the way
                           asio::async_write(to, asio::buffer(buffer, size),
                                             [&, self](const error_code& write_error, std::size_t) {
                                               if (write_error) return self->Reset();
                                               self->Carry(from, to, buffer);
                                             });
                         });
  }

  tcp::socket client_;
  tcp::socket server_;
  bool silent_ = false;
  Buffer to_server_{};
  Buffer to_client_{};
};

}  // namespace

class TcpProxy::Impl {
 public:
  explicit Impl(std::uint16_t server_port)
      : server_port_(server_port),
        acceptor_(context_, Loopback(0)),
        port_(acceptor_.local_endpoint().port()) {
    Accept();
    thread_ = std::jthread([this] { context_.run(); });
  }
  ~Impl() { context_.stop(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  [[nodiscard]] std::uint16_t Port() const { return port_; }

  template <typename Action>
  void ForAll(Action action) {
    asio::post(context_, [this, action] {
      for (const auto& link : links_) {
        if (const auto open = link.lock()) action(*open);
      }
      std::erase_if(links_, [](const auto& link) { return link.expired(); });
    });
  }

 private:
  void Accept() {
    acceptor_.async_accept([this](const error_code& error, tcp::socket client) {
      if (error) return;
      const auto link = std::make_shared<Link>(std::move(client), context_);
      links_.insert(link);
      link->Run(server_port_);
      Accept();
    });
  }

  const std::uint16_t server_port_;
  asio::io_context context_;
  tcp::acceptor acceptor_;
  const std::uint16_t port_;
  // Of the thread.
  std::set<std::weak_ptr<Link>, std::owner_less<>> links_;
  std::jthread thread_;
};

TcpProxy::TcpProxy(std::uint16_t server_port) : impl_(std::make_unique<Impl>(server_port)) {}

TcpProxy::~TcpProxy() = default;

std::uint16_t TcpProxy::Port() const { return impl_->Port(); }

void TcpProxy::Cut() {
  impl_->ForAll([](Link& link) { link.Reset(); });
}

void TcpProxy::Silence() {
  impl_->ForAll([](Link& link) { link.Silence(); });
}

}  // namespace sextant::testing
