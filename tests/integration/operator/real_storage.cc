#include "tests/integration/operator/real_storage.h"

#include "operator/execute/members.h"

namespace sextant::op::testing {

RealStorageFleet::RealStorageFleet(const storage::testing::StorageCluster& storage)
    : storage_(storage) {
  const client::ClientOptions options = storage.ClientOptions();
  for (const client::NodeAddress& node : options.nodes) {
    nodes_.push_back({.host = node.address.host, .port = node.address.port, .zone = node.zone});
  }
  tls_ = {.ca = sextant::testing::ReadFile(options.tls->ca),
          .certificate = sextant::testing::ReadFile(options.tls->certificate),
          .key = sextant::testing::ReadFile(options.tls->key)};
}

void RealStorageFleet::Watch(const Key& cluster, Watched watched) {
  agents_.Watch(cluster, std::move(watched));
}

void RealStorageFleet::Often(const Key& cluster, bool often) { agents_.Often(cluster, often); }

void RealStorageFleet::Forget(const Key& cluster) { agents_.Forget(cluster); }

// The played agents are not the writer that the nodes hear, so what is told of the writer is
// theirs.
FleetHealth RealStorageFleet::Look(const Key& cluster) {
  FleetHealth health = agents_.Look(cluster);
  std::size_t index = 0;
  for (auto& [pod, node] : health.storage) {  // by name: zone by zone
    const StorageStatus played = *node.status;
    const auto told = storage_.Status(index++);
    const auto status = told ? ParseStorageStatus(told->dump(), 1) : std::unexpected("no answer");
    node = {.status = {}, .reachable = status.has_value(), .silent = {}, .error = {}};
    if (status) {
      node.status = *status;
      node.status->epoch_promised = played.epoch_promised;
      node.status->writer_heard_ms = played.writer_heard_ms;
    }
  }
  return health;
}

Fleet::Done RealStorageFleet::Send(const Key& cluster, const std::string& instance,
                                   const Order& order) {
  return agents_.Send(cluster, instance, order);
}

Fleet::Done RealStorageFleet::Demote(const Key& cluster, const std::string& instance,
                                     std::int64_t order_id, Milliseconds timeout) {
  return agents_.Demote(cluster, instance, order_id, timeout);
}

Fleet::Done RealStorageFleet::Configure(const MembersRequest& request) {
  MembersRequest real = request;
  real.nodes = nodes_;
  real.tls = tls_;
  switch (fate_.load()) {
    case Fate::kNeverSent:
      return std::unexpected("the operator died");
    case Fate::kReachesOneNode:
      real.nodes.resize(1);
      return ConfigureMembers(real);
    case Fate::kDone:
      break;
  }
  auto done = ConfigureMembers(real);
  configured_ += done.has_value() ? 1 : 0;
  return done;
}

Fleet::Done RealStorageFleet::Renew(const RenewRequest& request) {
  RenewRequest real = request;
  real.nodes = nodes_;
  real.tls = tls_;
  return RenewBranch(real);
}

}  // namespace sextant::op::testing
