#include "sextant/kube/object.h"

namespace sextant::kube {
namespace {

const Json& Null() {
  static const Json null;
  return null;
}

std::map<std::string, std::string, std::less<>> Strings(const Json& object) {
  std::map<std::string, std::string, std::less<>> strings;
  if (!object.is_object()) return strings;
  for (const auto& [key, value] : object.items()) {
    if (value.is_string()) strings.emplace(key, value.get_ref<const std::string&>());
  }
  return strings;
}

}  // namespace

std::string GroupVersionResource::ApiVersion() const {
  return group.empty() ? version : group + "/" + version;
}

std::string ToString(const ObjectRef& ref) {
  return ref.resource.kind + " " + (ref.ns.empty() ? "" : ref.ns + "/") + ref.name;
}

ObjectRef RefOf(const GroupVersionResource& resource, const Json& object) {
  return {.resource = resource,
          .ns = resource.namespaced ? std::string(Namespace(object)) : std::string(),
          .name = std::string(Name(object))};
}

Json NewObject(const ObjectRef& ref) {
  Json object{{"apiVersion", ref.resource.ApiVersion()},
              {"kind", ref.resource.kind},
              {"metadata", {{"name", ref.name}}}};
  if (ref.resource.namespaced) object["metadata"]["namespace"] = ref.ns;
  return object;
}

const Json& Find(const Json& object, std::initializer_list<std::string_view> path) {
  const Json* at = &object;
  for (const std::string_view key : path) {
    if (!at->is_object()) return Null();
    const auto member = at->find(key);
    if (member == at->end()) return Null();
    at = &*member;
  }
  return *at;
}

std::string_view FindString(const Json& object, std::initializer_list<std::string_view> path) {
  const auto* text = Find(object, path).get_ptr<const std::string*>();
  return text == nullptr ? std::string_view() : *text;
}

std::optional<std::int64_t> FindInteger(const Json& object,
                                        std::initializer_list<std::string_view> path) {
  const Json& value = Find(object, path);
  if (!value.is_number_integer()) return std::nullopt;
  return value.get<std::int64_t>();
}

std::optional<bool> FindBool(const Json& object, std::initializer_list<std::string_view> path) {
  const Json& value = Find(object, path);
  if (!value.is_boolean()) return std::nullopt;
  return value.get<bool>();
}

std::string_view ApiVersion(const Json& object) { return FindString(object, {"apiVersion"}); }
std::string_view Kind(const Json& object) { return FindString(object, {"kind"}); }
std::string_view Name(const Json& object) { return FindString(object, {"metadata", "name"}); }
std::string_view Namespace(const Json& object) {
  return FindString(object, {"metadata", "namespace"});
}
std::string_view Uid(const Json& object) { return FindString(object, {"metadata", "uid"}); }
std::string_view ResourceVersion(const Json& object) {
  return FindString(object, {"metadata", "resourceVersion"});
}
std::int64_t Generation(const Json& object) {
  return FindInteger(object, {"metadata", "generation"}).value_or(0);
}

std::map<std::string, std::string, std::less<>> Labels(const Json& object) {
  return Strings(Find(object, {"metadata", "labels"}));
}
std::map<std::string, std::string, std::less<>> Annotations(const Json& object) {
  return Strings(Find(object, {"metadata", "annotations"}));
}
std::string_view Label(const Json& object, std::string_view key) {
  return FindString(object, {"metadata", "labels", key});
}
std::string_view Annotation(const Json& object, std::string_view key) {
  return FindString(object, {"metadata", "annotations", key});
}

bool IsBeingDeleted(const Json& object) {
  return !FindString(object, {"metadata", "deletionTimestamp"}).empty();
}

const Json& OwnerReferences(const Json& object) {
  const Json& references = Find(object, {"metadata", "ownerReferences"});
  return references.is_array() ? references : Null();
}

std::string KeyOf(const Json& object) {
  const std::string_view ns = Namespace(object);
  std::string key(ns);
  if (!ns.empty()) key += '/';
  return key.append(Name(object));
}

void StripManagedFields(Json& object) {
  const auto metadata = object.find("metadata");
  if (metadata != object.end() && metadata->is_object()) metadata->erase("managedFields");
}

}  // namespace sextant::kube
