// The ground everything else stands on: three zones, pods that spread over them, volumes, names.
#include "tests/e2e/kubectl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <format>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

namespace sextant::testing {
namespace {

using nlohmann::json;
using ::testing::UnorderedElementsAre;

constexpr auto kZoneLabel = "topology.kubernetes.io/zone";

json ProbeService() {
  return {{"apiVersion", "v1"},
          {"kind", "Service"},
          {"metadata", {{"name", "probe"}}},
          {"spec", {{"clusterIP", "None"}, {"selector", {{"app", "probe"}}}}}};
}

// Three probes, one a zone, each with a volume of its own.
json ProbeStatefulSet() {
  const json labels{{"app", "probe"}};
  const json container{{"name", "probe"},
                       {"image", "localhost:5001/sextant/probe:latest"},
                       {"args", {"serve", "--directory", "/data", "--port", "8080"}},
                       {"readinessProbe", {{"tcpSocket", {{"port", 8080}}}, {"periodSeconds", 1}}},
                       {"volumeMounts", {{{"name", "data"}, {"mountPath", "/data"}}}}};
  const json spread{{"maxSkew", 1},
                    {"topologyKey", kZoneLabel},
                    {"whenUnsatisfiable", "DoNotSchedule"},
                    {"labelSelector", {{"matchLabels", labels}}}};
  const json claim{
      {"metadata", {{"name", "data"}}},
      {"spec",
       {{"accessModes", {"ReadWriteOnce"}}, {"resources", {{"requests", {{"storage", "16Mi"}}}}}}}};
  return {{"apiVersion", "apps/v1"},
          {"kind", "StatefulSet"},
          {"metadata", {{"name", "probe"}}},
          {"spec",
           {{"serviceName", "probe"},
            {"replicas", 3},
            {"podManagementPolicy", "Parallel"},
            {"selector", {{"matchLabels", labels}}},
            {"template",
             {{"metadata", {{"labels", labels}}},
              {"spec",
               {{"containers", {container}},
                {"topologySpreadConstraints", {spread}},
                {"securityContext", {{"fsGroup", 65532}}}}}}},
            {"volumeClaimTemplates", {claim}}}}};
}

class TestbedTest : public ::testing::Test {
 protected:
  // Node name → zone, for every node that is in one.
  [[nodiscard]] std::map<std::string, std::string> Zones() const {
    std::map<std::string, std::string> zones;
    const json nodes = kubectl_.Get({"nodes", "-l", kZoneLabel});
    for (const json& node : nodes["items"]) {
      zones[node["metadata"]["name"]] = node["metadata"]["labels"][kZoneLabel];
    }
    return zones;
  }

  // Each pod keeps a note in its volume, which the others read and write.
  [[nodiscard]] std::string GetNote(const std::string& from, const std::string& of) const {
    return Probe(from, {"get", NoteOf(of)});
  }

  void PutNote(const std::string& from, const std::string& to, const std::string& text) const {
    Probe(from, {"put", NoteOf(to), text});
  }

  // Runs the probe in a pod. A new pod's name resolves a moment after the pod is ready, so this
  // tries until it works.
  std::string Probe(const std::string& pod, std::vector<std::string> command) const {
    command.insert(command.begin(), {"exec", pod, "--", "sextant-probe"});
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (true) {
      CommandResult result = kubectl_.Try(command);
      if (result.exit_code == 0) return result.output;
      if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error(result.output);
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
  }

  static std::string NoteOf(const std::string& pod) {
    return std::format("http://{}.probe:8080/note", pod);
  }

  Kubectl kubectl_{"testbed"};
};

TEST_F(TestbedTest, PodsSpreadOverThreeZonesKeepTheirVolumesAndReachEachOtherByName) {
  const std::map<std::string, std::string> zones = Zones();
  std::set<std::string> zone_names;
  for (const auto& [node, zone] : zones) zone_names.insert(zone);
  EXPECT_THAT(zone_names, UnorderedElementsAre("zone-a", "zone-b", "zone-c"));

  kubectl_.Apply({ProbeService(), ProbeStatefulSet()});
  kubectl_.Run({"rollout", "status", "statefulset/probe", "--timeout=180s"});

  std::set<std::string> used_zones;
  const json pods = kubectl_.Get({"pods", "-l", "app=probe"});
  for (const json& pod : pods["items"]) {
    used_zones.insert(zones.at(pod["spec"]["nodeName"]));
  }
  EXPECT_EQ(used_zones, zone_names);

  PutNote("probe-0", "probe-1", "written by probe-0");
  EXPECT_EQ(GetNote("probe-2", "probe-1"), "written by probe-0");

  kubectl_.Run({"delete", "pod", "probe-1"});
  kubectl_.Run({"rollout", "status", "statefulset/probe", "--timeout=180s"});
  EXPECT_EQ(GetNote("probe-2", "probe-1"), "written by probe-0");
}

}  // namespace
}  // namespace sextant::testing
