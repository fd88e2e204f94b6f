// Names that the operator puts on objects; users and tools select by them, so they never change.
#pragma once

#include <string_view>

namespace sextant::op {

inline constexpr std::string_view kClusterLabel = "sextant.dev/cluster";
inline constexpr std::string_view kComponentLabel = "sextant.dev/component";  // storage, instance
inline constexpr std::string_view kInstanceLabel = "sextant.dev/instance";
inline constexpr std::string_view kRoleLabel = "sextant.dev/role";  // writer, reader: it serves
inline constexpr std::string_view kZoneLabel = "sextant.dev/zone";
inline constexpr std::string_view kNodeZoneLabel = "topology.kubernetes.io/zone";

inline constexpr std::string_view kStorageComponent = "storage";
inline constexpr std::string_view kInstanceComponent = "instance";
inline constexpr std::string_view kWriterRole = "writer";
inline constexpr std::string_view kReaderRole = "reader";

// Of what an object was rendered from; another hash means that it is out of date.
inline constexpr std::string_view kHashAnnotation = "sextant.dev/hash";
// On a DBCluster: the instance that is to become the writer in order, or "true" for any.
inline constexpr std::string_view kSwitchoverAnnotation = "sextant.dev/switchover";
// On a DBCluster: replace the writer at once; the instance that follows, or "true" for any.
inline constexpr std::string_view kFailoverAnnotation = "sextant.dev/failover";

inline constexpr std::string_view kFinalizer = "sextant.dev/cluster";
inline constexpr std::string_view kFieldManager = "sextant-operator";

}  // namespace sextant::op
