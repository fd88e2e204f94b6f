// What a DBCluster asks for. crds/dbclusters.yaml describes every field.
#pragma once

#include "sextant/kube/object.h"

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <vector>

namespace sextant::op {

enum class Engine : std::uint8_t { kPostgresql, kMariadb };

[[nodiscard]] std::string_view ToString(Engine engine);
[[nodiscard]] std::uint16_t PortOf(Engine engine);

// Fields that go into pods as they are stay JSON.
struct PodShape {
  kube::Json resources = kube::Json::object();
  kube::Json tolerations = kube::Json::array();
  kube::Json node_selector = kube::Json::object();
};

struct Spec {
  Engine engine = Engine::kPostgresql;
  std::string version;
  std::string engine_image;  // empty: the operator's default
  std::map<std::string, std::string> parameters;
  int readers = 0;
  std::vector<std::string> zones;  // empty: to be chosen
  std::string storage_size;
  int nodes_per_zone = 2;
  std::string storage_class;  // empty: the default class
  PodShape storage;
  PodShape instances;
  kube::Json affinity;  // null: ours
  std::string cache_size;
  std::string overlay_size;
  std::map<int, int> tiers;  // by instance number
  std::string database;
  std::string owner;
  bool superuser_access = false;
  int detection_seconds = 3;
  bool delete_data = false;  // deletionPolicy: Delete
  std::string storage_image;
  std::string volume_image;

  [[nodiscard]] int TierOf(int instance) const;
};

// The schema has refused most of what is wrong; the error is for what an older schema let through.
[[nodiscard]] std::expected<Spec, std::string> ParseSpec(const kube::Json& cluster);

}  // namespace sextant::op
