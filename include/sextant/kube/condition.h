// Conditions of a status: what was observed, each with when it last changed.
#pragma once

#include "sextant/kube/object.h"
#include "sextant/kube/time.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace sextant::kube {

enum class ConditionStatus { kTrue, kFalse, kUnknown };

// "True", "False", "Unknown"; anything else reads as unknown.
[[nodiscard]] std::string_view ToString(ConditionStatus status);
[[nodiscard]] ConditionStatus ParseConditionStatus(std::string_view text);

struct Condition {
  std::string type;  // "Ready"
  ConditionStatus status = ConditionStatus::kUnknown;
  std::string reason;  // CamelCase, never empty
  std::string message = {};
  std::int64_t observed_generation = 0;
};

// The entry of that type in an array of conditions; null when there is none.
[[nodiscard]] const Json& FindCondition(const Json& conditions, std::string_view type);

// Its status; unknown when there is none.
[[nodiscard]] ConditionStatus StatusOf(const Json& conditions, std::string_view type);

// Sets the entry of the condition's type in an array (a null becomes one). lastTransitionTime
// changes only when the status does. True when anything changed: only then is the status worth
// writing.
bool SetCondition(Json& conditions, const Condition& condition, Time now);

}  // namespace sextant::kube
