// What all builders of objects need to know.
#pragma once

#include "operator/observe/observed.h"
#include "sextant/kube/object.h"

namespace sextant::op {

struct Render {
  const Names& names;
  const Spec& spec;
  const std::vector<std::string>& zones;
  const Images& images;
  const std::string& uid;  // of the DBCluster, their owner

  // Metadata, labels and the owner; `labels` come on top.
  [[nodiscard]] kube::Json NewObject(const kube::GroupVersionResource& resource,
                                     const std::string& name, kube::Json labels = {}) const;
  [[nodiscard]] kube::Json Labels(std::string_view component) const;
  [[nodiscard]] std::string EngineImage() const;
};

[[nodiscard]] kube::GroupVersionResource DBClusters();

// 16 hex digits of what the value says; the same in every build.
[[nodiscard]] std::string HashOf(const kube::Json& value);
// Puts the object's hash into its annotations.
[[nodiscard]] kube::Json WithHash(kube::Json object);

// A quantity in bytes.
[[nodiscard]] std::int64_t Bytes(std::string_view quantity, std::int64_t otherwise);

}  // namespace sextant::op
