// From nothing to a writer that serves.
#include "operator/api/labels.h"
#include "operator/pki.h"
#include "tests/unit/operator/observed_cluster.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sextant::op {
namespace {

using testing::All;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Lines;
using ::testing::Not;
using testing::ObservedCluster;

TEST(PlanStartTest, TheFinalizerComesFirst) {
  ObservedCluster cluster(0);
  cluster.seen.has_finalizer = false;
  EXPECT_THAT(Lines(cluster.MakePlan()), ElementsAre("add the finalizer"));
}

TEST(PlanStartTest, ZonesAreChosenOnceAndWrittenDownBeforeAnythingIsMade) {
  ObservedCluster cluster(0);
  cluster.seen.status.zones.clear();
  cluster.seen.node_zones = {"a", "b", "c", "d"};
  const Plan plan = cluster.MakePlan();
  EXPECT_THAT(plan.status.zones, ElementsAre("a", "b", "c"));
  EXPECT_EQ(Lines(plan).front(), "commit the status");
  cluster.seen.spec->zones = {"d", "b", "a"};
  EXPECT_THAT(cluster.MakePlan().status.zones, ElementsAre("d", "b", "a"));
}

TEST(PlanStartTest, TooFewZonesAreAConditionAndNothingIsMade) {
  ObservedCluster cluster(0);
  cluster.seen.status.zones.clear();
  cluster.seen.node_zones = {"a", "b"};
  const Plan plan = cluster.MakePlan();
  EXPECT_THAT(Lines(plan), IsEmpty());
  EXPECT_EQ(testing::StatusOf(plan, "Ready"), "False");
  EXPECT_THAT(testing::MessageOf(plan, "Ready"), HasSubstr("the nodes are in 2 zones"));
}

TEST(PlanStartTest, AZoneWithoutNodesIsNamedAndWaitedFor) {
  ObservedCluster cluster(0);
  cluster.seen.status.zones.clear();
  cluster.seen.spec->zones = {"a", "b", "x"};
  const Plan plan = cluster.MakePlan();
  EXPECT_THAT(plan.status.zones, ElementsAre("a", "b", "x")) << "its nodes may yet come";
  EXPECT_THAT(testing::MessageOf(plan, "Ready"), HasSubstr("no node is in x"));
}

TEST(PlanStartTest, AStoragePodThatIsRefusedIsNamedWithTheReasonWhileItIsMissing) {
  ObservedCluster cluster(0);
  cluster.MakeHealthy();
  const std::string pod = cluster.seen.storage.begin()->first;
  cluster.seen.refused_pods[pod] = "exceeded quota: small";
  EXPECT_THAT(testing::MessageOf(cluster.MakePlan(), "Degraded"), IsEmpty()) << "long ago";
  cluster.RemovePod(pod);
  cluster.seen.storage.erase(pod);
  EXPECT_THAT(testing::MessageOf(cluster.MakePlan(), "Degraded"),
              HasSubstr(pod + " (exceeded quota: small)"));
}

TEST(PlanStartTest, ASpecThatCannotBeReadDestroysNothing) {
  ObservedCluster cluster(1);
  cluster.MakeHealthy();
  cluster.seen.spec = std::unexpected("spec.engine.version: postgresql 12 is not known");
  const Plan plan = cluster.MakePlan();
  EXPECT_THAT(Lines(plan), IsEmpty());
  EXPECT_THAT(testing::MessageOf(plan, "Degraded"), HasSubstr("12 is not known"));
}

TEST(PlanStartTest, ObjectsAreMadeAndMadeAgainWhenSomebodyDeletesOrChangesThem) {
  ObservedCluster cluster(0);
  cluster.MakeHealthy();
  EXPECT_THAT(Lines(cluster.MakePlan()), IsEmpty());
  cluster.seen.children.erase("Service/db-rw");
  cluster.seen.children.at("PodDisruptionBudget/db-storage").changed = true;
  cluster.seen.secrets.erase("db-app");
  EXPECT_THAT(Lines(cluster.MakePlan()), ElementsAre("write Secret db-app", "apply Service db-rw",
                                                     "apply PodDisruptionBudget db-storage"));
}

TEST(PlanStartTest, OldCertificatesAreRenewed) {
  ObservedCluster cluster(0);
  cluster.MakeHealthy();
  cluster.seen.secrets.at("db-agent-tls").not_after = testing::kNow + std::chrono::hours(1);
  EXPECT_THAT(Lines(cluster.MakePlan()), ElementsAre("write Secret db-agent-tls"));
}

TEST(PlanStartTest, AnOldAuthorityIsFollowedByOneThatIsTrustedBeforeItSigns) {
  using std::chrono::days;
  ObservedCluster cluster(0);
  cluster.MakeHealthy();
  SecretInfo& authority = cluster.seen.secrets.at("db-ca");
  const auto step = [&cluster] {
    return All<WriteSecret>(cluster.MakePlan()).front().request.authority;
  };
  authority.not_after = testing::kNow + days(1000);
  authority.not_before = *authority.not_after - kAuthorityLife;
  EXPECT_THAT(Lines(cluster.MakePlan()), ElementsAre("write Secret db-ca"));
  EXPECT_EQ(step(), AuthorityStep::kAnnounce);

  authority.data["next.crt"] = "y";
  authority.next_not_before = testing::kNow;
  const auto followers = ElementsAre("write Secret db-storage-tls", "write Secret db-volume-tls",
                                     "write Secret db-agent-tls", "write Secret db-operator-tls",
                                     "write Secret db-server-tls", "write Secret db-app");
  EXPECT_THAT(Lines(cluster.MakePlan()), followers);
  for (auto& [name, secret] : cluster.seen.secrets) {
    if (name != "db-ca") secret.data["ca.crt"] = "xy";
  }
  EXPECT_THAT(Lines(cluster.MakePlan()), IsEmpty());

  authority.next_not_before = testing::kNow - days(2);
  EXPECT_THAT(Lines(cluster.MakePlan()), ElementsAre("write Secret db-ca"));
  EXPECT_EQ(step(), AuthorityStep::kHandOver);

  authority.data = {{"ca.crt", "y"}, {"ca.key", "k"}, {"previous.crt", "x"}};
  authority.next_not_before.reset();
  authority.not_before = testing::kNow - days(2);
  authority.not_after = testing::kNow + days(3648);
  EXPECT_THAT(Lines(cluster.MakePlan()), followers);
}

TEST(PlanStartTest, StorageIsConfiguredWhenSixNodesAnswerAndNeverTwice) {
  ObservedCluster cluster(0);
  cluster.AddStorage(0);
  cluster.AddInstance(1);
  EXPECT_THAT(Lines(cluster.MakePlan()), ElementsAre("configure storage, generation 1"));
  EXPECT_EQ(All<ConfigureStorage>(cluster.MakePlan()).front().members.size(), 6U);

  cluster.LoseStorage(1);
  EXPECT_THAT(Lines(cluster.MakePlan()), IsEmpty()) << "five are not enough to begin";

  ObservedCluster used(0);
  used.AddStorage(0);
  used.AddInstance(1);
  used.seen.storage.begin()->second.status->generation = 4;
  const Plan plan = used.MakePlan();
  EXPECT_THAT(All<ConfigureStorage>(plan), IsEmpty());
  EXPECT_EQ(plan.status.storage_generation, 4);
}

TEST(PlanStartTest, PodsAreMadeForTheWriterAndTheReaders) {
  ObservedCluster cluster(2);
  EXPECT_THAT(Lines(cluster.MakePlan()),
              ElementsAre("create Pod db-1", "create Pod db-2", "create Pod db-3"));
}

TEST(PlanStartTest, TheEpochIsCommittedBeforeTheFirstWriterIsOrdered) {
  ObservedCluster cluster(1);
  cluster.AddStorage(1);
  cluster.AddInstance(1);
  cluster.AddInstance(2);
  const Plan plan = cluster.MakePlan();
  EXPECT_THAT(Lines(plan), ElementsAre("commit the status", "order db-1 writer id 1 epoch 1"));
  EXPECT_EQ(plan.status.epoch, 1);
  EXPECT_EQ(plan.status.writer, "db-1");
}

TEST(PlanStartTest, TheLowestTierBecomesTheFirstWriter) {
  ObservedCluster cluster(1);
  cluster.seen.spec->tiers = {{1, 5}, {2, 0}};
  cluster.AddStorage(1);
  cluster.AddInstance(1);
  cluster.AddInstance(2);
  EXPECT_EQ(cluster.MakePlan().status.writer, "db-2");
}

TEST(PlanStartTest, AVolumeThatIsThereAlreadyGetsAnEpochAboveAllItPromised) {
  ObservedCluster cluster(0);
  cluster.AddStorage(1);
  cluster.AddInstance(1);
  cluster.seen.storage.begin()->second.status->epoch_promised = 41;
  EXPECT_EQ(cluster.MakePlan().status.epoch, 42);
}

TEST(PlanStartTest, AnOrderThatWasNotGivenBecauseTheOperatorDiedIsGiven) {
  ObservedCluster cluster(0);
  cluster.AddStorage(1);
  cluster.AddInstance(1);
  cluster.seen.status.epoch = 1;
  cluster.seen.status.order_id = 1;
  cluster.seen.status.writer = "db-1";
  EXPECT_THAT(Lines(cluster.MakePlan()), ElementsAre("order db-1 writer id 1 epoch 1"));
}

TEST(PlanStartTest, ReadersWaitForTheWriterThenGetTheirOrderAndLabel) {
  ObservedCluster cluster(1);
  cluster.MakeHealthy();
  cluster.Agent("db-2").order = {};
  cluster.Agent("db-2").accepting = false;
  cluster.Pod("db-2").role.clear();
  EXPECT_THAT(Lines(cluster.MakePlan()), Contains("order db-2 reader id 1 epoch 0"));

  cluster.Agent("db-1").accepting = false;
  EXPECT_THAT(Lines(cluster.MakePlan()), Not(Contains(HasSubstr("order db-2"))));

  cluster.Serve("db-1", "writer", 1);
  cluster.Serve("db-2", "reader");
  cluster.Pod("db-2").role.clear();
  EXPECT_THAT(Lines(cluster.MakePlan()), Contains("label db-2 reader"));
}

TEST(PlanStartTest, TheWriterIsAnEndpointFromWhenItHoldsTheVolume) {
  ObservedCluster cluster(0);
  cluster.MakeHealthy();
  cluster.Pod("db-1").role.clear();
  cluster.Agent("db-1").accepting = false;
  EXPECT_THAT(Lines(cluster.MakePlan()), ElementsAre("label db-1 writer"));
  cluster.Agent("db-1").volume_state = "attaching";
  EXPECT_THAT(Lines(cluster.MakePlan()), IsEmpty());
}

TEST(PlanStartTest, TheStatusSaysThatAllIsWell) {
  ObservedCluster cluster(2);
  cluster.MakeHealthy();
  const Plan plan = cluster.MakePlan();
  EXPECT_EQ(plan.status.phase, "Ready");
  EXPECT_EQ(plan.status.ready_readers, 2);
  EXPECT_EQ(plan.status.writer_endpoint, "db-rw.ns.svc:5432");
  EXPECT_EQ(testing::StatusOf(plan, "Ready"), "True");
  EXPECT_EQ(testing::StatusOf(plan, "Degraded"), "False");
  EXPECT_FALSE(plan.in_transition);
}

TEST(PlanStartTest, ProblemsOfPodsAreTold) {
  ObservedCluster cluster(0);
  cluster.MakeHealthy();
  cluster.seen.storage_class_found = false;
  cluster.seen.pods.front().problem = "container storage: ErrImagePull: no such image";
  const Plan plan = cluster.MakePlan();
  EXPECT_EQ(plan.status.phase, "Degraded");
  EXPECT_THAT(testing::MessageOf(plan, "Degraded"),
              AllOf(HasSubstr("no such image"), HasSubstr("no default StorageClass")));
}

}  // namespace
}  // namespace sextant::op
