#pragma once

#include "operator/observe/observed.h"

namespace sextant::op {

// All but what its node says.
[[nodiscard]] PodInfo DescribePod(const kube::Json& pod, kube::Time now);

}  // namespace sextant::op
