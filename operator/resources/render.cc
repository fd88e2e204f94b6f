#include "operator/resources/render.h"

#include "operator/api/labels.h"
#include "sextant/kube/quantity.h"

#include <format>

namespace sextant::op {

using kube::Json;

kube::GroupVersionResource DBClusters() {
  return {
      .group = "sextant.dev", .version = "v1alpha1", .resource = "dbclusters", .kind = "DBCluster"};
}

Json Render::Labels(std::string_view component) const {
  Json labels = {{kClusterLabel, names.cluster},
                 {"app.kubernetes.io/name", "sextant"},
                 {"app.kubernetes.io/instance", names.cluster},
                 {"app.kubernetes.io/managed-by", "sextant-operator"}};
  if (!component.empty()) {
    labels[std::string(kComponentLabel)] = component;
  }
  return labels;
}

Json Render::NewObject(const kube::GroupVersionResource& resource, const std::string& name,
                       Json labels) const {
  Json object = kube::NewObject({resource, names.ns, name});
  object["metadata"]["labels"] = Labels({});
  if (labels.is_object()) {
    object["metadata"]["labels"].update(labels);
  }
  object["metadata"]["ownerReferences"] = {{{"apiVersion", DBClusters().ApiVersion()},
                                            {"kind", DBClusters().kind},
                                            {"name", names.cluster},
                                            {"uid", uid},
                                            {"controller", true},
                                            {"blockOwnerDeletion", true}}};
  return object;
}

std::string Render::EngineImage() const {
  if (!spec.engine_image.empty()) {
    return spec.engine_image;
  }
  return spec.engine == Engine::kPostgresql ? images.postgresql : images.mariadb;
}

// FNV-1a, for it must not change with the library.
std::string HashOf(const Json& value) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : value.dump()) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return std::format("{:016x}", hash);
}

Json WithHash(Json object) {
  const std::string hash = HashOf(object);
  object["metadata"]["annotations"][std::string(kHashAnnotation)] = hash;
  return object;
}

std::int64_t Bytes(std::string_view quantity, std::int64_t otherwise) {
  const auto parsed = kube::Quantity::Parse(quantity);
  return parsed ? parsed->Value() : otherwise;
}

}  // namespace sextant::op
