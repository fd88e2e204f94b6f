// Errors of the Kubernetes API and of the way to it, as values.
//
// Every call that can fail returns Result<T>. The code says what a caller may do about it; status,
// reason and message are what the server said, for a log line. Nothing here throws.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace sextant::kube {

enum class ErrorCode {
  // The server answered, and said no.
  kBadRequest,    // 400 and other 4xx without a code of their own: the request can never succeed
  kUnauthorized,  // 401: the credentials are not accepted
  kForbidden,     // 403: not allowed; also creations in a namespace that is going away
  kNotFound,      // 404
  kConflict,  // 409: another writer came first (resourceVersion, uid, field manager): read again
  kAlreadyExists,  // 409 with reason AlreadyExists
  kGone,           // 410: the resourceVersion or continue token is too old: list again
  kTooLarge,       // 413, or a request, response or line above this client's own bound
  kInvalid,        // 422: the object breaks a rule of its schema
  kThrottled,      // 429: wait for retry_after
  kServer,         // 5xx without a code of its own
  // The server could not be asked, or its answer could not be used.
  kUnavailable,  // no connection, a broken one, a TLS failure; 502 and 503
  kTimeout,      // the deadline passed, or the server gave up (408, 504); it may have been executed
  kCancelled,    // the caller's stop token
  kMalformed,    // an answer that is not what the API promises: not JSON, no object
  kConfig,       // a kubeconfig or certificate that cannot be used
};

// The enumerator's name without its k: for logs and metric labels.
[[nodiscard]] std::string_view ToString(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::kServer;
  int status = 0;           // HTTP's; 0 when there was no answer
  std::string reason = {};  // of the Status object: a stable CamelCase word, may be empty
  std::string message = {};
  std::optional<std::chrono::milliseconds> retry_after = std::nullopt;

  friend bool operator==(const Error&, const Error&) = default;
};

// "NotFound (404 NotFound): pods "x" not found": one line for a log.
[[nodiscard]] std::string ToString(const Error& error);

template <typename T>
using Result = std::expected<T, Error>;

// The error in an HTTP answer that is no success. The body may be a Status object or anything else;
// what is no Status is quoted in the message, shortened.
[[nodiscard]] Error ErrorFromResponse(int status, std::string_view body);

// The error in a Status object, which is also what the ERROR event of a watch carries.
[[nodiscard]] Error ErrorFromStatus(const nlohmann::json& status);

}  // namespace sextant::kube
