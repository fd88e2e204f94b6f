// The objects of the informer's benchmark: pods as real clusters have them, near enough.
#pragma once

#include "sextant/kube/client.h"

#include <string>

namespace sextant::bench {

// Some 6 KB as the API server sends it: a Deployment's pod with a sidecar, probes, volumes and
// environment.
[[nodiscard]] kube::Json MakePod(const std::string& ns, int number);

// Makes the namespace and `count` pods in it. Throws std::runtime_error.
void MakePods(const kube::Client& client, const std::string& ns, int count);

}  // namespace sextant::bench
