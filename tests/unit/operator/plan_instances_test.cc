// Scaling, rolling, repairs, storage pods, deletion.
#include "operator/api/labels.h"
#include "tests/unit/operator/observed_cluster.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sextant::op {
namespace {

using namespace std::chrono_literals;
using testing::All;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Lines;
using testing::ObservedCluster;
using ::testing::UnorderedElementsAre;

TEST(PlanScalingTest, MoreReadersAreMadeWithTheLowestFreeNames) {
  ObservedCluster cluster(1);
  cluster.MakeHealthy();
  cluster.seen.spec->readers = 3;
  EXPECT_THAT(Lines(cluster.MakePlan()), ElementsAre("create Pod db-3", "create Pod db-4"));
}

TEST(PlanScalingTest, TheHighestNamesGoFirstButNeverTheWriter) {
  ObservedCluster cluster(3);
  cluster.MakeHealthy();
  cluster.seen.status.writer = "db-4";
  cluster.Serve("db-1", "reader");
  cluster.Serve("db-4", "writer", 1);
  cluster.seen.spec->readers = 1;
  EXPECT_THAT(Lines(cluster.MakePlan()), ElementsAre("delete Pod db-3", "delete Pod db-2"));
  cluster.seen.spec->readers = 0;
  EXPECT_THAT(Lines(cluster.MakePlan()),
              ElementsAre("delete Pod db-3", "delete Pod db-2", "delete Pod db-1"));
}

TEST(PlanScalingTest, APodDeletedByHandComesBackWhenItIsGone) {
  ObservedCluster cluster(1);
  cluster.MakeHealthy();
  cluster.Pod("db-2").deleting = true;
  EXPECT_THAT(Lines(cluster.MakePlan()), ElementsAre("apply Service db-ro", "label db-2 nothing"));
  cluster.RemovePod("db-2");
  EXPECT_THAT(Lines(cluster.MakePlan()), Contains("create Pod db-2"));
}

TEST(PlanScalingTest, AReaderOnADeadNodeIsMadeAnew) {
  ObservedCluster cluster(1);
  cluster.MakeHealthy();
  cluster.Silence("db-2", 10s);
  cluster.Pod("db-2").node_ready = false;
  EXPECT_THAT(Lines(cluster.MakePlan()), Contains("delete Pod db-2 now"));
}

TEST(PlanScalingTest, ATerminatingPodOnADeadNodeIsTakenAwayAfterItsTime) {
  ObservedCluster cluster(1);
  cluster.MakeHealthy();
  cluster.Pod("db-2").deleting = true;
  cluster.Pod("db-2").node_ready = false;
  cluster.Pod("db-2").going = 5s;
  EXPECT_THAT(Lines(cluster.MakePlan()), Contains("create Pod db-3")) << "nobody waits for it";
  cluster.Pod("db-2").going = 11s;
  EXPECT_THAT(Lines(cluster.MakePlan()), Contains("delete Pod db-2 now"));
}

TEST(PlanScalingTest, AReaderThatHasFailedIsMadeAnew) {
  ObservedCluster cluster(1);
  cluster.MakeHealthy();
  cluster.Agent("db-2").engine_state = "failed";
  cluster.Agent("db-2").accepting = false;
  EXPECT_THAT(Lines(cluster.MakePlan()), Contains("delete Pod db-2"));
}

TEST(PlanRollTest, ReadersAreMadeAnewOneAtATimeAndTheWriterHandsOverLast) {
  ObservedCluster cluster(2);
  cluster.MakeHealthy();
  cluster.seen.spec->parameters["work_mem"] = "64MB";
  cluster.SettleObjects();
  EXPECT_THAT(Lines(cluster.MakePlan()), ElementsAre("delete Pod db-3"));

  ObservedCluster fresh(2);
  fresh.seen.spec->parameters["work_mem"] = "64MB";
  fresh.MakeHealthy();
  fresh.Pod("db-1").hash = "old";
  const Plan plan = fresh.MakePlan();
  EXPECT_THAT(Lines(plan), Contains("demote db-1 id 2"));
  EXPECT_NE(plan.status.writer, "db-1");
}

TEST(PlanRollTest, NothingRollsWhileSomebodyIsMissing) {
  ObservedCluster cluster(2);
  cluster.MakeHealthy();
  cluster.Pod("db-3").hash = "old";
  cluster.Agent("db-2").accepting = false;
  EXPECT_THAT(All<Delete>(cluster.MakePlan()), IsEmpty());
}

TEST(PlanRollTest, AloneTheWriterIsDemotedAndMadeAnew) {
  ObservedCluster cluster(0);
  cluster.MakeHealthy();
  cluster.Pod("db-1").hash = "old";
  EXPECT_THAT(Lines(cluster.MakePlan()),
              ElementsAre("commit the status", "demote db-1 id 2", "delete Pod db-1"));
}

TEST(PlanStorageTest, PodsRollOneAtATimeAndOnlyWhenAllOthersAreWhole) {
  ObservedCluster cluster(0);
  cluster.MakeHealthy();
  for (auto& [key, child] : cluster.seen.children) {
    if (key.starts_with("StatefulSet/")) {
      child.object["metadata"]["generation"] = 2;
      child.object["status"] = {{"observedGeneration", 2}, {"updateRevision", "r2"}};
    }
  }
  EXPECT_THAT(Lines(cluster.MakePlan()), ElementsAre("delete Pod db-storage-a-0"));
  cluster.seen.storage.at("db-storage-c-1").status->missing_bytes = 1;
  EXPECT_THAT(Lines(cluster.MakePlan()), ElementsAre("delete Pod db-storage-c-1"))
      << "the one that is behind anyway";
  cluster.seen.storage.at("db-storage-b-1").status->missing_bytes = 1;
  EXPECT_THAT(Lines(cluster.MakePlan()), IsEmpty());
}

TEST(PlanStorageTest, DisksGrow) {
  ObservedCluster cluster(0);
  cluster.MakeHealthy();
  cluster.seen.claims = {
      {.name = "data-db-storage-a-0", .requested = "5Gi", .phase = "Bound", .deleting = false},
      {.name = "data-db-storage-a-1", .requested = "10Gi", .phase = "Bound", .deleting = false}};
  EXPECT_THAT(Lines(cluster.MakePlan()), ElementsAre("grow data-db-storage-a-0 to 10Gi"));
}

TEST(PlanDeletionTest, EnginesGoFirstThenStorageThenTheDataIfWanted) {
  ObservedCluster cluster(0);
  cluster.MakeHealthy();
  cluster.seen.deleting = true;
  cluster.seen.claims = {
      {.name = "data-0", .requested = "1Gi", .phase = "Bound", .deleting = false}};
  EXPECT_THAT(Lines(cluster.MakePlan()), ElementsAre("delete Pod db-1"));
  cluster.RemovePod("db-1");
  EXPECT_THAT(Lines(cluster.MakePlan()), Contains("delete StatefulSet db-storage-a"));
  std::erase_if(cluster.seen.children,
                [](const auto& child) { return child.first.starts_with("StatefulSet/"); });
  cluster.seen.pods.clear();
  EXPECT_THAT(Lines(cluster.MakePlan()), ElementsAre("remove the finalizer"));
  cluster.seen.spec->delete_data = true;
  EXPECT_THAT(Lines(cluster.MakePlan()),
              ElementsAre("delete PersistentVolumeClaim data-0", "delete Secret db-ca",
                          "delete Secret db-replication", "remove the finalizer"));
}

}  // namespace
}  // namespace sextant::op
