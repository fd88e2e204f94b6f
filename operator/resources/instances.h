// The instances: their configuration and their pods.
#pragma once

#include "operator/resources/render.h"

namespace sextant::op {

// The ConfigMap NAME-instances: volume-N.yaml and agent-N.yaml for every instance there can be.
[[nodiscard]] kube::Json BuildInstanceConfig(const Render& render);

// The pod NAME-number, with the hash of all it was made from, its configuration included.
[[nodiscard]] kube::Json BuildInstancePod(const Render& render, int number);

}  // namespace sextant::op
