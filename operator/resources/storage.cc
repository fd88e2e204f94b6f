#include "operator/resources/storage.h"

#include "operator/api/labels.h"

#include <algorithm>
#include <format>

namespace sextant::op {
namespace {

using kube::Json;

constexpr std::int64_t kMiB = std::int64_t{1} << 20;
constexpr const char* kData = "/var/lib/sextant";

std::string ConfigKey(std::size_t zone) { return std::format("zone-{}.yaml", zone + 1); }

// JSON is YAML.
Json NodeConfig(const Render& render, std::size_t zone) {
  Json config = {{"data_directory", std::format("{}/node", kData)},
                 {"listen", std::format("0.0.0.0:{}", kStoragePort)},
                 {"http", std::format("0.0.0.0:{}", kStorageHttpPort)},
                 {"zone", render.zones.at(zone)},
                 {"peers", StorageAddresses(render)},
                 {"tls",
                  {{"ca", "/etc/sextant/tls/ca.crt"},
                   {"certificate", "/etc/sextant/tls/tls.crt"},
                   {"key", "/etc/sextant/tls/tls.key"}}}};
  // A node with a bound on its memory gets bounds that add up to less.
  if (const std::int64_t memory =
          Bytes(kube::FindString(render.spec.storage.resources, {"limits", "memory"}), 0);
      memory > 0) {
    config["limits"] = {{"index_cache", std::max(16 * kMiB, memory / 4)},
                        {"table_log", std::clamp(memory / 16, 16 * kMiB, 64 * kMiB)},
                        {"queued_groups", std::clamp(memory / 16, 16 * kMiB, 64 * kMiB)},
                        {"send_queue", std::clamp(memory / 32, 16 * kMiB, 64 * kMiB)}};
  }
  return config;
}

Json Claim(const Render& render) {
  Json claim = {{"apiVersion", "v1"},
                {"kind", "PersistentVolumeClaim"},
                {"metadata", {{"name", "data"}, {"labels", render.Labels(kStorageComponent)}}},
                {"spec",
                 {{"accessModes", {"ReadWriteOnce"}},
                  {"volumeMode", "Filesystem"},
                  {"resources", {{"requests", {{"storage", render.spec.storage_size}}}}}}}};
  if (!render.spec.storage_class.empty()) {
    claim["spec"]["storageClassName"] = render.spec.storage_class;
  }
  return claim;
}

// Only what we say of it: the server adds its defaults.
Json ExistingClaim(const Render& render, const Json& existing) {
  Json claim = Claim(render);
  const Json& templates = kube::Find(existing, {"spec", "volumeClaimTemplates"});
  if (!templates.is_array() || templates.empty()) {
    return claim;
  }
  const Json& old = templates.front();
  claim["spec"]["resources"]["requests"]["storage"] =
      kube::FindString(old, {"spec", "resources", "requests", "storage"});
  if (const auto name = kube::FindString(old, {"spec", "storageClassName"}); !name.empty()) {
    claim["spec"]["storageClassName"] = name;
  } else {
    claim["spec"].erase("storageClassName");
  }
  return claim;
}

Json Container(const Render& render) {
  const std::string& image =
      render.spec.storage_image.empty() ? render.images.storage : render.spec.storage_image;
  return {{"name", "storage"},
          {"image", image},
          {"terminationMessagePolicy", "FallbackToLogsOnError"},
          {"command", {"sextant-storage", "--config", "/etc/sextant/storage/storage.yaml"}},
          {"ports",
           {{{"name", "data"}, {"containerPort", kStoragePort}, {"protocol", "TCP"}},
            {{"name", "http"}, {"containerPort", kStorageHttpPort}, {"protocol", "TCP"}}}},
          {"readinessProbe",
           {{"httpGet", {{"path", "/readyz"}, {"port", "http"}}},
            {"periodSeconds", 2},
            {"timeoutSeconds", 2}}},
          {"livenessProbe",
           {{"httpGet", {{"path", "/healthz"}, {"port", "http"}}},
            {"periodSeconds", 5},
            {"timeoutSeconds", 5},
            {"failureThreshold", 6}}},
          {"startupProbe",  // reading a large disk again takes its time
           {{"httpGet", {{"path", "/healthz"}, {"port", "http"}}},
            {"periodSeconds", 1},
            {"failureThreshold", 1800}}},
          {"resources", render.spec.storage.resources},
          {"securityContext",
           {{"allowPrivilegeEscalation", false},
            {"readOnlyRootFilesystem", true},
            {"capabilities", {{"drop", {"ALL"}}}}}},
          {"volumeMounts",
           {{{"name", "data"}, {"mountPath", kData}},
            {{"name", "config"}, {"mountPath", "/etc/sextant/storage"}, {"readOnly", true}},
            {{"name", "tls"}, {"mountPath", "/etc/sextant/tls"}, {"readOnly", true}}}}};
}

Json Volumes(const Render& render, std::size_t zone) {
  return {
      {{"name", "config"},
       {"configMap",
        {{"name", render.names.Object("storage")},
         {"items", {{{"key", ConfigKey(zone)}, {"path", "storage.yaml"}}}}}}},
      {{"name", "tls"},
       {"secret", {{"secretName", render.names.Object("storage-tls")}, {"defaultMode", 0440}}}}};
}

}  // namespace

Json StorageAddresses(const Render& render) {
  Json nodes = Json::array();
  for (const StorageSlot& slot :
       StorageSlots(render.names, render.zones, render.spec.nodes_per_zone)) {
    nodes.push_back(
        {{"address", std::format("{}:{}", render.names.StorageHost(slot.pod), kStoragePort)},
         {"zone", render.zones.at(slot.zone)}});
  }
  return nodes;
}

Json BuildStorageConfig(const Render& render) {
  Json config = render.NewObject(kube::resources::ConfigMaps(), render.names.Object("storage"));
  for (std::size_t zone = 0; zone < render.zones.size(); ++zone) {
    config["data"][ConfigKey(zone)] = NodeConfig(render, zone).dump(2);
  }
  return config;
}

Json BuildStorageSet(const Render& render, std::size_t zone, const Json& existing) {
  const std::string name = render.names.StorageSet(render.zones, zone);
  Json labels = render.Labels(kStorageComponent);
  labels[std::string(kZoneLabel)] = render.zones.at(zone);
  const Json selector = {{kClusterLabel, render.names.cluster},
                         {kComponentLabel, kStorageComponent},
                         {kZoneLabel, render.zones.at(zone)}};
  Json node_selector = render.spec.storage.node_selector;
  node_selector[std::string(kNodeZoneLabel)] = render.zones.at(zone);
  const Json spread = {{{"maxSkew", 1},
                        {"topologyKey", "kubernetes.io/hostname"},
                        {"whenUnsatisfiable", "ScheduleAnyway"},
                        {"labelSelector", {{"matchLabels", selector}}}}};
  Json set = render.NewObject(kube::resources::StatefulSets(), name, labels);
  set["spec"] = {{"serviceName", render.names.Object("storage")},
                 {"replicas", render.spec.nodes_per_zone},
                 {"podManagementPolicy", "Parallel"},
                 {"updateStrategy",
                  {{"type", "OnDelete"}}},  // one copy at a time, and only when all are whole
                 {"persistentVolumeClaimRetentionPolicy",
                  {{"whenDeleted", "Retain"}, {"whenScaled", "Retain"}}},
                 {"selector", {{"matchLabels", selector}}},
                 {"template",
                  {{"metadata",
                    {{"labels", labels},
                     {"annotations", {{"sextant.dev/config", HashOf(NodeConfig(render, zone))}}}}},
                   {"spec",
                    {{"automountServiceAccountToken", false},
                     {"enableServiceLinks", false},
                     {"terminationGracePeriodSeconds", 30},
                     {"nodeSelector", node_selector},
                     {"tolerations", render.spec.storage.tolerations},
                     {"topologySpreadConstraints", spread},
                     {"securityContext",
                      {{"runAsNonRoot", true},
                       {"runAsUser", 65532},
                       {"runAsGroup", 65532},
                       {"fsGroup", 65532},
                       {"fsGroupChangePolicy", "OnRootMismatch"},
                       {"seccompProfile", {{"type", "RuntimeDefault"}}}}},
                     {"containers", Json::array({Container(render)})},
                     {"volumes", Volumes(render, zone)}}}}},
                 {"volumeClaimTemplates", Json::array({ExistingClaim(render, existing)})}};
  return set;
}

}  // namespace sextant::op
