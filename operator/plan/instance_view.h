// The instances of a cluster as plans think of them.
#pragma once

#include "operator/observe/observed.h"

#include <vector>

namespace sextant::op {

struct Instance {
  const PodInfo* pod = nullptr;
  const AgentHealth* agent = nullptr;  // null: not asked yet
  int number = 0;

  [[nodiscard]] const std::string& name() const { return pod->name; }
  [[nodiscard]] bool Answers() const {
    return agent != nullptr && agent->reachable && agent->status.has_value();
  }
  // An order can be given, and its pod is there to stay.
  [[nodiscard]] bool CanTakeOrders() const { return !pod->deleting && Answers(); }
  // Its volume is the one that writes in this epoch; the engine on it may yet have to start.
  [[nodiscard]] bool HoldsVolume(std::int64_t epoch) const;
  // It does what the order of this writer's epoch says, and takes connections.
  [[nodiscard]] bool Writes(std::int64_t epoch) const;
  [[nodiscard]] bool Reads() const;
  [[nodiscard]] bool SilentFor(Milliseconds time) const {
    return agent != nullptr && !agent->reachable && agent->silent >= time;
  }
};

// By number.
[[nodiscard]] std::vector<Instance> Instances(const Observed& seen);
[[nodiscard]] const Instance* FindInstance(const std::vector<Instance>& instances,
                                           std::string_view name);

// Who may follow as the writer, best first: those who serve, then the lowest tier, the least lag,
// another zone than the writer's, the lowest number.
[[nodiscard]] std::vector<Instance> Candidates(const Observed& seen, const Spec& spec,
                                               const std::string& writer);

[[nodiscard]] Milliseconds Detection(const Spec& spec);

// Members that answer and take part; any nodes while the members are not known.
[[nodiscard]] int ReadyStorageNodes(const Observed& seen);
// Storage nodes that have not heard the writer of this epoch for that long.
[[nodiscard]] int NodesThatMissTheWriter(const Observed& seen, std::int64_t epoch,
                                         Milliseconds time);
// The greatest epoch that any storage node has promised.
[[nodiscard]] std::int64_t GreatestPromise(const Observed& seen);

inline constexpr int kTakeoverQuorum = 3;
inline constexpr int kWriteQuorum = 4;

}  // namespace sextant::op
