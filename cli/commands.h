// What `kubectl sextant` does. Each returns the exit code and tells errors on standard error.
#pragma once

#include "sextant/kube/client.h"

#include <string>
#include <vector>

namespace sextant::cli {

// Where the user's options and kubeconfig point.
struct Target {
  std::string context;  // empty: the kubeconfig's own
  std::string ns;       // empty: the context's own
  std::string cluster;  // a DBCluster's name
};

[[nodiscard]] int Status(const Target& target, bool as_json);

// Asks the operator by an annotation and returns at once. `instance` may be empty: any.
[[nodiscard]] int Failover(const Target& target, const std::string& instance);
[[nodiscard]] int Switchover(const Target& target, const std::string& instance);

// The engine's own client, in the writer's engine container, as the application's user unless
// `superuser`. They end as the process: they return only when it cannot be started.
[[nodiscard]] int Psql(const Target& target, const std::vector<std::string>& arguments);
[[nodiscard]] int Mysql(const Target& target, const std::vector<std::string>& arguments);

// The logs of all the cluster's pods, each line with its pod's name.
[[nodiscard]] int Logs(const Target& target, bool follow, int tail);

}  // namespace sextant::cli
