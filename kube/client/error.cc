#include "sextant/kube/error.h"

#include "kube/client/json.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <format>
#include <utility>

namespace sextant::kube {
namespace {

constexpr std::size_t kQuotedBytes = 256;

// Reasons say more than the HTTP status where they exist: a 409 is two different things.
ErrorCode CodeOf(int status, std::string_view reason) {
  using enum ErrorCode;
  constexpr std::array kByReason = std::to_array<std::pair<std::string_view, ErrorCode>>({
      {"AlreadyExists", kAlreadyExists},
      {"Conflict", kConflict},
      {"Expired", kGone},
      {"Gone", kGone},
      {"Invalid", kInvalid},
      {"NotFound", kNotFound},
      {"RequestEntityTooLarge", kTooLarge},
      {"ServerTimeout", kTimeout},
      {"Timeout", kTimeout},
      {"TooManyRequests", kThrottled},
  });
  const auto* known = std::ranges::find(kByReason, reason, &decltype(kByReason)::value_type::first);
  if (known != kByReason.end()) return known->second;
  switch (status) {
    case 401:
      return kUnauthorized;
    case 403:
      return kForbidden;
    case 404:
      return kNotFound;
    case 408:
    case 504:
      return kTimeout;
    case 409:
      return kConflict;
    case 410:
      return kGone;
    case 413:
      return kTooLarge;
    case 422:
      return kInvalid;
    case 429:
      return kThrottled;
    case 502:
    case 503:
      return kUnavailable;
    default:
      return status >= 400 && status < 500 ? kBadRequest : kServer;
  }
}

// A member of a type that may be wrong: the text comes from outside.
template <typename T>
T ValueOr(const Json& object, const char* key, T fallback) {
  const auto member = object.find(key);
  if (member == object.end()) return fallback;
  const T* value = member->get_ptr<const T*>();
  return value == nullptr ? fallback : *value;
}

int StatusCode(const Json& status) {
  const auto code = ValueOr<Json::number_integer_t>(status, "code", 0);
  return code >= 100 && code <= 599 ? static_cast<int>(code) : 0;
}

std::optional<std::chrono::milliseconds> RetryAfter(const Json& status) {
  const auto details = status.find("details");
  if (details == status.end() || !details->is_object()) return std::nullopt;
  const auto seconds = ValueOr<Json::number_integer_t>(*details, "retryAfterSeconds", 0);
  if (seconds <= 0 || seconds > 86400) return std::nullopt;
  return std::chrono::seconds(seconds);
}

// Printable and short: the body may be anything, and the message goes to a log.
std::string Quote(std::string_view body) {
  std::string text(body.substr(0, kQuotedBytes));
  std::ranges::replace_if(text, [](char c) { return c < ' ' || c > '~'; }, ' ');
  return body.size() > kQuotedBytes ? text + "…" : text;
}

}  // namespace

std::string_view ToString(ErrorCode code) {
  switch (code) {
    case ErrorCode::kBadRequest:
      return "BadRequest";
    case ErrorCode::kUnauthorized:
      return "Unauthorized";
    case ErrorCode::kForbidden:
      return "Forbidden";
    case ErrorCode::kNotFound:
      return "NotFound";
    case ErrorCode::kConflict:
      return "Conflict";
    case ErrorCode::kAlreadyExists:
      return "AlreadyExists";
    case ErrorCode::kGone:
      return "Gone";
    case ErrorCode::kTooLarge:
      return "TooLarge";
    case ErrorCode::kInvalid:
      return "Invalid";
    case ErrorCode::kThrottled:
      return "Throttled";
    case ErrorCode::kServer:
      return "Server";
    case ErrorCode::kUnavailable:
      return "Unavailable";
    case ErrorCode::kTimeout:
      return "Timeout";
    case ErrorCode::kCancelled:
      return "Cancelled";
    case ErrorCode::kMalformed:
      return "Malformed";
    case ErrorCode::kConfig:
      return "Config";
  }
  return "Unknown";
}

std::string ToString(const Error& error) {
  std::string text(ToString(error.code));
  if (error.status != 0) {
    text += std::format(" ({}{}{})", error.status, error.reason.empty() ? "" : " ", error.reason);
  }
  return text + ": " + error.message;
}

Error ErrorFromStatus(const Json& status) {
  if (!status.is_object()) {
    return {.code = ErrorCode::kMalformed, .message = "a Status that is no object"};
  }
  Error error;
  error.status = StatusCode(status);
  error.reason = ValueOr<std::string>(status, "reason", "");
  error.message = ValueOr<std::string>(status, "message", "");
  error.code = CodeOf(error.status, error.reason);
  error.retry_after = RetryAfter(status);
  return error;
}

Error ErrorFromResponse(int status, std::string_view body) {
  const Json object = ParseJson(body).value_or(Json());
  if (object.is_object() && ValueOr<std::string>(object, "kind", "") == "Status") {
    Error error = ErrorFromStatus(object);
    error.status = status;  // what a proxy changed counts
    error.code = CodeOf(status, error.reason);
    return error;
  }
  const std::string quote = Quote(body);
  return {.code = CodeOf(status, ""),
          .status = status,
          .message = quote.empty() ? std::format("HTTP status {} without a body", status) : quote};
}

}  // namespace sextant::kube
