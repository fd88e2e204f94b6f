#include "sextant/kube/runtime/change.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace sextant::kube::runtime {
namespace {

bool MetadataChanged(const Change& change, std::string_view field) {
  if (!change.IsUpdate()) return true;
  const Json before = change.before->Object();
  const Json after = change.after->Object();
  return Find(before, {"metadata", field}) != Find(after, {"metadata", field});
}

}  // namespace

bool GenerationChanged(const Change& change) {
  return !change.IsUpdate() || change.before->Generation() != change.after->Generation() ||
         change.before->IsBeingDeleted() != change.after->IsBeingDeleted();
}

bool LabelsChanged(const Change& change) { return MetadataChanged(change, "labels"); }

bool AnnotationsChanged(const Change& change) { return MetadataChanged(change, "annotations"); }

bool FinalizersChanged(const Change& change) { return MetadataChanged(change, "finalizers"); }

Predicate AnyOf(std::vector<Predicate> predicates) {
  return [predicates = std::move(predicates)](const Change& change) {
    return std::ranges::any_of(predicates,
                               [&](const Predicate& predicate) { return predicate(change); });
  };
}

}  // namespace sextant::kube::runtime
