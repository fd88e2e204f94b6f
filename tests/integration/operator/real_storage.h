// Agents that are played, and six sextant-storage processes that are real: what the operator tells
// storage goes to them by its own code, and what it sees of them they said.
#pragma once

#include "tests/integration/operator/fake_fleet.h"
#include "tests/integration/storage/cluster/storage_cluster.h"

#include <atomic>

namespace sextant::op::testing {

class RealStorageFleet final : public Fleet {
 public:
  // What becomes of the next orders to storage, as if the operator had died over them.
  enum class Fate : std::uint8_t { kDone, kNeverSent, kReachesOneNode };

  explicit RealStorageFleet(const storage::testing::StorageCluster& storage);

  void OnChange(std::function<void(const Key&)> changed) { agents_.OnChange(std::move(changed)); }
  void SetFate(Fate fate) { fate_ = fate; }
  // Configurations that reached the nodes as they should.
  [[nodiscard]] int configured() const { return configured_; }

  void Watch(const Key& cluster, Watched watched) override;
  void Often(const Key& cluster, bool often) override;
  void Forget(const Key& cluster) override;
  [[nodiscard]] FleetHealth Look(const Key& cluster) override;
  [[nodiscard]] Done Send(const Key& cluster, const std::string& instance,
                          const Order& order) override;
  [[nodiscard]] Done Demote(const Key& cluster, const std::string& instance, std::int64_t order_id,
                            Milliseconds timeout) override;
  [[nodiscard]] Done Configure(const MembersRequest& request) override;
  [[nodiscard]] Done Renew(const RenewRequest& request) override;

 private:
  const storage::testing::StorageCluster& storage_;
  std::vector<StorageNodeAddress> nodes_;
  TlsMaterial tls_;
  FakeFleet agents_;
  std::atomic<Fate> fate_ = Fate::kDone;
  std::atomic<int> configured_ = 0;
};

}  // namespace sextant::op::testing
