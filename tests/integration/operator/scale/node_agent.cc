#include "tests/integration/operator/scale/node_agent.h"

#include "operator/api/labels.h"
#include "operator/api/names.h"
#include "sextant/kube/views.h"

#include <format>
#include <stdexcept>

namespace sextant::op::testing {
namespace {

using kube::Json;
using kube::runtime::Change;

constexpr auto kPatience = std::chrono::seconds(120);

kube::runtime::ReflectorOptions In(const kube::GroupVersionResource& resource,
                                   const std::string& ns) {
  kube::runtime::ReflectorOptions options{.resource = resource};
  options.selection.ns = ns;
  options.selection.label_selector = std::string(kClusterLabel);
  return options;
}

void Must(const kube::Result<Json>& result, const std::string& what) {
  if (!result && result.error().code != kube::ErrorCode::kAlreadyExists &&
      result.error().code != kube::ErrorCode::kNotFound) {
    throw std::runtime_error(what + ": " + kube::ToString(result.error()));
  }
}

std::string Decoded(const Json& secret, const char* key) {
  return kube::SecretView(secret).Data(key).value_or("");
}

int IndexOf(const std::string& cluster) { return std::stoi(cluster.substr(1)); }

}  // namespace

NodeAgent::NodeAgent(const kube::Client& client, const kube::Clock& clock, Farm& farm,
                     std::string ns)
    : client_(client),
      farm_(farm),
      ns_(std::move(ns)),
      pods_(client, In(kube::resources::Pods(), ns_), clock),
      sets_(client, In(kube::resources::StatefulSets(), ns_), clock) {
  pods_.AddHandler([this](const Change& change) { OnPod(change); });
  sets_.AddHandler([this](const Change& change) { OnSet(change); });
  pods_.Start();
  sets_.Start();
}

NodeAgent::~NodeAgent() {
  sets_.Stop();
  pods_.Stop();
}

std::optional<NodeAgent::TimePoint> NodeAgent::SeenAt(const std::string& pod) const {
  const std::scoped_lock lock(mutex_);
  const auto seen = seen_.find(pod);
  return seen == seen_.end() ? std::nullopt : std::optional(seen->second);
}

void NodeAgent::OnSet(const Change& change) {
  if (!change.IsAddition()) {
    return;
  }
  const Json set = change.after->Object();
  const std::string name(kube::Name(set));
  const auto replicas = kube::FindInteger(set, {"spec", "replicas"}).value_or(0);
  for (std::int64_t ordinal = 0; ordinal < replicas; ++ordinal) {
    const std::string pod_name = std::format("{}-{}", name, ordinal);
    Json claim = kube::Find(set, {"spec", "volumeClaimTemplates"}).front();
    claim["metadata"] = {{"name", StorageClaim(pod_name)},
                         {"namespace", ns_},
                         {"labels", kube::Find(claim, {"metadata", "labels"})}};
    claim.erase("status");
    Must(client_.Create(kube::resources::PersistentVolumeClaims(), claim), "make a claim");
    Json pod = kube::NewObject({kube::resources::Pods(), ns_, pod_name});
    pod["metadata"]["labels"] = kube::Find(set, {"spec", "template", "metadata", "labels"});
    pod["spec"] = kube::Find(set, {"spec", "template", "spec"});
    pod["spec"]["volumes"].push_back(
        {{"name", "data"}, {"persistentVolumeClaim", {{"claimName", StorageClaim(pod_name)}}}});
    Must(client_.Create(kube::resources::Pods(), pod), "make a pod");
  }
}

void NodeAgent::OnPod(const Change& change) {
  if (!change.IsAddition()) {
    return;
  }
  const Json pod = change.after->Object();
  const std::string name(kube::Name(pod));
  {
    const std::scoped_lock lock(mutex_);
    seen_.try_emplace(name, std::chrono::steady_clock::now());
  }
  const std::string cluster(kube::Label(pod, kClusterLabel));
  const int last = std::stoi(name.substr(name.rfind('-') + 1));
  if (kube::Label(pod, kComponentLabel) == kStorageComponent) {
    const char zone = name[name.rfind('-') - 1];  // "c7-storage-b-1"
    Introduce(cluster);
    Run(name, Farm::IpOf(IndexOf(cluster), (zone - 'a') * kMembersPerZone + last + 1));
  } else {
    Introduce(cluster);
    Run(name, Farm::IpOf(IndexOf(cluster), kStorageNodes + last));
  }
}

// Its Secrets are written before its pods are made.
void NodeAgent::Introduce(const std::string& cluster) {
  if (!introduced_.insert(cluster).second) {
    return;
  }
  const auto secret = client_.Get({kube::resources::Secrets(), ns_, cluster + "-agent-tls"},
                                  {.timeout = kPatience});
  if (!secret) {
    throw std::runtime_error("read a Secret: " + kube::ToString(secret.error()));
  }
  farm_.Add(IndexOf(cluster), cluster, Decoded(*secret, "ca.crt"),
            {.certificate = Decoded(*secret, "tls.crt"), .key = Decoded(*secret, "tls.key")});
}

// As much as a kubelet says.
void NodeAgent::Run(const std::string& pod, const std::string& ip) const {
  constexpr const char* kTime = "2026-01-31T12:00:00Z";
  Json conditions = Json::array();
  for (const char* type :
       {"PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"}) {
    conditions.push_back({{"type", type}, {"status", "True"}, {"lastTransitionTime", kTime}});
  }
  Json container = {{"name", pod.contains("-storage-") ? "storage" : "engine"},
                    {"ready", true},
                    {"started", true},
                    {"restartCount", 0},
                    {"image", "registry.example/sextant/image:latest"},
                    {"imageID", "registry.example/sextant/image@sha256:" + std::string(64, '0')},
                    {"containerID", "containerd://" + std::string(64, '0')},
                    {"state", {{"running", {{"startedAt", kTime}}}}}};
  const Json status = {{"phase", "Running"},
                       {"hostIP", "10.0.0.1"},
                       {"hostIPs", Json::array({{{"ip", "10.0.0.1"}}})},
                       {"podIP", ip},
                       {"podIPs", Json::array({{{"ip", ip}}})},
                       {"startTime", kTime},
                       {"conditions", conditions},
                       {"containerStatuses", Json::array({std::move(container)})}};
  Must(client_.Patch({kube::resources::Pods(), ns_, pod}, kube::MergePatch({{"status", status}}),
                     {.subresource = "status"}),
       "run a pod");
}

}  // namespace sextant::op::testing
