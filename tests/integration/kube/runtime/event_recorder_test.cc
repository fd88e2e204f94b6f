#include "sextant/kube/runtime/event_recorder.h"

#include "tests/integration/kube/runtime/kube_client.h"
#include "tests/support/kube_api_server.h"

#include <gtest/gtest.h>

#include <chrono>

namespace sextant::testing {
namespace {

using kube::Json;
using kube::runtime::EventRecorder;
using kube::runtime::EventType;

class EventRecorderIntegrationTest : public KubeApiServerTest {
 protected:
  // The one event about the object.
  Json EventAbout(const std::string& ns, const std::string& uid) {
    const auto events = client_.ListAll(kube::resources::Events(), {.selection = {.ns = ns}});
    Json found;
    if (!events) return found;
    for (const Json& event : events->items) {
      if (kube::FindString(event, {"regarding", "uid"}) != uid) continue;
      EXPECT_TRUE(found.is_null()) << "more than one: " << event.dump();
      found = event;
    }
    return found;
  }

  const kube::Client client_ = MakeClient(Server().Kubeconfig());
  const kube::SystemClock clock_;
  EventRecorder recorder_{
      client_, {.controller = "sextant.dev/test", .instance = "test-0"}, clock_};
};

TEST_F(EventRecorderIntegrationTest, RepetitionBecomesASeries) {
  const auto resource = kube::resources::ConfigMaps();
  const auto object = client_.Create(resource, kube::NewObject({resource, "default", "watched"}));
  ASSERT_TRUE(object.has_value());
  for (int i = 0; i < 3; ++i) {
    recorder_.Record(*object, EventType::kWarning, "Failed", "Reconcile", "It did not work.");
  }
  ASSERT_TRUE(recorder_.Flush(std::chrono::seconds(30)));
  const Json event = EventAbout("default", std::string(kube::Uid(*object)));
  EXPECT_EQ(event["type"], "Warning");
  EXPECT_EQ(event["note"], "It did not work.");
  EXPECT_EQ(event["reportingController"], "sextant.dev/test");
  EXPECT_EQ(event["series"]["count"], 2) << "the third is written a minute later";
}

TEST_F(EventRecorderIntegrationTest, ClusterScopedObjectsHaveTheirEventsInDefault) {
  const auto ns = client_.Get({kube::resources::Namespaces(), "", "kube-system"});
  ASSERT_TRUE(ns.has_value());
  recorder_.Record(*ns, EventType::kNormal, "Seen", "Look", "It is there.");
  ASSERT_TRUE(recorder_.Flush(std::chrono::seconds(30)));
  EXPECT_EQ(EventAbout("default", std::string(kube::Uid(*ns)))["reason"], "Seen");
}

}  // namespace
}  // namespace sextant::testing
