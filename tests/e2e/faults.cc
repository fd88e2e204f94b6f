#include "tests/e2e/faults.h"

#include <iostream>
#include <ranges>
#include <stdexcept>

namespace sextant::testing {
namespace {

constexpr double kUnplanned = 20;
constexpr double kPlanned = 3;

void DeleteWritersPod(Scene& scene) {
  scene.kubectl.Run({"delete", "pod", scene.victim, "--grace-period=1", "--wait=false"});
}

void KillWritersEngine(Scene& scene) {
  scene.cluster.Signal(scene.victim, "KILL",
                       scene.cluster.Engine() == "mariadb" ? "mariadbd" : "postgres");
}

void Freeze(Scene& scene) { scene.cluster.Signal(scene.victim, "STOP"); }

// It wakes up and must find itself fenced; unless Kubernetes has ended it before.
void Thaw(Scene& scene) {
  try {
    scene.cluster.Signal(scene.victim, "CONT");
  } catch (const std::exception&) {
    std::cout << scene.victim << " is gone already\n";
  }
}

Fault WritersNode(std::string name, NodeOutage::Step begin, NodeOutage::Step end) {
  return {.name = std::move(name),
          .limit_seconds = kUnplanned,
          .writer = Writer::kMoves,
          .begin =
              [=](Scene& scene) {
                scene.outages.emplace_back(scene.cluster.NodeOf(scene.victim), begin, end);
              },
          .heal = [](Scene& scene) { scene.outages.clear(); }};
}

void StopAnotherZone(Scene& scene) {
  const std::string writers = scene.cluster.NodeOf(scene.cluster.Writer());
  for (const std::string& pod : scene.cluster.StoragePods()) {
    const std::string node = scene.cluster.NodeOf(pod);
    if (node != writers) {
      scene.outages.emplace_back(node, StopNode, StartNode);
      return;
    }
  }
  throw std::runtime_error("there is no other zone");
}

void DeleteACopy(Scene& scene) {
  const std::string pod = scene.cluster.StoragePods().front();
  scene.lost_pod = pod;
  scene.lost_member = scene.cluster.MemberOf(pod);
  const std::string claim = scene.kubectl.Run(
      {"get", "pod", pod, "-o", "jsonpath={.spec.volumes[*].persistentVolumeClaim.claimName}"});
  scene.kubectl.Run({"delete", "persistentvolumeclaim", claim, "--wait=false"});
  scene.kubectl.Run({"delete", "pod", pod, "--grace-period=1", "--wait=false"});
}

void KillACopy(Scene& scene) {
  scene.cluster.Signal(scene.cluster.StoragePods().front(), "KILL", "sextant-storag");
}

void DeleteAReader(Scene& scene) {
  scene.kubectl.Run(
      {"delete", "pod", "-l", "sextant.dev/role=reader", "--grace-period=1", "--wait=false"});
}

// For longer than leaders keep their Lease and kubelets their patience.
void FreezeTheApiServer(Scene& scene) {
  const std::string node =
      scene.kubectl.Run({"get", "nodes", "-l", "node-role.kubernetes.io/control-plane", "-o",
                         "jsonpath={.items[0].metadata.name}"});
  const std::string output =
      RunOnNode(node,
                "for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline 2>/dev/null | "
                "grep -qE '^([^ ]*/)?kube-apiserver ' && s=${p#/proc/}; done; "
                "kill -STOP $s && sleep 20 && kill -CONT $s && echo thawed");
  if (!output.contains("thawed")) throw std::runtime_error("no API server: " + output);
}

// The status shows the lost member until another one has taken its place.
void AwaitAnotherMember(Scene& scene) {
  Await(
      "another member in place of the lost one", std::chrono::seconds(300),
      [&] {
        const std::string member = scene.cluster.MemberOf(scene.lost_pod);
        return !member.empty() && member != scene.lost_member;
      },
      [&] { return scene.cluster.Describe(); });
}

Fault Undisturbed() {
  return {.name = "Nothing", .limit_seconds = 5, .in_ci = true, .begin = [](Scene&) {}};
}

Fault PodDeleted() {
  return {.name = "WritersPodDeleted",
          .limit_seconds = kUnplanned,
          .writer = Writer::kMoves,
          .in_ci = true,
          .begin = DeleteWritersPod};
}

Fault EngineKilled() {
  return {.name = "WritersEngineKilled",
          .limit_seconds = kUnplanned,
          .writer = Writer::kMayMove,
          .in_ci = true,
          .begin = KillWritersEngine};
}

Fault Switchover() {
  return {.name = "Switchover",
          .limit_seconds = kPlanned,
          .writer = Writer::kMoves,
          .begin = [](Scene& scene) { scene.cluster.Annotate("sextant.dev/switchover=true"); }};
}

// Readers are made anew, then the writer hands over to one of them.
Fault RollingUpdate() {
  return {.name = "RollingUpdate",
          .limit_seconds = kPlanned,
          .writer = Writer::kMoves,
          .begin = [](Scene& scene) {
            const std::string connections = std::to_string(100 + scene.cluster.Epoch());
            const nlohmann::json engine = {{"parameters", {{"max_connections", connections}}}};
            scene.kubectl.Run({"patch", "dbcluster", scene.cluster.Name(), "--type=merge",
                               "--patch", nlohmann::json{{"spec", {{"engine", engine}}}}.dump()});
          }};
}

}  // namespace

std::vector<Fault> PostgresqlFaults() {
  return {
      Undisturbed(),
      PodDeleted(),
      EngineKilled(),
      {.name = "WriterFrozen",
       .limit_seconds = kUnplanned,
       .writer = Writer::kMoves,
       .begin = Freeze,
       .heal = Thaw},
      {.name = "WritersVolumeKilled",
       .limit_seconds = kUnplanned,
       .writer = Writer::kMayMove,
       .begin = [](Scene& scene) { scene.cluster.Signal(scene.victim, "KILL", "sextant-volume"); }},
      WritersNode("WritersNodeStopped", StopNode, StartNode),
      WritersNode("WritersNodePaused", PauseNode, UnpauseNode),
      WritersNode("WritersNodeCutOff", DisconnectNode, ConnectNode),
      {.name = "AnotherZoneStopped",
       .limit_seconds = kUnplanned,
       .begin = StopAnotherZone,
       .heal = [](Scene& scene) { scene.outages.clear(); }},
      {.name = "CopyKilled", .limit_seconds = 5, .begin = KillACopy},
      {.name = "ReaderDeleted",
       .limit_seconds = kUnplanned,
       .of_reads = true,
       .begin = DeleteAReader},
      {.name = "ApiServerFrozen", .limit_seconds = 5, .begin = FreezeTheApiServer},
      {.name = "CopyLost", .limit_seconds = 5, .begin = DeleteACopy, .heal = AwaitAnotherMember},
      Switchover(),
      RollingUpdate(),
      {.name = "FailoverOnRequest",
       .limit_seconds = kUnplanned,
       .writer = Writer::kMoves,
       .begin = [](Scene& scene) { scene.cluster.Annotate("sextant.dev/failover=true"); }},
  };
}

std::vector<Fault> MariadbFaults() {
  return {Undisturbed(), PodDeleted(), EngineKilled(), Switchover()};
}

void KillTheOperator(const Kubectl& kubectl) {
  kubectl.Run({"-n", "sextant-system", "delete", "pod", "-l",
               "app.kubernetes.io/component=operator", "--force", "--grace-period=0"});
}

}  // namespace sextant::testing
