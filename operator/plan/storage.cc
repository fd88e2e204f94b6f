// The storage nodes: how large the disks are, which pod may be made anew.
#include "operator/plan/instance_view.h"
#include "operator/plan/steps.h"
#include "sextant/kube/quantity.h"

#include <algorithm>
#include <format>
#include <set>

namespace sextant::op {
namespace {

std::vector<StorageSlot> Slots(const Step& step) {
  return StorageSlots(step.seen.names, step.plan.status.zones, step.spec.nodes_per_zone);
}

const StorageStatus* Answer(const Step& step, const std::string& pod) {
  const StorageHealth* health = FindStorage(step.seen, pod);
  return health == nullptr || !health->reachable || !health->status ? nullptr : &*health->status;
}

void PlanClaims(Step& step) {
  const auto wanted = kube::Quantity::Parse(step.spec.storage_size);
  for (const ClaimInfo& claim : step.seen.claims) {
    const auto has = kube::Quantity::Parse(claim.requested);
    if (wanted && has && *has < *wanted && !claim.deleting && claim.phase == "Bound") {
      step.Note("StorageGrows", std::format("{} grows from {} to {}", claim.name, claim.requested,
                                            step.spec.storage_size));
      step.Do(GrowClaim{.name = claim.name, .size = step.spec.storage_size});
    }
  }
}

bool IsWhole(const Step& step, const StorageSlot& slot) {
  const PodInfo* pod = FindPod(step.seen, slot.pod);
  const StorageStatus* node = Answer(step, slot.pod);
  return pod != nullptr && pod->ready && !pod->deleting && node != nullptr &&
         node->state == "ready" && node->missing_bytes == 0 &&
         (slot.ordinal >= kMembersPerZone ||
          std::ranges::contains(step.plan.status.storage_members, node->member));
}

// It is deleted and stays only for the pod that uses it: the pod's end is the copy's.
bool LosesItsClaim(const Step& step, const StorageSlot& slot) {
  const std::string name = StorageClaim(slot.pod);
  return std::ranges::any_of(step.seen.claims, [&](const ClaimInfo& claim) {
    return claim.deleting && claim.name == name;
  });
}

// The newest revision of the StatefulSet that a pod is of; empty while it is not known.
std::string Revision(const Step& step, const StorageSlot& slot) {
  const auto set = step.seen.children.find(
      "StatefulSet/" + step.seen.names.StorageSet(step.plan.status.zones, slot.zone));
  if (set == step.seen.children.end() ||
      kube::FindInteger(set->second.object, {"status", "observedGeneration"}) !=
          kube::Generation(set->second.object)) {
    return {};
  }
  return std::string(kube::FindString(set->second.object, {"status", "updateRevision"}));
}

void PlanRoll(Step& step) {
  const std::vector<StorageSlot> slots = Slots(step);
  const auto out_of_date = [&step](const StorageSlot& slot) {
    const PodInfo* pod = FindPod(step.seen, slot.pod);
    const std::string revision = Revision(step, slot);
    return pod != nullptr && !pod->deleting && !revision.empty() && !pod->revision.empty() &&
           pod->revision != revision;
  };
  const auto goes = [&step](const StorageSlot& slot) {
    const PodInfo* pod = FindPod(step.seen, slot.pod);
    return pod != nullptr && !pod->deleting && LosesItsClaim(step, slot);
  };
  const bool settled = step.repairs.empty() && step.plan.status.storage_next.empty();
  const auto all_others_whole = [&](const StorageSlot& slot) {
    return settled && std::ranges::all_of(slots, [&](const StorageSlot& other) {
             return other.pod == slot.pod || IsWhole(step, other);
           });
  };
  for (const StorageSlot& slot : slots) {
    const bool loses_disk = goes(slot);
    if (loses_disk) {
      step.problems.push_back(std::format(
          "the claim of {} is being deleted: the pod is made anew with another disk when all "
          "other copies are complete",
          slot.pod));
    }
    if (!loses_disk && !out_of_date(slot)) {
      continue;
    }
    step.progress = "storage nodes are made anew, one at a time";
    const PodInfo* pod = FindPod(step.seen, slot.pod);
    // One that was never there is nothing to lose.
    const bool never_ran = !loses_disk && !pod->ready && !pod->problem.empty();
    if (never_ran || all_others_whole(slot)) {
      step.Note("StorageRolls", std::format("{} is made anew", slot.pod));
      step.Do(Delete{.resource = kube::resources::Pods(), .name = pod->name, .uid = pod->uid});
      return;
    }
  }
}

}  // namespace

void PlanStorage(Step& step) {
  PlanClaims(step);
  PlanRoll(step);
  if (step.seen.storage_class_found == false) {
    step.problems.push_back(
        step.spec.storage_class.empty()
            ? "the Kubernetes cluster has no default StorageClass"
            : std::format("StorageClass {} does not exist", step.spec.storage_class));
  }
}

}  // namespace sextant::op
