// Repair from peers, and damage.
#include "tests/unit/protocol/cluster.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sextant::protocol {
namespace {

using namespace std::chrono_literals;

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

// Where a header is bad nobody can tell how long its group was, and a file may be gone as a whole.
void Damage(Cluster& cluster, std::size_t node, std::size_t first, std::size_t count) {
  simulation::Random random(first + 1);
  for (std::size_t i = first; i < first + count; ++i) {
    cluster.disk(node).Flip(1, cluster.disk(node).log(1).at(i).end(), random);
  }
}

TEST(RepairTest, DamageOverManyGroupsIsRepairedGroupByGroup) {
  Cluster cluster;
  Opened(cluster, 9);
  cluster.Tick(1s);  // writes down what was synced
  const simulation::StoredLog log = cluster.disk(0).log(1);
  Damage(cluster, 0, 2, 5);
  cluster.Restart(0);
  const std::vector<LsnRange> one{{log[2].group.header().first, log[6].end()}};
  ASSERT_EQ(cluster.replica(0).damaged(), one);
  EXPECT_EQ(cluster.Read(0, 1, 0, {0, log[4].end()}).status, ReadStatus::kDamaged);
  cluster.Tick(1s);
  EXPECT_TRUE(cluster.replica(0).damaged().empty());
  EXPECT_FALSE(cluster.disk(0).damaged());
  EXPECT_EQ(ValueOf(cluster.Read(0, 1, 0, {0, log[4].end()})), 4U);
}

TEST(RepairTest, ALogThatIsAllDamageIsRepaired) {
  Cluster cluster;
  Writer& writer = Opened(cluster, 9);
  cluster.Tick(1s);
  Damage(cluster, 0, 0, cluster.disk(0).log(1).size());
  cluster.Restart(0);
  const std::vector<LsnRange> all{{0, writer.end()}};
  ASSERT_EQ(cluster.replica(0).damaged(), all);
  EXPECT_EQ(cluster.replica(0).scl(), writer.end());
  cluster.Tick(1s);
  EXPECT_TRUE(cluster.replica(0).damaged().empty());
  EXPECT_FALSE(cluster.disk(0).damaged());
  cluster.Append(writer, 0, 77);
  cluster.Pump();
  EXPECT_EQ(cluster.replica(0).scl(), writer.end());
}

TEST(RepairTest, WhatOnePeerLacksAnotherGives) {
  Cluster cluster;
  Writer& writer = Opened(cluster, 9);
  cluster.Tick(1s);
  Damage(cluster, 0, 1, 8);
  for (std::size_t peer = 1; peer < 5; ++peer) {
    Damage(cluster, peer, 2 * peer, 1);
  }
  for (std::size_t i = 0; i < 5; ++i) {
    cluster.Restart(i);
  }
  const auto damaged = [&] {
    bool any = false;
    for (std::size_t i = 0; i < 6; ++i) {
      any = any || cluster.disk(i).damaged() || !cluster.replica(i).damaged().empty();
    }
    return any;
  };
  for (int i = 0; i < 100 && damaged(); ++i) {
    cluster.Tick(100ms);
  }
  EXPECT_FALSE(damaged());
  EXPECT_EQ(cluster.disk(0).log(1).back().end(), writer.end());
}

// Pulls of node 0 that began with a timer, in so many seconds.
std::size_t PullsOf(Cluster& cluster, int seconds) {
  cluster.sent.clear();
  for (int i = 0; i < 10 * seconds; ++i) {
    cluster.Tick(100ms);
  }
  return static_cast<std::size_t>(std::ranges::count_if(cluster.sent, [](const Letter& letter) {
    return letter.from == Cluster::Member(0) && std::holds_alternative<Pull>(letter.message);
  }));
}

TEST(RepairTest, WhatNobodyCanGiveIsAskedForMoreAndMoreRarely) {
  Cluster cluster;
  Writer& writer = Opened(cluster, 5);
  cluster.Tick(1s);
  for (std::size_t i = 0; i < 6; ++i) {
    Damage(cluster, i, 3, 1);
    cluster.Restart(i);
  }
  EXPECT_LT(PullsOf(cluster, 60), 20U);
  EXPECT_EQ(cluster.replica(0).damaged().size(), 1U);
  Damage(cluster, 0, 1, 1);  // what others have comes all the same, and soon
  cluster.Restart(0);
  cluster.Tick(1s);
  cluster.Tick(1s);
  EXPECT_EQ(cluster.replica(0).damaged().size(), 1U);
  EXPECT_EQ(writer.state(), WriterState::kOpen);
}

// A disk that loses it again, or a reader that cannot make sense of it.
TEST(RepairTest, WhatIsBadAgainAfterEveryRepairIsPulledMoreAndMoreRarely) {
  Cluster cluster;
  Opened(cluster, 5);
  cluster.Tick(1s);
  const Lsn end = cluster.disk(0).log(1).at(3).end();
  cluster.sent.clear();
  simulation::Random random(5);
  for (int i = 0; i < 600; ++i) {
    if (!cluster.disk(0).damaged()) {
      cluster.disk(0).Flip(1, end, random);
    }
    EXPECT_NE(cluster.Read(0, 1, 0, {0, end}).status, ReadStatus::kOk);
    cluster.Tick(100ms);
  }
  const auto pulls = std::ranges::count_if(cluster.sent, [](const Letter& letter) {
    return letter.from == Cluster::Member(0) && std::holds_alternative<Pull>(letter.message);
  });
  EXPECT_LT(pulls, 25);
  EXPECT_GT(pulls, 5);
}

TEST(RepairTest, ACutTakesTheDamageAboveItAway) {
  Cluster cluster;
  Writer& first = Opened(cluster, 3);
  const Lsn shared = first.vdl();
  cluster.Reach({0});
  for (int i = 0; i < 3; ++i) {
    cluster.Append(first, 0, 66);  // a tail that will never be
    cluster.Pump();
  }
  cluster.Tick(1s);
  const std::size_t size = cluster.disk(0).log(1).size();
  Damage(cluster, 0, size - 4, 4);
  cluster.Restart(0);
  const Lsn begin = cluster.disk(0).log(1).at(size - 4).group.header().first;
  const std::vector<LsnRange> one{{begin, first.end()}};
  ASSERT_EQ(cluster.replica(0).damaged(), one);
  cluster.Reach({1, 2, 3, 4, 5});
  Writer& second = cluster.Start(2);
  cluster.Pump();
  cluster.ReachAll();
  cluster.Remind(second);
  cluster.Pump();
  const std::vector<LsnRange> rest{{begin, shared}};
  EXPECT_EQ(cluster.replica(0).damaged(), rest);
  cluster.Tick(1s);
  EXPECT_TRUE(cluster.replica(0).damaged().empty());
  EXPECT_FALSE(cluster.disk(0).damaged());
}

}  // namespace
}  // namespace sextant::protocol
