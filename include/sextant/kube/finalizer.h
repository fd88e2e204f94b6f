// Finalizers: clean up outside Kubernetes before an object goes.
//
// The four cases follow from two facts, whether the object is being deleted and whether it carries
// our finalizer. Both patches test what they change, so two writers cannot drop each other's entry;
// when a test fails the server answers 422 (kInvalid): read the object again.
#pragma once

#include "sextant/kube/object.h"
#include "sextant/kube/patch.h"

#include <string_view>

namespace sextant::kube {

enum class FinalizerStep {
  kAdd,        // put it on, and return: nothing outside exists yet
  kReconcile,  // as usual
  kCleanUp,    // clean up, then take it off
  kNothing,    // it is going, and we are done with it
};

[[nodiscard]] FinalizerStep NextFinalizerStep(const Json& object, std::string_view finalizer);

[[nodiscard]] bool HasFinalizer(const Json& object, std::string_view finalizer);

// For an object without / with the finalizer. They are made from the object as it was read.
[[nodiscard]] Patch AddFinalizerPatch(const Json& object, std::string_view finalizer);
[[nodiscard]] Patch RemoveFinalizerPatch(const Json& object, std::string_view finalizer);

}  // namespace sextant::kube
