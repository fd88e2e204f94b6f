// The whole operator against a real API server; agents and storage nodes are the test's.
#include "operator/api/labels.h"
#include "operator/reconciler.h"
#include "operator/resources/render.h"
#include "sextant/kube/condition.h"
#include "tests/integration/kube/runtime/kube_client.h"
#include "tests/integration/operator/fake_fleet.h"
#include "tests/support/kube_api_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <thread>

namespace sextant::op {
namespace {

using namespace std::chrono_literals;
using kube::Json;
using ::testing::Contains;
using testing::FakeFleet;

constexpr auto kPatience = 60s;

std::string ReadFile(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// One process of the operator, but for main().
class Operator {
 public:
  Operator(const kube::Client& client, FakeFleet& fleet)
      : fleet_(fleet),
        events_(client, {.controller = "sextant.dev/operator", .instance = "test"}, clock_),
        watches_(client, clock_, nullptr, {}),
        executor_(client, fleet, applied_, events_),
        reconciler_(watches_, fleet, applied_, executor_,
                    {.storage = "s", .volume = "v", .postgresql = "p", .mariadb = "m"}, clock_,
                    log_, [] { return true; }),
        controller_({.name = "dbcluster", .workers = 4}, std::ref(reconciler_), clock_) {
    fleet.OnChange([this](const Key& key) { controller_.Enqueue(key); });
    for (const auto& informer : watches_.all()) {
      const std::string& kind = informer->Resource().kind;
      if (kind == "DBCluster") {
        controller_.Watch(*informer);
      } else if (kind != "Node" && kind != "StorageClass") {
        controller_.Watch(*informer, ClusterOf);
      }
    }
    watches_.Start();
    if (!watches_.WaitUntilSynced(kPatience)) {
      throw std::runtime_error("the informers were not synced");
    }
    controller_.Start();
  }
  ~Operator() {
    fleet_.OnChange({});
    controller_.Stop();
    watches_.Stop();
  }
  Operator(const Operator&) = delete;
  Operator& operator=(const Operator&) = delete;

 private:
  FakeFleet& fleet_;
  const kube::SystemClock clock_;
  const daemon::Log log_{daemon::LogLevel::kInfo};
  kube::runtime::EventRecorder events_;
  Watches watches_;
  Applied applied_;
  Executor executor_;
  Reconciler reconciler_;
  kube::runtime::Controller controller_;
};

class OperatorTest : public sextant::testing::KubeApiServerTest {
 protected:
  OperatorTest() : client_(sextant::testing::MakeClient(Server().Kubeconfig())) {
    const auto crd = Server().Request("PATCH",
                                      "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"
                                      "dbclusters.sextant.dev?fieldManager=test",
                                      ReadFile(SEXTANT_CRD), "application/apply-patch+yaml");
    EXPECT_TRUE(crd.has_value());
    EXPECT_TRUE(client_.WaitUntilEstablished("dbclusters.sextant.dev", {.timeout = 60s}));
    sextant::testing::MakeNamespace(client_, "ns");
    for (const char* zone : {"a", "b", "c"}) {
      Json node = kube::NewObject({kube::resources::Nodes(), "", std::string("node-") + zone});
      node["metadata"]["labels"] = {{std::string(kNodeZoneLabel), zone}};
      (void)client_.Create(kube::resources::Nodes(), node);
    }
  }

  void Make(const std::string& name, int readers) {
    Json object = kube::NewObject({DBClusters(), "ns", name});
    object["spec"] = {
        {"engine", {{"type", "postgresql"}}}, {"readers", readers}, {"storage", {{"size", "1Gi"}}}};
    const auto made = client_.Create(DBClusters(), object);
    ASSERT_TRUE(made.has_value()) << kube::ToString(made.error());
  }

  [[nodiscard]] Json Get(const std::string& name) {
    return client_.Get({DBClusters(), "ns", name}).value_or(Json());
  }
  [[nodiscard]] Status StatusOf(const std::string& name) { return ParseStatus(Get(name)); }

  void Patch(const std::string& name, const Json& body) {
    const auto done = client_.Patch({DBClusters(), "ns", name}, kube::MergePatch(body));
    ASSERT_TRUE(done.has_value()) << kube::ToString(done.error());
  }

  [[nodiscard]] std::string RoleOf(const std::string& pod) {
    const auto object = client_.Get({kube::resources::Pods(), "ns", pod});
    return object ? std::string(kube::Label(*object, kRoleLabel)) : "no pod";
  }

  template <class Condition>
  ::testing::AssertionResult Eventually(const Condition& condition) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) {
        return ::testing::AssertionFailure();
      }
      std::this_thread::sleep_for(20ms);
    }
    return ::testing::AssertionSuccess();
  }

  [[nodiscard]] bool IsWell(const std::string& name, int readers) {
    const Status status = StatusOf(name);
    return status.ready_readers == readers &&
           kube::StatusOf(status.conditions, "Ready") == kube::ConditionStatus::kTrue;
  }

  kube::Client client_;
  FakeFleet fleet_;
};

TEST_F(OperatorTest, AClusterBeginsFailsOverScalesAndGoes) {
  const Key key{"ns", "life"};
  Operator op(client_, fleet_);
  Make("life", 1);
  ASSERT_TRUE(Eventually([&] { return IsWell("life", 1); })) << Get("life").dump(2);
  EXPECT_EQ(StatusOf("life").writer, "life-1");
  EXPECT_TRUE(Eventually([&] { return RoleOf("life-2") == "reader"; }));
  EXPECT_EQ(RoleOf("life-1"), "writer");
  for (const char* secret : {"life-app", "life-ca", "life-server-tls", "life-replication"}) {
    EXPECT_TRUE(client_.Get({kube::resources::Secrets(), "ns", secret}).has_value()) << secret;
  }
  for (const char* set : {"life-storage-a", "life-storage-b", "life-storage-c"}) {
    EXPECT_TRUE(client_.Get({kube::resources::StatefulSets(), "ns", set}).has_value()) << set;
  }

  fleet_.Silence(key, "life-1");
  ASSERT_TRUE(Eventually([&] { return StatusOf("life").writer == "life-2"; }));
  EXPECT_TRUE(Eventually([&] {
    return RoleOf("life-2") == "writer" && !StatusOf("life").last_failover.serving.empty();
  })) << Get("life").dump(2);
  EXPECT_NE(RoleOf("life-1"), "writer");
  EXPECT_EQ(StatusOf("life").epoch, 2);
  fleet_.Reset(key, "life-1");
  ASSERT_TRUE(Eventually([&] { return IsWell("life", 1); })) << Get("life").dump(2);

  Patch("life", {{"spec", {{"readers", 3}}}});
  ASSERT_TRUE(Eventually([&] { return IsWell("life", 3); })) << Get("life").dump(2);
  Patch("life", {{"spec", {{"readers", 1}}}});
  ASSERT_TRUE(Eventually([&] { return RoleOf("life-4") == "no pod" && IsWell("life", 1); }))
      << Get("life").dump(2);
  EXPECT_EQ(RoleOf("life-2"), "writer") << "the writer is never scaled away";

  Patch("life", {{"metadata", {{"annotations", {{"sextant.dev/switchover", "life-1"}}}}}});
  ASSERT_TRUE(Eventually([&] { return StatusOf("life").writer == "life-1"; }));
  EXPECT_THAT(fleet_.Log(), Contains("life-2 demoted"));
  ASSERT_TRUE(Eventually([&] { return IsWell("life", 1); })) << Get("life").dump(2);
  EXPECT_TRUE(kube::Annotation(Get("life"), kSwitchoverAnnotation).empty());

  ASSERT_TRUE(client_.Delete({kube::resources::Services(), "ns", "life-rw"}).has_value());
  EXPECT_TRUE(Eventually(
      [&] { return client_.Get({kube::resources::Services(), "ns", "life-rw"}).has_value(); }));
  EXPECT_EQ(fleet_.WritersOfOneEpoch(), 1U);

  ASSERT_TRUE(client_.Delete({DBClusters(), "ns", "life"}).has_value());
  EXPECT_TRUE(Eventually([&] { return Get("life").is_null(); })) << Get("life").dump(2);
  EXPECT_EQ(RoleOf("life-1"), "no pod");
}

TEST_F(OperatorTest, AnOperatorThatComesAfterAnotherGoesOnWhereItWas) {
  const Key key{"ns", "heir"};
  Make("heir", 1);
  for (int i = 0; i < 5; ++i) {
    const Operator op(client_, fleet_);  // each is stopped wherever it is
    std::this_thread::yield();
  }
  {
    const Operator op(client_, fleet_);
    ASSERT_TRUE(Eventually([&] { return IsWell("heir", 1); })) << Get("heir").dump(2);
    fleet_.Silence(key, StatusOf("heir").writer);
  }
  const Operator op(client_, fleet_);
  ASSERT_TRUE(Eventually([&] {
    const Status status = StatusOf("heir");
    return RoleOf(status.writer) == "writer" && status.epoch > 1;
  })) << Get("heir").dump(2);
  EXPECT_EQ(fleet_.WritersOfOneEpoch(), 1U);
}

}  // namespace
}  // namespace sextant::op
