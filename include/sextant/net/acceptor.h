// Listens, and makes a connection of each that comes, up to a bound; those above it are closed at
// once, so that they try elsewhere or again, and are counted.
#pragma once

#include "sextant/net/connection.h"

namespace sextant::net {

// All functions on the owner's executor.
class Acceptor {
 public:
  // Port 0 is any that is free. The error is the operating system's.
  [[nodiscard]] static std::expected<std::unique_ptr<Acceptor>, std::string> Listen(
      const Context& context, const Address& address, std::size_t greatest_connections,
      ConnectionEvents events);
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // Listens no more and closes all connections; no event is called after it.
  void Stop();

  [[nodiscard]] std::uint16_t port() const;
  // Accepted and not ended, those in their handshake included.
  [[nodiscard]] std::size_t connections() const;

 private:
  class Impl;
  explicit Acceptor(std::shared_ptr<Impl> impl);

  const std::shared_ptr<Impl> impl_;
};

}  // namespace sextant::net
