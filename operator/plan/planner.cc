#include "operator/plan/steps.h"

#include <algorithm>

namespace sextant::op {

void Step::LookAgain(Milliseconds after) {
  plan.look_again = plan.look_again == Milliseconds(0) ? after : std::min(plan.look_again, after);
}

Plan MakePlan(const Observed& seen, kube::Time now) {
  Plan plan;
  plan.status = seen.status;
  static const Spec kNone;  // of a specification that cannot be read
  Step step{.seen = seen, .spec = seen.spec ? *seen.spec : kNone, .now = now, .plan = plan};
  if (seen.deleting) {
    if (seen.has_finalizer) {
      PlanDeletion(step);
    }
    return plan;
  }
  if (!seen.has_finalizer) {
    step.Do(AddFinalizer{});  // first: nothing outside exists yet
    return plan;
  }
  if (!seen.spec) {
    step.problems.push_back(seen.spec.error());
    step.Warn("InvalidSpec", seen.spec.error());
    PlanStatus(step);
    return plan;
  }
  if (PlanZones(step)) {
    PlanObjects(step);
    PlanMembers(step);
    PlanWriter(step);
    PlanInstances(step);
    PlanOrders(step);
    PlanRoles(step);
    PlanRepair(step);
    PlanStorage(step);
  }
  PlanStatus(step);
  step.LookAgain(plan.in_transition ? Milliseconds(200) : Milliseconds(5000));
  return plan;
}

}  // namespace sextant::op
