#include "tests/support/kube_api_server.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <string>
#include <thread>

namespace sextant::testing {
namespace {

using nlohmann::json;

json WidgetDefinition(const std::string& group) {
  return {
      {"apiVersion", "apiextensions.k8s.io/v1"},
      {"kind", "CustomResourceDefinition"},
      {"metadata", {{"name", "widgets." + group}}},
      {"spec",
       {{"group", group},
        {"scope", "Namespaced"},
        {"names", {{"kind", "Widget"}, {"plural", "widgets"}, {"singular", "widget"}}},
        {"versions",
         json::array({{{"name", "v1"},
                       {"served", true},
                       {"storage", true},
                       {"schema",
                        {{"openAPIV3Schema",
                          {{"type", "object"},
                           {"properties",
                            {{"spec",
                              {{"type", "object"},
                               {"properties",
                                {{"size", {{"type", "integer"}, {"minimum", 1}}}}}}}}}}}}}}})}}}};
}

class KubeApiServerIntegrationTest : public KubeApiServerTest {
 protected:
  // Sends a request that has to be answered.
  static HttpResponse Ask(const std::string& method, const std::string& path,
                          const json& body = nullptr) {
    auto response = Server().Request(method, path, body.is_null() ? "" : body.dump());
    EXPECT_TRUE(response.has_value()) << response.error();
    return response.value_or(HttpResponse{});
  }

  // A new resource is served a moment after its definition is stored: its Established condition
  // says when.
  static void WaitUntilEstablished(const std::string& path) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (std::chrono::steady_clock::now() < deadline) {
      const json definition = json::parse(Ask("GET", path).body);
      for (const json& condition : definition["status"].value("conditions", json::array())) {
        if (condition["type"] == "Established" && condition["status"] == "True") return;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    FAIL() << path << " is not established";
  }

  static constexpr auto kDefinitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
};

TEST_F(KubeApiServerIntegrationTest, CustomResourceIsDefinedStoredReadAndValidated) {
  const std::string group = "read-back.example.dev";
  const std::string definition = std::string(kDefinitions) + "/widgets." + group;
  ASSERT_EQ(Ask("POST", kDefinitions, WidgetDefinition(group)).status, 201);
  WaitUntilEstablished(definition);
  EXPECT_EQ(json::parse(Ask("GET", definition).body)["spec"]["names"]["kind"], "Widget");

  const std::string widgets = "/apis/" + group + "/v1/namespaces/default/widgets";
  json widget{{"apiVersion", group + "/v1"},
              {"kind", "Widget"},
              {"metadata", {{"name", "one"}}},
              {"spec", {{"size", 7}}}};
  ASSERT_EQ(Ask("POST", widgets, widget).status, 201);
  EXPECT_EQ(json::parse(Ask("GET", widgets + "/one").body)["spec"]["size"], 7);

  widget["metadata"]["name"] = "two";
  widget["spec"]["size"] = 0;
  const HttpResponse refused = Ask("POST", widgets, widget);
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(json::parse(refused.body)["reason"], "Invalid");
  EXPECT_EQ(Ask("GET", widgets + "/two").status, 404);
}

TEST_F(KubeApiServerIntegrationTest, AcknowledgedObjectSurvivesACrash) {
  const std::string path = "/api/v1/namespaces/default/configmaps";
  const json map{{"apiVersion", "v1"},
                 {"kind", "ConfigMap"},
                 {"metadata", {{"name", "before-the-crash"}}},
                 {"data", {{"key", "value"}}}};
  ASSERT_EQ(Ask("POST", path, map).status, 201);
  Server().Kill();
  EXPECT_FALSE(Server().Request("GET", "/readyz").has_value());
  Server().Start();
  EXPECT_EQ(json::parse(Ask("GET", path + "/before-the-crash").body)["data"]["key"], "value");
}

TEST_F(KubeApiServerIntegrationTest, RolesAreEnforced) {
  const KeyPair stranger = Server().Authority().Issue({.common_name = "stranger"});
  const auto response = Send({.url = Server().Url() + "/api/v1/secrets",
                              .authority = Server().Authority().Certificate(),
                              .client = stranger});
  ASSERT_TRUE(response.has_value()) << response.error();
  EXPECT_EQ(response->status, 403);
}

TEST_F(KubeApiServerIntegrationTest, KubeconfigWorksForKubectl) {
  const CommandResult result = RunCommand({"kubectl", "--kubeconfig", Server().Kubeconfig(), "get",
                                           "namespace", "default", "-o", "name"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.output, "namespace/default\n");
}

}  // namespace
}  // namespace sextant::testing
