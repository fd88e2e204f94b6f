#include "tests/support/loopback.h"

#include <arpa/inet.h>
#include <cerrno>
#include <netinet/in.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace sextant::testing {
namespace {

class BoundSocket {
 public:
  BoundSocket() : descriptor_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (descriptor_ < 0 || bind(descriptor_, generic, size) != 0 ||
        getsockname(descriptor_, generic, &size) != 0) {
      throw std::system_error(errno, std::generic_category(), "bind a loopback port");
    }
    port_ = ntohs(address.sin_port);
  }
  ~BoundSocket() { close(descriptor_); }
  BoundSocket(const BoundSocket&) = delete;
  BoundSocket& operator=(const BoundSocket&) = delete;

  [[nodiscard]] std::uint16_t Port() const { return port_; }

 private:
  int descriptor_;
  std::uint16_t port_ = 0;
};

}  // namespace

std::vector<std::uint16_t> FreeLoopbackPorts(int count) {
  const std::vector<BoundSocket> sockets(static_cast<std::size_t>(count));  // all held at once
  std::vector<std::uint16_t> ports;
  for (const BoundSocket& socket : sockets) ports.push_back(socket.Port());
  return ports;
}

}  // namespace sextant::testing
