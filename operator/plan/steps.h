// The parts of MakePlan(), in the order in which it takes them. Each looks at everything, adds its
// actions, and changes the status that the plan will write.
#pragma once

#include "operator/plan/instance_view.h"
#include "operator/plan/plan.h"
#include "operator/resources/render.h"

#include <map>
#include <string>
#include <vector>

namespace sextant::op {

// How far the replacement of a lost copy is; as in StorageNodeStatus.
struct Repair {
  std::string state;
  std::string new_member;
};

struct Step {
  const Observed& seen;
  const Spec& spec;
  kube::Time now;
  Plan& plan;
  std::vector<std::string> problems = {};      // for people: what is missing or wrong
  std::string progress = {};                   // what is being changed; empty: nothing
  std::map<std::string, Repair> repairs = {};  // by pod: whose disk takes another's place
  // This plan makes another instance the writer: what was seen of roles is out of date.
  bool changes_writer = false;

  [[nodiscard]] Status& status() { return plan.status; }
  void Do(Action action) { plan.actions.push_back(std::move(action)); }
  void Note(std::string reason, std::string note) {
    Do(Tell{.warning = false, .reason = std::move(reason), .note = std::move(note)});
  }
  void Warn(std::string reason, std::string note) {
    Do(Tell{.warning = true, .reason = std::move(reason), .note = std::move(note)});
  }
  void LookAgain(Milliseconds after);
  [[nodiscard]] Render render() const {
    return {.names = seen.names,
            .spec = spec,
            .zones = plan.status.zones,
            .images = seen.images,
            .uid = seen.uid};
  }
};

// Its pod was made from what the cluster asks for now.
[[nodiscard]] bool IsUpToDate(const Step& step, const Instance& instance);

// The zones are chosen once. False: nothing else can be done yet.
[[nodiscard]] bool PlanZones(Step& step);
// Secrets, configuration, Services, budgets, StatefulSets: made, renewed, repaired.
void PlanObjects(Step& step);
// Who the volume's members are: what the nodes know, or the first six.
void PlanMembers(Step& step);
// A new member in place of one whose disk is lost. Its orders may take seconds: late in the plan.
void PlanRepair(Step& step);
// Disks that grow, storage pods that are out of date.
void PlanStorage(Step& step);
// Who is the writer: the first one, failover, switchover.
void PlanWriter(Step& step);
// Pods of instances: made, removed, made anew.
void PlanInstances(Step& step);
// What each agent is to do, and which pods are endpoints.
void PlanOrders(Step& step);
void PlanRoles(Step& step);
// What users see. Last.
void PlanStatus(Step& step);
// Instead of all of these, for a cluster that goes.
void PlanDeletion(Step& step);

}  // namespace sextant::op
