#include "volume/server/control.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <cerrno>
#include <cstring>
#include <format>
#include <sys/stat.h>
#include <unistd.h>

namespace sextant::volume::server {
namespace {

namespace asio = boost::asio;
using Protocol = asio::local::stream_protocol;
using boost::system::error_code;

constexpr std::size_t kLongestCommand = 64U << 10;

}  // namespace

struct ControlServer::Shared {
  asio::any_io_executor executor;
  Handler handler;
  std::size_t open = 0;
};

class ControlServer::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Shared> shared, Protocol::socket socket)
      : shared_(std::move(shared)), socket_(std::move(socket)) {
    ++shared_->open;
  }
  ~Connection() { --shared_->open; }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void Read() {
    asio::async_read_until(socket_, asio::dynamic_buffer(input_, kLongestCommand), '\n',
                           [self = shared_from_this()](const error_code& error, std::size_t size) {
                             if (!error) {
                               self->Handle(size);
                             }
                           });
  }

 private:
  void Handle(std::size_t size) {
    std::string line = input_.substr(0, size - 1);
    input_.erase(0, size);
    shared_->handler(std::move(line), [self = shared_from_this()](std::string answer) {
      asio::post(self->shared_->executor,
                 [self, answer = std::move(answer)]() mutable { self->Write(std::move(answer)); });
    });
  }

  void Write(std::string answer) {
    output_ = std::move(answer) + "\n";
    asio::async_write(socket_, asio::buffer(output_),
                      [self = shared_from_this()](const error_code& error, std::size_t) {
                        if (!error) {
                          self->Read();
                        }
                      });
  }

  const std::shared_ptr<Shared> shared_;
  Protocol::socket socket_;
  std::string input_;
  std::string output_;
};

std::expected<std::unique_ptr<ControlServer>, std::string> ControlServer::Listen(
    asio::any_io_executor executor, const ControlOptions& options, Handler handler) {
  const std::string& path = options.path.native();
  const auto failed = [&](const std::string& what) {
    return std::unexpected(std::format("listen on {}: {}", path, what));
  };
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return failed("the path is too long for a socket");
  }
  std::error_code made;
  std::filesystem::create_directories(options.path.parent_path(), made);
  std::unique_ptr<ControlServer> server(new ControlServer(executor, options, std::move(handler)));
  error_code error;
  Protocol::socket other(executor);
  other.connect(Protocol::endpoint(path), error);
  if (!error) {
    return failed("another program listens there");
  }
  ::unlink(path.c_str());
  server->acceptor_.open(Protocol(), error);
  if (!error) {
    const mode_t mask = ::umask(0117);  // nobody else may connect, not even before the chown
    server->acceptor_.bind(Protocol::endpoint(path), error);
    ::umask(mask);
  }
  if (error) {
    return failed(error.message());
  }
  const bool ours = options.uid == ::geteuid() && options.gid == ::getegid();
  if (!ours && ::chown(path.c_str(), options.uid, options.gid) != 0) {
    return failed(
        std::format("chown to {}:{}: {}", options.uid, options.gid, std::strerror(errno)));
  }
  server->acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return failed(error.message());
  }
  asio::post(executor, [raw = server.get()] { raw->Accept(); });
  return server;
}

ControlServer::ControlServer(asio::any_io_executor executor, ControlOptions options,
                             Handler handler)
    : options_(std::move(options)),
      shared_(std::make_shared<Shared>(executor, std::move(handler))),
      acceptor_(executor) {}

ControlServer::~ControlServer() {
  if (acceptor_.is_open()) {
    ::unlink(options_.path.c_str());
  }
}

void ControlServer::Accept() {
  acceptor_.async_accept([this](const error_code& error, Protocol::socket socket) {
    if (error == asio::error::operation_aborted) {
      return;
    }
    if (!error && shared_->open < options_.connections) {
      std::make_shared<Connection>(shared_, std::move(socket))->Read();
    }
    Accept();
  });
}

}  // namespace sextant::volume::server
