// Kubernetes objects are JSON as the server sent it, so that fields unknown to us survive a read
// and a write. This file names them and reads the metadata that all of them share.
//
// Accessors never fail: what is missing, null or of another type reads as empty. Views they return
// live as long as the object.
#pragma once

#include <nlohmann/json.hpp>

#include <compare>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sextant::kube {

using Json = nlohmann::json;

// A kind of object and where the API serves it.
struct GroupVersionResource {
  std::string group;  // empty for the core group
  std::string version;
  std::string resource;  // plural, lower case: "pods"
  std::string kind;      // "Pod"
  bool namespaced = true;

  // "apps/v1", or "v1" for the core group.
  [[nodiscard]] std::string ApiVersion() const;

  friend auto operator<=>(const GroupVersionResource&, const GroupVersionResource&) = default;
};

// One object, which may not exist. `ns` is empty for resources without namespaces.
struct ObjectRef {
  GroupVersionResource resource;
  std::string ns;
  std::string name;

  friend auto operator<=>(const ObjectRef&, const ObjectRef&) = default;
};

// "Pod default/x": for messages.
[[nodiscard]] std::string ToString(const ObjectRef& ref);

// The object's own place, given its resource.
[[nodiscard]] ObjectRef RefOf(const GroupVersionResource& resource, const Json& object);

// An object with apiVersion, kind and metadata.{name,namespace}: what a Create() or Apply() begins
// with.
[[nodiscard]] Json NewObject(const ObjectRef& ref);

// The member of nested objects, or null (a reference that is always valid).
[[nodiscard]] const Json& Find(const Json& object, std::initializer_list<std::string_view> path);
[[nodiscard]] std::string_view FindString(const Json& object,
                                          std::initializer_list<std::string_view> path);
[[nodiscard]] std::optional<std::int64_t> FindInteger(const Json& object,
                                                      std::initializer_list<std::string_view> path);
[[nodiscard]] std::optional<bool> FindBool(const Json& object,
                                           std::initializer_list<std::string_view> path);

[[nodiscard]] std::string_view ApiVersion(const Json& object);
[[nodiscard]] std::string_view Kind(const Json& object);
[[nodiscard]] std::string_view Name(const Json& object);
[[nodiscard]] std::string_view Namespace(const Json& object);
[[nodiscard]] std::string_view Uid(const Json& object);
[[nodiscard]] std::string_view ResourceVersion(const Json& object);  // opaque: only for equality
[[nodiscard]] std::int64_t Generation(const Json& object);           // 0 when there is none
[[nodiscard]] std::map<std::string, std::string, std::less<>> Labels(const Json& object);
[[nodiscard]] std::map<std::string, std::string, std::less<>> Annotations(const Json& object);
[[nodiscard]] std::string_view Label(const Json& object, std::string_view key);
[[nodiscard]] std::string_view Annotation(const Json& object, std::string_view key);
[[nodiscard]] bool IsBeingDeleted(const Json& object);          // it has a deletionTimestamp
[[nodiscard]] const Json& OwnerReferences(const Json& object);  // an array, or null

// "namespace/name", or "name" alone without a namespace: the key of stores and queues.
[[nodiscard]] std::string KeyOf(const Json& object);

// Drops metadata.managedFields, often half of an object.
void StripManagedFields(Json& object);

// The resources that Kubernetes itself brings and we touch.
namespace resources {
[[nodiscard]] GroupVersionResource Pods();
[[nodiscard]] GroupVersionResource Services();
[[nodiscard]] GroupVersionResource Secrets();
[[nodiscard]] GroupVersionResource ConfigMaps();
[[nodiscard]] GroupVersionResource ServiceAccounts();
[[nodiscard]] GroupVersionResource PersistentVolumeClaims();
[[nodiscard]] GroupVersionResource Nodes();
[[nodiscard]] GroupVersionResource Namespaces();
[[nodiscard]] GroupVersionResource Events();  // events.k8s.io/v1
[[nodiscard]] GroupVersionResource Leases();
[[nodiscard]] GroupVersionResource Deployments();
[[nodiscard]] GroupVersionResource StatefulSets();
[[nodiscard]] GroupVersionResource PodDisruptionBudgets();
[[nodiscard]] GroupVersionResource Roles();
[[nodiscard]] GroupVersionResource RoleBindings();
[[nodiscard]] GroupVersionResource EndpointSlices();
[[nodiscard]] GroupVersionResource CustomResourceDefinitions();
}  // namespace resources

}  // namespace sextant::kube
