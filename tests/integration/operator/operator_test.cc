// The whole operator against a real API server; agents and storage nodes are the test's.
#include "operator/api/labels.h"
#include "operator/resources/render.h"
#include "tests/integration/operator/fake_fleet.h"
#include "tests/integration/operator/operator_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace sextant::op {
namespace {

using ::testing::Contains;
using testing::FakeFleet;

class OperatorTest : public testing::OperatorFixture {
 protected:
  [[nodiscard]] testing::OnChange Changes() {
    return [this](std::function<void(const Key&)> changed) { fleet_.OnChange(std::move(changed)); };
  }

  FakeFleet fleet_;
};

TEST_F(OperatorTest, AClusterBeginsFailsOverScalesAndGoes) {
  const Key key{"ns", "life"};
  const testing::OperatorProcess op(client_, fleet_, Changes());
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
  ASSERT_TRUE(Eventually([&] { return StatusOf("life").writer == "life-1" && IsWell("life", 1); }))
      << Get("life").dump(2);
  EXPECT_THAT(fleet_.Log(), Contains("life-2 demoted"));
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
    const testing::OperatorProcess op(client_, fleet_,
                                      Changes());  // each is stopped wherever it is
    std::this_thread::yield();
  }
  {
    const testing::OperatorProcess op(client_, fleet_, Changes());
    ASSERT_TRUE(Eventually([&] { return IsWell("heir", 1); })) << Get("heir").dump(2);
    fleet_.Silence(key, StatusOf("heir").writer);
  }
  const testing::OperatorProcess op(client_, fleet_, Changes());
  ASSERT_TRUE(Eventually([&] {
    const Status status = StatusOf("heir");
    return RoleOf(status.writer) == "writer" && status.epoch > 1;
  })) << Get("heir").dump(2);
  EXPECT_EQ(fleet_.WritersOfOneEpoch(), 1U);
}

}  // namespace
}  // namespace sextant::op
