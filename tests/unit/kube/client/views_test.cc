#include "sextant/kube/views.h"

#include <gtest/gtest.h>

namespace sextant::kube {
namespace {

TEST(ViewsTest, Pod) {
  Json pod = Json::parse(R"({
    "metadata": {"name": "p"},
    "spec": {"nodeName": "n-1"},
    "status": {"phase": "Running", "podIP": "10.0.0.7",
      "conditions": [{"type": "Ready", "status": "True"}],
      "containerStatuses": [{"name": "engine", "ready": true, "restartCount": 2}],
      "initContainerStatuses": [{"name": "volume", "ready": true, "restartCount": 1}]}})");
  const PodView view(pod);
  EXPECT_EQ(view.Phase(), "Running");
  EXPECT_TRUE(view.IsReady());
  EXPECT_TRUE(view.IsScheduled());
  EXPECT_EQ(view.NodeName(), "n-1");
  EXPECT_EQ(view.Ip(), "10.0.0.7");
  EXPECT_TRUE(view.IsContainerReady("volume"));
  EXPECT_FALSE(view.IsContainerReady("none"));
  EXPECT_EQ(view.Restarts("engine"), 2);
  pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
  EXPECT_FALSE(view.IsReady());
}

TEST(ViewsTest, Node) {
  const Json node = Json::parse(R"({
    "metadata": {"labels": {"topology.kubernetes.io/zone": "a"}}, "spec": {"unschedulable": true},
    "status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}})");
  EXPECT_FALSE(NodeView(node).IsReady());
  EXPECT_FALSE(NodeView(node).IsSchedulable());
  EXPECT_EQ(NodeView(node).Zone(), "a");
}

TEST(ViewsTest, PersistentVolumeClaim) {
  const Json claim = Json::parse(R"({
    "spec": {"storageClassName": "fast", "volumeName": "pv-1",
             "resources": {"requests": {"storage": "10Gi"}}},
    "status": {"phase": "Bound", "capacity": {"storage": "12Gi"}}})");
  const PersistentVolumeClaimView view(claim);
  EXPECT_EQ(view.Phase(), "Bound");
  EXPECT_EQ(view.VolumeName(), "pv-1");
  EXPECT_EQ(view.StorageClass(), "fast");
  EXPECT_EQ(view.RequestedStorage(), "10Gi");
  EXPECT_EQ(view.Capacity(), "12Gi");
}

TEST(ViewsTest, Secret) {
  const Json secret = Json::parse(R"({"data": {"password": "c2VjcmV0", "bad": "*"}})");
  EXPECT_EQ(SecretView(secret).Data("password"), "secret");
  EXPECT_EQ(SecretView(secret).Data("bad"), std::nullopt);
  EXPECT_EQ(SecretView(secret).Data("none"), std::nullopt);
}

TEST(ViewsTest, Lease) {
  const Json lease = Json::parse(R"({"spec": {
    "holderIdentity": "a", "leaseDurationSeconds": 15, "leaseTransitions": 3,
    "renewTime": "1970-01-01T00:00:01.000002Z", "acquireTime": "nonsense"}})");
  const LeaseView view(lease);
  EXPECT_EQ(view.Holder(), "a");
  EXPECT_EQ(view.Duration(), std::chrono::seconds(15));
  EXPECT_EQ(view.Transitions(), 3);
  EXPECT_EQ(view.RenewTime(), Time(std::chrono::microseconds(1'000'002)));
  EXPECT_EQ(view.AcquireTime(), std::nullopt);
  EXPECT_EQ(LeaseView(Json()).Holder(), "");
}

}  // namespace
}  // namespace sextant::kube
