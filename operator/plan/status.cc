// What users see.
#include "operator/api/labels.h"
#include "operator/plan/member_places.h"
#include "operator/plan/steps.h"
#include "sextant/kube/condition.h"

#include <algorithm>
#include <format>

namespace sextant::op {
namespace {

using kube::Condition;
using kube::ConditionStatus;

constexpr std::string_view kPhaseCreating = "Creating";

std::string Join(const std::vector<std::string>& texts) {
  std::string joined;
  for (const std::string& text : texts) {
    joined += (joined.empty() ? "" : "; ") + text;
  }
  return joined;
}

void SetReaders(Step& step, const std::vector<Instance>& instances) {
  Status& status = step.status();
  status.readers.clear();
  status.ready_readers = 0;
  for (const Instance& instance : instances) {
    if (instance.name() == status.writer) {
      continue;
    }
    ReaderStatus reader{.name = instance.name(), .ready = false, .lag_bytes = {}, .lag_ms = {}};
    reader.ready = instance.CanTakeOrders() && instance.Reads();
    if (reader.ready) {
      reader.lag_bytes = instance.agent->status->lag_bytes;
      reader.lag_ms = instance.agent->status->lag_ms;
      ++status.ready_readers;
    }
    status.readers.push_back(std::move(reader));
  }
}

void SetStorage(Step& step) {
  Status& status = step.status();
  std::map<std::string, std::string> members;
  for (const MemberPlace& place : MemberPlaces(step.seen, status, step.spec.nodes_per_zone)) {
    members[place.slot.pod] = place.member;
  }
  status.storage_nodes.clear();
  std::int64_t used = 0;
  for (const StorageSlot& slot :
       StorageSlots(step.seen.names, status.zones, step.spec.nodes_per_zone)) {
    StorageNodeStatus node{.name = slot.pod,
                           .zone = status.zones.at(slot.zone),
                           .member = members[slot.pod],
                           .ready = false,
                           .scl = {},
                           .missing_bytes = {}};
    if (const auto repair = step.repairs.find(slot.pod); repair != step.repairs.end()) {
      node.repair = repair->second.state;
      node.new_member = repair->second.new_member;
    }
    const StorageHealth* health = FindStorage(step.seen, slot.pod);
    if (health != nullptr && health->status) {
      node.ready = health->reachable && health->status->state == "ready" && node.repair.empty();
      if (health->status->has_branch) {
        node.scl = health->status->scl;
        node.missing_bytes = health->status->missing_bytes;
        status.vdl = std::max(status.vdl, health->status->vdl);
      }
      used = std::max(used, health->status->used_bytes);
    }
    status.storage_nodes.push_back(std::move(node));
  }
  status.used_bytes = used > 0 ? used : status.used_bytes;
}

void FindProblems(Step& step, const std::vector<Instance>& instances) {
  for (const std::string& error : step.seen.errors) {
    step.problems.push_back(error);
  }
  for (const std::string& zone : step.plan.status.zones) {
    if (!std::ranges::contains(step.seen.node_zones, zone)) {
      step.problems.push_back(
          std::format("no node is in {}: label one {}={}", zone, kNodeZoneLabel, zone));
    }
  }
  for (const PodInfo& pod : step.seen.pods) {
    if (!pod.problem.empty() && !pod.deleting) {
      step.problems.push_back(std::format("{}: {}", pod.name, pod.problem));
    }
  }
  std::vector<std::string> missing;
  for (const StorageNodeStatus& node : step.plan.status.storage_nodes) {
    if (!node.ready && node.repair.empty()) {
      const auto refused = step.seen.refused_pods.find(node.name);
      const bool there = FindPod(step.seen, node.name) != nullptr;
      missing.push_back(there || refused == step.seen.refused_pods.end()
                            ? node.name
                            : std::format("{} ({})", node.name, refused->second));
    }
  }
  if (!missing.empty()) {
    step.problems.push_back(std::format("storage nodes that do not answer: {}", Join(missing)));
  }
  for (const auto& [pod, node] : step.seen.storage) {
    if (node.status && node.status->disk_full) {
      step.problems.push_back(std::format("the disk of {} is full", pod));
    }
    if (node.reachable && node.status && node.status->state != "ready") {
      step.problems.push_back(std::format("{} is {}", pod, node.status->state));
    }
  }
  if (step.plan.status.ready_readers < step.spec.readers) {
    step.problems.push_back(
        std::format("{} of {} readers serve", step.plan.status.ready_readers, step.spec.readers));
  }
  for (const Instance& instance : instances) {
    if (instance.Answers() && !instance.agent->status->progress_error.empty()) {
      step.problems.push_back(std::format("{}: {}: {}", instance.name(),
                                          instance.agent->status->progress_step,
                                          instance.agent->status->progress_error));
    }
  }
}

bool WriterServes(const Step& step, const std::vector<Instance>& instances) {
  const Instance* writer = FindInstance(instances, step.plan.status.writer);
  return writer != nullptr && writer->Writes(step.plan.status.epoch);
}

std::string Phase(const Step& step, bool serves) {
  const FailoverStatus& last = step.plan.status.last_failover;
  if (!last.detected.empty() && last.serving.empty()) {
    return last.planned() ? "Switchover" : "Failover";
  }
  const bool ever = step.seen.status.epoch > 0 && step.seen.status.phase != kPhaseCreating;
  if (!serves) {
    return ever ? "Unavailable" : std::string(kPhaseCreating);
  }
  if (!step.problems.empty()) {
    return "Degraded";
  }
  return step.progress.empty() ? "Ready" : "Updating";
}

void Set(Step& step, std::string type, bool holds, std::string reason, std::string message) {
  Condition condition{.type = std::move(type),
                      .status = holds ? ConditionStatus::kTrue : ConditionStatus::kFalse,
                      .reason = std::move(reason),
                      .message = std::move(message),
                      .observed_generation = step.seen.generation};
  kube::SetCondition(step.status().conditions, condition, step.now);
}

}  // namespace

void PlanStatus(Step& step) {
  Status& status = step.status();
  const std::vector<Instance> instances = Instances(step.seen);
  const bool serves = WriterServes(step, instances);
  status.observed_generation = step.seen.generation;
  if (step.seen.spec && !status.zones.empty()) {
    SetReaders(step, instances);
    SetStorage(step);
    FindProblems(step, instances);
    const std::uint16_t port = PortOf(step.spec.engine);
    status.writer_endpoint = std::format("{}:{}", step.seen.names.ServiceHost("rw"), port);
    status.reader_endpoint = std::format("{}:{}", step.seen.names.ServiceHost("ro"), port);
    status.selector =
        std::format("{}={},{}={}", kClusterLabel, step.seen.names.cluster, kRoleLabel, kReaderRole);
  }
  status.phase = Phase(step, serves);
  const std::string problems = Join(step.problems);
  const std::string why = problems.empty() ? step.progress : problems;
  Set(step, "Ready", serves, serves ? "WriterServes" : "WriterDoesNotServe",
      serves ? std::format("{} serves as the writer", status.writer)
             : (why.empty() ? std::string("the writer does not serve yet") : why));
  Set(step, "Progressing", !step.progress.empty(), step.progress.empty() ? "AsWanted" : "Changing",
      step.progress);
  Set(step, "Degraded", !problems.empty(), problems.empty() ? "AsWanted" : "SomethingMissing",
      problems);
  if (!serves) {
    step.plan.in_transition = true;
  }
}

}  // namespace sextant::op
