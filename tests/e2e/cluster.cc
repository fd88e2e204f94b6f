#include "tests/e2e/cluster.h"

#include "tests/e2e/nodes.h"

#include <algorithm>
#include <format>
#include <ranges>
#include <stdexcept>
#include <thread>
#include <utility>

namespace sextant::testing {

using nlohmann::json;

void Await(const std::string& what, std::chrono::seconds limit, const std::function<bool()>& holds,
           const std::function<std::string()>& describe) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error(std::format("{} did not come about within {}\n{}", what, limit,
                                           describe ? describe() : ""));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
  }
}

bool OperatorIsInstalled() {
  return RunCommand({"kubectl", "-n", "sextant-system", "get", "deployment", "sextant-operator"})
             .exit_code == 0;
}

Cluster::Cluster(const Kubectl& kubectl, std::string name, const std::string& engine, int readers)
    : kubectl_(kubectl), name_(std::move(name)), engine_(engine) {
  kubectl_.Apply({{{"apiVersion", "sextant.dev/v1alpha1"},
                   {"kind", "DBCluster"},
                   {"metadata", {{"name", name_}}},
                   {"spec",
                    {{"engine", {{"type", engine}}},
                     {"readers", readers},
                     {"storage", {{"size", "1Gi"}}},
                     {"deletionPolicy", "Delete"}}}}});
}

void Cluster::AwaitWell(std::chrono::seconds limit) const {
  Await(
      "a cluster with all its parts", limit, [&] { return IsWell(); }, [&] { return Describe(); });
}

bool Cluster::IsWell() const {
  const CommandResult result = kubectl_.Try({"get", "dbcluster", name_, "-o", "json"});
  if (result.exit_code != 0) return false;
  const json cluster = json::parse(result.output, nullptr, false);
  const json status = cluster.value("status", json::object());
  if (status.value("observedGeneration", 0) != cluster.at("metadata").at("generation"))
    return false;
  bool ready = false;
  for (const json& condition : status.value("conditions", json::array())) {
    if (condition.at("type") == "Ready") ready = condition.at("status") == "True";
    if (condition.at("type") == "Degraded" && condition.at("status") == "True") return false;
  }
  const json nodes = status.value("storage", json::object()).value("nodes", json::array());
  const auto is_ready = [](const json& node) { return node.value("ready", false); };
  return ready && status.value("readyReaders", 0) == cluster.at("spec").value("readers", 0) &&
         std::ranges::count_if(nodes, is_ready) == 6;
}

json Cluster::Status() const {
  return kubectl_.Get({"dbcluster", name_}).value("status", json::object());
}

std::string Cluster::Writer() const { return Status().value("writer", ""); }
std::int64_t Cluster::Epoch() const { return Status().value("epoch", std::int64_t{0}); }

std::string Cluster::NodeOf(const std::string& pod) const {
  return kubectl_.Run({"get", "pod", pod, "-o", "jsonpath={.spec.nodeName}"});
}

std::vector<std::string> Cluster::StoragePods() const {
  const json pods = kubectl_.Get(
      {"pods", "-l", std::format("sextant.dev/cluster={},sextant.dev/component=storage", name_)});
  std::vector<std::string> names;
  for (const json& pod : pods.at("items")) names.push_back(pod.at("metadata").at("name"));
  return names;
}

std::string Cluster::MemberOf(const std::string& storage_pod) const {
  for (const json& node : Status().value("storage", json::object()).value("nodes", json::array())) {
    if (node.value("name", "") == storage_pod) return node.value("member", "");
  }
  return "";
}

void Cluster::Scale(int readers) const {
  kubectl_.Run({"scale", "dbcluster", name_, std::format("--replicas={}", readers)});
}

void Cluster::Annotate(const std::string& annotation) const {
  kubectl_.Run({"annotate", "--overwrite", "dbcluster", name_, annotation});
}

void Cluster::Signal(const std::string& pod, const std::string& signal,
                     const std::string& name) const {
  const json object = kubectl_.Get({"pod", pod});
  const std::string uid = object.at("metadata").at("uid");
  std::string with_underscores = uid;
  std::ranges::replace(with_underscores, '-', '_');  // as systemd names a control group
  const std::string script = std::format(
      "for p in /proc/[0-9]*; do "
      "grep -qE 'pod({}|{})' $p/cgroup 2>/dev/null || continue; "
      "case $(cat $p/comm) in pause) ;; {}*) kill -{} ${{p#/proc/}}; echo hit;; esac; done",
      uid, with_underscores, name, signal);
  const std::string output = RunOnNode(object.at("spec").at("nodeName"), script);
  if (!output.contains("hit")) {
    throw std::runtime_error(std::format("no process {} in {}: {}", name, pod, output));
  }
}

std::string Cluster::Describe() const {
  std::string text = kubectl_.Describe() +
                     kubectl_.Try({"get", "dbcluster", name_, "-o", "jsonpath={.status}"}).output +
                     '\n' +
                     kubectl_
                         .Try({"-n", "sextant-system", "logs", "-l",
                               "app.kubernetes.io/component=operator", "--tail=40", "--prefix"})
                         .output;
  const CommandResult pods =
      kubectl_.Try({"get", "pods", "-o", "name", "-l", "sextant.dev/component=instance"});
  for (const auto pod : pods.output | std::views::split('\n')) {
    const std::string pod_name(pod.begin(), pod.end());
    if (pod_name.empty()) continue;
    text += std::format(
        "\n== {}\n{}", pod_name,
        kubectl_.Try({"logs", pod_name, "--all-containers", "--tail=25", "--prefix"}).output);
  }
  return text;
}

}  // namespace sextant::testing
