#include "sextant/kube/patch.h"

namespace sextant::kube {

Patch ApplyPatch(Json intent, bool force) {
  return {.type = PatchType::kApply, .body = std::move(intent), .force = force};
}

Patch MergePatch(Json body) {
  return {.type = PatchType::kMerge, .body = std::move(body), .force = false};
}

Patch JsonPatch(Json operations) {
  return {.type = PatchType::kJson, .body = std::move(operations), .force = false};
}

std::string EscapePointer(std::string_view key) {
  std::string escaped;
  for (const char c : key) {
    switch (c) {
      case '~':
        escaped += "~0";
        break;
      case '/':
        escaped += "~1";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

}  // namespace sextant::kube
