// Gathers what plans look at: informers' objects, what processes say, what we wrote ourselves.
#pragma once

#include "operator/observe/applied.h"
#include "operator/observe/fleet.h"
#include "operator/observe/observed.h"
#include "sextant/kube/runtime/informer.h"
#include "sextant/kube/runtime/metrics.h"

#include <memory>
#include <optional>
#include <vector>

namespace sextant::op {

// One informer for each kind; those of namespaced kinds but DBCluster see only what carries the
// cluster's label.
class Watches {
 public:
  // `client`, `clock` and `metrics`, which may be null, must outlive it. `ns`: one namespace, or
  // empty for all.
  Watches(const kube::Client& client, const kube::Clock& clock, kube::runtime::Metrics* metrics,
          const std::string& ns);

  [[nodiscard]] const kube::runtime::Informer& Of(std::string_view kind) const;
  [[nodiscard]] kube::runtime::Informer& Of(std::string_view kind);
  [[nodiscard]] const std::vector<std::unique_ptr<kube::runtime::Informer>>& all() const {
    return informers_;
  }
  void Start();
  void Stop();
  [[nodiscard]] bool WaitUntilSynced(kube::runtime::Duration timeout) const;
  [[nodiscard]] bool IsSynced() const;

 private:
  std::vector<std::unique_ptr<kube::runtime::Informer>> informers_;
};

struct Sight {
  Observed observed;
  Json object;  // the DBCluster, with the resourceVersion that writes are compared with
};

// Nothing when there is no such cluster any more. Tells the fleet whom to watch.
[[nodiscard]] std::optional<Sight> Observe(const Key& key, const Watches& watches, Fleet& fleet,
                                           Applied& applied, const Images& images, kube::Time now);

// What carries a cluster's label belongs to that cluster.
[[nodiscard]] std::vector<Key> ClusterOf(const kube::runtime::Snapshot& snapshot);

[[nodiscard]] std::shared_ptr<const TlsMaterial> OperatorTls(const Observed& seen);

}  // namespace sextant::op
