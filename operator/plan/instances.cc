// Pods of instances. Their names are NAME-1 to NAME-16, the lowest that are free.
#include "operator/resources/instances.h"

#include "operator/api/labels.h"
#include "operator/plan/steps.h"

#include <algorithm>
#include <format>
#include <set>

namespace sextant::op {
namespace {

using namespace std::chrono_literals;

// A reader that has failed is made anew, but not all the time.
constexpr auto kFailedAge = 30s;
// After its grace period a pod that is still there is on a node that does nothing.
constexpr auto kGoneForGood = 10s;

void Remove(Step& step, const Instance& instance, bool now, const std::string& why) {
  step.Note("InstanceRemoved", std::format("{}: {}", instance.name(), why));
  step.Do(Delete{.resource = kube::resources::Pods(),
                 .name = instance.name(),
                 .uid = instance.pod->uid,
                 .now = now});
}

bool IsWriter(const Step& step, const Instance& instance) {
  return instance.name() == step.plan.status.writer;
}

// Nothing is heard from it any more: another may take its place. As the writer it is fenced before
// another writes.
bool IsLost(const Step& step, const Instance& instance) {
  const Milliseconds patience = Detection(step.spec);
  if (!instance.SilentFor(patience)) {
    return false;
  }
  return !instance.pod->node_ready ||
         (IsWriter(step, instance) && instance.pod->role == kWriterRole &&
          NodesThatMissTheWriter(step.seen, step.seen.status.epoch, patience) >= kTakeoverQuorum);
}

bool HasFailed(const Step& step, const Instance& instance) {
  if (IsWriter(step, instance) || instance.pod->age < kFailedAge || !instance.Answers()) {
    return false;
  }
  const AgentStatus& agent = *instance.agent->status;
  return agent.order.role == kReaderRole &&
         (agent.engine_state == "failed" || agent.volume_state == "failed");
}

// What can be taken away at once, because nothing comes of it any more. True: it was.
bool RemoveDead(Step& step, const Instance& instance, bool surplus) {
  const PodInfo& pod = *instance.pod;
  if (pod.deleting) {
    if (pod.going > kGoneForGood && !pod.node_ready) {
      Remove(step, instance, true, "its node is gone");
      return true;
    }
    return false;
  }
  if (pod.phase == "Failed" || pod.phase == "Succeeded") {
    Remove(step, instance, false, "its pod has ended");
    return true;
  }
  if (IsWriter(step, instance)) {
    return false;
  }
  if (IsLost(step, instance) || (surplus && instance.SilentFor(Detection(step.spec)))) {
    Remove(step, instance, true, "nothing is heard from it");
    return true;
  }
  if (HasFailed(step, instance)) {
    Remove(step, instance, false, "it has failed as a reader");
    return true;
  }
  return false;
}

void Add(Step& step, const std::vector<Instance>& instances, int missing) {
  std::set<int> taken;
  for (const Instance& instance : instances) {
    taken.insert(instance.number);
  }
  for (int number = 1; number <= kMaxInstances && missing > 0; ++number) {
    if (!taken.contains(number)) {
      step.Do(Create{.resource = kube::resources::Pods(),
                     .object = BuildInstancePod(step.render(), number)});
      --missing;
    }
  }
}

// The highest names go first, never the writer.
void RemoveSurplus(Step& step, std::vector<Instance> instances, int surplus) {
  std::ranges::reverse(instances);
  std::ranges::stable_sort(instances, {}, [&step](const Instance& instance) {
    return !instance.SilentFor(Detection(step.spec));
  });
  for (const Instance& instance : instances) {
    if (surplus > 0 && !IsWriter(step, instance)) {
      Remove(step, instance, false, "fewer readers are wanted");
      --surplus;
    }
  }
}

// One reader at a time, and only while everybody else serves; what does not serve anyway at once.
void RollReaders(Step& step, const std::vector<Instance>& instances) {
  std::vector<Instance> readers = instances;
  std::ranges::reverse(readers);
  const Status& status = step.seen.status;
  const Instance* writer = FindInstance(instances, status.writer);
  const bool all_serve =
      writer != nullptr && writer->Writes(status.epoch) &&
      std::ranges::all_of(instances, [&](const Instance& instance) {
        return IsWriter(step, instance) || (instance.CanTakeOrders() && instance.Reads());
      });
  for (const Instance& reader : readers) {
    if (IsUpToDate(step, reader) || (IsWriter(step, reader) && status.epoch > 0)) {
      continue;
    }
    step.progress = "instances are made anew, one at a time";
    const bool broken = !reader.pod->problem.empty() && reader.pod->role.empty();
    if (broken || all_serve || (status.writer.empty() && !reader.Answers())) {
      Remove(step, reader, false, "it is made anew as the cluster asks for now");
      return;
    }
  }
}

}  // namespace

bool IsUpToDate(const Step& step, const Instance& instance) {
  const kube::Json wanted = BuildInstancePod(step.render(), instance.number);
  return instance.pod->hash == kube::Annotation(wanted, kHashAnnotation);
}

void PlanInstances(Step& step) {
  if (step.changes_writer) {
    return;  // one thing after the other
  }
  const std::vector<Instance> instances = Instances(step.seen);
  const int wanted = step.spec.readers + 1;
  const auto staying = std::ranges::count_if(
      instances, [](const Instance& instance) { return !instance.pod->deleting; });
  bool removed = false;
  for (const Instance& instance : instances) {
    removed = RemoveDead(step, instance, staying > wanted) || removed;
  }
  if (removed) {
    step.plan.in_transition = true;
    return;
  }
  // A pod that goes will make room for one of the same name, unless its node is dead. A writer that
  // is lost gets a successor before it goes.
  std::vector<Instance> counted;
  std::ranges::copy_if(instances, std::back_inserter(counted), [&step](const Instance& instance) {
    return instance.pod->deleting ? instance.pod->node_ready : !IsLost(step, instance);
  });
  const int have = static_cast<int>(counted.size());
  if (have < wanted) {
    step.progress = std::format("{} of {} instances are there", have, wanted);
    step.plan.in_transition = true;
    Add(step, instances, wanted - have);
    return;
  }
  std::erase_if(counted, [](const Instance& instance) { return instance.pod->deleting; });
  if (static_cast<int>(counted.size()) > wanted) {
    RemoveSurplus(step, counted, static_cast<int>(counted.size()) - wanted);
    return;
  }
  if (static_cast<int>(counted.size()) == wanted) {
    RollReaders(step, counted);
  }
}

}  // namespace sextant::op
