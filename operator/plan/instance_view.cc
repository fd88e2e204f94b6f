#include "operator/plan/instance_view.h"

#include "operator/api/labels.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace sextant::op {

bool Instance::HoldsVolume(std::int64_t epoch) const {
  return Answers() && agent->status->volume_state == "attached" &&
         agent->status->volume_mode == "writer" && agent->status->volume_epoch == epoch;
}

bool Instance::Writes(std::int64_t epoch) const {
  return Answers() && agent->status->order.role == kWriterRole &&
         agent->status->order.epoch == epoch && agent->status->engine_role == kWriterRole &&
         agent->status->accepting;
}

bool Instance::Reads() const {
  return Answers() && agent->status->order.role == kReaderRole &&
         agent->status->engine_role == kReaderRole && agent->status->accepting;
}

std::vector<Instance> Instances(const Observed& seen) {
  std::vector<Instance> instances;
  for (const PodInfo& pod : seen.pods) {
    const auto number = seen.names.InstanceNumber(pod.name);
    if (pod.component == kInstanceComponent && number) {
      instances.push_back({&pod, FindAgent(seen, pod.name), *number});
    }
  }
  std::ranges::sort(instances, {}, &Instance::number);
  return instances;
}

const Instance* FindInstance(const std::vector<Instance>& instances, std::string_view name) {
  const auto found = std::ranges::find_if(
      instances, [name](const Instance& instance) { return instance.name() == name; });
  return found == instances.end() ? nullptr : &*found;
}

std::vector<Instance> Candidates(const Observed& seen, const Spec& spec,
                                 const std::string& writer) {
  const PodInfo* old = FindPod(seen, writer);
  const std::string zone = old == nullptr ? std::string() : old->zone;
  std::vector<Instance> candidates = Instances(seen);
  std::erase_if(candidates, [&](const Instance& instance) {
    return instance.name() == writer || !instance.CanTakeOrders() ||
           instance.agent->status->volume_state == "failed";
  });
  std::ranges::stable_sort(candidates, {}, [&](const Instance& instance) {
    return std::tuple(
        !instance.Reads(), spec.TierOf(instance.number),
        instance.agent->status->lag_bytes.value_or(std::numeric_limits<std::int64_t>::max()),
        instance.pod->zone == zone, instance.number);
  });
  return candidates;
}

Milliseconds Detection(const Spec& spec) { return std::chrono::seconds(spec.detection_seconds); }

int ReadyStorageNodes(const Observed& seen) {
  const std::vector<std::string>& members = seen.status.storage_members;
  return static_cast<int>(std::ranges::count_if(seen.storage, [&members](const auto& entry) {
    const StorageHealth& node = entry.second;
    return node.reachable && node.status && node.status->state == "ready" &&
           (members.empty() || std::ranges::contains(members, node.status->member));
  }));
}

int NodesThatMissTheWriter(const Observed& seen, std::int64_t epoch, Milliseconds time) {
  return static_cast<int>(std::ranges::count_if(seen.storage, [&](const auto& entry) {
    const StorageHealth& node = entry.second;
    return node.reachable && node.status && node.status->has_branch &&
           node.status->epoch_promised == epoch && node.status->writer_heard_ms &&
           Milliseconds(*node.status->writer_heard_ms) >= time;
  }));
}

std::int64_t GreatestPromise(const Observed& seen) {
  std::int64_t greatest = 0;
  for (const auto& [pod, node] : seen.storage) {
    if (node.status) {
      greatest = std::max(greatest, node.status->epoch_promised);
    }
  }
  return greatest;
}

}  // namespace sextant::op
