#include "operator/resources/instances.h"

#include "operator/api/labels.h"
#include "operator/resources/storage.h"

#include <algorithm>
#include <format>

namespace sextant::op {
namespace {

using kube::Json;

constexpr std::int64_t kGiB = std::int64_t{1} << 30;
constexpr const char* kMount = "/sextant/mnt";

// Where an instance would best be; it runs elsewhere when it must.
const std::string& ZoneOf(const Render& render, int number) {
  return render.zones.at(static_cast<std::size_t>(number - 1) % render.zones.size());
}

std::int64_t Memory(const Render& render) {
  const Json& resources = render.spec.instances.resources;
  const auto limit = kube::FindString(resources, {"limits", "memory"});
  const auto request = kube::FindString(resources, {"requests", "memory"});
  return Bytes(limit.empty() ? request : limit, kGiB);
}

Json TlsFiles(std::string_view directory) {
  return {{"ca", std::format("{}/ca.crt", directory)},
          {"certificate", std::format("{}/tls.crt", directory)},
          {"key", std::format("{}/tls.key", directory)}};
}

Json VolumeConfig(const Render& render, int number) {
  return {
      {"mount", std::format("{}/data", kMount)},
      {"control", "/sextant/run/volume.sock"},
      {"http", std::format("0.0.0.0:{}", kVolumeHttpPort)},
      {"zone", ZoneOf(render, number)},
      {"nodes", StorageAddresses(render)},
      {"tls", TlsFiles("/etc/sextant/tls")},
      {"owner", {{"uid", 65532}, {"gid", 65532}}},
      {"cache", {{"directory", "/sextant/cache"}, {"size", Bytes(render.spec.cache_size, kGiB)}}},
      {"overlay",
       {{"directory", "/sextant/overlay"}, {"size", Bytes(render.spec.overlay_size, 10 * kGiB)}}}};
}

Json AgentConfig(const Render& render, int number) {
  const Spec& spec = render.spec;
  Json parameters = Json::object();
  for (const auto& [key, value] : spec.parameters) {
    parameters[key] = value;
  }
  return {{"instance", render.names.Instance(number)},
          {"engine", {{"type", ToString(spec.engine)}, {"parameters", parameters}}},
          {"data", std::format("{}/data", kMount)},
          {"volume", "/sextant/run/volume.sock"},
          {"run", "/sextant/run"},
          {"listen", std::format("0.0.0.0:{}", kAgentPort)},
          {"http", std::format("0.0.0.0:{}", kAgentHttpPort)},
          {"tls", TlsFiles("/etc/sextant/tls")},
          {"server_tls", TlsFiles("/etc/sextant/server-tls")},
          {"memory", Memory(render)},
          {"database", {{"name", spec.database}, {"owner", spec.owner}}},
          {"secrets", "/etc/sextant/secrets"},
          {"writer_service",
           {{"host", render.names.ServiceHost("rw")}, {"port", PortOf(spec.engine)}}}};
}

std::string VolumeKey(int number) { return std::format("volume-{}.yaml", number); }
std::string AgentKey(int number) { return std::format("agent-{}.yaml", number); }

Json HttpGet(std::string_view path, std::string_view port) {
  return {{"path", path}, {"port", port}};
}

Json VolumeContainer(const Render& render) {
  const std::string& image =
      render.spec.volume_image.empty() ? render.images.volume : render.spec.volume_image;
  return {
      {"name", "volume"},
      {"image", image},
      {"terminationMessagePolicy", "FallbackToLogsOnError"},
      {"command", {"sextant-volume", "--config", "/etc/sextant/volume/volume.yaml"}},
      {"restartPolicy", "Always"},
      {"ports", {{{"name", "volume"}, {"containerPort", kVolumeHttpPort}, {"protocol", "TCP"}}}},
      {"startupProbe",
       {{"httpGet", HttpGet("/healthz", "volume")},
        {"periodSeconds", 1},
        {"failureThreshold", 120}}},
      {"livenessProbe",
       {{"httpGet", HttpGet("/healthz", "volume")},
        {"periodSeconds", 5},
        {"timeoutSeconds", 5},
        {"failureThreshold", 6}}},
      {"resources", {{"requests", {{"cpu", "50m"}, {"memory", "128Mi"}}}}},
      {"securityContext",
       {{"privileged", true}, {"runAsUser", 0}, {"runAsGroup", 0}, {"runAsNonRoot", false}}},
      {"volumeMounts",
       {{{"name", "mnt"}, {"mountPath", kMount}, {"mountPropagation", "Bidirectional"}},
        {{"name", "run"}, {"mountPath", "/sextant/run"}},
        {{"name", "cache"}, {"mountPath", "/sextant/cache"}},
        {{"name", "overlay"}, {"mountPath", "/sextant/overlay"}},
        {{"name", "volume-config"}, {"mountPath", "/etc/sextant/volume"}, {"readOnly", true}},
        {{"name", "volume-tls"}, {"mountPath", "/etc/sextant/tls"}, {"readOnly", true}}}}};
}

Json EngineContainer(const Render& render) {
  return {
      {"name", "engine"},
      {"image", render.EngineImage()},
      {"terminationMessagePolicy", "FallbackToLogsOnError"},
      {"command", {"sextant-agent", "--config", "/etc/sextant/agent/agent.yaml"}},
      {"ports",
       {{{"name", "engine"}, {"containerPort", PortOf(render.spec.engine)}, {"protocol", "TCP"}},
        {{"name", "agent"}, {"containerPort", kAgentPort}, {"protocol", "TCP"}},
        {{"name", "http"}, {"containerPort", kAgentHttpPort}, {"protocol", "TCP"}}}},
      {"readinessProbe",
       {{"httpGet", HttpGet("/readyz", "http")},
        {"periodSeconds", 1},
        {"timeoutSeconds", 2},
        {"failureThreshold", 2}}},
      {"livenessProbe",
       {{"httpGet", HttpGet("/healthz", "http")},
        {"initialDelaySeconds", 10},
        {"periodSeconds", 5},
        {"timeoutSeconds", 5},
        {"failureThreshold", 6}}},
      {"resources", render.spec.instances.resources},
      {"securityContext",
       {{"runAsNonRoot", true},
        {"runAsUser", 65532},
        {"runAsGroup", 65532},
        {"allowPrivilegeEscalation", false},
        {"capabilities", {{"drop", {"ALL"}}}},
        {"seccompProfile", {{"type", "RuntimeDefault"}}}}},
      {"volumeMounts",
       {{{"name", "mnt"}, {"mountPath", kMount}, {"mountPropagation", "HostToContainer"}},
        {{"name", "run"}, {"mountPath", "/sextant/run"}},
        {{"name", "agent-config"}, {"mountPath", "/etc/sextant/agent"}, {"readOnly", true}},
        {{"name", "agent-tls"}, {"mountPath", "/etc/sextant/tls"}, {"readOnly", true}},
        {{"name", "server-tls"}, {"mountPath", "/etc/sextant/server-tls"}, {"readOnly", true}},
        {{"name", "secrets"}, {"mountPath", "/etc/sextant/secrets"}, {"readOnly", true}}}}};
}

Json ConfigVolume(const Render& render, std::string_view name, std::string_view key,
                  std::string_view path) {
  return {
      {"name", name},
      {"configMap",
       {{"name", render.names.Object("instances")}, {"items", {{{"key", key}, {"path", path}}}}}}};
}

Json SecretVolume(const Render& render, std::string_view name) {
  return {{"name", name},
          {"secret", {{"secretName", render.names.Object(name)}, {"defaultMode", 0440}}}};
}

Json LocalDisk(std::string_view name, const std::string& limit = {}) {
  Json disk = {{"name", name}, {"emptyDir", Json::object()}};
  if (!limit.empty()) {
    disk["emptyDir"]["sizeLimit"] = limit;
  }
  return disk;
}

Json Volumes(const Render& render, int number) {
  Json passwords = {
      {"name", "secrets"},
      {"projected",
       {{"defaultMode", 0440},
        {"sources",
         {{{"secret",
            {{"name", render.names.Object("replication")},
             {"items",
              {{{"key", "app-password"}, {"path", "app-password"}},
               {{"key", "superuser-password"}, {"path", "superuser-password"}},
               {{"key", "replication-password"}, {"path", "replication-password"}}}}}}}}}}}};
  return Json::array({LocalDisk("mnt"), LocalDisk("run"), LocalDisk("cache"), LocalDisk("overlay"),
                      ConfigVolume(render, "volume-config", VolumeKey(number), "volume.yaml"),
                      ConfigVolume(render, "agent-config", AgentKey(number), "agent.yaml"),
                      SecretVolume(render, "volume-tls"), SecretVolume(render, "agent-tls"),
                      SecretVolume(render, "server-tls"), std::move(passwords)});
}

// A dead node's pods are missed soon, not after the five minutes that are the default.
Json Tolerations(const Render& render) {
  Json tolerations = Json::array();
  for (const char* taint : {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}) {
    tolerations.push_back({{"key", taint},
                           {"operator", "Exists"},
                           {"effect", "NoExecute"},
                           {"tolerationSeconds", 10}});
  }
  for (const Json& more : render.spec.instances.tolerations) {
    tolerations.push_back(more);
  }
  return tolerations;
}

Json Spread(const Render& render, std::string_view topology) {
  return {{"maxSkew", 1},
          {"topologyKey", topology},
          {"whenUnsatisfiable", "ScheduleAnyway"},
          {"labelSelector",
           {{"matchLabels",
             {{kClusterLabel, render.names.cluster}, {kComponentLabel, kInstanceComponent}}}}}};
}

Json Affinity(const Render& render, int number) {
  if (render.spec.affinity.is_object()) {
    return render.spec.affinity;
  }
  const Json in_zone = {{"key", kNodeZoneLabel},
                        {"operator", "In"},
                        {"values", Json::array({ZoneOf(render, number)})}};
  return {{"nodeAffinity",
           {{"preferredDuringSchedulingIgnoredDuringExecution",
             {{{"weight", 20}, {"preference", {{"matchExpressions", Json::array({in_zone})}}}}}}}}};
}

}  // namespace

Json BuildInstanceConfig(const Render& render) {
  Json config = render.NewObject(kube::resources::ConfigMaps(), render.names.Object("instances"));
  for (int number = 1; number <= kMaxInstances; ++number) {
    config["data"][VolumeKey(number)] = VolumeConfig(render, number).dump(2);
    config["data"][AgentKey(number)] = AgentConfig(render, number).dump(2);
  }
  return config;
}

Json BuildInstancePod(const Render& render, int number) {
  const std::string name = render.names.Instance(number);
  Json labels = render.Labels(kInstanceComponent);
  labels[std::string(kInstanceLabel)] = name;
  Json pod = render.NewObject(kube::resources::Pods(), name, labels);
  pod["spec"] = {
      {"hostname", name},
      {"subdomain", render.names.Object("pods")},
      {"restartPolicy", "Always"},
      {"automountServiceAccountToken", false},
      {"enableServiceLinks", false},
      {"terminationGracePeriodSeconds", 30},
      {"securityContext", {{"fsGroup", 65532}, {"fsGroupChangePolicy", "OnRootMismatch"}}},
      {"nodeSelector", render.spec.instances.node_selector},
      {"tolerations", Tolerations(render)},
      {"affinity", Affinity(render, number)},
      {"topologySpreadConstraints",
       Json::array({Spread(render, kNodeZoneLabel), Spread(render, "kubernetes.io/hostname")})},
      {"initContainers", Json::array({VolumeContainer(render)})},
      {"containers", Json::array({EngineContainer(render)})},
      {"volumes", Volumes(render, number)}};
  pod["metadata"]["annotations"] = {
      {"sextant.dev/config",
       HashOf(Json::array({VolumeConfig(render, number), AgentConfig(render, number)}))}};
  return WithHash(std::move(pod));
}

}  // namespace sextant::op
