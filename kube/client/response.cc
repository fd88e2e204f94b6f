#include "kube/client/response.h"

#include "kube/client/json.h"

#include <charconv>
#include <format>

namespace sextant::kube {
namespace {

constexpr int kLongestWaitSeconds = 86400;

std::unexpected<Error> Malformed(std::string message, int status = 0) {
  return std::unexpected(
      Error{.code = ErrorCode::kMalformed, .status = status, .message = std::move(message)});
}

// Kubernetes sends seconds; HTTP's other form, a date, is not used by it.
std::optional<std::chrono::milliseconds> RetryAfter(const Response& response) {
  const auto header = response.headers.find("retry-after");
  if (header == response.headers.end()) return std::nullopt;
  const std::string& text = header->second;
  const char* end = text.data() + text.size();
  int seconds = 0;
  const auto [at, error] = std::from_chars(text.data(), end, seconds);
  if (error != std::errc() || at != end || seconds < 0 || seconds > kLongestWaitSeconds) {
    return std::nullopt;
  }
  return std::chrono::seconds(seconds);
}

}  // namespace

bool IsSuccess(const Response& response) { return response.status >= 200 && response.status < 300; }

Error ErrorOf(const Response& response) {
  Error error = ErrorFromResponse(response.status, response.body);
  if (const auto wait = RetryAfter(response)) error.retry_after = wait;
  return error;
}

Result<Json> ParseObject(const Response& response) {
  std::optional<Json> object = ParseJson(response.body);
  if (object && object->is_object()) return *std::move(object);
  return Malformed(std::format("the answer is no JSON object but {} bytes of something else",
                               response.body.size()),
                   response.status);
}

Result<ObjectList> ParseList(Json list) {
  ObjectList result{.items = {},
                    .resource_version = std::string(ResourceVersion(list)),
                    .continue_token = std::string(FindString(list, {"metadata", "continue"}))};
  const auto items = list.find("items");
  if (items == list.end() || !(items->is_array() || items->is_null())) {
    return Malformed("the answer is no list");
  }
  std::string_view kind = Kind(list);
  if (kind.ends_with("List")) kind.remove_suffix(4);
  result.items.reserve(items->size());
  for (Json& item : *items) {
    if (!item.is_object()) return Malformed("a list with an item that is no object");
    if (Kind(item).empty()) item["kind"] = kind;
    if (ApiVersion(item).empty()) item["apiVersion"] = ApiVersion(list);
    result.items.push_back(std::move(item));
  }
  return result;
}

Result<std::string> Serialize(const Json& object) {
  try {
    return object.dump();
  } catch (const Json::exception& error) {
    return std::unexpected(Error{.code = ErrorCode::kBadRequest, .message = error.what()});
  }
}

}  // namespace sextant::kube
