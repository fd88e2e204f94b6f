// Agents and storage nodes of clusters, played in memory: they do what they are told at once, and
// an epoch that was promised is refused to everybody else.
#pragma once

#include "operator/observe/fleet.h"

#include <functional>
#include <mutex>
#include <set>

namespace sextant::op::testing {

class FakeFleet final : public Fleet {
 public:
  // Called after every change, as CurlFleet does.
  void OnChange(std::function<void(const Key&)> changed);

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

  // --- What tests do. ---

  // Neither the operator nor storage hears from the instance any more.
  void Silence(const Key& cluster, const std::string& instance);
  // It answers, and has lost its memory, as a new pod has.
  void Reset(const Key& cluster, const std::string& instance);

  // How many instances have written in one epoch, at most; more than one is a split brain.
  [[nodiscard]] std::size_t WritersOfOneEpoch();
  [[nodiscard]] std::vector<std::string> Log();

 private:
  struct World {
    std::map<std::string, AgentStatus> agents;
    std::set<std::string> silent;
    std::int64_t promised = 0;
    std::int64_t generation = 0;
    std::vector<std::string> members = {};
  };

  [[nodiscard]] World& Of(const Key& cluster);
  void Tell(const Key& cluster);

  std::mutex mutex_;
  std::function<void(const Key&)> changed_;  // guarded by mutex_, as are:
  std::map<Key, World> worlds_;
  std::map<std::pair<Key, std::int64_t>, std::set<std::string>> writers_;
  std::vector<std::string> log_;
};

}  // namespace sextant::op::testing
