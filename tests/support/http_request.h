#pragma once

#include "tests/support/certificates.h"

#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace sextant::testing {

struct HttpRequest {
  std::string url;
  std::string method = "GET";
  std::vector<std::string> headers = {};  // "Name: value"
  std::string body = {};
  std::string authority = {};          // PEM; nothing else is trusted
  std::optional<KeyPair> client = {};  // a client certificate
};

struct HttpResponse {
  long status = 0;
  std::string body;
};

// Sends one request on a connection of its own and waits at most ten seconds. The error is what
// libcurl says. A test's second opinion on a server: it shares no code with Sextant's own clients.
[[nodiscard]] std::expected<HttpResponse, std::string> Send(const HttpRequest& request);

}  // namespace sextant::testing
