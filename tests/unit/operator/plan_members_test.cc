// A storage copy that lost its disk: its replacement, step by step, and what may hold it up.
#include "tests/unit/operator/observed_cluster.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <format>

namespace sextant::op {
namespace {

using testing::All;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Lines;
using testing::MessageOf;
using ::testing::Not;
using testing::ObservedCluster;
using ::testing::SizeIs;

constexpr const char* kPod = "db-storage-b-1";
constexpr std::int64_t kEnd = 1000;  // of the log when the disk is lost

std::string Member(int number) { return std::format("{:032x}", number); }
const std::string kLost = Member(4);
const std::string kNew = Member(77);

// A healthy cluster whose writer has written.
class PlanMembersTest : public ::testing::Test {
 protected:
  PlanMembersTest() : cluster_(0) {
    cluster_.MakeHealthy();
    for (auto& [pod, node] : cluster_.seen.storage) {
      node.status->branches = {Branch(1, kEnd)};
    }
    Follow(cluster_.MakePlan());
  }

  static BranchHealth Branch(std::int64_t id, std::int64_t end) {
    BranchHealth branch;
    branch.branch = id;
    branch.epoch_promised = 1;
    branch.scl = branch.vdl = end;
    branch.writer_heard_ms = 10;
    return branch;
  }

  [[nodiscard]] StorageStatus& Node(const std::string& pod) {
    return *cluster_.seen.storage.at(pod).status;
  }
  [[nodiscard]] const StorageNodeStatus& Shown(const Plan& plan, const std::string& pod = kPod) {
    return *std::ranges::find(plan.status.storage_nodes, pod, &StorageNodeStatus::name);
  }

  void LoseDisk(const std::string& pod = kPod, const std::string& member = kNew) {
    StorageStatus empty;
    empty.member = member;
    empty.state = "ready";
    cluster_.seen.storage[pod] = {.status = empty, .reachable = true, .silent = {}, .error = {}};
  }

  // The status is written, as it comes back from the API server.
  void Follow(const Plan& plan) {
    cluster_.seen.status = ParseStatus({{"status", ToJson(plan.status)}});
  }

  // All nodes that answer take the status's configuration over.
  void Configure() {
    for (auto& [pod, node] : cluster_.seen.storage) {
      node.status->generation = cluster_.seen.status.storage_generation;
      node.status->members = cluster_.seen.status.storage_members;
      node.status->next = cluster_.seen.status.storage_next;
    }
  }

  // The writer has written on, and everybody has it.
  void Write(std::int64_t end) {
    for (auto& [pod, node] : cluster_.seen.storage) {
      node.status->branches = {Branch(1, end)};
    }
  }

  // Up to the joint configuration with its marks.
  void Join() {
    LoseDisk();
    Follow(cluster_.MakePlan());
    Configure();
    Follow(cluster_.MakePlan());
  }

  ObservedCluster cluster_;
};

TEST_F(PlanMembersTest, AllIsWellWithoutALoss) {
  EXPECT_THAT(Lines(cluster_.MakePlan()), IsEmpty());
  EXPECT_EQ(Shown(cluster_.MakePlan()).member, kLost);
  EXPECT_TRUE(Shown(cluster_.MakePlan()).repair.empty());
}

TEST_F(PlanMembersTest, ALostMemberIsReplacedInTwoSteps) {
  LoseDisk();
  Plan plan = cluster_.MakePlan();
  ASSERT_THAT(Lines(plan), ElementsAre("commit the status", "configure storage, generation 2"));
  const auto joint = All<ConfigureStorage>(plan).front();
  EXPECT_THAT(joint.members, AllOf(SizeIs(6), Contains(kLost), Not(Contains(kNew))));
  EXPECT_THAT(joint.next, AllOf(SizeIs(6), Contains(kNew), Not(Contains(kLost))));
  EXPECT_EQ(plan.status.storage_next, joint.next) << "decided before anybody is told";
  EXPECT_THAT(All<Tell>(plan), Contains(::testing::Field(&Tell::reason, "StorageCopyLost")));
  EXPECT_EQ(Shown(plan).repair, "Joining");
  EXPECT_EQ(Shown(plan).member, kLost);
  EXPECT_EQ(Shown(plan).new_member, kNew);
  EXPECT_FALSE(Shown(plan).ready);
  EXPECT_THAT(MessageOf(plan, "Degraded"), HasSubstr("db-storage-b-1: its disk was lost"));
  EXPECT_EQ(MessageOf(plan, "Progressing"), "a lost storage copy is replaced");

  Follow(plan);
  Configure();
  plan = cluster_.MakePlan();
  EXPECT_THAT(Lines(plan), IsEmpty());
  EXPECT_THAT(plan.status.storage_marks, ElementsAre(BranchMark{.branch = 1, .lsn = kEnd}));
  EXPECT_EQ(Shown(plan).repair, "Filling");

  Follow(plan);
  EXPECT_THAT(Lines(cluster_.MakePlan()), IsEmpty()) << "nothing was written by the joint rule yet";
  Write(kEnd + 100);
  plan = cluster_.MakePlan();
  EXPECT_THAT(Lines(plan), ElementsAre("commit the status", "configure storage, generation 3"));
  EXPECT_THAT(All<ConfigureStorage>(plan).front().members, Contains(kNew));
  EXPECT_THAT(All<ConfigureStorage>(plan).front().next, IsEmpty());
  EXPECT_THAT(All<Tell>(plan), Contains(::testing::Field(&Tell::reason, "StorageCopyReplaced")));

  Follow(plan);
  Configure();
  plan = cluster_.MakePlan();
  EXPECT_THAT(Lines(plan), IsEmpty());
  EXPECT_EQ(Shown(plan).member, kNew);
  EXPECT_TRUE(Shown(plan).ready);
  EXPECT_EQ(plan.status.phase, "Ready");
}

TEST_F(PlanMembersTest, TheNextOperatorGivesWhatTheOneBeforeDecided) {
  LoseDisk();
  Follow(cluster_.MakePlan());  // it died then
  const Plan plan = cluster_.MakePlan();
  EXPECT_THAT(Lines(plan), ElementsAre("configure storage, generation 2"));
  EXPECT_THAT(All<ConfigureStorage>(plan).front().next, Contains(kNew));
  EXPECT_EQ(plan.status.storage_generation, 2);
  EXPECT_FALSE(plan.status.storage_marked) << "the old rule may still be in force";
}

TEST_F(PlanMembersTest, AStatusThatWasLostIsLearnedFromTheNodes) {
  Join();
  cluster_.seen.status.storage_generation = 0;
  cluster_.seen.status.storage_members.clear();
  cluster_.seen.status.storage_next.clear();
  cluster_.seen.status.storage_nodes.clear();
  cluster_.seen.status.storage_marked = false;
  const Plan plan = cluster_.MakePlan();
  EXPECT_THAT(Lines(plan), IsEmpty());
  EXPECT_EQ(plan.status.storage_generation, 2);
  EXPECT_THAT(plan.status.storage_next, Contains(kNew));
  EXPECT_TRUE(plan.status.storage_marked);
  EXPECT_EQ(Shown(plan).member, kLost) << "who is left over";
}

TEST_F(PlanMembersTest, TheChangeIsNotConcludedWhileTheNewOneIsNotFull) {
  Join();
  Write(kEnd + 100);
  BranchHealth& branch = Node(kPod).branches.front();
  branch.vdl = branch.scl = kEnd;
  EXPECT_THAT(Lines(cluster_.MakePlan()), IsEmpty());
  branch.vdl = branch.scl = kEnd + 100;
  branch.missing_bytes = 64 << 20;
  EXPECT_THAT(Lines(cluster_.MakePlan()), IsEmpty());
  branch.missing_bytes = 0;
  branch.damaged_bytes = 1;
  EXPECT_THAT(Lines(cluster_.MakePlan()), IsEmpty());
  branch.damaged_bytes = 0;
  for (const char* pod : {"db-storage-a-0", "db-storage-a-1"}) {  // of another branch, too
    Node(pod).branches.push_back(Branch(2, 50));
  }
  EXPECT_THAT(Lines(cluster_.MakePlan()), IsEmpty());
  Node(kPod).branches.push_back(Branch(2, 50));
  EXPECT_THAT(Lines(cluster_.MakePlan()), Contains("configure storage, generation 3"));
}

TEST_F(PlanMembersTest, PinsAndForksMustBeWithAWriteQuorumOfTheNewMembers) {
  Join();
  Write(kEnd + 100);
  const std::vector<std::string> pods = {"db-storage-a-0", "db-storage-a-1", "db-storage-c-0"};
  for (const std::string& pod : pods) {
    Node(pod).branches.front().pins = {"pin"};
    Node(pod).branches.front().forks = {7};
  }
  EXPECT_THAT(Lines(cluster_.MakePlan()), IsEmpty());
  Node(kPod).branches.front().pins = {"pin"};
  EXPECT_THAT(Lines(cluster_.MakePlan()), IsEmpty()) << "three have the fork";
  Node("db-storage-c-1").branches.front().forks = {7};
  EXPECT_THAT(Lines(cluster_.MakePlan()), Contains("configure storage, generation 3"));
}

TEST_F(PlanMembersTest, AnIdleBranchGetsAWriterForAMoment) {
  for (auto& [pod, node] : cluster_.seen.storage) {
    BranchHealth idle = Branch(2, 500);
    idle.parent = 1;
    idle.fork = 400;
    idle.epoch_promised = 6;
    idle.writer_heard_ms.reset();
    node.status->branches.push_back(idle);
  }
  Join();
  for (auto& [pod, node] : cluster_.seen.storage) {
    if (pod != kPod) {
      node.status->branches.front() = Branch(1, kEnd + 100);
    }
  }
  const Plan plan = cluster_.MakePlan();
  ASSERT_THAT(Lines(plan), ElementsAre("renew branch 2, epoch 7"));
  EXPECT_EQ(All<RenewIdleBranch>(plan).front().fork, 400);
  Node("db-storage-a-0").branches.back().writer_heard_ms = 100;
  EXPECT_THAT(Lines(cluster_.MakePlan()), IsEmpty()) << "somebody writes it";
}

TEST_F(PlanMembersTest, TheClustersOwnBranchWaitsForItsWriter) {
  Join();
  for (auto& [pod, node] : cluster_.seen.storage) {
    node.status->branches = {Branch(1, kEnd)};
    node.status->branches.front().writer_heard_ms.reset();
  }
  EXPECT_THAT(Lines(cluster_.MakePlan()), Not(Contains(HasSubstr("renew"))));
}

TEST_F(PlanMembersTest, NothingBeginsWhileTooFewOthersAnswer) {
  LoseDisk();
  cluster_.seen.storage.at("db-storage-a-0").reachable = false;
  EXPECT_THAT(Lines(cluster_.MakePlan()), Contains("configure storage, generation 2"))
      << "four others are enough";
  cluster_.seen.storage.at("db-storage-a-1").reachable = false;
  const Plan plan = cluster_.MakePlan();
  EXPECT_THAT(Lines(plan), Not(Contains(HasSubstr("configure"))));
  EXPECT_EQ(Shown(plan).repair, "Waiting");
  EXPECT_THAT(MessageOf(plan, "Degraded"), HasSubstr("fewer than four other members answer"));
}

TEST_F(PlanMembersTest, OneAtATime) {
  LoseDisk("db-storage-a-0", Member(78));
  LoseDisk();
  const Plan plan = cluster_.MakePlan();
  ASSERT_THAT(All<ConfigureStorage>(plan), SizeIs(1));
  const auto joint = All<ConfigureStorage>(plan).front();
  EXPECT_THAT(joint.next, AllOf(Contains(Member(78)), Contains(kLost)));
  EXPECT_EQ(Shown(plan, "db-storage-a-0").repair, "Joining");
  EXPECT_EQ(Shown(plan).repair, "Waiting");
  Follow(plan);
  Configure();
  const Plan later = cluster_.MakePlan();
  EXPECT_THAT(Lines(later), IsEmpty());
  EXPECT_EQ(Shown(later).repair, "Waiting");
}

TEST_F(PlanMembersTest, AReplacementThatIsLostTooIsTakenBack) {
  Join();
  LoseDisk(kPod, Member(79));
  Plan plan = cluster_.MakePlan();
  EXPECT_THAT(Lines(plan), ElementsAre("commit the status", "configure storage, generation 3"));
  EXPECT_THAT(All<ConfigureStorage>(plan).front().members, Contains(kLost));
  EXPECT_THAT(All<ConfigureStorage>(plan).front().next, IsEmpty());
  Follow(plan);
  Configure();
  Node(kPod).generation = 0;
  plan = cluster_.MakePlan();
  EXPECT_THAT(All<ConfigureStorage>(plan).front().next, Contains(Member(79)));
}

TEST_F(PlanMembersTest, ADiskOfAnotherVolumeIsNotTaken) {
  LoseDisk();
  Node(kPod).generation = 9;
  Node(kPod).members = {Member(91), Member(92), Member(93), Member(94), Member(95), kNew};
  const Plan plan = cluster_.MakePlan();
  EXPECT_THAT(Lines(plan), IsEmpty());
  EXPECT_EQ(plan.status.storage_generation, 1);
  EXPECT_THAT(MessageOf(plan, "Degraded"), HasSubstr("the disk of another volume"));
}

TEST_F(PlanMembersTest, APodIsNotLostBecauseItIsAway) {
  cluster_.LoseStorage(2);
  const Plan plan = cluster_.MakePlan();
  EXPECT_THAT(All<ConfigureStorage>(plan), IsEmpty());
  EXPECT_EQ(Shown(plan).member, kLost);
}

TEST_F(PlanMembersTest, NoStoragePodRollsDuringAReplacement) {
  const auto set = cluster_.seen.children.find("StatefulSet/db-storage-a");
  ASSERT_NE(set, cluster_.seen.children.end());
  set->second.object["metadata"]["generation"] = 1;
  set->second.object["status"] = {{"observedGeneration", 1}, {"updateRevision", "r2"}};
  EXPECT_THAT(Lines(cluster_.MakePlan()), Contains("delete Pod db-storage-a-0"));
  Join();
  EXPECT_THAT(All<Delete>(cluster_.MakePlan()), IsEmpty());
}

TEST_F(PlanMembersTest, APodWhoseClaimGoesIsMadeAnewWhenTheOthersAreWhole) {
  cluster_.seen.claims.push_back(
      {.name = "data-db-storage-b-1", .requested = "10Gi", .phase = "Bound", .deleting = true});
  const Plan plan = cluster_.MakePlan();
  EXPECT_THAT(Lines(plan), ElementsAre("delete Pod db-storage-b-1"));
  EXPECT_THAT(MessageOf(plan, "Degraded"),
              HasSubstr("the claim of db-storage-b-1 is being deleted"));
  Node("db-storage-c-0").missing_bytes = 5;
  EXPECT_THAT(Lines(cluster_.MakePlan()), IsEmpty());
}

TEST_F(PlanMembersTest, AWriterThatIsReplacedComesFirst) {
  LoseDisk();
  cluster_.seen.agents.at("db-1").status->volume_state = "failed";
  const Plan plan = cluster_.MakePlan();
  EXPECT_THAT(Lines(plan), Contains(HasSubstr("writer")));
  EXPECT_THAT(All<ConfigureStorage>(plan), IsEmpty());
}

}  // namespace
}  // namespace sextant::op
