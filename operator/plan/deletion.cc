// A cluster that goes: engines first, while storage can still take what they have to write.
#include "operator/api/labels.h"
#include "operator/plan/steps.h"

#include <algorithm>
#include <format>

namespace sextant::op {
namespace {

using namespace std::chrono_literals;

bool RemovePods(Step& step, std::string_view component) {
  bool any = false;
  for (const PodInfo& pod : step.seen.pods) {
    if (pod.component != component) {
      continue;
    }
    any = true;
    if (!pod.deleting || (pod.going > 10s && !pod.node_ready)) {
      step.Do(Delete{.resource = kube::resources::Pods(),
                     .name = pod.name,
                     .uid = pod.uid,
                     .now = pod.deleting});
    }
  }
  return any;
}

bool RemoveSets(Step& step) {
  bool any = false;
  for (const auto& [key, child] : step.seen.children) {
    if (key.starts_with("StatefulSet/") && child.ours) {
      any = true;
      if (!kube::IsBeingDeleted(child.object)) {
        step.Do(Delete{.resource = kube::resources::StatefulSets(),
                       .name = key.substr(std::string_view("StatefulSet/").size()),
                       .uid = child.uid});
      }
    }
  }
  return any;
}

}  // namespace

void PlanDeletion(Step& step) {
  Status& status = step.status();
  status.phase = "Deleting";
  step.plan.look_again = 1s;
  if (RemovePods(step, kInstanceComponent)) {
    return;
  }
  const bool sets = RemoveSets(step);
  if (RemovePods(step, kStorageComponent) || sets) {
    return;
  }
  if (step.seen.spec && step.spec.delete_data) {
    for (const ClaimInfo& claim : step.seen.claims) {
      if (!claim.deleting) {
        step.Do(Delete{.resource = kube::resources::PersistentVolumeClaims(), .name = claim.name});
      }
    }
    for (const char* secret : {"ca", "replication"}) {
      if (step.seen.secrets.contains(step.seen.names.Object(secret))) {
        step.Do(
            Delete{.resource = kube::resources::Secrets(), .name = step.seen.names.Object(secret)});
      }
    }
  }
  step.Do(RemoveFinalizer{});  // all else goes with its owner
}

}  // namespace sextant::op
