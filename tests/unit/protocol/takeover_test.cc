// Seal, adopt, append: what each step promises, and the classical faults of takeovers.
#include "tests/unit/protocol/cluster.h"

#include <gtest/gtest.h>

namespace sextant::protocol {
namespace {

template <class M>
std::vector<M> Sent(const Cluster& cluster, std::size_t from) {
  std::vector<M> found;
  for (const Letter& letter : cluster.sent) {
    if (const auto* message = std::get_if<M>(&letter.message);
        message && letter.from == Cluster::Member(from)) {
      found.push_back(*message);
    }
  }
  return found;
}

TEST(TakeoverTest, FirstWriterOpensAndAppends) {
  Cluster cluster;
  Writer& writer = cluster.Start(1);
  cluster.Pump();
  ASSERT_EQ(writer.state(), WriterState::kOpen);
  const Lsn lsn = cluster.Append(writer, 0, 11);
  cluster.Pump();
  EXPECT_EQ(writer.vdl(), lsn);
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(cluster.replica(i).scl(), lsn);
  }
}

TEST(TakeoverTest, FourOfSixAreNeededAndEnough) {
  Cluster cluster;
  cluster.Reach({0, 1, 2});
  Writer& writer = cluster.Start(1);
  cluster.Pump();
  EXPECT_EQ(writer.state(), WriterState::kRecovering);  // three may seal, and not write
  cluster.Reach({0, 1, 2, 3});
  cluster.Remind(writer);
  cluster.Pump();
  EXPECT_EQ(writer.state(), WriterState::kOpen);
  cluster.Reach({0, 1, 2});
  const Lsn before = writer.vdl();
  const Lsn lsn = cluster.Append(writer, 0, 1);
  cluster.Pump();
  EXPECT_EQ(writer.vdl(), before);  // it waits, and does not fail
  cluster.ReachAll();
  cluster.Remind(writer);
  cluster.Pump();
  EXPECT_EQ(writer.vdl(), lsn);
}

TEST(TakeoverTest, ThreeSealsFenceTheOlderWriter) {
  Cluster cluster;
  Writer& old = cluster.Start(1);
  cluster.Pump();
  cluster.Append(old, 0, 1);
  cluster.Pump();
  const Lsn acknowledged = old.vdl();
  cluster.Reach({0, 1, 2});
  cluster.Start(2);
  cluster.Pump();
  cluster.ReachAll();
  cluster.Append(old, 0, 2);
  cluster.Pump();
  EXPECT_EQ(old.vdl(), acknowledged);
  EXPECT_EQ(old.state(), WriterState::kFenced);
}

// 1. Raft's figure 8: bytes of an old epoch on four nodes are not durable before a newer epoch's
// history is.
TEST(TakeoverTest, OldTailOnFourNodesCountsOnlyUnderTheNewHistory) {
  Cluster cluster;
  Writer& first = cluster.Start(1);
  cluster.Pump();
  cluster.Reach({0, 1});
  const Lsn tail = cluster.Append(first, 0, 1);
  cluster.Pump();
  cluster.Reach({1, 2, 3});
  Writer& second = cluster.Start(2);
  cluster.Pump();
  ASSERT_EQ(second.begin(), tail);  // the donor is node 1
  ASSERT_EQ(cluster.replica(3).scl(), tail);
  // The tail is on nodes 0, 1, 2 and 3, and only three of them adopted epoch 2.
  EXPECT_EQ(second.state(), WriterState::kRecovering);
  EXPECT_EQ(second.vdl(), 0U);
  cluster.Reach({1, 2, 3, 4});
  cluster.Remind(second);
  cluster.Pump();
  cluster.Gossip(1, 4);
  EXPECT_EQ(second.state(), WriterState::kOpen);
  EXPECT_GE(second.vdl(), tail);
}

// 2. A long log of an old epoch against shorter ones of the newest.
TEST(TakeoverTest, LastEpochGoesBeforeLength) {
  Cluster cluster;
  Writer& first = cluster.Start(1);
  cluster.Pump();
  cluster.Reach({0});
  for (std::uint64_t i = 0; i < 20; ++i) {
    cluster.Append(first, 0, i);
    cluster.Pump();
  }
  cluster.Reach({1, 2, 3, 4, 5});
  Writer& second = cluster.Start(2);
  cluster.Pump();
  const Lsn durable = cluster.Append(second, 1, 7);
  cluster.Pump();
  ASSERT_EQ(second.vdl(), durable);
  ASSERT_GT(cluster.replica(0).scl(), durable);
  cluster.Reach({0, 4, 5});
  Writer& third = cluster.Start(3);
  cluster.Pump();
  EXPECT_EQ(third.begin(), durable);
  cluster.ReachAll();
  cluster.Remind(third);
  cluster.Pump();
  cluster.Gossip(5, 0);
  EXPECT_EQ(third.state(), WriterState::kOpen);
  EXPECT_EQ(cluster.replica(0).record().history, third.history());
  EXPECT_EQ(cluster.replica(0).scl(), third.end());
}

// 3. A crash at every step of a truncation, with the power lost or not; each restart finishes what
// was begun.
TEST(TakeoverTest, CrashAtEveryStepOfATruncation) {
  for (const bool power : {true, false}) {
    for (int crash_after = 0; crash_after < 6; ++crash_after) {
      SCOPED_TRACE(crash_after);
      Cluster cluster;
      Writer& first = cluster.Start(1);
      cluster.Pump();
      const Lsn shared = cluster.Append(first, 0, 1);
      cluster.Pump();
      cluster.Reach({0});
      cluster.Append(first, 0, 2);
      cluster.Pump();
      ASSERT_GT(cluster.replica(0).scl(), shared);
      cluster.Reach({1, 2, 3, 4, 5});
      Writer& second = cluster.Start(2);
      cluster.Pump();
      const Lsn lsn = cluster.Append(second, 0, 3);
      cluster.Pump();
      ASSERT_EQ(second.vdl(), lsn);
      cluster.ReachAll();
      cluster.held_disks = {0};
      for (int step = 0; step < crash_after; ++step) {
        cluster.Remind(second);
        cluster.Pump();
        cluster.StepDisk(0);
        cluster.Pump();
      }
      cluster.held_disks.clear();
      cluster.Restart(0, power);
      for (int round = 0; round < 3; ++round) {
        cluster.Remind(second);
        cluster.Pump();
        cluster.Gossip(1, 0);
      }
      EXPECT_EQ(cluster.replica(0).scl(), second.end());
      EXPECT_EQ(cluster.replica(0).record().history, second.history());
      EXPECT_FALSE(cluster.replica(0).record().intent.has_value());
    }
  }
}

// 4. An append is on its way to the disk when the seal comes: the answer counts it, and the old
// writer hears nothing.
TEST(TakeoverTest, AppendInFlightWhileSealing) {
  Cluster cluster;
  Writer& first = cluster.Start(1);
  cluster.Pump();
  cluster.held_disks = {0};
  const Lsn lsn = cluster.Append(first, 0, 1);
  cluster.Pump();
  ASSERT_LT(cluster.replica(0).scl(), lsn);
  const auto before = Sent<Appended>(cluster, 0).size();
  cluster.Start(2);
  cluster.Pump();
  EXPECT_EQ(Sent<Sealed>(cluster, 0).back().epoch, 1U);  // nothing is promised before it is on disk
  ASSERT_TRUE(cluster.StepDisk(0));                      // the groups
  EXPECT_EQ(Sent<Sealed>(cluster, 0).back().epoch, 1U);
  ASSERT_TRUE(cluster.StepDisk(0));  // the promise
  EXPECT_EQ(Sent<Sealed>(cluster, 0).back().epoch, 2U);
  EXPECT_EQ(Sent<Sealed>(cluster, 0).back().scl, lsn);
  EXPECT_EQ(Sent<Appended>(cluster, 0).size(), before);
}

TEST(TakeoverTest, NothingIsAcknowledgedBeforeItsSync) {
  Cluster cluster;
  Writer& writer = cluster.Start(1);
  cluster.Pump();
  const Lsn before = writer.vdl();
  cluster.held_disks = {0, 1, 2};
  const Lsn lsn = cluster.Append(writer, 0, 1);
  cluster.Append(writer, 0, 2);
  cluster.Pump();
  EXPECT_EQ(writer.vdl(), before);
  // The two groups share what is left: one sync was running for the first, one comes for the
  // second.
  EXPECT_TRUE(cluster.StepDisk(0));
  cluster.Pump();
  EXPECT_EQ(writer.vdl(), lsn);
  EXPECT_TRUE(cluster.StepDisk(0));
  EXPECT_FALSE(cluster.StepDisk(0));
  cluster.Pump();
  EXPECT_EQ(writer.vdl(), writer.end());
}

// 5. What an older connection of the same epoch sent comes again, late and in another order.
TEST(TakeoverTest, LateAdoptAndAppendChangeNothing) {
  Cluster cluster;
  std::vector<Letter> recorded;
  cluster.hold = [&](const Letter& letter) {
    if (std::holds_alternative<Adopt>(letter.message) ||
        std::holds_alternative<Append>(letter.message) ||
        std::holds_alternative<Seal>(letter.message)) {
      recorded.push_back(letter);
    }
    return false;
  };
  Writer& writer = cluster.Start(1);
  cluster.Pump();
  for (std::uint64_t i = 0; i < 5; ++i) {
    cluster.Append(writer, 0, i);
    cluster.Pump();
  }
  cluster.hold = nullptr;
  const Lsn end = writer.end();
  for (auto letter = recorded.rbegin(); letter != recorded.rend(); ++letter) {
    cluster.Deliver(*letter);
    cluster.Pump();
  }
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(cluster.replica(i).scl(), end);
    EXPECT_EQ(cluster.replica(i).record().history, writer.history());
  }
}

// 6. A number used twice, and a writer that slept through a takeover.
TEST(TakeoverTest, OneNumberHasOneWriter) {
  Cluster cluster;
  cluster.Reach({0, 1, 2});
  Writer& one = cluster.Start(1);
  cluster.Pump();
  cluster.ReachAll();
  Writer& other = cluster.StartAs({2, 777}, 1);
  cluster.Pump();
  EXPECT_EQ(other.state(), WriterState::kFenced);
  cluster.Remind(one);
  cluster.Pump();
  EXPECT_NE(one.state(), WriterState::kOpen);  // three nodes each: nobody wins, and nobody is wrong
}

TEST(TakeoverTest, ASleeperLearnsNothingNewFromOldAnswers) {
  Cluster cluster;
  Writer& sleeper = cluster.Start(1);
  cluster.Pump();
  const Lsn before = sleeper.vdl();
  cluster.hold = [&](const Letter& letter) { return letter.to == sleeper.client(); };
  const Lsn kept = cluster.Append(sleeper, 0, 1);
  cluster.Pump();
  Writer& second = cluster.Start(2);
  cluster.Pump();
  ASSERT_EQ(second.state(), WriterState::kOpen);
  ASSERT_EQ(second.begin(), kept);
  cluster.Append(sleeper, 0, 2);  // to nodes that are promised to another
  cluster.Pump();
  cluster.hold = nullptr;
  for (const Letter& letter : std::exchange(cluster.held(), {})) {
    cluster.Deliver(letter);
  }
  cluster.Pump();
  EXPECT_GT(kept, before);
  EXPECT_EQ(sleeper.vdl(), kept);  // true: the new epoch holds it
  EXPECT_EQ(sleeper.state(), WriterState::kFenced);
}

// 8. What a node knew of the VDL is lost with the power, of all six at once or of three.
TEST(TakeoverTest, VdlSurvivesThePowerCutOfAll) {
  for (const std::size_t restarted : {std::size_t{6}, std::size_t{3}}) {
    Cluster cluster;
    Writer& first = cluster.Start(1);
    cluster.Pump();
    cluster.Append(first, 0, 1);
    cluster.Append(first, 0, 2);
    cluster.Pump();
    const Lsn vdl = first.vdl();
    for (std::size_t i = 0; i < restarted; ++i) {
      cluster.Restart(i);
    }
    cluster.Reach({0, 1, 2});
    Writer& second = cluster.Start(2);
    cluster.Pump();
    EXPECT_GE(second.begin(), vdl);
    cluster.ReachAll();
    cluster.Remind(second);
    cluster.Pump();
    EXPECT_EQ(second.state(), WriterState::kOpen);
    EXPECT_GE(second.vdl(), vdl);
  }
}

TEST(TakeoverTest, APromiseIsNotForgotten) {
  Cluster cluster;
  cluster.Start(5);
  cluster.Pump();
  for (std::size_t i = 0; i < 6; ++i) {
    cluster.Restart(i);
  }
  Writer& older = cluster.Start(4);
  cluster.Pump();
  EXPECT_EQ(older.state(), WriterState::kFenced);
}

TEST(TakeoverTest, BackPressureAndLimits) {
  Cluster cluster;
  const ClientId client{2, 9};
  Writer writer({.outstanding_bytes = 100}, {.id = 1, .parent = 0, .fork = 0}, 1, client,
                cluster.configuration());
  Effects effects;
  EXPECT_EQ(writer.Append({}, 0, effects).error(), AppendError::kNotOpen);
  Writer& open = cluster.Start(1);
  cluster.Pump();
  const std::vector<Record> huge(Group::kMaximumSize / kPageSize,
                                 PageImage{{1, 1}, Bytes(kPageSize)});
  EXPECT_EQ(open.Append(huge, 0, effects).error(), AppendError::kTooLarge);
  EXPECT_TRUE(effects.messages.empty());
}

TEST(TakeoverTest, TimeInTheLogNeverGoesBack) {
  Cluster cluster;
  Writer& writer = cluster.Start(1);
  cluster.Pump();
  Effects effects;
  ASSERT_TRUE(writer.Append({}, 5000, effects).has_value());
  ASSERT_TRUE(writer.Append({}, 10, effects).has_value());  // the clock jumped
  const auto& append = std::get<Append>(effects.messages.back().message);
  EXPECT_EQ(append.groups.back().header().time, 5000U);
}

}  // namespace
}  // namespace sextant::protocol
