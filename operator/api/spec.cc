#include "operator/api/spec.h"

#include "sextant/kube/quantity.h"

#include <algorithm>
#include <charconv>
#include <format>

namespace sextant::op {
namespace {

using kube::FindBool;
using kube::FindInteger;
using kube::FindString;
using kube::Json;

std::string Text(const Json& spec, std::initializer_list<std::string_view> path,
                 std::string_view otherwise = {}) {
  const std::string_view text = FindString(spec, path);
  return std::string(text.empty() ? otherwise : text);
}

int Number(const Json& spec, std::initializer_list<std::string_view> path, int otherwise) {
  const auto number = FindInteger(spec, path);
  return number ? static_cast<int>(std::clamp<std::int64_t>(*number, -1000, 1000000)) : otherwise;
}

PodShape Shape(const Json& section) {
  PodShape shape;
  if (const Json& resources = kube::Find(section, {"resources"}); resources.is_object()) {
    shape.resources = resources;
  }
  if (const Json& tolerations = kube::Find(section, {"tolerations"}); tolerations.is_array()) {
    shape.tolerations = tolerations;
  }
  if (const Json& selector = kube::Find(section, {"nodeSelector"}); selector.is_object()) {
    shape.node_selector = selector;
  }
  return shape;
}

std::expected<void, std::string> CheckVersion(const Spec& spec) {
  const std::string_view known = spec.engine == Engine::kPostgresql ? "17" : "11.8";
  if (spec.version != known) {
    return std::unexpected(std::format("spec.engine.version: {} {} is not known; known: {}",
                                       ToString(spec.engine), spec.version, known));
  }
  return {};
}

}  // namespace

std::string_view ToString(Engine engine) {
  return engine == Engine::kPostgresql ? "postgresql" : "mariadb";
}

std::uint16_t PortOf(Engine engine) { return engine == Engine::kPostgresql ? 5432 : 3306; }

int Spec::TierOf(int instance) const {
  const auto tier = tiers.find(instance);
  return tier == tiers.end() ? 1 : tier->second;
}

std::expected<Spec, std::string> ParseSpec(const Json& cluster) {
  const Json& in = kube::Find(cluster, {"spec"});
  Spec spec;
  const std::string type = Text(in, {"engine", "type"});
  if (type != "postgresql" && type != "mariadb") {
    return std::unexpected("spec.engine.type must be postgresql or mariadb");
  }
  spec.engine = type == "mariadb" ? Engine::kMariadb : Engine::kPostgresql;
  spec.version =
      Text(in, {"engine", "version"}, spec.engine == Engine::kPostgresql ? "17" : "11.8");
  spec.engine_image = Text(in, {"engine", "image"});
  for (const auto& [key, value] : kube::Find(in, {"engine", "parameters"}).items()) {
    if (value.is_string()) {
      spec.parameters[key] = value.get<std::string>();
    }
  }
  spec.readers = Number(in, {"readers"}, 0);
  if (spec.readers < 0 || spec.readers > 15) {
    return std::unexpected("spec.readers must be 0 to 15");
  }
  if (const Json& zones = kube::Find(in, {"zones"}); zones.is_array()) {
    for (const Json& zone : zones) {
      if (zone.is_string()) {
        spec.zones.push_back(zone.get<std::string>());
      }
    }
    if (spec.zones.size() != 3) {
      return std::unexpected("spec.zones must be exactly three different zones");
    }
  }
  spec.storage_size = Text(in, {"storage", "size"});
  if (!kube::Quantity::Parse(spec.storage_size)) {
    return std::unexpected("spec.storage.size is an amount of bytes such as 10Gi");
  }
  spec.nodes_per_zone = Number(in, {"storage", "nodesPerZone"}, 2);
  if (spec.nodes_per_zone < 2 || spec.nodes_per_zone > 5) {
    return std::unexpected("spec.storage.nodesPerZone must be 2 to 5");
  }
  spec.storage_class = Text(in, {"storage", "storageClassName"});
  spec.storage = Shape(kube::Find(in, {"storage"}));
  spec.instances = Shape(kube::Find(in, {"instances"}));
  spec.affinity = kube::Find(in, {"instances", "affinity"});
  spec.cache_size = Text(in, {"instances", "cacheSize"}, "1Gi");
  spec.overlay_size = Text(in, {"instances", "overlaySize"}, "10Gi");
  for (const auto& [key, value] : kube::Find(in, {"instances", "tiers"}).items()) {
    int number = 0;
    const auto parsed = std::from_chars(key.data(), key.data() + key.size(), number);
    if (parsed.ec == std::errc() && value.is_number_integer()) {
      spec.tiers[number] = value.get<int>();
    }
  }
  spec.database = Text(in, {"bootstrap", "database"}, "app");
  spec.owner = Text(in, {"bootstrap", "owner"}, "app");
  spec.superuser_access = FindBool(in, {"superuserAccess"}).value_or(false);
  spec.detection_seconds = std::max(1, Number(in, {"failover", "detectionSeconds"}, 3));
  spec.delete_data = FindString(in, {"deletionPolicy"}) == "Delete";
  spec.storage_image = Text(in, {"images", "storage"});
  spec.volume_image = Text(in, {"images", "volume"});
  return CheckVersion(spec).transform([&spec] { return spec; });
}

}  // namespace sextant::op
