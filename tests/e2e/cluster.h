// A DBCluster in a test's namespace, and what can befall its pods.
#pragma once

#include "tests/e2e/kubectl.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace sextant::testing {

// Waits until `holds`; throws std::runtime_error that names `what` and ends with `describe()`.
void Await(const std::string& what, std::chrono::seconds limit, const std::function<bool()>& holds,
           const std::function<std::string()>& describe = {});

[[nodiscard]] bool OperatorIsInstalled();

class Cluster {
 public:
  // Applies it; the disks go with it. `engine` is postgresql or mariadb.
  Cluster(const Kubectl& kubectl, std::string name, const std::string& engine, int readers);

  // The writer serves, all readers do, six copies are there and complete.
  void AwaitWell(std::chrono::seconds limit) const;

  [[nodiscard]] nlohmann::json Status() const;
  [[nodiscard]] std::string Writer() const;
  [[nodiscard]] std::int64_t Epoch() const;
  [[nodiscard]] std::string Engine() const { return engine_; }
  [[nodiscard]] const std::string& Name() const { return name_; }
  [[nodiscard]] std::string NodeOf(const std::string& pod) const;
  [[nodiscard]] std::vector<std::string> StoragePods() const;
  // The volume's member whose place a storage pod is; empty: not known.
  [[nodiscard]] std::string MemberOf(const std::string& storage_pod) const;

  void Scale(int readers) const;
  void Annotate(const std::string& annotation) const;  // "key=value"

  // Sends a signal to the pod's processes, from its node: to all, or to those whose name begins so.
  void Signal(const std::string& pod, const std::string& signal,
              const std::string& name = "") const;

  // Everything that helps to understand a failure.
  [[nodiscard]] std::string Describe() const;

 private:
  [[nodiscard]] bool IsWell() const;

  const Kubectl& kubectl_;
  std::string name_;
  std::string engine_;
};

}  // namespace sextant::testing
