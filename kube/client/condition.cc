#include "sextant/kube/condition.h"

#include <algorithm>

namespace sextant::kube {

std::string_view ToString(ConditionStatus status) {
  switch (status) {
    case ConditionStatus::kTrue:
      return "True";
    case ConditionStatus::kFalse:
      return "False";
    case ConditionStatus::kUnknown:
      break;
  }
  return "Unknown";
}

ConditionStatus ParseConditionStatus(std::string_view text) {
  if (text == "True") return ConditionStatus::kTrue;
  if (text == "False") return ConditionStatus::kFalse;
  return ConditionStatus::kUnknown;
}

const Json& FindCondition(const Json& conditions, std::string_view type) {
  static const Json none;
  if (!conditions.is_array()) return none;
  const auto found = std::ranges::find_if(
      conditions, [type](const Json& entry) { return FindString(entry, {"type"}) == type; });
  return found == conditions.end() ? none : *found;
}

ConditionStatus StatusOf(const Json& conditions, std::string_view type) {
  return ParseConditionStatus(FindString(FindCondition(conditions, type), {"status"}));
}

bool SetCondition(Json& conditions, const Condition& condition, Time now) {
  if (!conditions.is_array()) conditions = Json::array();
  const auto found = std::ranges::find_if(
      conditions, [&](const Json& entry) { return FindString(entry, {"type"}) == condition.type; });
  const bool is_new = found == conditions.end();
  Json entry = is_new ? Json::object() : *found;
  if (FindString(entry, {"status"}) != ToString(condition.status)) {
    entry["lastTransitionTime"] = FormatTime(now);
  }
  entry["type"] = condition.type;
  entry["status"] = ToString(condition.status);
  entry["reason"] = condition.reason;
  entry["message"] = condition.message;
  entry["observedGeneration"] = condition.observed_generation;
  if (is_new) {
    conditions.push_back(std::move(entry));
    return true;
  }
  if (*found == entry) return false;
  *found = std::move(entry);
  return true;
}

}  // namespace sextant::kube
