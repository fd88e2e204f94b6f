// What this process has written lately, because informers hear of it later.
#pragma once

#include "sextant/kube/object.h"
#include "sextant/kube/runtime/key.h"

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

namespace sextant::op {

using kube::Json;
using kube::runtime::Key;

// Any thread.
class Applied {
 public:
  // Children: the state that our last apply left behind.
  void RememberChild(const std::string& kind, const Json& object);
  // It is not the state that we left behind: somebody else has changed it, or we began anew.
  [[nodiscard]] bool HasChanged(const std::string& kind, const Json& object) const;

  // DBClusters: `before` became `after` by our own write.
  void RememberCluster(const Key& key, const Json& before, const Json& after);
  // The newest state that is known, given the informer's.
  [[nodiscard]] Json Newest(const Key& key, Json seen);

  void Forget(const Key& key);

 private:
  struct Writes {
    std::set<std::string> older;  // resourceVersions
    Json newest;
  };

  mutable std::mutex mutex_;
  std::map<std::string, std::string> children_;  // guarded by mutex_, as is:
  std::map<Key, Writes> clusters_;
};

}  // namespace sextant::op
