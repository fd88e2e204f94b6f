#include "kube/runtime/managed_fields.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace sextant::kube::runtime {
namespace {

constexpr std::string_view kField = "\"managedFields\"";
constexpr std::array<std::string_view, 2> kPath = {"\"object\"", "\"metadata\""};

// The end of the string that begins at `begin`, past its closing quote; npos when it has none.
std::size_t EndOfString(std::string_view text, std::size_t begin) {
  for (std::size_t at = begin + 1; at < text.size(); ++at) {
    at = text.find_first_of("\"\\", at);
    if (at == std::string_view::npos) return at;
    if (text[at] == '"') return at + 1;
    ++at;  // an escaped character
  }
  return std::string_view::npos;
}

// The end of the array or object that begins at `begin`; npos when it has none.
std::size_t EndOfValue(std::string_view text, std::size_t begin) {
  std::size_t depth = 0;
  for (std::size_t at = begin; at < text.size();) {
    at = text.find_first_of("\"[]{}", at);
    if (at == std::string_view::npos) return at;
    if (text[at] == '"') {
      at = EndOfString(text, at);
      continue;
    }
    if (text[at] == '[' || text[at] == '{') {
      ++depth;
    } else if (--depth == 0) {
      return at + 1;
    }
    ++at;
  }
  return std::string_view::npos;
}

}  // namespace

std::string WithoutManagedFields(std::string_view event) {
  // Goes down into the event, its object and the metadata of that; steps over all other values.
  std::size_t depth = 0;
  std::string_view key;
  for (std::size_t at = 0; at < event.size();) {
    at = event.find_first_of("\"[]{}", at);
    if (at == std::string_view::npos) break;
    const char c = event[at];
    if (c == '"') {
      const std::size_t end = EndOfString(event, at);
      if (end == std::string_view::npos) break;
      const bool is_key = end < event.size() && event[end] == ':';
      if (is_key) key = event.substr(at, end - at);
      at = end;
      if (!is_key || depth <= kPath.size() || key != kField ||
          !event.substr(at).starts_with(":[")) {
        continue;
      }
      const std::size_t value = at + 1;
      const std::size_t value_end = EndOfValue(event, value);
      if (value_end == std::string_view::npos) break;
      return std::string(event.substr(0, value)) + "[]" + std::string(event.substr(value_end));
    }
    if (c == '{' && (depth == 0 || (depth <= kPath.size() && key == kPath[depth - 1]))) {
      ++depth;
      ++at;
    } else if (c == '{' || c == '[') {
      at = EndOfValue(event, at);
    } else {
      if (depth == 0) break;
      --depth;
      ++at;
    }
  }
  return std::string(event);
}

}  // namespace sextant::kube::runtime
