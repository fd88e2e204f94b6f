// Changes of members.
#include "tests/unit/protocol/cluster.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sextant::protocol {
namespace {

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
