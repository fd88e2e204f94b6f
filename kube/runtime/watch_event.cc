#include "kube/runtime/watch_event.h"

#include "kube/client/read_json.h"
#include "kube/runtime/envelope.h"

#include <utility>

namespace sextant::kube::runtime {

std::optional<WatchEvent> ParseWatchEvent(std::string_view line) {
  WatchEvent event;
  Envelope envelope([&event](PackedObject object) { event.object = std::move(object); });
  if (!ReadJson(line, envelope) || envelope.Type().empty() || envelope.Contents() != 1) {
    return std::nullopt;
  }
  event.type = envelope.Type();
  return event;
}

}  // namespace sextant::kube::runtime
