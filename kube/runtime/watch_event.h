#pragma once

#include "sextant/kube/runtime/packed_object.h"

#include <optional>
#include <string>
#include <string_view>

namespace sextant::kube::runtime {

struct WatchEvent {
  std::string type;  // "ADDED", …
  PackedObject object;
};

// A line of a watch, {"type": …, "object": {…}}, read in one pass. Nothing when it is none.
[[nodiscard]] std::optional<WatchEvent> ParseWatchEvent(std::string_view line);

}  // namespace sextant::kube::runtime
