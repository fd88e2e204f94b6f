// Who is the writer. An epoch is taken by a compare-and-swap on the status before anybody is told.
#include "operator/api/labels.h"
#include "operator/plan/instance_view.h"
#include "operator/plan/steps.h"

#include <algorithm>
#include <format>
#include <optional>

namespace sextant::op {
namespace {

using namespace std::chrono_literals;

constexpr auto kDemoteTimeout = 20s;
// Of an agent, when storage misses the writer as well.
constexpr auto kSilence = 1s;
// A writer that fails again and again on the same instance is not made anew all the time.
constexpr auto kRetryPause = 10s;

std::string Now(const Step& step) { return kube::FormatTime(step.now); }

std::string_view Annotation(const Step& step, std::string_view key) {
  const auto annotation = step.seen.annotations.find(key);
  return annotation == step.seen.annotations.end() ? std::string_view() : annotation->second;
}

// As the status says.
void OrderToWrite(Step& step, const std::string& name) {
  const Status& status = step.plan.status;
  step.Do(SendOrder{.instance = name,
                    .order = {.id = status.order_id,
                              .role = std::string(kWriterRole),
                              .branch = status.branch,
                              .epoch = status.epoch}});
}

// The epoch, the writer and the order's number belong together: one write.
void CommitWriter(Step& step, const Instance& target) {
  Status& status = step.status();
  status.epoch = std::max(status.epoch, GreatestPromise(step.seen)) + 1;
  status.writer = target.name();
  step.Do(CommitStatus{});
}

void MakeWriter(Step& step, const Instance& target) {
  Status& status = step.status();
  status.order_id = std::max(status.order_id, target.agent->status->order.id) + 1;
  step.changes_writer = true;
  step.plan.in_transition = true;
  CommitWriter(step, target);
  OrderToWrite(step, target.name());
}

void TakeRole(Step& step, const std::string& name) {
  const PodInfo* pod = FindPod(step.seen, name);
  if (pod != nullptr && !pod->role.empty()) {
    step.Do(SetRole{.pod = pod->name, .uid = pod->uid, .role = {}});
  }
}

void Replace(Step& step, const Instance& target, const std::string& reason) {
  Status& status = step.status();
  status.last_failover = {
      .reason = reason, .from = status.writer, .to = target.name(), .detected = Now(step)};
  step.Warn("FailoverStarted",
            std::format("{} follows {} as the writer: {}", target.name(), status.writer, reason));
  TakeRole(step, status.writer);
  TakeRole(step, target.name());
  MakeWriter(step, target);
}

void PlanFirstWriter(Step& step) {
  const std::vector<Instance> instances = Instances(step.seen);
  const auto best = std::ranges::min_element(instances, {}, [&](const Instance& instance) {
    return std::tuple(instance.pod->deleting || !instance.pod->problem.empty(),
                      step.spec.TierOf(instance.number), instance.number);
  });
  step.progress = "waits for the first instance";
  step.plan.in_transition = true;
  if (best == instances.end() || !best->CanTakeOrders()) {
    return;
  }
  step.Note("WriterChosen", std::format("{} becomes the first writer", best->name()));
  MakeWriter(step, *best);
}

// What the writer's agent says is wrong; nothing when all is well or not known.
std::optional<std::string> WhatAgentSays(const Step& step, const Instance& writer) {
  const AgentStatus& agent = *writer.agent->status;
  const bool ordered =
      agent.order.role == kWriterRole && agent.order.epoch == step.seen.status.epoch;
  if (!ordered) {
    // While nobody has used the epoch the order has just not been given. Else this is a new pod, or
    // a handing over that was not finished: an epoch is used once.
    return GreatestPromise(step.seen) >= step.seen.status.epoch
               ? std::optional<std::string>("it has forgotten that it is the writer")
               : std::nullopt;
  }
  if (agent.volume_state == "fenced") {
    return "its volume is fenced";
  }
  if (agent.volume_state == "failed") {
    return "its volume has failed";
  }
  if (agent.engine_state == "failed") {
    return agent.error.empty() ? std::string("its engine has failed")
                               : std::format("its engine has failed: {}", agent.error);
  }
  if (writer.pod->role == kWriterRole && agent.volume_state == "detached") {
    return "its volume is detached";
  }
  return std::nullopt;
}

// Why the writer must be replaced; nothing while it need not be.
std::optional<std::string> WhatIsWrong(const Step& step, const Instance* writer) {
  if (writer == nullptr) {
    return "its pod is gone";
  }
  if (writer->pod->deleting) {
    return "its pod is being deleted";
  }
  if (writer->pod->phase == "Failed" || writer->pod->phase == "Succeeded") {
    return "its pod has ended";
  }
  const Milliseconds patience = Detection(step.spec);
  const bool served = writer->pod->role == kWriterRole;
  const bool missed = served && NodesThatMissTheWriter(step.seen, step.seen.status.epoch,
                                                       patience) >= kTakeoverQuorum;
  // What storage has not heard counts from when it happened; an operator that has just begun to
  // lead asks the agent for the first time.
  if (missed && writer->SilentFor(kSilence)) {
    return "neither its agent nor three storage nodes have heard from it";
  }
  if (writer->SilentFor(patience)) {
    if (!writer->pod->node_ready) {
      return "its node is not ready and its agent does not answer";
    }
    if (served && !writer->pod->engine_runs) {
      return "its engine's container does not run";
    }
    if (served && writer->SilentFor(5 * patience)) {
      return "its agent does not answer";
    }
  } else if (missed && writer->Answers() && writer->agent->status->volume_state != "attaching") {
    return "three storage nodes have not heard from it";
  }
  return writer->Answers() ? WhatAgentSays(step, *writer) : std::nullopt;
}

bool TriedJustNow(const Step& step, const std::string& name) {
  const FailoverStatus& last = step.seen.status.last_failover;
  const auto when = kube::ParseTime(last.detected);
  return last.to == name && when && step.now - *when < kRetryPause;
}

void PlanFailover(Step& step, const Instance* writer, const std::string& reason) {
  const Status& status = step.seen.status;
  step.plan.in_transition = true;
  step.progress = std::format("replaces the writer {}: {}", status.writer, reason);
  if (ReadyStorageNodes(step.seen) < kTakeoverQuorum) {
    step.problems.push_back(std::format(
        "the writer {} cannot be replaced: {} of the storage nodes answer, {} are needed",
        status.writer, ReadyStorageNodes(step.seen), kTakeoverQuorum));
    return;
  }
  const std::vector<Instance> candidates = Candidates(step.seen, step.spec, status.writer);
  if (!candidates.empty()) {
    Replace(step, candidates.front(), reason);
  } else if (writer != nullptr && writer->CanTakeOrders()) {
    if (!TriedJustNow(step, status.writer)) {
      Replace(step, *writer, reason);
    }
  } else {
    step.problems.push_back(
        std::format("there is no instance that could follow {}: {}", status.writer, reason));
  }
}

void Refuse(Step& step, std::string_view annotation, const std::string& why) {
  step.Warn("RequestRefused", std::format("{}: {}", annotation, why));
  step.Do(RemoveAnnotation{std::string(annotation)});
}

// What the decided handing over consists of. Whoever comes to do it does all of it: the orders have
// their numbers from the status, and given twice are the same.
void HandOver(Step& step, const std::string& from, const std::string& to) {
  const Status& status = step.plan.status;
  const std::int64_t demotion = status.order_id - 1;
  step.changes_writer = true;
  step.plan.in_transition = true;
  // The successor lets go of its reader's volume while the writer stops.
  TakeRole(step, to);
  step.Do(
      SendOrder{.instance = to,
                .order = {.id = demotion, .role = "none", .branch = status.branch, .epoch = 0}});
  step.Do(Demote{.instance = from, .order_id = demotion, .timeout = kDemoteTimeout});
  // Nothing between the two: writes wait from here on.
  OrderToWrite(step, to);
  TakeRole(step, from);
}

// The writer is asked to stop in order, then somebody else takes over: nothing is lost or retried.
// The epoch is decided before the writer stops, so that it need not wait for the API server then.
void SwitchOver(Step& step, const Instance& writer, const Instance& target,
                const std::string& reason) {
  Status& status = step.status();
  status.last_failover = {
      .reason = reason, .from = writer.name(), .to = target.name(), .detected = Now(step)};
  status.order_id =
      std::max({status.order_id, writer.agent->status->order.id, target.agent->status->order.id}) +
      2;  // the demotion's and the writer's
  step.progress = std::format("{} hands over to {}", writer.name(), target.name());
  step.Note("SwitchoverStarted",
            std::format("{} hands over to {}: {}", writer.name(), target.name(), reason));
  CommitWriter(step, target);
  if (step.seen.annotations.contains(kSwitchoverAnnotation)) {
    step.Do(RemoveAnnotation{std::string(kSwitchoverAnnotation)});  // asked once, decided once
  }
  HandOver(step, writer.name(), target.name());
}

bool HasWritersVolume(const Instance& instance) {
  return instance.CanTakeOrders() && instance.agent->status->volume_state == "attached" &&
         instance.agent->status->volume_mode == kWriterRole;
}

// A handing over that was decided and not done to its end, because the operator died or the writer
// did not hear of it, goes on while the old writer can still stop in order. True: it does.
bool ResumeHandOver(Step& step, const std::vector<Instance>& instances, const Instance& target) {
  const Status& status = step.seen.status;
  const FailoverStatus& last = status.last_failover;
  const auto decided = kube::ParseTime(last.detected);
  if (!last.planned() || last.to != target.name() || !decided ||
      step.now - *decided > kDemoteTimeout || GreatestPromise(step.seen) >= status.epoch) {
    return false;
  }
  const Instance* from = FindInstance(instances, last.from);
  const bool ordered = !target.CanTakeOrders() || target.agent->status->order.role == kWriterRole;
  if (ordered || from == nullptr || !HasWritersVolume(*from)) {
    return false;
  }
  step.progress = std::format("{} hands over to {}", last.from, last.to);
  HandOver(step, last.from, last.to);
  return true;
}

// True when there was a request, whatever became of it.
bool PlanRequests(Step& step, const std::vector<Instance>& instances, const Instance& writer) {
  if (const auto wish = Annotation(step, kFailoverAnnotation); !wish.empty()) {
    const auto candidates = Candidates(step.seen, step.spec, writer.name());
    const auto chosen = std::ranges::find_if(candidates, [&](const Instance& candidate) {
      return wish == "true" || candidate.name() == wish;
    });
    if (chosen == candidates.end()) {
      Refuse(step, kFailoverAnnotation, "there is no such reader that could become the writer");
    } else if (ReadyStorageNodes(step.seen) < kTakeoverQuorum) {
      Refuse(step, kFailoverAnnotation, "fewer than three storage nodes answer");
    } else {
      Replace(step, *chosen, "requested");
      step.Do(RemoveAnnotation{std::string(kFailoverAnnotation)});
    }
    return true;
  }
  const auto wish = Annotation(step, kSwitchoverAnnotation);
  if (wish.empty()) {
    return false;
  }
  const auto candidates = Candidates(step.seen, step.spec, writer.name());
  const Instance* target = FindInstance(instances, wish);
  if (wish == "true" && !candidates.empty()) {
    target = &candidates.front();
  }
  if (wish == writer.name()) {
    step.Do(RemoveAnnotation{std::string(kSwitchoverAnnotation)});  // done
  } else if (target == nullptr || !target->CanTakeOrders() ||
             !(target->Reads() || target->agent->status->order.role == "none")) {
    Refuse(step, kSwitchoverAnnotation,
           wish == "true" ? "there is no reader that could become the writer"
                          : std::format("{} is no reader of this cluster that serves", wish));
  } else if (!writer.CanTakeOrders()) {
    Refuse(step, kSwitchoverAnnotation, "the writer does not answer");
  } else if (ReadyStorageNodes(step.seen) < kWriteQuorum) {
    Refuse(step, kSwitchoverAnnotation, "fewer than four storage nodes answer");
  } else {
    SwitchOver(step, writer, *target, std::string(kSwitchoverReason));
  }
  return true;
}

// Readers are made anew first (PlanInstances); then the writer hands over.
void PlanHandOver(Step& step, const std::vector<Instance>& instances, const Instance& writer) {
  if (!writer.Writes(step.seen.status.epoch) || IsUpToDate(step, writer)) {
    return;
  }
  step.progress = "instances are made anew, one at a time";
  const bool others_ready = std::ranges::all_of(instances, [&](const Instance& instance) {
    return instance.name() == writer.name() ||
           (IsUpToDate(step, instance) && instance.CanTakeOrders() && instance.Reads());
  });
  if (!others_ready || ReadyStorageNodes(step.seen) < kWriteQuorum ||
      static_cast<int>(instances.size()) < step.spec.readers + 1) {
    return;
  }
  const auto candidates = Candidates(step.seen, step.spec, writer.name());
  if (!candidates.empty()) {
    SwitchOver(step, writer, candidates.front(), std::string(kRollingReason));
    return;
  }
  Status& status = step.status();
  status.order_id = std::max(status.order_id, writer.agent->status->order.id) + 1;
  step.Note("WriterRestarts", std::format("{} is made anew", writer.name()));
  step.Do(CommitStatus{});
  step.Do(
      Demote{.instance = writer.name(), .order_id = status.order_id, .timeout = kDemoteTimeout});
  step.Do(Delete{
      .resource = kube::resources::Pods(), .name = writer.pod->name, .uid = writer.pod->uid});
}

void FollowFailover(Step& step, const Instance* writer) {
  Status& status = step.status();
  FailoverStatus& last = status.last_failover;
  if (last.to != status.writer || last.detected.empty() || !last.serving.empty()) {
    return;
  }
  step.plan.in_transition = true;
  const bool attached = writer != nullptr && writer->HoldsVolume(status.epoch);
  const auto promised = std::ranges::count_if(step.seen.storage, [&](const auto& entry) {
    return entry.second.status && entry.second.status->epoch_promised >= status.epoch;
  });
  if (last.fenced.empty() && (attached || promised >= kTakeoverQuorum)) {
    last.fenced = Now(step);
  }
  if (last.promoted.empty() && attached) {
    last.promoted = Now(step);
  }
  if (writer != nullptr && writer->Writes(status.epoch)) {
    last.serving = Now(step);
    step.Note("WriterServes", std::format("{} serves as the writer", status.writer));
  }
}

}  // namespace

void PlanWriter(Step& step) {
  const Status& status = step.seen.status;
  if (status.storage_generation == 0) {
    return;
  }
  if (status.writer.empty()) {
    PlanFirstWriter(step);
    return;
  }
  const std::vector<Instance> instances = Instances(step.seen);
  const Instance* writer = FindInstance(instances, status.writer);
  if (const auto reason = WhatIsWrong(step, writer)) {
    PlanFailover(step, writer, *reason);
    return;
  }
  FollowFailover(step, writer);
  if (ResumeHandOver(step, instances, *writer)) {
    return;
  }
  if (!PlanRequests(step, instances, *writer)) {
    PlanHandOver(step, instances, *writer);
  }
}

}  // namespace sextant::op
