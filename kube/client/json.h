#pragma once

#include "sextant/kube/object.h"

#include <optional>
#include <string_view>

namespace sextant::kube {

// The tree of a text from outside; nothing when it is no JSON, or deeper than any object is.
[[nodiscard]] std::optional<Json> ParseJson(std::string_view text);

// The tree of what MessagePackWriter wrote.
[[nodiscard]] Json FromMessagePack(std::string_view bytes);

}  // namespace sextant::kube
