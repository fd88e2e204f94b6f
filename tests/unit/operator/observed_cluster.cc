#include "tests/unit/operator/observed_cluster.h"

#include "operator/api/labels.h"
#include "operator/resources/instances.h"
#include "operator/resources/render.h"
#include "sextant/kube/condition.h"

#include <format>

namespace sextant::op::testing {
namespace {

using kube::Json;

Spec MakeSpec(int readers) {
  const Json object = {{"spec",
                        {{"engine", {{"type", "postgresql"}}},
                         {"readers", readers},
                         {"storage", {{"size", "10Gi"}}}}}};
  return *ParseSpec(object);
}

}  // namespace

ObservedCluster::ObservedCluster(int readers)
    : seen{.names = {.ns = "ns", .cluster = "db"},
           .uid = "uid-of-db",
           .generation = 1,
           .deleting = false,
           .has_finalizer = true,
           .annotations = {},
           .spec = MakeSpec(readers),
           .status = {},
           .images = {.storage = "s", .volume = "v", .postgresql = "p", .mariadb = "m"},
           .node_zones = {"a", "b", "c"},
           .storage_class_found = true} {
  seen.status.zones = {"a", "b", "c"};
  SettleObjects();
}

void ObservedCluster::AddStorage(std::int64_t generation) {
  int node = 0;
  for (const StorageSlot& slot : StorageSlots(seen.names, seen.status.zones, 2)) {
    PodInfo pod{.name = slot.pod,
                .uid = "uid-" + slot.pod,
                .component = "storage",
                .role = {},
                .phase = "Running",
                .node = "n",
                .ip = "10.0.0.1",
                .hash = {},
                .revision = "r1",
                .zone = seen.status.zones[slot.zone]};
    pod.ready = true;
    seen.pods.push_back(pod);
    StorageStatus status;
    status.member = std::format("{:032x}", ++node);
    status.state = "ready";
    status.generation = generation;
    status.kind = "stable";
    seen.storage[slot.pod] = {.status = status, .reachable = true, .silent = {}, .error = {}};
  }
  seen.status.storage_generation = generation;
  if (generation > 0) {
    std::vector<std::string> members;
    for (const StorageSlot& slot : StorageSlots(seen.names, seen.status.zones, 2)) {
      members.push_back(seen.storage.at(slot.pod).status->member);
    }
    for (auto& [pod, health] : seen.storage) {
      health.status->members = members;
    }
    seen.status.storage_members = members;
  }
}

AgentStatus& ObservedCluster::AddInstance(int number) {
  const std::string name = seen.names.Instance(number);
  const Render render{.names = seen.names,
                      .spec = *seen.spec,
                      .zones = seen.status.zones,
                      .images = seen.images,
                      .uid = seen.uid};
  PodInfo pod{
      .name = name,
      .uid = "uid-" + name,
      .component = "instance",
      .role = {},
      .phase = "Running",
      .node = "n",
      .ip = "10.0.1.1",
      .hash = std::string(kube::Annotation(BuildInstancePod(render, number), kHashAnnotation)),
      .revision = {},
      .zone = seen.status.zones[static_cast<std::size_t>(number - 1) % 3]};
  pod.age = Milliseconds(60'000);
  seen.pods.push_back(pod);
  AgentStatus status;
  status.instance = name;
  status.engine_state = "stopped";
  status.engine_role = "none";
  status.volume_state = "detached";
  seen.agents[name] = {.status = status, .reachable = true, .silent = {}, .error = {}};
  return *seen.agents[name].status;
}

void ObservedCluster::Serve(const std::string& instance, std::string_view role,
                            std::int64_t epoch) {
  AgentStatus& agent = Agent(instance);
  agent.order = {
      .id = seen.status.order_id, .role = std::string(role), .branch = 1, .epoch = epoch};
  agent.engine_state = "running";
  agent.engine_role = role;
  agent.accepting = true;
  agent.volume_state = "attached";
  agent.volume_mode = role;
  agent.volume_epoch = epoch;
  Pod(instance).role = role;
  Pod(instance).ready = true;
}

void ObservedCluster::MakeHealthy(std::int64_t epoch) {
  AddStorage(1);
  seen.status.epoch = epoch;
  seen.status.order_id = epoch;
  seen.status.writer = "db-1";
  seen.status.phase = "Ready";
  for (auto& [pod, node] : seen.storage) {
    node.status->has_branch = true;
    node.status->epoch_promised = epoch;
    node.status->writer_heard_ms = 10;
  }
  for (int number = 1; number <= seen.spec->readers + 1; ++number) {
    AddInstance(number);
    Serve(seen.names.Instance(number), number == 1 ? "writer" : "reader", number == 1 ? epoch : 0);
  }
  SettleObjects();
}

void ObservedCluster::Silence(const std::string& instance, Milliseconds time) {
  seen.agents.at(instance).reachable = false;
  seen.agents.at(instance).silent = time;
}

void ObservedCluster::MissWriter(int nodes, Milliseconds time) {
  for (auto& [pod, node] : seen.storage) {
    if (nodes-- > 0) {
      node.status->writer_heard_ms = time.count();
    }
  }
}

void ObservedCluster::LoseStorage(int nodes) {
  for (auto& [pod, node] : seen.storage) {
    if (nodes-- > 0) {
      node.reachable = false;
      node.silent = Milliseconds(60'000);
    }
  }
}

PodInfo& ObservedCluster::Pod(const std::string& name) {
  return *std::ranges::find(seen.pods, name, &PodInfo::name);
}

void ObservedCluster::RemovePod(const std::string& name) {
  std::erase_if(seen.pods, [&name](const PodInfo& pod) { return pod.name == name; });
  seen.agents.erase(name);
}

void ObservedCluster::SettleObjects() {
  const Plan plan = MakePlan();
  for (const Apply& apply : All<Apply>(plan)) {
    seen.children[std::format("{}/{}", apply.resource.kind, kube::Name(apply.object))] = {
        .uid = "uid",
        .hash = std::string(kube::Annotation(apply.object, kHashAnnotation)),
        .ours = true,
        .changed = false,
        .object = apply.object};
  }
  for (const WriteSecret& write : All<WriteSecret>(plan)) {
    SecretInfo secret;
    secret.hash = write.request.hash;
    for (const char* key :
         {"ca.crt", "ca.key", "tls.crt", "tls.key", "app-password", "superuser-password",
          "replication-password", "username", "password", "uri"}) {
      secret.data[key] = "x";
    }
    secret.not_before = kNow - std::chrono::days(1);
    secret.not_after = kNow + std::chrono::days(89);
    seen.secrets[write.request.name] = secret;
  }
}

std::vector<std::string> Lines(const Plan& plan) {
  std::vector<std::string> lines;
  for (const Action& action : plan.actions) {
    if (!std::holds_alternative<Tell>(action)) {
      lines.push_back(ToString(action));
    }
  }
  return lines;
}

std::string MessageOf(const Plan& plan, std::string_view condition) {
  return std::string(
      kube::FindString(kube::FindCondition(plan.status.conditions, condition), {"message"}));
}

std::string StatusOf(const Plan& plan, std::string_view condition) {
  return std::string(
      kube::FindString(kube::FindCondition(plan.status.conditions, condition), {"status"}));
}

}  // namespace sextant::op::testing
