// What informers tell, and what decides who has to hear it.
#pragma once

#include "sextant/kube/runtime/snapshot.h"

#include <functional>

namespace sextant::kube::runtime {

// A step in the life of an object. Steps that a handler has not been told of yet are merged into
// one, so a handler may miss states in between but never the last one; an object that was deleted
// and made again is always told as both.
struct Change {
  SnapshotPtr before;   // null: the object is new to the handler
  SnapshotPtr after;    // null: the object is gone, and `before` is the last state that is known
  bool missed = false;  // it went while the API server could not be watched

  [[nodiscard]] bool IsAddition() const { return before == nullptr; }
  [[nodiscard]] bool IsDeletion() const { return after == nullptr; }
  [[nodiscard]] bool IsUpdate() const { return !IsAddition() && !IsDeletion(); }

  // The newest state that is known.
  [[nodiscard]] const Snapshot& Newest() const { return after != nullptr ? *after : *before; }
};

// Whether a change matters. A predicate sees merged changes too.
using Predicate = std::function<bool(const Change&)>;

// Changes of the specification, additions, deletions and their beginnings; not of the status, nor
// of metadata. Only for kinds that count generations.
[[nodiscard]] bool GenerationChanged(const Change& change);

[[nodiscard]] bool LabelsChanged(const Change& change);
[[nodiscard]] bool AnnotationsChanged(const Change& change);
[[nodiscard]] bool FinalizersChanged(const Change& change);

[[nodiscard]] Predicate AnyOf(std::vector<Predicate> predicates);

}  // namespace sextant::kube::runtime
