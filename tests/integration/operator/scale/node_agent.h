// Kubernetes' part in an API server without controllers and kubelets: pods and claims of
// StatefulSets are made, and every pod runs, at the address that the farm serves for it.
#pragma once

#include "sextant/kube/runtime/informer.h"
#include "tests/integration/operator/scale/farm.h"

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <set>

namespace sextant::op::testing {

class NodeAgent {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // Of the clusters "c0", "c1", … in the namespace. All must outlive it.
  NodeAgent(const kube::Client& client, const kube::Clock& clock, Farm& farm, std::string ns);
  ~NodeAgent();
  NodeAgent(const NodeAgent&) = delete;
  NodeAgent& operator=(const NodeAgent&) = delete;

  // When a watch told of the pod.
  [[nodiscard]] std::optional<TimePoint> SeenAt(const std::string& pod) const;

 private:
  void OnSet(const kube::runtime::Change& change);
  void OnPod(const kube::runtime::Change& change);
  // The cluster's agents have their certificate.
  void Introduce(const std::string& cluster);
  void Run(const std::string& pod, const std::string& ip) const;

  const kube::Client& client_;
  Farm& farm_;
  const std::string ns_;
  mutable std::mutex mutex_;
  std::map<std::string, TimePoint> seen_;  // guarded by mutex_
  std::set<std::string> introduced_;       // of the pods' thread
  kube::runtime::Informer pods_;
  kube::runtime::Informer sets_;
};

}  // namespace sextant::op::testing
