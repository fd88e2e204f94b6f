// Owner references: which object a child belongs to, so that it is collected with its owner.
#pragma once

#include "sextant/kube/error.h"
#include "sextant/kube/object.h"

#include <string_view>

namespace sextant::kube {

// The entry that names `owner`, which the server has already stored (it needs its uid).
[[nodiscard]] Json OwnerReference(const Json& owner, bool controller = true);

// The one entry with controller: true; null when there is none.
[[nodiscard]] const Json& ControllerOf(const Json& object);
[[nodiscard]] std::string_view ControllerUid(const Json& object);

// Makes `owner` the controller of `object`. kConflict when another object is; kInvalid when the
// owner is in another namespace, because the collector would take the child for an orphan.
[[nodiscard]] Result<void> SetController(Json& object, const Json& owner);

}  // namespace sextant::kube
