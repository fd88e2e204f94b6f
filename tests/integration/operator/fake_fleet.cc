#include "tests/integration/operator/fake_fleet.h"

#include <algorithm>
#include <format>

namespace sextant::op::testing {
namespace {

AgentStatus NewAgent(const std::string& instance) {
  AgentStatus agent;
  agent.instance = instance;
  agent.engine_state = "stopped";
  agent.engine_role = "none";
  agent.volume_state = "detached";
  return agent;
}

}  // namespace

FakeFleet::World& FakeFleet::Of(const Key& cluster) {
  World& world = worlds_[cluster];
  for (int number = 1; number <= 16; ++number) {
    const std::string name = std::format("{}-{}", cluster.name, number);
    world.agents.try_emplace(name, NewAgent(name));
  }
  return world;
}

void FakeFleet::OnChange(std::function<void(const Key&)> changed) {
  const std::scoped_lock lock(mutex_);
  changed_ = std::move(changed);
}

void FakeFleet::Tell(const Key& cluster) {
  const std::scoped_lock lock(mutex_);
  if (changed_) {
    changed_(cluster);
  }
}

void FakeFleet::Watch(const Key& /*cluster*/, Watched /*watched*/) {}
void FakeFleet::Often(const Key& /*cluster*/, bool /*often*/) {}
void FakeFleet::Forget(const Key& cluster) {
  const std::scoped_lock lock(mutex_);
  worlds_.erase(cluster);
}

FleetHealth FakeFleet::Look(const Key& cluster) {
  const std::scoped_lock lock(mutex_);
  const World& world = Of(cluster);
  FleetHealth health;
  bool writer_heard = false;
  for (const auto& [name, agent] : world.agents) {
    const bool silent = world.silent.contains(name);
    health.agents[name] = {.status = agent,
                           .reachable = !silent,
                           .silent = Milliseconds(silent ? 60'000 : 0),
                           .error = {}};
    writer_heard = writer_heard || (!silent && agent.volume_mode == "writer" &&
                                    agent.volume_epoch == world.promised);
  }
  int member = 0;
  for (const char* zone : {"a", "b", "c"}) {
    for (int ordinal = 0; ordinal < 2; ++ordinal) {
      StorageStatus node;
      node.member = std::format("{:032x}", ++member);
      node.state = "ready";
      node.generation = world.generation;
      node.members = world.members;
      node.has_branch = world.promised > 0;
      node.epoch_promised = world.promised;
      node.writer_heard_ms = writer_heard ? 10 : 60'000;
      health.storage[std::format("{}-storage-{}-{}", cluster.name, zone, ordinal)] = {
          .status = node, .reachable = true, .silent = {}, .error = {}};
    }
  }
  return health;
}

Fleet::Done FakeFleet::Send(const Key& cluster, const std::string& instance, const Order& order) {
  {
    const std::scoped_lock lock(mutex_);
    World& world = Of(cluster);
    AgentStatus& agent = world.agents.at(instance);
    if (world.silent.contains(instance)) {
      return std::unexpected("no answer");
    }
    if (order.id < agent.order.id || (order.id == agent.order.id && order != agent.order)) {
      return std::unexpected("HTTP 409");
    }
    agent.order = order;
    log_.push_back(std::format("{} {} {}", instance, order.role, order.epoch));
    agent.accepting = false;
    if (order.role == "writer" && order.epoch <= world.promised) {
      agent.volume_state = "fenced";
      return {};
    }
    if (order.role == "writer") {
      for (auto& [name, other] : world.agents) {
        if (other.volume_mode == "writer" && name != instance) {
          other.volume_state = "fenced";
          other.accepting = false;
        }
      }
      world.promised = order.epoch;
      writers_[{cluster, order.epoch}].insert(instance);
    }
    agent.engine_state = "running";
    agent.engine_role = order.role;
    agent.accepting = true;
    agent.volume_state = "attached";
    agent.volume_mode = order.role;
    agent.volume_epoch = order.epoch;
  }
  Tell(cluster);
  return {};
}

Fleet::Done FakeFleet::Demote(const Key& cluster, const std::string& instance,
                              std::int64_t order_id, Milliseconds /*timeout*/) {
  const std::scoped_lock lock(mutex_);
  log_.push_back(std::format("{} demoted", instance));
  AgentStatus agent = NewAgent(instance);
  agent.order = {.id = order_id, .role = "none", .branch = 1, .epoch = 0};
  Of(cluster).agents[instance] = agent;
  return {};
}

Fleet::Done FakeFleet::Configure(const MembersRequest& request) {
  const std::string& host = request.nodes.front().host;  // NAME-storage-a-0.NAME-storage.NS.svc
  const std::scoped_lock lock(mutex_);
  for (auto& [key, world] : worlds_) {
    if (host.starts_with(key.name + "-storage-") && host.ends_with("." + key.ns + ".svc")) {
      world.generation = request.generation;
      world.members = request.members;
    }
  }
  return {};
}

Fleet::Done FakeFleet::Renew(const RenewRequest& /*request*/) { return {}; }

void FakeFleet::Silence(const Key& cluster, const std::string& instance) {
  {
    const std::scoped_lock lock(mutex_);
    Of(cluster).silent.insert(instance);
  }
  Tell(cluster);
}

void FakeFleet::Reset(const Key& cluster, const std::string& instance) {
  {
    const std::scoped_lock lock(mutex_);
    World& world = Of(cluster);
    world.silent.erase(instance);
    world.agents[instance] = NewAgent(instance);
  }
  Tell(cluster);
}

std::size_t FakeFleet::WritersOfOneEpoch() {
  const std::scoped_lock lock(mutex_);
  std::size_t most = 0;
  for (const auto& [epoch, writers] : writers_) {
    most = std::max(most, writers.size());
  }
  return most;
}

std::vector<std::string> FakeFleet::Log() {
  const std::scoped_lock lock(mutex_);
  return log_;
}

}  // namespace sextant::op::testing
