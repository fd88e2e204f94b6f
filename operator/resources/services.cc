#include "operator/resources/services.h"

#include "operator/api/labels.h"

namespace sextant::op {
namespace {

using kube::Json;

Json Selector(const Render& render, std::string_view key, std::string_view value) {
  return {{kClusterLabel, render.names.cluster}, {key, value}};
}

Json Port(std::string_view name, std::uint16_t port) {
  return {{"name", name}, {"port", port}, {"targetPort", port}, {"protocol", "TCP"}};
}

Json Service(const Render& render, std::string_view suffix, Json selector, Json ports) {
  Json service = render.NewObject(kube::resources::Services(), render.names.Object(suffix));
  service["spec"] = {
      {"type", "ClusterIP"}, {"selector", std::move(selector)}, {"ports", std::move(ports)}};
  return service;
}

Json Headless(Json service) {
  service["spec"]["clusterIP"] = "None";
  service["spec"]["publishNotReadyAddresses"] = true;
  return service;
}

Json Budget(const Render& render, std::string_view suffix, std::string_view component) {
  Json budget =
      render.NewObject(kube::resources::PodDisruptionBudgets(), render.names.Object(suffix));
  budget["spec"] = {{"maxUnavailable", 1},
                    {"selector", {{"matchLabels", Selector(render, kComponentLabel, component)}}}};
  return budget;
}

}  // namespace

std::vector<Json> BuildServices(const Render& render, bool readers_serve) {
  const Json engine = Json::array({Port(ToString(render.spec.engine), PortOf(render.spec.engine))});
  Json writer = Service(render, "rw", Selector(render, kRoleLabel, kWriterRole), engine);
  // The label says that it serves; the kubelet's word would come later.
  writer["spec"]["publishNotReadyAddresses"] = true;
  Json pods = Service(render, "pods", Selector(render, kComponentLabel, kInstanceComponent),
                      Json::array({Port(ToString(render.spec.engine), PortOf(render.spec.engine)),
                                   Port("agent", kAgentPort), Port("http", kAgentHttpPort),
                                   Port("volume", kVolumeHttpPort)}));
  Json storage = Service(render, "storage", Selector(render, kComponentLabel, kStorageComponent),
                         Json::array({Port("data", kStoragePort), Port("http", kStorageHttpPort)}));
  return {writer,
          Service(render, "ro",
                  Selector(render, kRoleLabel, readers_serve ? kReaderRole : kWriterRole), engine),
          Service(render, "r", Selector(render, kComponentLabel, kInstanceComponent), engine),
          Headless(std::move(pods)), Headless(std::move(storage))};
}

std::vector<Json> BuildDisruptionBudgets(const Render& render) {
  return {Budget(render, "storage", kStorageComponent),
          Budget(render, "instances", kInstanceComponent)};
}

}  // namespace sextant::op
