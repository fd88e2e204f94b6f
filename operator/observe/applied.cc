#include "operator/observe/applied.h"

#include <format>

namespace sextant::op {
namespace {

std::string Place(const std::string& kind, const Json& object) {
  return std::format("{}/{}/{}", kube::Namespace(object), kind, kube::Name(object));
}

// Changes when the object does, but not when only its status does, if it can be told apart.
std::string Version(const Json& object) {
  const std::int64_t generation = kube::Generation(object);
  return generation > 0 ? std::format("{} {}", kube::Uid(object), generation)
                        : std::string(kube::ResourceVersion(object));
}

}  // namespace

void Applied::RememberChild(const std::string& kind, const Json& object) {
  const std::scoped_lock lock(mutex_);
  children_[Place(kind, object)] = Version(object);
}

bool Applied::HasChanged(const std::string& kind, const Json& object) const {
  const std::scoped_lock lock(mutex_);
  const auto known = children_.find(Place(kind, object));
  return known == children_.end() || known->second != Version(object);
}

void Applied::RememberCluster(const Key& key, const Json& before, const Json& after) {
  const std::scoped_lock lock(mutex_);
  Writes& writes = clusters_[key];
  writes.older.emplace(kube::ResourceVersion(before));
  writes.older.erase(std::string(kube::ResourceVersion(after)));
  writes.newest = after;
}

Json Applied::Newest(const Key& key, Json seen) {
  const std::scoped_lock lock(mutex_);
  const auto writes = clusters_.find(key);
  if (writes == clusters_.end()) {
    return seen;
  }
  if (writes->second.older.contains(std::string(kube::ResourceVersion(seen))) &&
      kube::Uid(writes->second.newest) == kube::Uid(seen)) {
    return writes->second.newest;
  }
  clusters_.erase(writes);
  return seen;
}

void Applied::Forget(const Key& key) {
  const std::scoped_lock lock(mutex_);
  clusters_.erase(key);
  const std::string prefix = key.ns + "/";
  std::erase_if(children_, [&](const auto& child) {
    return child.first.starts_with(prefix) &&
           child.first.find("/" + key.name + "-") != std::string::npos;
  });
}

}  // namespace sextant::op
