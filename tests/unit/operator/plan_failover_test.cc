// When a writer is replaced, by whom, and in which order things are done.
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
using ::testing::Not;
using testing::ObservedCluster;

struct Case {
  const char* name;
  std::function<void(ObservedCluster&)> happen;
  const char* reason;  // empty: the writer stays
};

class DetectionTest : public ::testing::TestWithParam<Case> {};

TEST_P(DetectionTest, ReplacesTheWriterOnlyWhenItMust) {
  ObservedCluster cluster(1);
  cluster.MakeHealthy();
  GetParam().happen(cluster);
  const Plan plan = cluster.MakePlan();
  if (std::string_view(GetParam().reason).empty()) {
    EXPECT_EQ(plan.status.epoch, 1) << plan.status.last_failover.reason;
    EXPECT_THAT(All<SendOrder>(plan), IsEmpty());
  } else {
    EXPECT_EQ(plan.status.epoch, 2);
    EXPECT_EQ(plan.status.writer, "db-2");
    EXPECT_THAT(plan.status.last_failover.reason, HasSubstr(GetParam().reason));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, DetectionTest,
    ::testing::Values(
        Case{"AllIsWell", [](ObservedCluster&) {}, ""},
        Case{"NeitherAgentNorStorageHears",
             [](ObservedCluster& cluster) {
               cluster.Silence("db-1", 3000ms);
               cluster.MissWriter(6, 3500ms);
             },
             "neither its agent nor"},
        Case{"NotSilentForLongEnough",
             [](ObservedCluster& cluster) {
               cluster.Silence("db-1", 2900ms);
               cluster.MissWriter(6, 2900ms);
             },
             ""},
        Case{"StorageMissesItAndAnOperatorAsksTheAgentForTheFirstTime",
             [](ObservedCluster& cluster) {
               cluster.Silence("db-1", 1000ms);
               cluster.MissWriter(3, 3000ms);
             },
             "neither its agent nor"},
        Case{"OnlyTheOperatorDoesNotHear",
             [](ObservedCluster& cluster) { cluster.Silence("db-1", 5000ms); }, ""},
        Case{"AgentSilentForVeryLong",
             [](ObservedCluster& cluster) { cluster.Silence("db-1", 16s); }, "agent"},
        Case{"StorageDoesNotHear", [](ObservedCluster& cluster) { cluster.MissWriter(3, 3500ms); },
             "three storage"},
        Case{"TwoNodesDoNotHear", [](ObservedCluster& cluster) { cluster.MissWriter(2, 10s); }, ""},
        Case{"TwoStorageNodesDown", [](ObservedCluster& cluster) { cluster.LoseStorage(2); }, ""},
        Case{"NodeDead",
             [](ObservedCluster& cluster) {
               cluster.Silence("db-1", 4s);
               cluster.Pod("db-1").node_ready = false;
             },
             "node is not ready"},
        Case{"ContainerDoesNotRun",
             [](ObservedCluster& cluster) {
               cluster.Silence("db-1", 4s);
               cluster.Pod("db-1").engine_runs = false;
             },
             "container"},
        Case{"PodGone", [](ObservedCluster& cluster) { cluster.RemovePod("db-1"); }, "gone"},
        Case{"PodBeingDeleted",
             [](ObservedCluster& cluster) { cluster.Pod("db-1").deleting = true; }, "deleted"},
        Case{"PodEvicted", [](ObservedCluster& cluster) { cluster.Pod("db-1").phase = "Failed"; },
             "ended"},
        Case{"EngineFailed",
             [](ObservedCluster& cluster) {
               cluster.Agent("db-1").engine_state = "failed";
               cluster.Agent("db-1").error = "no space";
             },
             "no space"},
        Case{"EngineStartsAgain",
             [](ObservedCluster& cluster) {
               cluster.Agent("db-1").engine_state = "starting";
               cluster.Agent("db-1").accepting = false;
             },
             ""},
        Case{"VolumeFenced",
             [](ObservedCluster& cluster) { cluster.Agent("db-1").volume_state = "fenced"; },
             "fenced"},
        Case{"VolumeDetached",
             [](ObservedCluster& cluster) { cluster.Agent("db-1").volume_state = "detached"; },
             "detached"},
        Case{"PodMadeAnew",
             [](ObservedCluster& cluster) {
               cluster.Agent("db-1").order = {};
               cluster.Agent("db-1").accepting = false;
               cluster.Pod("db-1").role.clear();
             },
             "forgotten"}),
    [](const auto& param) { return param.param.name; });

TEST(PlanFailoverTest, TheLabelGoesThenTheEpochIsCommittedThenTheOrderIsGiven) {
  ObservedCluster cluster(2);
  cluster.MakeHealthy(7);
  cluster.Silence("db-1", 3s);
  cluster.MissWriter(6, 4s);
  const Plan plan = cluster.MakePlan();
  EXPECT_THAT(Lines(plan), ElementsAre("label db-1 nothing", "label db-2 nothing",
                                       "commit the status", "order db-2 writer id 8 epoch 8"));
  EXPECT_EQ(plan.status.phase, "Failover");
  EXPECT_EQ(plan.status.last_failover.from, "db-1");
  EXPECT_EQ(plan.status.last_failover.detected, kube::FormatTime(testing::kNow));
  EXPECT_TRUE(plan.in_transition);
}

TEST(PlanFailoverTest, WithoutThreeStorageNodesNothingIsDoneButTold) {
  ObservedCluster cluster(1);
  cluster.MakeHealthy();
  cluster.LoseStorage(4);
  cluster.RemovePod("db-1");
  const Plan plan = cluster.MakePlan();
  EXPECT_EQ(plan.status.epoch, 1);
  EXPECT_THAT(testing::MessageOf(plan, "Degraded"), HasSubstr("2 of the storage nodes answer"));
}

TEST(PlanFailoverTest, TheChoiceFollowsTierThenLagThenZone) {
  ObservedCluster cluster(3);
  cluster.MakeHealthy();
  cluster.RemovePod("db-1");
  cluster.Agent("db-2").lag_bytes = 100;
  cluster.Agent("db-3").lag_bytes = 0;
  cluster.Agent("db-4").lag_bytes = 0;
  EXPECT_EQ(cluster.MakePlan().status.writer, "db-3");
  cluster.seen.spec->tiers = {{2, 0}};
  EXPECT_EQ(cluster.MakePlan().status.writer, "db-2") << "its tier is lower";
  cluster.Agent("db-2").accepting = false;
  EXPECT_EQ(cluster.MakePlan().status.writer, "db-3") << "it serves";
}

TEST(PlanFailoverTest, TheWritersZoneIsAvoidedWhenAllElseIsEqual) {
  ObservedCluster cluster(2);
  cluster.MakeHealthy();
  cluster.Pod("db-1").deleting = true;
  cluster.Pod("db-2").zone = cluster.Pod("db-1").zone;
  EXPECT_EQ(cluster.MakePlan().status.writer, "db-3");
}

TEST(PlanFailoverTest, AloneTheSameInstanceIsOrderedAgainButNotAllTheTime) {
  ObservedCluster cluster(0);
  cluster.MakeHealthy();
  cluster.Agent("db-1").volume_state = "failed";
  const Plan plan = cluster.MakePlan();
  EXPECT_EQ(plan.status.epoch, 2);
  EXPECT_EQ(plan.status.writer, "db-1");
  cluster.seen.status.last_failover = {.reason = "x",
                                       .from = "db-1",
                                       .to = "db-1",
                                       .detected = kube::FormatTime(testing::kNow - 2s)};
  EXPECT_EQ(cluster.MakePlan().status.epoch, 1);
}

TEST(PlanFailoverTest, AloneALostWriterGetsASuccessorPodThatThenWrites) {
  ObservedCluster cluster(0);
  cluster.MakeHealthy();
  cluster.Silence("db-1", 4s);
  cluster.MissWriter(6, 4s);
  EXPECT_THAT(Lines(cluster.MakePlan()), ElementsAre("create Pod db-2"));
  cluster.AddInstance(2);
  const Plan plan = cluster.MakePlan();
  EXPECT_EQ(plan.status.writer, "db-2");
  EXPECT_EQ(plan.status.epoch, 2);

  cluster.seen.status = plan.status;
  for (auto& [pod, node] : cluster.seen.storage) {
    node.status->epoch_promised = 2;
    node.status->writer_heard_ms = 5;
  }
  cluster.Serve("db-2", "writer", 2);
  cluster.Pod("db-1").role.clear();
  EXPECT_THAT(Lines(cluster.MakePlan()), Contains("delete Pod db-1 now"));
}

TEST(PlanFailoverTest, TheOldWriterBecomesAReaderWhenItAnswersAgain) {
  ObservedCluster cluster(1);
  cluster.MakeHealthy(2);
  cluster.seen.status.writer = "db-2";
  cluster.Serve("db-2", "writer", 2);
  cluster.Serve("db-1", "writer", 1);
  EXPECT_THAT(Lines(cluster.MakePlan()),
              ElementsAre("apply Service db-ro", "commit the status",
                          "order db-1 reader id 3 epoch 0", "label db-1 nothing"));
}

TEST(PlanFailoverTest, TheTimesOfAFailoverAreWrittenDown) {
  ObservedCluster cluster(1);
  cluster.MakeHealthy(2);
  cluster.seen.status.writer = "db-2";
  cluster.seen.status.last_failover = {
      .reason = "x", .from = "db-1", .to = "db-2", .detected = "2027-01-01T00:00:00Z"};
  cluster.Serve("db-1", "reader");
  cluster.Serve("db-2", "writer", 2);
  cluster.Agent("db-2").accepting = false;
  Plan plan = cluster.MakePlan();
  EXPECT_FALSE(plan.status.last_failover.fenced.empty());
  EXPECT_FALSE(plan.status.last_failover.promoted.empty());
  EXPECT_TRUE(plan.status.last_failover.serving.empty());
  cluster.Agent("db-2").accepting = true;
  plan = cluster.MakePlan();
  EXPECT_FALSE(plan.status.last_failover.serving.empty());
}

TEST(PlanFailoverTest, WhoMadeWayComesBackWhenItsSuccessorServes) {
  ObservedCluster cluster(2);
  cluster.MakeHealthy(2);
  cluster.seen.status.writer = "db-2";
  cluster.seen.status.last_failover = {.reason = "x", .from = "db-1", .to = "db-2"};
  cluster.Serve("db-2", "writer", 2);
  cluster.Agent("db-2").accepting = false;
  cluster.Serve("db-1", "writer", 1);
  cluster.Agent("db-3").order.role = "none";
  EXPECT_THAT(Lines(cluster.MakePlan()), Contains("order db-3 reader id 3 epoch 0"));
  EXPECT_THAT(Lines(cluster.MakePlan()), Not(Contains("order db-1 reader id 3 epoch 0")));
  cluster.Agent("db-2").accepting = true;
  EXPECT_THAT(Lines(cluster.MakePlan()), Contains("order db-1 reader id 3 epoch 0"));
}

TEST(PlanSwitchoverTest, ItIsDecidedThenTheOldWriterStopsThenTheNextIsOrderedAtOnce) {
  ObservedCluster cluster(2);
  cluster.MakeHealthy(4);
  cluster.seen.annotations[std::string(kSwitchoverAnnotation)] = "db-3";
  const Plan plan = cluster.MakePlan();
  EXPECT_THAT(Lines(plan),
              ElementsAre("commit the status", "remove annotation sextant.dev/switchover",
                          "label db-3 nothing", "order db-3 none id 5 epoch 0", "demote db-1 id 5",
                          "order db-3 writer id 6 epoch 5", "label db-1 nothing"));
  EXPECT_EQ(plan.status.epoch, 5);
  EXPECT_EQ(plan.status.writer, "db-3");
  EXPECT_EQ(plan.status.phase, "Switchover");
}

// After the operator's death: what its status has decided, and nothing of it done.
ObservedCluster Decided() {
  ObservedCluster cluster(2);
  cluster.MakeHealthy(4);
  cluster.seen.annotations[std::string(kSwitchoverAnnotation)] = "db-3";
  cluster.seen.status = cluster.MakePlan().status;
  cluster.seen.annotations.clear();
  return cluster;
}

TEST(PlanSwitchoverTest, TheNextOperatorDoesWhatTheLastOneDecided) {
  ObservedCluster cluster = Decided();
  const Plan plan = cluster.MakePlan();
  EXPECT_THAT(Lines(plan),
              ElementsAre("label db-3 nothing", "order db-3 none id 5 epoch 0", "demote db-1 id 5",
                          "order db-3 writer id 6 epoch 5", "label db-1 nothing"));
  EXPECT_EQ(plan.status.epoch, 5);
}

TEST(PlanSwitchoverTest, TheNextOperatorOrdersTheTargetWhenTheOldWriterHasStopped) {
  ObservedCluster cluster = Decided();
  cluster.Agent("db-1").order = {.id = 5, .role = "none", .branch = 1, .epoch = 0};
  cluster.Agent("db-1").accepting = false;
  cluster.Agent("db-1").volume_state = "detached";
  const Plan plan = cluster.MakePlan();
  EXPECT_THAT(All<Demote>(plan), IsEmpty());
  EXPECT_THAT(Lines(plan), Contains("order db-3 writer id 6 epoch 5"));
  EXPECT_EQ(plan.status.writer, "db-3");
}

TEST(PlanSwitchoverTest, AnOldWriterThatDoesNotStopIsNotWaitedForForever) {
  ObservedCluster cluster = Decided();
  cluster.seen.status.last_failover.detected = kube::FormatTime(testing::kNow - 30s);
  const Plan plan = cluster.MakePlan();
  EXPECT_THAT(All<Demote>(plan), IsEmpty());
  EXPECT_THAT(Lines(plan), Contains("order db-3 writer id 6 epoch 5")) << "which fences db-1";
}

TEST(PlanSwitchoverTest, ATargetThatDiesMeanwhileIsReplaced) {
  ObservedCluster cluster = Decided();
  cluster.RemovePod("db-3");
  const Plan plan = cluster.MakePlan();
  EXPECT_EQ(plan.status.epoch, 6);
  EXPECT_EQ(plan.status.writer, "db-2");
}

TEST(PlanSwitchoverTest, ATargetThatHasLetGoOfItsVolumeIsStillTheTarget) {
  ObservedCluster cluster(2);
  cluster.MakeHealthy(4);
  cluster.seen.annotations[std::string(kSwitchoverAnnotation)] = "db-3";
  cluster.Agent("db-3").order = {.id = 9, .role = "none", .branch = 1, .epoch = 0};
  cluster.Agent("db-3").accepting = false;
  EXPECT_THAT(Lines(cluster.MakePlan()), Contains("order db-3 writer id 11 epoch 5"));
}

TEST(PlanSwitchoverTest, AnybodyWillDo) {
  ObservedCluster cluster(2);
  cluster.MakeHealthy(4);
  cluster.seen.annotations[std::string(kSwitchoverAnnotation)] = "true";
  const Plan plan = cluster.MakePlan();
  EXPECT_THAT(Lines(plan), Contains("demote db-1 id 5"));
  EXPECT_THAT(Lines(plan), Contains("remove annotation sextant.dev/switchover"));
  EXPECT_NE(plan.status.writer, "db-1");
}

TEST(PlanSwitchoverTest, AWishThatCannotBeFulfilledIsRefused) {
  ObservedCluster cluster(1);
  cluster.MakeHealthy();
  for (const char* wish : {"db-9", "other"}) {
    cluster.seen.annotations[std::string(kSwitchoverAnnotation)] = wish;
    const Plan plan = cluster.MakePlan();
    EXPECT_THAT(Lines(plan), ElementsAre("remove annotation sextant.dev/switchover"));
    EXPECT_TRUE(All<Tell>(plan).front().warning);
  }
}

TEST(PlanSwitchoverTest, AFailoverCanBeForced) {
  ObservedCluster cluster(1);
  cluster.MakeHealthy();
  cluster.seen.annotations[std::string(kFailoverAnnotation)] = "true";
  const Plan plan = cluster.MakePlan();
  EXPECT_EQ(plan.status.writer, "db-2");
  EXPECT_THAT(All<Demote>(plan), IsEmpty());
  EXPECT_THAT(Lines(plan), Contains("remove annotation sextant.dev/failover"));
}

}  // namespace
}  // namespace sextant::op
