#pragma once

#include <cstdint>
#include <memory>

namespace sextant::testing {

// A network between a client and a server on loopback that can be made to fail. It has a thread of
// its own; safe for concurrent use.
class TcpProxy {
 public:
  // Listens on a free port of 127.0.0.1 and connects every client to `server_port`.
  explicit TcpProxy(std::uint16_t server_port);
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  [[nodiscard]] std::uint16_t Port() const;

  // Resets all connections that are open. New ones work.
  void Cut();

  // Carries nothing more over the connections that are open, and does not close them either: what a
  // firewall does that has forgotten them. New ones work.
  void Silence();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sextant::testing
