// A cluster as plans see it, made and changed by tests: "db" in the namespace "ns", PostgreSQL, in
// the zones a, b and c.
#pragma once

#include "operator/observe/observed.h"
#include "operator/plan/plan.h"

#include <string>
#include <vector>

namespace sextant::op::testing {

inline constexpr kube::Time kNow{std::chrono::seconds(1'800'000'000)};

class ObservedCluster {
 public:
  // With its finalizer, zones and all objects; no pod, no answer.
  explicit ObservedCluster(int readers);

  // All storage nodes answer; generation 0: they are members of nothing.
  void AddStorage(std::int64_t generation);
  // A pod whose agent answers and was never told anything.
  AgentStatus& AddInstance(int number);
  // What a cluster looks like that is well: db-1 writes in `epoch`, all others read.
  void MakeHealthy(std::int64_t epoch = 1);

  void Silence(const std::string& instance, Milliseconds time);
  // So many storage nodes have not heard the writer.
  void MissWriter(int nodes, Milliseconds time);
  void LoseStorage(int nodes);
  void Serve(const std::string& instance, std::string_view role, std::int64_t epoch = 0);

  [[nodiscard]] PodInfo& Pod(const std::string& name);
  [[nodiscard]] AgentStatus& Agent(const std::string& name) { return *seen.agents.at(name).status; }
  void RemovePod(const std::string& name);

  // Everything that plans apply is there as they want it.
  void SettleObjects();
  [[nodiscard]] Plan MakePlan() const { return op::MakePlan(seen, kNow); }

  Observed seen;
};

template <class A>
std::vector<A> All(const Plan& plan) {
  std::vector<A> found;
  for (const Action& action : plan.actions) {
    if (const A* one = std::get_if<A>(&action)) {
      found.push_back(*one);
    }
  }
  return found;
}

// Their log lines, without events.
[[nodiscard]] std::vector<std::string> Lines(const Plan& plan);
[[nodiscard]] std::string MessageOf(const Plan& plan, std::string_view condition);
[[nodiscard]] std::string StatusOf(const Plan& plan, std::string_view condition);

}  // namespace sextant::op::testing
