// The storage nodes: who is a member, how large the disks are, which pod may be made anew.
#include "operator/plan/instance_view.h"
#include "operator/plan/steps.h"
#include "sextant/kube/quantity.h"

#include <algorithm>
#include <format>
#include <set>

namespace sextant::op {
namespace {

constexpr int kMembersPerZone = 2;

std::vector<StorageSlot> Slots(const Step& step) {
  return StorageSlots(step.seen.names, step.plan.status.zones, step.spec.nodes_per_zone);
}

const StorageStatus* Answer(const Step& step, const std::string& pod) {
  const StorageHealth* health = FindStorage(step.seen, pod);
  return health == nullptr || !health->reachable || !health->status ? nullptr : &*health->status;
}

// The writer waits for the next look: what the nodes say then is true.
void PlanMembers(Step& step) {
  std::int64_t generation = 0;
  for (const auto& [pod, node] : step.seen.storage) {
    if (node.status) {
      generation = std::max(generation, node.status->generation);
    }
  }
  Status& status = step.status();
  status.storage_generation = std::max(status.storage_generation, generation);
  if (status.storage_generation > 0) {
    return;  // never a second first configuration
  }
  step.progress = "waits for six storage nodes";
  step.plan.in_transition = true;
  std::vector<std::string> members;
  for (const StorageSlot& slot : Slots(step)) {
    if (slot.ordinal >= kMembersPerZone) {
      continue;
    }
    const StorageStatus* node = Answer(step, slot.pod);
    if (node == nullptr) {
      return;
    }
    members.push_back(node->member);
  }
  if (std::set(members.begin(), members.end()).size() != 6) {
    step.problems.emplace_back("two storage nodes answer with the same member");
    return;
  }
  step.Note("StorageConfigured", "the six storage nodes are the members of a new volume");
  step.Do(ConfigureStorage{.generation = 1, .members = std::move(members), .next = {}});
  status.storage_generation = 1;  // if it is done
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
         node->state == "ready" && node->missing_bytes == 0;
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
  const auto all_others_whole = [&](const StorageSlot& slot) {
    return std::ranges::all_of(slots, [&](const StorageSlot& other) {
      return other.pod == slot.pod || IsWhole(step, other);
    });
  };
  for (const StorageSlot& slot : slots) {
    if (!out_of_date(slot)) {
      continue;
    }
    step.progress = "storage nodes are made anew, one at a time";
    const PodInfo* pod = FindPod(step.seen, slot.pod);
    // One that was never there is nothing to lose.
    const bool never_ran = !pod->ready && !pod->problem.empty();
    if (never_ran || all_others_whole(slot)) {
      step.Note("StorageRolls", std::format("{} is made anew", slot.pod));
      step.Do(Delete{.resource = kube::resources::Pods(), .name = pod->name, .uid = pod->uid});
      return;
    }
  }
}

}  // namespace

void PlanStorage(Step& step) {
  PlanMembers(step);
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
