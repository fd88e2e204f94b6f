// HTTPS for the operator: TLS 1.3 with certificates on both sides; only a peer whose certificate
// names the operator's role gets an answer other than 403.
#pragma once

#include "sextant/net/address.h"
#include "sextant/net/tls.h"

#include <expected>
#include <functional>
#include <memory>
#include <string>

namespace sextant::agent {

inline constexpr std::string_view kOperatorRole = "sextant:role:operator";

struct ApiRequest {
  std::string method;
  std::string target;
  std::string body;  // at most 64 KiB
};

struct ApiAnswer {
  int status = 200;
  std::string body;  // JSON
};

// Called on the server's thread; must not block. `answer` may be called later, from any thread,
// once.
using ApiHandler = std::function<void(ApiRequest, std::function<void(ApiAnswer)> answer)>;

// HTTP/1.1, one request a connection, on one thread; at most 32 connections, more wait. A request
// has ten seconds.
class ApiServer {
 public:
  [[nodiscard]] static std::expected<std::unique_ptr<ApiServer>, std::string> Start(
      const net::Address& listen, const net::TlsFiles& tls, ApiHandler handler);
  // Breaks off what is not answered yet.
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  [[nodiscard]] std::uint16_t port() const;

 private:
  class Impl;
  explicit ApiServer(std::shared_ptr<Impl> impl);

  std::shared_ptr<Impl> impl_;
};

}  // namespace sextant::agent
