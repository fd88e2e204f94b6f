#include "operator/observe/observer.h"

#include "operator/api/labels.h"
#include "operator/observe/pod_info.h"
#include "operator/pki.h"
#include "operator/resources/render.h"
#include "sextant/kube/owner.h"
#include "sextant/kube/runtime/metrics.h"
#include "sextant/kube/views.h"

#include <algorithm>
#include <format>
#include <set>

namespace sextant::op {
namespace {

using kube::runtime::Informer;
using kube::runtime::SnapshotPtr;

constexpr std::string_view kIndex = "cluster";

kube::GroupVersionResource StorageClasses() {
  return {.group = "storage.k8s.io",
          .version = "v1",
          .resource = "storageclasses",
          .kind = "StorageClass",
          .namespaced = false};
}

std::vector<Json> ObjectsOf(const Watches& watches, std::string_view kind, const Key& key) {
  std::vector<Json> objects;
  for (const SnapshotPtr& snapshot : watches.Of(kind).Objects().Find(kIndex, key.name)) {
    if (snapshot->GetKey().ns == key.ns) {
      objects.push_back(snapshot->Object());
    }
  }
  std::ranges::sort(objects, {}, [](const Json& object) { return kube::Name(object); });
  return objects;
}

void AddChildren(Observed& seen, const Watches& watches, const Key& key, const Applied& applied) {
  for (const char* kind : {"Service", "ConfigMap", "StatefulSet", "PodDisruptionBudget"}) {
    for (Json& object : ObjectsOf(watches, kind, key)) {
      const std::string owner(kube::ControllerUid(object));
      ChildInfo child{.uid = std::string(kube::Uid(object)),
                      .hash = std::string(kube::Annotation(object, kHashAnnotation)),
                      .ours = owner.empty() || owner == seen.uid,
                      .changed = applied.HasChanged(kind, object)};
      const std::string name = std::format("{}/{}", kind, kube::Name(object));
      if (std::string_view(kind) == "StatefulSet") {
        child.object = std::move(object);
      }
      seen.children.emplace(name, std::move(child));
    }
  }
}

void AddSecrets(Observed& seen, const Watches& watches, const Key& key) {
  for (const Json& object : ObjectsOf(watches, "Secret", key)) {
    SecretInfo secret{.hash = std::string(kube::Annotation(object, kHashAnnotation))};
    const kube::SecretView view(object);
    for (const auto& [name, value] : kube::Find(object, {"data"}).items()) {
      secret.data[name] = view.Data(name).value_or(std::string());
    }
    for (const char* certificate : {"tls.crt", "ca.crt"}) {
      const auto text = secret.data.find(certificate);
      if (text != secret.data.end() && !secret.not_after) {
        if (const auto valid = ReadValidTime(text->second)) {
          secret.not_before = valid->begin;
          secret.not_after = valid->end;
        }
      }
    }
    if (const auto next = secret.data.find("next.crt"); next != secret.data.end()) {
      if (const auto valid = ReadValidTime(next->second)) {
        secret.next_not_before = valid->begin;
      }
    }
    seen.secrets.emplace(kube::Name(object), std::move(secret));
  }
}

void AddClaims(Observed& seen, const Watches& watches, const Key& key) {
  for (const Json& object : ObjectsOf(watches, "PersistentVolumeClaim", key)) {
    const kube::PersistentVolumeClaimView view(object);
    seen.claims.push_back({.name = std::string(kube::Name(object)),
                           .requested = std::string(view.RequestedStorage()),
                           .phase = std::string(view.Phase()),
                           .deleting = kube::IsBeingDeleted(object)});
  }
}

struct NodeFacts {
  bool ready = false;
  std::string zone;
};

std::map<std::string, NodeFacts> Nodes(const Watches& watches) {
  std::map<std::string, NodeFacts> nodes;
  for (const SnapshotPtr& snapshot : watches.Of("Node").Objects().List()) {
    const Json object = snapshot->Object();
    const kube::NodeView view(object);
    nodes[std::string(kube::Name(object))] = {.ready = view.IsReady(),
                                              .zone = std::string(view.Zone())};
  }
  return nodes;
}

void AddPods(Observed& seen, const Watches& watches, const Key& key,
             const std::map<std::string, NodeFacts>& nodes, kube::Time now) {
  for (const Json& object : ObjectsOf(watches, "Pod", key)) {
    PodInfo pod = DescribePod(object, now);
    const auto node = nodes.find(pod.node);
    pod.node_ready = pod.node.empty() || (node != nodes.end() && node->second.ready);
    pod.zone = node == nodes.end() ? std::string() : node->second.zone;
    seen.pods.push_back(std::move(pod));
  }
}

// A StatefulSet tells in Events alone that its pods are refused: by a quota, a policy, a webhook.
void AddRefusedPods(Observed& seen, const Watches& watches, const Key& key) {
  constexpr std::string_view kBegin = "create Pod ";
  constexpr std::string_view kError = " failed error: ";
  for (const SnapshotPtr& snapshot : watches.Of("Event").Objects().List()) {
    if (snapshot->GetKey().ns != key.ns) {
      continue;
    }
    const Json event = snapshot->Object();
    const std::string_view note = kube::FindString(event, {"note"});
    const std::size_t error = note.find(kError);
    if (!note.starts_with(kBegin) || error == std::string_view::npos) {
      continue;
    }
    const std::string_view pod =
        note.substr(kBegin.size(), note.find(' ', kBegin.size()) - kBegin.size());
    seen.refused_pods[std::string(pod)] = note.substr(error + kError.size());
  }
}

std::optional<bool> StorageClassFound(const Watches& watches, const std::string& name) {
  const Informer& classes = watches.Of("StorageClass");
  if (!classes.IsSynced()) {
    return std::nullopt;
  }
  if (!name.empty()) {
    return classes.Objects().Get({"", name}) != nullptr;
  }
  return std::ranges::any_of(classes.Objects().List(), [](const SnapshotPtr& snapshot) {
    return kube::Annotation(snapshot->Object(), "storageclass.kubernetes.io/is-default-class") ==
           "true";
  });
}

std::vector<Target> Targets(const Observed& seen) {
  std::vector<Target> targets;
  for (const PodInfo& pod : seen.pods) {
    if (pod.ip.empty()) {
      continue;
    }
    const bool storage = pod.component == kStorageComponent;
    targets.push_back(
        {.kind = storage ? Target::Kind::kStorage : Target::Kind::kAgent,
         .name = pod.name,
         .uid = pod.uid,
         .host = storage ? seen.names.StorageHost(pod.name) : seen.names.InstanceHost(pod.name),
         .ip = pod.ip});
  }
  return targets;
}

}  // namespace

Watches::Watches(const kube::Client& client, const kube::Clock& clock,
                 kube::runtime::Metrics* metrics, const std::string& ns) {
  namespace all = kube::resources;
  const std::string label(kClusterLabel);
  const auto add = [&](const kube::GroupVersionResource& resource, bool labelled) {
    kube::runtime::ReflectorOptions options{.resource = resource};
    options.selection.ns = resource.namespaced ? ns : std::string();
    kube::runtime::Indexes indexes;
    if (labelled) {
      options.selection.label_selector = label;
      indexes.emplace(kIndex, kube::runtime::ByLabel(label));
    }
    informers_.push_back(std::make_unique<Informer>(
        client, std::move(options), clock, std::move(indexes),
        metrics == nullptr ? nullptr : &metrics->Watch(resource.resource)));
  };
  add(DBClusters(), false);
  for (const auto& resource :
       {all::Pods(), all::Services(), all::Secrets(), all::ConfigMaps(),
        all::PersistentVolumeClaims(), all::StatefulSets(), all::PodDisruptionBudgets()}) {
    add(resource, true);
  }
  add(all::Nodes(), false);
  add(StorageClasses(), false);
  kube::runtime::ReflectorOptions refusals{.resource = all::Events()};
  refusals.selection = {.ns = ns,
                        .label_selector = {},
                        .field_selector = "regarding.kind=StatefulSet,reason=FailedCreate"};
  informers_.push_back(std::make_unique<Informer>(
      client, std::move(refusals), clock, kube::runtime::Indexes(),
      metrics == nullptr ? nullptr : &metrics->Watch(all::Events().resource)));
}

const Informer& Watches::Of(std::string_view kind) const {
  return **std::ranges::find_if(
      informers_, [kind](const auto& informer) { return informer->Resource().kind == kind; });
}

Informer& Watches::Of(std::string_view kind) {
  return **std::ranges::find_if(
      informers_, [kind](const auto& informer) { return informer->Resource().kind == kind; });
}

void Watches::Start() {
  for (const auto& informer : informers_) {
    informer->Start();
  }
}

void Watches::Stop() {
  for (const auto& informer : informers_) {
    informer->Stop();
  }
}

bool Watches::WaitUntilSynced(kube::runtime::Duration timeout) const {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  return std::ranges::all_of(informers_, [deadline](const auto& informer) {
    return informer->WaitUntilSynced(deadline - std::chrono::steady_clock::now());
  });
}

bool Watches::IsSynced() const {
  return std::ranges::all_of(informers_, [](const auto& informer) { return informer->IsSynced(); });
}

std::vector<Key> ClusterOf(const kube::runtime::Snapshot& snapshot) {
  const Json object = snapshot.Object();
  const std::string_view cluster = kube::Label(object, kClusterLabel);
  if (cluster.empty()) {
    return {};
  }
  return {{snapshot.GetKey().ns, std::string(cluster)}};
}

std::shared_ptr<const TlsMaterial> OperatorTls(const Observed& seen) {
  const auto secret = seen.secrets.find(seen.names.Object("operator-tls"));
  if (secret == seen.secrets.end()) {
    return nullptr;
  }
  const auto value = [&secret](const char* key) {
    const auto found = secret->second.data.find(key);
    return found == secret->second.data.end() ? std::string() : found->second;
  };
  return std::make_shared<TlsMaterial>(value("ca.crt"), value("tls.crt"), value("tls.key"));
}

std::optional<Sight> Observe(const Key& key, const Watches& watches, Fleet& fleet, Applied& applied,
                             const Images& images, kube::Time now) {
  const SnapshotPtr snapshot = watches.Of("DBCluster").Objects().Get(key);
  if (snapshot == nullptr) {
    fleet.Forget(key);
    applied.Forget(key);
    return std::nullopt;
  }
  Json object = applied.Newest(key, snapshot->Object());
  Observed seen{.names = {.ns = key.ns, .cluster = key.name},
                .uid = std::string(kube::Uid(object)),
                .generation = kube::Generation(object),
                .deleting = kube::IsBeingDeleted(object),
                .annotations = kube::Annotations(object),
                .spec = ParseSpec(object),
                .status = ParseStatus(object),
                .images = images};
  const Json& finalizers = kube::Find(object, {"metadata", "finalizers"});
  seen.has_finalizer =
      finalizers.is_array() && std::ranges::find(finalizers, Json(kFinalizer)) != finalizers.end();
  const auto nodes = Nodes(watches);
  std::set<std::string> zones;
  for (const auto& [name, node] : nodes) {
    if (!node.zone.empty()) {
      zones.insert(node.zone);
    }
  }
  seen.node_zones.assign(zones.begin(), zones.end());
  if (seen.spec) {
    seen.storage_class_found = StorageClassFound(watches, seen.spec->storage_class);
  }
  AddPods(seen, watches, key, nodes, now);
  AddRefusedPods(seen, watches, key);
  AddClaims(seen, watches, key);
  AddChildren(seen, watches, key, applied);
  AddSecrets(seen, watches, key);
  fleet.Watch(key,
              {.targets = Targets(seen), .tls = OperatorTls(seen), .branch = seen.status.branch});
  FleetHealth health = fleet.Look(key);
  seen.agents = std::move(health.agents);
  seen.storage = std::move(health.storage);
  return Sight{.observed = std::move(seen), .object = std::move(object)};
}

}  // namespace sextant::op
