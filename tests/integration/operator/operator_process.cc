#include "tests/integration/operator/operator_process.h"

#include "operator/api/labels.h"
#include "operator/resources/render.h"
#include "sextant/kube/condition.h"

#include <fstream>
#include <thread>

namespace sextant::op::testing {
namespace {

using namespace std::chrono_literals;
using kube::Json;

std::string ReadFile(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

OperatorProcess::OperatorProcess(const kube::Client& client, Fleet& fleet, OnChange on_change)
    : on_change_(std::move(on_change)),
      events_(client, {.controller = "sextant.dev/operator", .instance = "test"}, clock_),
      watches_(client, clock_, nullptr, {}),
      executor_(client, fleet, applied_, events_),
      reconciler_(watches_, fleet, applied_, executor_,
                  {.storage = "s", .volume = "v", .postgresql = "p", .mariadb = "m"}, clock_, log_,
                  [] { return true; }),
      controller_({.name = "dbcluster", .workers = 4}, std::ref(reconciler_), clock_) {
  on_change_([this](const Key& key) { controller_.Enqueue(key); });
  for (const auto& informer : watches_.all()) {
    const std::string& kind = informer->Resource().kind;
    if (kind == "DBCluster") {
      controller_.Watch(*informer);
    } else if (kind != "Node" && kind != "StorageClass" && kind != "Event") {
      controller_.Watch(*informer, ClusterOf);
    }
  }
  watches_.Start();
  if (!watches_.WaitUntilSynced(kPatience)) {
    throw std::runtime_error("the informers were not synced");
  }
  controller_.Start();
}

OperatorProcess::~OperatorProcess() {
  on_change_({});
  controller_.Stop();
  watches_.Stop();
}

OperatorFixture::OperatorFixture() : client_(sextant::testing::MakeClient(Server().Kubeconfig())) {
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
  const kube::GroupVersionResource classes{.group = "storage.k8s.io",
                                           .version = "v1",
                                           .resource = "storageclasses",
                                           .kind = "StorageClass",
                                           .namespaced = false};
  Json storage = kube::NewObject({classes, "", "standard"});
  storage["metadata"]["annotations"] = {{"storageclass.kubernetes.io/is-default-class", "true"}};
  storage["provisioner"] = "sextant.dev/none";
  (void)client_.Create(classes, storage);
}

void OperatorFixture::Make(const std::string& name, int readers) {
  Json object = kube::NewObject({DBClusters(), "ns", name});
  object["spec"] = {
      {"engine", {{"type", "postgresql"}}}, {"readers", readers}, {"storage", {{"size", "1Gi"}}}};
  const auto made = client_.Create(DBClusters(), object);
  ASSERT_TRUE(made.has_value()) << kube::ToString(made.error());
}

Json OperatorFixture::Get(const std::string& name) const {
  return client_.Get({DBClusters(), "ns", name}).value_or(Json());
}

void OperatorFixture::Patch(const std::string& name, const Json& body) const {
  const auto done = client_.Patch({DBClusters(), "ns", name}, kube::MergePatch(body));
  ASSERT_TRUE(done.has_value()) << kube::ToString(done.error());
}

std::string OperatorFixture::RoleOf(const std::string& pod) const {
  const auto object = client_.Get({kube::resources::Pods(), "ns", pod});
  return object ? std::string(kube::Label(*object, kRoleLabel)) : "no pod";
}

bool OperatorFixture::IsWell(const std::string& name, int readers) const {
  const Status status = StatusOf(name);
  return status.ready_readers == readers &&
         kube::StatusOf(status.conditions, "Ready") == kube::ConditionStatus::kTrue;
}

::testing::AssertionResult OperatorFixture::Eventually(const std::function<bool()>& condition,
                                                       std::chrono::seconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) {
      return ::testing::AssertionFailure();
    }
    std::this_thread::sleep_for(20ms);
  }
  return ::testing::AssertionSuccess();
}

}  // namespace sextant::op::testing
