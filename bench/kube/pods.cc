#include "bench/kube/pods.h"

#include <atomic>
#include <format>
#include <stdexcept>
#include <thread>
#include <vector>

namespace sextant::bench {
namespace {

using kube::Json;

constexpr int kThreads = 8;

Json Probe(const std::string& path) {
  return {{"httpGet", {{"path", path}, {"port", 8080}, {"scheme", "HTTPS"}}},
          {"initialDelaySeconds", 5},
          {"periodSeconds", 10},
          {"timeoutSeconds", 2},
          {"successThreshold", 1},
          {"failureThreshold", 6}};
}

Json Container(const std::string& name, int number) {
  Json environment = Json::array(
      {{{"name", "POD_NAME"}, {"valueFrom", {{"fieldRef", {{"fieldPath", "metadata.name"}}}}}},
       {{"name", "POD_IP"}, {"valueFrom", {{"fieldRef", {{"fieldPath", "status.podIP"}}}}}}});
  for (int i = 0; i < 8; ++i) {
    environment.push_back({{"name", std::format("SETTING_{}", i)},
                           {"value", std::format("value-{}-of-{}-{}", i, name, number)}});
  }
  return {
      {"name", name},
      {"image", std::format("images.example.com/team/{}@sha256:{:064x}", name, number % 7)},
      {"args",
       {"--config=/etc/server/config.yaml", "--verbosity=2", std::format("--shard={}", number)}},
      {"env", environment},
      {"ports", {{{"name", "https"}, {"containerPort", 8080}}}},
      {"resources",
       {{"requests", {{"cpu", "250m"}, {"memory", "256Mi"}}},
        {"limits", {{"cpu", "1"}, {"memory", "512Mi"}}}}},
      {"livenessProbe", Probe("/healthz")},
      {"readinessProbe", Probe("/readyz")},
      {"securityContext",
       {{"allowPrivilegeEscalation", false},
        {"readOnlyRootFilesystem", true},
        {"runAsNonRoot", true},
        {"capabilities", {{"drop", {"ALL"}}}}}},
      {"volumeMounts",
       {{{"name", "config"}, {"mountPath", "/etc/server"}, {"readOnly", true}},
        {{"name", "cache"}, {"mountPath", "/var/cache/server"}}}}};
}

}  // namespace

Json MakePod(const std::string& ns, int number) {
  Json pod = kube::NewObject({kube::resources::Pods(), ns, std::format("server-{:08x}", number)});
  pod["metadata"]["labels"] = {
      {"app.kubernetes.io/name", "server"},
      {"app.kubernetes.io/instance", std::format("server-{}", number / 10)},
      {"app.kubernetes.io/component", "backend"},
      {"pod-template-hash", std::format("{:010x}", number / 10)}};
  pod["metadata"]["annotations"] = {{"checksum/config", std::format("{:064x}", number / 10)},
                                    {"prometheus.io/scrape", "true"}};
  pod["metadata"]["ownerReferences"] = {
      {{"apiVersion", "apps/v1"},
       {"kind", "ReplicaSet"},
       {"name", std::format("server-{:010x}", number / 10)},
       {"uid", std::format("00000000-0000-4000-8000-{:012x}", number / 10)},
       {"controller", true},
       {"blockOwnerDeletion", true}}};
  pod["spec"] = {
      {"containers", {Container("server", number), Container("proxy", number)}},
      {"serviceAccountName", "server"},
      {"automountServiceAccountToken", false},
      {"volumes",
       {{{"name", "config"}, {"configMap", {{"name", "server"}, {"defaultMode", 420}}}},
        {{"name", "cache"}, {"emptyDir", {{"sizeLimit", "1Gi"}}}}}},
      {"tolerations",
       {{{"key", "node.kubernetes.io/not-ready"},
         {"operator", "Exists"},
         {"effect", "NoExecute"},
         {"tolerationSeconds", 30}}}},
      {"topologySpreadConstraints",
       {{{"maxSkew", 1},
         {"topologyKey", "topology.kubernetes.io/zone"},
         {"whenUnsatisfiable", "ScheduleAnyway"},
         {"labelSelector", {{"matchLabels", {{"app.kubernetes.io/name", "server"}}}}}}}}};
  return pod;
}

void MakePods(const kube::Client& client, const std::string& ns, int count) {
  const auto namespaces = kube::resources::Namespaces();
  if (const auto made = client.Create(namespaces, kube::NewObject({namespaces, "", ns})); !made) {
    throw std::runtime_error(ToString(made.error()));
  }
  std::atomic<int> next = 0;
  std::atomic<bool> failed = false;
  {
    std::vector<std::jthread> makers;
    for (int i = 0; i < kThreads; ++i) {
      makers.emplace_back([&] {
        for (int number = next++; number < count && !failed; number = next++) {
          const auto made = client.Create(kube::resources::Pods(), MakePod(ns, number));
          if (!made && made.error().code != kube::ErrorCode::kAlreadyExists) failed = true;
        }
      });
    }
  }
  if (failed) throw std::runtime_error("the pods could not be made");
}

}  // namespace sextant::bench
