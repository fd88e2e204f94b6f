#include "sextant/kube/views.h"

#include "sextant/kube/base64.h"
#include "sextant/kube/condition.h"

#include <algorithm>

namespace sextant::kube {
namespace {

bool IsReadyCondition(const Json& object) {
  return StatusOf(Find(object, {"status", "conditions"}), "Ready") == ConditionStatus::kTrue;
}

// A container's status, init containers too: those with restartPolicy Always run beside the others.
const Json& ContainerStatus(const Json& object, std::string_view container) {
  static const Json none;
  for (const std::string_view list : {"containerStatuses", "initContainerStatuses"}) {
    const Json& statuses = Find(object, {"status", list});
    if (!statuses.is_array()) continue;
    const auto found = std::ranges::find_if(statuses, [container](const Json& status) {
      return FindString(status, {"name"}) == container;
    });
    if (found != statuses.end()) return *found;
  }
  return none;
}

std::optional<Time> FindTime(const Json& object, std::initializer_list<std::string_view> path) {
  const auto time = ParseTime(FindString(object, path));
  if (!time) return std::nullopt;
  return *time;
}

}  // namespace

std::string_view PodView::Phase() const { return FindString(object_, {"status", "phase"}); }
bool PodView::IsReady() const { return IsReadyCondition(object_) && !IsBeingDeleted(object_); }
bool PodView::IsScheduled() const { return !NodeName().empty(); }
std::string_view PodView::NodeName() const { return FindString(object_, {"spec", "nodeName"}); }
std::string_view PodView::Ip() const { return FindString(object_, {"status", "podIP"}); }
bool PodView::IsContainerReady(std::string_view container) const {
  return FindBool(ContainerStatus(object_, container), {"ready"}).value_or(false);
}
std::int64_t PodView::Restarts(std::string_view container) const {
  return FindInteger(ContainerStatus(object_, container), {"restartCount"}).value_or(0);
}

bool NodeView::IsReady() const { return IsReadyCondition(object_); }
bool NodeView::IsSchedulable() const {
  return !FindBool(object_, {"spec", "unschedulable"}).value_or(false);
}
std::string_view NodeView::Zone() const { return Label(object_, "topology.kubernetes.io/zone"); }

std::string_view PersistentVolumeClaimView::Phase() const {
  return FindString(object_, {"status", "phase"});
}
std::string_view PersistentVolumeClaimView::VolumeName() const {
  return FindString(object_, {"spec", "volumeName"});
}
std::string_view PersistentVolumeClaimView::StorageClass() const {
  return FindString(object_, {"spec", "storageClassName"});
}
std::string_view PersistentVolumeClaimView::RequestedStorage() const {
  return FindString(object_, {"spec", "resources", "requests", "storage"});
}
std::string_view PersistentVolumeClaimView::Capacity() const {
  return FindString(object_, {"status", "capacity", "storage"});
}

std::optional<std::string> SecretView::Data(std::string_view key) const {
  const Json& value = Find(object_, {"data", key});
  if (!value.is_string()) return std::nullopt;
  return DecodeBase64(value.get_ref<const std::string&>());
}

std::string_view LeaseView::Holder() const {
  return FindString(object_, {"spec", "holderIdentity"});
}
std::chrono::seconds LeaseView::Duration() const {
  return std::chrono::seconds(FindInteger(object_, {"spec", "leaseDurationSeconds"}).value_or(0));
}
std::int64_t LeaseView::Transitions() const {
  return FindInteger(object_, {"spec", "leaseTransitions"}).value_or(0);
}
std::optional<Time> LeaseView::RenewTime() const {
  return FindTime(object_, {"spec", "renewTime"});
}
std::optional<Time> LeaseView::AcquireTime() const {
  return FindTime(object_, {"spec", "acquireTime"});
}

}  // namespace sextant::kube
