#include "operator/resources/instances.h"
#include "operator/resources/services.h"
#include "operator/resources/storage.h"
#include "tests/unit/operator/observed_cluster.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sextant::op {
namespace {

using kube::Json;

class BuildersTest : public ::testing::Test {
 protected:
  [[nodiscard]] Render render() const {
    return {.names = cluster_.seen.names,
            .spec = *cluster_.seen.spec,
            .zones = cluster_.seen.status.zones,
            .images = cluster_.seen.images,
            .uid = cluster_.seen.uid};
  }

  testing::ObservedCluster cluster_{1};
};

TEST_F(BuildersTest, TheConfigurationOfANodeNamesAllSix) {
  const Json config =
      Json::parse(BuildStorageConfig(render())["data"]["zone-2.yaml"].get<std::string>());
  EXPECT_EQ(config["zone"], "b");
  ASSERT_EQ(config["peers"].size(), 6U);
  EXPECT_EQ(config["peers"][5]["address"], "db-storage-c-1.db-storage.ns.svc:7400");
}

TEST_F(BuildersTest, AStatefulSetKeepsToItsZoneAndToTheTemplateOfItsClaims) {
  Json set = BuildStorageSet(render(), 0, nullptr);
  EXPECT_EQ(set["metadata"]["name"], "db-storage-a");
  EXPECT_EQ(set["spec"]["template"]["spec"]["nodeSelector"]["topology.kubernetes.io/zone"], "a");
  EXPECT_EQ(set["spec"]["volumeClaimTemplates"].size(), 1U);
  EXPECT_EQ(set["spec"]["template"]["spec"]["containers"].size(), 1U);
  cluster_.seen.spec->storage_size = "20Gi";
  const Json again = BuildStorageSet(render(), 0, set);
  EXPECT_EQ(again["spec"]["volumeClaimTemplates"], set["spec"]["volumeClaimTemplates"]);
}

TEST_F(BuildersTest, OnlyTheVolumeIsPrivileged) {
  const Json pod = BuildInstancePod(render(), 2);
  const Json& volume = pod["spec"]["initContainers"][0];
  const Json& engine = pod["spec"]["containers"][0];
  EXPECT_EQ(volume["restartPolicy"], "Always");
  EXPECT_EQ(volume["securityContext"]["privileged"], true);
  EXPECT_EQ(volume["volumeMounts"][0]["mountPropagation"], "Bidirectional");
  EXPECT_EQ(engine["securityContext"]["allowPrivilegeEscalation"], false);
  EXPECT_EQ(engine["securityContext"]["capabilities"]["drop"], Json::array({"ALL"}));
  EXPECT_EQ(engine["volumeMounts"][0]["mountPropagation"], "HostToContainer");
  EXPECT_EQ(pod["spec"]["automountServiceAccountToken"], false);
  EXPECT_EQ(pod["spec"]["hostname"], "db-2");
  EXPECT_EQ(pod["spec"]["subdomain"], "db-pods");
}

TEST_F(BuildersTest, APodsHashChangesWithWhatItIsToldAndNotWithTheNumberOfReaders) {
  const auto hash = [this] {
    return BuildInstancePod(render(), 1)["metadata"]["annotations"]["sextant.dev/hash"];
  };
  const Json before = hash();
  cluster_.seen.spec->readers = 9;
  EXPECT_EQ(hash(), before);
  cluster_.seen.spec->parameters["work_mem"] = "1MB";
  EXPECT_NE(hash(), before);
}

TEST_F(BuildersTest, ReadOnlyFallsBackToTheWriter) {
  const auto role = [this](bool readers_serve) {
    return BuildServices(render(), readers_serve)[1]["spec"]["selector"]["sextant.dev/role"];
  };
  EXPECT_EQ(role(true), "reader");
  EXPECT_EQ(role(false), "writer");
  EXPECT_EQ(BuildServices(render(), true)[0]["spec"]["publishNotReadyAddresses"], true);
}

TEST_F(BuildersTest, LongNamesOfZonesAreShortened) {
  const Names names{.ns = "ns", .cluster = "a-cluster-with-a-name-of-forty-letters-12"};
  const std::vector<std::string> zones = {"europe-west4-a", "B_1", "b-1"};
  EXPECT_EQ(names.StorageSet(zones, 0), "a-cluster-with-a-name-of-forty-letters-12-storage-z1");
  const Names small{.ns = "ns", .cluster = "db"};
  EXPECT_EQ(small.StorageSet(zones, 0), "db-storage-europe-west4-a");
  EXPECT_NE(small.StorageSet(zones, 1), small.StorageSet(zones, 2));
}

}  // namespace
}  // namespace sextant::op
