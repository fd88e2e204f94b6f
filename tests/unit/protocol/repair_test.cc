// Repair from peers, damage, retention, branches and changes of members.
#include "tests/unit/protocol/cluster.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sextant::protocol {
namespace {

using namespace std::chrono_literals;

Writer& Opened(Cluster& cluster, int groups) {
  Writer& writer = cluster.Start(1);
  cluster.Pump();
  for (int i = 0; i < groups; ++i) {
    cluster.Append(writer, 0, static_cast<std::uint64_t>(i) + 1);
    cluster.Pump();
  }
  cluster.Remind(writer);  // tells the VDL
  cluster.Pump();
  return writer;
}

Configuration Joint(const Configuration& from, const MemberId& old, const MemberId& fresh) {
  Configuration joint = from;
  ++joint.generation;
  joint.kind = ConfigurationKind::kJoint;
  joint.next = from.members;
  std::ranges::replace(joint.next, old, fresh);
  return joint;
}

Configuration Concluded(const Configuration& joint) {
  Configuration stable = joint;
  ++stable.generation;
  stable.kind = ConfigurationKind::kStable;
  stable.members = joint.next;
  stable.next.clear();
  return stable;
}

// 7. A torn write at the end is cut; what was synced is damage, kept, known and repaired; an empty
// disk is another.
TEST(RepairTest, DamageBelowTheSyncedEndIsNotTakenForATornWrite) {
  Cluster cluster;
  Writer& writer = Opened(cluster, 5);
  cluster.Tick(1s);  // writes down what was synced
  const Lsn scl = cluster.replica(0).scl();
  const Lsn last = cluster.disk(0).log(1).back().end();
  const Lsn middle = cluster.disk(0).log(1).at(2).end();
  simulation::Random random(3);
  cluster.disk(0).Flip(1, last, random);
  cluster.disk(0).Flip(1, middle, random);
  cluster.Restart(0);
  EXPECT_EQ(cluster.replica(0).scl(), scl);
  EXPECT_EQ(cluster.replica(0).damaged().size(), 2U);
  EXPECT_EQ(cluster.Read(0, 1, 0, {0, middle}).status, ReadStatus::kDamaged);
  cluster.Tick(1s);
  cluster.Tick(1s);
  EXPECT_TRUE(cluster.replica(0).damaged().empty());
  EXPECT_FALSE(cluster.disk(0).damaged());
  EXPECT_EQ(ValueOf(cluster.Read(0, 1, 0, {0, scl})), 5U);
  EXPECT_EQ(writer.state(), WriterState::kOpen);
}

TEST(RepairTest, ATornWriteIsCut) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Cluster cluster;
    Writer& writer = Opened(cluster, 2);
    cluster.Tick(1s);
    cluster.held_disks = {0};
    cluster.Append(writer, 0, 8);
    cluster.Append(writer, 0, 9);
    cluster.Pump();
    const Lsn synced = cluster.replica(0).scl();
    simulation::Random random(seed);
    cluster.disk(0).Crash(true, random, cluster.oracle());
    const RecoveredNode found = cluster.disk(0).Recover();
    EXPECT_GE(found.branches.at(0).end, synced);
    EXPECT_TRUE(found.branches.at(0).damaged.empty());
    EXPECT_LE(found.branches.at(0).end, writer.end());
  }
}

TEST(RepairTest, AnEmptyDiskDoesNotAnswerForTheOldOne) {
  Cluster cluster;
  Writer& first = Opened(cluster, 3);
  const Lsn vdl = first.vdl();
  for (const std::size_t lost : {3U, 4U, 5U}) {
    cluster.Replace(lost);  // nobody was told: letters to the old disks get lost
  }
  cluster.ReachAll();
  Writer& second = cluster.Start(2);
  cluster.Pump();
  EXPECT_EQ(second.state(), WriterState::kRecovering);  // three members are left, not six
  EXPECT_GE(second.begin(), vdl);
}

TEST(RepairTest, ALaggardIsFilledByItsPeers) {
  Cluster cluster;
  Writer& writer = Opened(cluster, 1);
  cluster.Reach({0, 1, 2, 3, 4});
  for (std::uint64_t i = 0; i < 10; ++i) {
    cluster.Append(writer, 0, i);
    cluster.Pump();
  }
  cluster.Remind(writer);
  cluster.Pump();
  cluster.ReachAll();
  cluster.Gossip(0, 5);
  EXPECT_EQ(cluster.replica(5).scl(), writer.vdl());
  cluster.Gossip(1, 5);
  EXPECT_EQ(cluster.replica(5).vdl(), writer.vdl());
}

// 11. Nothing above the VDL is passed on, and nothing of another history.
TEST(RepairTest, GossipStopsAtTheVdl) {
  Cluster cluster;
  Writer& writer = Opened(cluster, 1);
  const Lsn vdl = writer.vdl();
  cluster.Reach({0, 1});
  cluster.Append(writer, 0, 9);
  cluster.Pump();
  cluster.ReachAll();
  ASSERT_GT(cluster.replica(0).scl(), vdl);
  cluster.Gossip(0, 5);
  EXPECT_EQ(cluster.replica(5).scl(), vdl);
}

TEST(RepairTest, GossipOfAnotherHistoryGivesNoBytes) {
  Cluster cluster;
  Writer& first = Opened(cluster, 1);
  const Lsn vdl = first.vdl();
  cluster.Reach({0});
  cluster.Append(first, 0, 66);  // a tail that will never be
  cluster.Pump();
  cluster.Reach({1, 2, 3, 4});
  Writer& second = cluster.Start(2);
  cluster.Pump();
  cluster.ReachAll();
  cluster.Gossip(0, 5);  // node 5 slept
  EXPECT_EQ(cluster.replica(5).scl(), vdl);
  cluster.Gossip(0, 1);
  EXPECT_EQ(cluster.replica(1).scl(), second.end());
  // A peer's durable log of a newer epoch replaces the tail, without a writer.
  cluster.Remind(second);
  cluster.hold = [&](const Letter& letter) {
    return letter.from == second.client() && letter.to == Cluster::Member(0);
  };
  cluster.Pump();
  cluster.Gossip(1, 0);
  EXPECT_EQ(cluster.replica(0).record().history, second.history());
  EXPECT_EQ(cluster.replica(0).scl(), second.vdl());
}

// 12. Reads at R while versions are collected, the log is cut, and a pin expires.
TEST(RetentionTest, ReadsAboveTheVdlMustNameTheEpoch) {
  Cluster cluster;
  Writer& first = Opened(cluster, 1);
  cluster.Reach({0});
  const Lsn tail = cluster.Append(first, 0, 66);
  cluster.Pump();
  EXPECT_EQ(cluster.Read(0, 1, 0, {0, tail}).status, ReadStatus::kBehind);
  EXPECT_EQ(ValueOf(cluster.Read(0, 1, 0, {1, tail})), 66U);
  EXPECT_EQ(cluster.Read(0, 1, 0, {2, tail}).status, ReadStatus::kBehind);
}

TEST(RetentionTest, APageReadWhileTheLogIsCutIsNotServed) {
  Cluster cluster;
  Writer& first = Opened(cluster, 1);
  cluster.Reach({0});
  const Lsn tail = cluster.Append(first, 0, 66);
  cluster.Pump();
  cluster.Reach({1, 2, 3, 4, 5});
  Writer& second = cluster.Start(2);
  cluster.Pump();
  cluster.ReachAll();
  // The read waits for the disk while epoch 2's history is adopted.
  cluster.held_disks = {0};
  cluster.Deliver({{3, 1},
                   Cluster::Member(0),
                   ReadPage{.request = 1, .branch = 1, .page = {1, 0}, .at = {1, tail}}});
  cluster.Remind(second);
  cluster.Pump();
  cluster.held_disks.clear();
  while (cluster.StepDisk(0)) {
    cluster.Pump();
  }
  cluster.Pump();
  ASSERT_EQ(cluster.replica(0).record().history.EpochAt(tail), 2U);
  ASSERT_FALSE(cluster.inbox.empty());
  const auto& answer = std::get<PageRead>(cluster.inbox.back().message);
  EXPECT_TRUE(answer.status == ReadStatus::kBehind || ValueOf(answer) == 66U);
  EXPECT_EQ(cluster.Read(0, 1, 0, {1, tail}).status, ReadStatus::kBehind);
}

TEST(RetentionTest, APinHoldsTheHorizonUntilItsLeaseEnds) {
  Cluster cluster;
  Writer& writer = Opened(cluster, 10);
  const Lsn pinned = cluster.disk(0).log(1).at(3).end();
  PinKeeper keeper(1, {4, 1}, pinned, 400ms, cluster.configuration());
  for (const Outgoing& outgoing : keeper.OnTimer(cluster.now).messages) {
    cluster.Deliver({{3, 1}, outgoing.to, outgoing.message});
  }
  cluster.Pump();
  EXPECT_FALSE(keeper.Held(cluster.now));
  for (const Letter& letter : cluster.inbox) {
    keeper.Receive(letter.from, std::get<PinSet>(letter.message));
  }
  EXPECT_TRUE(keeper.Held(cluster.now));
  writer.RetainFrom(writer.vdl());
  cluster.Remind(writer);
  cluster.Pump();
  for (int i = 0; i < 3; ++i) {
    cluster.Tick(100ms);
  }
  cluster.Restart(0);  // forgets no pin, and renews its lease
  for (int i = 0; i < 3; ++i) {
    cluster.Tick(100ms);
  }
  EXPECT_FALSE(keeper.Held(cluster.now));
  EXPECT_EQ(ValueOf(cluster.Read(0, 1, 0, {0, pinned})), 3U);
  EXPECT_EQ(cluster.replica(0).record().horizon, pinned);
  EXPECT_EQ(cluster.Read(1, 1, 0, {0, pinned}).status, ReadStatus::kCollected);
  // Too late to be pinned again.
  cluster.inbox.clear();
  cluster.Deliver({{3, 1}, Cluster::Member(1), SetPin{1, {4, 2}, pinned, 1s}});
  cluster.Pump();
  EXPECT_FALSE(std::get<PinSet>(cluster.inbox.at(0).message).accepted);
}

TEST(RetentionTest, ASnapshotKeepsItsOwnLsnOnly) {
  Cluster cluster;
  Writer& writer = Opened(cluster, 10);
  const Lsn kept = cluster.disk(0).log(1).at(3).end();
  const Lsn between = cluster.disk(0).log(1).at(6).end();
  cluster.Deliver({{3, 1}, Cluster::Member(0), SetPin{1, {4, 1}, kept, Time{0}}});
  cluster.Pump();
  writer.RetainFrom(writer.vdl());
  cluster.Remind(writer);
  cluster.Pump();
  for (int i = 0; i < 4; ++i) {
    cluster.Tick(100ms);
  }
  EXPECT_EQ(ValueOf(cluster.Read(0, 1, 0, {0, kept})), 3U);
  EXPECT_EQ(cluster.Read(0, 1, 0, {0, between}).status, ReadStatus::kCollected);
}

// 15. Back in time, other writes there, forward again, and a clone of the branch that was left.
TEST(BranchTest, EqualLsnsOfTwoBranchesAreDifferentPages) {
  Cluster cluster;
  Writer& main = Opened(cluster, 6);
  const Lsn fork = cluster.disk(0).log(1).at(3).end();  // page 0 is 3
  Writer& back = cluster.Start(1, {.id = 2, .parent = 1, .fork = fork});
  cluster.Pump();
  ASSERT_EQ(back.state(), WriterState::kOpen);
  EXPECT_EQ(back.begin(), fork);
  Lsn end = 0;
  for (std::uint64_t i = 0; i < 6; ++i) {
    end = cluster.Append(back, 1, 100 + i);
    cluster.Pump();
  }
  cluster.Remind(back);
  cluster.Pump();
  EXPECT_EQ(ValueOf(cluster.Read(0, 2, 0, {0, end})), 3U);  // the parent's, as of the fork
  EXPECT_EQ(ValueOf(cluster.Read(0, 2, 1, {0, end})), 105U);
  EXPECT_EQ(cluster.Read(0, 1, 1, {0, main.vdl()}).version, 0U);
  Writer& forward = cluster.Start(2);  // the branch left behind is whole
  cluster.Pump();
  const Lsn later = cluster.Append(forward, 0, 77);
  cluster.Pump();
  cluster.Remind(forward);
  cluster.Pump();
  EXPECT_EQ(ValueOf(cluster.Read(0, 1, 0, {0, later})), 77U);
  EXPECT_EQ(ValueOf(cluster.Read(0, 2, 0, {0, end})), 3U);
  Writer& clone = cluster.Start(1, {.id = 3, .parent = 2, .fork = end});
  cluster.Pump();
  const Lsn cloned = cluster.Append(clone, 2, 5);
  cluster.Pump();
  cluster.Remind(clone);
  cluster.Pump();
  EXPECT_EQ(ValueOf(cluster.Read(1, 3, 1, {0, cloned})), 105U);
  EXPECT_EQ(ValueOf(cluster.Read(1, 3, 0, {0, cloned})), 3U);
}

TEST(BranchTest, AForkIsKeptWhateverTheHorizon) {
  Cluster cluster;
  Writer& main = Opened(cluster, 6);
  const Lsn fork = cluster.disk(0).log(1).at(3).end();
  Writer& child = cluster.Start(1, {.id = 2, .parent = 1, .fork = fork});
  cluster.Pump();
  main.RetainFrom(main.vdl());
  cluster.Remind(main);
  cluster.Remind(child);
  cluster.Pump();
  for (int i = 0; i < 4; ++i) {
    cluster.Tick(100ms);
  }
  cluster.Restart(0);
  ASSERT_GT(cluster.replica(0).record().horizon, fork);
  EXPECT_EQ(ValueOf(cluster.Read(0, 2, 0, {0, child.vdl()})), 3U);
}

TEST(BranchTest, DamageFoundThroughAChildIsItsParents) {
  Cluster cluster;
  Opened(cluster, 6);
  const Lsn fork = cluster.disk(0).log(1).at(3).end();
  Writer& child = cluster.Start(1, {.id = 2, .parent = 1, .fork = fork});
  cluster.Pump();
  cluster.Remind(child);
  cluster.Pump();
  simulation::Random random(1);
  cluster.disk(0).Flip(1, fork, random);
  EXPECT_EQ(cluster.Read(0, 2, 0, {0, child.vdl()}).status, ReadStatus::kDamaged);
  EXPECT_EQ(cluster.replica(0, 1).damaged().size(), 1U);
  EXPECT_TRUE(cluster.replica(0, 2).damaged().empty());
  cluster.Tick(1s);
  EXPECT_FALSE(cluster.disk(0).damaged());
  EXPECT_EQ(ValueOf(cluster.Read(0, 2, 0, {0, child.vdl()})), 3U);
}

// 10. Changes of members.
TEST(MembershipTest, TwoStepsWithoutAPause) {
  Cluster cluster;
  Writer& writer = Opened(cluster, 3);
  const MemberId fresh = cluster.Replace(5);
  const Configuration joint = Joint(cluster.configuration(), Cluster::Member(5), fresh);
  cluster.Configure(writer, joint);
  const Lsn during = cluster.Append(writer, 0, 50);
  cluster.Pump();
  EXPECT_EQ(writer.vdl(), writer.end());
  EXPECT_GE(writer.vdl(), during);
  EXPECT_EQ(writer.committed_generation(), 2U);
  cluster.Configure(writer, Concluded(joint));
  cluster.Pump();
  cluster.Remind(writer);
  cluster.Pump();
  cluster.Gossip(0, 5);
  EXPECT_EQ(writer.committed_generation(), 3U);
  EXPECT_EQ(cluster.replica(5).scl(), writer.vdl());
}

TEST(MembershipTest, AnOldWriterLearnsFromARefusal) {
  Cluster cluster;
  Writer& writer = Opened(cluster, 1);
  const Configuration joint =
      Joint(cluster.configuration(), Cluster::Member(5), cluster.Replace(5));
  cluster.Deliver({{3, 1}, Cluster::Member(0), Configure{joint}});
  cluster.Append(writer, 0, 9);
  cluster.Pump();
  EXPECT_EQ(writer.configuration(), joint);
  cluster.Remind(writer);
  cluster.Pump();
  EXPECT_EQ(writer.vdl(), writer.end());
  EXPECT_EQ(writer.committed_generation(), 2U);
}

TEST(MembershipTest, ChangeDuringATakeover) {
  Cluster cluster;
  Writer& first = Opened(cluster, 2);
  const Lsn vdl = first.vdl();
  cluster.Reach({0, 1, 2});
  Writer& second = cluster.Start(2);
  cluster.Pump();
  ASSERT_EQ(second.state(), WriterState::kRecovering);
  cluster.ReachAll();
  const Configuration joint =
      Joint(cluster.configuration(), Cluster::Member(5), cluster.Replace(5));
  cluster.Configure(second, joint);
  for (int i = 0; i < 3; ++i) {
    cluster.Pump();
    cluster.Remind(second);
  }
  cluster.Pump();
  EXPECT_EQ(second.state(), WriterState::kOpen);
  EXPECT_GE(second.vdl(), vdl);
  EXPECT_EQ(second.committed_generation(), 2U);
}

TEST(MembershipTest, CrashBetweenTheSteps) {
  for (int crash = 0; crash < 3; ++crash) {
    Cluster cluster;
    Writer& first = Opened(cluster, 2);
    const Lsn vdl = first.vdl();
    const Configuration joint =
        Joint(cluster.configuration(), Cluster::Member(5), cluster.Replace(5));
    cluster.held_disks = {0, 1, 2};
    cluster.Configure(first, joint);
    cluster.Pump();
    for (std::size_t i = 0; i < 3; ++i) {
      for (int step = 0; step < crash; ++step) {
        cluster.StepDisk(i);
        cluster.Pump();
      }
      cluster.held_disks.erase(i);
      cluster.Restart(i);
    }
    cluster.configuration() = joint;
    Writer& second = cluster.Start(2);
    for (int i = 0; i < 3; ++i) {
      cluster.Pump();
      cluster.Remind(second);
    }
    cluster.Pump();
    EXPECT_EQ(second.state(), WriterState::kOpen);
    EXPECT_GE(second.begin(), vdl);
    EXPECT_EQ(second.committed_generation(), 2U);
  }
}

TEST(MembershipTest, AReplacedNodeThatReturnsIsNotCounted) {
  Cluster cluster;
  Writer& writer = Opened(cluster, 1);
  const Configuration joint = Joint(cluster.configuration(), Cluster::Member(5), {1, 77});
  cluster.Configure(writer, joint);
  cluster.Pump();
  ASSERT_EQ(writer.committed_generation(), 2U);
  cluster.Configure(writer, Concluded(joint));  // member 77 has not come yet
  cluster.Pump();
  const Lsn before = writer.vdl();
  cluster.Reach({0, 1, 2, 5});  // the old member is back, with its old log
  cluster.Append(writer, 0, 9);
  cluster.Pump();
  EXPECT_EQ(writer.vdl(), before);
}

// A zone and one node are gone for good: no writes, and nothing is lost.
TEST(MembershipTest, RebuildFromThree) {
  Cluster cluster;
  Writer& first = Opened(cluster, 4);
  const Lsn vdl = first.vdl();
  Configuration rebuild = cluster.configuration();
  ++rebuild.generation;
  rebuild.kind = ConfigurationKind::kRebuild;
  rebuild.next = rebuild.members;
  for (const std::size_t lost : {3U, 4U, 5U}) {
    std::ranges::replace(rebuild.next, Cluster::Member(lost), cluster.Replace(lost));
  }
  cluster.ReachAll();
  cluster.Configure(first, rebuild);
  EXPECT_EQ(first.state(), WriterState::kSuperseded);
  cluster.configuration() = rebuild;
  Writer& second = cluster.Start(2);
  for (int i = 0; i < 3; ++i) {
    cluster.Pump();
    cluster.Remind(second);
  }
  cluster.Pump();
  ASSERT_EQ(second.state(), WriterState::kOpen);
  EXPECT_GE(second.begin(), vdl);
  EXPECT_EQ(second.committed_generation(), 2U);
  EXPECT_EQ(ValueOf(cluster.Read(4, 1, 0, {0, vdl})), 4U);
  // A writer that still believes in the old six finds nobody.
  const Configuration current = cluster.configuration();
  cluster.configuration() = Cluster().configuration();
  Writer& stale = cluster.Start(3);
  cluster.Pump();
  EXPECT_NE(stale.state(), WriterState::kOpen);
}

}  // namespace
}  // namespace sextant::protocol
