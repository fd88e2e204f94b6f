// What the objects of a cluster are called. Every name follows from the cluster's, so that creating
// one twice is the same as once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sextant::op {

inline constexpr std::uint16_t kStoragePort = 7400;
inline constexpr std::uint16_t kStorageHttpPort = 7401;
inline constexpr std::uint16_t kVolumeHttpPort = 7403;
inline constexpr std::uint16_t kAgentPort = 8443;
inline constexpr std::uint16_t kAgentHttpPort = 8081;
inline constexpr int kMaxInstances = 16;
inline constexpr int kMembersPerZone = 2;  // of the storage nodes there, the first ones

struct Names {
  std::string ns;
  std::string cluster;

  [[nodiscard]] std::string Object(std::string_view suffix) const;  // "NAME-suffix"
  [[nodiscard]] std::string Instance(int number) const;             // "NAME-1"
  // The number in an instance's name; nothing when it is none of this cluster's.
  [[nodiscard]] std::optional<int> InstanceNumber(std::string_view name) const;
  [[nodiscard]] std::string StorageSet(const std::vector<std::string>& zones,
                                       std::size_t zone) const;
  [[nodiscard]] std::string StoragePod(const std::vector<std::string>& zones, std::size_t zone,
                                       int ordinal) const;

  // Within the Kubernetes cluster: "NAME-rw.NS.svc", "NAME-1.NAME-pods.NS.svc".
  [[nodiscard]] std::string ServiceHost(std::string_view suffix) const;
  [[nodiscard]] std::string InstanceHost(std::string_view instance) const;
  [[nodiscard]] std::string StorageHost(std::string_view pod) const;
};

// A storage node's place: there are nodesPerZone in each of the three zones.
struct StorageSlot {
  std::string pod;
  std::size_t zone = 0;  // its index in the cluster's zones
  int ordinal = 0;
};

// The claim that a StatefulSet makes for its pod.
[[nodiscard]] std::string StorageClaim(std::string_view pod);

[[nodiscard]] std::vector<StorageSlot> StorageSlots(const Names& names,
                                                    const std::vector<std::string>& zones,
                                                    int nodes_per_zone);

}  // namespace sextant::op
