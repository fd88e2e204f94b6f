#include "sextant/kube/finalizer.h"

#include <algorithm>
#include <format>

namespace sextant::kube {
namespace {

constexpr const char* kPath = "/metadata/finalizers";

const Json& Finalizers(const Json& object) { return Find(object, {"metadata", "finalizers"}); }

Json Operation(const char* op, Json path, Json value) {
  return {{"op", op}, {"path", std::move(path)}, {"value", std::move(value)}};
}

// The object is the one that was read: a namesake made since has another list, or another uid.
Json TestUid(const Json& object) { return Operation("test", "/metadata/uid", Uid(object)); }

}  // namespace

bool HasFinalizer(const Json& object, std::string_view finalizer) {
  const Json& finalizers = Finalizers(object);
  return finalizers.is_array() &&
         std::ranges::find(finalizers, Json(finalizer)) != finalizers.end();
}

FinalizerStep NextFinalizerStep(const Json& object, std::string_view finalizer) {
  const bool has = HasFinalizer(object, finalizer);
  if (IsBeingDeleted(object)) return has ? FinalizerStep::kCleanUp : FinalizerStep::kNothing;
  return has ? FinalizerStep::kReconcile : FinalizerStep::kAdd;
}

Patch AddFinalizerPatch(const Json& object, std::string_view finalizer) {
  Json operations = Json::array({TestUid(object)});
  const Json& finalizers = Finalizers(object);
  if (finalizers.is_array() && !finalizers.empty()) {
    operations.push_back(Operation("test", kPath, finalizers));
    operations.push_back(Operation("add", std::string(kPath) + "/-", finalizer));
  } else {
    // The list is not there: this test holds for a missing member, and fails when one came.
    operations.push_back(Operation("test", kPath, nullptr));
    operations.push_back(Operation("add", kPath, Json::array({finalizer})));
  }
  return JsonPatch(std::move(operations));
}

Patch RemoveFinalizerPatch(const Json& object, std::string_view finalizer) {
  const Json& finalizers = Finalizers(object);
  Json operations = Json::array({TestUid(object)});
  for (std::size_t i = 0; finalizers.is_array() && i < finalizers.size(); ++i) {
    if (finalizers[i] != finalizer) continue;
    const std::string path = std::format("{}/{}", kPath, i);
    operations.push_back(Operation("test", path, finalizer));
    operations.push_back({{"op", "remove"}, {"path", path}});
    break;
  }
  return JsonPatch(std::move(operations));
}

}  // namespace sextant::kube
