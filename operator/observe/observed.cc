#include "operator/observe/observed.h"

#include <algorithm>

namespace sextant::op {

const PodInfo* FindPod(const Observed& seen, std::string_view name) {
  const auto pod = std::ranges::find(seen.pods, name, &PodInfo::name);
  return pod == seen.pods.end() ? nullptr : &*pod;
}

const AgentHealth* FindAgent(const Observed& seen, std::string_view instance) {
  const auto agent = seen.agents.find(std::string(instance));
  return agent == seen.agents.end() ? nullptr : &agent->second;
}

const StorageHealth* FindStorage(const Observed& seen, std::string_view pod) {
  const auto node = seen.storage.find(std::string(pod));
  return node == seen.storage.end() ? nullptr : &node->second;
}

}  // namespace sextant::op
