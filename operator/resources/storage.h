// The storage nodes: their configuration and a StatefulSet for each zone.
#pragma once

#include "operator/resources/render.h"

namespace sextant::op {

// The ConfigMap NAME-storage: a file for each zone.
[[nodiscard]] kube::Json BuildStorageConfig(const Render& render);

// `existing`: the set as it is, or null. Templates of claims cannot be changed, so they stay.
[[nodiscard]] kube::Json BuildStorageSet(const Render& render, std::size_t zone,
                                         const kube::Json& existing);

// The address of every storage node, as configurations name them.
[[nodiscard]] kube::Json StorageAddresses(const Render& render);

}  // namespace sextant::op
