#include "sextant/net/acceptor.h"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/strand.hpp>

#include <format>

namespace sextant::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Error = boost::system::error_code;

constexpr auto kPause = std::chrono::milliseconds(100);

std::string Describe(const tcp::socket& socket) {
  Error error;
  const auto endpoint = socket.remote_endpoint(error);
  return error ? "somebody" : ToString(Address{endpoint.address().to_string(), endpoint.port()});
}

}  // namespace

class Acceptor::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(const Context& context, std::size_t greatest_connections, ConnectionEvents events)
      : context_(context),
        greatest_connections_(greatest_connections),
        events_(std::make_shared<const ConnectionEvents>(std::move(events))),
        acceptor_(context.owner),
        pause_(context.owner) {}

  void Listen(const Address& address) {
    tcp::resolver resolver(context_.owner);
    const tcp::endpoint endpoint =
        *resolver.resolve(address.host, std::to_string(address.port), tcp::resolver::passive);
    acceptor_.open(endpoint.protocol());
    acceptor_.set_option(tcp::acceptor::reuse_address(true));
    acceptor_.bind(endpoint);
    acceptor_.listen();
    port_ = acceptor_.local_endpoint().port();
    Accept();
  }

  void Stop() {
    Error ignored;
    static_cast<void>(acceptor_.close(ignored));
    pause_.cancel();
    for (const auto& weak : connections_) {
      if (const ConnectionPtr connection = weak.lock()) {
        connection->Close();
      }
    }
    connections_.clear();
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::size_t connections() const { return static_cast<std::size_t>(*open_); }

 private:
  void Accept() {
    acceptor_.async_accept(
        asio::any_io_executor(asio::make_strand(context_.io)),
        asio::bind_executor(context_.owner,
                            [self = shared_from_this()](const Error& error, tcp::socket socket) {
                              self->OnAccepted(error, std::move(socket));
                            }));
  }

  void OnAccepted(const Error& error, tcp::socket socket) {
    if (!acceptor_.is_open()) {
      return;
    }
    if (error) {  // such as too many open files, which trying again at once would not end
      AcceptLater();
      return;
    }
    if (*open_ >= greatest_connections_) {
      ++context_.traffic->connections_refused;
    } else {
      Begin(std::move(socket));
    }
    Accept();
  }

  void Begin(tcp::socket socket) {
    std::erase_if(connections_, [](const auto& weak) { return weak.expired(); });
    ++*open_;
    std::shared_ptr<void> slot(nullptr, [open = open_](void*) { --*open; });
    std::string address = Describe(socket);
    connections_.push_back(Connection::Start(
        context_, std::move(socket),
        {.address = std::move(address), .dialled = std::nullopt, .slot = std::move(slot)},
        events_));
  }

  void AcceptLater() {
    pause_.expires_after(kPause);
    pause_.async_wait([self = shared_from_this()](const Error& error) {
      if (!error) {
        self->Accept();
      }
    });
  }

  const Context context_;
  const std::size_t greatest_connections_;
  const std::shared_ptr<const ConnectionEvents> events_;
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  std::uint16_t port_ = 0;
  std::vector<std::weak_ptr<Connection>> connections_;
  // Connections end on their own strands, maybe after this.
  const std::shared_ptr<std::atomic<std::size_t>> open_ =
      std::make_shared<std::atomic<std::size_t>>(0);
};

std::expected<std::unique_ptr<Acceptor>, std::string> Acceptor::Listen(
    const Context& context, const Address& address, std::size_t greatest_connections,
    ConnectionEvents events) {
  auto impl = std::make_shared<Impl>(context, greatest_connections, std::move(events));
  try {
    impl->Listen(address);
  } catch (const boost::system::system_error& error) {
    return std::unexpected(std::format("listen on {}: {}", ToString(address), error.what()));
  }
  return std::unique_ptr<Acceptor>(new Acceptor(std::move(impl)));
}

Acceptor::Acceptor(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Acceptor::~Acceptor() { Stop(); }
void Acceptor::Stop() { impl_->Stop(); }
std::uint16_t Acceptor::port() const { return impl_->port(); }
std::size_t Acceptor::connections() const { return impl_->connections(); }

}  // namespace sextant::net
