// What of the past stays readable: pins, snapshots, the horizon, forks of branches.
#include "tests/unit/protocol/cluster.h"

#include <gtest/gtest.h>

namespace sextant::protocol {
namespace {

using namespace std::chrono_literals;

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

// What a member that was away, or is new, must know of permanent pins before it collects.
class SnapshotTest : public ::testing::Test {
 protected:
  // At the members named; they need not be a quorum.
  void Set(const std::vector<std::size_t>& nodes) {
    for (const std::size_t node : nodes) {
      cluster.Deliver({{3, 1}, Cluster::Member(node), SetPin{1, pin, kept, Time{0}}});
    }
    cluster.Pump();
  }
  void Drop(std::size_t node) {
    cluster.Deliver({{3, 1}, Cluster::Member(node), DropPin{1, pin}});
    cluster.Pump();
  }
  void Collect() {
    writer.RetainFrom(writer.vdl());
    cluster.Remind(writer);
    cluster.Pump();
    for (int i = 0; i < 40; ++i) {
      cluster.Tick(100ms);
    }
  }
  [[nodiscard]] std::size_t Holders() {
    std::size_t holders = 0;
    for (std::size_t i = 0; i < 6; ++i) {
      const auto& pins = cluster.replica(i).record().pins;
      holders += pins.contains(pin) && pins.at(pin).permanent() ? 1U : 0U;
    }
    return holders;
  }
  [[nodiscard]] bool Remembered() {
    for (std::size_t i = 0; i < 6; ++i) {
      if (cluster.replica(i).record().pins.contains(pin)) {
        return true;
      }
    }
    return false;
  }

  Cluster cluster;
  Writer& writer = Opened(cluster, 10);
  Lsn kept = cluster.disk(0).log(1).at(3).end();
  Uuid pin{4, 1};
};

TEST_F(SnapshotTest, MembersThatMissedItLearnItBeforeTheyCollect) {
  Set({0, 1, 2, 3});
  ASSERT_EQ(Holders(), 4U);
  Collect();
  EXPECT_EQ(Holders(), 6U);
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(cluster.replica(i).record().horizon, writer.vdl());
    EXPECT_EQ(ValueOf(cluster.Read(i, 1, 0, {0, kept})), 3U) << i;
  }
  cluster.Restart(5);
  EXPECT_EQ(ValueOf(cluster.Read(5, 1, 0, {0, kept})), 3U);
}

TEST_F(SnapshotTest, ARebuiltMemberHasIt) {
  Set({0, 1, 2, 3});
  Collect();
  const Configuration joint =
      Joint(cluster.configuration(), Cluster::Member(5), cluster.Replace(5));
  cluster.ReachAll();
  cluster.Configure(writer, joint);
  cluster.configuration() = joint;
  for (int i = 0; i < 40; ++i) {
    cluster.Remind(writer);
    cluster.Tick(100ms);
  }
  ASSERT_EQ(cluster.replica(5).scl(), writer.end());
  EXPECT_GT(cluster.replica(5).record().horizon, kept);
  EXPECT_EQ(ValueOf(cluster.Read(5, 1, 0, {0, kept})), 3U);
}

TEST_F(SnapshotTest, ADropReachesWhoWasAwayAndIsThenForgotten) {
  Set({0, 1, 2, 3, 4, 5});
  cluster.Reach({0, 1, 2, 3, 4});
  Drop(0);  // the others did not hear
  for (int i = 0; i < 40; ++i) {
    cluster.Tick(100ms);
  }
  EXPECT_EQ(Holders(), 1U);   // who is away
  EXPECT_TRUE(Remembered());  // so that it does not come back
  cluster.ReachAll();
  for (int i = 0; i < 40; ++i) {
    cluster.Tick(100ms);
  }
  EXPECT_EQ(Holders(), 0U);
  EXPECT_FALSE(Remembered());
}

TEST_F(SnapshotTest, ALateRequestDoesNotUndoADrop) {
  Set({0, 1, 2, 3, 4, 5});
  Drop(0);
  cluster.inbox.clear();
  Set({0});
  EXPECT_FALSE(std::get<PinSet>(cluster.inbox.at(0).message).accepted);
  EXPECT_TRUE(cluster.replica(0).record().pins.at(pin).dropped());
}

// Else a peer that was told there is no pin might collect what this member promises to keep.
TEST_F(SnapshotTest, NothingIsPinnedBelowWhatIsToGo) {
  writer.RetainFrom(writer.vdl());
  cluster.Remind(writer);
  cluster.Pump();
  ASSERT_LT(cluster.replica(0).record().horizon, kept);
  cluster.inbox.clear();
  Set({0});
  EXPECT_FALSE(std::get<PinSet>(cluster.inbox.at(0).message).accepted);
}

// Who counted on the refusal may have collected before the power went.
TEST_F(SnapshotTest, ARestartForgetsNoRefusal) {
  writer.RetainFrom(writer.vdl());
  cluster.Remind(writer);
  cluster.Pump();
  cluster.Tick(100ms);  // on disk, and told
  ASSERT_GT(cluster.replica(0).MakeGossip().retain_from, kept);
  cluster.Restart(0);
  cluster.inbox.clear();
  Set({0});
  EXPECT_FALSE(std::get<PinSet>(cluster.inbox.at(0).message).accepted);
}

// A peer's word puts the pin into memory only, and its owner counts on the disk.
TEST_F(SnapshotTest, APinLearnedFromAPeerIsTakenWhenItIsOnDisk) {
  Set({0});
  cluster.Gossip(0, 1);
  ASSERT_TRUE(cluster.replica(1).record().pins.contains(pin));
  cluster.inbox.clear();
  Set({1});
  ASSERT_TRUE(std::get<PinSet>(cluster.inbox.at(0).message).accepted);
  cluster.Restart(1);
  EXPECT_TRUE(cluster.replica(1).record().pins.contains(pin));
}

// A change of members was concluded by a pin that four of the new members knew, one of them from
// gossip alone: then the power went, and the disks of the other three.
TEST_F(SnapshotTest, APinCountsForAChangeOfMembersWhenAPowerCutLeavesIt) {
  Set({0});
  cluster.Gossip(0, 1);
  ASSERT_TRUE(cluster.replica(1).record().pins.contains(pin));
  EXPECT_FALSE(cluster.replica(1).record_on_disk().pins.contains(pin));
  cluster.Restart(1);
  EXPECT_FALSE(cluster.replica(1).record().pins.contains(pin));
  cluster.Gossip(0, 1);
  cluster.Tick(100ms);
  EXPECT_TRUE(cluster.replica(1).record_on_disk().pins.contains(pin));
  cluster.Restart(1);
  EXPECT_TRUE(cluster.replica(1).record().pins.contains(pin));
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

// The child's record is written at once, its parent's with the next checkpoint.
TEST(BranchTest, APowerCutBetweenTheChildsRecordAndTheParentsForgetsNoFork) {
  Cluster cluster;
  const Lsn fork = Opened(cluster, 2).vdl();
  cluster.Start(1, {.id = 2, .parent = 1, .fork = fork});
  cluster.Pump();
  cluster.Restart(0);
  ASSERT_TRUE(cluster.node(0).replicas().contains(2));
  EXPECT_EQ(cluster.replica(0, 1).record().forks, (std::map<BranchId, Lsn>{{2, fork}}));
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

}  // namespace
}  // namespace sextant::protocol
